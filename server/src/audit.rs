//! The access log as the server keeps it: events are chained by [`sync_core::audit`], sealed, and
//! written in the transaction of what they tell of.

use sync_core::audit::{AccessAction, AccessEvent, ChainedEvent, LogHead};
use sync_core::policy::Role;
use sync_core::{DeviceId, EntryId, PersonId, RecordId, Tick};

use crate::fault::Fault;
use crate::records::vault::Vault;
use crate::storage::records::{AuditRow, RecordClock, RecordStore};

/// Who acts, as the access log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub person: PersonId,
    /// In what role.
    pub role: Role,
    /// For whom, when for somebody else.
    pub on_behalf_of: Option<PersonId>,
    /// On which device.
    pub device: Option<DeviceId>,
}

impl Actor {
    /// A person who acts on the record of `holder`; delegates act for the holder.
    pub fn new(person: PersonId, role: Role, device: Option<DeviceId>, holder: PersonId) -> Self {
        Actor {
            person,
            on_behalf_of: role.is_delegate().then_some(holder),
            role,
            device,
        }
    }

    /// An event of theirs.
    pub fn event(&self, action: AccessAction, at: Tick) -> AccessEvent {
        AccessEvent {
            seq: 0,
            at,
            person: self.person,
            role: self.role.clone(),
            on_behalf_of: self.on_behalf_of,
            device: self.device,
            action,
            entries: Vec::new(),
            changes: 0,
            reason: None,
        }
    }
}

/// Adds an event to a record's chain and moves `clock`, which the caller writes.
///
/// # Errors
/// When the store or a key fails.
pub fn append(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    clock: &mut RecordClock,
    event: AccessEvent,
) -> Result<(), Fault> {
    let mut head = head(clock);
    let tick = event.at;
    let ChainedEvent { event, hash } = head.append(&vault.record(), event);
    let row = AuditRow {
        seq: head.seq,
        tick,
        hash,
        sealed: vault.seal_event(head.seq, &event)?,
    };
    store.append_audit(vault.record(), &row)?;
    clock.audit_len = head.seq;
    clock.audit_head = head.hash;
    Ok(())
}

/// The head of a record's chain.
pub fn head(clock: &RecordClock) -> LogHead {
    LogHead {
        seq: clock.audit_len,
        hash: clock.audit_head,
    }
}

/// Events after one, at most so many, in order, as they were hashed.
///
/// # Errors
/// When the store or a key fails, or an event does not open.
pub fn page(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    after: u64,
    limit: u32,
) -> Result<Vec<ChainedEvent>, Fault> {
    let rows = store.audit_after(vault.record(), after, limit)?;
    let open = |row: AuditRow| {
        Ok(ChainedEvent {
            event: vault.open_event(row.seq, &row.sealed)?.into(),
            hash: row.hash,
        })
    };
    rows.into_iter().map(open).collect()
}

/// One event about entries, as [`append`] takes it.
pub fn about_entries(mut event: AccessEvent, entries: Vec<EntryId>, changes: u64) -> AccessEvent {
    event.entries = entries;
    event.changes = changes;
    event
}

/// The clock of a record whose access log is empty.
pub fn first_clock(record: &RecordId, at: Tick) -> RecordClock {
    let genesis = LogHead::genesis(record);
    RecordClock {
        last: at,
        rights: at,
        audit_len: genesis.seq,
        audit_head: genesis.hash,
    }
}
