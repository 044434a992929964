//! Keys that are missing for good, because the key store was put back from an older copy and no later
//! one is left.
//!
//! What such a key sealed cannot be read by the server any more, but phones may have it. So an entry
//! that is given up is taken out of its record as if it had never been there, and the record's log
//! begins another life: every device is sent all that is there, and hands back what it has beside
//! that. What nobody hands back is lost. Of a record whose own key is missing nothing can be written
//! any more, not even its access log; that it was given up is noted in the key store's journal.

use std::collections::BTreeMap;

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::policy::Role;
use sync_core::{RecordId, Tick};

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
    /// The entries without theirs, in records that have one.
    pub entries: BTreeMap<RecordId, Vec<EntryRow>>,
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.entries.is_empty()
    }

    /// The keys of the entries.
    pub fn keys(&self) -> Vec<EntryKeyId> {
        self.entries.values().flatten().map(|row| row.key).collect()
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
                    let entries = keyless(connection, keys, &vault)?;
                    if !entries.is_empty() {
                        missing.entries.insert(*record, entries);
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
/// access log.
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
    let Some(row) = connection.record(record)?.filter(|_| !entries.is_empty()) else {
        return Ok(());
    };
    let vault = Vault::new(keys, record)?;
    let (mut clock, _) = lives::another_life(connection, &row, None, now)?;
    let at = clock.last;
    // Rights may be among them: what was worked out of them before is stale.
    clock.rights = at;
    let (mut touched, mut kept) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let given_up = GivenUpRow {
            entry: entry.entry,
            key: entry.key,
            at,
            changes: entry.changes,
        };
        connection.give_up(record, &given_up)?;
        let marks = connection.doomed_by(record, entry.entry)?;
        connection.undoom(record, entry.entry, &marks)?;
        touched.insert(entry.entry, entry.changes);
        let until = entry.due.filter(|until| !entry.is_right && *until > at);
        kept.extend(until.map(|until| (entry.entry, until)));
    }
    let server = Actor::new(row.holder, Role::System, None, row.holder);
    let event = server.event(AccessAction::GiveUp, at);
    audit::append_about(connection, &vault, &mut clock, &event, &touched, &kept)?;
    Ok(connection.move_clock(record, &clock)?)
}

/// Forgets that the key store was found without keys that the data store knows of, once nothing is
/// missing.
///
/// # Errors
/// When a store fails.
pub fn forget_older(connection: &mut SqliteConnection, keys: &Keys) -> Result<(), Fault> {
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
