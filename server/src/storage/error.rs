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
    #[error("cannot open the store {}: {reason}", path.display())]
    Open {
        /// The store's file.
        path: PathBuf,
        /// What the database library said.
        reason: String,
    },
    /// A migration failed; the store is as it was before it.
    #[error("cannot bring the store {} up to date: {reason}", path.display())]
    Migration {
        /// The store's file.
        path: PathBuf,
        /// What the database library said.
        reason: String,
    },
    /// A statement failed.
    #[error("the store refused a statement: {0}")]
    Query(#[from] diesel::result::Error),
    /// The group's transaction could not be made durable: nothing of it was kept.
    #[error("the store could not commit: {0}")]
    Commit(String),
    /// The job panicked, or its transaction never began; nothing of it was kept.
    #[error("a job on the store did not finish")]
    Unfinished,
    /// The store is shutting down and takes no more jobs.
    #[error("the store is closing")]
    Closed,
    /// A stored value is not what this version writes.
    #[error("a stored value is malformed: {0}")]
    Malformed(&'static str),
}
