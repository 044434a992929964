//! Whom rights name: [`RecordStore`](super::RecordStore)'s part about it.

use diesel::prelude::*;
use sync_core::{EntryId, RecordId};

use super::Result;
use super::rows::{bytes, id};
use crate::storage::StorageError;
use crate::storage::records::Blind;
use crate::storage::schema::records::parties;

pub(super) fn put_parties(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
    people: &[Blind],
) -> Result<()> {
    for person in people {
        diesel::insert_or_ignore_into(parties::table)
            .values((
                parties::person_blind.eq(person.as_bytes()),
                parties::record_id.eq(bytes(&record)),
                parties::entry_id.eq(entry.as_bytes().as_slice()),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn parties(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
) -> Result<Vec<Blind>> {
    let found: Vec<Vec<u8>> = parties::table
        .filter(parties::record_id.eq(bytes(&record)))
        .filter(parties::entry_id.eq(entry.as_bytes().as_slice()))
        .order(parties::person_blind)
        .select(parties::person_blind)
        .load(connection)?;
    let read = |blind: Vec<u8>| Blind::from_slice(&blind);
    let read = |blind| read(blind).ok_or(StorageError::Malformed("parties.person_blind"));
    found.into_iter().map(read).collect()
}

pub(super) fn names(
    connection: &mut SqliteConnection,
    record: RecordId,
    person: Blind,
) -> Result<bool> {
    let found: Option<Vec<u8>> = parties::table
        .filter(parties::person_blind.eq(person.as_bytes()))
        .filter(parties::record_id.eq(bytes(&record)))
        .select(parties::entry_id)
        .first(connection)
        .optional()?;
    Ok(found.is_some())
}

pub(super) fn records_naming(
    connection: &mut SqliteConnection,
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
        .load(connection)?;
    found.iter().map(|bytes| id(bytes)).collect()
}
