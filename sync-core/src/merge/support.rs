//! Histories of several authors, for tests: devices edit apart and meet at a server.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Choice, EntryView, Viewer, resolve, review, view};
use crate::change::{Actor, Origin, Provenance};
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::entry::{EntryDocument, Write};
use crate::guard;
use crate::kind::{self, Draft, Patch};
use crate::policy::{Profession, Role};
use crate::{
    Bytes, ChangeHash, DeviceId, DeviceTime, EntryId, Incarnation, LogIncarnation, PersonId, Tick,
};

pub const DOCTOR: Role = Role::Professional(Profession::Physician);
pub const PHARMACIST: Role = Role::Professional(Profession::Pharmacist);

/// One party's device, by its place in the story.
pub type Party = usize;

#[derive(Clone)]
struct Device {
    role: Role,
    documents: BTreeMap<EntryId, EntryDocument>,
    pending: Vec<(EntryId, ChangeHash)>,
    seen: Option<Seen>,
    /// By how many milliseconds its clock is ahead.
    ahead: i64,
}

/// A record, its server and the devices that edit it.
#[derive(Clone)]
pub struct Story {
    /// In how many orders of arrival every view is computed, at most.
    pub orders: usize,
    devices: Vec<Device>,
    changes: BTreeMap<ChangeHash, (EntryId, Bytes, Provenance)>,
    log: Vec<ChangeHash>,
    clock: u64,
    entries: u128,
}

impl Default for Story {
    fn default() -> Self {
        Story {
            orders: 1000,
            devices: Vec::new(),
            changes: BTreeMap::new(),
            log: Vec::new(),
            clock: 0,
            entries: 0,
        }
    }
}

impl Story {
    pub fn party(&mut self, role: Role) -> Party {
        self.devices.push(Device {
            role,
            documents: BTreeMap::new(),
            pending: Vec::new(),
            seen: None,
            ahead: 0,
        });
        self.devices.len() - 1
    }

    /// A device's clock is ahead from now on.
    pub fn set_ahead(&mut self, party: Party, by: jiff::SignedDuration) {
        self.devices[party].ahead = i64::try_from(by.as_millis()).expect("not that far");
    }

    pub fn person(party: Party) -> PersonId {
        PersonId(Uuid::from_u128(party as u128 + 1000))
    }

    pub fn viewer(&self, party: Party) -> Viewer {
        Viewer {
            person: Self::person(party),
            role: self.devices[party].role.clone(),
        }
    }

    pub fn create(&mut self, party: Party, draft: impl Into<Draft>) -> EntryId {
        let entry = self.next_entry();
        let writes = draft.into().writes().expect("a good draft");
        self.write(party, entry, &writes);
        entry
    }

    pub fn edit(&mut self, party: Party, entry: EntryId, patch: impl Into<Patch>) -> ChangeHash {
        let writes = patch.into().writes().expect("a good patch");
        self.write(party, entry, &writes)
    }

    /// An edit that may change nothing.
    pub fn try_edit(&mut self, party: Party, entry: EntryId, patch: impl Into<Patch>) {
        let writes = patch.into().writes().expect("a good patch");
        let document = self.devices[party].documents.get(&entry);
        let mut copy = document.expect("the party has it").clone();
        if copy.edit(Actor([255; 16]), &writes, DeviceTime(0)).is_ok() {
            self.write(party, entry, &writes);
        }
    }

    /// The name of the next entry.
    pub fn next_entry(&mut self) -> EntryId {
        self.entries += 1;
        EntryId(Uuid::from_u128(self.entries))
    }

    pub fn write(&mut self, party: Party, entry: EntryId, writes: &[Write]) -> ChangeHash {
        self.clock += 1;
        let device = &mut self.devices[party];
        // A second apart: two changes that say the same at the same moment are the same change.
        let at = i64::try_from(self.clock * 1000).expect("a short story");
        let at = DeviceTime(at + device.ahead);
        let document = device.documents.entry(entry).or_default();
        let actor = Actor([u8::try_from(party).expect("few parties"); 16]);
        let (hash, bytes) = document
            .edit(actor, writes, at)
            .expect("an edit that changes");
        let origin = Origin {
            author: Self::person(party),
            role: device.role.clone(),
            on_behalf_of: None,
            device: DeviceId(actor.0),
            incarnation: Incarnation([0; 16]),
            seen: device.seen,
            at,
            cites: Vec::new(),
        };
        let provenance = Provenance {
            origin,
            accepted: None,
        };
        device.pending.push((entry, hash));
        self.changes.insert(hash, (entry, bytes, provenance));
        hash
    }

