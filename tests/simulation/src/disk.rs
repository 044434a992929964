//! A device's store in memory, with transactions that a crash can cut anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sync_core::replica::{Destroyed, Entries, LocalEntry, ReplicaHead, SetAside, Unsent};
use sync_core::sync::{Attestation, AttestationId, HeldEdit};
use sync_core::{ChangeHash, EntryId, PersonId};

use super::bug::Bug;

/// What is durable on a device.
#[derive(Clone)]
pub struct Disk {
    /// What the replica knows besides its entries.
    pub head: ReplicaHead,
    /// The entries.
    pub entries: BTreeMap<EntryId, Rc<LocalEntry>>,
    /// Own edits not answered yet, in the order they were made.
    pub unsent: Vec<Unsent>,
    /// Own edits that did not become part of the record.
    pub aside: BTreeMap<ChangeHash, SetAside>,
    /// What the server told of held edits.
    pub held: BTreeMap<ChangeHash, HeldEdit>,
    /// The entries that were destroyed.
    pub destroyed: BTreeSet<EntryId>,
    /// The server's word for what it sent, and with which resend it came.
    attestations: BTreeMap<AttestationId, (u64, Rc<Attestation>)>,
}

/// The power went off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerCut;

/// Effects not yet durable. Dropped, they never were.
pub struct Transaction<'d> {
    disk: &'d Disk,
    effects: Effects,
    /// After how many more operations the power goes off.
    fuse: Option<u64>,
}

/// What a transaction changes.
#[derive(Default)]
pub struct Effects {
    entries: BTreeMap<EntryId, Option<Rc<LocalEntry>>>,
    /// The queue as it then stands, if it changed.
    unsent: Option<Vec<Unsent>>,
    aside: Vec<SetAside>,
    /// What is in the record after all.
    taken_up: BTreeSet<ChangeHash>,
    held: Vec<HeldEdit>,
    /// The entries of which nothing that is held is kept.
    forgotten: BTreeSet<EntryId>,
    destroyed: BTreeSet<EntryId>,
    attestations: BTreeMap<AttestationId, (u64, Rc<Attestation>)>,
    /// Before which resend none is kept.
    attested_from: u64,
}

impl Disk {
    /// An empty store.
    pub fn new(head: ReplicaHead) -> Self {
        Disk {
            head,
            entries: BTreeMap::new(),
            unsent: Vec::new(),
            aside: BTreeMap::new(),
            held: BTreeMap::new(),
            destroyed: BTreeSet::new(),
            attestations: BTreeMap::new(),
        }
    }

    /// Whether nothing is other than in a copy of it.
    pub fn is_as(&self, copy: &Disk) -> bool {
        let entries = self.entries.len() == copy.entries.len();
        let mut same = self.entries.iter().zip(&copy.entries);
        let same = same.all(|(one, other)| one.0 == other.0 && Rc::ptr_eq(one.1, other.1));
        let proofs = self.attestations.keys().eq(copy.attestations.keys());
        entries
            && same
            && proofs
            && self.head == copy.head
            && self.unsent == copy.unsent
            && self.aside == copy.aside
            && self.held == copy.held
            && self.destroyed == copy.destroyed
    }

    /// Whether an entry is here with a change.
    pub fn has(&self, entry: &EntryId, change: &ChangeHash) -> bool {
        let local = self.entries.get(entry);
        local.is_some_and(|local| local.has(change)) || self.sends(change)
    }

    /// Whether it has this change to send, be it in its entry or not.
    pub fn sends(&self, change: &ChangeHash) -> bool {
        self.unsent.iter().any(|unsent| unsent.change == *change)
    }

    /// What of all entries it knows to be in the record.
    pub fn accepted(&self) -> impl Iterator<Item = ChangeHash> {
        let accepted = self.entries.values().flat_map(|local| local.provenance());
        accepted.filter_map(|(change, provenance)| provenance.accepted.map(|_| change))
    }

    /// The changes of all entries.
    pub fn changes(&self) -> impl Iterator<Item = (EntryId, ChangeHash)> {
        let changes = |(entry, local): (&EntryId, &Rc<LocalEntry>)| {
            let entry = *entry;
            local
                .provenance()
                .into_keys()
                .map(move |change| (entry, change))
        };
        self.entries.iter().flat_map(changes)
    }

