//! What was given up: [`RecordStore`](super::RecordStore)'s part about it.

use diesel::prelude::*;
use sync_core::RecordId;

use super::Result;
use super::rows::{self, bytes, int};
use crate::keys::EntryKeyId;
use crate::storage::StorageError;
use crate::storage::records::GivenUpRow;
use crate::storage::schema::records::{
    contents, departures, entries, given_up, log, parties, places,
};

/// A row as it is stored.
type Tuple = (Vec<u8>, Vec<u8>, i64, i64, i64);

pub(super) fn give_up(
    connection: &mut SqliteConnection,
    record: RecordId,
    row: &GivenUpRow,
) -> Result<()> {
    let (record, entry) = (bytes(&record), row.entry.as_bytes().as_slice());
    diesel::insert_into(given_up::table)
        .values((
            given_up::record_id.eq(record),
            given_up::entry_id.eq(entry),
            given_up::key_id.eq(row.key.as_bytes()),
            given_up::tick.eq(int(row.at.0)),
            given_up::changes.eq(int(row.changes)),
            given_up::held.eq(int(row.held)),
        ))
        .execute(connection)?;
    macro_rules! of_entry {
        ($($table:ident),*) => {
            $(
                let rows = $table::table
                    .filter($table::record_id.eq(record))
                    .filter($table::entry_id.eq(entry));
                diesel::delete(rows).execute(connection)?;
            )*
        };
    }
    of_entry!(log, parties, places, departures, contents, entries);
    Ok(())
}

pub(super) fn given_up(
    connection: &mut SqliteConnection,
    record: RecordId,
) -> Result<Vec<GivenUpRow>> {
    let found: Vec<Tuple> = given_up::table
        .filter(given_up::record_id.eq(bytes(&record)))
        .order((given_up::entry_id, given_up::key_id))
        .select((
            given_up::entry_id,
            given_up::key_id,
            given_up::tick,
            given_up::changes,
            given_up::held,
        ))
        .load(connection)?;
    let read = |(entry, key, tick, changes, held): Tuple| {
        let key = EntryKeyId::from_slice(&key);
        Ok(GivenUpRow {
            entry: rows::entry_id(&entry)?,
            key: key.ok_or(StorageError::Malformed("given_up.key_id"))?,
            at: rows::tick(tick),
            changes: changes.cast_unsigned(),
            held: held.cast_unsigned(),
        })
    };
    found.into_iter().map(read).collect()
}
