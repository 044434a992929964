//! What the server keeps of a record.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sync_core::audit::{AccessAction, AccessEvent, Apart, ChainedEvent, LogHead, share_out};
use sync_core::authority::{Gone, Kept, RightsLedger, Submitter, leaves_all, marked_until, stands};
use sync_core::change::{Actor, Edit};
use sync_core::entry::EntryClass;
use sync_core::guard;
use sync_core::policy::Role;
use sync_core::sync::{HoldReason, Settlement};
use sync_core::{Bytes, ChangeHash, DeviceId, EntryId, PersonId, RecordId, Tick};

/// Marks that their own request may take back yet: when each was accepted.
pub type OpenMarks = BTreeMap<EntryId, BTreeSet<Tick>>;

/// A row of the log. Each touches one entry.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its place.
    pub tick: Tick,
    /// The entry.
    pub entry: EntryId,
    /// The change.
    pub change: ChangeHash,
    /// Whose.
    pub actor: Actor,
    /// Its number.
    pub seq: u64,
    /// As it came.
    pub edit: Edit,
    /// The entry's class from here on.
    pub class: EntryClass,
}

/// A held change.
#[derive(Clone, Debug)]
pub struct HeldRow {
    /// As it came.
    pub edit: Edit,
    /// Who made it.
    pub author: PersonId,
    /// Why it is held.
    pub reason: HoldReason,
    /// The changes that it names as those before it.
    pub follows: Vec<ChangeHash>,
    /// Since when.
    pub received: Tick,
    /// When it came, was settled or was put off.
    pub changed: Tick,
    /// Until when it is kept from the holder.
    pub due: Option<Tick>,
    /// What was decided.
    pub settlement: Option<Settlement>,
}

impl HeldRow {
    /// Until when it asks that the holder may not know of its entry.
    pub fn marked_until(&self) -> Option<Tick> {
        let past = guard::inspect(&self.edit.change).ok()?.past;
        marked_until(&past, &self.edit.origin.read().ok()?.role)
    }
}

/// A line of the access log, with what it says.
#[derive(Debug)]
pub struct Line {
    /// As it is chained.
    pub chained: ChainedEvent,
    /// Read once: the checks look at it again and again.
    pub event: AccessEvent,
}

/// All of it. Rows are shared between copies, so a transaction's copy costs little.
#[derive(Clone)]
pub struct Books {
    record: RecordId,
    /// The log.
    pub log: Vec<Rc<Row>>,
    /// The entries.
    pub entries: BTreeMap<EntryId, Rc<Kept>>,
    /// Held changes.
    pub held: BTreeMap<ChangeHash, Rc<HeldRow>>,
    /// The access log.
    pub audit: Vec<Rc<Line>>,
    /// Its head.
    pub head: LogHead,
    /// What the holder may not know of yet.
    pub apart: Vec<Apart>,
    /// The last tick given.
    pub last: Tick,
    /// The rights.
    pub ledger: Rc<RightsLedger>,
    /// How often the rights changed.
    pub rights: u64,
    /// The entries that were destroyed, and when.
    pub destroyed: BTreeMap<EntryId, Tick>,
    /// The marks that wait for the rest of the request that made them.
    pub doomed: OpenMarks,
}

impl Books {
    /// The books of a new record.
    pub fn new(record: RecordId, holder: PersonId) -> Self {
        Books {
            record,
            log: Vec::new(),
            entries: BTreeMap::new(),
            held: BTreeMap::new(),
            audit: Vec::new(),
            head: LogHead::genesis(&record),
            apart: Vec::new(),
            last: Tick::default(),
            ledger: Rc::new(RightsLedger::new(holder, Vec::new())),
            rights: 0,
            destroyed: BTreeMap::new(),
            doomed: BTreeMap::new(),
        }
    }

