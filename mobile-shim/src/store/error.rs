//! What can go wrong in the store. No message repeats what the store holds.

use thiserror::Error;

use crate::seal::{NoRandomness, Unsealable};
use crate::vault::VaultError;

/// Why the store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database failed: disk full, file gone, locked for too long.
    #[error("the database of the local store failed")]
    Database(#[from] diesel::result::Error),
    /// A value does not open under its key, or is not what it should be.
    #[error("the local store is damaged")]
    Damaged,
    /// The vault does not have the key of this file.
    #[error("the local store came from another device and cannot be opened here")]
    Foreign,
    /// The file is of a newer version of Carnet.
    #[error("the local store was written by a newer version")]
    Newer,
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The folder cannot be used.
    #[error("the folder of the local store cannot be used")]
    Folder,
    /// Files of the store that could not be deleted.
    #[error("could not be deleted: {}", .0.join(", "))]
    Left(Vec<&'static str>),
    /// The profile is locked.
    #[error("the profile is locked")]
    Locked,
    /// No such profile or record on this device.
    #[error("not on this device")]
    Absent,
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl From<Unsealable> for StoreError {
    fn from(_: Unsealable) -> Self {
        StoreError::Damaged
    }
}

impl From<sync_core::codec::Malformed> for StoreError {
    fn from(_: sync_core::codec::Malformed) -> Self {
        StoreError::Damaged
    }
}

impl From<std::io::Error> for StoreError {
    fn from(_: std::io::Error) -> Self {
        StoreError::Folder
    }
}
