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
    destroys_by(Rules::ALL, state, provenance)
}

/// [`destroys`] by some of the rules.
pub(super) fn destroys_by(
    rules: Rules,
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> bool {
    // Few entries have anything of the kind in their history; the others cost no more than this.
    let mut all = state.history.iter();
    let says = |status: Option<Status>| status.is_some_and(|status| is_wrong_patient(&status));
    if !all.any(|past| says(past.wrote(STATUS).flatten().and_then(Status::from_value)))
        || !rules.has(Rule::WrongPatient)
    {
        return false;
    }
    let history = History::new(rules, state, provenance);
    let fields = history.fields();
    let standing = fields.get(STATUS).map(|field| field.standing.as_slice());
    is_destroyed_by(&history, standing.unwrap_or_default())
}

/// Whether one of the statuses that stand destroys the entry's content.
pub(super) fn is_destroyed_by(history: &History<'_>, statuses: &[Said<'_>]) -> bool {
    can_be_destroyed(history)
        && statuses.iter().any(|said| {
            let status = said.value.and_then(Status::from_value);
            status.is_some_and(|status| is_wrong_patient(&status))
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
