//! Random histories: people in different roles edit entries apart, on devices that get each other's
//! edits page by page, hide some, settle and assign what is to review, and give and take rights.
//!
//! A [`World`] plays a history with the code under test. Beside it, it keeps a book that owes that
//! code nothing: who wrote what on which device, and which edits were on that device then.

mod acts;
mod book;
mod drafts;
mod patches;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;
use crate::change::{Actor, Origin, Provenance};
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::entry::{EntryClass, EntryDocument, EntryState, Write};
use crate::merge::destroyed::destroys_by;
use crate::policy::{
    Action, Decision, DelegationType, Matrix, Profession, RightFact, RightKind, Rights,
    Standing as Position, Subject,
};
use crate::{Bytes, DeviceId, DeviceTime, Incarnation, LogIncarnation};

pub use acts::{Dice, History, histories};
pub use book::{Edited, Place, Raw};

/// A device, by its place.
pub type Device = usize;

/// The devices, each with whose it is and in what role they act on it: the holder has two.
pub const DEVICES: [(u128, Role); 8] = [
    (0, Role::Holder),
    (0, Role::Holder),
    (1, Role::Caregiver),
    (2, Role::Representative),
    (3, Role::Professional(Profession::Physician)),
    (4, Role::Professional(Profession::Physician)),
    (5, Role::Professional(Profession::Pharmacist)),
    (6, Role::Professional(Profession::Nurse)),
];

/// The holder's telephone, and their other one.
pub const HOLDER: Device = 0;
pub const CAREGIVER: Device = 2;
pub const PHYSICIAN: Device = 4;
/// The treating physician, for whom hidden entries exist too.
pub const TREATING: Device = 5;

/// One device a person: everybody who looks at the record.
pub const VIEWERS: [Device; 7] = [0, 2, 3, 4, 5, 6, 7];

pub fn person(device: Device) -> PersonId {
    PersonId(Uuid::from_u128(DEVICES[device].0 + 1000))
}

pub fn role(device: Device) -> Role {
    DEVICES[device].1.clone()
}

/// An entry on a device, with the changes of it that are there.
#[derive(Default)]
struct Copy {
    document: EntryDocument,
    state: EntryState,
    has: BTreeSet<Place>,
}

/// A record that was lived in.
pub struct World {
    /// The book: every edit, in the order in which they were made.
    pub book: Vec<Edited>,
    /// What the history is about.
    theme: usize,
    /// How many entries there are.
    entries: u128,
    /// The edits that the server accepted, in its order.
    log: Vec<Place>,
    clock: u64,
    /// What each device has: its own edits, and of the log what it was given.
    knows: Vec<BTreeSet<Place>>,
    pending: Vec<Vec<Place>>,
    given: Vec<usize>,
    checkpoint: Vec<Option<Tick>>,
    copies: BTreeMap<(Device, EntryId), Copy>,
    changes: Vec<Bytes>,
    provenance: BTreeMap<ChangeHash, Provenance>,
    matrix: Matrix,
    positions: Vec<Position>,
}

impl World {
    /// Plays a history. Not everything is with the server in the end: see [`World::settle`].
    pub fn new((theme, acts): &History) -> Self {
        let facts = (2..DEVICES.len()).flat_map(rights);
        let rights = Rights::new(person(HOLDER), facts);
        let position = |device| {
            let profession = match role(device) {
                Role::Professional(profession) => Some(profession),
                _ => None,
            };
            let person = person(device);
            rights.standing(&Subject { person, profession }, Tick(1))
        };
        let all = DEVICES.len();
        let mut world = World {
            theme: *theme,
            book: Vec::new(),
            entries: 0,
            log: Vec::new(),
            clock: 1000,
            knows: vec![BTreeSet::new(); all],
            pending: vec![Vec::new(); all],
            given: vec![0; all],
            checkpoint: vec![None; all],
            copies: BTreeMap::new(),
            changes: Vec::new(),
            provenance: BTreeMap::new(),
            matrix: Matrix::default(),
            positions: (0..all).map(position).collect(),
        };
        // Something to quarrel about, that all know.
        for (device, draft) in drafts::beginning() {
            let entry = world.next_entry();
            world.write(device, entry, &draft.writes().expect("a good draft"));
        }
        world.begin();
        world.settle();
        for act in acts {
            world.act(act);
        }
        world
    }

