use std::path::PathBuf;

use crate::storage::StorageError;

/// Why a key could not be had or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store has keys, but the file of the key that wraps them is not there.
    #[error(
        "the master key file {} is missing: put back the copy you kept; without it nothing \
         stored here can be read", path.display()
    )]
    MasterMissing {
        /// Where the file should be.
        path: PathBuf,
    },
    /// The master key file holds some other key.
    #[error(
        "the master key in {} is not the one this store was sealed with (generation \
         {generation}): put back the right file", path.display()
    )]
    MasterWrong {
        /// The file.
        path: PathBuf,
        /// The generation that the store is at.
        generation: i64,
    },
    /// Others can read or change the master key file.
    #[error(
        "the master key in {} can be used by others (mode {mode:03o}): close it with chmod 600, \
         and if anybody may have read it, rotate it with carnet admin keys rotate", path.display()
    )]
    MasterShared {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The master key file is not one.
    #[error("{} is not a Carnet master key file", path.display())]
    MasterMalformed {
        /// The file.
        path: PathBuf,
    },
    /// A file of the key room could not be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that may be a copy of the key store could not be looked into.
    #[error("cannot look into {}, which may be a copy of the key store: {source}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the database library said.
        source: StorageError,
    },
    /// The key was never made, or was destroyed, and with it what it sealed.
    #[error("the key does not exist, or no longer")]
    Absent,
    /// The key of an entry is not here, and was not destroyed: the key store is an older copy than
    /// the data, or damaged.
    #[error(
        "an entry has no key, and it was not destroyed: was the key store put back from an older \
         copy than the data store?"
    )]
    EntryKeyMissing,
    /// Sealed bytes were changed, moved from their place, or sealed with another key.
    #[error("a sealed value could not be opened")]
    NotOpened,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The key store failed.
    #[error("key store: {0}")]
    Storage(#[from] StorageError),
}

impl From<diesel::result::Error> for KeyError {
    fn from(error: diesel::result::Error) -> Self {
        KeyError::Storage(error.into())
    }
}
