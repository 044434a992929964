//! The access log as the server keeps it: events are chained by [`sync_core::audit`], sealed, and
//! written in the transaction of what they tell of. What the holder may not know of yet is chained
//! apart, and told before the next event once they may.

use std::collections::BTreeMap;

use sync_core::audit::{AccessAction, AccessEvent, Apart, ChainedEvent, LogHead, share_out};
use sync_core::policy::Role;
use sync_core::{Bytes, DeviceId, EntryId, PersonId, RecordId, Tick};

use crate::fault::Fault;
use crate::records::vault::Vault;
use crate::storage::records::{ApartRow, AuditRow, RecordClock, RecordStore};

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
            logged: None,
            person: self.person,
            role: self.role.clone(),
            on_behalf_of: self.on_behalf_of,
            device: self.device,
            action,
            entries: Vec::new(),
            changes: 0,
            reason: None,
            gap: None,
        }
    }
}

/// Adds an event that names no entries to a record's chain and moves `clock`, which the caller
/// writes.
///
/// # Errors
/// When the store or a key fails.
pub fn append(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    clock: &mut RecordClock,
    event: AccessEvent,
) -> Result<(), Fault> {
    tell_due(store, vault, clock, event.at)?;
    chain(store, vault, clock, event)
}

/// Adds an event about entries, of each of which so many changes were moved: to the record's chain
/// as far as the holder may know of them, else to what is kept apart. `kept` says until when the
/// holder may not know of some.
///
/// # Errors
/// When the store or a key fails.
pub fn append_about(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    clock: &mut RecordClock,
    event: &AccessEvent,
    touched: &BTreeMap<EntryId, u64>,
    kept: &BTreeMap<EntryId, Tick>,
) -> Result<(), Fault> {
    tell_due(store, vault, clock, event.at)?;
    let (known, apart) = share_out(event, touched, |entry| kept.get(entry).copied());
    for one in apart {
        chain_apart(store, vault, clock, one)?;
    }
    known.map_or(Ok(()), |event| chain(store, vault, clock, event))
}

/// Adds to a record's chain what was kept apart and fell due by `at`.
fn tell_due(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    clock: &mut RecordClock,
    at: Tick,
) -> Result<(), Fault> {
    for row in store.apart_due(vault.record(), at)? {
        let event = vault.open_apart(row.seq, &row.sealed)?;
        let event = AccessEvent::decode(&event).map_err(|_| Fault::malformed("audit_apart"))?;
        chain(store, vault, clock, event.told(at))?;
        store.tell_apart(vault.record(), row.seq, at)?;
    }
    Ok(())
}

fn chain_apart(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    clock: &mut RecordClock,
    apart: Apart,
) -> Result<(), Fault> {
    let mut head = apart_head(&vault.record(), clock);
    let tick = apart.event.at;
    let ChainedEvent { event, hash } = head.append(&vault.record(), apart.event);
    let row = ApartRow {
        seq: head.seq,
        tick,
        hash,
        entry: apart.entry,
        due: apart.until,
        told: None,
        sealed: vault.seal_apart(head.seq, &event)?,
    };
    store.append_apart(vault.record(), &row)?;
    clock.apart_len = head.seq;
    clock.apart_head = Some(head.hash);
    Ok(())
}

fn chain(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    clock: &mut RecordClock,
    event: AccessEvent,
) -> Result<(), Fault> {
    let mut head = head(clock);
    let tick = event.chained_at();
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

/// The head of what is kept apart from a record's chain.
pub fn apart_head(record: &RecordId, clock: &RecordClock) -> LogHead {
    let genesis = LogHead::genesis_apart(record);
    LogHead {
        seq: clock.apart_len,
        hash: clock.apart_head.unwrap_or(genesis.hash),
    }
}

/// How many bytes of events go into one page; one event goes at least.
const PAGE_BYTES: usize = 256 * 1024;

/// How many events are read from the store at once.
const AT_ONCE: u32 = 100;

/// Events after one, at most so many and not much more than 256 KiB of them, in order, as they were
/// hashed.
///
/// # Errors
/// When the store or a key fails, or an event does not open.
pub fn page(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    after: u64,
    limit: u32,
) -> Result<Vec<ChainedEvent>, Fault> {
    let mut events: Vec<ChainedEvent> = Vec::new();
    let (mut after, mut bytes) = (after, 0);
    while bytes < PAGE_BYTES {
        let left = u64::from(limit).saturating_sub(events.len() as u64);
        let count = u64::from(AT_ONCE).min(left);
        let rows = store.audit_after(
            vault.record(),
            after,
            u32::try_from(count).unwrap_or(AT_ONCE),
        )?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        for AuditRow {
            seq, hash, sealed, ..
        } in rows
        {
            if bytes >= PAGE_BYTES {
                break;
            }
            let event: Bytes = vault.open_event(seq, &sealed)?.into();
            bytes += event.0.len();
            events.push(ChainedEvent { event, hash });
        }
    }
    Ok(events)
}

/// The clock of a record whose access log is empty.
pub fn first_clock(record: &RecordId, at: Tick) -> RecordClock {
    let genesis = LogHead::genesis(record);
    RecordClock {
        last: at,
        rights: at,
        audit_len: genesis.seq,
        audit_head: genesis.hash,
        apart_len: 0,
        apart_head: None,
        shelves: 0,
        bytes: 0,
    }
}

#[cfg(test)]
mod tests {
    use diesel::SqliteConnection;

    use super::*;
    use crate::records::world::{World, fresh_entry};

    /// However much the events say, a page has not much more than its share, and page by page all
    /// come, in order.
    #[tokio::test]
    async fn long_events_come_in_short_pages() {
        let world = World::new();
        let phone = world.holder(1).await;
        let (record, person) = (phone.head.record, phone.author.person);
        let keys = world.records.keys.clone();
        let job = move |c: &mut SqliteConnection| {
            let vault = Vault::new(&keys, record)?;
            let mut clock = c.record(record)?.expect("there").clock;
            let actor = Actor::new(person, Role::Holder, None, person);
            for _ in 0..60 {
                let mut event = actor.event(AccessAction::Write, clock.last);
                event.entries = (0..1_000).map(|_| fresh_entry()).collect();
                append(c, &vault, &mut clock, event)?;
            }
            c.move_clock(record, &clock)?;
            let mut pages: Vec<Vec<ChainedEvent>> = Vec::new();
            let mut after = 0;
            while after < clock.audit_len {
                let page = page(c, &vault, after, u32::MAX)?;
                after += page.len() as u64;
                pages.push(page);
            }
            let few = page(c, &vault, 1, 3)?;
            Ok::<_, Fault>((pages, few, clock.audit_head))
        };
        let (pages, few, head) = world.records.db.write(job).await.expect("done");
        assert!(pages.len() > 3);
        for page in &pages {
            let bytes: usize = page.iter().map(|event| event.event.0.len()).sum();
            assert!(bytes < 2 * PAGE_BYTES && !page.is_empty());
        }
        assert_eq!(few[..], pages[0][1..4]);
        let last = pages.iter().flatten().last().map(|event| event.hash);
        assert_eq!(last, Some(head));
    }
}
