//! What a replica knows besides its entries.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use super::comparing::Comparing;
use super::fill::first_of;
use super::{Entries, LocalEntry, Unsent};
use crate::change::{Actor, Edit, Origin, SignedOrigin};
use crate::checkpoint::SignedCheckpoint;
use crate::entry::{EntryError, Write};
use crate::policy::Role;
use crate::sign::PublicKey;
use crate::sync::limits::{LEAST_ANSWER, REQUEST};
use crate::sync::{Frame, FrameError, Item, PROTOCOL, SyncAnswer, SyncRequest};
use crate::{Bytes, ChangeHash, DeviceId, DeviceTime, EntryId, Incarnation, PersonId, RecordId};

/// Who writes here, and with what key.
#[derive(Clone)]
pub struct Author {
    /// The person signed in.
    pub person: PersonId,
    /// In what role they act on this record.
    pub role: Role,
    /// For whom, when for somebody else.
    pub on_behalf_of: Option<PersonId>,
    /// The key of this person's profile on this device.
    pub key: SigningKey,
}

/// What a replica knows besides its entries and its unsent edits; small, and kept as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaHead {
    /// The record.
    pub record: RecordId,
    /// The server's keys, pinned when the person signed in.
    pub server_keys: Vec<PublicKey>,
    /// This life of the store.
    pub incarnation: Incarnation,
    /// How far it has come.
    pub cursor: Option<Bytes>,
    /// The last checkpoint all of which has been given to this replica; edits name it.
    pub checkpoint: Option<SignedCheckpoint>,
    /// Whether an edit was made that names it: only then is it kept once another has come.
    #[serde(default = "perhaps")]
    pub named: bool,
    /// The checkpoint of the last page, while more pages are to come.
    #[serde(default)]
    pub page: Option<SignedCheckpoint>,
    /// Checkpoints that edits not yet answered may name and the cursor does not prove.
    pub earlier: Vec<SignedCheckpoint>,
    /// Counts full resends.
    pub generation: u64,
    /// A full resend is under way.
    pub resending: bool,
    /// It is the first of a log begun anew: what it does not name is handed back.
    #[serde(default)]
    pub handing_back: bool,
    /// What it may lack: before it was first given all, and while it is sent all again or compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Lacks>,
    /// How far it has come in comparing itself with the server, instead of being sent all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparing: Option<Comparing>,
    /// Own edits that are held in the log begun anew, as was said meanwhile: they need not go again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub still_held: BTreeSet<ChangeHash>,
    /// Devices whose edits were handed back to a server that does not know them. Once it does, they
    /// go again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unknown: BTreeSet<DeviceId>,
    /// Of those that the server knew by then, and whose edits went again: once is enough.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tried: BTreeSet<DeviceId>,
    /// The device keys under which edits were made here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub signed_as: BTreeSet<DeviceId>,
}

/// What a replica lacks that is not given all yet, or not again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lacks {
    /// Vital entries, perhaps: that it has none of a kind says nothing.
    Vital,
    /// Others only: the vital ones have come.
    Others,
}

impl Lacks {
    /// What is lacking after an answer.
    pub(super) fn after(this: Option<Self>, answer: &SyncAnswer) -> Option<Self> {
        match answer {
            SyncAnswer { more: false, .. } => None,
            SyncAnswer { vital: true, .. } => Some(Lacks::Others),
            SyncAnswer { reset: true, .. } => Some(Lacks::Vital),
            _ => this,
        }
    }
}

/// A head that says nothing of it was kept before it did.
fn perhaps() -> bool {
    true
}

impl ReplicaHead {
    /// A replica that knows nothing of its record yet. `incarnation` must be fresh and random.
    pub fn new(record: RecordId, server_keys: Vec<PublicKey>, incarnation: Incarnation) -> Self {
        // Where there is no server all is here.
        let lacks = Some(Lacks::Vital).filter(|_| !server_keys.is_empty());
        ReplicaHead {
            record,
            server_keys,
            incarnation,
            cursor: None,
            checkpoint: None,
            named: false,
            page: None,
            earlier: Vec::new(),
            generation: 0,
            resending: false,
            handing_back: false,
            lacks,
            comparing: None,
            still_held: BTreeSet::new(),
            unknown: BTreeSet::new(),
            tried: BTreeSet::new(),
            signed_as: BTreeSet::new(),
        }
    }

    /// Forgets how far it has come, because what it had of the record is gone or in doubt: all of it is
    /// compared, or comes anew. The last checkpoint all of which was given stays: edits name it, and no
    /// answer may end behind it.
    pub fn forget_cursor(&mut self) {
        self.lacks = Some(Lacks::Vital);
        self.cursor = None;
        self.page = None;
        self.comparing = Some(Comparing::default());
    }

