//! Entries that are destroyed as another patient's.
//!
//! The data store is emptied of an entry in the transaction in which the mark is accepted; its key
//! is destroyed once that is durable. A mark that edits of the same request may take back is decided
//! on when they are taken in, or will not be; it is noted until then, and its device may come again
//! with what a passing failure cut short. A start finishes what is left of either. And it destroys
//! again, by the journal in the key store, what a data store that was put back from an older copy has
//! again ([`Keys::destroyed_after`]).

mod keyless;

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::authority::Place;
use sync_core::entry::EntryClass;
use sync_core::policy::Role;
use sync_core::{EntryId, RecordId, Tick, merge};

use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::ingest::OpenMarks;
use crate::keys::{Destroyed, EntryKeyId, KeyError, Keys};
use crate::records::shelves::{self, Shelves};
use crate::records::vault::{Stood, Vault};
use crate::records::{Records, histories, load_document};
use crate::storage::records::{DestroyedRow, Move, RecordRow, RecordStore};
pub(crate) use keyless::Keyless;

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
        let mut keyed = Vec::new();
        for (record, row) in &rows {
            after = Some((*record, row.entry));
            if !keys.is_destroyed(row.key)? {
                keyed.push((*record, row.entry, row.key));
            }
        }
        keys.destroy_entries(&keyed)?;
        left += keyed.len() as u64;
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
    destroy(connection, records, &vault, (&row, entry, key), None)?;
    Ok(true)
}

/// Destroys the entries whose marks were accepted in requests that will not be taken in to their end,
/// in which the marks might have been taken back: they stand now. Those of one request, or all that
/// are noted; answers the entries and their keys, which are to be destroyed once this is durable.
///
/// # Errors
/// When a store or a key fails. A key that is missing is none: what is noted of its entry stays
/// noted, for a start with the right key store, and the log says so once. Of a record whose key was
/// destroyed nothing is left to destroy: what is noted goes.
pub fn decide(
    connection: &mut SqliteConnection,
    records: &Records,
    only: Option<(RecordId, &OpenMarks)>,
) -> Result<Vec<(EntryId, EntryKeyId)>, Fault> {
    let marks = match only {
        Some((record, marks)) => {
            let marks = marks.iter();
            let of = |(entry, marks): (&EntryId, &BTreeSet<Tick>)| (record, *entry, marks.clone());
            marks.map(of).collect()
        }
        None => connection.doomed()?,
    };
    let mut gone = Vec::new();
    for (record, entry, marks) in marks {
        let Some(row) = connection.record(record)? else {
            connection.undoom(record, entry, &marks)?;
            continue;
        };
        let vault = match Vault::new(&records.keys, record) {
            Err(Fault::Keys(KeyError::Absent)) => {
                if records.keys.is_record_destroyed(record)? {
                    connection.undoom(record, entry, &marks)?;
                } else {
                    records.keyless.meets((record, entry));
                }
                continue;
            }
            vault => vault?,
        };
        let noted = connection.doomed_by(record, entry)?;
        match marked(connection, &vault, entry, &(&noted - &marks)) {
            Ok(Some((key, class))) => {
                destroy(connection, records, &vault, (&row, entry, key), Some(class))?;
                connection.undoom(record, entry, &noted)?;
                gone.push((entry, key));
            }
            Ok(None) => connection.undoom(record, entry, &marks)?,
            Err(Fault::Keys(KeyError::EntryKeyMissing)) => records.keyless.meets((record, entry)),
            Err(fault) => return Err(fault),
        }
    }
    Ok(gone)
}

/// The key of an entry that a mark which stands must destroy, and its class; marks that other
/// requests may take back yet do not count.
fn marked(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: EntryId,
    open: &BTreeSet<Tick>,
) -> Result<Option<(EntryKeyId, EntryClass)>, Fault> {
    let Some((row, document)) = store.entry(vault.record(), entry)? else {
        return Ok(None);
    };
    let Some(key) = vault.key_of(&row)? else {
        return Ok(None);
    };
    let document = load_document(&vault.open_document(&key, &row, &document)?)?;
    let origins = histories::provenance(store, vault, (&row, &key))?;
    let marks = merge::destroyers(&document.state(), &origins).into_iter();
    let mut accepted = marks.filter_map(|mark| origins.get(&mark)?.accepted);
    if accepted.all(|mark| open.contains(&mark)) {
        return Ok(None);
    }
    Ok(Some((row.key, vault.open_class(&key, &row)?)))
}