    /// Everybody's edits reach the server.
    pub fn settle(&mut self) {
        for device in 0..DEVICES.len() {
            self.send(device, usize::MAX);
        }
        for device in 0..DEVICES.len() {
            self.receive(device, usize::MAX);
        }
    }

    /// A device hands in its first edits that are not sent yet.
    fn send(&mut self, device: Device, most: usize) {
        let most = most.min(self.pending[device].len());
        let sent: Vec<Place> = self.pending[device].drain(..most).collect();
        for place in sent {
            self.clock += 1;
            let accepted = Some(Tick(self.clock));
            let hash = self.book[place].hash;
            let provenance = self.provenance.get_mut(&hash).expect("made before");
            provenance.accepted = accepted;
            self.log.push(place);
        }
    }

    /// A device is given the next edits of the log, and the checkpoint after them.
    fn receive(&mut self, device: Device, most: usize) {
        let until = self.given[device].saturating_add(most).min(self.log.len());
        self.given[device] = until;
        self.knows[device].extend(&self.log[..until]);
        let last = until.checked_sub(1).map(|last| self.log[last]);
        let hash = last.map(|last| self.book[last].hash);
        let tick = hash.and_then(|hash| self.provenance[&hash].accepted);
        self.checkpoint[device] = self.checkpoint[device].max(tick);
    }

    fn next_entry(&mut self) -> EntryId {
        self.entries += 1;
        EntryId(Uuid::from_u128(self.entries))
    }

    /// The entry on a device with all its changes that are there.
    fn copy(&mut self, device: Device, entry: EntryId) -> &Copy {
        let copy = self.copies.entry((device, entry)).or_default();
        let here = self.knows[device].iter().copied();
        let new: Vec<Place> = here
            .filter(|place| self.book[*place].entry == entry && !copy.has.contains(place))
            .collect();
        if !new.is_empty() {
            apply(
                &mut copy.document,
                new.iter().map(|place| &self.changes[*place]),
            );
            copy.state = copy.document.state();
            copy.has.extend(new);
        }
        copy
    }

    /// Writes, if the device takes it: it changes something, and the entry may stand so.
    pub fn write(&mut self, device: Device, entry: EntryId, writes: &[Write]) -> Option<Place> {
        self.entries = self.entries.max(entry.0.as_u128());
        self.copy(device, entry);
        self.clock += 1;
        // A second apart: two changes that say the same at the same moment are the same change.
        let at = DeviceTime(i64::try_from(self.clock * 1000).expect("a short story"));
        let actor = Actor([u8::try_from(device).expect("few devices"); 16]);
        let copy = self.copies.get_mut(&(device, entry)).expect("made above");
        let mut document = copy.document.clone();
        let (hash, bytes) = document.edit(actor, writes, at).ok()?;
        let state = document.state();
        kind::validate(&state).ok()?;
        let place = self.book.len();
        let mut history = state.history.iter();
        let past = history.find(|past| past.hash == hash);
        let past = past.expect("written just now");
        self.book.push(Edited {
            place,
            device,
            entry,
            writes: past.writes.clone(),
            hash,
            knew: self.knows[device].clone(),
        });
        copy.document = document;
        copy.state = state;
        copy.has.insert(place);
        self.knows[device].insert(place);
        self.pending[device].push(place);
        self.changes.push(bytes);
        let seen = self.checkpoint[device].map(|tick| Seen {
            log: LogIncarnation([0; 16]),
            tick,
            digest: CheckpointDigest([0; 16]),
        });
        let origin = Origin {
            author: person(device),
            role: role(device),
            on_behalf_of: None,
            device: DeviceId(actor.0),
            incarnation: Incarnation([0; 16]),
            seen,
            at,
            cites: Vec::new(),
        };
        let accepted = None;
        self.provenance
            .insert(hash, Provenance { origin, accepted });
        Some(place)
    }

    /// The record's time.
    pub fn now(&self) -> Tick {
        Tick(self.clock)
    }

    /// Who made an edit, having seen what.
    pub fn stamp(&self, edit: &Edited) -> Stamp {
        Stamp::from(&self.provenance[&edit.hash])
    }

    pub fn viewer(&self, device: Device) -> Viewer {
        Viewer {
            person: person(device),
            role: role(device),
        }
    }

