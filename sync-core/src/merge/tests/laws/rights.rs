//! Rights, which the holder alone writes, on two telephones: the most restrictive stands.

use std::collections::BTreeSet;

use super::super::random::{Edited, Raw, role};
use super::look::Look;
use super::*;
use crate::entry::Value;

fn ticks(raw: &Raw<'_>, key: &str) -> Vec<u64> {
    let said = raw.last(key).into_iter();
    let said = said.filter_map(|edit| match edit.wrote(key)?? {
        Value::Uint(tick) => Some(*tick),
        _ => None,
    });
    said.collect()
}

/// Whether a right is taken back: by any word that it is, of those that nobody wrote over who knew
/// them. A block is lifted only by somebody who knew every edit of whom it blocks and when.
fn is_taken_back(raw: &Raw<'_>) -> bool {
    let last = raw.last("status").into_iter();
    let mut ends = last.filter(|edit| edit.status().is_some_and(|code| code != "active"));
    let made_again = |end: &Edited| {
        raw.edits.iter().any(|edit| {
            let whom = ["person", "starts", "ends"]
                .iter()
                .any(|key| edit.wrote(key).is_some());
            end.apart(edit) && (whom || edit.status().as_deref() == Some("active"))
        })
    };
    let error = |edit: &Edited| {
        let code = edit.status().unwrap_or_default();
        ["entered-in-error", "wrong-patient"].contains(&code.as_str())
    };
    ends.any(|end| raw.kind != "block" || error(end) || !made_again(end))
}

pub fn rights_are_the_most_restrictive(look: &Look<'_>) -> Option<String> {
    let kinds = ["grant", "block", "delegation"];
    let mut raws = look
        .raws
        .iter()
        .filter(|raw| kinds.contains(&raw.kind.as_str()));
    raws.find_map(|raw| {
        let told = right_fact(look.view(raw.entry));
        let Some(told) = told else {
            return Some(format!("{} says nothing", raw.entry));
        };
        let block = raw.kind == "block";
        let ends = ticks(raw, "ends").into_iter();
        let ends = if block { ends.max() } else { ends.min() };
        let starts = ticks(raw, "starts").into_iter();
        let starts = if block { starts.min() } else { starts.max() };
        let last = raw.last("write").into_iter();
        let mut no = last.filter(|edit| edit.wrote("write") != Some(Some(&Value::Bool(true))));
        let write = raw.kind == "grant" && no.next().is_none();
        let expected = (is_taken_back(raw), starts.map(Tick), ends.map(Tick), write);
        let found = (told.revoked, told.starts, told.ends, told.write);
        (expected != found)
            .then(|| format!("{} {}: {found:?}, not {expected:?}", raw.kind, raw.entry))
    })
}

/// What is shown of a right's bounds is what counts.
pub fn the_bounds_shown_are_the_most_restrictive(look: &Look<'_>) -> Option<String> {
    let kinds = ["grant", "block", "delegation"];
    let raws = look.raws.iter();
    let mut raws = raws.filter(|raw| kinds.contains(&raw.kind.as_str()));
    raws.find_map(|raw| {
        let view = look.view(raw.entry);
        let shown = |key: &str| {
            let current = view.field(key).map_or(&[][..], |field| &field.current);
            current.iter().find_map(|value| match value {
                Value::Uint(tick) => Some(*tick),
                _ => None,
            })
        };
        let (starts, ends) = (ticks(raw, "starts"), ticks(raw, "ends"));
        let (starts, ends) = (starts.into_iter(), ends.into_iter());
        let expected = match raw.kind.as_str() {
            "block" => (starts.min(), ends.max()),
            _ => (starts.max(), ends.min()),
        };
        let found = (shown("starts"), shown("ends"));
        (found != expected).then(|| format!("{}: shows {found:?}, not {expected:?}", raw.entry))
    })
}

/// Of those who help a person, only three do: the holder is told of each delegation beyond.
pub fn a_fourth_caregiver_waits(look: &Look<'_>) -> Option<String> {
    if look.of_kind("block").next().is_some() || role(look.device) != Role::Holder {
        return None;
    }
    let plain = look.of_kind("delegation").filter(|raw| {
        let bounds = raw.wrote("starts").is_empty() && raw.wrote("ends").is_empty();
        raw.was_never_ended() && bounds
    });
    let people: BTreeSet<&str> = plain
        .filter_map(|raw| raw.first().wrote_text("person"))
        .collect();
    let waiting = look.review.iter();
    let waiting = waiting
        .filter(|item| item.code == FlagCode::CaregiverWaits)
        .count();
    (people.len() > 3 + waiting).then(|| format!("{waiting} wait of {people:?}"))
}
