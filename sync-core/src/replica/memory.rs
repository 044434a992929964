//! The least store there is.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::{Destroyed, Entries, LocalEntry, SetAside, Unsent};
use crate::sync::{Attestation, AttestationId, HeldEdit};
use crate::{ChangeHash, EntryId};

/// A replica's store in memory, for tests and for devices that keep nothing.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The entries.
    pub entries: BTreeMap<EntryId, LocalEntry>,
    /// Own edits not answered yet, in the order they were made.
    pub unsent: Vec<Unsent>,
    /// Own edits that did not become part of the record.
    pub aside: Vec<SetAside>,
    /// What the server told of held edits, as it came.
    pub held: Vec<HeldEdit>,
    /// The entries that were destroyed.
    pub destroyed: BTreeMap<EntryId, Destroyed>,
    /// The server's word for what it sent, and with which resend it came.
    pub attestations: BTreeMap<AttestationId, (u64, Attestation)>,
}

impl Entries for Memory {
    type Error = Infallible;

    fn load(&mut self, entry: &EntryId) -> Result<Option<LocalEntry>, Infallible> {
        Ok(self.entries.get(entry).cloned())
    }

    fn store(&mut self, entry: &EntryId, local: &LocalEntry) -> Result<(), Infallible> {
        self.entries.insert(*entry, local.clone());
        Ok(())
    }

    fn remove(&mut self, entry: &EntryId) -> Result<(), Infallible> {
        self.entries.remove(entry);
        Ok(())
    }

    fn older_than(&mut self, generation: u64) -> Result<Vec<EntryId>, Infallible> {
        let older = self.entries.iter();
        let older = older.filter(|(_, local)| local.generation < generation);
        Ok(older.map(|(entry, _)| *entry).collect())
    }

    fn enqueue(&mut self, unsent: &Unsent) -> Result<(), Infallible> {
        self.unsent.push(unsent.clone());
        Ok(())
    }

    fn queue(&mut self, most: usize) -> Result<Vec<Unsent>, Infallible> {
        Ok(self.unsent.iter().take(most).cloned().collect())
    }

    fn unsent(&mut self, change: &ChangeHash) -> Result<Option<Unsent>, Infallible> {
        let mut unsent = self.unsent.iter();
        Ok(unsent.find(|unsent| unsent.change == *change).cloned())
    }

    fn dequeue(&mut self, change: &ChangeHash) -> Result<(), Infallible> {
        self.unsent.retain(|unsent| unsent.change != *change);
        Ok(())
    }

    fn set_aside(&mut self, aside: &SetAside) -> Result<(), Infallible> {
        self.aside.retain(|known| known.change != aside.change);
        self.aside.push(aside.clone());
        Ok(())
    }

    fn aside(&mut self) -> Result<Vec<SetAside>, Infallible> {
        Ok(self.aside.clone())
    }

    fn take_up(&mut self, change: &ChangeHash) -> Result<(), Infallible> {
        self.aside.retain(|aside| aside.change != *change);
        Ok(())
    }

    fn note_held(&mut self, held: &HeldEdit) -> Result<(), Infallible> {
        self.held.push(held.clone());
        Ok(())
    }

    fn held(&mut self) -> Result<Vec<HeldEdit>, Infallible> {
        let named = self.held.iter();
        let named = named.filter_map(|held| Some((held.change().ok()?, held.clone())));
        let last: BTreeMap<ChangeHash, HeldEdit> = named.collect();
        Ok(last.into_values().collect())
    }

    fn forget_held(&mut self, entry: &EntryId) -> Result<(), Infallible> {
        self.held.retain(|held| held.edit.entry != *entry);
        Ok(())
    }

    fn note_destroyed(&mut self, destroyed: &Destroyed) -> Result<(), Infallible> {
        let known = self.destroyed.entry(destroyed.entry);
        let add = |known: &mut Destroyed| known.not_kept += destroyed.not_kept;
        known.and_modify(add).or_insert(*destroyed);
        Ok(())
    }

    fn is_settled(&mut self, change: &ChangeHash) -> Result<bool, Infallible> {
        let mut held = self.held.iter().filter(|held| held.settled.is_some());
        Ok(held.any(|held| held.change().is_ok_and(|named| named == *change)))
    }

    fn keep_attestation(
        &mut self,
        attestation: &Attestation,
        generation: u64,
    ) -> Result<(), Infallible> {
        let kept = (generation, attestation.clone());
        self.attestations.insert(attestation.id(), kept);
        Ok(())
    }

    fn attestation(&mut self, id: &AttestationId) -> Result<Option<Attestation>, Infallible> {
        Ok(self.attestations.get(id).map(|(_, kept)| kept.clone()))
    }

    fn drop_attestations(&mut self, generation: u64) -> Result<(), Infallible> {
        self.attestations.retain(|_, (came, _)| *came >= generation);
        Ok(())
    }
}
