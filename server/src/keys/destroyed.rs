//! Entries whose key was destroyed, with the journal that says so. A data store that is put back
//! from an older copy has such entries again; the key store is not put back with it, and tells.

use diesel::prelude::*;
use sync_core::{EntryId, RecordId};

use super::schema::{destroyed_entries, entry_keys};
use super::{EntryKeyId, KeyError, Keys};
use crate::storage::StorageError;

/// A line of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Its place in the journal.
    pub sequence: i64,
    /// In which record.
    pub record: RecordId,
    /// Which entry.
    pub entry: EntryId,
    /// The key that sealed it.
    pub key: EntryKeyId,
}

/// A line as it is stored.
type Row = (i64, Vec<u8>, Vec<u8>, Vec<u8>);

impl Keys {
    /// Destroys the keys of entries, and with them what the entries held, for good; all durable when
    /// this returns, or none. Done again it does nothing.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn destroy_entries(
        &self,
        entries: &[(RecordId, EntryId, EntryKeyId)],
    ) -> Result<(), KeyError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut connection = self.0.connection();
        let now = self.0.clock.now().0.cast_signed();
        connection.immediate_transaction(|connection| {
            for (record, entry, key) in entries {
                diesel::insert_or_ignore_into(destroyed_entries::table)
                    .values((
                        destroyed_entries::record_id.eq(record.as_bytes().as_slice()),
                        destroyed_entries::entry_id.eq(entry.as_bytes().as_slice()),
                        destroyed_entries::key_id.eq(key.as_bytes()),
                        destroyed_entries::time.eq(now),
                    ))
                    .execute(connection)?;
                diesel::delete(entry_keys::table.find(key.as_bytes())).execute(connection)?;
            }
            Ok::<_, KeyError>(())
        })?;
        for (_, _, key) in entries {
            self.0.entries.forget(key);
        }
        self.0.scrub(&mut connection)
    }

    /// Whether the key of an entry was destroyed.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn is_destroyed(&self, key: EntryKeyId) -> Result<bool, KeyError> {
        let line = destroyed_entries::table.filter(destroyed_entries::key_id.eq(key.as_bytes()));
        let mut connection = self.0.connection();
        Ok(diesel::select(diesel::dsl::exists(line)).get_result(&mut *connection)?)
    }

    /// The lines of the journal after one, in order, at most so many.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn destroyed_after(&self, sequence: i64, limit: u32) -> Result<Vec<Destroyed>, KeyError> {
        let rows: Vec<Row> = destroyed_entries::table
            .filter(destroyed_entries::sequence.gt(sequence))
            .order(destroyed_entries::sequence)
            .limit(limit.into())
            .select((
                destroyed_entries::sequence,
                destroyed_entries::record_id,
                destroyed_entries::entry_id,
                destroyed_entries::key_id,
            ))
            .load(&mut *self.0.connection())?;
        let read = |(sequence, record, entry, key): Row| {
            let malformed = || StorageError::Malformed("destroyed_entries");
            Ok(Destroyed {
                sequence,
                record: RecordId::from_slice(&record).ok_or_else(malformed)?,
                entry: EntryId::from_slice(&entry).ok_or_else(malformed)?,
                key: EntryKeyId::from_slice(&key).ok_or_else(malformed)?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
