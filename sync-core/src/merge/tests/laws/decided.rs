//! What was decided and assigned on the to-review list.

use std::collections::{BTreeMap, BTreeSet};

use super::super::random::{Edited, Raw};
use super::ended::may_be_in_error;
use super::look::Look;
use super::*;
use crate::entry::{HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, Value};

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

/// A proposal that one clinician left out and another took up, neither knowing of the other, is
/// settled by neither: it is asked until somebody decides on that, or writes the field anew.
pub fn crossed_decisions_are_asked(look: &Look<'_>) -> Option<String> {
    let discards = decisions(look, "discard").filter(|(_, raw)| raw.edits.len() == 1);
    let mut crossed = discards.filter_map(|(item, decision)| {
        let (entry, rest) = item.strip_prefix("proposal/")?.split_once('/')?;
        let (field, _) = rest.rsplit_once('/')?;
        let of = look.raws.iter();
        let mut of = of.filter(|raw| raw.entry.to_string() == entry);
        let raw = of.next().filter(|raw| !may_be_in_error(raw))?;
        let by = decision.first();
        let takes = |edit: &&&Edited| {
            let mut proposals = raw.edits.iter();
            let accepts = proposals.any(|proposal| edit.accepts(proposal, field));
            let over = raw.edits.iter().any(|later| later.saw(edit));
            accepts && !over && edit.apart(by)
        };
        raw.confirming().find(|edit| takes(&edit))?;
        raw.confirms(by).then_some(raw)
    });
    crossed
        .find(|raw| {
            let asked = |item: &ReviewItem| {
                item.code == FlagCode::DecidedDifferently && item.entries == [raw.entry]
            };
            let name = format!("decided-differently/{}", raw.entry);
            let mut decided = decisions(look, "confirm");
            !look.review.iter().any(asked) && !decided.any(|(item, _)| item.starts_with(&name))
        })
        .map(|raw| format!("nobody is asked of {}", raw.entry))
}

/// A decision is kept from those from whom its maker knew an entry to be kept that it names,
/// whatever anybody writes into it.
pub fn decisions_are_as_hidden_as_what_they_touch(look: &Look<'_>) -> Option<String> {
    let all = || look.raws.iter().chain(&look.unseen);
    let mut decided = all().filter(|raw| raw.kind == "review-decision");
    decided.find_map(|raw| {
        let by = raw.first();
        let named = by.wrote_text("on").unwrap_or_default();
        let known = all().filter(|of| named.contains(&of.entry.to_string()));
        let view = look.views.iter().find(|view| view.id == raw.entry)?;
        let shown = &view.visibility;
        known.into_iter().find_map(|of| {
            let hidden = |key: &str| {
                let wrote = of.edits.iter().filter(|edit| by.saw(edit));
                let wrote: Vec<&&Edited> = wrote.filter(|edit| edit.wrote(key).is_some()).collect();
                let mut last = wrote
                    .iter()
                    .filter(|edit| !wrote.iter().any(|later| later.saw(edit)));
                last.any(|edit| edit.wrote(key) == Some(Some(&Value::Bool(true))))
            };
            let open = (hidden(HIDDEN_FROM_PROFESSIONALS) && !shown.hidden_from_professionals)
                || (hidden(HIDDEN_FROM_REPRESENTATIVES) && !shown.hidden_from_representatives);
            open.then(|| format!("decision {} on {} is open", raw.entry, of.entry))
        })
    })
}
