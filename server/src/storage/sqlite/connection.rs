use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::sql_types::Integer;
use diesel::sqlite::Sqlite;
use diesel::{Connection, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::shape::refuse_unreleased;
use crate::storage::StorageError;

/// Opens a SQLite file with the settings every store here has: write-ahead log, each commit
/// synced, foreign keys enforced, deleted content overwritten, and patience with other processes.
///
/// # Errors
/// [`StorageError::Foreign`] when the log of another file lies beside it; nothing is changed then.
pub fn open_connection(path: &Path) -> Result<SqliteConnection, StorageError> {
    let fail = |reason: String| StorageError::Open {
        path: path.to_owned(),
        reason,
    };
    let name = path
        .to_str()
        .ok_or_else(|| fail("the path is not UTF-8 text".into()))?;
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    if is_foreign(path, Path::new(&wal)).map_err(|e| fail(e.to_string()))? {
        return Err(StorageError::Foreign {
            path: path.to_owned(),
            wal: wal.into(),
        });
    }
    let mut connection = SqliteConnection::establish(name).map_err(|e| fail(e.to_string()))?;
    connection
        .batch_execute(
            "PRAGMA busy_timeout = 10000;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA secure_delete = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -8192;",
        )
        .map_err(|e| fail(e.to_string()))?;
    Ok(connection)
}

#[derive(QueryableByName)]
struct Patience {
    #[diesel(sql_type = Integer)]
    timeout: i32,
}

#[derive(QueryableByName)]
struct Folded {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

/// Folds the write-ahead log into the file and empties it, unless somebody reads or writes just
/// then; whether that was done. It waits for nobody: whoever folds keeps others from writing.
///
/// <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>
pub fn fold(connection: &mut SqliteConnection) -> diesel::QueryResult<bool> {
    let patience: Patience = sql_query("PRAGMA busy_timeout").get_result(connection)?;
    connection.batch_execute("PRAGMA busy_timeout = 0")?;
    let folded = fold_patiently(connection);
    connection.batch_execute(&format!("PRAGMA busy_timeout = {}", patience.timeout))?;
    folded
}

/// As [`fold`], but it waits for those who read or write, as long as the connection does.
pub fn fold_patiently(connection: &mut SqliteConnection) -> diesel::QueryResult<bool> {
    let folded = sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection);
    folded.map(|Folded { busy }| busy == 0)
}

/// Whether a write-ahead log lies beside a file that has none. A copy is made without one and says
/// so in its header; SQLite would nevertheless read the other file's log into it.
///
/// Bytes 18 and 19 of the header, <https://www.sqlite.org/fileformat2.html#file_format_version_numbers>.
fn is_foreign(path: &Path, wal: &Path) -> std::io::Result<bool> {
    const WITHOUT_LOG: [u8; 2] = [1, 1];
    let mut header = Vec::with_capacity(20);
    match File::open(path) {
        Ok(file) => file.take(20).read_to_end(&mut header)?,
        // To be made.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let log = match std::fs::metadata(wal) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(log > 0 && header.get(18..20) == Some(&WITHOUT_LOG))
}

/// Brings the schema up to date.
///
/// # Errors
/// [`StorageError::Newer`], before anything is changed, if the file has a migration that is not
/// among `migrations`; [`StorageError::Unreleased`] if those that it has had made something else.
pub fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    migrations: EmbeddedMigrations,
) -> Result<(), StorageError> {
    refuse_newer(connection, path, &migrations)?;
    refuse_unreleased(connection, path, &migrations)?;
    connection
        .run_pending_migrations(migrations)
        .map_err(|error| not_migrated(path, error))?;
    Ok(())
}

/// Looks whether a later release wrote the file.
///
/// # Errors
/// [`StorageError::Newer`] if the file has a migration that is not among `migrations`.
pub fn refuse_newer(
    connection: &mut SqliteConnection,
    path: &Path,
    migrations: &EmbeddedMigrations,
) -> Result<(), StorageError> {
    let known: Vec<String> = MigrationSource::<Sqlite>::migrations(migrations)
        .map_err(|error| not_migrated(path, error))?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied = connection
        .applied_migrations()
        .map_err(|error| not_migrated(path, error))?;
    let mut applied = applied.iter().map(ToString::to_string);
    match applied.find(|version| !known.contains(version)) {
        Some(stranger) => Err(StorageError::Newer {
            path: path.to_owned(),
            migration: stranger,
        }),
        None => Ok(()),
    }
}

pub(super) fn not_migrated(path: &Path, reason: impl ToString) -> StorageError {
    StorageError::Migration {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
