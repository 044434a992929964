//! [`RecordStore`] over SQLite.

mod marks;
mod rows;
mod shelves;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{count_star, max, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use sync_core::sync::Settlement;
use sync_core::{Digest32, EntryId, LogIncarnation, PersonId, RecordId, Tick};

use crate::storage::StorageError;
use crate::storage::records::{
    ApartRow, AuditRow, Blind, DestroyedRow, EntryRow, HeldAboutRow, HeldRow, HeldSum, Life,
    LogRow, Move, OnShelf, RecordClock, RecordRow, RecordStore, ShelfId,
};
use crate::storage::schema::records::{
    audit, audit_apart, destroyed, entries, held, lives, log, parties, records,
};
use crate::storage::sqlite::statement::{Statement, Value};
use rows::{
    ApartTuple, AuditTuple, DestroyedTuple, Entry, EntryTuple, HeldAboutTuple, HeldTuple,
    LifeTuple, LogTuple, RecordTuple, bytes, id, int,
};

type Result<T> = std::result::Result<T, StorageError>;

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
            ))
            .execute(self)?;
        Ok(())
    }

    fn move_clock(&mut self, record: RecordId, clock: &RecordClock) -> Result<()> {
        let apart_head = clock.apart_head.as_ref();
        let moved = Statement {
            text: "UPDATE records SET last_tick = ?, rights_tick = ?, audit_len = ?, \
                   audit_head = ?, apart_len = ?, apart_head = ?, shelves = ? \
                   WHERE record_id = ?",
            values: &[
                Value::Int(int(clock.last.0)),
                Value::Int(int(clock.rights.0)),
                Value::Int(int(clock.audit_len)),
                Value::Bytes(clock.audit_head.as_bytes()),
                Value::Int(int(clock.apart_len)),
                Value::MaybeBytes(apart_head.map(|head| &head.0[..])),
                Value::Int(int(clock.shelves)),
                Value::Bytes(bytes(&record)),
            ],
        };
        moved.execute(self)?;
        Ok(())
    }

    fn lives(&mut self, record: RecordId) -> Result<BTreeMap<LogIncarnation, Life>> {
        let found: Vec<LifeTuple> = lives::table
            .filter(lives::record_id.eq(bytes(&record)))
            .select((
                lives::log_incarnation,
                lives::ended,
                lives::kept,
                lives::had,
            ))
            .load(self)?;
        found.into_iter().map(rows::life).collect()
    }

    fn end_life(&mut self, record: RecordId, log: LogIncarnation, life: Life) -> Result<()> {
        let Life { ended, kept, had } = life;
        diesel::insert_or_ignore_into(lives::table)
            .values((
                lives::record_id.eq(bytes(&record)),
                lives::log_incarnation.eq(log.as_bytes()),
                lives::ended.eq(int(ended.0)),
                lives::kept.eq(kept.map(int)),
                lives::had.eq(int(had)),
            ))
            .execute(self)?;
        let life = lives::table.find((bytes(&record), log.as_bytes()));
        diesel::update(life.filter(lives::ended.lt(int(ended.0))))
            .set(lives::ended.eq(int(ended.0)))
            .execute(self)?;
        diesel::update(life.filter(lives::had.lt(int(had))))
            .set(lives::had.eq(int(had)))
            .execute(self)?;
        Ok(())
    }

    fn begin_life(&mut self, record: RecordId, log: LogIncarnation) -> Result<()> {
        diesel::update(records::table.find(bytes(&record)))
            .set(records::log_incarnation.eq(log.as_bytes()))
            .execute(self)?;
        Ok(())
    }

    fn entry(&mut self, record: RecordId, entry: EntryId) -> Result<Option<(EntryRow, Vec<u8>)>> {
        let row: Option<(EntryTuple, Vec<u8>)> = entries::table
            .find((bytes(&record), entry.as_bytes().as_slice()))
            .select((Entry::COLUMNS, entries::document))
            .first(self)
            .optional()?;
        row.map(rows::entry_with_document).transpose()
    }

    fn put_entry(&mut self, record: RecordId, row: &EntryRow, document: &[u8]) -> Result<()> {
        let put = Statement {
            text: "INSERT INTO entries (record_id, entry_id, key_id, touched, due, is_right, \
                   changes, bytes, class, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   ON CONFLICT (record_id, entry_id) DO UPDATE SET touched = excluded.touched, \
                   due = excluded.due, is_right = excluded.is_right, changes = excluded.changes, \
                   bytes = excluded.bytes, class = excluded.class, document = excluded.document",
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
                Value::Bytes(document),
            ],
        };
        put.execute(self)?;
        Ok(())
    }

    fn rights(&mut self, record: RecordId) -> Result<Vec<(EntryRow, Vec<u8>)>> {
        let found: Vec<(EntryTuple, Vec<u8>)> = entries::table
            .filter(entries::record_id.eq(bytes(&record)))
            // As text, not as a bound value: only so can the index of rights alone be used.
            .filter(sql::<Bool>("is_right = 1"))
            .order(entries::entry_id)
            .select((Entry::COLUMNS, entries::document))
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
        let (record, entry) = (bytes(&record), row.entry.as_bytes().as_slice());
        diesel::insert_into(destroyed::table)
            .values((
                destroyed::record_id.eq(record),
                destroyed::entry_id.eq(entry),
                destroyed::key_id.eq(row.key.as_bytes()),
                destroyed::tick.eq(int(row.at.0)),
                destroyed::sealed.eq(&row.sealed),
            ))
            .execute(self)?;
        let nothing: &[u8] = &[];
        diesel::update(entries::table.find((record, entry)))
            .set((
                entries::touched.eq(int(row.at.0)),
                entries::due.eq(None::<i64>),
                entries::class.eq(nothing),
                entries::document.eq(nothing),
            ))
            .execute(self)?;
        let of_entry = log::table
            .filter(log::record_id.eq(record))
            .filter(log::entry_id.eq(entry));
        diesel::update(of_entry)
            .set((log::about.eq(nothing), log::change.eq(nothing)))
            .execute(self)?;
        Ok(())
    }

    fn destroyed(&mut self, record: RecordId, entry: EntryId) -> Result<Option<DestroyedRow>> {
        let row: Option<DestroyedTuple> = destroyed::table
            .find((bytes(&record), entry.as_bytes().as_slice()))
            .first(self)
            .optional()?;
        row.map(|row| Ok(rows::destroyed(row)?.1)).transpose()
    }

    fn destroyed_since(&mut self, record: RecordId, after: Tick) -> Result<Vec<EntryId>> {
        let found: Vec<Vec<u8>> = destroyed::table
            .filter(destroyed::record_id.eq(bytes(&record)))
            .filter(destroyed::tick.gt(int(after.0)))
            .select(destroyed::entry_id)
            .load(self)?;
        let read = |id: Vec<u8>| EntryId::from_slice(&id);
        let read = |id| read(id).ok_or(StorageError::Malformed("destroyed.entry_id"));
        found.into_iter().map(read).collect()
    }

    fn destroyed_after(
        &mut self,
        after: Option<(RecordId, EntryId)>,
        limit: u32,
    ) -> Result<Vec<(RecordId, DestroyedRow)>> {
        let (record, entry) = after.map_or_else(Default::default, |(record, entry)| {
            (bytes(&record).to_vec(), entry.as_bytes().to_vec())
        });
        // The rest of that record, and then the others: as one question it would read all rows.
        let mut found: Vec<DestroyedTuple> = destroyed::table
            .filter(destroyed::record_id.eq(&record))
            .filter(destroyed::entry_id.gt(&entry))
            .order(destroyed::entry_id)
            .limit(limit.into())
            .load(self)?;
        let left = i64::from(limit) - i64::try_from(found.len()).unwrap_or(i64::MAX);
        let others: Vec<DestroyedTuple> = destroyed::table
            .filter(destroyed::record_id.gt(&record))
            .order((destroyed::record_id, destroyed::entry_id))
            .limit(left.max(0))
            .load(self)?;
        found.extend(others);
        found.into_iter().map(rows::destroyed).collect()
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
        for person in people {
            diesel::insert_or_ignore_into(parties::table)
                .values((
                    parties::person_blind.eq(person.as_bytes()),
                    parties::record_id.eq(bytes(&record)),
                    parties::entry_id.eq(entry.as_bytes().as_slice()),
                ))
                .execute(self)?;
        }
        Ok(())
    }

    fn parties(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<Blind>> {
        let found: Vec<Vec<u8>> = parties::table
            .filter(parties::record_id.eq(bytes(&record)))
            .filter(parties::entry_id.eq(entry.as_bytes().as_slice()))
            .order(parties::person_blind)
            .select(parties::person_blind)
            .load(self)?;
        let read = |blind: Vec<u8>| Blind::from_slice(&blind);
        let read = |blind| read(blind).ok_or(StorageError::Malformed("parties.person_blind"));
        found.into_iter().map(read).collect()
    }

    fn names(&mut self, record: RecordId, person: Blind) -> Result<bool> {
        let found: Option<Vec<u8>> = parties::table
            .filter(parties::person_blind.eq(person.as_bytes()))
            .filter(parties::record_id.eq(bytes(&record)))
            .select(parties::entry_id)
            .first(self)
            .optional()?;
        Ok(found.is_some())
    }

    fn records_naming(
        &mut self,
        person: Blind,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<RecordId>> {
        let after = after.map_or_else(Vec::new, |record| record.as_bytes().to_vec());
        let found: Vec<Vec<u8>> = parties::table
            .filter(parties::person_blind.eq(person.as_bytes()))
            .filter(parties::record_id.gt(after))
            .select(parties::record_id)
            .distinct()
            .order(parties::record_id)
            .limit(limit.into())
            .load(self)?;
        found.iter().map(|bytes| id(bytes)).collect()
    }

    fn hold(&mut self, record: RecordId, row: &HeldRow) -> Result<()> {
        diesel::insert_into(held::table)
            .values((
                held::record_id.eq(bytes(&record)),
                held::change_blind.eq(row.change_blind.as_bytes()),
                held::entry_id.eq(row.entry.as_bytes().as_slice()),
                held::author_blind.eq(row.author_blind.as_bytes()),
                held::received.eq(int(row.received.0)),
                held::changed.eq(int(row.changed.0)),
                held::settlement.eq(row.settlement.map(rows::settlement_code)),
                held::due.eq(row.due.map(|due| int(due.0))),
                held::about.eq(&row.about),
                held::sealed.eq(&row.sealed),
            ))
            .execute(self)?;
        Ok(())
    }

    fn settle(
        &mut self,
        record: RecordId,
        change: Blind,
        settlement: Settlement,
        at: Tick,
    ) -> Result<bool> {
        let one = held::table.find((bytes(&record), change.as_bytes()));
        let settled = diesel::update(one.filter(held::settlement.is_null()))
            .set((
                held::settlement.eq(rows::settlement_code(settlement)),
                held::changed.eq(int(at.0)),
            ))
            .execute(self)?;
        Ok(settled > 0)
    }

    fn empty_held(
        &mut self,
        record: RecordId,
        change: Blind,
        (sealed, about): (&[u8], &[u8]),
        at: Tick,
    ) -> Result<()> {
        self.settle(record, change, Settlement::Discarded, at)?;
        diesel::update(held::table.find((bytes(&record), change.as_bytes())))
            .set((
                held::sealed.eq(sealed),
                held::about.eq(about),
                held::changed.eq(int(at.0)),
            ))
            .execute(self)?;
        Ok(())
    }

    fn held_of_entry(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<HeldRow>> {
        let found: Vec<HeldTuple> = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::entry_id.eq(entry.as_bytes().as_slice()))
            .order((held::received, held::change_blind))
            .select(rows::HELD)
            .load(self)?;
        found.into_iter().map(rows::held_row).collect()
    }

    fn held_about_entry(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<HeldAboutRow>> {
        let found: Vec<HeldAboutTuple> = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::entry_id.eq(entry.as_bytes().as_slice()))
            .order((held::received, held::change_blind))
            .select((
                held::author_blind,
                held::received,
                held::due,
                held::settlement.is_null(),
                held::about,
            ))
            .load(self)?;
        found.into_iter().map(rows::held_about).collect()
    }

    fn put_off_held(
        &mut self,
        record: RecordId,
        entry: EntryId,
        due: Option<Tick>,
        at: Tick,
    ) -> Result<()> {
        let of_entry = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::entry_id.eq(entry.as_bytes().as_slice()));
        diesel::update(of_entry.filter(held::settlement.is_null()))
            .set((
                held::due.eq(due.map(|due| int(due.0))),
                held::changed.eq(int(at.0)),
            ))
            .execute(self)?;
        Ok(())
    }

    fn held_shown(&mut self, record: RecordId, after: Tick, until: Tick) -> Result<Vec<HeldRow>> {
        let found: Vec<HeldTuple> = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::shown.gt(int(after.0)))
            .filter(held::shown.le(int(until.0)))
            .order((held::shown, held::received, held::change_blind))
            .select(rows::HELD)
            .load(self)?;
        found.into_iter().map(rows::held_row).collect()
    }

    fn held_settled(
        &mut self,
        record: RecordId,
        author: Blind,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<HeldRow>> {
        let found: Vec<HeldTuple> = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::author_blind.eq(author.as_bytes()))
            .filter(held::settlement.is_not_null())
            .filter(held::changed.gt(int(after.0)))
            .filter(held::changed.le(int(until.0)))
            .order((held::changed, held::change_blind))
            .select(rows::HELD)
            .load(self)?;
        found.into_iter().map(rows::held_row).collect()
    }

    fn held_open(
        &mut self,
        record: RecordId,
        author: Blind,
        after: Tick,
        until: Tick,
    ) -> Result<Vec<HeldRow>> {
        let found: Vec<HeldTuple> = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::author_blind.eq(author.as_bytes()))
            .filter(held::settlement.is_null())
            .filter(held::received.gt(int(after.0)))
            .filter(held::received.le(int(until.0)))
            .order((held::received, held::change_blind))
            .select(rows::HELD)
            .load(self)?;
        found.into_iter().map(rows::held_row).collect()
    }

    fn sum_held(&mut self, record: RecordId, author: Blind) -> Result<HeldSum> {
        let (edits, bytes): (i64, i64) = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::author_blind.eq(author.as_bytes()))
            .filter(held::settlement.is_null())
            .select((
                count_star(),
                // The length stands in the row's head: what is sealed is not read.
                sql::<BigInt>("coalesce(sum(length(sealed)), 0)"),
            ))
            .get_result(self)?;
        Ok(HeldSum {
            edits: edits.cast_unsigned(),
            bytes: bytes.cast_unsigned(),
        })
    }

    fn append_audit(&mut self, record: RecordId, row: &AuditRow) -> Result<()> {
        diesel::insert_into(audit::table)
            .values((
                audit::record_id.eq(bytes(&record)),
                audit::seq.eq(int(row.seq)),
                audit::tick.eq(int(row.tick.0)),
                audit::hash.eq(row.hash.as_bytes()),
                audit::sealed.eq(&row.sealed),
            ))
            .execute(self)?;
        Ok(())
    }

    fn audit_after(&mut self, record: RecordId, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
        let found: Vec<AuditTuple> = audit::table
            .filter(audit::record_id.eq(bytes(&record)))
            .filter(audit::seq.gt(int(after)))
            .order(audit::seq)
            .limit(limit.into())
            .select((audit::seq, audit::tick, audit::hash, audit::sealed))
            .load(self)?;
        found.into_iter().map(rows::audit_row).collect()
    }

    fn append_apart(&mut self, record: RecordId, row: &ApartRow) -> Result<()> {
        diesel::insert_into(audit_apart::table)
            .values((
                audit_apart::record_id.eq(bytes(&record)),
                audit_apart::seq.eq(int(row.seq)),
                audit_apart::tick.eq(int(row.tick.0)),
                audit_apart::hash.eq(row.hash.as_bytes()),
                audit_apart::entry_id.eq(row.entry.as_bytes().as_slice()),
                audit_apart::due.eq(int(row.due.0)),
                audit_apart::told.eq(row.told.map(|told| int(told.0))),
                audit_apart::sealed.eq(&row.sealed),
            ))
            .execute(self)?;
        Ok(())
    }

    fn apart_after(&mut self, record: RecordId, after: u64, limit: u32) -> Result<Vec<ApartRow>> {
        let found: Vec<ApartTuple> = audit_apart::table
            .filter(audit_apart::record_id.eq(bytes(&record)))
            .filter(audit_apart::seq.gt(int(after)))
            .order(audit_apart::seq)
            .limit(limit.into())
            .select(rows::APART)
            .load(self)?;
        found.into_iter().map(rows::apart_row).collect()
    }

    fn apart_due(&mut self, record: RecordId, until: Tick) -> Result<Vec<ApartRow>> {
        let found: Vec<ApartTuple> = audit_apart::table
            .filter(audit_apart::record_id.eq(bytes(&record)))
            .filter(audit_apart::due.le(int(until.0)))
            .filter(audit_apart::told.is_null())
            .order(audit_apart::seq)
            .select(rows::APART)
            .load(self)?;
        found.into_iter().map(rows::apart_row).collect()
    }

    fn tell_apart(&mut self, record: RecordId, seq: u64, at: Tick) -> Result<()> {
        diesel::update(audit_apart::table.find((bytes(&record), int(seq))))
            .set(audit_apart::told.eq(int(at.0)))
            .execute(self)?;
        Ok(())
    }

    fn put_off_apart(&mut self, record: RecordId, entry: EntryId, due: Tick) -> Result<()> {
        let of_entry = audit_apart::table
            .filter(audit_apart::record_id.eq(bytes(&record)))
            .filter(audit_apart::entry_id.eq(entry.as_bytes().as_slice()));
        diesel::update(of_entry.filter(audit_apart::told.is_null()))
            .set(audit_apart::due.eq(int(due.0)))
            .execute(self)?;
        Ok(())
    }
}
