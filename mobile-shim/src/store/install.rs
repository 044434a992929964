//! Noticing a store that was copied or put back: it must not go on under its old actors.
//!
//! Every time the store is opened, a fresh marker goes into the file and, outside of it, into the
//! vault. A file put back from a backup carries an older marker than the vault; a copied one has
//! another identity to the file system. Either begins a new life, and each replica then takes a
//! fresh incarnation before it writes.

use std::path::Path;

use diesel::SqliteConnection;
use serde::{Deserialize, Serialize};
use sync_core::{Bytes, codec};

use super::{StoreError, set, setting};
use crate::seal::{self, RowKey, SealKey};
use crate::vault::KeyVault;

/// The vault's name for the marker, and the setting's.
pub(super) const MARKER: &str = "install";

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Install {
    marker: Bytes,
    life: RowKey,
    file: Option<(u64, u64)>,
}

/// Checks in, and returns the life of this store.
pub(super) fn check_in(
    connection: &mut SqliteConnection,
    key: &SealKey,
    file: &Path,
    vault: &dyn KeyVault,
) -> Result<RowKey, StoreError> {
    connection.immediate_transaction(|connection| {
        let known: Option<Install> = match setting(connection, key, MARKER)? {
            Some(bytes) => Some(codec::from_cbor(&bytes)?),
            None => None,
        };
        let witness = vault.give(MARKER.to_owned())?;
        let here = identity(file);
        let life = match known {
            Some(known) if witness.as_deref() == Some(&*known.marker) && known.file == here => {
                known.life
            }
            _ => random()?,
        };
        let marker = random()?;
        let install = Install {
            marker: Bytes::from(&marker[..]),
            life,
            file: here,
        };
        set(connection, key, MARKER, &codec::to_cbor(&install))?;
        // A crash between here and the commit leaves vault and file different, which costs a
        // needless new life and nothing else.
        vault.keep(MARKER.to_owned(), marker.to_vec())?;
        Ok(life)
    })
}

fn random() -> Result<RowKey, StoreError> {
    let mut bytes = [0; 16];
    seal::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn identity(file: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}
