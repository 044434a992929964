//! What is kept of records, whatever the database.
//!
//! Rows are as stored: sealed bytes stay sealed. A backend implements [`RecordStore`] for its
//! connection; each call is part of the transaction its caller runs. The module `contract` is what every
//! backend must do.

#[cfg(test)]
pub mod contract;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use sync_core::sync::Settlement;
use sync_core::{EntryId, LogIncarnation, PersonId, RecordId, Tick};

use super::StorageError;
pub use rows::{
    ApartRow, AuditRow, Blind, DestroyedRow, EntryRow, GivenUpRow, HeldAboutRow, HeldRow, HeldSum,
    Life, LogRow, Move, OnShelf, RecordClock, RecordRow, ShelfId, WholeEntry,
};

/// The rows of records. Absence is `None` or empty; an `Err` is a broken store, or a constraint
/// that a caller broke.
pub trait RecordStore {
    /// A record.
    fn record(&mut self, record: RecordId) -> Result<Option<RecordRow>, StorageError>;
    /// The record of a holder.
    fn record_of(&mut self, holder: PersonId) -> Result<Option<RecordId>, StorageError>;
    /// The names of records after one, in order.
    fn records_after(
        &mut self,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<RecordId>, StorageError>;
    /// The last tick of all records. Looks at every record.
    fn last_tick(&mut self) -> Result<Option<Tick>, StorageError>;
    /// Adds a record; a holder has one.
    fn add_record(&mut self, row: &RecordRow) -> Result<(), StorageError>;
    /// Moves a record's clock forward.
    fn move_clock(&mut self, record: RecordId, clock: &RecordClock) -> Result<(), StorageError>;

    /// The former lives of a record's log.
    fn lives(&mut self, record: RecordId) -> Result<BTreeMap<LogIncarnation, Life>, StorageError>;
    /// Notes that a life of a record's log ended. If that is known, `ended` and `had` become no
    /// less, and `kept` stays.
    fn end_life(
        &mut self,
        record: RecordId,
        log: LogIncarnation,
        life: Life,
    ) -> Result<(), StorageError>;
    /// Begins a life of a record's log that it never had, once the one before has ended.
    fn begin_life(&mut self, record: RecordId, log: LogIncarnation) -> Result<(), StorageError>;

    /// An entry and its sealed document, which is empty if it was destroyed, or is missing.
    fn entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Option<(EntryRow, Vec<u8>)>, StorageError>;
    /// An entry with all its content, in one look.
    fn whole_entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Option<WholeEntry>, StorageError>;
    /// Adds an entry or replaces its view, and what is kept of its changes in one piece; its key stays.
    fn put_entry(
        &mut self,
        record: RecordId,
        row: &EntryRow,
        document: &[u8],
        history: Option<&[u8]>,
    ) -> Result<(), StorageError>;
    /// What is kept of an entry's changes in one piece, sealed.
    fn history(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Option<Vec<u8>>, StorageError>;
    /// All rights of a record with their sealed documents.
    fn rights(&mut self, record: RecordId) -> Result<Vec<(EntryRow, Vec<u8>)>, StorageError>;
    /// The entries after one, in order.
    fn entries_after(
        &mut self,
        record: RecordId,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<EntryRow>, StorageError>;

    /// Destroys what is kept of an entry, if it is here: its class, document and history, and what the
    /// log says of its changes. That it was destroyed stays, whether it was here or not; it never
    /// comes back.
    fn destroy(&mut self, record: RecordId, row: &DestroyedRow) -> Result<(), StorageError>;
    /// An entry that was destroyed.
    fn destroyed(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Option<DestroyedRow>, StorageError>;
    /// The entries of a record that were destroyed after a tick, in any order.
    fn destroyed_since(
        &mut self,
        record: RecordId,
        after: Tick,
    ) -> Result<Vec<EntryId>, StorageError>;
    /// The entries that were destroyed after one, in all records, in order.
    fn destroyed_after(
        &mut self,
        after: Option<(RecordId, EntryId)>,
        limit: u32,
    ) -> Result<Vec<(RecordId, DestroyedRow)>, StorageError>;

    /// Takes an entry that is here, with this key, out of the record, with its changes, which all came
    /// before that: it is as if it had never been there, but for this note. What is held of it stays,
    /// unless it is taken out before ([`RecordStore::unhold`]).
    fn give_up(&mut self, record: RecordId, row: &GivenUpRow) -> Result<(), StorageError>;
    /// The entries of a record that were given up, in order; one may be again, with another key.
    fn given_up(&mut self, record: RecordId) -> Result<Vec<GivenUpRow>, StorageError>;

    /// Notes that an entry is to be destroyed by marks, which were accepted at these ticks, if they
    /// still stand once their request is taken in.
    fn doom(
        &mut self,
        record: RecordId,
        entry: EntryId,
        marks: &BTreeSet<Tick>,
    ) -> Result<(), StorageError>;
    /// Takes such notes back, if they were there.
    fn undoom(
        &mut self,
        record: RecordId,
        entry: EntryId,
        marks: &BTreeSet<Tick>,
    ) -> Result<(), StorageError>;
    /// The marks of which that is noted of an entry.
    fn doomed_by(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<BTreeSet<Tick>, StorageError>;
    /// All entries of which that is noted, in order, each with the marks.
    fn doomed(&mut self) -> Result<Vec<(RecordId, EntryId, BTreeSet<Tick>)>, StorageError>;

    /// Adds a shelf to a record, unless it has it.
    fn add_shelf(
        &mut self,
        record: RecordId,
        shelf: ShelfId,
        sealed: &[u8],
    ) -> Result<(), StorageError>;
    /// The shelves of a record, sealed.
    fn shelves(&mut self, record: RecordId) -> Result<Vec<(ShelfId, Vec<u8>)>, StorageError>;
    /// Moves an entry between shelves that its record has.
    fn move_entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
        moved: &Move,
    ) -> Result<(), StorageError>;
    /// The entries on some shelves since ticks after `after` and not after `until`, with these, in
    /// their order: at most `limit`, and those of the last tick all.
    fn placed(
        &mut self,
        record: RecordId,
        shelves: &[ShelfId],
        after: Tick,
        until: Tick,
        limit: u32,
    ) -> Result<Vec<(Tick, EntryRow)>, StorageError>;
    /// The entries that left one of some shelves after `after` and not after `until`, and when, in
    /// this order.
    fn departed(
        &mut self,
        record: RecordId,
        shelves: &[ShelfId],
        after: Tick,
        until: Tick,
    ) -> Result<Vec<(Tick, EntryRow)>, StorageError>;
    /// The shelves that an entry left, and when, in this order.
    fn left_by(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Vec<(ShelfId, Tick)>, StorageError>;
    /// All that stands on a shelf and all that left it, in any order.
    fn standing_on(&mut self, record: RecordId, shelf: ShelfId) -> Result<OnShelf, StorageError>;

    /// Adds a change at the end of the log.
    fn append_log(&mut self, record: RecordId, row: &LogRow) -> Result<(), StorageError>;
    /// The changes of an entry after a tick, in order.
    fn log_of_entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
        after: Tick,
    ) -> Result<Vec<LogRow>, StorageError>;
    /// What the log says about each change of an entry, sealed, with its tick, in order.
    fn about_entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Vec<(Tick, Vec<u8>)>, StorageError>;
    /// What the log says about an entry's last change at or before a tick, sealed, and its tick.
    fn about_at(
        &mut self,
        record: RecordId,
        entry: EntryId,
        at: Tick,
    ) -> Result<Option<(Tick, Vec<u8>)>, StorageError>;
    /// When a change was accepted.
    fn accepted(&mut self, record: RecordId, change: Blind) -> Result<Option<Tick>, StorageError>;
    /// The first ticks of the log after a tick, in order.
    fn ticks_after(
        &mut self,
        record: RecordId,
        after: Tick,
        limit: u32,
    ) -> Result<Vec<Tick>, StorageError>;
    /// The log after a tick, in order.
    fn log_after(
        &mut self,
        record: RecordId,
        after: Tick,
        limit: u32,
    ) -> Result<Vec<LogRow>, StorageError>;

    /// Says whom a right names.
    fn put_parties(
        &mut self,
        record: RecordId,
        entry: EntryId,
        people: &[Blind],
    ) -> Result<(), StorageError>;
    /// By what a right is found, in order.
    fn parties(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<Blind>, StorageError>;
    /// Whether any right of a record, in force or not, names a person.
    fn names(&mut self, record: RecordId, person: Blind) -> Result<bool, StorageError>;
    /// The records after one whose rights name a person.
    fn records_naming(
        &mut self,
        person: Blind,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<RecordId>, StorageError>;

    /// Adds a held edit.
    fn hold(&mut self, record: RecordId, row: &HeldRow) -> Result<(), StorageError>;
    /// Says of a held edit of which nothing was decided what a row of it says: since `changed`, why it
    /// is held and whom that concerns.
    fn hold_otherwise(&mut self, record: RecordId, row: &HeldRow) -> Result<(), StorageError>;
    /// Settles a held edit; answers whether there was one not settled.
    fn settle(
        &mut self,
        record: RecordId,
        change: Blind,
        settlement: Settlement,
        at: Tick,
    ) -> Result<bool, StorageError>;
    /// Puts something else in the place of a held edit and of what is said about it, whose entry was
    /// destroyed at `at`: it is left out, if nothing was decided of it.
    fn empty_held(
        &mut self,
        record: RecordId,
        change: Blind,
        emptied: (&[u8], &[u8]),
        at: Tick,
    ) -> Result<(), StorageError>;
    /// The held edits of an entry.
    fn held_of_entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Vec<HeldRow>, StorageError>;
    /// What is said about the held edits of an entry; the edits are not read.
    fn held_about_entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
    ) -> Result<Vec<HeldAboutRow>, StorageError>;
    /// Keeps the held edits of an entry that are not settled from the patient until another time;
    /// it counts as a change of them at `at`.
    fn put_off_held(
        &mut self,
        record: RecordId,
        entry: EntryId,
        due: Option<Tick>,
        at: Tick,
    ) -> Result<(), StorageError>;
    /// Held edits that came, changed or fell due, whatever came last, after `after` and not after
    /// `until`, in this order.
    fn held_shown(
        &mut self,
        record: RecordId,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<HeldRow>, StorageError>;
    /// Held edits of a person that were settled after `after` and not after `until`, in this order.
    fn held_settled(
        &mut self,
        record: RecordId,
        author: Blind,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<HeldRow>, StorageError>;
    /// Held edits of a person that came after `after` and not after `until`, in this order, and are
    /// not settled.
    fn held_open(
        &mut self,
        record: RecordId,
        author: Blind,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<HeldRow>, StorageError>;
    /// Takes a held edit out that was released and is in the log: nothing tells any more that it was
    /// held.
    fn unhold(&mut self, record: RecordId, change: Blind) -> Result<(), StorageError>;
    /// How many edits of a person are held and not settled, and how large they are.
    fn sum_held(&mut self, record: RecordId, author: Blind) -> Result<HeldSum, StorageError>;

    /// Adds an event at the end of the access log.
    fn append_audit(&mut self, record: RecordId, row: &AuditRow) -> Result<(), StorageError>;
    /// The access log after an event, in order.
    fn audit_after(
        &mut self,
        record: RecordId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StorageError>;

    /// Adds an event at the end of what is kept apart from the access log.
    fn append_apart(&mut self, record: RecordId, row: &ApartRow) -> Result<(), StorageError>;
    /// What is kept apart, told or not, after an event, in order.
    fn apart_after(
        &mut self,
        record: RecordId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ApartRow>, StorageError>;
    /// What fell due up to `until` and is not in the access log yet, in order.
    fn apart_due(&mut self, record: RecordId, until: Tick) -> Result<Vec<ApartRow>, StorageError>;
    /// Notes under which tick an event went into the access log.
    fn tell_apart(&mut self, record: RecordId, seq: u64, at: Tick) -> Result<(), StorageError>;
    /// Keeps what is not told of an entry until another time.
    fn put_off_apart(
        &mut self,
        record: RecordId,
        entry: EntryId,
        due: Tick,
    ) -> Result<(), StorageError>;
}
