//! Edits that are kept out of the record: [`RecordStore`](super::RecordStore)'s part about it.

use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use sync_core::sync::Settlement;
use sync_core::{EntryId, RecordId, Tick};

use super::Result;
use super::rows::{self, HeldAboutTuple, HeldTuple, bytes, int};
use crate::storage::records::{Blind, HeldAboutRow, HeldRow, HeldSum};
use crate::storage::schema::records::held;

pub(super) fn hold(
    connection: &mut SqliteConnection,
    record: RecordId,
    row: &HeldRow,
) -> Result<()> {
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
        .execute(connection)?;
    Ok(())
}

pub(super) fn hold_otherwise(
    connection: &mut SqliteConnection,
    record: RecordId,
    row: &HeldRow,
) -> Result<()> {
    let one = held::table.find((bytes(&record), row.change_blind.as_bytes()));
    diesel::update(one.filter(held::settlement.is_null()))
        .set((
            held::changed.eq(int(row.changed.0)),
            held::about.eq(&row.about),
            held::sealed.eq(&row.sealed),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn settle(
    connection: &mut SqliteConnection,
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
        .execute(connection)?;
    Ok(settled > 0)
}

pub(super) fn unhold(
    connection: &mut SqliteConnection,
    record: RecordId,
    change: Blind,
) -> Result<()> {
    let released = rows::settlement_code(Settlement::Released);
    let one = held::table.find((bytes(&record), change.as_bytes()));
    diesel::delete(one.filter(held::settlement.eq(released))).execute(connection)?;
    Ok(())
}

pub(super) fn empty_held(
    connection: &mut SqliteConnection,
    record: RecordId,
    change: Blind,
    (sealed, about): (&[u8], &[u8]),
    at: Tick,
) -> Result<()> {
    settle(connection, record, change, Settlement::Discarded, at)?;
    diesel::update(held::table.find((bytes(&record), change.as_bytes())))
        .set((
            held::sealed.eq(sealed),
            held::about.eq(about),
            held::changed.eq(int(at.0)),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn held_of_entry(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
) -> Result<Vec<HeldRow>> {
    let found: Vec<HeldTuple> = held::table
        .filter(held::record_id.eq(bytes(&record)))
        .filter(held::entry_id.eq(entry.as_bytes().as_slice()))
        .order((held::received, held::change_blind))
        .select(rows::HELD)
        .load(connection)?;
    found.into_iter().map(rows::held_row).collect()
}

pub(super) fn held_about_entry(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
) -> Result<Vec<HeldAboutRow>> {
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
        .load(connection)?;
    found.into_iter().map(rows::held_about).collect()
}

pub(super) fn put_off_held(
    connection: &mut SqliteConnection,
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
        .execute(connection)?;
    Ok(())
}

pub(super) fn held_shown(
    connection: &mut SqliteConnection,
    record: RecordId,
    after: Tick,
    until: Tick,
) -> Result<Vec<HeldRow>> {
    let found: Vec<HeldTuple> = held::table
        .filter(held::record_id.eq(bytes(&record)))
        .filter(held::shown.gt(int(after.0)))
        .filter(held::shown.le(int(until.0)))
        .order((held::shown, held::received, held::change_blind))
        .select(rows::HELD)
        .load(connection)?;
    found.into_iter().map(rows::held_row).collect()
}

/// An author's held edits, settled or not, by one of their times: as one question with both, SQLite
/// would use neither index.
macro_rules! of_author {
    ($connection:ident, $record:ident, $author:ident, ($settled:ident, $time:ident), $after:ident, $until:ident) => {{
        let found: Vec<HeldTuple> = held::table
            .filter(held::record_id.eq(bytes(&$record)))
            .filter(held::author_blind.eq($author.as_bytes()))
            .filter(held::settlement.$settled())
            .filter(held::$time.gt(int($after.0)))
            .filter(held::$time.le(int($until.0)))
            .order((held::$time, held::change_blind))
            .select(rows::HELD)
            .load($connection)?;
        found.into_iter().map(rows::held_row).collect()
    }};
}

pub(super) fn held_settled(
    connection: &mut SqliteConnection,
    record: RecordId,
    author: Blind,
    after: Tick,
    until: Tick,
) -> Result<Vec<HeldRow>> {
    of_author!(
        connection,
        record,
        author,
        (is_not_null, changed),
        after,
        until
    )
}

pub(super) fn held_open(
    connection: &mut SqliteConnection,
    record: RecordId,
    author: Blind,
    after: Tick,
    until: Tick,
) -> Result<Vec<HeldRow>> {
    of_author!(
        connection,
        record,
        author,
        (is_null, received),
        after,
        until
    )
}

pub(super) fn sum_held(
    connection: &mut SqliteConnection,
    record: RecordId,
    author: Blind,
) -> Result<HeldSum> {
    let (edits, bytes): (i64, i64) = held::table
        .filter(held::record_id.eq(bytes(&record)))
        .filter(held::author_blind.eq(author.as_bytes()))
        .filter(held::settlement.is_null())
        .select((
            count_star(),
            // The length stands in the row's head: what is sealed is not read.
            sql::<BigInt>("coalesce(sum(length(sealed)), 0)"),
        ))
        .get_result(connection)?;
    Ok(HeldSum {
        edits: edits.cast_unsigned(),
        bytes: bytes.cast_unsigned(),
    })
}
