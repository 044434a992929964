//! Advance directives: many beside each other, and whose word counts.

use super::*;
use crate::entry::STATUS;
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

/// A directive that its holder closed while a physician wrote a note in it, and who they are.
fn closed_beside_a_note() -> (Story, Party, Party, EntryId) {
    let mut story = Story::default();
    let holder = story.party(Role::Holder);
    let doctor = story.party(DOCTOR);
    let entry = story.next_entry();
    story.write(holder, entry, &wish("directive", "2022-01-10", None));
    story.settle();
    story.write(
        holder,
        entry,
        &[status_of(StatusCode::Inactive, "je réfléchis")],
    );
    story.write(doctor, entry, &[Write::set("notes", "Relue ensemble.")]);
    story.settle();
    (story, holder, doctor, entry)
}

fn status_of(code: StatusCode, why: &str) -> Write {
    Write::set(STATUS, Status::because(code, why).to_value())
}

#[test]
fn no_word_of_a_physicians_settles_whether_a_wish_counts() {
    let (mut story, holder, doctor, entry) = closed_beside_a_note();
    let item = story.review(doctor).remove(0);
    assert_eq!(
        (item.code, &item.verdicts[..]),
        (FlagCode::StatusAgainstEdit, &[][..])
    );
    // By a program that offers it all the same.
    story.create(
        doctor,
        ReviewDecisionDraft {
            on: Some(entry.to_string()),
            ..ReviewDecisionDraft::new(item.key.as_str(), Verdict::Confirm)
        },
    );
    story.settle();
    let doubts = |story: &Story| directives(&story.views()).doubts(&entry);
    assert_eq!(items(&story.review(holder)), ["status-against-edit"]);
    assert_eq!(doubts(&story), [FlagCode::StatusAgainstEdit]);
    // To say that it stays active is a proposal of theirs, and settles nothing either.
    let note = item.claims.iter().find(|side| side.field == "notes");
    let note = note.expect("a side").claim.change;
    story.resolve(doctor, 0, &Choice::Take(note));
    assert_eq!(
        items(&story.review(holder)),
        ["proposal", "status-against-edit"]
    );
    story.resolve(holder, 0, &Choice::Decide(Verdict::Discard));
    story.resolve(holder, 0, &Choice::Decide(Verdict::Confirm));
    assert_eq!(items(&story.review(holder)), [""; 0]);
    assert_eq!(doubts(&story), []);
}

/// What is said to take up a proposal before there is one takes nothing up, and keeps nobody from
/// taking it up.
#[test]
fn nothing_is_taken_up_beforehand() {
    let (mut story, holder, doctor, entry) = closed_beside_a_note();
    let again = status_of(StatusCode::Active, "elle l’a dit");
    let mut elsewhere = story.clone();
    let proposal = elsewhere.write(doctor, entry, std::slice::from_ref(&again));
    elsewhere.settle();
    let item = elsewhere.review(holder).remove(0);
    let accepted = resolve(&item, &Choice::Decide(Verdict::Accept)).expect("it is offered");
    let (_, writes) = &accepted.edits[0];
    // The holder writes it without the proposal, and the physician what the holder is to write.
    let same = story.write(doctor, entry, std::slice::from_ref(&again));
    story.write(holder, entry, writes);
    assert_eq!(same, proposal, "the very change that was foreseen");
    story.settle();
    assert_eq!(story.view(entry).proposals().count(), 1);
    let item = story.review(holder).remove(0);
    let accepted = resolve(&item, &Choice::Decide(Verdict::Accept)).expect("it is offered");
    story.write(doctor, entry, &accepted.edits[0].1);
    story.settle();
    story.resolve(holder, 0, &Choice::Decide(Verdict::Accept));
    assert_eq!(story.view(entry).proposals().count(), 0);
    assert_eq!(items(&story.review(holder)), [""; 0]);
}

/// Whether the holder ended a wish is worked out from each edit on, however many statuses of theirs
/// were written apart.
#[test]
fn the_holders_last_words_are_found_once() {
    let steps = |devices: usize| {
        let mut story = Story::default();
        story.orders = 1;
        let holders: Vec<Party> = (0..devices).map(|_| story.party(Role::Holder)).collect();
        let doctor = story.party(DOCTOR);
        let entry = story.next_entry();
        story.write(holders[0], entry, &wish("directive", "2022-01-10", None));
        story.settle();
        for holder in holders {
            story.write(holder, entry, &[status_of(StatusCode::Inactive, "non")]);
        }
        story.settle();
        for number in 0..40 {
            let why = format!("{number}");
            story.write(doctor, entry, &[status_of(StatusCode::Active, &why)]);
        }
        story.settle();
        let (state, provenance) = (story.state(entry), story.provenance());
        let (view, steps) = crate::entry::work::of(|| view(entry, &state, &provenance));
        assert_eq!(view.proposals().count(), 1);
        steps
    };
    let (few, many) = (steps(20), steps(40));
    assert!(few > 0 && many <= 2 * few, "{few} and {many}");
}
