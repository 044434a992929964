//! [`RecordStore`] over SQLite.

mod audit;
mod destroyed;
mod given_up;
mod held;
mod lives;
mod marks;
mod parties;
mod rows;
mod shelves;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{And, Eq, max, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use sync_core::sync::Settlement;
use sync_core::{Digest32, EntryId, LogIncarnation, PersonId, RecordId, Tick};

use crate::storage::StorageError;
use crate::storage::records::{
    ApartRow, AuditRow, Blind, DestroyedRow, EntryRow, GivenUpRow, HeldAboutRow, HeldRow, HeldSum,
    Life, LogRow, Move, OnShelf, RecordClock, RecordRow, RecordStore, ShelfId, WholeEntry,
};
use crate::storage::schema::records::{contents, entries, log, records};
use crate::storage::sqlite::statement::{Statement, Value};
use rows::{ContentTuple, Entry, EntryTuple, LogTuple, RecordTuple, bytes, id, int};

type Result<T> = std::result::Result<T, StorageError>;

/// An entry's contents stand beside it.
fn of_entry()
-> And<Eq<contents::record_id, entries::record_id>, Eq<contents::entry_id, entries::entry_id>> {
    let record = contents::record_id.eq(entries::record_id);
    record.and(contents::entry_id.eq(entries::entry_id))
}

impl RecordStore for SqliteConnection {
    fn record(&mut self, record: RecordId) -> Result<Option<RecordRow>> {
        let row: Option<RecordTuple> =
            records::table.find(bytes(&record)).first(self).optional()?;
        row.map(rows::record).transpose()
    }

    fn record_of(&mut self, holder: PersonId) -> Result<Option<RecordId>> {
        let found: Option<Vec<u8>> = records::table
            .filter(records::holder.eq(holder.as_bytes().as_slice()))
            .select(records::record_id)
            .first(self)
            .optional()?;
        found.map(|bytes| id(&bytes)).transpose()
    }

    fn records_after(&mut self, after: Option<RecordId>, limit: u32) -> Result<Vec<RecordId>> {
        let after = after.map_or_else(Vec::new, |record| record.as_bytes().to_vec());
        let found: Vec<Vec<u8>> = records::table
            .filter(records::record_id.gt(after))
            .order(records::record_id)
            .limit(limit.into())
            .select(records::record_id)
            .load(self)?;
        found.iter().map(|bytes| id(bytes)).collect()
    }

    fn last_tick(&mut self) -> Result<Option<Tick>> {
        let last: Option<i64> = records::table.select(max(records::last_tick)).first(self)?;
        Ok(last.map(rows::tick))
    }

    fn add_record(&mut self, row: &RecordRow) -> Result<()> {
        diesel::insert_into(records::table)
            .values((
                records::record_id.eq(bytes(&row.record)),
                records::holder.eq(row.holder.as_bytes().as_slice()),
                records::log_incarnation.eq(row.log.as_bytes()),
                records::last_tick.eq(int(row.clock.last.0)),
                records::rights_tick.eq(int(row.clock.rights.0)),
                records::audit_len.eq(int(row.clock.audit_len)),
                records::audit_head.eq(row.clock.audit_head.as_bytes()),
                records::status.eq(if row.open { "open" } else { "closed" }),
                records::opening.eq(&row.opening),
                records::created.eq(int(row.created.0)),
                records::apart_len.eq(int(row.clock.apart_len)),
                records::apart_head.eq(row.clock.apart_head.as_ref().map(Digest32::as_bytes)),
                records::shelves.eq(int(row.clock.shelves)),
                records::bytes.eq(int(row.clock.bytes)),
            ))
            .execute(self)?;
        Ok(())
    }

