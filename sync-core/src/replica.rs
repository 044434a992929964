//! One party's copy of a record: entries, edits not yet sent, how far it has come.
//!
//! The replica decides; where things are kept is its owner's business, behind [`Entries`]. Whoever
//! calls puts one call's effects and the head into one transaction, and so may crash anywhere.

mod comparing;
mod destroyed;
mod fill;
mod hand_back;
mod head;
mod local;
mod memory;
mod receive;
mod renew;

pub use comparing::Comparing;
pub use head::{Author, EditError, Lacks, ReplicaHead};
pub use local::{AttestedBy, LocalEntry, Taken};
pub use memory::Memory;
pub use receive::{AnswerError, Report};

use std::fmt;

use crate::change::Edit;
use crate::checkpoint::SignedCheckpoint;
use crate::kind::Kind;
use crate::sync::{Attestation, AttestationId, HeldEdit, HoldReason, Refusal};
use crate::{ChangeHash, DeviceTime, EntryId, Tick};

/// Where a replica's entries and its unsent edits are kept. Absence is `None`; an error is a broken
/// store.
pub trait Entries {
    /// What can go wrong.
    type Error: fmt::Debug;

    /// An entry.
    fn load(&mut self, entry: &EntryId) -> Result<Option<LocalEntry>, Self::Error>;
    /// Keeps an entry, in place of what was kept under its name.
    fn store(&mut self, entry: &EntryId, local: &LocalEntry) -> Result<(), Self::Error>;
    /// Drops an entry.
    fn remove(&mut self, entry: &EntryId) -> Result<(), Self::Error>;
    /// The entries last named by a resend before `generation`.
    fn older_than(&mut self, generation: u64) -> Result<Vec<EntryId>, Self::Error>;
    /// Puts an edit at the end of the queue of those not answered yet.
    fn enqueue(&mut self, unsent: &Unsent) -> Result<(), Self::Error>;
    /// The first edits of the queue, at most so many.
    fn queue(&mut self, most: usize) -> Result<Vec<Unsent>, Self::Error>;
    /// An edit of the queue.
    fn unsent(&mut self, change: &ChangeHash) -> Result<Option<Unsent>, Self::Error>;
    /// Takes an edit out of the queue, if it is there.
    fn dequeue(&mut self, change: &ChangeHash) -> Result<(), Self::Error>;
    /// Keeps an edit that did not become part of the record, or no longer is.
    fn set_aside(&mut self, aside: &SetAside) -> Result<(), Self::Error>;
    /// The edits that were set aside.
    fn aside(&mut self) -> Result<Vec<SetAside>, Self::Error>;
    /// Forgets that an edit was set aside: it is in the record after all.
    fn take_up(&mut self, change: &ChangeHash) -> Result<(), Self::Error>;
    /// Keeps what the server tells of held edits, replacing what was known of the same change.
    fn note_held(&mut self, held: &HeldEdit) -> Result<(), Self::Error>;
    /// What the server told of held edits, of each change what it told last.
    fn held(&mut self) -> Result<Vec<HeldEdit>, Self::Error>;
    /// Drops what the server told of held edits of an entry.
    fn forget_held(&mut self, entry: &EntryId) -> Result<(), Self::Error>;
    /// Keeps that an entry was destroyed; of one that is known to be, the count grows and the time
    /// stays.
    fn note_destroyed(&mut self, destroyed: &Destroyed) -> Result<(), Self::Error>;
    /// Whether the server told what was decided of a held edit.
    fn is_settled(&mut self, change: &ChangeHash) -> Result<bool, Self::Error>;
    /// Keeps the server's word for the changes of a frame, which came with this resend or after it.
    fn keep_attestation(
        &mut self,
        attestation: &Attestation,
        generation: u64,
    ) -> Result<(), Self::Error>;
    /// An attestation.
    fn attestation(&mut self, id: &AttestationId) -> Result<Option<Attestation>, Self::Error>;
    /// Drops the attestations that came before a resend.
    fn drop_attestations(&mut self, generation: u64) -> Result<(), Self::Error>;
}

/// An edit that the server has not answered yet: an own one, or one that it accepted once and has
/// lost.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unsent {
    /// The edit.
    pub edit: Edit,
    /// Its change.
    pub change: ChangeHash,
    /// When it was accepted, in a life of the log that the server has lost the end of. It is
    /// handed back as its author signed it, whoever that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Tick>,
}

/// An entry that was withdrawn as another patient's and destroyed: all that is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Destroyed {
    /// The entry.
    pub entry: EntryId,
    /// When this device was told.
    pub told: DeviceTime,
    /// How many edits made here, which were not in the record, went with it: what their author had
    /// written into another's entry is set aside instead.
    pub not_kept: usize,
}

/// An edit of the queue that did not become part of the record, and why; never lost on its device.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SetAside {
    /// The edit.
    pub edit: Edit,
    /// Its change.
    pub change: ChangeHash,
    /// Why.
    pub why: AsideReason,
    /// The checkpoint that it names, as far as it can be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<SignedCheckpoint>,
    /// When it was accepted, in a life of the log that the server has lost the end of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Tick>,
    /// Of what kind its entry was, once that is destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
}

/// Why an own edit was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AsideReason {
    /// The server holds it.
    Held(HoldReason),
    /// The server refused it.
    Refused(Refusal),
}
