//! The sealed local store: one SQLite file, every value under a key the vault keeps.
//!
//! A device holds several profiles (a person at a server), a profile several records. Each profile
//! has a key of its own, so that a locked profile is closed to whoever holds the device. What one
//! call changes is one transaction, so the store may be killed at any instruction.

mod entries;
mod error;
mod install;
mod notes;
mod packed;
mod profiles;
mod records;
mod replica;
mod schema;
#[cfg(test)]
mod tests;
mod unsent;
mod views;

pub use entries::RecordRows;
pub use error::StoreError;
pub use notes::Shelf;
pub use profiles::{ProfileCard, Secrets, Session, Unlocked};
pub use records::{Kept, RecordCard};
pub use replica::fresh_incarnation;
pub use views::Views;

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::seal::{Place, RowKey, SealKey};
use crate::vault::KeyVault;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
const FILE: &str = "carnet.sqlite";
/// The database and its journals.
const FILES: [&str; 4] = [
    FILE,
    "carnet.sqlite-wal",
    "carnet.sqlite-shm",
    "carnet.sqlite-journal",
];
const STORE_KEY: &str = "store";

/// The local store of a device.
pub struct Store {
    connection: SqliteConnection,
    key: SealKey,
    folder: PathBuf,
    life: RowKey,
    /// Records in memory, the one used last at the end.
    kept: Vec<views::Kept>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(..)")
    }
}

impl Store {
    /// Opens the store in a folder, or makes it there.
    ///
    /// # Errors
    /// When the vault stays closed, the file was sealed under a key the vault does not have (it
    /// came from another device), it is of a newer version, or it is damaged.
    pub fn open(folder: &Path, vault: &dyn KeyVault) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join(FILE);
        let key = match vault.give(STORE_KEY.to_owned())? {
            Some(key) => SealKey::from_slice(&key).ok_or(StoreError::Damaged)?,
            None if file.exists() => return Err(StoreError::Foreign),
            None => {
                let key = SealKey::random()?;
                vault.keep(STORE_KEY.to_owned(), key.expose().to_vec())?;
                key
            }
        };
        let mut connection = connect(&file)?;
        migrate(&mut connection)?;
        let life = install::check_in(&mut connection, &key, &file, vault)?;
        Ok(Store {
            connection,
            key,
            folder: folder.to_owned(),
            life,
            kept: Vec::new(),
        })
    }

    /// Destroys the store in a folder, whatever its state: its keys first, so that what is left of
    /// the file is noise. All of it is tried, whatever fails.
    ///
    /// # Errors
    /// What the vault would not forget and which files could not be deleted; then call it again.
    pub fn destroy(folder: &Path, vault: &dyn KeyVault) -> Result<(), StoreError> {
        let names = [STORE_KEY, install::MARKER];
        let forgotten = names.map(|name| vault.forget(name.to_owned()));
        let mut left = Vec::new();
        for file in FILES {
            match std::fs::remove_file(folder.join(file)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => left.push(file),
                _ => {}
            }
        }
        if !left.is_empty() {
            return Err(StoreError::Left(left));
        }
        for result in forgotten {
            result?;
        }
        Ok(())
    }

    /// The folder it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A setting of this device.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn setting(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        setting(&mut self.connection, &self.key, name)
    }

    /// Keeps a setting of this device.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn set(&mut self, name: &'static str, value: &[u8]) -> Result<(), StoreError> {
        set(&mut self.connection, &self.key, name, value)
    }
}

fn connect(file: &Path) -> Result<SqliteConnection, StoreError> {
    let path = file.to_str().ok_or(StoreError::Folder)?;
    let mut connection = SqliteConnection::establish(path).map_err(|_| StoreError::Folder)?;
    connection.batch_execute(
        "PRAGMA busy_timeout = 10000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let known =
        diesel::migration::MigrationSource::<diesel::sqlite::Sqlite>::migrations(&MIGRATIONS)
            .map_err(|_| StoreError::Damaged)?;
    let applied = connection
        .applied_migrations()
        .map_err(|_| StoreError::Damaged)?;
    let is_known = |version: &diesel::migration::MigrationVersion<'_>| {
        known
            .iter()
            .any(|migration| migration.name().version() == *version)
    };
    if !applied.iter().all(is_known) {
        return Err(StoreError::Newer);
    }
    if applied.len() < known.len() {
        connection
            .run_pending_migrations(MIGRATIONS)
            .map_err(|_| StoreError::Damaged)?;
    }
    Ok(())
}

fn setting(
    connection: &mut SqliteConnection,
    key: &SealKey,
    name: &'static str,
) -> Result<Option<Vec<u8>>, StoreError> {
    use diesel::prelude::*;
    let sealed: Option<Vec<u8>> = schema::settings::table
        .find(name)
        .select(schema::settings::sealed)
        .first(connection)
        .optional()?;
    match sealed {
        Some(sealed) => Ok(Some(key.open(setting_place(name), &sealed)?.to_vec())),
        None => Ok(None),
    }
}

fn set(
    connection: &mut SqliteConnection,
    key: &SealKey,
    name: &'static str,
    value: &[u8],
) -> Result<(), StoreError> {
    use diesel::prelude::*;
    let sealed = key.seal(setting_place(name), value)?;
    diesel::replace_into(schema::settings::table)
        .values((
            schema::settings::name.eq(name),
            schema::settings::sealed.eq(sealed),
        ))
        .execute(connection)?;
    Ok(())
}

fn setting_place(name: &'static str) -> Place<'static> {
    Place {
        column: "settings.sealed",
        row: name.as_bytes(),
    }
}