    fn may(&self, device: Device, action: Action, class: &EntryClass) -> bool {
        let position = &self.positions[device];
        let now = self.now();
        position.decide(&role(device), action, class, &self.matrix, now) == Decision::Allow
    }

    /// Whether somebody may see an entry of this state, by the code under test.
    pub fn may_see(&self, device: Device, state: &EntryState) -> bool {
        let first = state.creation().expect("it was created");
        let author = self.provenance[&first.hash].origin.author;
        self.may(device, Action::Read, &EntryClass::of(state, author))
    }

    /// The edits on a device.
    pub fn known_at(&self, device: Device) -> BTreeSet<Place> {
        self.knows[device].clone()
    }

    /// The state of every entry when these edits arrived, in this order but each after those it
    /// follows.
    pub fn states(&self, known: &[Place]) -> BTreeMap<EntryId, EntryState> {
        let mut entries: BTreeMap<EntryId, Vec<Place>> = BTreeMap::new();
        for place in known {
            let entry = self.book[*place].entry;
            entries.entry(entry).or_default().push(*place);
        }
        let state = |places: Vec<Place>| {
            let mut document = EntryDocument::new();
            let mut left = places;
            while !left.is_empty() {
                let has = |place: &Place| document.has(&self.book[*place].hash);
                let next = left.iter().position(|place| {
                    let edit = &self.book[*place];
                    let of_entry = |before: &&Place| self.book[**before].entry == edit.entry;
                    edit.knew.iter().filter(of_entry).all(has)
                });
                let next = left.remove(next.expect("some change can always be applied"));
                apply(&mut document, [&self.changes[next]]);
            }
            document.state()
        };
        let all = entries.into_iter();
        all.map(|(entry, places)| (entry, state(places))).collect()
    }

    /// What the code under test makes of states, by some of the rules.
    pub fn views(&self, rules: Rules, states: &BTreeMap<EntryId, EntryState>) -> Vec<EntryView> {
        let all = states.iter();
        all.map(|(entry, state)| super::view_by(rules, *entry, state, &self.provenance))
            .collect()
    }

    /// Which of them are to be destroyed, by some of the rules.
    pub fn destroyed(
        &self,
        rules: Rules,
        states: &BTreeMap<EntryId, EntryState>,
    ) -> BTreeSet<EntryId> {
        let destroyed = |state| destroys_by(rules, state, &self.provenance);
        let all = states.iter().filter(|(_, state)| destroyed(state));
        all.map(|(entry, _)| *entry).collect()
    }

    /// What somebody may see of what is on a device.
    fn seen_on(&mut self, device: Device) -> Vec<EntryView> {
        let book = &self.book;
        let here = self.knows[device].iter().map(|place| book[*place].entry);
        let here: BTreeSet<EntryId> = here.collect();
        let mut seen = Vec::new();
        for entry in here {
            self.copy(device, entry);
            let state = &self.copies[&(device, entry)].state;
            if self.may_see(device, state) {
                seen.push(super::view_by(Rules::ALL, entry, state, &self.provenance));
            }
        }
        seen
    }
}

/// Applies changes without the guard, which has tests of its own.
fn apply<'b>(document: &mut EntryDocument, changes: impl IntoIterator<Item = &'b Bytes>) {
    for bytes in changes {
        let change = automerge::Change::from_bytes(bytes.to_vec()).expect("made here");
        document.apply(change).expect("it follows what is there");
    }
}

/// The rights under which people act: the caregiver's and the parent's delegation, a grant to each
/// professional, and the treating physician's place.
fn rights(device: Device) -> Vec<RightFact> {
    let fact = |kind, delegation_type| RightFact {
        accepted: Tick(1),
        entry: EntryId(Uuid::from_u128(device as u128 + 9000)),
        kind,
        person: person(device),
        delegation_type,
        starts: None,
        ends: None,
        write: true,
        revoked: false,
    };
    match role(device) {
        Role::Caregiver => vec![fact(RightKind::Delegation, Some(DelegationType::Caregiver))],
        Role::Representative => vec![fact(RightKind::Delegation, Some(DelegationType::Parent))],
        _ if device == TREATING => vec![fact(RightKind::TreatingPhysician, None)],
        _ => vec![fact(RightKind::Grant, None)],
    }
}
