use std::collections::{BTreeMap, BTreeSet};

use sync_core::authority::{Gone, HeldChange, Judged, Kept, VerifiedEdit};
use sync_core::entry::EntryClass;
use sync_core::sync::Refusal;
use sync_core::{ChangeHash, EntryId, Tick};

use crate::fault::Fault;
use crate::keys::{EntryKeyId, SealingKey};
use crate::records::vault::{Stood, Vault};
use crate::records::{load_document, provenance};
use crate::storage::records::RecordStore;

/// How many bytes the changes of one entry may take in all, so that it fits a frame.
pub(super) const MAX_ENTRY_BYTES: u64 = 8 * 1024 * 1024;

/// How much an entry that exists has grown, its key, and until when the holder may not know of it.
pub(super) struct Stored {
    pub(super) id: EntryKeyId,
    pub(super) key: SealingKey,
    pub(super) changes: u64,
    pub(super) bytes: u64,
    pub(super) is_right: bool,
    pub(super) kept_until: Option<Tick>,
    /// Its class, and when it was touched last.
    pub(super) class: Option<(EntryClass, Tick)>,
}

/// What bears on a submission.
#[derive(Default)]
pub(super) struct Gathered {
    /// The entries the edits name, as the law takes them.
    pub(super) kept: BTreeMap<EntryId, Kept>,
    /// Those that exist, as they are stored.
    pub(super) stored: BTreeMap<EntryId, Stored>,
    /// Of those that were destroyed, until when the holder may not know of some.
    kept_until: BTreeMap<EntryId, Tick>,
    loaded: BTreeSet<EntryId>,
}

impl Gathered {
    /// Loads an entry that an edit names, unless it is here already.
    pub(super) fn load(
        &mut self,
        store: &mut impl RecordStore,
        vault: &Vault<'_>,
        entry: EntryId,
    ) -> Result<(), Fault> {
        if !self.loaded.insert(entry) {
            return Ok(());
        }
        let mut held = BTreeMap::new();
        for row in store.held_of_entry(vault.record(), entry)? {
            let one = vault.open_held(&row)?;
            let change = HeldChange {
                actor: one.actor,
                seq: one.seq,
                reason: one.reason,
            };
            held.insert(one.change, change);
        }
        let found = store.entry(vault.record(), entry)?;
        let here = found.as_ref().is_some_and(|(row, _)| !row.is_destroyed());
        if !here && let Some(row) = store.destroyed(vault.record(), entry)? {
            let stood = vault.open_stood(&row)?;
            self.kept_until
                .extend(stood.kept_until.map(|until| (entry, until)));
            let Stood { shelves, left, .. } = stood;
            let gone = Gone {
                stood: shelves,
                left,
            };
            self.kept.insert(entry, Kept::destroyed(gone));
            return Ok(());
        }
        let Some((row, document)) = found else {
            if !held.is_empty() {
                let nothing = Kept::default();
                let kept = Kept::new(nothing.document, nothing.provenance, held);
                self.kept.insert(entry, kept);
            }
            return Ok(());
        };
        let Some(key) = vault.entry_key(row.key)? else {
            self.kept.insert(entry, Kept::destroyed(Gone::default()));
            return Ok(());
        };
        let class = vault.open_class(&key, &row)?;
        let document = load_document(&vault.open_document(&key, &row, &document)?)?;
        let origins = provenance(store, vault, &key, entry)?;
        self.kept.insert(entry, Kept::new(document, origins, held));
        let stored = Stored {
            id: row.key,
            key,
            changes: row.changes,
            bytes: row.bytes,
            is_right: row.is_right,
            kept_until: row.due.filter(|_| !row.is_right),
            class: Some((class, row.touched)),
        };
        self.stored.insert(entry, stored);
        Ok(())
    }

    /// Until when the holder may not know of an entry.
    pub(super) fn kept_until(&self, entry: &EntryId) -> Option<Tick> {
        let stored = self.stored.get(entry).and_then(|stored| stored.kept_until);
        stored.or_else(|| self.kept_until.get(entry).copied())
    }

    /// What is refused whatever the law says: a change that makes its entry too large to be sent.
    pub(super) fn refused(&self, edit: &VerifiedEdit) -> Option<Judged> {
        let (entry, change) = (edit.entry(), edit.change());
        let stored = self.stored.get(&entry)?;
        let too_large = stored.bytes + edit.edit().change.len() as u64 > MAX_ENTRY_BYTES;
        (too_large && !self.has(entry, &change))
            .then_some(Judged::Refused(change, Refusal::EntryFull))
    }

    fn has(&self, entry: EntryId, change: &ChangeHash) -> bool {
        let kept = self.kept.get(&entry);
        kept.is_some_and(|kept| kept.provenance.contains_key(change))
    }
}
