//! Marked entries whose key is missing.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sync_core::{EntryId, RecordId};

/// The marked entries that could not be opened since this process started, for want of their key or
/// their record's. A key store is put back while no server runs, so none of them can be opened before
/// the next start.
#[derive(Default)]
pub(crate) struct Keyless(Mutex<BTreeSet<(RecordId, EntryId)>>);

impl Keyless {
    /// Notes one, and says so in the log the first time.
    pub(crate) fn meets(&self, marked: (RecordId, EntryId)) {
        if self.all().insert(marked) {
            tracing::warn!("a marked entry has no key; its mark is left for a later start");
        }
    }

    /// Whether one is noted.
    pub(crate) fn has(&self, marked: (RecordId, EntryId)) -> bool {
        self.all().contains(&marked)
    }

    fn all(&self) -> MutexGuard<'_, BTreeSet<(RecordId, EntryId)>> {
        // Nothing panics while it holds this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
