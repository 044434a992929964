//! One entry in a replica.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::Unsent;
use crate::change::{Actor, Edit, Provenance, SignedOrigin, Voucher};
use crate::codec::{self, Malformed};
use crate::entry::{EntryDocument, EntryError, EntryState, Write};
use crate::guard::{self, Unsafe};
use crate::reconcile::Version;
use crate::sync::{AttestationId, Proofs};
use crate::{Bytes, ChangeHash, DeviceTime, EntryId, Tick};

/// An entry as a device keeps it: its document, and who vouches for each change.
#[derive(Clone, Debug, Default)]
pub struct LocalEntry {
    document: EntryDocument,
    origins: BTreeMap<ChangeHash, Vouched>,
    /// Named by this full resend last.
    pub generation: u64,
    /// The viewer may no longer see it; it is here only for edits not answered yet, and goes with
    /// their answer. Not to be shown.
    pub forgotten: bool,
}

/// What taking a change in did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The change was not here.
    New(ChangeHash),
    /// It was made here, and had not been answered.
    Answered(ChangeHash),
    /// It was here.
    Known,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Vouched {
    origin: SignedOrigin,
    accepted: Option<Tick>,
    /// When it was accepted in a former life of the log; nobody said yet that it still is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Tick>,
    /// What proves that the server accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attested: Option<AttestedBy>,
}

/// Which attestation of the server's speaks of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestedBy {
    /// The attestation.
    pub attestation: AttestationId,
    /// The place of the change in it.
    pub at: u32,
    /// When it had been accepted.
    pub tick: Tick,
}

