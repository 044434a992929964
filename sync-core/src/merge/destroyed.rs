//! Which entries must be destroyed: those about another patient.

use std::collections::BTreeMap;

use super::history::{History, Said};
use super::{Rule, Rules};
use crate::ChangeHash;
use crate::change::Provenance;
use crate::entry::{EntryState, STATUS};
use crate::kind::{JsonScalar as _, Kind, Status, StatusCode};

/// Whether whoever keeps an entry whose changes have these provenances must destroy its content.
///
/// It must when a *wrong patient* stands that a physician, midwife or dentist within competence
/// said or took up, or the author of an entry in which nobody else wrote: nothing, that is, of what
/// has arrived. An edit that arrives later is refused, and stays with whoever made it. Of anybody else a
/// pharmacist or nurse in what is theirs, or an author, takes it out of view and leaves it to
/// review; the others propose. Rights and decisions are about nobody's health, and are taken back
/// instead.
pub fn destroys(state: &EntryState, provenance: &BTreeMap<ChangeHash, Provenance>) -> bool {
    !destroyers(state, provenance).is_empty()
}

/// The changes whose *wrong patient* stands and must destroy the entry's content, as [`destroys`] has
/// it: each by itself.
pub fn destroyers(
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> Vec<ChangeHash> {
    destroyers_by(Rules::ALL, state, provenance)
}

/// [`destroys`] by some of the rules.
#[cfg(test)]
pub(super) fn destroys_by(
    rules: Rules,
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> bool {
    !destroyers_by(rules, state, provenance).is_empty()
}

fn destroyers_by(
    rules: Rules,
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> Vec<ChangeHash> {
    // Few entries have anything of the kind in their history; the others cost no more than this.
    let mut all = state.history.iter();
    let says = |status: Option<Status>| status.is_some_and(|status| is_wrong_patient(&status));
    if !all.any(|past| says(past.wrote(STATUS).flatten().and_then(Status::from_value)))
        || !rules.has(Rule::WrongPatient)
    {
        return Vec::new();
    }
    let history = History::new(rules, state, provenance);
    let fields = history.fields();
    let standing = fields.get(STATUS).map(|field| field.standing.as_slice());
    let marks = standing_marks(&history, standing.unwrap_or_default());
    let said = marks.filter_map(|said| state.history.get(said.change));
    said.map(|past| past.hash).collect()
}

/// Whether one of the statuses that stand destroys the entry's content.
pub(super) fn is_destroyed_by(history: &History<'_>, statuses: &[Said<'_>]) -> bool {
    standing_marks(history, statuses).next().is_some()
}

/// Of the statuses that stand, those that destroy the entry's content.
fn standing_marks<'s, 'h>(
    history: &'s History<'h>,
    statuses: &'s [Said<'h>],
) -> impl Iterator<Item = &'s Said<'h>> {
    let ever = can_be_destroyed(history);
    statuses.iter().filter(move |said| {
        let status = said.value.and_then(Status::from_value);
        ever && status.is_some_and(|status| is_wrong_patient(&status))
            && (!history.rules.has(Rule::WrongPatientSpares)
                || history.is_of_clinician(said.change)
                || (history.is_of_author(said.change)
                    && history.of_others(said.change).next().is_none()))
    })
}

/// Whether an entry of this kind is ever destroyed.
pub(super) fn can_be_destroyed(history: &History<'_>) -> bool {
    history.kind.right().is_none()
        && ![Kind::EmergencySwitches, Kind::ReviewDecision].contains(&history.kind)
}

fn is_wrong_patient(status: &Status) -> bool {
    status.status == StatusCode::WrongPatient
}