    /// Forgets what the record said, as a phone does whose person may not open it any more. Own
    /// edits that were not sent, or not taken, stay, and with them the server's proofs of what they
    /// follow.
    pub fn forget_content(&mut self, person: PersonId, bug: Option<Bug>) {
        self.head.forget_cursor();
        self.entries.retain(|_, local| local.is_pending());
        for local in self.entries.values_mut() {
            let local = Rc::make_mut(local);
            local.forgotten = true;
            let kept = |id: &AttestationId| {
                let kept = self.attestations.get(id);
                let kept = kept.filter(|_| bug != Some(Bug::ProofNotKept));
                let proofs = kept.map(|(_, kept)| Rc::new((**kept).clone().proofs()));
                Ok::<_, std::convert::Infallible>(proofs)
            };
            let Ok(_) = local.prove(kept);
        }
        self.aside.retain(|_, aside| {
            let origin = aside.edit.origin.read();
            origin.is_ok_and(|origin| origin.author == person)
        });
        self.held.clear();
        self.destroyed.clear();
        self.attestations.clear();
    }

    /// Starts a transaction; with a fuse, the power goes off after so many operations.
    pub fn begin(&self, fuse: Option<u64>) -> Transaction<'_> {
        Transaction {
            disk: self,
            effects: Effects::default(),
            fuse,
        }
    }

    /// Makes a transaction's effects durable.
    pub fn commit(&mut self, effects: Effects) {
        for (entry, local) in effects.entries {
            match local {
                Some(local) => self.entries.insert(entry, local),
                None => self.entries.remove(&entry),
            };
        }
        if let Some(unsent) = effects.unsent {
            self.unsent = unsent;
        }
        let aside = effects.aside.into_iter();
        self.aside.extend(aside.map(|aside| (aside.change, aside)));
        let taken_up = effects.taken_up;
        self.aside.retain(|change, _| !taken_up.contains(change));
        let forgotten = effects.forgotten;
        self.held
            .retain(|_, held| !forgotten.contains(&held.edit.entry));
        self.destroyed.extend(effects.destroyed);
        self.attestations.extend(effects.attestations);
        let from = effects.attested_from;
        self.attestations.retain(|_, (came, _)| *came >= from);
        for held in effects.held {
            if let Some(change) = change_of(&held) {
                self.held.insert(change, held);
            }
        }
    }

    /// Everything is read again from its bytes, as after a start.
    pub fn reopen(&mut self) -> Result<(), String> {
        for local in self.entries.values_mut() {
            let again = LocalEntry::from_bytes(&local.to_bytes())
                .map_err(|error| format!("an entry cannot be read again: {error}"))?;
            if again.state() != local.state() || again.provenance() != local.provenance() {
                return Err("an entry is not what it was once it is read again".to_owned());
            }
            *local = Rc::new(again);
        }
        Ok(())
    }
}

/// The change a held edit is about.
pub fn change_of(held: &HeldEdit) -> Option<ChangeHash> {
    let inspected = sync_core::guard::inspect(&held.edit.change).ok()?;
    Some(inspected.hash())
}

