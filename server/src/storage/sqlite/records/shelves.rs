//! Where entries stand: [`RecordStore`](super::RecordStore)'s part about shelves.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Bool};
use diesel::sqlite::Sqlite;
use sync_core::{EntryId, RecordId, Tick};

use super::Result;
use super::rows::{self, Entry, EntryColumns, EntryTuple, bytes, int};
use crate::storage::records::{EntryRow, Move, OnShelf, ShelfId};
use crate::storage::schema::records::{departures, entries, places, shelves};

/// Whether a column `shelf` is one of these. Unlike `eq_any` its statement is kept prepared: there
/// are few numbers of shelves, since they are rounded up to powers of two.
struct OneOf<'s> {
    column: &'static str,
    shelves: &'s [ShelfId],
}

impl QueryFragment<Sqlite> for OneOf<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(self.column);
        out.push_sql(" IN (");
        let Some(first) = self.shelves.first() else {
            out.push_sql("NULL)");
            return Ok(());
        };
        let again = self.shelves.len().next_power_of_two() - self.shelves.len();
        let padded = self.shelves.iter().chain(std::iter::repeat_n(first, again));
        for (place, shelf) in padded.enumerate() {
            if place > 0 {
                out.push_sql(", ");
            }
            out.push_bind_param::<BigInt, _>(shelf)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl Expression for OneOf<'_> {
    type SqlType = Bool;
}

impl QueryId for OneOf<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<G> ValidGrouping<G> for OneOf<'_> {
    type IsAggregate = diesel::expression::is_aggregate::No;
}

impl<T> AppearsOnTable<T> for OneOf<'_> {}
impl<T> SelectableExpression<T> for OneOf<'_> {}

/// So many places on some shelves, the first ones between two ticks, and the rows of what stands there,
/// in any order. First which, and then these rows alone: as a join SQLite would fetch and sort the rows
/// of all that follow, too.
struct Placed<'s> {
    record: &'s [u8],
    on: OneOf<'s>,
    after: i64,
    until: i64,
    limit: i64,
}

impl QueryFragment<Sqlite> for Placed<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT placed.since, ");
        Entry::COLUMNS.walk_ast(out.reborrow())?;
        out.push_sql(
            " FROM (SELECT places.since, places.entry_id FROM places WHERE places.record_id = ",
        );
        out.push_bind_param::<Binary, _>(&self.record)?;
        out.push_sql(" AND ");
        self.on.walk_ast(out.reborrow())?;
        out.push_sql(" AND places.since > ");
        out.push_bind_param::<BigInt, _>(&self.after)?;
        out.push_sql(" AND places.since <= ");
        out.push_bind_param::<BigInt, _>(&self.until)?;
        out.push_sql(" ORDER BY places.since, places.entry_id LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(") AS placed CROSS JOIN entries ON entries.record_id = ");
        out.push_bind_param::<Binary, _>(&self.record)?;
        out.push_sql(" AND entries.entry_id = placed.entry_id");
        Ok(())
    }
}

impl Query for Placed<'_> {
    type SqlType = (BigInt, <EntryColumns as Expression>::SqlType);
}

impl QueryId for Placed<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<SqliteConnection> for Placed<'_> {}

pub(super) fn add(
    connection: &mut SqliteConnection,
    record: RecordId,
    shelf: ShelfId,
    sealed: &[u8],
) -> Result<()> {
    diesel::insert_or_ignore_into(shelves::table)
        .values((
            shelves::record_id.eq(bytes(&record)),
            shelves::shelf.eq(shelf),
            shelves::sealed.eq(sealed),
        ))
        .execute(connection)?;
    Ok(())
}

pub(super) fn of(
    connection: &mut SqliteConnection,
    record: RecordId,
) -> Result<Vec<(ShelfId, Vec<u8>)>> {
    Ok(shelves::table
        .filter(shelves::record_id.eq(bytes(&record)))
        .select((shelves::shelf, shelves::sealed))
        .load(connection)?)
}

