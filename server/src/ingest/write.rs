use std::collections::BTreeSet;

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::authority::{Admission, HeldChange};
use sync_core::change::Edit;
use sync_core::sync::{Outcome, Refusal, Settlement, Verdict};
use sync_core::{ChangeHash, EntryId, Tick};

use super::gather::{Gathered, Stored};
use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::records::vault::{About, Held};
use crate::records::{Admitted, Visitor};
use crate::storage::records::{EntryRow, RecordClock, RecordRow, RecordStore as _};

/// How many edits of one person may be held in one record at a time.
pub(super) const MOST_HELD: u64 = 2_000;

/// What one pass writes.
pub(super) struct Writing<'a> {
    admitted: &'a Admitted<'a>,
    visitor: &'a Visitor,
    now: Tick,
    clock: RecordClock,
    events: Vec<Event>,
    /// The ticks of accepted edits.
    pub(super) own: BTreeSet<Tick>,
}

/// Edits that the access log tells of as one event.
struct Event {
    actor: Actor,
    action: AccessAction,
    reason: Option<String>,
    entries: BTreeSet<EntryId>,
    changes: u64,
}

impl<'a> Writing<'a> {
    pub(super) fn new(admitted: &'a Admitted<'a>, visitor: &'a Visitor, now: Tick) -> Self {
        Writing {
            admitted,
            visitor,
            now,
            clock: admitted.row.clock,
            events: Vec::new(),
            own: BTreeSet::new(),
        }
    }

    /// The tick that the next event would take.
    pub(super) fn next_tick(&self) -> Tick {
        self.clock.last.next(self.now)
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
        if let std::collections::btree_map::Entry::Vacant(new) = gathered.stored.entry(entry) {
            let fresh = vault.new_keys(1)?.pop();
            let fresh = fresh.ok_or_else(|| Fault::malformed("a fresh key"))?;
            new.insert(Stored {
                id: fresh.id,
                key: fresh.key,
                changes: 0,
                bytes: 0,
                is_right: admission.right,
            });
        }
        let Some(stored) = gathered.stored.get_mut(&entry) else {
            return Err(Fault::malformed("an entry"));
        };
        stored.changes += 1;
        stored.bytes += edit.change.len() as u64;
        let class = &admission.class;
        let row = EntryRow {
            entry,
            key: stored.id,
            touched: tick,
            due: class.visibility.hidden_from_patient_until,
            is_right: admission.right,
            changes: stored.changes,
            bytes: stored.bytes,
            class: vault.seal_class(&stored.key, (entry, tick), class)?,
        };
        let document = vault.seal_document(&stored.key, (entry, tick), &admission.document)?;
        connection.put_entry(record, &row, &document)?;
        let about = About {
            change: admission.change,
            origin: edit.origin.clone(),
            class: class.clone(),
        };
        let by = (&admission.actor, admission.seq);
        let row = vault.log_row(&stored.key, tick, edit, by, &about)?;
        connection.append_log(record, &row)?;
        if admission.right {
            let party = class.concerns.map(|person| vault.party_blind(person));
            connection.put_parties(record, entry, party.as_slice())?;
            self.clock.rights = tick;
        }
        self.clock.last = tick;
        self.own.insert(tick);
        let role = admission.origin.role.clone();
        let actor = Actor::new(
            self.visitor.person,
            role,
            self.device(),
            self.admitted.row.holder,
        );
        self.note(actor.clone(), AccessAction::Write, None, entry);
        for (changes, settlement) in [
            (&admission.releases, Settlement::Released),
            (&admission.discards, Settlement::Discarded),
        ] {
            for change in changes {
                if connection.settle(record, vault.change_blind(change), settlement, tick)? {
                    self.note(actor.clone(), AccessAction::Settle, None, entry);
                }
            }
        }
        Ok(Outcome {
            change: admission.change,
            verdict: Verdict::Accepted(tick),
        })
    }

    pub(super) fn hold(
        &mut self,
        connection: &mut SqliteConnection,
        edit: &Edit,
        change: ChangeHash,
        held: HeldChange,
        tick: Tick,
    ) -> Result<Outcome, Fault> {
        let vault = &self.admitted.vault;
        let author = self.visitor.person;
        if connection.count_held(vault.record(), vault.author_blind(author))? >= MOST_HELD {
            return Ok(self.refuse(edit.entry, change, Refusal::EntryFull));
        }
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
        )?;
        connection.hold(vault.record(), &row)?;
        self.clock.last = tick;
        let reason = code(&held.reason);
        self.note(self.actor(), AccessAction::Hold, reason, edit.entry);
        Ok(Outcome {
            change,
            verdict: Verdict::Held(held.reason),
        })
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
        for event in &self.events {
            let mut said = audit::about_entries(
                event.actor.event(event.action.clone(), at),
                event.entries.iter().copied().collect(),
                event.changes,
            );
            said.reason.clone_from(&event.reason);
            audit::append(connection, &self.admitted.vault, &mut self.clock, said)?;
        }
        let mut row = self.admitted.row.clone();
        connection.move_clock(row.record, &self.clock)?;
        row.clock = self.clock;
        Ok(row)
    }

    fn device(&self) -> Option<sync_core::DeviceId> {
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
        let same = |event: &&mut Event| {
            (&event.actor, &event.action, &event.reason) == (&actor, &action, &reason)
        };
        if let Some(event) = self.events.iter_mut().find(same) {
            event.entries.insert(entry);
            event.changes += 1;
        } else {
            self.events.push(Event {
                actor,
                action,
                reason,
                entries: BTreeSet::from([entry]),
                changes: 1,
            });
        }
    }
}

/// The stable code of a reason, as on the wire.
fn code(reason: &impl serde::Serialize) -> Option<String> {
    match serde_json::to_value(reason) {
        Ok(serde_json::Value::String(code)) => Some(code),
        _ => None,
    }
}
