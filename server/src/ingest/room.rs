//! How much a record may take up, and what is taken in although there is no room for more: what takes
//! something back.

use sync_core::authority::{Admission, Judged, RightsLedger, VerifiedEdit};
use sync_core::entry::STATUS;
use sync_core::kind::{JsonScalar as _, Status, StatusCode};

use super::gather::Stored;
use crate::records::Records;

/// Which part of what a record may take up is beyond that for what takes something back.
pub(super) const RESERVE: u64 = 8;

/// How many bytes an edit may have that hides or closes an entry or decides on what is held, where
/// there is no room for others.
const MOST_SPARED_BYTES: usize = 4 * 1024;

/// Where there is no room for an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    /// On the disk: whoever tries later may find some.
    pub(super) disk: bool,
    /// In the record.
    record: bool,
    /// Nor in what the record has beyond.
    reserve: bool,
}

impl Short {
    /// Whether there is no room for an edit, in a record whose changes take so many bytes.
    pub(super) fn of(
        records: &Records,
        disk: bool,
        bytes: u64,
        edit: &VerifiedEdit,
    ) -> Option<Self> {
        let most = records.record_bytes;
        let after = bytes.saturating_add(edit.edit().change.len() as u64);
        let short = Short {
            disk,
            record: after > most,
            reserve: after > most.saturating_add(most / RESERVE),
        };
        (short.disk || short.record).then_some(short)
    }

    /// Whether an edit is told what it was judged to be all the same. `stored` is its entry before it,
    /// and `ledgers` are the rights before it and with it.
    pub(super) fn spares(
        self,
        edit: &VerifiedEdit,
        judged: &Judged,
        stored: Option<&Stored>,
        ledgers: (&RightsLedger, &RightsLedger),
    ) -> bool {
        match judged {
            Judged::Accepted(admission) => {
                !self.reserve && takes_back(edit, admission, stored, ledgers)
            }
            Judged::Duplicate(..) | Judged::Held { again: true, .. } => true,
            Judged::Held { again: false, .. } => false,
            // It may follow something that waits.
            Judged::Refused(..) => !self.disk,
        }
    }
}

/// Whether an edit that was accepted revokes a right, or shortly: hides or closes its entry, or
/// decides on what is held.
fn takes_back(
    edit: &VerifiedEdit,
    admission: &Admission,
    stored: Option<&Stored>,
    (before, after): (&RightsLedger, &RightsLedger),
) -> bool {
    let entry = edit.entry();
    if admission.right && !before.is_over(&entry) && after.is_over(&entry) {
        return true;
    }
    let was = stored.and_then(|stored| stored.class.as_ref());
    let hides = was.is_some_and(|(was, _)| {
        let both = was.visibility.strictest(&admission.class.visibility);
        both != was.visibility
    });
    let status = edit.past().wrote(STATUS).flatten();
    let status = status.and_then(Status::from_value);
    // A mark that destroys goes with what may take it back, which is not spared.
    let closing = |s: Status| !matches!(s.status, StatusCode::Active | StatusCode::WrongPatient);
    let closes = was.is_some() && status.is_some_and(closing);
    let decides = !admission.releases.is_empty() || !admission.discards.is_empty();
    edit.edit().change.len() <= MOST_SPARED_BYTES && (hides || closes || decides)
}
