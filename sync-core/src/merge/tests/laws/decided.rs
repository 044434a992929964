//! What was decided and assigned on the to-review list.

use std::collections::{BTreeMap, BTreeSet};

use super::super::random::Raw;
use super::look::Look;

/// The decisions with a verdict that nobody ever wrote into again, with the item they are about.
fn decisions<'l>(
    look: &'l Look<'_>,
    verdict: &'l str,
) -> impl Iterator<Item = (&'l str, &'l Raw<'l>)> {
    let all = look.of_kind("review-decision");
    let all = all.filter(move |raw| raw.first().wrote_text("decision") == Some(verdict));
    all.filter_map(|raw| Some((raw.first().wrote_text("item")?, raw)))
}

/// What somebody told apart is not asked again, as long as nobody takes that back.
pub fn what_was_told_apart_is_remembered(look: &Look<'_>) -> Option<String> {
    let kept = decisions(look, "not-a-duplicate").filter(|(_, raw)| raw.edits.len() == 1);
    let mut duplicates = kept.filter(|(item, _)| item.starts_with("possible-duplicate/"));
    duplicates
        .find(|(item, _)| look.review.iter().any(|asked| asked.key == *item))
        .map(|(item, _)| item.to_owned())
}

/// An assignment replaces those its maker had seen; of two made apart both stand.
pub fn assignments_stand_that_nobody_knew(look: &Look<'_>) -> Option<String> {
    let mut topics: BTreeMap<&str, Vec<&Raw<'_>>> = BTreeMap::new();
    for (topic, raw) in decisions(look, "assign") {
        topics.entry(topic).or_default().push(raw);
    }
    topics.into_iter().find_map(|(topic, all)| {
        let hides = |raw: &&Raw<'_>| raw.keys().iter().any(|key| key.starts_with("hidden-"));
        if all.iter().any(|raw| raw.edits.len() > 1 || hides(raw)) {
            return None;
        }
        let item = look.review.iter().find(|item| item.topic == topic)?;
        let last = all.iter();
        let last = last.filter(|one| !all.iter().any(|other| other.first().saw(one.first())));
        let people = last.filter_map(|one| one.first().wrote_text("assignee"));
        let people: BTreeSet<String> = people.map(str::to_owned).collect();
        let assigned = item
            .assigned
            .iter()
            .map(|assignment| assignment.to.to_string());
        let assigned: BTreeSet<String> = assigned.collect();
        (assigned != people).then(|| format!("{topic} to {assigned:?}, not {people:?}"))
    })
}
