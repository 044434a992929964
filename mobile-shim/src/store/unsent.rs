//! The queue of own edits that the server has not answered yet: a sealed edit a row, so that an
//! edit costs the same however many wait.

use diesel::prelude::*;
use sync_core::replica::Unsent;
use sync_core::{ChangeHash, codec};

use super::StoreError;
use super::schema::unsent;
use crate::seal::{Place, RowKey, SealKey};

pub(super) fn push(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    edit: &Unsent,
) -> Result<(), StoreError> {
    let last: Option<i64> = unsent::table
        .filter(unsent::record.eq(&record[..]))
        .select(diesel::dsl::max(unsent::place))
        .first(connection)?;
    let place = last.map_or(1, |last| last.saturating_add(1));
    let row = name(key, &edit.change);
    let sealed = key.seal(at(&aad_row(record, place, &row)), &codec::to_cbor(edit))?;
    diesel::insert_into(unsent::table)
        .values((
            unsent::record.eq(&record[..]),
            unsent::place.eq(place),
            unsent::edit.eq(&row[..]),
            unsent::sealed.eq(sealed),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn first(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    most: usize,
) -> Result<Vec<Unsent>, StoreError> {
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = unsent::table
        .filter(unsent::record.eq(&record[..]))
        .order(unsent::place)
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select((unsent::place, unsent::edit, unsent::sealed))
        .load(connection)?;
    let open = |(place, row, sealed): &(i64, Vec<u8>, Vec<u8>)| {
        let row = aad_row(record, *place, row);
        Ok(codec::from_cbor(&key.open(at(&row), sealed)?)?)
    };
    rows.iter().map(open).collect()
}

pub(super) fn find(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    change: &ChangeHash,
) -> Result<Option<Unsent>, StoreError> {
    let row = name(key, change);
    let found: Option<(i64, Vec<u8>)> = unsent::table
        .filter(unsent::record.eq(&record[..]))
        .filter(unsent::edit.eq(&row[..]))
        .select((unsent::place, unsent::sealed))
        .first(connection)
        .optional()?;
    let Some((place, sealed)) = found else {
        return Ok(None);
    };
    let row = aad_row(record, place, &row);
    Ok(Some(codec::from_cbor(&key.open(at(&row), &sealed)?)?))
}

pub(super) fn remove(
    connection: &mut SqliteConnection,
    key: &SealKey,
    record: &RowKey,
    change: &ChangeHash,
) -> Result<(), StoreError> {
    let row = name(key, change);
    let found = unsent::record
        .eq(&record[..])
        .and(unsent::edit.eq(&row[..]));
    diesel::delete(unsent::table.filter(found)).execute(connection)?;
    Ok(())
}

pub(super) fn count(
    connection: &mut SqliteConnection,
    record: &RowKey,
) -> Result<usize, StoreError> {
    let count: i64 = unsent::table
        .filter(unsent::record.eq(&record[..]))
        .count()
        .get_result(connection)?;
    usize::try_from(count).map_err(|_| StoreError::Damaged)
}

fn name(key: &SealKey, change: &ChangeHash) -> RowKey {
    key.row("unsent", &[change.as_bytes()])
}

fn aad_row(record: &RowKey, place: i64, row: &[u8]) -> Vec<u8> {
    [&record[..], &place.to_le_bytes(), row].concat()
}

fn at(row: &[u8]) -> Place<'_> {
    Place {
        column: "unsent.sealed",
        row,
    }
}
