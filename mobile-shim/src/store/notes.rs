//! Shelves: whatever else is kept of a record, a sealed value a row.

use diesel::prelude::*;
use sync_core::codec;

use super::StoreError;
use super::schema::notes;
use crate::seal::{Place, RowKey, SealKey};

/// What a shelf holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Shelf {
    /// Own edits that did not become part of the record.
    Aside = 1,
    /// Held edits the server told of.
    Held = 2,
    /// The access log as fetched last.
    Log = 3,
    /// Names of people.
    People = 4,
    /// The habilitation matrix by which the server decides.
    Matrix = 6,
    /// Lines of the access log that the server had and lost.
    LostLog = 7,
    /// Heads of the access log that the server signed. (What stands on shelf 5 is not read.)
    Witness = 8,
    /// Entries that were destroyed as another patient's: that they were.
    Destroyed = 9,
    /// The server's word for the changes of each frame that came, by the resend it came with.
    Attestations = 10,
}

pub(super) fn load<T: serde::de::DeserializeOwned>(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    shelf: Shelf,
) -> Result<Vec<T>, StoreError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = notes::table
        .filter(notes::record.eq(&record[..]))
        .filter(notes::shelf.eq(shelf as i32))
        .order((notes::place, notes::note))
        .select((notes::note, notes::sealed))
        .load(connection)?;
    rows.iter()
        .map(|(row, sealed)| {
            let row = aad_row(record, shelf, row);
            Ok(codec::from_cbor(&key.open(place(&row), sealed)?)?)
        })
        .collect()
}

/// What bears a name on a shelf.
pub(super) fn find<T: serde::de::DeserializeOwned>(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    shelf: Shelf,
    name: &[u8],
) -> Result<Option<T>, StoreError> {
    let row = key.row("notes", &[name]);
    let sealed: Option<Vec<u8>> = notes::table
        .find((&record[..], shelf as i32, &row[..]))
        .select(notes::sealed)
        .first(connection)
        .optional()?;
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let row = aad_row(record, shelf, &row);
    Ok(Some(codec::from_cbor(&key.open(place(&row), &sealed)?)?))
}

pub(super) fn put(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    shelf: Shelf,
    name: &[u8],
    order: i64,
    note: &[u8],
) -> Result<(), StoreError> {
    let row = key.row("notes", &[name]);
    let sealed = key.seal(place(&aad_row(record, shelf, &row)), note)?;
    diesel::replace_into(notes::table)
        .values((
            notes::record.eq(&record[..]),
            notes::shelf.eq(shelf as i32),
            notes::note.eq(&row[..]),
            notes::place.eq(order),
            notes::sealed.eq(sealed),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn remove(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    shelf: Shelf,
    name: &[u8],
) -> Result<(), StoreError> {
    let row = key.row("notes", &[name]);
    diesel::delete(notes::table.find((&record[..], shelf as i32, &row[..]))).execute(connection)?;
    Ok(())
}

pub(super) fn clear(
    connection: &mut SqliteConnection,
    record: &RowKey,
    shelf: Shelf,
) -> Result<(), StoreError> {
    let shelf = notes::record
        .eq(&record[..])
        .and(notes::shelf.eq(shelf as i32));
    diesel::delete(notes::table.filter(shelf)).execute(connection)?;
    Ok(())
}

/// Drops what stands on a shelf before a place.
pub(super) fn drop_before(
    connection: &mut SqliteConnection,
    record: &RowKey,
    shelf: Shelf,
    order: i64,
) -> Result<(), StoreError> {
    let earlier = notes::record
        .eq(&record[..])
        .and(notes::shelf.eq(shelf as i32))
        .and(notes::place.lt(order));
    diesel::delete(notes::table.filter(earlier)).execute(connection)?;
    Ok(())
}

fn aad_row(record: &RowKey, shelf: Shelf, row: &[u8]) -> Vec<u8> {
    [&record[..], &(shelf as i32).to_le_bytes(), row].concat()
}

fn place(row: &[u8]) -> Place<'_> {
    Place {
        column: "notes.sealed",
        row,
    }
}
