//! The tables of a store, compared with those that its migrations make.
//!
//! The names of the migrations that a store has had do not tell it all: before a release, a migration
//! may still change in its place.

use std::collections::BTreeSet;
use std::path::Path;

use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::connection::not_migrated;
use crate::storage::StorageError;

/// What there is: columns with all that is said of each, keys, indexes column by column. What is
/// first in a line names it. Triggers only guard what is written: a store without one opens, and is
/// verified.
const SHAPE: &str = "
    WITH tables AS (
        SELECT name FROM pragma_table_list
        WHERE schema = 'main' AND type = 'table'
            AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_%' ESCAPE '\\'
    )
    SELECT format('table %s|%s %s %d %d %d %s', t.name, c.name, c.type, c.\"notnull\", c.pk, c.hidden,
                  c.dflt_value) AS line
    FROM tables t JOIN pragma_table_xinfo(t.name) c
    UNION SELECT format('table %s|%s %s %s %s', t.name, k.\"from\", k.\"table\", k.\"to\", k.on_delete)
    FROM tables t JOIN pragma_foreign_key_list(t.name) k
    UNION SELECT format('index %s|%s %d %d %d %s', i.name, t.name, i.\"unique\", i.partial, c.seqno, c.name)
    FROM tables t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) c";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Looks whether a store is as the migrations that it has had make one; all of these are among
/// `migrations`.
///
/// # Errors
/// [`StorageError::Unreleased`] if it is not.
pub(super) fn refuse_unreleased(
    connection: &mut SqliteConnection,
    path: &Path,
    migrations: &EmbeddedMigrations,
) -> Result<(), StorageError> {
    let fail = |error| not_migrated(path, error);
    let had = connection.applied_migrations().map_err(fail)?;
    if had.is_empty() {
        return Ok(());
    }
    let mut fresh = SqliteConnection::establish(":memory:").map_err(|e| not_migrated(path, e))?;
    // Makes the table of migrations, too.
    fresh.applied_migrations().map_err(fail)?;
    let mut all: Vec<Box<dyn Migration<Sqlite>>> = migrations.migrations().map_err(fail)?;
    all.retain(|migration| had.contains(&migration.name().version()));
    all.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    for migration in &all {
        fresh.run_migration(&**migration).map_err(fail)?;
    }
    let (wanted, found) = (shape(&mut fresh)?, shape(connection)?);
    let differs = wanted.symmetric_difference(&found);
    // What goes with a table is missing with it.
    match differs.max_by_key(|line| line.starts_with("table ")) {
        None => Ok(()),
        Some(line) => Err(StorageError::Unreleased {
            path: path.to_owned(),
            what: line.split('|').next().unwrap_or_default().to_owned(),
        }),
    }
}

fn shape(connection: &mut SqliteConnection) -> Result<BTreeSet<String>, StorageError> {
    let lines: Vec<Line> = sql_query(SHAPE).load(connection)?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}
