use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::keys::KeyError;
use crate::storage::StorageError;

/// Why the server, or an administrator's command, does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data store cannot be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The key store cannot be opened, or its master key is not there.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A file or directory cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A store on a file system that nothing can be written to.
    #[error(
        "{} is on a read-only file system, and SQLite writes beside a store even to read it: copy \
         the whole directory, with any -wal in it, to where it can be written, or put a backup \
         there, and give that with --data", path.display()
    )]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
    },
    /// A directory that others can use, with other things in it than a server's.
    #[error(
        "{} can be read by others and holds other things: choose an empty or new directory with \
         --data, or close it first: chmod 700 {}", path.display(), path.display()
    )]
    Shared {
        /// The directory.
        path: PathBuf,
    },
    /// The file of the habilitation matrix is none.
    #[error("in {}: {source}", path.display())]
    Habilitation {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which row.
        source: sync_core::policy::MatrixError,
    },
    /// The clock is far ahead of what was written last.
    #[error(
        "the machine's clock says {now}, but what was written last is of {last}: set the clock, or \
         say that it is right with --trust-clock"
    )]
    ClockAhead {
        /// What the clock says.
        now: String,
        /// When the last was written.
        last: String,
    },
    /// Another process serves this data directory.
    #[error(
        "another carnet already serves {}: stop it first, or choose another directory with \
         --data", data.display()
    )]
    AlreadyServing {
        /// The data directory.
        data: PathBuf,
    },
    /// The key store is not the one the data was sealed with.
    #[error(
        "the keys in {} are not those {} was sealed with: put back the key store that belongs \
         to it", keys.display(), data.display()
    )]
    KeysOfAnother {
        /// The key store.
        keys: PathBuf,
        /// The data store.
        data: PathBuf,
    },
    /// There are data, and no keys.
    #[error(
        "{} is not there, but {} is, and was sealed with its keys: put the key store back",
        keys.display(), data.display()
    )]
    KeysMissing {
        /// The key store.
        keys: PathBuf,
        /// The data store.
        data: PathBuf,
    },
    /// There are keys of records, and no records.
    #[error(
        "{} is not there, but {} holds keys of records: put the data store back, or start anew \
         in another directory with --data", data.display(), keys.display()
    )]
    DataMissing {
        /// The data store.
        data: PathBuf,
        /// The key store.
        keys: PathBuf,
    },
    /// Passkeys are bound to another relying party.
    #[error(
        "the passkeys in this store are bound to the domain {stored:?} and would all stop \
         working under {configured:?}: start with --rp-id {stored}; changing the domain means \
         enrolling everybody anew"
    )]
    RpIdChanged {
        /// The domain the passkeys are bound to.
        stored: String,
        /// The domain asked for.
        configured: String,
    },
    /// The address is taken or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot speak TLS with {}: {reason}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl StartError {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::File { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_checks_a_store_where_nothing_can_be_written_is_told_to_copy_it() {
        let source = std::io::Error::from_raw_os_error(30);
        let error = StartError::file(Path::new("/mnt/snapshot/starting.lock"), source);
        let said = error.to_string();
        assert!(said.contains("copy") && said.contains("-wal"), "{said}");
        assert!(said.contains("/mnt/snapshot"), "{said}");
    }
}
