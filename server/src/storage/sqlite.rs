//! The store in one SQLite file: write-ahead log, every commit synced to the disk.
//!
//! One thread writes. It takes the jobs that wait, up to [`GROUP_MOST`], into one transaction, a
//! savepoint each, and answers them after the commit: an acknowledged job is durable, a failed one
//! undoes only itself, and the cost of the disk's sync is shared. A few threads read, each call
//! in its own snapshot.

mod connection;
mod damage;
mod readers;
mod records;
mod statement;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use sync_core::Tick;

use super::StorageError;
use crate::sessions::after;
use crate::settings;
pub use connection::{migrate, open_connection, refuse_newer};
pub use damage::{Look, damage};
use readers::Readers;
use writer::Writer;

/// The schema of the data store, all releases.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");

/// The most jobs that share one transaction.
pub const GROUP_MOST: usize = 64;

/// For how long it is believed that the store can be written to, once it was.
pub const TRIED_EVERY: Duration = Duration::from_secs(5);

/// How many bytes are written to see whether they can be: more than a page.
const TRIED: usize = 16 * 1024;

/// Threads that read.
const READERS: usize = 4;

/// The data store of one server. Clones share it.
#[derive(Clone)]
pub struct Database {
    path: Arc<PathBuf>,
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    /// When something could be written last, if it was tried.
    tried: Arc<tokio::sync::Mutex<Option<Tick>>>,
}

impl Database {
    /// Opens the file, making it and bringing its schema up to date where needed.
    ///
    /// # Errors
    /// [`StorageError::Newer`] when a later release wrote it; nothing is changed then.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        let mut connection = open_connection(path)?;
        migrate(&mut connection, path, MIGRATIONS)?;
        Ok(Self {
            path: Arc::new(path.to_owned()),
            writer: Arc::new(Writer::start(path.to_owned(), connection)?),
            readers: Arc::new(Readers::start(path, READERS)?),
            tried: Arc::default(),
        })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a job that writes, in a transaction of its own or shared with others, and answers
    /// once what it wrote is on the disk. If the job answers an error, nothing of it is kept.
    ///
    /// The job runs on the writer's thread: it must not wait for anything but the store.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.writer.run(job, |_| ()).await
    }

    /// As [`Database::write`]; and once the job's writes are on the disk, `after` is done with its
    /// answer, on the writer's thread too, before anybody else writes: also if who asked has gone
    /// away meanwhile. It must not use [`Database::write`].
    pub async fn write_then<T, E, F, A>(&self, job: F, after: A) -> Result<T, E>
    where
        F: FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.writer.run(job, after).await
    }

    /// Runs a job that only reads, in one consistent snapshot.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.readers.run(job).await
    }

    /// Whether the store takes what is written, at `now`. It is tried: a few pages are written and
    /// made durable, of which nothing is left afterwards; but not again within [`TRIED_EVERY`]
    /// after it went well, however many ask. Those who ask meanwhile wait for their turn.
    ///
    /// # Errors
    /// [`StorageError::Busy`] when another process keeps the store locked, and whatever else keeps
    /// it from writing.
    pub async fn can_write(&self, now: Tick) -> Result<(), StorageError> {
        let mut tried = self.tried.lock().await;
        if tried.is_some_and(|at| at <= now && now < after(at, TRIED_EVERY)) {
            return Ok(());
        }
        *tried = None;
        let room = |connection: &mut SqliteConnection| {
            settings::note(connection, settings::ROOM, &"0".repeat(TRIED))?;
            settings::remove(connection, settings::ROOM)
        };
        self.write(room).await?;
        *tried = Some(now);
        Ok(())
    }

    /// Takes no more writing jobs, finishes those that wait, and folds the write-ahead log into
    /// the file. Answers when that is done; calling it again does nothing.
    pub async fn close(&self) {
        self.writer.close().await;
    }
}
