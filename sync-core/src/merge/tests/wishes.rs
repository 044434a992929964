//! Many advance directives beside each other.

use super::*;
use crate::entry::{Value, Write};

/// So many are in force together, and as many that are later were revoked by name.
const MANY: usize = 20;

fn wish(what: &str, date: &str, revokes: Option<EntryId>) -> Vec<Write> {
    let mut writes = vec![
        Write::set("kind", "advance-directive"),
        Write::set("schema", Value::Uint(1)),
        Write::set("directive", what),
        Write::set("text", "Tout essayer."),
        Write::set("occurred", date),
    ];
    writes.extend(revokes.map(|entry| Write::set("revokes", entry.to_string())));
    writes
}

/// The questions to the holder are as many as what counts, and each can be read and answered: it
/// names the latest of what may have replaced it.
#[test]
fn of_many_directives_each_that_counts_is_asked_about_once() {
    let mut story = Story::default();
    let holder = story.party(Role::Holder);
    let mut later = Vec::new();
    for number in 0..MANY {
        let old = story.next_entry();
        story.write(holder, old, &wish("directive", "2015-03-01", None));
        let new = story.next_entry();
        let date = format!("{}-01-10", 2000 + 16 + number);
        story.write(holder, new, &wish("directive", &date, None));
        let back = story.next_entry();
        story.write(holder, back, &wish("revocation", "2040-02-01", Some(new)));
        later.push(new);
    }
    story.settle();
    let items = story.review(holder);
    let asked = items
        .iter()
        .filter(|item| item.code == FlagCode::DirectiveRevived);
    let asked: Vec<&ReviewItem> = asked.collect();
    assert_eq!(asked.len(), MANY);
    for item in asked {
        assert!(item.entries.len() <= 33, "{}", item.entries.len());
        assert_eq!(item.in_force.len(), 1);
        assert!(item.entries.contains(&later[later.len() - 1]));
        assert!(!item.entries.contains(&later[0]));
    }
}