    fn move_clock(&mut self, record: RecordId, clock: &RecordClock) -> Result<()> {
        let apart_head = clock.apart_head.as_ref();
        let moved = Statement {
            text: "UPDATE records SET last_tick = ?, rights_tick = ?, audit_len = ?, \
                   audit_head = ?, apart_len = ?, apart_head = ?, shelves = ?, bytes = ? \
                   WHERE record_id = ?",
            values: &[
                Value::Int(int(clock.last.0)),
                Value::Int(int(clock.rights.0)),
                Value::Int(int(clock.audit_len)),
                Value::Bytes(clock.audit_head.as_bytes()),
                Value::Int(int(clock.apart_len)),
                Value::MaybeBytes(apart_head.map(|head| &head.0[..])),
                Value::Int(int(clock.shelves)),
                Value::Int(int(clock.bytes)),
                Value::Bytes(bytes(&record)),
            ],
        };
        moved.execute(self)?;
        Ok(())
    }

    fn lives(&mut self, record: RecordId) -> Result<BTreeMap<LogIncarnation, Life>> {
        lives::lives(self, record)
    }

    fn end_life(&mut self, record: RecordId, log: LogIncarnation, life: Life) -> Result<()> {
        lives::end_life(self, record, log, life)
    }

    fn begin_life(&mut self, record: RecordId, log: LogIncarnation) -> Result<()> {
        lives::begin_life(self, record, log)
    }

    fn entry(&mut self, record: RecordId, entry: EntryId) -> Result<Option<(EntryRow, Vec<u8>)>> {
        let row: Option<(EntryTuple, Option<Vec<u8>>)> = entries::table
            .find((bytes(&record), entry.as_bytes().as_slice()))
            .left_join(contents::table.on(of_entry()))
            .select((Entry::COLUMNS, contents::document.nullable()))
            .first(self)
            .optional()?;
        row.map(rows::entry_with_document).transpose()
    }

    fn whole_entry(&mut self, record: RecordId, entry: EntryId) -> Result<Option<WholeEntry>> {
        let content = (contents::document, contents::history).nullable();
        let found: Option<(EntryTuple, Option<ContentTuple>)> = entries::table
            .find((bytes(&record), entry.as_bytes().as_slice()))
            .left_join(contents::table.on(of_entry()))
            .select((Entry::COLUMNS, content))
            .first(self)
            .optional()?;
        let Some((row, content)) = found else {
            return Ok(None);
        };
        let (document, history) = content.unwrap_or_default();
        Ok(Some(WholeEntry {
            row: rows::entry(row)?,
            document,
            history,
        }))
    }

    fn put_entry(
        &mut self,
        record: RecordId,
        row: &EntryRow,
        document: &[u8],
        history: Option<&[u8]>,
    ) -> Result<()> {
        let put = Statement {
            text: "INSERT INTO entries (record_id, entry_id, key_id, touched, due, is_right, \
                   changes, bytes, class) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   ON CONFLICT (record_id, entry_id) DO UPDATE SET touched = excluded.touched, \
                   due = excluded.due, is_right = excluded.is_right, changes = excluded.changes, \
                   bytes = excluded.bytes, class = excluded.class",
            values: &[
                Value::Bytes(bytes(&record)),
                Value::Bytes(row.entry.as_bytes()),
                Value::Bytes(row.key.as_bytes()),
                Value::Int(int(row.touched.0)),
                Value::MaybeInt(row.due.map(|due| int(due.0))),
                Value::Int(i64::from(row.is_right)),
                Value::Int(int(row.changes)),
                Value::Int(int(row.bytes)),
                Value::Bytes(&row.class),
            ],
        };
        put.execute(self)?;
        let put = Statement {
            text: "INSERT INTO contents (record_id, entry_id, document, history) \
                   VALUES (?, ?, ?, ?) \
                   ON CONFLICT (record_id, entry_id) DO UPDATE SET document = excluded.document, \
                   history = excluded.history",
            values: &[
                Value::Bytes(bytes(&record)),
                Value::Bytes(row.entry.as_bytes()),
                Value::Bytes(document),
                Value::MaybeBytes(history),
            ],
        };
        put.execute(self)?;
        Ok(())
    }

