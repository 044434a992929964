//! The marks that may yet be taken back: [`RecordStore`](super::RecordStore)'s part about them.

use std::collections::BTreeSet;

use diesel::prelude::*;
use sync_core::{EntryId, RecordId, Tick};

use super::Result;
use super::rows::{self, bytes, id, int};
use crate::storage::schema::records::doomed;

pub(super) fn doom(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
    marks: &BTreeSet<Tick>,
) -> Result<()> {
    for mark in marks {
        diesel::insert_or_ignore_into(doomed::table)
            .values((
                doomed::record_id.eq(bytes(&record)),
                doomed::entry_id.eq(entry.as_bytes().as_slice()),
                doomed::tick.eq(int(mark.0)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn undoom(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
    marks: &BTreeSet<Tick>,
) -> Result<()> {
    for mark in marks {
        let note = (bytes(&record), entry.as_bytes().as_slice(), int(mark.0));
        diesel::delete(doomed::table.find(note)).execute(connection)?;
    }
    Ok(())
}

pub(super) fn of(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
) -> Result<BTreeSet<Tick>> {
    let found: Vec<i64> = doomed::table
        .filter(doomed::record_id.eq(bytes(&record)))
        .filter(doomed::entry_id.eq(entry.as_bytes().as_slice()))
        .select(doomed::tick)
        .load(connection)?;
    Ok(found.into_iter().map(rows::tick).collect())
}

pub(super) fn all(
    connection: &mut SqliteConnection,
) -> Result<Vec<(RecordId, EntryId, BTreeSet<Tick>)>> {
    let found: Vec<(Vec<u8>, Vec<u8>, i64)> = doomed::table
        .order((doomed::record_id, doomed::entry_id))
        .select((doomed::record_id, doomed::entry_id, doomed::tick))
        .load(connection)?;
    let mut all: Vec<(RecordId, EntryId, BTreeSet<Tick>)> = Vec::new();
    for (record, entry, tick) in found {
        let (record, entry) = (id(&record)?, rows::entry_id(&entry)?);
        match all.last_mut() {
            Some((of, noted, marks)) if (*of, *noted) == (record, entry) => {
                marks.insert(rows::tick(tick));
            }
            _ => all.push((record, entry, BTreeSet::from([rows::tick(tick)]))),
        }
    }
    Ok(all)
}
