//! How much a record may take up, and what is taken in although there is no room for more: what takes
//! something back.

use sync_core::authority::{Admission, Judged, Kept, RightsLedger, VerifiedEdit};
use sync_core::entry::STATUS;
use sync_core::kind::{JsonScalar as _, Status, StatusCode};
use sync_core::merge::destroys;

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
    /// It was in the record before.
    handed_back: bool,
}

impl Short {
    /// Whether there is no room for an edit, in a record whose changes take so many bytes.
    pub(super) fn of(
        records: &Records,
        disk: bool,
        bytes: u64,
        (edit, handed_back): (&VerifiedEdit, bool),
    ) -> Option<Self> {
        // What was in the record before it was put back, or given up, comes back.
        let most = match handed_back {
            true => records.record_bytes.saturating_mul(2),
            false => records.record_bytes,
        };
        let after = bytes.saturating_add(edit.edit().change.len() as u64);
        let short = Short {
            disk,
            record: after > most,
            reserve: after > most.saturating_add(most / RESERVE),
            handed_back,
        };
        (short.disk || short.record).then_some(short)
    }

    /// Whether an edit is told what it was judged to be all the same. `stored` and `kept` are its
    /// entry before it, and `ledgers` are the rights before it and with it.
    pub(super) fn spares(
        self,
        edit: &VerifiedEdit,
        judged: &Judged,
        (stored, kept): (Option<&Stored>, Option<&Kept>),
        ledgers: (&RightsLedger, &RightsLedger),
    ) -> bool {
        match judged {
            Judged::Accepted(admission) => {
                let marked = || kept.is_some_and(is_marked);
                // Rights have bounds of their own: however full the record is, each can be revoked,
                // and comes back.
                ends_right(edit, admission, ledgers)
                    || (self.handed_back && admission.right)
                    || !self.reserve && (takes_back(edit, admission, stored) || marked())
            }
            Judged::Duplicate(..) | Judged::Held { again: true, .. } => true,
            Judged::Held { again: false, .. } => false,
            // It may follow something that waits.
            Judged::Refused(..) => !self.disk,
        }
    }
}

/// Whether an entry bears a mark that would destroy it. What was written after it with it may take it
/// back, or leads to what does.
fn is_marked(kept: &Kept) -> bool {
    destroys(&kept.document.state(), &kept.provenance)
}

/// Whether an edit that was accepted revokes a right.
fn ends_right(
    edit: &VerifiedEdit,
    admission: &Admission,
    (before, after): (&RightsLedger, &RightsLedger),
) -> bool {
    let entry = edit.entry();
    admission.right && !before.is_over(&entry) && after.is_over(&entry)
}

/// Whether an edit that was accepted shortly hides or closes its entry, or decides on what is held.
fn takes_back(edit: &VerifiedEdit, admission: &Admission, stored: Option<&Stored>) -> bool {
    let was = stored.and_then(|stored| stored.class.as_ref());
    let hides = was.is_some_and(|(was, _)| {
        let both = was.visibility.strictest(&admission.class.visibility);
        both != was.visibility
    });
    let status = edit.past().wrote(STATUS).flatten();
    let status = status.and_then(Status::from_value);
    // A mark that destroys finds room like other edits.
    let closing = |s: Status| !matches!(s.status, StatusCode::Active | StatusCode::WrongPatient);
    let closes = was.is_some() && status.is_some_and(closing);
    let decides = !admission.releases.is_empty() || !admission.discards.is_empty();
    edit.edit().change.len() <= MOST_SPARED_BYTES && (hides || closes || decides)
}