impl Vouched {
    fn new(origin: SignedOrigin, accepted: Option<Tick>) -> Self {
        Vouched {
            origin,
            accepted,
            lost: None,
            attested: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    document: Bytes,
    origins: Vec<(ChangeHash, Vouched)>,
    generation: u64,
    #[serde(default)]
    forgotten: bool,
}

impl LocalEntry {
    /// What the entry says.
    pub fn state(&self) -> EntryState {
        self.document.state()
    }

    /// Where each of its changes comes from.
    pub fn provenance(&self) -> BTreeMap<ChangeHash, Provenance> {
        let read = |(hash, vouched): (&ChangeHash, &Vouched)| {
            let origin = vouched.origin.read().ok()?;
            let accepted = vouched.accepted;
            Some((*hash, Provenance { origin, accepted }))
        };
        self.origins.iter().filter_map(read).collect()
    }

    /// Whether it holds an edit the server has not answered yet.
    pub fn is_pending(&self) -> bool {
        self.origins.values().any(|v| v.accepted.is_none())
    }

    /// Whether no change of it has been answered: the server does not know it yet.
    pub fn is_own_and_unsent(&self) -> bool {
        self.origins.values().all(|v| v.accepted.is_none())
    }

    /// Whether some of it is known to be in the record.
    pub(super) fn is_in_record(&self) -> bool {
        self.origins.values().any(|v| v.accepted.is_some())
    }

    /// Whether nobody has written it.
    pub fn is_empty(&self) -> bool {
        self.origins.is_empty()
    }

    /// Whether it holds this change.
    pub fn has(&self, change: &ChangeHash) -> bool {
        self.origins.contains_key(change)
    }

    /// The edits not answered yet, each after those it follows.
    pub fn pending(&self, entry: &EntryId) -> Vec<(ChangeHash, Edit)> {
        let edit = |(hash, change)| {
            let vouched = self.origins.get(&hash)?;
            let origin = vouched.origin.clone();
            let entry = *entry;
            vouched.accepted.is_none().then_some((
                hash,
                Edit {
                    entry,
                    change,
                    origin,
                },
            ))
        };
        if self.is_pending() {
            self.document
                .changes()
                .into_iter()
                .filter_map(edit)
                .collect()
        } else {
            Vec::new()
        }
    }

    /// Writes the entry, whose name is `entry`; the origin comes from `vouch`, which signs for the
    /// change it is shown.
    ///
    /// # Errors
    /// When nothing would change, or no server would take the change.
    pub fn write(
        &mut self,
        entry: EntryId,
        actor: Actor,
        writes: &[Write],
        at: DeviceTime,
        vouch: impl FnOnce(&ChangeHash) -> SignedOrigin,
    ) -> Result<Unsent, EntryError> {
        let mut document = self.document.clone();
        let (hash, change) = document.edit(actor, writes, at)?;
        guard::inspect(&change).map_err(|why| match why {
            Unsafe::TooLarge => EntryError::TooLarge,
            _ => EntryError::Unfit,
        })?;
        self.document = document;
        let origin = vouch(&hash);
        self.origins
            .insert(hash, Vouched::new(origin.clone(), None));
        let edit = Edit {
            entry,
            change,
            origin,
        };
        Ok(Unsent {
            edit,
            change: hash,
            lost: None,
        })
    }

    /// Takes in a change that the server attested; one that is here already only gets its tick, and
    /// keeps its author's signature.
    ///
    /// # Errors
    /// When the change is not fit for this entry.
    pub fn take(
        &mut self,
        change: &Bytes,
        origin: SignedOrigin,
        accepted: Option<Tick>,
        attested: Option<AttestedBy>,
    ) -> Result<Taken, EntryError> {
        let inspected = guard::inspect(change).map_err(|_| EntryError::Unfit)?;
        let hash = inspected.hash();
        if !self.document.has(&hash) {
            self.document.apply(inspected.into_change())?;
        }
        let mut vouched = Vouched::new(origin, accepted);
        vouched.attested = attested;
        let before = self.origins.remove(&hash);
        if let Some(before) = &before
            && vouched.origin.voucher == Voucher::Frame
            && vouched.origin.payload == before.origin.payload
            && matches!(before.origin.voucher, Voucher::Author(_))
        {
            vouched.origin = before.origin.clone();
        }
        self.origins.insert(hash, vouched);
        Ok(match before {
            None => Taken::New(hash),
            Some(before) if before.accepted.is_none() => Taken::Answered(hash),
            Some(_) => Taken::Known,
        })
    }

    /// Puts an edit back that waits to be sent, as one that the server lost if it did.
    ///
    /// # Errors
    /// When the change is not fit for this entry, which is then as it was.
    pub(super) fn put_back(&mut self, edit: Edit, lost: Option<Tick>) -> Result<(), EntryError> {
        let hash = guard::inspect(&edit.change).map_err(|_| EntryError::Unfit)?;
        let hash = hash.hash();
        self.take(&edit.change, edit.origin, None, None)?;
        if let Some(vouched) = self.origins.get_mut(&hash) {
            vouched.lost = lost;
        }
        Ok(())
    }

    /// Notes that the server accepted a change.
    pub fn accepted(&mut self, change: &ChangeHash, tick: Tick) {
        if let Some(vouched) = self.origins.get_mut(change) {
            vouched.accepted = Some(tick);
            vouched.lost = None;
        }
    }

    /// Notes that the log was begun anew: nothing here is known to be in it.
    pub(super) fn doubt(&mut self) {
        for vouched in self.origins.values_mut() {
            vouched.lost = vouched.accepted.take().or(vouched.lost);
        }
    }

    /// Puts the server's own proof to each change that it speaks of, before the attestations go. One
    /// of a former life of the log is better proven so than by a device that the server may not know
    /// any more; of others, those for which nobody else vouches. Whether there were any.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn prove<E>(
        &mut self,
        mut find: impl FnMut(&AttestationId) -> Result<Option<Rc<Proofs>>, E>,
    ) -> Result<bool, E> {
        let mut any = false;
        for vouched in self.origins.values_mut() {
            let vouches = match vouched.origin.voucher {
                Voucher::Frame => false,
                Voucher::Author(_) => vouched.lost.is_none(),
                Voucher::Server(_) => true,
            };
            let Some(by) = vouched.attested.filter(|_| !vouches) else {
                continue;
            };
            if let Some(proof) = find(&by.attestation)?.and_then(|all| all.proof(by.at, by.tick)) {
                vouched.origin.voucher = Voucher::Server(Box::new(proof));
                vouched.attested = None;
                any = true;
            }
        }
        Ok(any)
    }

    /// The version of the entry, of the changes that are known to have been accepted, be it in a
    /// former life of the log; nothing if none was.
    pub(super) fn version(&self) -> Option<Version> {
        let known =
            |(change, vouched): (_, &Vouched)| Some((vouched.accepted.or(vouched.lost)?, change));
        let mut known: Vec<(Tick, &ChangeHash)> = self.origins.iter().filter_map(known).collect();
        known.sort_unstable();
        (!known.is_empty()).then(|| Version::of(known))
    }

    /// Notes that all that is known to have been accepted is in this life of the log too; gives the
    /// changes of which that was in doubt.
    pub(super) fn is_still_there(&mut self) -> Vec<ChangeHash> {
        let mut doubted = Vec::new();
        for (change, vouched) in &mut self.origins {
            if vouched.accepted.is_none() && vouched.lost.is_some() {
                doubted.push(*change);
            }
            vouched.accepted = vouched.accepted.or(vouched.lost.take());
        }
        doubted
    }

    /// The attestations that prove its changes.
    pub(super) fn attestations(&self) -> impl Iterator<Item = AttestationId> {
        let attested = self.origins.values().filter_map(|vouched| vouched.attested);
        attested.map(|by| by.attestation)
    }

    /// The edits that were in a former life of the log and that nobody said to be in this one,
    /// each after those it follows.
    pub(super) fn lost(&self, entry: &EntryId) -> Vec<Unsent> {
        let lost = |hash: &ChangeHash| self.origins.get(hash)?.lost;
        let unsent = |(change, edit)| Unsent {
            edit,
            change,
            lost: lost(&change),
        };
        let pending = self.pending(entry).into_iter().map(unsent);
        pending.filter(|unsent| unsent.lost.is_some()).collect()
    }

    /// The entry as it was when only these changes were here, and all that they follow.
    ///
    /// # Errors
    /// When that does not make an entry, which means that the copy is damaged.
    pub(super) fn as_of(
        &self,
        entry: &EntryId,
        heads: &BTreeSet<ChangeHash>,
    ) -> Result<Self, EntryError> {
        let state = self.document.state();
        let kept = state.closure(heads.iter().copied());
        let all = state.history.iter().map(|past| past.hash);
        let out: BTreeSet<ChangeHash> = all.filter(|hash| !kept.contains(hash)).collect();
        let mut then = self.clone();
        if !out.is_empty() {
            then.without(entry, &out)?;
        }
        Ok(then)
    }

    /// Rebuilds the entry without some changes and whatever follows them, and returns all that is
    /// no longer in it, each after those it follows.
    ///
    /// # Errors
    /// When the rest does not make an entry, which means that the copy is damaged.
    pub fn without(
        &mut self,
        entry: &EntryId,
        out: &BTreeSet<ChangeHash>,
    ) -> Result<Vec<(ChangeHash, Edit)>, EntryError> {
        let mut gone = out.clone();
        for past in &self.document.state().history {
            if past.deps.iter().any(|dep| gone.contains(dep)) {
                gone.insert(past.hash);
            }
        }
        let mut rest = LocalEntry {
            generation: self.generation,
            forgotten: self.forgotten,
            ..LocalEntry::default()
        };
        let mut removed = Vec::new();
        for (hash, change) in self.document.changes() {
            let Some(vouched) = self.origins.get(&hash).cloned() else {
                return Err(EntryError::Unfit);
            };
            let Vouched {
                origin, accepted, ..
            } = vouched.clone();
            if gone.contains(&hash) {
                let entry = *entry;
                removed.push((
                    hash,
                    Edit {
                        entry,
                        change,
                        origin,
                    },
                ));
            } else {
                rest.take(&change, origin, accepted, None)?;
                rest.origins.insert(hash, vouched);
            }
        }
        *self = rest;
        Ok(removed)
    }

    /// The entry as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let origins = self.origins.iter().map(|(h, v)| (*h, v.clone())).collect();
        codec::to_cbor(&Stored {
            document: self.document.save_plain().into(),
            origins,
            generation: self.generation,
            forgotten: self.forgotten,
        })
    }

    /// Reads what [`LocalEntry::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let stored: Stored = codec::from_cbor(bytes)?;
        Ok(LocalEntry {
            document: EntryDocument::load(&stored.document).map_err(|_| Malformed("entry"))?,
            origins: stored.origins.into_iter().collect(),
            generation: stored.generation,
            forgotten: stored.forgotten,
        })
    }
}
