use std::collections::{BTreeMap, BTreeSet};

use sync_core::authority::{Gone, HeldChange, Kept};
use sync_core::change::Provenance;
use sync_core::entry::EntryClass;
use sync_core::reconcile::Version;
use sync_core::sync::limits::MAX_ENTRY;
use sync_core::sync::{History, HoldReason};
use sync_core::{ChangeHash, EntryId, PersonId, Tick};

use crate::fault::Fault;
use crate::keys::{EntryKeyId, SealingKey};
use crate::records::vault::{Stood, Vault};
use crate::records::{histories, load_document};
use crate::storage::records::{Blind, RecordStore};

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
    pub(super) version: Version,
    /// Who made its changes and on whose behalf.
    pub(super) people: BTreeSet<PersonId>,
    /// Its changes, unless they are too large to be kept in one piece.
    pub(super) history: Option<History>,
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
    /// What is held of the entries.
    pub(super) held_of: BTreeMap<EntryId, HeldOf>,
}

/// What is held of an entry.
#[derive(Default)]
pub(super) struct HeldOf {
    /// How many edits of each author of which nothing was decided: nobody's number depends on
    /// what others have held.
    open: BTreeMap<Blind, u64>,
    /// Until when the holder may not know of some.
    pub(super) due: Option<Tick>,
    /// Those that the holder decides on, or did.
    for_holder: BTreeSet<ChangeHash>,
}

impl HeldOf {
    /// Adds an edit that is held.
    pub(super) fn add(
        &mut self,
        change: ChangeHash,
        (author, for_holder): (Blind, bool),
        due: Option<Tick>,
    ) {
        *self.open.entry(author).or_default() += 1;
        self.due = self.due.max(due);
        if for_holder {
            self.for_holder.insert(change);
        }
    }

    fn decided(&mut self, author: &Blind) {
        if let Some(open) = self.open.get_mut(author) {
            *open = open.saturating_sub(1);
        }
    }

    /// How many edits of this author are held, of which nothing was decided.
    pub(super) fn open(&self, author: &Blind) -> u64 {
        self.open.get(author).copied().unwrap_or(0)
    }

    /// Whether the holder decides on an edit that is held after these: it was made in good faith, or
    /// follows one that they decide on, whoever made either.
    pub(super) fn is_for_holder(&self, reason: HoldReason, follows: &[ChangeHash]) -> bool {
        match reason {
            HoldReason::NoLongerPermitted => true,
            HoldReason::NotPermitted | HoldReason::Other => false,
            HoldReason::FollowsHeld => follows.iter().any(|dep| self.for_holder.contains(dep)),
        }
    }
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
        let held = self.load_held(store, vault, entry)?;
        let found = store.whole_entry(vault.record(), entry)?;
        let here = found
            .as_ref()
            .is_some_and(|found| !found.row.is_destroyed());
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
        let Some(found) = found else {
            if !held.is_empty() {
                let nothing = Kept::default();
                let kept = Kept::new(nothing.document, nothing.provenance, held);
                self.kept.insert(entry, kept);
            }
            return Ok(());
        };
        let row = found.row;
        let Some(key) = vault.key_of(&row)? else {
            self.kept.insert(entry, Kept::destroyed(Gone::default()));
            return Ok(());
        };
        let filed = vault.open_filed(&key, &row)?;
        let document = load_document(&vault.open_document(&key, &row, &found.document)?)?;
        let sealed = found.history.as_deref();
        let history = histories::read_or_make(store, vault, (&row, &key), sealed)?;
        let origins = match &history {
            Some(history) => histories::provenance_of(history)?,
            None => histories::provenance_by_log(store, vault, (&row, &key))?,
        };
        let version = filed.version.unwrap_or_else(|| version_of(&origins));
        let people = filed.people.unwrap_or_else(|| people_of(&origins));
        let mut kept = Kept::new(document, origins, held);
        let taken = usize::try_from(row.bytes).unwrap_or(usize::MAX);
        kept.room = MAX_ENTRY.saturating_sub(taken);
        self.kept.insert(entry, kept);
        let stored = Stored {
            id: row.key,
            key,
            changes: row.changes,
            bytes: row.bytes,
            is_right: row.is_right,
            kept_until: row.due.filter(|_| !row.is_right),
            class: Some((filed.class, row.touched)),
            version,
            people,
            history,
        };
        self.stored.insert(entry, stored);
        Ok(())
    }

    /// Loads what is held of an entry, without the edits themselves: anybody who once had a right may
    /// have many held.
    pub(super) fn load_held(
        &mut self,
        store: &mut impl RecordStore,
        vault: &Vault<'_>,
        entry: EntryId,
    ) -> Result<BTreeMap<ChangeHash, HeldChange>, Fault> {
        let mut held = BTreeMap::new();
        let mut sum = HeldOf::default();
        for row in store.held_about_entry(vault.record(), entry)? {
            let one = vault.open_held_about((entry, row.received), &row.about)?;
            let change = HeldChange {
                actor: one.actor,
                seq: one.seq,
                reason: one.reason,
                received: row.received,
                open: row.open,
            };
            sum.add(one.change, (row.author_blind, one.for_holder), row.due);
            if !row.open {
                sum.decided(&row.author_blind);
            }
            held.insert(one.change, change);
        }
        self.held_of.insert(entry, sum);
        Ok(held)
    }

    /// Loads anew what is held of the entries that are here of which one of these changes is held:
    /// something was decided of it.
    pub(super) fn load_settled(
        &mut self,
        store: &mut impl RecordStore,
        vault: &Vault<'_>,
        changes: &[ChangeHash],
    ) -> Result<(), Fault> {
        let is_of = |kept: &Kept| changes.iter().any(|change| kept.held.contains_key(change));
        let entries = self.kept.iter().filter(|(_, kept)| is_of(kept));
        let entries: Vec<EntryId> = entries.map(|(entry, _)| *entry).collect();
        for entry in entries {
            let held = self.load_held(store, vault, entry)?;
            if let Some(kept) = self.kept.get_mut(&entry) {
                kept.held = held;
            }
        }
        Ok(())
    }

    /// Until when the holder may not know of an entry.
    pub(super) fn kept_until(&self, entry: &EntryId) -> Option<Tick> {
        let stored = self.stored.get(entry).and_then(|stored| stored.kept_until);
        stored.or_else(|| self.kept_until.get(entry).copied())
    }
}

/// Who made these changes and on whose behalf.
fn people_of(origins: &BTreeMap<ChangeHash, Provenance>) -> BTreeSet<PersonId> {
    let people = origins.values().flat_map(|made| made.origin.people());
    people.collect()
}

/// The version of an entry of these changes.
fn version_of(origins: &BTreeMap<ChangeHash, Provenance>) -> Version {
    let changes = origins.iter();
    let accepted = changes.filter_map(|(change, from)| Some((from.accepted?, change)));
    let mut accepted: Vec<(Tick, &ChangeHash)> = accepted.collect();
    accepted.sort_unstable();
    Version::of(accepted)
}
