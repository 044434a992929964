use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::authority::{Admission, HeldChange, marked_until};
use sync_core::change::Edit;
use sync_core::guard;
use sync_core::reconcile::Version;
use sync_core::sync::{History, HoldReason, Outcome, Refusal, Settlement, Stripped, Verdict};
use sync_core::{ChangeHash, EntryId, PersonId, Tick};
use uuid::Uuid;

use super::gather::{Gathered, Stored};
use super::{Others, Submission};
use crate::audit::{self, Actor};
use crate::destruction::{self, Doomed};
use crate::fault::Fault;
use crate::keys::EntryKeyId;
use crate::records::histories::MOST_HISTORY;
use crate::records::shelves::{self, Shelves};
use crate::records::vault::{About, Held};
use crate::records::{Admitted, Visitor};
use crate::settings;
use crate::storage::records::{
    EntryRow, HeldRow, HeldSum, RecordClock, RecordRow, RecordStore as _,
};

/// How many edits of one person may be held in one record at a time.
pub(super) const MOST_HELD: u64 = 2_000;

/// How many bytes of one person's may be held in one record at a time, sealed.
pub(super) const MOST_HELD_BYTES: u64 = 4 * 1024 * 1024;

/// How many of one person's edits of one entry may be held at a time: all that are held of an entry
/// are looked at whenever it is edited.
pub(super) const MOST_HELD_OF_ENTRY: u64 = 200;

/// How many entries an event of refused edits names, and how many more go apart because their edits
/// say that the holder may not know of them yet; the others it counts. Whoever sends what is refused
/// does not make the log grow by what they make up.
const REFUSED_NAMED: usize = 32;

/// Why somebody writes what was written once.
const HANDED_BACK: &str = "handed-back";

/// What one pass writes.
pub(super) struct Writing<'a> {
    admitted: &'a Admitted<'a>,
    visitor: &'a Visitor,
    marked: BTreeMap<EntryId, Tick>,
    /// Of the entries that the edits name, until when the holder may not know of some, by how they
    /// stand in the record.
    kept: BTreeMap<EntryId, Tick>,
    /// The record's shelves.
    pub(super) shelves: Arc<Shelves>,
    now: Tick,
    clock: RecordClock,
    events: Vec<Event>,
    /// The edit at hand is handed back.
    carries: bool,
    /// The ticks of accepted edits.
    pub(super) own: BTreeSet<Tick>,
    /// Those of edits that were held, and followed one of these: the visitor may not have them.
    pub(super) freed: BTreeSet<Tick>,
    /// When their entries had been touched last.
    pub(super) before: BTreeSet<Tick>,
    /// The ticks of edits that were held.
    pub(super) held: BTreeSet<Tick>,
    /// How much of each author is held.
    sums: BTreeMap<PersonId, HeldSum>,
    /// Who wrote an accepted edit of an entry last.
    writers: BTreeMap<EntryId, Actor>,
    /// The entries that were destroyed, with their keys.
    pub(super) destroyed: Vec<(EntryId, EntryKeyId)>,
    /// The entries that are destroyed and of which the visitor may be told so.
    pub(super) missed: BTreeSet<EntryId>,
    /// The rights of other records that were looked at.
    pub(super) others: Others,
}

/// Edits that the access log tells of as one event.
struct Event {
    actor: Actor,
    action: AccessAction,
    reason: Option<String>,
    entries: BTreeMap<EntryId, u64>,
    /// How many of the entries the holder may know of.
    named: usize,
    /// How many of the others only the edits say that of.
    marked: usize,
    /// The last of these.
    last_marked: Option<EntryId>,
    /// How many more edits it counts, of entries that it does not name.
    unnamed: u64,
}

