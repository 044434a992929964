//! What the server keeps of a record.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sync_core::audit::{AccessAction, AccessEvent, Apart, ChainedEvent, LogHead, share_out};
use sync_core::authority::{Kept, RightsLedger, Submitter, marked_until};
use sync_core::change::{Actor, Edit};
use sync_core::entry::{EntryClass, EntryDocument};
use sync_core::guard;
use sync_core::policy::Role;
use sync_core::sync::{HoldReason, Settlement};
use sync_core::{ChangeHash, EntryId, PersonId, RecordId, Tick};

/// A row of the log. Each touches one entry.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its place.
    pub tick: Tick,
    /// The entry.
    pub entry: EntryId,
    /// The change; none when time alone touched the entry.
    pub given: Option<Given>,
    /// The entry's class from here on.
    pub class: EntryClass,
}

/// An accepted change.
#[derive(Clone, Debug)]
pub struct Given {
    /// Its name.
    pub change: ChangeHash,
    /// Whose.
    pub actor: Actor,
    /// Its number.
    pub seq: u64,
    /// As it came.
    pub edit: Edit,
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
    /// Since when.
    pub received: Tick,
    /// What was decided, and when.
    pub settled: Option<(Settlement, Tick)>,
}

impl HeldRow {
    /// Until when it asks that the holder may not know of its entry.
    pub fn marked_until(&self) -> Option<Tick> {
        let past = guard::inspect(&self.edit.change).ok()?.past;
        marked_until(&past, &self.edit.origin.read().ok()?.role)
    }
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
    pub audit: Vec<Rc<ChainedEvent>>,
    /// Its head.
    pub head: LogHead,
    /// What the holder may not know of yet.
    pub apart: Vec<Apart>,
    /// The last tick given.
    pub last: Tick,
    /// The rights.
    pub ledger: Rc<RightsLedger>,
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
        }
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
        };
        let kept_until = |entry: &EntryId| self.kept_until(entry).max(marked.get(entry).copied());
        let (known, apart) = share_out(&event, touched, kept_until);
        self.apart.extend(apart);
        if let Some(event) = known {
            self.chain(event);
        }
    }

    /// Until when the holder may not know of an entry, by how it stands.
    pub fn kept_until(&self, entry: &EntryId) -> Option<Tick> {
        let last = self.last_at(entry, self.last)?;
        last.class.kept_from_holder_until()
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
        self.audit.push(Rc::new(chained));
    }

    /// The rows of an entry, oldest first.
    pub fn rows<'b>(&'b self, entry: &'b EntryId) -> impl DoubleEndedIterator<Item = &'b Row> {
        let rows = self.log.iter().map(|row| &**row);
        rows.filter(move |row| row.entry == *entry)
    }

    /// The last row of an entry at a tick.
    pub fn last_at<'b>(&'b self, entry: &'b EntryId, tick: Tick) -> Option<&'b Row> {
        self.rows(entry).rfind(|row| row.tick <= tick)
    }

    /// The entries that exist.
    pub fn existing(&self) -> BTreeSet<EntryId> {
        self.log.iter().map(|row| row.entry).collect()
    }

    /// Every document is read again from its bytes, as after a start.
    pub fn reopen(&mut self) -> Result<(), String> {
        for kept in self.entries.values_mut() {
            let document = EntryDocument::load(&kept.document.save())
                .map_err(|error| format!("the server cannot read an entry again: {error}"))?;
            let again = Kept::new(document, kept.provenance.clone(), kept.held.clone());
            *kept = Rc::new(again);
        }
        Ok(())
    }
}