impl Transaction<'_> {
    /// The effects, to be committed.
    pub fn finish(self) -> Effects {
        self.effects
    }

    fn burn(&mut self) -> Result<(), PowerCut> {
        match &mut self.fuse {
            None => Ok(()),
            Some(0) => Err(PowerCut),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn unsent_now(&self) -> &[Unsent] {
        self.effects.unsent.as_ref().unwrap_or(&self.disk.unsent)
    }

    fn unsent_to_change(&mut self) -> &mut Vec<Unsent> {
        let disk = self.disk;
        self.effects
            .unsent
            .get_or_insert_with(|| disk.unsent.clone())
    }

    fn current(&self, entry: &EntryId) -> Option<&Rc<LocalEntry>> {
        match self.effects.entries.get(entry) {
            Some(changed) => changed.as_ref(),
            None => self.disk.entries.get(entry),
        }
    }
}

impl Entries for Transaction<'_> {
    type Error = PowerCut;

    fn load(&mut self, entry: &EntryId) -> Result<Option<LocalEntry>, PowerCut> {
        self.burn()?;
        Ok(self.current(entry).map(|local| (**local).clone()))
    }

    fn store(&mut self, entry: &EntryId, local: &LocalEntry) -> Result<(), PowerCut> {
        self.burn()?;
        let local = Some(Rc::new(local.clone()));
        self.effects.entries.insert(*entry, local);
        Ok(())
    }

    fn remove(&mut self, entry: &EntryId) -> Result<(), PowerCut> {
        self.burn()?;
        self.effects.entries.insert(*entry, None);
        Ok(())
    }

    fn older_than(&mut self, generation: u64) -> Result<Vec<EntryId>, PowerCut> {
        self.burn()?;
        let changed = self.effects.entries.keys();
        let all: BTreeSet<EntryId> = self.disk.entries.keys().chain(changed).copied().collect();
        let older = |entry: &EntryId| {
            self.current(entry)
                .is_some_and(|local| local.generation < generation)
        };
        Ok(all.into_iter().filter(older).collect())
    }

    fn enqueue(&mut self, unsent: &Unsent) -> Result<(), PowerCut> {
        self.burn()?;
        self.unsent_to_change().push(unsent.clone());
        Ok(())
    }

    fn queue(&mut self, most: usize) -> Result<Vec<Unsent>, PowerCut> {
        self.burn()?;
        Ok(self.unsent_now().iter().take(most).cloned().collect())
    }

    fn unsent(&mut self, change: &ChangeHash) -> Result<Option<Unsent>, PowerCut> {
        self.burn()?;
        let mut unsent = self.unsent_now().iter();
        Ok(unsent.find(|unsent| unsent.change == *change).cloned())
    }

    fn dequeue(&mut self, change: &ChangeHash) -> Result<(), PowerCut> {
        self.burn()?;
        self.unsent_to_change()
            .retain(|unsent| unsent.change != *change);
        Ok(())
    }

    fn set_aside(&mut self, aside: &SetAside) -> Result<(), PowerCut> {
        self.burn()?;
        self.effects.taken_up.remove(&aside.change);
        self.effects.aside.push(aside.clone());
        Ok(())
    }

    fn aside(&mut self) -> Result<Vec<SetAside>, PowerCut> {
        self.burn()?;
        let mut all = self.disk.aside.clone();
        let new = self.effects.aside.iter().cloned();
        all.extend(new.map(|aside| (aside.change, aside)));
        let taken_up = &self.effects.taken_up;
        all.retain(|change, _| !taken_up.contains(change));
        Ok(all.into_values().collect())
    }

    fn take_up(&mut self, change: &ChangeHash) -> Result<(), PowerCut> {
        self.burn()?;
        self.effects.taken_up.insert(*change);
        Ok(())
    }

    fn held(&mut self) -> Result<Vec<HeldEdit>, PowerCut> {
        self.burn()?;
        let forgotten = &self.effects.forgotten;
        let known = self.disk.held.iter();
        let known = known.filter(|(_, held)| !forgotten.contains(&held.edit.entry));
        let known = known.map(|(change, held)| (*change, held.clone()));
        let new = self.effects.held.iter();
        let new = new.filter_map(|held| Some((change_of(held)?, held.clone())));
        let last: BTreeMap<ChangeHash, HeldEdit> = known.chain(new).collect();
        Ok(last.into_values().collect())
    }

    fn forget_held(&mut self, entry: &EntryId) -> Result<(), PowerCut> {
        self.burn()?;
        self.effects.held.retain(|held| held.edit.entry != *entry);
        self.effects.forgotten.insert(*entry);
        Ok(())
    }

    fn note_destroyed(&mut self, destroyed: &Destroyed) -> Result<(), PowerCut> {
        self.burn()?;
        self.effects.destroyed.insert(destroyed.entry);
        Ok(())
    }

    fn is_settled(&mut self, change: &ChangeHash) -> Result<bool, PowerCut> {
        self.burn()?;
        let new = self.effects.held.iter();
        let mut of_it = new.filter(|held| change_of(held) == Some(*change));
        let held = of_it.next_back().or(self.disk.held.get(change));
        Ok(held.is_some_and(|held| held.settled.is_some()))
    }

    fn note_held(&mut self, held: &HeldEdit) -> Result<(), PowerCut> {
        self.burn()?;
        self.effects.held.push(held.clone());
        Ok(())
    }

    fn keep_attestation(
        &mut self,
        attestation: &Attestation,
        generation: u64,
    ) -> Result<(), PowerCut> {
        self.burn()?;
        let kept = (generation, Rc::new(attestation.clone()));
        self.effects.attestations.insert(attestation.id(), kept);
        Ok(())
    }

    fn attestation(&mut self, id: &AttestationId) -> Result<Option<Attestation>, PowerCut> {
        self.burn()?;
        let (new, disk) = (&self.effects.attestations, &self.disk.attestations);
        let kept = new.get(id).or_else(|| disk.get(id));
        Ok(kept.map(|(_, kept)| (**kept).clone()))
    }

    fn drop_attestations(&mut self, generation: u64) -> Result<(), PowerCut> {
        self.burn()?;
        self.effects.attested_from = generation;
        Ok(())
    }
}
