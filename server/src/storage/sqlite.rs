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
mod shape;
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
use crate::clock::Clock;
use crate::sessions::after;
use crate::settings;
pub use connection::{fold, fold_patiently, migrate, open_connection, refuse_newer};
pub use damage::{Look, damage};
use readers::Readers;
use writer::Writer;

/// The schema of the data store, all releases.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");

/// The most jobs that share one transaction.
pub const GROUP_MOST: usize = 64;

/// For how long it is believed that the store can be written to, once it was.
pub const TRIED_EVERY: Duration = Duration::from_secs(5);

/// For how long it is believed that it cannot, once it could not.
pub const FAILED_FOR: Duration = Duration::from_secs(2);

/// How long it may keep somebody waiting who finds that out.
const TRYING: Duration = Duration::from_secs(5);

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
    /// When it was last tried whether something can be written, if it was, and whether it could.
    tried: Arc<tokio::sync::Mutex<Option<(Tick, Tried)>>>,
}

/// What came of trying to write.
#[derive(Clone)]
enum Tried {
    Well,
    Busy,
    Badly(String),
}

impl Tried {
    /// For how long that is believed.
    fn lasts(&self) -> Duration {
        match self {
            Tried::Well => TRIED_EVERY,
            Tried::Busy | Tried::Badly(_) => FAILED_FOR,
        }
    }

    fn told(self) -> Result<(), StorageError> {
        match self {
            Tried::Well => Ok(()),
            Tried::Busy => Err(StorageError::Busy),
            Tried::Badly(reason) => Err(StorageError::Commit(reason)),
        }
    }
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

    /// The number of the group of jobs that the writer began last. What a job left in memory under
    /// this number, and which no later job of its group can have undone, is true as long as the number
    /// is the same: a group is kept or undone as one, and the next has another number before any of
    /// its jobs begins.
    pub fn group(&self) -> u64 {
        self.writer.group()
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

    /// Whether the store takes what is written. It is tried: a few pages are written and made
    /// durable, of which nothing is left afterwards; but not again within [`TRIED_EVERY`] after it
    /// went well, or [`FAILED_FOR`] after it did not, however many ask. Those who ask meanwhile wait
    /// for what comes of it, which is known also if whoever asked first has gone away.
    ///
    /// # Errors
    /// [`StorageError::Busy`] when another process keeps the store locked, and whatever else keeps
    /// it from writing.
    pub async fn can_write(&self, clock: &Arc<dyn Clock>) -> Result<(), StorageError> {
        let (db, clock) = (self.clone(), clock.clone());
        let trying = tokio::spawn(async move { db.try_to_write(&*clock).await });
        trying.await.map_err(|_| StorageError::Unfinished)?.told()
    }

    async fn try_to_write(&self, clock: &dyn Clock) -> Tried {
        let mut tried = self.tried.lock().await;
        let now = clock.now();
        let last = tried.as_ref();
        if let Some((at, last)) = last
            && *at <= now
            && now < after(*at, last.lasts())
        {
            return last.clone();
        }
        let room = |connection: &mut SqliteConnection| {
            settings::note(connection, settings::ROOM, &"0".repeat(TRIED))?;
            settings::remove(connection, settings::ROOM)
        };
        let outcome = match tokio::time::timeout(TRYING, self.write(room)).await {
            Ok(Ok(())) => Tried::Well,
            Ok(Err(error)) if !error.is_busy() => Tried::Badly(error.to_string()),
            Ok(Err(_)) | Err(_) => Tried::Busy,
        };
        // Of a failure, from when it was known.
        let since = match outcome {
            Tried::Well => now,
            _ => clock.now(),
        };
        *tried = Some((since, outcome.clone()));
        outcome
    }

    /// Has the write-ahead log, with the old pages in it, folded into the file and emptied: after the
    /// next writes at which nobody reads. Nobody waits for that, and it waits for nobody.
    pub fn fold_soon(&self) {
        self.writer.fold_soon();
    }

    /// Tries again to fold the write-ahead log, if that could not be done; writes nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn fold_left(&self) -> Result<(), StorageError> {
        match self.writer.owes_fold() {
            true => self.write(|_| Ok(())).await,
            false => Ok(()),
        }
    }

    /// Takes no more writing jobs, finishes those that wait, and folds the write-ahead log into
    /// the file. Answers when that is done; calling it again does nothing.
    pub async fn close(&self) {
        self.writer.close().await;
    }
}
