//! What was destroyed: [`RecordStore`](super::RecordStore)'s part about it.

use diesel::prelude::*;
use sync_core::{EntryId, RecordId, Tick};

use super::Result;
use super::rows::{self, DestroyedTuple, bytes, int};
use crate::storage::StorageError;
use crate::storage::records::DestroyedRow;
use crate::storage::schema::records::{contents, destroyed, entries, log};

pub(super) fn destroy(
    connection: &mut SqliteConnection,
    record: RecordId,
    row: &DestroyedRow,
) -> Result<()> {
    let (record, entry) = (bytes(&record), row.entry.as_bytes().as_slice());
    diesel::insert_into(destroyed::table)
        .values((
            destroyed::record_id.eq(record),
            destroyed::entry_id.eq(entry),
            destroyed::key_id.eq(row.key.as_bytes()),
            destroyed::tick.eq(int(row.at.0)),
            destroyed::sealed.eq(&row.sealed),
        ))
        .execute(connection)?;
    let nothing: &[u8] = &[];
    diesel::update(entries::table.find((record, entry)))
        .set((
            entries::touched.eq(int(row.at.0)),
            entries::due.eq(None::<i64>),
            entries::class.eq(nothing),
        ))
        .execute(connection)?;
    diesel::delete(contents::table.find((record, entry))).execute(connection)?;
    let of_entry = log::table
        .filter(log::record_id.eq(record))
        .filter(log::entry_id.eq(entry));
    diesel::update(of_entry)
        .set((log::about.eq(nothing), log::change.eq(nothing)))
        .execute(connection)?;
    Ok(())
}

pub(super) fn destroyed(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
) -> Result<Option<DestroyedRow>> {
    let row: Option<DestroyedTuple> = destroyed::table
        .find((bytes(&record), entry.as_bytes().as_slice()))
        .first(connection)
        .optional()?;
    row.map(|row| Ok(rows::destroyed(row)?.1)).transpose()
}

pub(super) fn destroyed_since(
    connection: &mut SqliteConnection,
    record: RecordId,
    after: Tick,
) -> Result<Vec<EntryId>> {
    let found: Vec<Vec<u8>> = destroyed::table
        .filter(destroyed::record_id.eq(bytes(&record)))
        .filter(destroyed::tick.gt(int(after.0)))
        .select(destroyed::entry_id)
        .load(connection)?;
    let read = |id: Vec<u8>| EntryId::from_slice(&id);
    let read = |id| read(id).ok_or(StorageError::Malformed("destroyed.entry_id"));
    found.into_iter().map(read).collect()
}

pub(super) fn destroyed_after(
    connection: &mut SqliteConnection,
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
        .load(connection)?;
    let left = i64::from(limit) - i64::try_from(found.len()).unwrap_or(i64::MAX);
    let others: Vec<DestroyedTuple> = destroyed::table
        .filter(destroyed::record_id.gt(&record))
        .order((destroyed::record_id, destroyed::entry_id))
        .limit(left.max(0))
        .load(connection)?;
    found.extend(others);
    found.into_iter().map(rows::destroyed).collect()
}