    fn history(&mut self, record: RecordId, entry: EntryId) -> Result<Option<Vec<u8>>> {
        let found: Option<Option<Vec<u8>>> = contents::table
            .find((bytes(&record), entry.as_bytes().as_slice()))
            .select(contents::history)
            .first(self)
            .optional()?;
        Ok(found.flatten())
    }

    fn rights(&mut self, record: RecordId) -> Result<Vec<(EntryRow, Vec<u8>)>> {
        let found: Vec<(EntryTuple, Option<Vec<u8>>)> = entries::table
            .left_join(contents::table.on(of_entry()))
            .filter(entries::record_id.eq(bytes(&record)))
            // As text, not as a bound value: only so can the index of rights alone be used.
            .filter(sql::<Bool>("is_right = 1"))
            .order(entries::entry_id)
            .select((Entry::COLUMNS, contents::document.nullable()))
            .load(self)?;
        found.into_iter().map(rows::entry_with_document).collect()
    }

    fn entries_after(
        &mut self,
        record: RecordId,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<EntryRow>> {
        let after = after.map_or_else(Vec::new, |entry| entry.as_bytes().to_vec());
        let found: Vec<EntryTuple> = entries::table
            .filter(entries::record_id.eq(bytes(&record)))
            .filter(entries::entry_id.gt(after))
            .order(entries::entry_id)
            .limit(limit.into())
            .select(Entry::COLUMNS)
            .load(self)?;
        found.into_iter().map(rows::entry).collect()
    }

    fn destroy(&mut self, record: RecordId, row: &DestroyedRow) -> Result<()> {
        destroyed::destroy(self, record, row)
    }

    fn give_up(&mut self, record: RecordId, row: &GivenUpRow) -> Result<()> {
        given_up::give_up(self, record, row)
    }

    fn given_up(&mut self, record: RecordId) -> Result<Vec<GivenUpRow>> {
        given_up::given_up(self, record)
    }

    fn destroyed(&mut self, record: RecordId, entry: EntryId) -> Result<Option<DestroyedRow>> {
        destroyed::destroyed(self, record, entry)
    }

    fn destroyed_since(&mut self, record: RecordId, after: Tick) -> Result<Vec<EntryId>> {
        destroyed::destroyed_since(self, record, after)
    }

    fn destroyed_after(
        &mut self,
        after: Option<(RecordId, EntryId)>,
        limit: u32,
    ) -> Result<Vec<(RecordId, DestroyedRow)>> {
        destroyed::destroyed_after(self, after, limit)
    }

    fn add_shelf(&mut self, record: RecordId, shelf: ShelfId, sealed: &[u8]) -> Result<()> {
        shelves::add(self, record, shelf, sealed)
    }

    fn shelves(&mut self, record: RecordId) -> Result<Vec<(ShelfId, Vec<u8>)>> {
        shelves::of(self, record)
    }

    fn move_entry(&mut self, record: RecordId, entry: EntryId, moved: &Move) -> Result<()> {
        shelves::move_entry(self, record, entry, moved)
    }

    fn placed(
        &mut self,
        record: RecordId,
        shelves: &[ShelfId],
        after: Tick,
        until: Tick,
        limit: u32,
    ) -> Result<Vec<(Tick, EntryRow)>> {
        shelves::placed(self, record, shelves, (after, until), limit)
    }

    fn departed(
        &mut self,
        record: RecordId,
        shelves: &[ShelfId],
        after: Tick,
        until: Tick,
    ) -> Result<Vec<(Tick, EntryRow)>> {
        shelves::departed(self, record, shelves, (after, until))
    }

    fn left_by(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<(ShelfId, Tick)>> {
        shelves::left_by(self, record, entry)
    }

    fn standing_on(&mut self, record: RecordId, shelf: ShelfId) -> Result<OnShelf> {
        shelves::standing_on(self, record, shelf)
    }

    fn append_log(&mut self, record: RecordId, row: &LogRow) -> Result<()> {
        diesel::insert_into(log::table)
            .values((
                log::record_id.eq(bytes(&record)),
                log::tick.eq(int(row.tick.0)),
                log::entry_id.eq(row.entry.as_bytes().as_slice()),
                log::change_blind.eq(row.change_blind.as_bytes()),
                log::actor_blind.eq(row.actor_blind.as_bytes()),
                log::seq.eq(int(row.seq)),
                log::about.eq(&row.about),
                log::change.eq(&row.change),
            ))
            .execute(self)?;
        Ok(())
    }

    fn log_of_entry(
        &mut self,
        record: RecordId,
        entry: EntryId,
        after: Tick,
    ) -> Result<Vec<LogRow>> {
        let found: Vec<LogTuple> = log::table
            .filter(log::record_id.eq(bytes(&record)))
            .filter(log::entry_id.eq(entry.as_bytes().as_slice()))
            .filter(log::tick.gt(int(after.0)))
            .order(log::tick)
            .select(rows::LOG)
            .load(self)?;
        found.into_iter().map(rows::log_row).collect()
    }

    fn about_entry(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<(Tick, Vec<u8>)>> {
        let found: Vec<(i64, Vec<u8>)> = log::table
            .filter(log::record_id.eq(bytes(&record)))
            .filter(log::entry_id.eq(entry.as_bytes().as_slice()))
            .order(log::tick)
            .select((log::tick, log::about))
            .load(self)?;
        Ok(found
            .into_iter()
            .map(|(tick, about)| (rows::tick(tick), about))
            .collect())
    }

    fn about_at(
        &mut self,
        record: RecordId,
        entry: EntryId,
        at: Tick,
    ) -> Result<Option<(Tick, Vec<u8>)>> {
        // The newest of an entry's ticks comes from the index alone; then one row is read.
        let tick: Option<i64> = log::table
            .filter(log::record_id.eq(bytes(&record)))
            .filter(log::entry_id.eq(entry.as_bytes().as_slice()))
            .filter(log::tick.le(int(at.0)))
            .select(max(log::tick))
            .first(self)?;
        let Some(tick) = tick else { return Ok(None) };
        let about = log::table
            .find((bytes(&record), tick))
            .select(log::about)
            .first(self)?;
        Ok(Some((rows::tick(tick), about)))
    }

    fn accepted(&mut self, record: RecordId, change: Blind) -> Result<Option<Tick>> {
        let tick: Option<i64> = log::table
            .filter(log::record_id.eq(bytes(&record)))
            .filter(log::change_blind.eq(change.as_bytes()))
            .select(log::tick)
            .first(self)
            .optional()?;
        Ok(tick.map(rows::tick))
    }

    fn ticks_after(&mut self, record: RecordId, after: Tick, limit: u32) -> Result<Vec<Tick>> {
        let found: Vec<i64> = log::table
            .filter(log::record_id.eq(bytes(&record)))
            .filter(log::tick.gt(int(after.0)))
            .order(log::tick)
            .limit(limit.into())
            .select(log::tick)
            .load(self)?;
        Ok(found.into_iter().map(rows::tick).collect())
    }

    fn log_after(&mut self, record: RecordId, after: Tick, limit: u32) -> Result<Vec<LogRow>> {
        let found: Vec<LogTuple> = log::table
            .filter(log::record_id.eq(bytes(&record)))
            .filter(log::tick.gt(int(after.0)))
            .order(log::tick)
            .limit(limit.into())
            .select(rows::LOG)
            .load(self)?;
        found.into_iter().map(rows::log_row).collect()
    }

    fn doom(&mut self, record: RecordId, entry: EntryId, marks: &BTreeSet<Tick>) -> Result<()> {
        marks::doom(self, record, entry, marks)
    }

    fn undoom(&mut self, record: RecordId, entry: EntryId, marks: &BTreeSet<Tick>) -> Result<()> {
        marks::undoom(self, record, entry, marks)
    }

    fn doomed_by(&mut self, record: RecordId, entry: EntryId) -> Result<BTreeSet<Tick>> {
        marks::of(self, record, entry)
    }

    fn doomed(&mut self) -> Result<Vec<(RecordId, EntryId, BTreeSet<Tick>)>> {
        marks::all(self)
    }

    fn put_parties(&mut self, record: RecordId, entry: EntryId, people: &[Blind]) -> Result<()> {
        parties::put_parties(self, record, entry, people)
    }

    fn parties(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<Blind>> {
        parties::parties(self, record, entry)
    }

    fn names(&mut self, record: RecordId, person: Blind) -> Result<bool> {
        parties::names(self, record, person)
    }

    fn records_naming(
        &mut self,
        person: Blind,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<RecordId>> {
        parties::records_naming(self, person, after, limit)
    }

    fn hold(&mut self, record: RecordId, row: &HeldRow) -> Result<()> {
        held::hold(self, record, row)
    }

    fn hold_otherwise(&mut self, record: RecordId, row: &HeldRow) -> Result<()> {
        held::hold_otherwise(self, record, row)
    }

    fn settle(
        &mut self,
        record: RecordId,
        change: Blind,
        settlement: Settlement,
        at: Tick,
    ) -> Result<bool> {
        held::settle(self, record, change, settlement, at)
    }

    fn empty_held(
        &mut self,
        record: RecordId,
        change: Blind,
        emptied: (&[u8], &[u8]),
        at: Tick,
    ) -> Result<()> {
        held::empty_held(self, record, change, emptied, at)
    }

    fn held_of_entry(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<HeldRow>> {
        held::held_of_entry(self, record, entry)
    }

    fn held_about_entry(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<HeldAboutRow>> {
        held::held_about_entry(self, record, entry)
    }

    fn put_off_held(
        &mut self,
        record: RecordId,
        entry: EntryId,
        due: Option<Tick>,
        at: Tick,
    ) -> Result<()> {
        held::put_off_held(self, record, entry, due, at)
    }

    fn held_shown(&mut self, record: RecordId, after: Tick, until: Tick) -> Result<Vec<HeldRow>> {
        held::held_shown(self, record, after, until)
    }

    fn held_settled(
        &mut self,
        record: RecordId,
        author: Blind,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<HeldRow>> {
        held::held_settled(self, record, author, after, until)
    }

    fn held_open(
        &mut self,
        record: RecordId,
        author: Blind,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<HeldRow>> {
        held::held_open(self, record, author, after, until)
    }

    fn unhold(&mut self, record: RecordId, change: Blind) -> Result<()> {
        held::unhold(self, record, change)
    }

    fn sum_held(&mut self, record: RecordId, author: Blind) -> Result<HeldSum> {
        held::sum_held(self, record, author)
    }

    fn append_audit(&mut self, record: RecordId, row: &AuditRow) -> Result<()> {
        audit::append_audit(self, record, row)
    }

    fn audit_after(&mut self, record: RecordId, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
        audit::audit_after(self, record, after, limit)
    }

    fn append_apart(&mut self, record: RecordId, row: &ApartRow) -> Result<()> {
        audit::append_apart(self, record, row)
    }

    fn apart_after(&mut self, record: RecordId, after: u64, limit: u32) -> Result<Vec<ApartRow>> {
        audit::apart_after(self, record, after, limit)
    }

    fn apart_due(&mut self, record: RecordId, until: Tick) -> Result<Vec<ApartRow>> {
        audit::apart_due(self, record, until)
    }

    fn tell_apart(&mut self, record: RecordId, seq: u64, at: Tick) -> Result<()> {
        audit::tell_apart(self, record, seq, at)
    }

    fn put_off_apart(&mut self, record: RecordId, entry: EntryId, due: Tick) -> Result<()> {
        audit::put_off_apart(self, record, entry, due)
    }
}
