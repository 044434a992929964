//! Entries that are destroyed as another patient's.
//!
//! The data store is emptied of an entry in the transaction in which the mark is accepted; its key
//! is destroyed once that is durable. A mark that edits of the same request may take back is decided
//! on when they are taken in, or will not be; it is noted until then. A start finishes what a crash
//! left of either. And it destroys again, by the journal in the key store, what a data store that
//! was put back from an older copy has again ([`Keys::destroyed_after`]).

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::authority::{Place, Shelf};
use sync_core::policy::Role;
use sync_core::{EntryId, RecordId, Tick, merge};

use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::keys::{Destroyed, EntryKeyId, KeyError, Keys};
use crate::records::vault::{Stood, Vault};
use crate::records::{Records, load_document, provenance};
use crate::storage::records::{DestroyedRow, Move, RecordRow, RecordStore, ShelfId};

/// Why the access log says that an entry was destroyed.
pub const REASON: &str = "wrong-patient";

/// Lines and rows looked at in one go.
const PAGE: u32 = 256;

/// An entry whose data are to be destroyed.
pub struct Doomed {
    /// Which.
    pub entry: EntryId,
    /// Its key.
    pub key: EntryKeyId,
    /// How it goes from its shelves.
    pub moved: Move,
    /// Where it stood.
    pub stood: Stood,
}

/// Empties the data store of an entry and of what is held of it, at a tick of its own; answers how
/// many held edits this decides, by the way.
///
/// # Errors
/// When the store or a key fails.
pub fn empty(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    doomed: &Doomed,
    at: Tick,
) -> Result<u64, Fault> {
    let record = vault.record();
    let Doomed {
        entry,
        key,
        moved,
        stood,
    } = doomed;
    let row = DestroyedRow {
        entry: *entry,
        key: *key,
        at,
        sealed: vault.seal_stood(entry, stood)?,
    };
    store.destroy(record, &row)?;
    store.move_entry(record, *entry, moved)?;
    let mut settled = 0;
    for held in store.held_of_entry(record, *entry)? {
        settled += u64::from(held.settlement.is_none());
        let emptied = vault.emptied_held(&held)?;
        let emptied = (&emptied.sealed[..], &emptied.about[..]);
        store.empty_held(record, held.change_blind, emptied, at)?;
    }
    Ok(settled)
}

/// Destroys the keys of all entries that the data store was emptied of; answers how many were left.
///
/// # Errors
/// When a store fails.
pub fn finish(connection: &mut SqliteConnection, keys: &Keys) -> Result<u64, Fault> {
    let (mut after, mut left) = (None, 0);
    loop {
        let rows = connection.destroyed_after(after, PAGE)?;
        for (record, row) in &rows {
            after = Some((*record, row.entry));
            if !keys.is_destroyed(row.key)? {
                keys.destroy_entry(*record, row.entry, row.key)?;
                left += 1;
            }
        }
        if rows.len() < PAGE as usize {
            return Ok(left);
        }
    }
}

/// Empties the data store of the entries that the key store's journal names and that it has again,
/// or may get again, and tells the holders so; answers how many. Done again it does nothing.
///
/// # Errors
/// When a store or a key fails.
pub fn replay(connection: &mut SqliteConnection, records: &Records) -> Result<u64, Fault> {
    let (mut after, mut again) = (0, 0);
    loop {
        let lines = records.keys.destroyed_after(after, PAGE)?;
        for line in &lines {
            after = line.sequence;
            again += u64::from(destroy_again(connection, records, line)?);
        }
        if lines.len() < PAGE as usize {
            return Ok(again);
        }
    }
}

fn destroy_again(
    connection: &mut SqliteConnection,
    records: &Records,
    line: &Destroyed,
) -> Result<bool, Fault> {
    let Destroyed {
        record, entry, key, ..
    } = *line;
    let Some(row) = connection.record(record)? else {
        return Ok(false);
    };
    if connection.destroyed(record, entry)?.is_some() {
        return Ok(false);
    }
    let vault = match Vault::new(&records.keys, record) {
        // All of the record was destroyed since.
        Err(Fault::Keys(KeyError::Absent)) => return Ok(false),
        vault => vault?,
    };
    destroy(connection, records, &vault, (&row, entry, key))?;
    Ok(true)
}

/// Destroys the entries whose marks were accepted in requests that were not taken in to their end,
/// in which the marks might have been taken back: they stand now. Of one record, or of all; answers
/// the entries and their keys, which are to be destroyed once this is durable.
///
/// # Errors
/// When a store or a key fails.
pub fn decide(
    connection: &mut SqliteConnection,
    records: &Records,
    only: Option<(RecordId, &BTreeSet<EntryId>)>,
) -> Result<Vec<(EntryId, EntryKeyId)>, Fault> {
    let mut gone = Vec::new();
    for (record, entry) in connection.doomed()? {
        if only.is_some_and(|(of, entries)| of != record || !entries.contains(&entry)) {
            continue;
        }
        connection.undoom(record, entry)?;
        let Some(row) = connection.record(record)? else {
            continue;
        };
        let vault = match Vault::new(&records.keys, record) {
            // All of the record was destroyed since.
            Err(Fault::Keys(KeyError::Absent)) => continue,
            vault => vault?,
        };
        if let Some(key) = marked(connection, &vault, entry)? {
            destroy(connection, records, &vault, (&row, entry, key))?;
            gone.push((entry, key));
        }
    }
    Ok(gone)
}