/// Empties the data store of an entry at the server's own hand, and tells the holder so. Of one whose
/// key is gone the class is not known.
fn destroy(
    connection: &mut SqliteConnection,
    records: &Records,
    vault: &Vault<'_>,
    (row, entry, key): (&RecordRow, EntryId, EntryKeyId),
    class: Option<EntryClass>,
) -> Result<(), Fault> {
    let mut clock = row.clock;
    clock.last = clock.last.next(records.clock.now());
    let at = clock.last;
    let shelves = shelves::all(connection, vault)?;
    let touched = connection.entry(row.record, entry)?;
    let stands = class.zip(touched.map(|(entry, _)| entry.touched));
    let (moved, stood) = match stands {
        Some(stands) => leaving(connection, vault, entry, (&stands, &shelves), at)?,
        None => whereabouts(connection, vault, entry, &shelves, at)?,
    };
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

/// How an entry of this class, touched last at a tick, goes from its shelves at `at`, and where it
/// stood. `shelves` are the record's.
///
/// # Errors
/// When the store fails.
pub fn leaving(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: EntryId,
    (stands, shelves): (&(EntryClass, Tick), &Shelves),
    at: Tick,
) -> Result<(Move, Stood), Fault> {
    let (class, touched) = stands;
    let (moved, stood) = shelves::taken_off(vault, (class, *touched), at);
    let stood = Stood {
        shelves: stood,
        left: left_before(store, vault, entry, shelves)?,
        kept_until: class.kept_from_holder_until().filter(|until| *until > at),
    };
    Ok((moved, stood))
}

/// Where an entry stands by its record's shelves: without its key nothing else tells.
fn whereabouts(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: EntryId,
    shelves: &Shelves,
    at: Tick,
) -> Result<(Move, Stood), Fault> {
    let (mut moved, mut stood) = (Move::default(), Stood::default());
    for (id, shelf) in shelves {
        let stand = store.standing_on(vault.record(), *id)?.stand.into_iter();
        for (_, since) in stand.filter(|(standing, _)| *standing == entry) {
            moved.from.push((*id, since));
            if since <= at {
                moved.left.push((*id, at));
                stood.shelves.push(shelf.clone());
            } else {
                stood.kept_until = Some(since);
            }
        }
    }
    stood.left = left_before(store, vault, entry, shelves)?;
    Ok((moved, stood))
}

/// Which shelves an entry left so far, and when.
fn left_before(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    entry: EntryId,
    shelves: &Shelves,
) -> Result<Vec<Place>, Fault> {
    let left = store.left_by(vault.record(), entry)?.into_iter();
    left.map(|(id, at)| {
        let shelf = shelves.get(&id).cloned();
        Ok((
            shelf.ok_or_else(|| Fault::malformed("departures.shelf"))?,
            at,
        ))
    })
    .collect()
}

/// Destroys the keys of entries that the data store was just emptied of, if there are any, and has
/// the write-ahead log folded into the file, where what was emptied is overwritten: the old pages in
/// it are sealed still, but what was held of the entries by the record's key. What fails is tried
/// again, by [`crate::app::App::catch_up`] or by the next start.
pub fn complete(records: &Records, record: RecordId, gone: &[(EntryId, EntryKeyId)]) {
    if gone.is_empty() {
        return;
    }
    let gone: Vec<_> = gone
        .iter()
        .map(|(entry, key)| (record, *entry, *key))
        .collect();
    if let Err(error) = records.keys.destroy_entries(&gone) {
        tracing::error!(%error, "keys that must be destroyed are left for the moment");
        records.keys.leave_undestroyed();
    }
    records.db.fold_soon();
}

#[cfg(test)]
mod tests;