    /// The marks that stand and must destroy an entry: when each was accepted, and which device
    /// made it.
    pub fn standing_marks(&mut self, entry: &EntryId) -> Vec<(Tick, DeviceId)> {
        let kept = self.entries.get_mut(entry);
        let Some(kept) = kept.filter(|kept| kept.destroyed.is_none()) else {
            return Vec::new();
        };
        let marks = Rc::make_mut(kept).destroyers().into_iter();
        let marks = marks.filter_map(|mark| Some((mark.accepted?, mark.origin.device)));
        marks.collect()
    }

    /// Notes marks that wait.
    pub fn doom(&mut self, entry: EntryId, marks: &BTreeSet<Tick>) {
        if !marks.is_empty() {
            self.doomed.entry(entry).or_default().extend(marks);
        }
    }

    /// Forgets that marks waited.
    pub fn undoom(&mut self, entry: EntryId, marks: &BTreeSet<Tick>) {
        if let Some(noted) = self.doomed.get_mut(&entry) {
            noted.retain(|mark| !marks.contains(mark));
            self.doomed.retain(|_, noted| !noted.is_empty());
        }
    }

    /// The marks of an entry that wait.
    pub fn doomed_by(&self, entry: &EntryId) -> BTreeSet<Tick> {
        self.doomed.get(entry).cloned().unwrap_or_default()
    }

    /// Destroys what is kept of an entry. Its class stays, as the shelves do that a server keeps.
    pub fn destroy(&mut self, entry: EntryId, at: Tick) {
        let rows = self.rows(&entry).map(|row| (row.tick, row.class.clone()));
        let touches: Vec<(Tick, EntryClass)> = rows.collect();
        let last = touches.last();
        let gone = Gone {
            stood: last.map_or_else(Vec::new, |(touched, class)| {
                leaves_all((class, *touched), at)
            }),
            left: stands(&touches).1,
        };
        for row in self.log.iter_mut().filter(|row| row.entry == entry) {
            Rc::make_mut(row).edit.change = Bytes::default();
        }
        let held = self.held.values_mut();
        for row in held.filter(|row| row.edit.entry == entry) {
            let row = Rc::make_mut(row);
            row.edit.change = Bytes::default();
            row.settlement.get_or_insert(Settlement::Discarded);
            row.changed = at;
        }
        let kept = Kept::destroyed(gone);
        self.entries.insert(entry, Rc::new(kept));
        self.destroyed.insert(entry, at);
    }

    /// The next tick.
    pub fn tick(&mut self, now: Tick) -> Tick {
        self.last = self.last.next(now);
        self.last
    }

    /// Chains an event, if it is about anything, as far as the holder may know of the entries;
    /// `marked` are those of edits that are not in the record. What fell due is told before.
    pub fn log_access(
        &mut self,
        by: &Submitter,
        action: AccessAction,
        touched: &BTreeMap<EntryId, u64>,
        marked: &BTreeMap<EntryId, Tick>,
    ) {
        if touched.is_empty() {
            return;
        }
        self.tell_due();
        let event = AccessEvent {
            seq: 0,
            at: self.last,
            logged: None,
            person: by.subject.person,
            role: by
                .subject
                .profession
                .map_or(Role::Other("person".to_owned()), Role::Professional),
            on_behalf_of: None,
            device: Some(by.device),
            action,
            entries: Vec::new(),
            changes: 0,
            reason: None,
            gap: None,
        };
        let kept_until = |entry: &EntryId| self.kept_until(entry).max(marked.get(entry).copied());
        let (known, apart) = share_out(&event, touched, kept_until);
        self.apart.extend(apart);
        if let Some(event) = known {
            self.chain(event);
        }
    }

    /// Chains that these books were put back from a copy.
    pub fn restored(&mut self) {
        self.tell_due();
        let holder = self.ledger.holder();
        self.chain(AccessEvent {
            seq: 0,
            at: self.last,
            logged: None,
            person: holder,
            role: Role::System,
            on_behalf_of: None,
            device: None,
            action: AccessAction::Restore,
            entries: Vec::new(),
            changes: 0,
            reason: None,
            gap: None,
        });
    }

