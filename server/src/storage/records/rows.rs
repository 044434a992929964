//! What is kept of records, row by row, as stored: sealed bytes stay sealed.

use sync_core::sync::Settlement;
use sync_core::{Digest32, EntryId, LogIncarnation, PersonId, RecordId, Tick, fixed_bytes};

use crate::keys::EntryKeyId;

fixed_bytes! {
    /// The first half of a keyed digest: finds what it names, and tells nothing else.
    Blind, 16
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Its name.
    pub record: RecordId,
    /// Whose it is.
    pub holder: PersonId,
    /// Which life of its log.
    pub log: LogIncarnation,
    /// How far its clock has come, and its logs with it.
    pub clock: RecordClock,
    /// Whether it can be written.
    pub open: bool,
    /// How it was opened, sealed.
    pub opening: Vec<u8>,
    /// When.
    pub created: Tick,
}

/// What of a record moves with every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordClock {
    /// The last tick taken.
    pub last: Tick,
    /// The tick of the last change of a right.
    pub rights: Tick,
    /// How many events the access log has.
    pub audit_len: u64,
    /// The hash of its last event.
    pub audit_head: Digest32,
    /// How many events are chained apart from it.
    pub apart_len: u64,
    /// The hash of the last of them, if there is one.
    pub apart_head: Option<Digest32>,
    /// How many shelves its entries stand on, or stood.
    pub shelves: u64,
    /// How many bytes its changes take that were accepted or held, as stored, with what is said about
    /// each; what is destroyed counts on.
    pub bytes: u64,
}

/// A life of a record's log that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When, at the latest.
    pub ended: Tick,
    /// How many events the access log still has of it; nothing if that is not known.
    pub kept: Option<u64>,
    /// How many it is known to have had.
    pub had: u64,
}

/// Names a shelf of a record: part of a keyed digest of it.
pub type ShelfId = i64;

/// What is on a shelf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnShelf {
    /// The entries that stand there, and since when.
    pub stand: Vec<(EntryId, Tick)>,
    /// Those that left it, and when.
    pub left: Vec<(EntryId, Tick)>,
}

/// How an entry moves between the shelves of its record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// Where it stood, and since when.
    pub from: Vec<(ShelfId, Tick)>,
    /// Where it stands, and since when.
    pub to: Vec<(ShelfId, Tick)>,
    /// The shelves that it left, and when, to be remembered.
    pub left: Vec<(ShelfId, Tick)>,
}

/// An entry with its content, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeEntry {
    /// Its row.
    pub row: EntryRow,
    /// Its document; empty if it was destroyed, or is missing.
    pub document: Vec<u8>,
    /// Its changes in one piece, if they are kept so.
    pub history: Option<Vec<u8>>,
}

/// The present view of an entry, its document apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Its name.
    pub entry: EntryId,
    /// Its key.
    pub key: EntryKeyId,
    /// The tick of its last change.
    pub touched: Tick,
    /// Until when it is kept from the patient.
    pub due: Option<Tick>,
    /// Whether it is a right.
    pub is_right: bool,
    /// How many changes it has.
    pub changes: u64,
    /// How many bytes they take in the log.
    pub bytes: u64,
    /// Its class, sealed.
    pub class: Vec<u8>,
}

impl EntryRow {
    /// Whether its content was destroyed, at its last touch.
    pub fn is_destroyed(&self) -> bool {
        self.class.is_empty()
    }
}

/// An entry whose content was destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestroyedRow {
    /// Its name.
    pub entry: EntryId,
    /// The key that sealed it.
    pub key: EntryKeyId,
    /// When.
    pub at: Tick,
    /// Where it stood, sealed.
    pub sealed: Vec<u8>,
}

/// An entry that was given up because its key was missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenUpRow {
    /// Its name.
    pub entry: EntryId,
    /// The key that is missing.
    pub key: EntryKeyId,
    /// When.
    pub at: Tick,
    /// How many changes it had.
    pub changes: u64,
    /// How many of them had been held before, and are held no more.
    pub held: u64,
}

/// An accepted change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// When it was accepted.
    pub tick: Tick,
    /// Of which entry.
    pub entry: EntryId,
    /// Which change.
    pub change_blind: Blind,
    /// Whose.
    pub actor_blind: Blind,
    /// Its number.
    pub seq: u64,
    /// Its name, its origin and the class of the entry after it, sealed.
    pub about: Vec<u8>,
    /// The change, sealed.
    pub change: Vec<u8>,
}

/// A held edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// Which change.
    pub change_blind: Blind,
    /// Of which entry.
    pub entry: EntryId,
    /// By whom.
    pub author_blind: Blind,
    /// When it came.
    pub received: Tick,
    /// When it came or was settled.
    pub changed: Tick,
    /// What was decided.
    pub settlement: Option<Settlement>,
    /// Until when it is kept from the patient.
    pub due: Option<Tick>,
    /// Its name, whose it is and its number, why it is held and whom that concerns, sealed.
    pub about: Vec<u8>,
    /// The edit and why it is held, sealed.
    pub sealed: Vec<u8>,
}

/// What is asked of a held edit more often than the edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldAboutRow {
    /// By whom.
    pub author_blind: Blind,
    /// When it came.
    pub received: Tick,
    /// Until when it is kept from the patient.
    pub due: Option<Tick>,
    /// Nothing was decided yet.
    pub open: bool,
    /// As [`HeldRow::about`].
    pub about: Vec<u8>,
}

/// How much of a person is held and not settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeldSum {
    /// How many edits.
    pub edits: u64,
    /// How many bytes they take, sealed.
    pub bytes: u64,
}

/// An event of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub tick: Tick,
    /// Its hash, which names all before it too.
    pub hash: Digest32,
    /// The event, sealed.
    pub sealed: Vec<u8>,
}

/// An event that the holder may not know of yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApartRow {
    /// Its number in the chain of such events, from 1.
    pub seq: u64,
    /// When.
    pub tick: Tick,
    /// Its hash, which names all before it too.
    pub hash: Digest32,
    /// The entry it is about.
    pub entry: EntryId,
    /// When the holder may know of it.
    pub due: Tick,
    /// Under which tick it went into the access log.
    pub told: Option<Tick>,
    /// The event, sealed.
    pub sealed: Vec<u8>,
}
