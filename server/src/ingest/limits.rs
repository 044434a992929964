//! What no single record can tell: how many people one caregiver helps.

use diesel::SqliteConnection;
use sync_core::authority::{Admission, HeldChange, Judged, Kept, RightsLedger, VerifiedEdit};
use sync_core::entry::{self, EntryDocument, Value};
use sync_core::kind::RightDraft;
use sync_core::policy::{RightKind, Rights, Role, Subject};
use sync_core::sync::HoldReason;
use sync_core::{EntryId, PersonId, Tick};

use super::gather::Gathered;
use crate::records::vault::{Vault, party_blind};
use crate::records::{AccessError, Admitted, Records};
use crate::storage::records::RecordStore as _;

/// How many people one caregiver may help at a time.
pub(super) const MOST_HELPED: usize = 5;

/// The state before an edit that may name a caregiver.
pub(super) struct Before {
    kept: Option<Kept>,
    ledger: RightsLedger,
}

/// Keeps what an edit would have to be undone to, if it may be about a right.
pub(super) fn remember(
    gathered: &Gathered,
    ledger: &RightsLedger,
    edit: &VerifiedEdit,
) -> Option<Before> {
    let delegation = Value::from(RightKind::Delegation.as_str());
    let about_right = match gathered.stored.get(&edit.entry()) {
        Some(stored) => stored.is_right,
        None => edit.past().wrote(entry::KIND) == Some(Some(&delegation)),
    };
    about_right.then(|| Before {
        kept: gathered.kept.get(&edit.entry()).cloned(),
        ledger: ledger.clone(),
    })
}

impl Before {
    /// Undoes the edit, and holds it.
    pub(super) fn undo(
        self,
        admission: &Admission,
        entry: EntryId,
        gathered: &mut Gathered,
        ledger: &mut RightsLedger,
    ) -> Judged {
        let held = HeldChange {
            actor: admission.actor,
            seq: admission.seq,
            reason: HoldReason::NotPermitted,
        };
        let mut kept = self.kept.unwrap_or_default();
        kept.held.insert(admission.change, held);
        gathered.kept.insert(entry, kept);
        *ledger = self.ledger;
        Judged::Held {
            change: admission.change,
            held,
            again: false,
        }
    }
}

/// Whether a delegation that was just accepted gives its person more people to help than allowed,
/// at the moment it begins.
pub(super) fn helps_too_many(
    records: &Records,
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    ledger: &mut RightsLedger,
    admission: &Admission,
    tick: Tick,
) -> Result<bool, AccessError> {
    let (delegation, Some(person)) = (
        admission.class.kind == RightKind::Delegation.as_str(),
        admission.class.concerns,
    ) else {
        return Ok(false);
    };
    let Ok(document) = EntryDocument::load(&admission.document) else {
        return Ok(false);
    };
    let draft = RightDraft::read(RightKind::Delegation, &document.state());
    let begins = draft
        .and_then(|draft| draft.starts)
        .unwrap_or(tick)
        .max(tick);
    let helped_before = helps(&admitted.known.latest, person, begins);
    if !delegation || helped_before || !helps(ledger.latest(), person, begins) {
        return Ok(false);
    }
    let mut others = 0;
    let named = connection.records_naming(party_blind(&records.keys, person), None, u32::MAX)?;
    for record in named.into_iter().filter(|r| *r != admitted.row.record) {
        let Some(row) = connection.record(record)?.filter(|row| row.open) else {
            continue;
        };
        let vault = Vault::new(&records.keys, record)?;
        let known = records.rights(connection, &vault, &row)?;
        others += usize::from(helps(&known.latest, person, begins));
    }
    Ok(others >= MOST_HELPED)
}

fn helps(rights: &Rights, person: PersonId, at: Tick) -> bool {
    let subject = Subject {
        person,
        profession: None,
    };
    let standing = rights.standing(&subject, at);
    standing.roles().any(|role| *role == Role::Caregiver)
}
