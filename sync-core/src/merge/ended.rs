//! Endings that are written as a field: how a pregnancy ended, when a device was taken out, when a
//! condition was over. Against a concurrent edit they count as little as a status that says so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::history::{Field, History};
use super::rules::beside;
use super::{EntryView, FieldClaim, Flag, FlagCode, Rule, Rules};
use crate::entry::{SCHEMA, Value};
use crate::kind::{Kind, Occurred, PregnancyOutcome, condition, device, pregnancy};

/// The fields that say that an entry of a kind is over.
pub(super) fn endings(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pregnancy => &[pregnancy::OUTCOME, pregnancy::ENDED],
        Kind::Device => &[device::REMOVED],
        Kind::Condition => &[condition::ENDED],
        _ => &[],
    }
}

/// Whether writing this under a key ends an entry of a kind; clearing the field does not, nor does
/// an outcome that nobody knows.
pub(super) fn ends(kind: &Kind, key: &str, value: Option<&Value>) -> bool {
    let says = |value: &Value| *value != Value::Null && !is_unknown(key, value);
    endings(kind).contains(&key) && value.is_some_and(says)
}

/// Whether it says of a pregnancy that nobody knows how it ended: then it may not have.
fn is_unknown(key: &str, value: &Value) -> bool {
    key == pregnancy::OUTCOME && value.as_text() == Some(PregnancyOutcome::Unknown.code())
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
        let proposed = written.get(key).map_or(&[][..], |field| &field.proposals);
        for change in ending.map(|said| said.change) {
            let beside = beside(history, change, false);
            // Whether this very field holds anything is in doubt by its own values, but for those
            // that are only proposed.
            let open = |edit: usize| proposed.iter().any(|said| said.change == edit);
            let other = |edit: &usize| !only_clears(history, *edit, key) || open(*edit);
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
/// partial date counts from its last day on: until then it may not be over.
pub(super) fn is_ended_by(rules: Rules, view: &EntryView, key: &str, today: Date) -> bool {
    let for_certain = rules.has(Rule::EndedForCertain);

    let in_doubt = |flag: &Flag| {
        let field = flag.field.as_deref();
        flag.code == FlagCode::StatusAgainstEdit
            && field.is_some_and(|field| endings(&view.kind).contains(&field))
    };
    let past = |claim: &FieldClaim| {
        let date = claim.value.as_text().map(str::parse::<Occurred>);
        let since = |when: Occurred| match for_certain {
            true => when.last_day(),
            false => when.first_day(),
        };
        let past = date.is_some_and(|date| date.is_ok_and(|when| since(when) <= today));
        let unknown = for_certain && is_unknown(key, &claim.value);
        past || (key == pregnancy::OUTCOME && !unknown)
    };
    view.is_said(key) && view.claims(key).iter().all(past) && !view.flags.iter().any(in_doubt)
}
