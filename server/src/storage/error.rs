use std::path::PathBuf;

/// Why the store could not do what was asked. Messages name tables and files, never content.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file was written by a version of Carnet that knows more migrations than this one.
    #[error(
        "{} was written by a newer Carnet (it has the migration {migration}, unknown here): \
         start that version, or restore a backup made by this one", path.display()
    )]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// The first migration that this version does not know.
        migration: String,
    },
    /// The file cannot be opened or is not a store.
    #[error("cannot open the store {}: {reason}{}", path.display(), advice(reason))]
    Open {
        /// The store's file.
        path: PathBuf,
        /// What the database library said.
        reason: String,
    },
    /// Its tables are not those that its migrations make: a build that was never released made it,
    /// when they said something else. Nothing was changed.
    #[error(
        "{} was made by an unreleased build of Carnet: its {what} is not as any release makes it. \
         Use the build that made it, or begin with an empty directory", path.display()
    )]
    Unreleased {
        /// The store's file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// A migration failed; the store is as it was before it.
    #[error("cannot bring the store {} up to date: {reason}{}", path.display(), advice(reason))]
    Migration {
        /// The store's file.
        path: PathBuf,
        /// What the database library said.
        reason: String,
    },
    /// A statement failed.
    #[error("the store refused a statement: {0}{advice}", advice = advice(&.0.to_string()))]
    Query(#[from] diesel::result::Error),
    /// The group's transaction could not be made durable: nothing of it was kept.
    #[error("the store could not commit: {0}")]
    Commit(String),
    /// Another process has been writing to the file for too long; nothing was done.
    #[error("another process keeps the store locked")]
    Busy,
    /// A write-ahead log lies beside a file that it does not belong to. Nothing was touched.
    #[error(
        "{} is not of the copy that was put back as {}, and would damage it: remove it and the \
         -shm beside it, and start again", wal.display(), path.display()
    )]
    Foreign {
        /// The store's file.
        path: PathBuf,
        /// The write-ahead log.
        wal: PathBuf,
    },
    /// No name that could be drawn was free.
    #[error("no name was free")]
    Crowded,
    /// The job panicked, or the one before it broke their transaction; nothing of it was kept.
    #[error("a job on the store did not finish")]
    Unfinished,
    /// The store is shutting down and takes no more jobs.
    #[error("the store is closing")]
    Closed,
    /// A stored value is not what this version writes.
    #[error("a stored value is malformed: {0}")]
    Malformed(&'static str),
}

impl StorageError {
    /// Whether there was no room for what was to be written, on the disk or under a limit.
    pub fn is_full(&self) -> bool {
        let reason = match self {
            Self::Query(error) => &error.to_string(),
            Self::Commit(reason) => reason,
            _ => return false,
        };
        reason.contains("database or disk is full")
    }

    /// Whether SQLite finds the file damaged.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Query(error) => is_damaged(&error.to_string()),
            Self::Open { reason, .. } | Self::Migration { reason, .. } => is_damaged(reason),
            _ => false,
        }
    }

    /// Whether the disk failed under SQLite (`SQLITE_IOERR`, `SQLITE_CANTOPEN`), or may not be written any
    /// more (`SQLITE_READONLY`, as where the system mounted it anew after a fault): what was asked was
    /// not done, and may be tried again.
    pub fn is_disk(&self) -> bool {
        let reason = match self {
            Self::Query(error) => &error.to_string(),
            Self::Commit(reason) | Self::Open { reason, .. } => reason,
            _ => return false,
        };
        let failed = [
            "disk I/O error",
            "unable to open database file",
            "attempt to write a readonly database",
        ];
        failed.iter().any(|words| reason.contains(words))
    }

    /// Whether another process keeps the store locked: to be tried again.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Query(error) => is_locked(&error.to_string()),
            Self::Open { reason, .. } | Self::Migration { reason, .. } => is_locked(reason),
            _ => false,
        }
    }
}

/// Whether SQLite finds the file damaged (`SQLITE_CORRUPT`, `SQLITE_NOTADB`).
fn is_damaged(reason: &str) -> bool {
    let damaged = ["database disk image is malformed", "file is not a database"];
    damaged.iter().any(|words| reason.contains(words))
}

/// Whether SQLite says that it waited for another process in vain (`SQLITE_BUSY`).
fn is_locked(reason: &str) -> bool {
    reason.contains("database is locked")
}

/// What to do next about a file that SQLite finds damaged.
fn advice(reason: &str) -> &'static str {
    if reason.contains("disk I/O error") {
        ": there may be no room on the disk, which SQLite needs even to open a store, or the disk \
         fails: look at its free room, and at what the system's log says of it"
    } else if is_damaged(reason) {
        ": the file is damaged. If a copy was put in its place while a -wal lay beside it, remove \
         the -wal and the -shm and put the copy there again; else put a backup back"
    } else if ["readonly database", "unable to open"]
        .iter()
        .any(|words| reason.contains(words))
    {
        ": SQLite writes beside a store even to read it. If this is a read-only file system, copy \
         the whole directory, with any -wal in it, to where it can be written"
    } else {
        ""
    }
}
