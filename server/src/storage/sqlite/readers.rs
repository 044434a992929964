use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use tokio::sync::{mpsc, oneshot};
use tracing::Span;

use super::connection::open_connection;
use crate::storage::StorageError;

/// Jobs that may wait before callers do.
const QUEUE: usize = 1024;

/// Work on a connection, or on the error that there was instead of one.
type Work = Box<dyn FnOnce(Result<&mut SqliteConnection, StorageError>) -> Answer + Send>;

/// Answers who asked for it.
type Answer = Box<dyn FnOnce()>;

/// Work, and the span of the request that asked for it.
type Job = (Work, Span);

/// The threads that read, and the queue before them.
pub(super) struct Readers {
    queue: mpsc::Sender<Job>,
}

impl Readers {
    pub(super) fn start(path: &Path, threads: usize) -> Result<Self, StorageError> {
        let (queue, jobs) = mpsc::channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let (path, jobs) = (path.to_owned(), jobs.clone());
            let name = path.clone();
            thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || work(&path, &jobs))
                .map_err(|e| StorageError::Open {
                    path: name,
                    reason: e.to_string(),
                })?;
        }
        Ok(Self { queue })
    }

    pub(super) async fn run<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let wrapped = Box::new(
            move |connection: Result<&mut SqliteConnection, StorageError>| -> Answer {
                let answer = connection.map_err(E::from).and_then(job);
                // A caller that went away does not want it.
                Box::new(move || drop(sender.send(answer)))
            },
        );
        self.queue
            .send((wrapped, Span::current()))
            .await
            .map_err(|_| StorageError::Closed)?;
        receiver
            .await
            .unwrap_or_else(|_| Err(StorageError::Unfinished.into()))
    }
}

fn work(path: &Path, jobs: &Mutex<mpsc::Receiver<Job>>) {
    let mut kept = None;
    loop {
        // A thread cannot panic while it holds the queue, so a poisoned lock means nothing.
        let next = jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        let Some((job, span)) = next else { return };
        let _entered = span.enter();
        kept = read(path, kept.take(), job);
    }
}

/// Runs one job in a snapshot; gives the connection back if its state is still known.
fn read(path: &Path, connection: Option<SqliteConnection>, job: Work) -> Option<SqliteConnection> {
    let opened = connection
        .map_or_else(|| open_reader(path), Ok)
        .and_then(|mut connection| {
            AnsiTransactionManager::begin_transaction_sql(&mut connection, "BEGIN DEFERRED")?;
            Ok(connection)
        });
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(error) => {
            job(Err(error))();
            return None;
        }
    };
    let answer = catch_unwind(AssertUnwindSafe(|| job(Ok(&mut connection)))).ok()?;
    // Whoever has an answer keeps no snapshot open.
    let left = AnsiTransactionManager::rollback_transaction(&mut connection);
    answer();
    left.ok().map(|()| connection)
}

fn open_reader(path: &Path) -> Result<SqliteConnection, StorageError> {
    let mut connection = open_connection(path)?;
    connection.batch_execute("PRAGMA query_only = ON")?;
    Ok(connection)
}