impl Event {
    /// Counts an edit of an entry. What the holder may not know of goes apart, by its name: all that
    /// is kept from them in the record, and some of what is only marked so.
    fn count(&mut self, entry: EntryId, (kept, marked): (bool, bool)) {
        if let Some(edits) = self.entries.get_mut(&entry) {
            *edits += 1;
            return;
        }
        if !kept {
            let named = match marked {
                true => &mut self.marked,
                false => &mut self.named,
            };
            if self.action == AccessAction::Refuse && *named >= REFUSED_NAMED {
                // What goes apart is counted apart, with the last that is named there.
                let last = self.last_marked.filter(|_| marked);
                match last.and_then(|last| self.entries.get_mut(&last)) {
                    Some(edits) => *edits += 1,
                    None => self.unnamed += 1,
                }
                return;
            }
            *named += 1;
            self.last_marked = Some(entry).filter(|_| marked).or(self.last_marked);
        }
        self.entries.insert(entry, 1);
    }

    /// Whether it is about edits that are not in the record, so that a mark they bear, that the
    /// holder may not know of their entry yet, is not found there. What its author had no right
    /// to write, and no good faith, is the holder's to know at once.
    fn minds_marks(&self) -> bool {
        match self.action {
            AccessAction::Refuse => true,
            AccessAction::Hold => self.reason != code(&HoldReason::NotPermitted),
            _ => false,
        }
    }
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        admitted: &'a Admitted<'a>,
        visitor: &'a Visitor,
        submission: &Submission,
        now: Tick,
    ) -> Self {
        let may_mark = admitted.subject.profession.is_some();
        let marked = may_mark.then(|| submission.marked.clone());
        Writing {
            admitted,
            visitor,
            marked: marked.unwrap_or_default(),
            kept: BTreeMap::new(),
            shelves: admitted.shelves.clone(),
            now,
            clock: admitted.row.clock,
            events: Vec::new(),
            carries: false,
            own: BTreeSet::new(),
            freed: BTreeSet::new(),
            held: BTreeSet::new(),
            before: BTreeSet::new(),
            sums: BTreeMap::new(),
            writers: BTreeMap::new(),
            destroyed: Vec::new(),
            missed: BTreeSet::new(),
            others: Others::default(),
        }
    }

    /// The tick that the next event would take.
    pub(super) fn next_tick(&self) -> Tick {
        self.clock.last.next(self.now)
    }

    /// How many bytes the changes of the record take.
    pub(super) fn bytes(&self) -> u64 {
        self.clock.bytes
    }

    /// Takes note of an entry that an edit names, as it stands in the record.
    pub(super) fn meets(&mut self, entry: EntryId, gathered: &Gathered) {
        if let Entry::Vacant(new) = self.kept.entry(entry)
            && let Some(until) = gathered.kept_until(&entry)
        {
            new.insert(until);
        }
    }

    /// Says whether the next edit is handed back.
    pub(super) fn carries(&mut self, carries: bool) {
        self.carries = carries;
    }

    /// Whether a right was written.
    pub(super) fn rights_changed(&self) -> bool {
        self.clock.rights != self.admitted.row.clock.rights
    }

    /// Whether others may have to be told of something.
    pub(super) fn heard(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.action != AccessAction::Refuse)
    }

    pub(super) fn accept(
        &mut self,
        connection: &mut SqliteConnection,
        gathered: &mut Gathered,
        edit: &Edit,
        admission: &Admission,
        tick: Tick,
    ) -> Result<Outcome, Fault> {
        let vault = &self.admitted.vault;
        let record = vault.record();
        let entry = edit.entry;
        if let Entry::Vacant(new) = gathered.stored.entry(entry) {
            let fresh = vault.new_keys(1)?.pop();
            let fresh = fresh.ok_or_else(|| Fault::malformed("a fresh key"))?;
            let name = Uuid::from_bytes(fresh.id.0).to_string();
            settings::note(connection, settings::ENTRY_KEYS, &name)?;
            new.insert(Stored {
                id: fresh.id,
                key: fresh.key,
                changes: 0,
                bytes: 0,
                is_right: admission.right,
                kept_until: None,
                class: None,
                version: Version::NONE,
                people: BTreeSet::new(),
                history: Some(History::default()),
            });
        }
        let Some(stored) = gathered.stored.get_mut(&entry) else {
            return Err(Fault::malformed("an entry"));
        };
        stored.changes += 1;
        stored.bytes += edit.change.len() as u64;
        let class = &admission.class;
        let kept_until = class.kept_from_holder_until();
        let before = std::mem::replace(&mut stored.kept_until, kept_until);
        let put_off = before != kept_until || stored.changes == 1;
        match kept_until {
            Some(until) => self.kept.insert(entry, until),
            None => self.kept.remove(&entry),
        };
        let (moved, shelves) = shelves::moved(vault, stored.class.as_ref(), (class, tick));
        let last = stored.class.replace((class.clone(), tick));
        self.before.extend(last.map(|(_, touched)| touched));
        stored.version = stored.version.and(tick, &admission.change);
        stored.people.extend(admission.origin.people());
        let row = EntryRow {
            entry,
            key: stored.id,
            touched: tick,
            due: class.visibility.hidden_from_patient_until,
            is_right: admission.right,
            changes: stored.changes,
            bytes: stored.bytes,
            class: vault.seal_filed(
                &stored.key,
                (entry, tick),
                (class, stored.version),
                &stored.people,
            )?,
        };
        let document = vault.seal_document(&stored.key, (entry, tick), &admission.document)?;
        let history = stored.history.take().and_then(|mut history| {
            history.push(Stripped::new(edit, Some(tick)));
            let bytes = history.to_bytes();
            (bytes.len() <= MOST_HISTORY).then_some((history, bytes))
        });
        let (history, bytes) = history.unzip();
        stored.history = history;
        let history = bytes.map(|bytes| vault.seal_history(&stored.key, (entry, tick), &bytes));
        connection.put_entry(record, &row, &document, history.transpose()?.as_deref())?;
        shelves::add(connection, vault, &mut self.shelves, shelves)?;
        connection.move_entry(record, entry, &moved)?;
        let about = About {
            change: admission.change,
            origin: edit.origin.clone(),
            class: class.clone(),
        };
        let by = (&admission.actor, admission.seq);
        let row = vault.log_row(&stored.key, tick, edit, by, &about)?;
        self.clock.bytes += (row.change.len() + row.about.len()) as u64;
        connection.append_log(record, &row)?;
        if admission.right {
            connection.put_parties(record, entry, &vault.parties(class))?;
            self.clock.rights = tick;
        }
        self.clock.last = tick;
        self.own.insert(tick);
        if put_off && self.put_off(connection, entry, kept_until, tick)? {
            gathered.load_held(connection, vault, entry)?;
        }
        let (actor, reason) = if self.carries {
            (self.actor(), Some(HANDED_BACK.to_owned()))
        } else {
            let role = admission.origin.role.clone();
            let (device, holder) = (self.device(), self.admitted.row.holder);
            (Actor::new(self.visitor.person, role, device, holder), None)
        };
        self.note(actor.clone(), AccessAction::Write, reason, entry);
        self.writers.insert(entry, actor.clone());
        let mut settled = Vec::new();
        for (changes, settlement) in [
            (&admission.releases, Settlement::Released),
            (&admission.discards, Settlement::Discarded),
        ] {
            for change in changes {
                if connection.settle(record, vault.change_blind(change), settlement, tick)? {
                    settled.push(*change);
                    self.note(actor.clone(), AccessAction::Settle, None, entry);
                }
            }
        }
        if !settled.is_empty() {
            // How much is held of whom is counted anew when it is asked for.
            self.sums.clear();
            gathered.load_settled(connection, vault, &settled)?;
        }
        Ok(Outcome {
            change: admission.change,
            verdict: Verdict::Accepted(tick),
        })
    }

    /// Destroys what is kept of an entry that is here; its key is left to whoever commits.
    pub(super) fn destroy(
        &mut self,
        connection: &mut SqliteConnection,
        gathered: &Gathered,
        entry: EntryId,
    ) -> Result<(), Fault> {
        let stored = gathered.stored.get(&entry);
        let Some((stored, (class, touched))) =
            stored.and_then(|stored| Some((stored, stored.class.as_ref()?)))
        else {
            return Ok(());
        };
        let tick = self.next_tick();
        let vault = &self.admitted.vault;
        let stood = (&(class.clone(), *touched), &*self.shelves);
        let (moved, stood) = destruction::leaving(connection, vault, entry, stood, tick)?;
        let doomed = Doomed {
            entry,
            key: stored.id,
            moved,
            stood,
        };
        let settled = destruction::empty(connection, &self.admitted.vault, &doomed, tick)?;
        self.clock.last = tick;
        self.destroyed.push((entry, stored.id));
        let writer = self.writers.get(&entry).cloned();
        let actor = writer.unwrap_or_else(|| self.actor());
        let reason = Some(destruction::REASON.to_owned());
        self.note(actor.clone(), AccessAction::Destroy, reason.clone(), entry);
        for _ in 0..settled {
            self.note(actor.clone(), AccessAction::Settle, reason.clone(), entry);
        }
        Ok(())
    }

    pub(super) fn hold(
        &mut self,
        connection: &mut SqliteConnection,
        gathered: &mut Gathered,
        edit: &Edit,
        (change, held): (ChangeHash, HeldChange),
        tick: Tick,
    ) -> Result<Outcome, Fault> {
        let vault = &self.admitted.vault;
        let author = edit.origin.read().map_or(self.visitor.person, |o| o.author);
        let blind = vault.author_blind(author);
        let sum = match self.sums.entry(author) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(connection.sum_held(vault.record(), blind)?),
        };
        let of_entry = gathered.held_of.entry(edit.entry).or_default();
        let bytes = edit.change.len() as u64;
        if sum.edits >= MOST_HELD
            || sum.bytes.saturating_add(bytes) > MOST_HELD_BYTES
            || of_entry.open(&blind) >= MOST_HELD_OF_ENTRY
        {
            // What follows it follows nothing that is here.
            if let Some(kept) = gathered.kept.get_mut(&edit.entry) {
                kept.held.remove(&change);
            }
            return Ok(self.refuse(edit.entry, change, Refusal::EntryFull));
        }
        let follows = guard::inspect(&edit.change).map(|inspected| inspected.past.deps);
        let for_holder = of_entry.is_for_holder(held.reason, &follows.unwrap_or_default());
        let of_entry = of_entry.due;
        let due = self.held_until(edit.entry, of_entry, held.reason, tick);
        let row = vault.held_row(
            tick,
            author,
            &Held {
                change,
                actor: held.actor,
                seq: held.seq,
                reason: held.reason,
                edit: edit.clone(),
            },
            (for_holder, due),
        )?;
        connection.hold(vault.record(), &row)?;
        self.clock.bytes += (row.sealed.len() + row.about.len()) as u64;
        if let Some(sum) = self.sums.get_mut(&author) {
            sum.edits += 1;
            sum.bytes += row.sealed.len() as u64;
        }
        let of_entry = gathered.held_of.entry(edit.entry).or_default();
        of_entry.add(change, (blind, for_holder), due);
        self.held.insert(tick);
        self.clock.last = tick;
        let reason = code(&held.reason);
        self.note(self.actor(), AccessAction::Hold, reason, edit.entry);
        Ok(Outcome {
            change,
            verdict: Verdict::Held(held.reason),
        })
    }

    /// Holds an edit, of which nothing was decided, for another reason than before.
    pub(super) fn hold_otherwise(
        &mut self,
        connection: &mut SqliteConnection,
        gathered: &mut Gathered,
        (row, held): (&HeldRow, &Held),
        for_holder: bool,
    ) -> Result<(), Fault> {
        let vault = &self.admitted.vault;
        let at = self.next_tick();
        let author = held.origin()?.author;
        let mut now = vault.held_row(row.received, author, held, (for_holder, row.due))?;
        now.changed = at;
        connection.hold_otherwise(vault.record(), &now)?;
        let bytes = |row: &HeldRow| (row.sealed.len() + row.about.len()) as u64;
        self.clock.bytes = (self.clock.bytes + bytes(&now)).saturating_sub(bytes(row));
        self.clock.last = at;
        self.sums.clear();
        gathered.load_held(connection, vault, row.entry)?;
        Ok(())
    }

    /// Until when the holder may not know of an edit that is held: the later of how its entry
    /// stands, what this submission marks, and what was held of the entry before.
    fn held_until(
        &self,
        entry: EntryId,
        held: Option<Tick>,
        reason: HoldReason,
        tick: Tick,
    ) -> Option<Tick> {
        if reason == HoldReason::NotPermitted {
            return None;
        }
        let of_entry = self.kept.get(&entry).copied().into_iter();
        let all = of_entry.chain(self.marked.get(&entry).copied()).chain(held);
        all.filter(|until| *until > tick).max()
    }

    /// What is kept apart of an entry and what is held of it follow the entry, whose time was put
    /// off or brought forward; whether anything held did.
    fn put_off(
        &self,
        connection: &mut SqliteConnection,
        entry: EntryId,
        kept_until: Option<Tick>,
        tick: Tick,
    ) -> Result<bool, Fault> {
        let vault = &self.admitted.vault;
        let record = vault.record();
        connection.put_off_apart(record, entry, kept_until.unwrap_or_default())?;
        let held = connection.held_of_entry(record, entry)?;
        let open = || held.iter().filter(|row| row.settlement.is_none());
        let mut due = kept_until;
        for row in open() {
            let edit = vault.open_held(row)?;
            let marked = guard::inspect(&edit.edit.change)
                .ok()
                .and_then(|inspected| marked_until(&inspected.past, &edit.origin().ok()?.role));
            due = due.max(marked);
        }
        let due = due.filter(|due| *due > tick);
        let moved = open().any(|row| row.due != due);
        if moved {
            connection.put_off_held(record, entry, due, tick)?;
        }
        Ok(moved)
    }

    pub(super) fn refuse(&mut self, entry: EntryId, change: ChangeHash, why: Refusal) -> Outcome {
        self.note(self.actor(), AccessAction::Refuse, code(&why), entry);
        Outcome {
            change,
            verdict: Verdict::Refused(why),
        }
    }

    /// Takes the pass's last tick, writes its events and the record's clock.
    pub(super) fn finish(&mut self, connection: &mut SqliteConnection) -> Result<RecordRow, Fault> {
        let at = self.next_tick();
        self.clock.last = at;
        self.clock.shelves = self.shelves.len() as u64;
        let mut marked = self.kept.clone();
        for (entry, until) in &self.marked {
            let latest = marked.entry(*entry).or_default();
            *latest = (*latest).max(*until);
        }
        for event in &self.events {
            let mut said = event.actor.event(event.action.clone(), at);
            said.reason.clone_from(&event.reason);
            said.changes = event.unnamed;
            let kept = if event.minds_marks() {
                &marked
            } else {
                &self.kept
            };
            let (vault, clock) = (&self.admitted.vault, &mut self.clock);
            audit::append_about(connection, vault, clock, &said, &event.entries, kept)?;
        }
        let mut row = self.admitted.row.clone();
        connection.move_clock(row.record, &self.clock)?;
        row.clock = self.clock;
        Ok(row)
    }

    /// The device that brings the edits, if it has a key.
    pub(super) fn device(&self) -> Option<sync_core::DeviceId> {
        self.visitor.device.map(|device| device.id)
    }

    fn actor(&self) -> Actor {
        let role = self.admitted.role();
        Actor::new(
            self.visitor.person,
            role,
            self.device(),
            self.admitted.row.holder,
        )
    }

    fn note(&mut self, actor: Actor, action: AccessAction, reason: Option<String>, entry: EntryId) {
        let same = |event: &Event| {
            (&event.actor, &event.action, &event.reason) == (&actor, &action, &reason)
        };
        let now = self.next_tick();
        let apart = |kept: &BTreeMap<EntryId, Tick>| kept.get(&entry).is_some_and(|t| *t > now);
        let (kept, marked) = (apart(&self.kept), apart(&self.marked));
        let at = self.events.iter().position(same);
        let at = at.unwrap_or_else(|| {
            self.events.push(Event {
                actor,
                action,
                reason,
                entries: BTreeMap::new(),
                named: 0,
                marked: 0,
                last_marked: None,
                unnamed: 0,
            });
            self.events.len() - 1
        });
        self.events[at].count(entry, (kept, marked));
    }
}

/// The stable code of a reason, as on the wire.
fn code(reason: &impl serde::Serialize) -> Option<String> {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(code)) => Some(code),
        _ => None,
    }
}