    /// Until when the holder may not know of an entry, by how it stands.
    pub fn kept_until(&self, entry: &EntryId) -> Option<Tick> {
        self.last_of(entry)?.class.kept_from_holder_until()
    }

    /// Until when the holder may not know of an edit that is held now: the later of how its entry
    /// stands, what is `marked` with it, and what was held of the entry before.
    pub fn held_until(&self, entry: &EntryId, marked: Option<Tick>) -> Option<Tick> {
        let held = self.held.values().filter(|row| row.edit.entry == *entry);
        let all = held.filter_map(|row| row.due).chain(marked);
        let all = all.chain(self.kept_until(entry));
        all.filter(|until| *until > self.last).max()
    }

    /// What is kept apart of an entry and what is held of it follow the entry, whose time was put
    /// off or brought forward, or which was not there before.
    pub fn put_off(&mut self, entry: &EntryId) {
        let (kept, now) = (self.kept_until(entry), self.last);
        let apart = self.apart.iter_mut();
        for apart in apart.filter(|apart| apart.entry == *entry) {
            apart.until = kept.unwrap_or_default();
        }
        let open = |row: &HeldRow| row.edit.entry == *entry && row.settlement.is_none();
        let rows = self.held.values().filter(|row| open(row));
        let marked = rows.filter_map(|row| row.marked_until()).max();
        let due = kept.max(marked).filter(|due| *due > now);
        let mut rows = self.held.values().filter(|row| open(row));
        if rows.all(|row| row.due == due) {
            return;
        }
        for row in self.held.values_mut().filter(|row| open(row)) {
            let row = Rc::make_mut(row);
            (row.due, row.changed) = (due, now);
        }
    }

    /// Whether the holder is told of a held edit and decides: it was made in good faith, or follows
    /// one that is for them to decide on.
    pub fn is_for_holder(&self, change: &ChangeHash) -> bool {
        let Some(row) = self.held.get(change) else {
            return false;
        };
        match row.reason {
            HoldReason::NoLongerPermitted => true,
            HoldReason::NotPermitted | HoldReason::Other => false,
            HoldReason::FollowsHeld => row.follows.iter().any(|dep| self.is_for_holder(dep)),
        }
    }

    /// Whether an entry fell due after a tick and not after another, and still stands so.
    pub fn fell_due(&self, after: Tick, until: Tick) -> bool {
        self.existing().iter().any(|entry| {
            let last = self.last_of(entry);
            let due = last.and_then(|row| row.class.kept_from_holder_until().zip(Some(row.tick)));
            due.is_some_and(|(due, touched)| after.max(touched) < due && due <= until)
        })
    }

    fn tell_due(&mut self) {
        let now = self.last;
        let (due, kept) = std::mem::take(&mut self.apart)
            .into_iter()
            .partition(|apart| apart.until <= now);
        self.apart = kept;
        let due: Vec<Apart> = due;
        for apart in due {
            self.chain(apart.event.told(now));
        }
    }

    fn chain(&mut self, event: AccessEvent) {
        let chained = self.head.append(&self.record, event);
        let event = AccessEvent::decode(&chained.event);
        let event = event.expect("what was just encoded can be read");
        self.audit.push(Rc::new(Line { chained, event }));
    }

    /// The rows of an entry, oldest first.
    pub fn rows<'b>(&'b self, entry: &'b EntryId) -> impl DoubleEndedIterator<Item = &'b Row> {
        let rows = self.log.iter().map(|row| &**row);
        rows.filter(move |row| row.entry == *entry)
    }

    /// The last row of an entry.
    pub fn last_of<'b>(&'b self, entry: &'b EntryId) -> Option<&'b Row> {
        self.rows(entry).next_back()
    }

    /// The entries that exist.
    pub fn existing(&self) -> BTreeSet<EntryId> {
        self.log.iter().map(|row| row.entry).collect()
    }
}
