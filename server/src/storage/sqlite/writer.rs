use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use tokio::sync::{mpsc, oneshot};
use tracing::Span;

use super::statement::Statement;
use super::{GROUP_MOST, connection::fold, connection::open_connection};
use crate::storage::StorageError;

/// Jobs that may wait before callers do.
const QUEUE: usize = 1024;

/// How a group ended, told to each of its jobs.
type Verdict = Result<(), String>;

/// What a job left behind inside the transaction, to be answered after it.
struct Ran {
    keep: bool,
    answer: Answer,
}

/// Does what follows a job, and answers it.
type Answer = Box<dyn FnOnce(Verdict) + Send>;

/// A job, and the span of the request that asked for it.
type Job = (Work, Span);

/// Work on the connection, or on the error that there was instead of a transaction on it.
type Work = Box<dyn FnOnce(Result<&mut SqliteConnection, StorageError>) -> Ran + Send>;

enum Message {
    Job(Job),
    Close(oneshot::Sender<()>),
}

/// The thread that writes, and the queue before it.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    folds: Arc<AtomicBool>,
    groups: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(path: PathBuf, connection: SqliteConnection) -> Result<Self, StorageError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let name = path.clone();
        // Whoever wrote before may have been stopped before it was done.
        let folds = Arc::new(AtomicBool::new(true));
        let asked = folds.clone();
        let groups = Arc::<AtomicU64>::default();
        let begun = groups.clone();
        thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || work(&path, connection, jobs, (&asked, &begun)))
            .map_err(|e| StorageError::Open {
                path: name,
                reason: e.to_string(),
            })?;
        Ok(Self {
            queue,
            folds,
            groups,
        })
    }

    /// Has the write-ahead log folded into the file after a group of writes, the next at which
    /// nobody reads: nobody is waited for.
    pub(super) fn fold_soon(&self) {
        self.folds.store(true, Ordering::Release);
    }

    /// Whether the write-ahead log is still to be folded into the file.
    pub(super) fn owes_fold(&self) -> bool {
        self.folds.load(Ordering::Acquire)
    }

    /// The number of the group begun last.
    pub(super) fn group(&self) -> u64 {
        self.groups.load(Ordering::SeqCst)
    }

    /// Runs a job, and once it is durable what is to follow it, before the answer: whether or not
    /// anybody waits for that.
    pub(super) async fn run<T, E, F, A>(&self, job: F, after: A) -> Result<T, E>
    where
        F: FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let wrapped: Work = Box::new(move |connection| {
            let result = connection.map_err(E::from).and_then(job);
            Ran {
                keep: result.is_ok(),
                answer: Box::new(move |verdict: Verdict| {
                    let answer = match verdict {
                        // An error the job itself gave tells more than a failed commit.
                        Err(reason) if result.is_ok() => Err(StorageError::Commit(reason).into()),
                        _ => result,
                    };
                    if let Ok(done) = &answer {
                        after(done);
                    }
                    // A caller that went away does not want its answer.
                    let _ = sender.send(answer);
                }),
            }
        });
        self.queue
            .send(Message::Job((wrapped, Span::current())))
            .await
            .map_err(|_| StorageError::Closed)?;
        receiver
            .await
            .unwrap_or_else(|_| Err(StorageError::Unfinished.into()))
    }

    pub(super) async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.queue.send(Message::Close(sender)).await.is_ok() {
            // The thread can only have ended before answering by having ended altogether.
            let _ = receiver.await;
        }
    }
}

/// The life of the writer's thread: group after group until the queue closes.
fn work(
    path: &Path,
    connection: SqliteConnection,
    mut jobs: mpsc::Receiver<Message>,
    (folds, groups): (&AtomicBool, &AtomicU64),
) {
    let mut connection = Some(connection);
    let mut closing = Vec::new();
    while let Some(first) = jobs.blocking_recv() {
        let mut group = Vec::with_capacity(GROUP_MOST);
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Job(job) => group.push(job),
                Message::Close(answer) => {
                    jobs.close();
                    closing.push(answer);
                }
            }
            next = (group.len() < GROUP_MOST)
                .then(|| jobs.try_recv().ok())
                .flatten();
        }
        if !group.is_empty() {
            // What was left of a group that was undone is of another one from here on.
            groups.fetch_add(1, Ordering::SeqCst);
            connection = write_group(path, connection.take(), group);
        }
        if folds.load(Ordering::Acquire)
            && let Some(connection) = &mut connection
        {
            match fold(connection) {
                Ok(done) => folds.store(!done, Ordering::Release),
                Err(error) => tracing::warn!(%error, "the write-ahead log was not folded in"),
            }
        }
    }
    if let Some(mut connection) = connection
        && let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
    {
        tracing::warn!(%error, "the write-ahead log was left to be folded in at the next start");
    }
    for answer in closing {
        let _ = answer.send(());
    }
}