    /// Makes an edit: writes `entry`, which is created if it is not there.
    ///
    /// # Errors
    /// When nothing would change, or the store is broken.
    pub fn edit<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        entry: EntryId,
        writes: &[Write],
        cites: Vec<ChangeHash>,
        at: DeviceTime,
    ) -> Result<ChangeHash, EditError<E::Error>> {
        let mut local = entries
            .load(&entry)
            .map_err(EditError::Store)?
            .unwrap_or_default();
        if local.is_empty() {
            local.generation = self.generation;
        }
        let unsent = self.write(&mut local, author, entry, writes, cites, at)?;
        let device = DeviceId::of(&PublicKey::of(&author.key));
        self.signed_as.insert(device);
        self.named = true;
        entries.enqueue(&unsent).map_err(EditError::Store)?;
        entries.store(&entry, &local).map_err(EditError::Store)?;
        Ok(unsent.change)
    }

    /// Writes an entry as an edit that is still to be put into the queue.
    pub(super) fn write(
        &self,
        local: &mut LocalEntry,
        author: &Author,
        entry: EntryId,
        writes: &[Write],
        cites: Vec<ChangeHash>,
        at: DeviceTime,
    ) -> Result<Unsent, EntryError> {
        let public = PublicKey::of(&author.key);
        let origin = Origin {
            author: author.person,
            role: author.role.clone(),
            on_behalf_of: author.on_behalf_of,
            device: DeviceId::of(&public),
            incarnation: self.incarnation,
            seen: self.checkpoint.as_ref().and_then(|held| held.seen().ok()),
            at,
            cites,
        };
        let actor = Actor::of(&public, &self.incarnation, &entry);
        local.write(entry, actor, writes, at, |change| {
            self.sign(author, &entry, change, &origin)
        })
    }

    pub(super) fn sign(
        &self,
        author: &Author,
        entry: &EntryId,
        change: &ChangeHash,
        origin: &Origin,
    ) -> SignedOrigin {
        SignedOrigin::new(&author.key, &self.record, entry, change, origin)
    }

    /// What to send now: the oldest edits not answered yet, as many as fit `limit`, and fewer, or up to
    /// what one request carries, if that keeps together a *wrong patient* mark and what may take it
    /// back; and how far this replica has come. None until it is known what of a log begun anew is
    /// still there: they may follow what is not.
    ///
    /// `limit` is how many bytes of changes may go at once, each way, before compression; one edit
    /// goes however large it is, and no answer carries less than
    /// [`LEAST_ANSWER`](crate::sync::limits::LEAST_ANSWER).
    ///
    /// # Errors
    /// When the store is broken.
    pub fn request<E: Entries>(
        &self,
        entries: &mut E,
        author: &Author,
        limit: Option<u32>,
    ) -> Result<SyncRequest, EditError<E::Error>> {
        let device = DeviceId::of(&PublicKey::of(&author.key));
        let room = limit.map_or(REQUEST, |limit| REQUEST.min(limit as usize));
        let compare = self.ask_to_compare(entries, room.max(LEAST_ANSWER));
        let compare = compare.map_err(EditError::Store)?;
        let items = match self.handing_back || compare.is_some() {
            true => Vec::new(),
            false => first_of(entries, room).map_err(EditError::Store)?,
        };
        let edits = match items.as_slice() {
            [] => None,
            items => Some(Frame::pack(&self.record, items)?),
        };
        Ok(SyncRequest {
            v: PROTOCOL,
            device,
            cursor: self.cursor.clone(),
            checkpoints: self.named_checkpoints(&items),
            edits,
            limit,
            reconcile: compare,
        })
    }

    /// The checkpoint that an edit names, if it can be shown.
    pub(super) fn shown(&self, edit: &Edit) -> Option<SignedCheckpoint> {
        let digest = edit.origin.read().ok()?.seen?.digest;
        let mut held = self.earlier.iter().chain(&self.checkpoint);
        held.find(|held| held.digest() == digest).cloned()
    }

    /// The checkpoints that edits name, but for the one the cursor proves. That of a page proves the
    /// page's, and none none.
    fn named_checkpoints(&self, items: &[Item]) -> Vec<SignedCheckpoint> {
        let named: Vec<_> = items
            .iter()
            .filter_map(|item| Some(item.edit.origin.read().ok()?.seen?.digest))
            .collect();
        let proved = self.page.is_none() && self.cursor.is_some();
        let last = self.checkpoint.iter().filter(|_| !proved);
        let last = last.filter(|last| !self.earlier.contains(last));
        let held = self.earlier.iter().chain(last);
        held.filter(|c| named.contains(&c.digest()))
            .cloned()
            .collect()
    }
}

/// Why an edit could not be made or sent.
#[derive(Debug, thiserror::Error)]
pub enum EditError<E: std::fmt::Debug> {
    /// The entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The store.
    #[error("the store is broken")]
    Store(E),
}
