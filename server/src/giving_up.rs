//! Keys that are missing for good, because the key store was put back from an older copy and no later
//! one is left.
//!
//! What such a key sealed cannot be read by the server any more, but phones may have it. So an entry
//! that is given up is taken out of its record as if it had never been there, and the record's log
//! begins another life: every device is sent all that is there, and hands back what it has beside
//! that. What nobody hands back is lost.
//!
//! A right is not given up. Nobody knows what it says, and it may be what keeps somebody out: without
//! it they could read until a device hands it back. Nor is a record whose own key is missing: nothing
//! of it can be read or written any more, not even its access log.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::policy::Role;
use sync_core::sync::Settlement;
use sync_core::{EntryId, RecordId, Tick};

use crate::audit::{self, Actor};
use crate::fault::Fault;
use crate::keys::{EntryKeyId, KeyError, Keys};
use crate::records::lives;
use crate::records::vault::Vault;
use crate::settings;
use crate::storage::records::{EntryRow, GivenUpRow, RecordStore as _};

#[cfg(test)]
mod tests;

/// Rows looked at in one go.
const PAGE: u32 = 256;

/// What has no key, and was not destroyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The records without their own key.
    pub records: Vec<RecordId>,
    /// The rights without theirs, in records that have one.
    pub rights: BTreeMap<RecordId, Vec<EntryRow>>,
    /// The entries that are no rights, likewise: these can be given up.
    pub entries: BTreeMap<RecordId, Vec<EntryRow>>,
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rights.is_empty() && self.entries.is_empty()
    }

    /// The keys of the rights and of the entries.
    pub fn keys(&self) -> Vec<EntryKeyId> {
        let rows = self.rights.values().chain(self.entries.values());
        rows.flatten().map(|row| row.key).collect()
    }
}

/// Looks for what has no key.
///
/// # Errors
/// When a store fails.
pub fn missing(connection: &mut SqliteConnection, keys: &Keys) -> Result<Missing, Fault> {
    let mut missing = Missing::default();
    let mut last = None;
    loop {
        let records = connection.records_after(last, PAGE)?;
        for record in &records {
            match Vault::new(keys, *record) {
                Ok(vault) => {
                    let found = keyless(connection, keys, &vault)?;
                    let (rights, entries): (Vec<_>, Vec<_>) =
                        found.into_iter().partition(|row| row.is_right);
                    for (all, of_record) in [
                        (&mut missing.rights, rights),
                        (&mut missing.entries, entries),
                    ] {
                        if !of_record.is_empty() {
                            all.insert(*record, of_record);
                        }
                    }
                }
                Err(Fault::Keys(KeyError::Absent)) => {
                    if !keys.is_record_destroyed(*record)? {
                        missing.records.push(*record);
                    }
                }
                Err(fault) => return Err(fault),
            }
        }
        last = records.last().copied();
        if last.is_none() {
            return Ok(missing);
        }
    }
}

/// The entries of a record that have no key.
fn keyless(
    connection: &mut SqliteConnection,
    keys: &Keys,
    vault: &Vault<'_>,
) -> Result<Vec<EntryRow>, Fault> {
    let (mut found, mut last) = (Vec::new(), None);
    loop {
        let rows = connection.entries_after(vault.record(), last, PAGE)?;
        last = rows.last().map(|row| row.entry);
        let ids: Vec<EntryKeyId> = rows.iter().map(|row| row.key).collect();
        for (row, key) in rows.into_iter().zip(vault.entry_keys(&ids)?) {
            if key.is_none() && !row.is_destroyed() && !keys.is_destroyed(row.key)? {
                found.push(row);
            }
        }
        if last.is_none() {
            return Ok(found);
        }
    }
}

/// Takes entries whose keys are missing out of their record, begins its log anew, and says so in its
/// access log. Rights stay.
///
/// # Errors
/// When a store or a key fails. Nothing is then done, if the caller drops the transaction.
pub fn give_up_entries(
    connection: &mut SqliteConnection,
    keys: &Keys,
    record: RecordId,
    entries: &[EntryRow],
    now: Tick,
) -> Result<(), Fault> {
    let entries: Vec<&EntryRow> = entries.iter().filter(|row| !row.is_right).collect();
    let Some(row) = connection.record(record)?.filter(|_| !entries.is_empty()) else {
        return Ok(());
    };
    let vault = Vault::new(keys, record)?;
    let (mut clock, _) = lives::another_life(connection, &row, None, now)?;
    let at = clock.last;
    let (mut touched, mut kept) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let given_up = GivenUpRow {
            entry: entry.entry,
            key: entry.key,
            at,
            changes: entry.changes,
            held: unhold(connection, record, entry.entry)?,
        };
        connection.give_up(record, &given_up)?;
        let marks = connection.doomed_by(record, entry.entry)?;
        connection.undoom(record, entry.entry, &marks)?;
        touched.insert(entry.entry, entry.changes);
        let until = entry.due.filter(|until| *until > at);
        kept.extend(until.map(|until| (entry.entry, until)));
    }
    let server = Actor::new(row.holder, Role::System, None, row.holder);
    let event = server.event(AccessAction::GiveUp, at);
    audit::append_about(connection, &vault, &mut clock, &event, &touched, &kept)?;
    Ok(connection.move_clock(record, &clock)?)
}

/// Takes the changes of an entry that are in the log out of what is held: handed back, each is judged
/// as if it had never been there. How many had been held.
fn unhold(
    connection: &mut SqliteConnection,
    record: RecordId,
    entry: EntryId,
) -> Result<u64, Fault> {
    let mut count = 0;
    for held in connection.held_of_entry(record, entry)? {
        // What somebody else's edit took up is released too, and is not in the log.
        if held.settlement == Some(Settlement::Released)
            && connection.accepted(record, held.change_blind)?.is_some()
        {
            connection.unhold(record, held.change_blind)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Forgets that the key store was found without keys that the data store knows of, if nothing at all
/// is missing any more.
///
/// # Errors
/// When a store fails.
pub fn forget_older(connection: &mut SqliteConnection, keys: &Keys) -> Result<(), Fault> {
    if !missing(connection, keys)?.is_empty() {
        return Ok(());
    }
    for name in [settings::ENTRY_KEYS, settings::ENTRY_KEYS_LOST] {
        let Some(noted) = settings::find(connection, name)? else {
            continue;
        };
        let key = uuid::Uuid::parse_str(&noted);
        let key = key.map_err(|_| Fault::malformed("settings.entry-keys"))?;
        if !keys.knows_block_of(EntryKeyId(key.into_bytes()))? {
            settings::remove(connection, name)?;
        }
    }
    Ok(())
}
