use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
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
    queue: Arc<Queue>,
}

/// Jobs that wait for a thread, or threads that wait for a job.
struct Queue {
    room: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Each with its place among so many.
    jobs: VecDeque<(Job, OwnedSemaphorePermit)>,
    /// The last one worked last: its memory and its connection are the warmest, so it is woken first.
    idle: Vec<Thread>,
    /// No more jobs come.
    closed: bool,
}

impl Queue {
    // A thread cannot panic while it holds what waits, so a poisoned lock means nothing.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn put(&self, job: Job) -> Result<(), StorageError> {
        let room = self.room.clone().acquire_owned().await;
        let room = room.map_err(|_| StorageError::Closed)?;
        let mut waiting = self.waiting();
        waiting.jobs.push_back((job, room));
        let woken = waiting.idle.pop();
        drop(waiting);
        if let Some(thread) = woken {
            thread.unpark();
        }
        Ok(())
    }

    /// The next job, for the thread that calls this.
    fn next(&self) -> Option<Job> {
        let me = thread::current();
        loop {
            let mut waiting = self.waiting();
            waiting.idle.retain(|thread| thread.id() != me.id());
            if let Some((job, _)) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            waiting.idle.push(me.clone());
            drop(waiting);
            thread::park();
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting();
        waiting.closed = true;
        waiting.idle.drain(..).for_each(|thread| thread.unpark());
    }
}

impl Readers {
    pub(super) fn start(path: &Path, threads: usize) -> Result<Self, StorageError> {
        let queue = Arc::new(Queue {
            room: Arc::new(Semaphore::new(QUEUE)),
            waiting: Mutex::default(),
        });
        for number in 0..threads {
            let (path, jobs) = (path.to_owned(), queue.clone());
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
        self.queue.put((wrapped, Span::current())).await?;
        receiver
            .await
            .unwrap_or_else(|_| Err(StorageError::Unfinished.into()))
    }
}

fn work(path: &Path, queue: &Queue) {
    let mut kept = None;
    while let Some((job, span)) = queue.next() {
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