    /// The party pushes what it made and pulls everything.
    pub fn sync(&mut self, party: Party) {
        for (_, hash) in std::mem::take(&mut self.devices[party].pending) {
            self.clock += 1;
            let (.., provenance) = self.changes.get_mut(&hash).expect("made before");
            provenance.accepted = Some(Tick(self.clock));
            self.log.push(hash);
        }
        self.clock += 1;
        let device = &mut self.devices[party];
        for hash in &self.log {
            let (entry, bytes, _) = &self.changes[hash];
            let document = device.documents.entry(*entry).or_default();
            if !document.has(hash) {
                apply(document, bytes);
            }
        }
        device.seen = Some(Seen {
            log: LogIncarnation([0; 16]),
            tick: Tick(self.clock),
            digest: CheckpointDigest([0; 16]),
        });
    }

    /// Everybody syncs, twice, so that all have all.
    pub fn settle(&mut self) {
        for party in (0..self.devices.len()).chain(0..self.devices.len()) {
            self.sync(party);
        }
    }

    /// All entries as the server would compute them, in every order of arrival.
    pub fn views(&self) -> Vec<EntryView> {
        let mut entries: BTreeMap<EntryId, Vec<ChangeHash>> = BTreeMap::new();
        for hash in &self.log {
            entries.entry(self.changes[hash].0).or_default().push(*hash);
        }
        let all = entries.iter();
        all.map(|(entry, hashes)| self.in_every_order(*entry, hashes))
            .collect()
    }

    pub fn view(&self, entry: EntryId) -> EntryView {
        let mut views = self.views().into_iter();
        views
            .find(|view| view.id == entry)
            .expect("the server has it")
    }

    /// All entries as one device sees them.
    pub fn views_at(&self, party: Party) -> Vec<EntryView> {
        let documents = self.devices[party].documents.iter();
        documents
            .map(|(entry, document)| view(*entry, &document.state(), &self.provenance()))
            .collect()
    }

    pub fn review(&self, party: Party) -> Vec<super::ReviewItem> {
        review(&self.views(), &[], &self.viewer(party), super::tests::TODAY)
    }

    /// A party carries out a choice on an item of its list, and everybody syncs.
    pub fn resolve(&mut self, party: Party, item: usize, choice: &Choice) {
        let item = self.review(party).remove(item);
        let resolution = resolve(&item, choice).expect("the item offers it");
        for (entry, writes) in &resolution.edits {
            self.write(party, *entry, writes);
        }
        if let Some(decision) = resolution.decision {
            self.create(party, decision);
        }
        self.settle();
    }

    pub fn state(&self, entry: EntryId) -> crate::entry::EntryState {
        let mut document = EntryDocument::new();
        for hash in &self.log {
            let (of, bytes, _) = &self.changes[hash];
            if *of == entry {
                apply(&mut document, bytes);
            }
        }
        document.state()
    }

    pub fn provenance(&self) -> BTreeMap<ChangeHash, Provenance> {
        let all = self.changes.iter();
        all.map(|(hash, (.., provenance))| (*hash, provenance.clone()))
            .collect()
    }

    fn in_every_order(&self, entry: EntryId, hashes: &[ChangeHash]) -> EntryView {
        let provenance = self.provenance();
        let mut views = Vec::new();
        self.extend(
            &EntryDocument::new(),
            hashes,
            &mut { self.orders },
            &mut |document| {
                let state = document.state();
                kind::validate(&state).expect("a valid entry");
                views.push(view(entry, &state, &provenance));
            },
        );
        let first = views.swap_remove(0);
        for other in views {
            assert_eq!(first, other, "the view depends on the order of arrival");
        }
        first
    }

    /// Every order that brings each change after those it follows; of many, `limit` different ones.
    fn extend(
        &self,
        document: &EntryDocument,
        left: &[ChangeHash],
        limit: &mut usize,
        done: &mut dyn FnMut(&EntryDocument),
    ) {
        if left.is_empty() {
            *limit -= 1;
            return done(document);
        }
        let mut any = false;
        let first = *limit;
        for place in 0..left.len() {
            let place = (place + first) % left.len();
            let (_, bytes, _) = &self.changes[&left[place]];
            let change = automerge::Change::from_bytes(bytes.to_vec()).expect("made here");
            let mut next = document.clone();
            if next.apply(change).is_ok() {
                any = true;
                let mut rest = left.to_vec();
                rest.remove(place);
                self.extend(&next, &rest, limit, done);
            }
            if *limit == 0 {
                return;
            }
        }
        assert!(any, "some change can always be applied");
    }
}

fn apply(document: &mut EntryDocument, bytes: &Bytes) {
    let inspected = guard::inspect(bytes).expect("the guard lets it through");
    let (next, _, _) =
        guard::admit(document, &document.state(), &inspected).expect("the guard admits it");
    *document = next;
}
