//! What is kept beside an entry of all its changes, in one piece and ready for frames: it spares the log.
//!
//! It follows from the log, and is written with each change. What is not there, because it would be too
//! large or the entry was written last before it was kept, is read in the log. Of an entry of few changes
//! the next one makes it.

use std::collections::BTreeMap;

use sync_core::change::{Edit, Provenance};
use sync_core::sync::{History, Stripped};
use sync_core::{ChangeHash, Tick};

use super::vault::Vault;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::storage::records::{EntryRow, RecordStore};

/// How large a history is kept, in bytes: it is written anew with each change.
pub const MOST_HISTORY: usize = 64 * 1024;

/// Of how many changes it is made by reading the log, of an entry that has none, and of how many bytes:
/// what says where they come from is not counted among these, and may be more.
const MOST_MADE: u64 = 64;
const MOST_MADE_BYTES: u64 = 32 * 1024;

/// What is kept of an entry's changes, if it is. What cannot be read counts for nothing, since the log
/// has it too.
///
/// # Errors
/// When the store fails.
pub fn find(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: (&EntryRow, &SealingKey),
) -> Result<Option<History>, Fault> {
    let sealed = store.history(vault.record(), entry.0.entry)?;
    Ok(sealed.and_then(|sealed| read(vault, entry, &sealed)))
}

/// What is kept of an entry's changes, from its sealed bytes; nothing if these cannot be read.
fn read(vault: &Vault<'_>, (row, key): (&EntryRow, &SealingKey), sealed: &[u8]) -> Option<History> {
    let opened = vault.open_history(key, row, sealed);
    let history = opened
        .ok()
        .and_then(|bytes| History::from_bytes(&bytes).ok());
    let history = history.filter(|history| history.changes().len() as u64 == row.changes);
    if history.is_none() {
        tracing::warn!(
            "what is kept of an entry's changes in one piece cannot be read; its log is"
        );
    }
    history
}

/// The changes of an entry as they are to be kept, if they are in these sealed bytes, or are few.
///
/// # Errors
/// As [`find`].
pub fn read_or_make(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    (row, key): (&EntryRow, &SealingKey),
    sealed: Option<&[u8]>,
) -> Result<Option<History>, Fault> {
    if let Some(history) = sealed.and_then(|sealed| read(vault, (row, key), sealed)) {
        return Ok(Some(history));
    }
    if row.bytes > MOST_MADE_BYTES || row.changes > MOST_MADE {
        return Ok(None);
    }
    let mut made = History::default();
    for change in by_log(store, vault, (row, key), Tick(0))? {
        made.push(change);
    }
    Ok(Some(made))
}

/// The changes of an entry after a tick, as the log has them.
///
/// # Errors
/// As [`find`].
pub fn by_log(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    (row, key): (&EntryRow, &SealingKey),
    after: Tick,
) -> Result<Vec<Stripped>, Fault> {
    let entry = row.entry;
    let rows = store.log_of_entry(vault.record(), entry, after)?;
    rows.iter()
        .map(|row| {
            let edit = Edit {
                entry,
                change: vault.open_change(key, row)?,
                origin: vault.open_origin(key, (entry, row.tick), &row.about)?,
            };
            Ok(Stripped::new(&edit, Some(row.tick)))
        })
        .collect()
}

/// Where the changes of an entry come from.
///
/// # Errors
/// As [`find`].
pub fn provenance(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    (row, key): (&EntryRow, &SealingKey),
) -> Result<BTreeMap<ChangeHash, Provenance>, Fault> {
    match find(store, vault, (row, key))? {
        Some(history) => provenance_of(&history),
        None => provenance_by_log(store, vault, (row, key)),
    }
}

/// The same, as the log has it.
///
/// # Errors
/// As [`find`].
pub fn provenance_by_log(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    (row, key): (&EntryRow, &SealingKey),
) -> Result<BTreeMap<ChangeHash, Provenance>, Fault> {
    let entry = row.entry;
    let rows = store.about_entry(vault.record(), entry)?;
    let read = |(tick, sealed): (Tick, Vec<u8>)| {
        let about = vault.open_about(key, (entry, tick), &sealed)?;
        let origin = about.origin.read();
        let origin = origin.map_err(|_| Fault::malformed("log.about"))?;
        let accepted = Some(tick);
        Ok((about.change, Provenance { origin, accepted }))
    };
    rows.into_iter().map(read).collect()
}

/// Where these changes come from.
///
/// # Errors
/// When that cannot be read, which ingest does not let in.
pub fn provenance_of(history: &History) -> Result<BTreeMap<ChangeHash, Provenance>, Fault> {
    let from = |change: &Stripped| {
        let origin = change.origin();
        let origin = origin.map_err(|_| Fault::malformed("entries.history"))?;
        let accepted = change.accepted();
        Ok((change.name(), Provenance { origin, accepted }))
    };
    history.changes().iter().map(from).collect()
}
