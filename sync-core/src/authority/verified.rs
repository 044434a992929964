//! What can be judged of an edit without looking at what the record holds.

use super::Judged;
use crate::change::{Actor, Edit, Origin, Voucher};
use crate::entry::{HIDDEN_FROM_PATIENT_UNTIL, PastChange, Value};
use crate::guard::{self, Inspected};
use crate::policy::Role;
use crate::sign::PublicKey;
use crate::sync::Refusal;
use crate::sync::limits::MAX_ORIGIN;
use crate::{ChangeHash, Digest32, EntryId, LogIncarnation, RecordId, Tick};

/// An edit whose change the guard let through and whose origin a device signed, or of which the
/// keeper itself signed that it had accepted it.
///
/// Checking a signature costs more than all else and needs nothing that the record holds, so it
/// is done before the keeper's transaction begins. There is no other way to make one of these.
#[derive(Clone, Debug)]
pub struct VerifiedEdit {
    record: RecordId,
    by: By,
    edit: Edit,
    inspected: Inspected,
    origin: Origin,
}

/// Who vouches for an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The device with this key.
    Device(PublicKey),
    /// The keeper, in whose log it was in this life.
    Keeper(LogIncarnation),
}

/// An edit that is not taken, whatever the record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// Its entry, as it claims.
    pub entry: EntryId,
    /// Its name: of what is no change too, the digest of its bytes but the first eight.
    pub change: ChangeHash,
    /// Why it is not taken.
    pub why: Refusal,
}

impl VerifiedEdit {
    /// Inspects the change of an edit of `record`, and verifies what vouches for it: the signature of
    /// the `device`, or of one of the `keeper`'s keys. Nothing vouches for one that came in a frame of
    /// the keeper's, once it is out of that.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] or [`Refusal::NotAuthentic`].
    pub fn of(
        record: &RecordId,
        (device, keeper): (&PublicKey, &[PublicKey]),
        edit: Edit,
    ) -> Result<Self, Unverified> {
        match &edit.origin.voucher {
            Voucher::Server(_) => VerifiedEdit::proven(record, keeper, edit),
            Voucher::Author(_) | Voucher::Frame => VerifiedEdit::new(record, device, edit),
        }
    }

    /// Inspects the change of an edit of `record`, and verifies that the device with this key
    /// signed for it, under an actor of its own.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] or [`Refusal::NotAuthentic`].
    pub fn new(record: &RecordId, key: &PublicKey, edit: Edit) -> Result<Self, Unverified> {
        let inspected = inspect(&edit)?;
        if edit.origin.payload.len() > MAX_ORIGIN {
            return Err(Unverified {
                why: Refusal::Malformed,
                ..forged(&edit, &inspected)
            });
        }
        let forged = forged(&edit, &inspected);
        if !edit
            .origin
            .verifies(key, record, &edit.entry, &inspected.hash())
        {
            return Err(forged);
        }
        let origin = edit.origin.read().map_err(|_| forged)?;
        if inspected.actor() != Actor::of(key, &origin.incarnation, &edit.entry) {
            return Err(forged);
        }
        Ok(VerifiedEdit {
            record: *record,
            by: By::Device(*key),
            edit,
            inspected,
            origin,
        })
    }

    /// Inspects the change of an edit of `record`, and verifies that one of the keeper's `keys` signed
    /// that it had been accepted. Its author and their device were verified then, and need not be
    /// known any more.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] or [`Refusal::NotAuthentic`].
    pub fn proven(record: &RecordId, keys: &[PublicKey], edit: Edit) -> Result<Self, Unverified> {
        let inspected = inspect(&edit)?;
        let forged = forged(&edit, &inspected);
        let named = (&edit.entry, &inspected.hash());
        let Some(log) = edit
            .origin
            .proven(keys, record, named)
            .map(|proof| proof.log)
        else {
            return Err(forged);
        };
        let origin = edit.origin.read().map_err(|_| forged)?;
        Ok(VerifiedEdit {
            record: *record,
            by: By::Keeper(log),
            edit,
            inspected,
            origin,
        })
    }

    /// The edit.
    pub fn edit(&self) -> &Edit {
        &self.edit
    }

    /// Its entry.
    pub fn entry(&self) -> EntryId {
        self.edit.entry
    }

    /// The change.
    pub fn change(&self) -> ChangeHash {
        self.inspected.hash()
    }

    /// What the change does.
    pub fn past(&self) -> &PastChange {
        &self.inspected.past
    }

    /// What its device states of it.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Until when this edit asks that the holder may not know of its entry; see [`marked_until`].
    pub fn marked_until(&self) -> Option<Tick> {
        marked_until(self.past(), &self.origin.role)
    }

    pub(super) fn inspected(&self) -> &Inspected {
        &self.inspected
    }

    /// In which life of the log it was, if the keeper signed for that.
    pub fn was_in(&self) -> Option<LogIncarnation> {
        match self.by {
            By::Device(_) => None,
            By::Keeper(log) => Some(log),
        }
    }

    /// Whether it was verified for this record, and for this device unless the keeper vouches.
    pub(super) fn is_of(&self, record: &RecordId, key: &PublicKey) -> bool {
        let by = match self.by {
            By::Device(signer) => signer == *key,
            By::Keeper(_) => true,
        };
        by && self.record == *record
    }
}

fn inspect(edit: &Edit) -> Result<Inspected, Unverified> {
    guard::inspect(&edit.change).map_err(|_| Unverified::malformed(edit))
}

fn forged(edit: &Edit, inspected: &Inspected) -> Unverified {
    Unverified {
        entry: edit.entry,
        change: inspected.hash(),
        why: Refusal::NotAuthentic,
    }
}

/// Until when a change, made in this role, asks that the holder may not know of its entry. The mark
/// is a professional's to make.
///
/// It binds also what is said of an edit that is not in the record: a retry may put it there.
pub fn marked_until(past: &PastChange, role: &Role) -> Option<Tick> {
    match past.wrote(HIDDEN_FROM_PATIENT_UNTIL) {
        Some(Some(Value::Uint(until))) if matches!(role, Role::Professional(_)) => {
            Some(Tick(*until))
        }
        _ => None,
    }
}

impl Unverified {
    /// An edit whose change is none that the guard lets through.
    pub fn malformed(edit: &Edit) -> Self {
        let named = edit.change.get(8..).unwrap_or_default();
        Unverified {
            entry: edit.entry,
            change: ChangeHash(Digest32::of(&[named]).0),
            why: Refusal::Malformed,
        }
    }
}

impl From<Unverified> for Judged {
    fn from(unverified: Unverified) -> Self {
        Judged::Refused(unverified.change, unverified.why)
    }
}