/// The key of an entry that a mark which stands must destroy.
fn marked(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: EntryId,
) -> Result<Option<EntryKeyId>, Fault> {
    let Some((row, document)) = store.entry(vault.record(), entry)? else {
        return Ok(None);
    };
    let Some(key) = vault.entry_key(row.key)?.filter(|_| !row.is_destroyed()) else {
        return Ok(None);
    };
    let document = load_document(&vault.open_document(&key, &row, &document)?)?;
    let origins = provenance(store, vault, &key, entry)?;
    Ok(merge::destroys(&document.state(), &origins).then_some(row.key))
}

/// Empties the data store of an entry at the server's own hand, and tells the holder so.
fn destroy(
    connection: &mut SqliteConnection,
    records: &Records,
    vault: &Vault<'_>,
    (row, entry, key): (&RecordRow, EntryId, EntryKeyId),
) -> Result<(), Fault> {
    let mut clock = row.clock;
    clock.last = clock.last.next(records.clock.now());
    let at = clock.last;
    let (moved, stood) = whereabouts(connection, vault, entry, at)?;
    let kept: BTreeMap<_, _> = stood
        .kept_until
        .map(|until| (entry, until))
        .into_iter()
        .collect();
    let doomed = Doomed {
        entry,
        key,
        moved,
        stood,
    };
    let settled = empty(connection, vault, &doomed, at)?;
    let server = Actor::new(row.holder, Role::System, None, row.holder);
    for (action, changes) in [(AccessAction::Destroy, 1), (AccessAction::Settle, settled)] {
        if changes > 0 {
            let mut event = server.event(action, at);
            event.reason = Some(REASON.to_owned());
            let touched = [(entry, changes)].into_iter().collect();
            audit::append_about(connection, vault, &mut clock, &event, &touched, &kept)?;
        }
    }
    Ok(connection.move_clock(row.record, &clock)?)
}

/// Where an entry stands by its record's shelves: without its key nothing else tells.
fn whereabouts(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: EntryId,
    at: Tick,
) -> Result<(Move, Stood), Fault> {
    let (mut moved, mut stood) = (Move::default(), Stood::default());
    for (id, sealed) in store.shelves(vault.record())? {
        let on: Vec<(ShelfId, Tick)> = store
            .standing_on(vault.record(), id)?
            .stand
            .into_iter()
            .filter(|(standing, _)| *standing == entry)
            .map(|(_, since)| (id, since))
            .collect();
        for (id, since) in on {
            moved.from.push((id, since));
            if since <= at {
                moved.left.push((id, at));
                let shelf: Shelf = vault.open_shelf(id, &sealed)?;
                stood.shelves.push(shelf);
            } else {
                stood.kept_until = Some(since);
            }
        }
    }
    stood.left = left_before(store, vault, entry)?;
    Ok((moved, stood))
}

/// Which shelves an entry left so far, and when.
///
/// # Errors
/// When the store or a key fails.
pub fn left_before(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: EntryId,
) -> Result<Vec<Place>, Fault> {
    let mut places = Vec::new();
    for (id, sealed) in store.shelves(vault.record())? {
        let left = store.standing_on(vault.record(), id)?.left;
        for (_, at) in left.into_iter().filter(|(gone, _)| *gone == entry) {
            places.push((vault.open_shelf(id, &sealed)?, at));
        }
    }
    Ok(places)
}

/// Folds the data store's write-ahead log into the file, where what was emptied is overwritten: the
/// old pages in it are sealed still, but what was held of the entry by the record's key. Whoever
/// reads or writes just then keeps it for the next time.
pub fn scrub(path: &std::path::Path) -> Result<(), Fault> {
    use diesel::connection::SimpleConnection as _;
    let mut connection = crate::storage::sqlite::open_connection(path)?;
    connection
        .batch_execute("PRAGMA busy_timeout = 500; PRAGMA wal_checkpoint(TRUNCATE)")
        .map_err(crate::storage::StorageError::from)?;
    Ok(())
}

/// Destroys the keys of entries that the data store was just emptied of, if there are any. What
/// fails is left to the next start.
pub fn complete(records: &Records, record: RecordId, gone: &[(EntryId, EntryKeyId)]) {
    if gone.is_empty() {
        return;
    }
    for (entry, key) in gone {
        if let Err(error) = records.keys.destroy_entry(record, *entry, *key) {
            tracing::error!(%error, "a key that must be destroyed is left to the next start");
        }
    }
    if let Err(error) = scrub(records.db.path()) {
        tracing::warn!(%error, "the write-ahead log keeps what was destroyed a while longer");
    }
}

#[cfg(test)]
mod tests;
