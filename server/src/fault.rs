//! What can go wrong beneath a use case: the data store, or a key.

use crate::http::Problem;
use crate::keys::KeyError;
use crate::storage::StorageError;

/// A failure that is not the caller's doing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The data store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A key could not be had, or something sealed not be opened.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Fault {
    /// A stored value that is not what this version writes.
    pub fn malformed(what: &'static str) -> Self {
        StorageError::Malformed(what).into()
    }
}

impl From<diesel::result::Error> for Fault {
    fn from(error: diesel::result::Error) -> Self {
        Fault::Storage(error.into())
    }
}

impl From<getrandom::Error> for Fault {
    fn from(error: getrandom::Error) -> Self {
        Fault::Keys(error.into())
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Storage(error) => error.into(),
            Fault::Keys(error) => error.into(),
        }
    }
}