/// Runs a group in one transaction, and answers its jobs. Gives the connection back if its state
/// is still known; else the next group opens a fresh one.
fn write_group(
    path: &Path,
    connection: Option<SqliteConnection>,
    group: Vec<Job>,
) -> Option<SqliteConnection> {
    let size = group.len();
    let mut connection = match connection
        .map_or_else(|| open_connection(path), Ok)
        .and_then(begin)
    {
        Ok(connection) => connection,
        Err(error) => {
            refuse(group, &error);
            return None;
        }
    };
    let mut answers = Vec::with_capacity(size);
    let mut group = group.into_iter();
    let outcome = run_group(&mut connection, &mut group, &mut answers)
        .map(|sound| (connection, sound))
        .map_err(|error| error.to_string());
    let verdict = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
    if let Err(reason) = &verdict {
        tracing::error!(%reason, size, "a group of writes was undone");
        // SQLite undoes all when there is no room, and so the rest is not begun.
        refuse(group.collect(), &StorageError::Commit(reason.clone()));
    }
    metrics::histogram!("carnet_store_group_size").record(size as f64);
    for (answer, span) in answers {
        let _entered = span.enter();
        let verdict = verdict.clone();
        if catch_unwind(AssertUnwindSafe(|| answer(verdict))).is_err() {
            tracing::error!("what follows a job of the store panicked");
        }
    }
    outcome
        .ok()
        .and_then(|(connection, sound)| sound.then_some(connection))
}

/// Begins a group's transaction, once nobody else writes.
fn begin(mut connection: SqliteConnection) -> Result<SqliteConnection, StorageError> {
    AnsiTransactionManager::begin_transaction_sql(&mut connection, "BEGIN IMMEDIATE")?;
    Ok(connection)
}

/// Answers a group that there was no transaction for.
fn refuse(group: Vec<Job>, error: &StorageError) {
    if !group.is_empty() {
        tracing::error!(%error, size = group.len(), "jobs of the store were not begun");
    }
    for (job, span) in group {
        let _entered = span.enter();
        let told = match error {
            _ if error.is_busy() => StorageError::Busy,
            StorageError::Commit(reason) => StorageError::Commit(reason.clone()),
            _ => StorageError::Commit(error.to_string()),
        };
        (job(Err(told)).answer)(Ok(()));
    }
}

/// A statement that every job runs.
fn prepared(text: &'static str) -> Statement<'static> {
    Statement { text, values: &[] }
}

/// Answers whether the connection's transaction state is still sound.
fn run_group(
    connection: &mut SqliteConnection,
    group: &mut impl Iterator<Item = Job>,
    answers: &mut Vec<(Answer, Span)>,
) -> Result<bool, diesel::result::Error> {
    let mut sound = true;
    for (job, span) in group {
        let entered = span.enter();
        // Savepoints by hand, not by a nested Diesel transaction: a job that panics inside a
        // transaction of its own leaves Diesel's count of them wrong, and this must still undo it.
        prepared("SAVEPOINT job").execute(connection)?;
        let keep = match catch_unwind(AssertUnwindSafe(|| job(Ok(&mut *connection)))) {
            Ok(ran) => {
                tracing::trace!(kept = ran.keep, "a job of the store ran");
                drop(entered);
                answers.push((ran.answer, span));
                ran.keep
            }
            Err(_) => {
                tracing::error!("a job on the store panicked and was undone");
                sound = false;
                false
            }
        };
        if !keep {
            connection.batch_execute("ROLLBACK TO job")?;
        }
        prepared("RELEASE job").execute(connection)?;
    }
    let started = Instant::now();
    if sound {
        AnsiTransactionManager::commit_transaction(connection)?;
    } else {
        connection.batch_execute("COMMIT")?;
    }
    metrics::histogram!("carnet_store_commit_seconds").record(started.elapsed().as_secs_f64());
    Ok(sound)
}
