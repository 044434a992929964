//! Cursors, sealed so that only this server reads them.

use sync_core::authority::Cursor;
use sync_core::{Bytes, PersonId, RecordId};

use crate::fault::Fault;
use crate::keys::{Keys, Place};

/// Seals a cursor to a record and a person.
///
/// # Errors
/// When the system gives no random bytes.
pub fn seal(
    keys: &Keys,
    record: RecordId,
    person: PersonId,
    cursor: &Cursor,
) -> Result<Bytes, Fault> {
    let row: [&[u8]; 2] = [record.as_bytes(), person.as_bytes()];
    let sealed = keys.cursor_key().seal(&place(&row), &cursor.encode())?;
    Ok(sealed.into())
}

/// Opens a cursor that this server gave this person for this record; nothing for any other.
pub fn open(keys: &Keys, record: RecordId, person: PersonId, sealed: &[u8]) -> Option<Cursor> {
    let row: [&[u8]; 2] = [record.as_bytes(), person.as_bytes()];
    let plain = keys.cursor_key().open(&place(&row), sealed).ok()?;
    Cursor::decode(&plain)
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "cursor",
        column: "",
        row,
    }
}
