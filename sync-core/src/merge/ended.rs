//! Endings that are written as a field: how a pregnancy ended, when a device was taken out, when a
//! condition was over. Against a concurrent edit they count as little as a status that says so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::history::{Field, History};
use super::rules::beside;
use super::{EntryView, FieldClaim, Flag, FlagCode, Rule};
use crate::entry::{SCHEMA, Value};
use crate::kind::{Kind, Occurred, StatusCode, condition, device, pregnancy};

/// The fields that say that an entry of a kind is over.
pub(super) fn endings(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pregnancy => &[pregnancy::OUTCOME, pregnancy::ENDED],
        Kind::Device => &[device::REMOVED],
        Kind::Condition => &[condition::ENDED],
        _ => &[],
    }
}

/// Whether writing this under a key ends an entry of a kind; clearing the field does not.
pub(super) fn ends(kind: &Kind, key: &str, value: Option<&Value>) -> bool {
    endings(kind).contains(&key) && value.is_some_and(|value| *value != Value::Null)
}

/// The status that says of an entry of a kind what its ending says.
pub(super) fn status_of_ended(kind: &Kind) -> StatusCode {
    match kind {
        Kind::Condition => StatusCode::Resolved,
        _ => StatusCode::Inactive,
    }
}

/// The endings that stand beside edits whose authors had not seen them, nor were seen: one flag a
/// change, on the field that says it.
pub(super) fn against_edits(
    history: &History<'_>,
    written: &BTreeMap<&str, Field<'_>>,
) -> Vec<Flag> {
    if !history.rules.has(Rule::EndedAgainstEdit) {
        return Vec::new();
    }
    let mut told = BTreeSet::new();
    let mut flags = Vec::new();
    for key in endings(&history.kind) {
        let said = written.get(key).map_or(&[][..], |field| &field.standing);
        let ending = said
            .iter()
            .filter(|said| ends(&history.kind, key, said.value));
        for change in ending.map(|said| said.change) {
            let beside = beside(history, change, false);
            // Whether this very field holds anything is in doubt by its own values.
            let other = |edit: &usize| !only_clears(history, *edit, key);
            let beside: Vec<usize> = beside.into_iter().filter(other).collect();
            if !beside.is_empty() && told.insert(change) {
                let all = beside.iter().chain([&change]).map(|one| history.hash(*one));
                flags.push(Flag::new(FlagCode::StatusAgainstEdit, Some(key), all));
            }
        }
    }
    flags
}

fn only_clears(history: &History<'_>, edit: usize, key: &str) -> bool {
    let clears = |value: Option<&Value>| value.is_none_or(|value| *value == Value::Null);
    let mut says = history.says(edit);
    says.all(|write| write.key == SCHEMA || (write.key == key && clears(write.value.as_ref())))
}

/// Whether somebody said under this key that the entry is over by a day: nobody says at the same
/// time that it is not, or only later, and no edit stands beside it whose author did not know. A
/// partial date counts from its first day on.
pub(super) fn is_ended_by(view: &EntryView, key: &str, today: Date) -> bool {
    let in_doubt = |flag: &Flag| {
        let field = flag.field.as_deref();
        flag.code == FlagCode::StatusAgainstEdit
            && field.is_some_and(|field| endings(&view.kind).contains(&field))
    };
    let past = |claim: &FieldClaim| {
        let date = claim.value.as_text().map(str::parse::<Occurred>);
        let past = date.is_some_and(|date| date.is_ok_and(|when| when.first_day() <= today));
        past || key == pregnancy::OUTCOME
    };
    view.is_said(key) && view.claims(key).iter().all(past) && !view.flags.iter().any(in_doubt)
}
