//! What the disk and SQLite allow without a server: a bare loop, and fsync alone.

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use server::storage::schema::records::{audit, contents, entries, log, records};

use super::figures::{Bucket, Spread, histogram, millis, used};
use crate::support::SupportError;

type LogRow = (
    Vec<u8>,
    i64,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    i64,
    Vec<u8>,
    Vec<u8>,
);
type AuditRow = (Vec<u8>, i64, i64, Vec<u8>, Vec<u8>);
type EntryRow = (
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    i64,
    Option<i64>,
    i32,
    i64,
    i64,
    Vec<u8>,
);
type ContentsRow = (Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>);
/// An entry as it is stored.
type View = (EntryRow, ContentsRow);

#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = Text)]
    sql: String,
}

/// What a bare loop did.
pub(super) struct Bare {
    /// Edits a second.
    pub per_second: f64,
    /// Processor time an edit, milliseconds.
    pub cpu: f64,
}

/// Writes the rows of a server's last edits again, into tables and indexes made alike, in groups
/// of this size. The server's data is only read.
pub(super) fn write(data: &Path, edits: usize, group: f64) -> Result<Bare, SupportError> {
    let mut from = open(&data.join("carnet.sqlite"))?;
    let made = diesel::sql_query(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger' \
         AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'",
    );
    let made: Vec<Made> = made.load(&mut from).map_err(broken)?;
    let limit = i64::try_from(edits).unwrap_or(i64::MAX);
    let rows: Vec<LogRow> = log::table
        .order(log::tick.desc())
        .limit(limit)
        .load(&mut from)
        .map_err(broken)?;
    let events: Vec<AuditRow> = audit::table
        .order(audit::tick.desc())
        .limit(limit)
        .load(&mut from)
        .map_err(broken)?;
    let mut views = Vec::new();
    for row in &rows {
        let view: QueryResult<View> = (|| {
            let of_entry = (&row.0, &row.2);
            let entry = entries::table.find(of_entry).first(&mut from)?;
            Ok((entry, contents::table.find(of_entry).first(&mut from)?))
        })();
        views.push(view.map_err(broken)?);
    }

    let mut to = open(&data.join("bare.sqlite"))?;
    let script: Vec<String> = made.into_iter().map(|made| made.sql).collect();
    to.batch_execute("PRAGMA foreign_keys = OFF;")
        .map_err(broken)?;
    to.batch_execute(&format!("{};", script.join(";")))
        .map_err(broken)?;
    let size = (group.round() as usize).max(1);
    let all: Vec<_> = rows.iter().zip(&views).zip(&events).rev().collect();
    let started = Instant::now();
    let (written, cpu) = used(|| {
        all.chunks(size).try_for_each(|group| {
            to.immediate_transaction(|to| {
                let mut rows = group.iter();
                rows.try_for_each(|((row, view), event)| insert(to, row, view, event))
            })
        })
    })?;
    written.map_err(broken)?;
    let elapsed = started.elapsed().as_secs_f64();
    Ok(Bare {
        per_second: all.len() as f64 / elapsed,
        cpu: millis(cpu) / all.len().max(1) as f64,
    })
}

fn insert(
    to: &mut SqliteConnection,
    row: &LogRow,
    (view, contents): &View,
    event: &AuditRow,
) -> QueryResult<()> {
    diesel::replace_into(entries::table)
        .values((
            entries::record_id.eq(&view.0),
            entries::entry_id.eq(&view.1),
            entries::key_id.eq(&view.2),
            entries::touched.eq(view.3),
            entries::due.eq(view.4),
            entries::is_right.eq(view.5),
            entries::changes.eq(view.6),
            entries::bytes.eq(view.7),
            entries::class.eq(&view.8),
        ))
        .execute(to)?;
    diesel::replace_into(contents::table)
        .values((
            contents::record_id.eq(&contents.0),
            contents::entry_id.eq(&contents.1),
            contents::document.eq(&contents.2),
            contents::history.eq(&contents.3),
        ))
        .execute(to)?;
    diesel::insert_into(log::table)
        .values((
            log::record_id.eq(&row.0),
            log::tick.eq(row.1),
            log::entry_id.eq(&row.2),
            log::change_blind.eq(&row.3),
            log::actor_blind.eq(&row.4),
            log::seq.eq(row.5),
            log::about.eq(&row.6),
            log::change.eq(&row.7),
        ))
        .execute(to)?;
    diesel::insert_into(audit::table)
        .values((
            audit::record_id.eq(&event.0),
            audit::seq.eq(event.1),
            audit::tick.eq(event.2),
            audit::hash.eq(&event.3),
            audit::sealed.eq(&event.4),
        ))
        .execute(to)?;
    diesel::update(records::table.find(&row.0))
        .set(records::last_tick.eq(row.1))
        .execute(to)
        .map(drop)
}

/// How long it takes to have 4 KiB durably on the disk that the server writes to, and the
/// histogram of it.
pub(super) fn fsync(times: usize) -> Result<(Spread, Vec<Bucket>), SupportError> {
    let failed = SupportError::io("a file to sync");
    let mut file = tempfile::tempfile().map_err(&failed)?;
    let mut taken = Vec::new();
    for _ in 0..times.max(100) {
        let started = Instant::now();
        file.write_all(&[7; 4_096]).map_err(&failed)?;
        file.sync_data().map_err(&failed)?;
        taken.push(started.elapsed());
    }
    Ok((Spread::of(&taken), histogram(&taken)))
}

fn open(path: &Path) -> Result<SqliteConnection, SupportError> {
    let path = path
        .to_str()
        .ok_or(SupportError::Missing("a path in plain letters"))?;
    let mut connection = SqliteConnection::establish(path)
        .map_err(|_| SupportError::Missing("a store that opens"))?;
    let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
    connection.batch_execute(settings).map_err(broken)?;
    Ok(connection)
}

fn broken(error: diesel::result::Error) -> SupportError {
    SupportError::Io {
        what: "a store",
        source: std::io::Error::other(error),
    }
}