pub(super) fn move_entry(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
    Move { from, to, left }: &Move,
) -> Result<()> {
    let (record, entry) = (bytes(&record), entry.as_bytes().as_slice());
    for (shelf, since) in from {
        let place = places::table.find((record, *shelf, int(since.0), entry));
        diesel::delete(place).execute(connection)?;
    }
    for (shelf, since) in to {
        diesel::insert_into(places::table)
            .values((
                places::record_id.eq(record),
                places::shelf.eq(shelf),
                places::since.eq(int(since.0)),
                places::entry_id.eq(entry),
            ))
            .execute(connection)?;
    }
    for (shelf, since) in left {
        diesel::insert_into(departures::table)
            .values((
                departures::record_id.eq(record),
                departures::shelf.eq(shelf),
                departures::since.eq(int(since.0)),
                departures::entry_id.eq(entry),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(super) fn placed(
    connection: &mut SqliteConnection,
    record: RecordId,
    shelves: &[ShelfId],
    (after, until): (Tick, Tick),
    limit: u32,
) -> Result<Vec<(Tick, EntryRow)>> {
    let column = "places.shelf";
    let found = Placed {
        record: bytes(&record),
        on: OneOf { column, shelves },
        after: int(after.0),
        until: int(until.0),
        limit: limit.into(),
    };
    let mut found: Vec<(i64, EntryTuple)> = found.load(connection)?;
    found.sort_unstable_by(|(a, (one, ..)), (b, (other, ..))| (a, one).cmp(&(b, other)));
    // Many may fall due at one tick.
    if found.len() >= limit as usize
        && let Some((since, (last, ..))) = found.last().cloned()
    {
        let of_entry = places::record_id
            .eq(entries::record_id)
            .and(places::entry_id.eq(entries::entry_id));
        let rest: Vec<(i64, EntryTuple)> = places::table
            .inner_join(entries::table.on(of_entry))
            .filter(places::record_id.eq(bytes(&record)))
            .filter(OneOf { column, shelves })
            .filter(places::since.eq(since))
            .filter(places::entry_id.gt(last))
            .order(places::entry_id)
            .select((places::since, Entry::COLUMNS))
            .load(connection)?;
        found.extend(rest);
    }
    found.into_iter().map(since).collect()
}

pub(super) fn departed(
    connection: &mut SqliteConnection,
    record: RecordId,
    shelves: &[ShelfId],
    (after, until): (Tick, Tick),
) -> Result<Vec<(Tick, EntryRow)>> {
    let column = "departures.shelf";
    let of_entry = departures::record_id
        .eq(entries::record_id)
        .and(departures::entry_id.eq(entries::entry_id));
    let found: Vec<(i64, EntryTuple)> = departures::table
        .inner_join(entries::table.on(of_entry))
        .filter(departures::record_id.eq(bytes(&record)))
        .filter(OneOf { column, shelves })
        .filter(departures::since.gt(int(after.0)))
        .filter(departures::since.le(int(until.0)))
        .order((departures::since, departures::entry_id))
        .select((departures::since, Entry::COLUMNS))
        .load(connection)?;
    found.into_iter().map(since).collect()
}

pub(super) fn left_by(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
) -> Result<Vec<(ShelfId, Tick)>> {
    let found: Vec<(ShelfId, i64)> = departures::table
        .filter(departures::record_id.eq(bytes(&record)))
        .filter(departures::entry_id.eq(entry.as_bytes().as_slice()))
        .order((departures::since, departures::shelf))
        .select((departures::shelf, departures::since))
        .load(connection)?;
    let left = found.into_iter();
    Ok(left.map(|(on, since)| (on, rows::tick(since))).collect())
}

pub(super) fn standing_on(
    connection: &mut SqliteConnection,
    record: RecordId,
    shelf: ShelfId,
) -> Result<OnShelf> {
    let one = |(since, entry): (i64, Vec<u8>)| Ok((rows::entry_id(&entry)?, rows::tick(since)));
    let stand: Vec<(i64, Vec<u8>)> = places::table
        .filter(places::record_id.eq(bytes(&record)))
        .filter(places::shelf.eq(shelf))
        .select((places::since, places::entry_id))
        .load(connection)?;
    let left: Vec<(i64, Vec<u8>)> = departures::table
        .filter(departures::record_id.eq(bytes(&record)))
        .filter(departures::shelf.eq(shelf))
        .select((departures::since, departures::entry_id))
        .load(connection)?;
    Ok(OnShelf {
        stand: stand.into_iter().map(one).collect::<Result<_>>()?,
        left: left.into_iter().map(one).collect::<Result<_>>()?,
    })
}

fn since((since, row): (i64, EntryTuple)) -> Result<(Tick, EntryRow)> {
    Ok((rows::tick(since), rows::entry(row)?))
}
