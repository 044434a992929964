//! Which entries must be destroyed: those about another patient.

use std::collections::BTreeMap;

use super::history::History;
use super::{Rule, Rules};
use crate::ChangeHash;
use crate::change::Provenance;
use crate::entry::{EntryState, STATUS, Value};
use crate::kind::{JsonScalar as _, Kind, Status, StatusCode};

/// Whether whoever keeps an entry whose changes have these provenances must destroy its content.
///
/// It must when a *wrong patient* stands that a clinician said or took up, or the author of an
/// entry in which no clinician wrote. What anybody else says is a proposal, and destroys nothing.
/// Rights and decisions are about nobody's health, and are taken back instead.
pub fn destroys(state: &EntryState, provenance: &BTreeMap<ChangeHash, Provenance>) -> bool {
    destroys_by(Rules::ALL, state, provenance)
}

/// [`destroys`] by some of the rules.
pub(super) fn destroys_by(
    rules: Rules,
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> bool {
    let says = |value: Option<&Value>| {
        let status = value.and_then(Status::from_value);
        status.is_some_and(|status| status.status == StatusCode::WrongPatient)
    };
    // Few entries have anything of the kind in their history; the others cost no more than this.
    let mut all = state.history.iter();
    if !all.any(|past| says(past.wrote(STATUS).flatten())) || !rules.has(Rule::WrongPatient) {
        return false;
    }
    let history = History::new(rules, state, provenance);
    if history.kind.right().is_some()
        || [Kind::EmergencySwitches, Kind::ReviewDecision].contains(&history.kind)
    {
        return false;
    }
    let mut changes = 0..history.changes.len();
    let spared =
        rules.has(Rule::WrongPatientSpares) && changes.any(|change| history.has_authority(change));
    let fields = history.fields();
    let standing = fields.get(STATUS).map(|field| field.standing.as_slice());
    let mut standing = standing.unwrap_or_default().iter();
    standing.any(|said| says(said.value) && (history.has_authority(said.change) || !spared))
}
