//! The access log, and what is kept apart from it: [`RecordStore`](super::RecordStore)'s part about it.

use diesel::prelude::*;
use sync_core::{EntryId, RecordId, Tick};

use super::Result;
use super::rows::{self, ApartTuple, AuditTuple, bytes, int};
use crate::storage::records::{ApartRow, AuditRow};
use crate::storage::schema::records::{audit, audit_apart};
use crate::storage::sqlite::statement::{Statement, Value};

pub(super) fn append_audit(
    connection: &mut SqliteConnection,
    record: RecordId,
    row: &AuditRow,
) -> Result<()> {
    diesel::insert_into(audit::table)
        .values((
            audit::record_id.eq(bytes(&record)),
            audit::seq.eq(int(row.seq)),
            audit::tick.eq(int(row.tick.0)),
            audit::hash.eq(row.hash.as_bytes()),
            audit::sealed.eq(&row.sealed),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn audit_after(
    connection: &mut SqliteConnection,
    record: RecordId,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    let found: Vec<AuditTuple> = audit::table
        .filter(audit::record_id.eq(bytes(&record)))
        .filter(audit::seq.gt(int(after)))
        .order(audit::seq)
        .limit(limit.into())
        .select((audit::seq, audit::tick, audit::hash, audit::sealed))
        .load(connection)?;
    found.into_iter().map(rows::audit_row).collect()
}

pub(super) fn append_apart(
    connection: &mut SqliteConnection,
    record: RecordId,
    row: &ApartRow,
) -> Result<()> {
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
        .execute(connection)?;
    Ok(())
}

pub(super) fn apart_after(
    connection: &mut SqliteConnection,
    record: RecordId,
    after: u64,
    limit: u32,
) -> Result<Vec<ApartRow>> {
    let found: Vec<ApartTuple> = audit_apart::table
        .filter(audit_apart::record_id.eq(bytes(&record)))
        .filter(audit_apart::seq.gt(int(after)))
        .order(audit_apart::seq)
        .limit(limit.into())
        .select(rows::APART)
        .load(connection)?;
    found.into_iter().map(rows::apart_row).collect()
}

pub(super) fn apart_due(
    connection: &mut SqliteConnection,
    record: RecordId,
    until: Tick,
) -> Result<Vec<ApartRow>> {
    let found: Vec<ApartTuple> = audit_apart::table
        .filter(audit_apart::record_id.eq(bytes(&record)))
        .filter(audit_apart::due.le(int(until.0)))
        .filter(audit_apart::told.is_null())
        .order(audit_apart::seq)
        .select(rows::APART)
        .load(connection)?;
    found.into_iter().map(rows::apart_row).collect()
}

pub(super) fn tell_apart(
    connection: &mut SqliteConnection,
    record: RecordId,
    seq: u64,
    at: Tick,
) -> Result<()> {
    diesel::update(audit_apart::table.find((bytes(&record), int(seq))))
        .set(audit_apart::told.eq(int(at.0)))
        .execute(connection)?;
    Ok(())
}

pub(super) fn put_off_apart(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
    due: Tick,
) -> Result<()> {
    let put_off = Statement {
        text: "UPDATE audit_apart SET due = ? WHERE record_id = ? AND entry_id = ? AND told IS NULL",
        values: &[
            Value::Int(int(due.0)),
            Value::Bytes(bytes(&record)),
            Value::Bytes(entry.as_bytes()),
        ],
    };
    put_off.execute(connection)?;
    Ok(())
}
