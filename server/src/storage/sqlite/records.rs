//! [`RecordStore`] over SQLite.

mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use diesel::dsl::{max, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::upsert::excluded;
use sync_core::sync::Settlement;
use sync_core::{Digest32, EntryId, LogIncarnation, PersonId, RecordId, Tick};

use crate::storage::StorageError;
use crate::storage::records::{
    ApartRow, AuditRow, Blind, EntryRow, HeldRow, LogRow, RecordClock, RecordRow, RecordStore,
};
use crate::storage::schema::records::{
    audit, audit_apart, entries, held, lives, log, parties, records,
};
use rows::{
    ApartTuple, AuditTuple, Entry, EntryTuple, HeldTuple, LogTuple, RecordTuple, bytes, id, int,
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
            ))
            .execute(self)?;
        Ok(())
    }

    fn move_clock(&mut self, record: RecordId, clock: &RecordClock) -> Result<()> {
        diesel::update(records::table.find(bytes(&record)))
            .set((
                records::last_tick.eq(int(clock.last.0)),
                records::rights_tick.eq(int(clock.rights.0)),
                records::audit_len.eq(int(clock.audit_len)),
                records::audit_head.eq(clock.audit_head.as_bytes()),
                records::apart_len.eq(int(clock.apart_len)),
                records::apart_head.eq(clock.apart_head.as_ref().map(Digest32::as_bytes)),
            ))
            .execute(self)?;
        Ok(())
    }

    fn lives(&mut self, record: RecordId) -> Result<BTreeMap<LogIncarnation, Tick>> {
        let found: Vec<(Vec<u8>, i64)> = lives::table
            .filter(lives::record_id.eq(bytes(&record)))
            .select((lives::log_incarnation, lives::ended))
            .load(self)?;
        found.iter().map(rows::life).collect()
    }

    fn end_life(&mut self, record: RecordId, log: LogIncarnation, at: Tick) -> Result<()> {
        let life = lives::table.find((bytes(&record), log.as_bytes()));
        diesel::insert_or_ignore_into(lives::table)
            .values((
                lives::record_id.eq(bytes(&record)),
                lives::log_incarnation.eq(log.as_bytes()),
                lives::ended.eq(int(at.0)),
            ))
            .execute(self)?;
        diesel::update(life.filter(lives::ended.lt(int(at.0))))
            .set(lives::ended.eq(int(at.0)))
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
        diesel::insert_into(entries::table)
            .values((
                entries::record_id.eq(bytes(&record)),
                entries::entry_id.eq(row.entry.as_bytes().as_slice()),
                entries::key_id.eq(row.key.as_bytes()),
                entries::touched.eq(int(row.touched.0)),
                entries::due.eq(row.due.map(|due| int(due.0))),
                entries::is_right.eq(i32::from(row.is_right)),
                entries::changes.eq(int(row.changes)),
                entries::bytes.eq(int(row.bytes)),
                entries::class.eq(&row.class),
                entries::document.eq(document),
            ))
            .on_conflict((entries::record_id, entries::entry_id))
            .do_update()
            .set((
                entries::touched.eq(excluded(entries::touched)),
                entries::due.eq(excluded(entries::due)),
                entries::is_right.eq(excluded(entries::is_right)),
                entries::changes.eq(excluded(entries::changes)),
                entries::bytes.eq(excluded(entries::bytes)),
                entries::class.eq(excluded(entries::class)),
                entries::document.eq(excluded(entries::document)),
            ))
            .execute(self)?;
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

    fn touched(
        &mut self,
        record: RecordId,
        after: Tick,
        until: Tick,
        limit: u32,
    ) -> Result<Vec<EntryRow>> {
        let found: Vec<EntryTuple> = entries::table
            .filter(entries::record_id.eq(bytes(&record)))
            .filter(entries::touched.gt(int(after.0)))
            .filter(entries::touched.le(int(until.0)))
            .order(entries::touched)
            .limit(limit.into())
            .select(Entry::COLUMNS)
            .load(self)?;
        found.into_iter().map(rows::entry).collect()
    }

    fn fallen_due(&mut self, record: RecordId, after: Tick, until: Tick) -> Result<Vec<EntryRow>> {
        let found: Vec<EntryTuple> = entries::table
            .filter(entries::record_id.eq(bytes(&record)))
            .filter(entries::due.gt(int(after.0)))
            .filter(entries::due.le(int(until.0)))
            .filter(entries::due.ge(entries::touched.nullable()))
            .order((entries::due, entries::entry_id))
            .select(Entry::COLUMNS)
            .load(self)?;
        found.into_iter().map(rows::entry).collect()
    }

    fn delayed(&mut self, record: RecordId, after: Tick) -> Result<Vec<(EntryId, Tick)>> {
        let found: Vec<(Vec<u8>, Option<i64>)> = entries::table
            .filter(entries::record_id.eq(bytes(&record)))
            .filter(entries::due.gt(int(after.0)))
            .filter(entries::is_right.eq(0))
            .select((entries::entry_id, entries::due))
            .load(self)?;
        found.into_iter().filter_map(rows::delayed).collect()
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

    fn held_of_entry(&mut self, record: RecordId, entry: EntryId) -> Result<Vec<HeldRow>> {
        let found: Vec<HeldTuple> = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::entry_id.eq(entry.as_bytes().as_slice()))
            .order((held::received, held::change_blind))
            .select(rows::HELD)
            .load(self)?;
        found.into_iter().map(rows::held_row).collect()
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

    fn held_changed(&mut self, record: RecordId, after: Tick, until: Tick) -> Result<Vec<HeldRow>> {
        let changed = held::changed
            .gt(int(after.0))
            .and(held::changed.le(int(until.0)));
        let fell_due = held::due.gt(int(after.0)).and(held::due.le(int(until.0)));
        let found: Vec<HeldTuple> = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(changed.or(fell_due))
            .order((held::changed, held::received, held::change_blind))
            .select(rows::HELD)
            .load(self)?;
        found.into_iter().map(rows::held_row).collect()
    }

    fn count_held(&mut self, record: RecordId, author: Blind) -> Result<u64> {
        let count: i64 = held::table
            .filter(held::record_id.eq(bytes(&record)))
            .filter(held::author_blind.eq(author.as_bytes()))
            .filter(held::settlement.is_null())
            .count()
            .get_result(self)?;
        Ok(count.cast_unsigned())
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
