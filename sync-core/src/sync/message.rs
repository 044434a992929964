//! The messages.

use serde::{Deserialize, Serialize};

use super::Frame;
use crate::change::{Edit, Origin};
use crate::checkpoint::SignedCheckpoint;
use crate::reconcile::{Compare, Compared};
use crate::{Bytes, ChangeHash, DeviceId, Digest32, EntryId, Tick, fixed_bytes};

/// The version of the protocol.
pub const PROTOCOL: u16 = 1;

const CURSOR: &[u8] = b"carnet/cursor/1";

fixed_bytes! {
    /// Names a cursor: the first half of a SHA-256 of its bytes as they travel.
    CursorDigest, 16
}

impl CursorDigest {
    /// The name of a cursor.
    pub fn of(cursor: &[u8]) -> Self {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Digest32::of(&[CURSOR, cursor]).0[..16]);
        CursorDigest(digest)
    }
}

/// What a device sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// [`PROTOCOL`].
    pub v: u16,
    /// Which device speaks; must be the one that signed in.
    pub device: DeviceId,
    /// How far it has come, as the server last said; nothing on a new phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Bytes>,
    /// The edits it made, none of them signed; the edits carry their own signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<Frame>,
    /// The checkpoints that the edits name, one copy each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<SignedCheckpoint>,
    /// How many bytes of changes it can take at once, before compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// It has a copy, and asks what that differs in from the server's, in place of a full resend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<Compare>,
}

/// What the server answers; over the WebSocket also unasked, then without outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncAnswer {
    /// [`PROTOCOL`].
    pub v: u16,
    /// What became of each edit of the request, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
    /// A full resend starts here: what it does not name by its end, the device drops.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// What is new, signed; nothing if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<Frame>,
    /// What the device must forget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forget: Vec<EntryId>,
    /// Of these, what was withdrawn as another patient's and destroyed: the device keeps nothing
    /// of it, no edit of its own either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destroyed: Vec<EntryId>,
    /// To the holder: edits held for their decision. To an author: those of theirs that are held,
    /// but for those among the outcomes, and what became of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldEdit>,
    /// What the server says to a device that compares its copy with the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<Compared>,
    /// There is more: ask again at once with the new cursor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// Of a full resend all vital entries have come (see [`crate::kind::Kind::is_vital`]); what there is
    /// more are others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vital: bool,
    /// The cursor that this answer goes on from: the one the request had, or over the WebSocket the
    /// one given last. Nothing when the request had none. Whoever stands elsewhere must not take
    /// the answer: it would skip what lies between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<CursorDigest>,
    /// How far the device has come.
    pub cursor: Bytes,
    /// What the server says it has given; the next edits name it.
    pub checkpoint: SignedCheckpoint,
}

/// What became of one edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The change.
    pub change: ChangeHash,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of one edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// In the record, durably.
    Accepted(Tick),
    /// It was in the record already, since this tick.
    Duplicate(Tick),
    /// Kept, but out of the record.
    Held(HoldReason),
    /// Not taken.
    Refused(Refusal),
}

impl Verdict {
    /// Since when the edit is in the record, if it is.
    pub fn accepted(&self) -> Option<Tick> {
        match self {
            Verdict::Accepted(tick) | Verdict::Duplicate(tick) => Some(*tick),
            Verdict::Held(_) | Verdict::Refused(_) => None,
        }
    }
}

/// Why a valid edit is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldReason {
    /// Its author has not the right.
    NotPermitted,
    /// Its author had the right at the checkpoint the device held: the holder decides.
    NoLongerPermitted,
    /// It follows a held change.
    FollowsHeld,
    /// A reason of a newer version: it is held all the same.
    #[serde(other)]
    Other,
}

/// Why an edit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Not a change that the guard lets through.
    Malformed,
    /// It follows a change that is not here.
    Incomplete,
    /// Not signed by a device of the person who signed in.
    NotAuthentic,
    /// The same actor and sequence number as another change.
    Equivocation,
    /// The entry would not be a valid one of its kind.
    Invalid,
    /// The entry has reached its limits.
    EntryFull,
    /// It would be one right more than a record takes.
    RightsFull,
    /// The record takes up as much as its server keeps of one.
    RecordFull,
    /// It names a checkpoint that this server did not give this device.
    UnknownCheckpoint,
    /// The entry was withdrawn as another patient's and destroyed: the device keeps nothing of it.
    Destroyed,
    /// A reason of a newer version: it is refused all the same.
    #[serde(other)]
    Other,
}

/// A held edit, told to those who may decide on it and to its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldEdit {
    /// The edit.
    pub edit: Edit,
    /// Why it is held.
    pub reason: HoldReason,
    /// When the server received it.
    pub received: Tick,
    /// What was decided, once it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settlement>,
    /// It is told to whoever made it, and not for them to decide on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yours: bool,
}

impl HeldEdit {
    /// Who made it, in what role.
    ///
    /// # Errors
    /// When the origin cannot be read.
    pub fn origin(&self) -> Result<Origin, crate::codec::Malformed> {
        self.edit.origin.read()
    }

    /// The name of its change.
    ///
    /// # Errors
    /// When it is no change.
    pub fn change(&self) -> Result<ChangeHash, crate::codec::Malformed> {
        let inspected = crate::guard::inspect(&self.edit.change);
        let inspected = inspected.map_err(|_| crate::codec::Malformed("held edit"))?;
        Ok(inspected.hash())
    }
}

/// What was decided of a held edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// Taken up by an edit that cites it.
    Released,
    /// Left out.
    Discarded,
}
