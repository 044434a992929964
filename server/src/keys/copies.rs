//! Copies of the key store, looked into before a key that is missing is given up.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use sync_core::RecordId;

use super::schema::{entry_keys, record_keys, store};
use super::{EntryKeyId, KeyError, Keys};
use crate::storage::StorageError;

/// How every SQLite file begins.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

impl Keys {
    /// The files beside the key store that may be copies of it.
    ///
    /// # Errors
    /// When its directory cannot be read, or a file in it: that may be one.
    pub fn beside(&self) -> Result<Vec<PathBuf>, KeyError> {
        let dir = self.path().parent().unwrap_or_else(|| Path::new("."));
        let mut found = Vec::new();
        for file in fs::read_dir(dir).map_err(failed(dir))? {
            let path = file.map_err(failed(dir))?.path();
            if path != self.path() && is_sqlite(&path).map_err(failed(&path))? {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// How many of some keys a file has, if it is a copy of this key store; nothing if it is no
    /// database, or one that is another store's or another program's. The file is only read.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged or locked: nobody can tell then what it has.
    pub fn found_in(
        &self,
        copy: &Path,
        records: &[RecordId],
        entries: &[EntryKeyId],
    ) -> Result<Option<usize>, KeyError> {
        if !is_sqlite(copy).map_err(failed(copy))? {
            return Ok(None);
        }
        let mut connection = open(copy)?;
        let counted = self.count(&mut connection, records, entries);
        counted.map_err(|source| KeyError::Copy {
            path: copy.to_owned(),
            source: source.into(),
        })
    }

    fn count(
        &self,
        connection: &mut SqliteConnection,
        records: &[RecordId],
        entries: &[EntryKeyId],
    ) -> QueryResult<Option<usize>> {
        if store_id(connection)?.as_deref() != Some(&self.store_id()[..]) {
            return Ok(None);
        }
        let mut found = 0;
        for record in records {
            let one = record_keys::table.find(record.as_bytes().as_slice());
            let here: bool = diesel::select(exists(one)).get_result(connection)?;
            found += usize::from(here);
        }
        for key in entries {
            let one = entry_keys::table.find(key.as_bytes());
            let here: bool = diesel::select(exists(one)).get_result(connection)?;
            found += usize::from(here);
        }
        Ok(Some(found))
    }
}

/// What a key store calls itself; nothing of another program's database, which has no such column.
fn store_id(connection: &mut SqliteConnection) -> QueryResult<Option<Vec<u8>>> {
    #[derive(QueryableByName)]
    struct Columns {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let column = "SELECT count(*) AS count FROM pragma_table_info('store') WHERE name = 'store_id'";
    let found: Columns = sql_query(column).get_result(connection)?;
    if found.count == 0 {
        return Ok(None);
    }
    store::table
        .select(store::store_id)
        .first(connection)
        .optional()
}

fn failed(path: &Path) -> impl Fn(io::Error) -> KeyError {
    |source| KeyError::File {
        path: path.to_owned(),
        source,
    }
}

fn is_sqlite(path: &Path) -> io::Result<bool> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut begins = Vec::with_capacity(SQLITE.len());
    let file = File::open(path)?;
    file.take(SQLITE.len() as u64).read_to_end(&mut begins)?;
    Ok(begins == SQLITE)
}

/// Opens a file to be read only; nothing is made beside it unless a write-ahead log is there.
fn open(path: &Path) -> Result<SqliteConnection, KeyError> {
    let fail = |reason: String| StorageError::Open {
        path: path.to_owned(),
        reason,
    };
    let name = path.to_str();
    let name = name.ok_or_else(|| fail("the path is not UTF-8 text".into()))?;
    // <https://www.sqlite.org/uri.html>
    let name = name
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let how = match Path::new(&log).exists() {
        true => "mode=ro",
        false => "immutable=1",
    };
    let opened = SqliteConnection::establish(&format!("file:{name}?{how}"));
    Ok(opened.map_err(|error| fail(error.to_string()))?)
}
