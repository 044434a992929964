//! Keys, apart from the data they seal.
//!
//! The master key, in a file of the operator's, wraps the record keys and the server's own keys;
//! both are in a key store of their own (`keys.sqlite`). The key of an entry follows from the key
//! of its record and a secret of its own, so destroying either destroys what the entry held.
//!
//! The key store is not put back with the data; so it also keeps the journals of what was
//! revoked and of what was destroyed.
//!
//! A key is durable before anything is sealed with it. Calls block on the key store when the
//! answer is not in memory, and never wait for the data store.

mod copies;
mod destroyed;
mod entries;
mod error;
mod master;
mod named;
mod records;
mod revocations;
mod rotation;
mod schema;
mod sealing;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use ed25519_dalek::SigningKey;
use sync_core::sign::{KeyId, PublicKey};

use crate::clock::Clock;
use crate::storage::sqlite::{migrate, open_connection};
pub use destroyed::Destroyed;
pub use entries::{EntryKey, EntryKeyId};
pub use error::KeyError;
use master::Master;
use named::Named;
pub use records::RecordKey;
pub use revocations::{Revocation, Revoked};
pub use rotation::Rotated;
pub use sealing::{Place, SealingKey};

/// The schema of the key store, all releases.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/keys");

/// All keys of one server. Clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    store_id: [u8; 16],
    path: PathBuf,
    master_path: PathBuf,
    made_master: bool,
    clock: Arc<dyn Clock>,
    connection: Mutex<SqliteConnection>,
    master: Mutex<Master>,
    named: Named,
    records: records::Cache,
    entries: entries::Pool,
    /// Whether deleted keys may still lie in the write-ahead log.
    unfolded: AtomicBool,
    /// Whether keys of destroyed entries may still be there.
    undestroyed: AtomicBool,
}

/// The key by which the server signs checkpoints and frames.
#[derive(Clone)]
pub struct ServerKey {
    /// Names the public half.
    pub key_id: KeyId,
    /// The public half.
    pub public_key: PublicKey,
    /// The secret.
    pub signing: SigningKey,
}

impl Keys {
    /// Opens the key store in `dir`, making it and the master key file at first start.
    ///
    /// # Errors
    /// [`KeyError::MasterMissing`] and [`KeyError::MasterWrong`] when the store has keys that the
    /// file at `master_path` does not open.
    pub fn open(dir: &Path, master_path: &Path, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let path = dir.join("keys.sqlite");
        let mut connection = open_connection(&path)?;
        migrate(&mut connection, &path, MIGRATIONS)?;
        let opened = rotation::open_master(&mut connection, master_path, clock.now())?;
        let named = Named::load(&mut connection, &opened.master.key)?;
        Ok(Self(Arc::new(Inner {
            store_id: opened.store_id,
            path,
            master_path: master_path.to_owned(),
            made_master: opened.made,
            clock,
            connection: Mutex::new(connection),
            master: Mutex::new(opened.master),
            named,
            records: records::Cache::default(),
            entries: entries::Pool::default(),
            // Whoever stopped before may have left some.
            unfolded: AtomicBool::new(true),
            undestroyed: AtomicBool::new(false),
        })))
    }

    /// Names this key store; the data store remembers it, so that the two are not mixed up.
    pub fn store_id(&self) -> [u8; 16] {
        self.0.store_id
    }

    /// The key store's file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The master key file, and whether this start made it.
    pub fn master_file(&self) -> (&Path, bool) {
        (&self.0.master_path, self.0.made_master)
    }

    /// The key that seals people, passkeys, devices and ceremonies.
    pub fn system_key(&self) -> &SealingKey {
        &self.0.named.system
    }

    /// The key that seals cursors.
    pub fn cursor_key(&self) -> &SealingKey {
        &self.0.named.cursor
    }

    /// The key by which the server signs.
    pub fn server_signing_key(&self) -> &ServerKey {
        &self.0.named.signing
    }

    /// A keyed digest by which a value can be found again without being stored. One value gives
    /// unrelated digests in different domains.
    pub fn blind_index(&self, domain: &str, value: &[u8]) -> [u8; 32] {
        sealing::mac(&self.0.named.blind.0, &[domain.as_bytes(), value])
    }
}

impl Inner {
    /// A job that panicked while holding the connection left at most a rolled-back transaction.
    fn connection(&self) -> MutexGuard<'_, SqliteConnection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
