use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLock};

use diesel::dsl::exists;
use diesel::prelude::*;
use sync_core::RecordId;
use zeroize::Zeroizing;

use super::schema::{destructions, record_keys};
use super::{Inner, KeyError, Keys, Place, SealingKey};
use crate::storage::sqlite::fold;

/// The record keys in use. A few hundred bytes each; a server holds those of the records it has
/// served since it started.
#[derive(Default)]
pub(super) struct Cache(RwLock<HashMap<RecordId, RecordKey>>);

/// The key of one record.
#[derive(Clone, Debug)]
pub struct RecordKey {
    root: SealingKey,
    sealing: SealingKey,
}

impl RecordKey {
    fn new(root: SealingKey) -> Self {
        let sealing = root.derive(&[b"carnet/record/1"]);
        Self { root, sealing }
    }

    /// The key for what belongs to the record and to no single entry.
    pub fn sealing(&self) -> &SealingKey {
        &self.sealing
    }

    /// The key that follows from this record's and an entry's own secret.
    pub(super) fn entry(&self, id: &[u8; 16], secret: &[u8]) -> SealingKey {
        self.root.derive(&[b"carnet/entry/1", id, secret])
    }
}

impl Keys {
    /// Whether there are keys of records.
    pub fn has_records(&self) -> Result<bool, KeyError> {
        let mut connection = self.0.connection();
        let one: Option<Vec<u8>> = record_keys::table
            .select(record_keys::record_id)
            .first(&mut *connection)
            .optional()?;
        Ok(one.is_some())
    }

    /// Makes a record's key and makes it durable.
    ///
    /// # Errors
    /// A record that has a key, or had one that was destroyed, is refused by the key store.
    pub fn create_record_key(&self, record: RecordId) -> Result<RecordKey, KeyError> {
        let root = SealingKey::random()?;
        let mut connection = self.0.connection();
        connection.immediate_transaction(|connection| {
            let master = self.0.current_master(connection)?;
            if is_destroyed(connection, record)? {
                return Err(KeyError::Absent);
            }
            diesel::insert_into(record_keys::table)
                .values((
                    record_keys::record_id.eq(record.as_bytes().as_slice()),
                    record_keys::generation.eq(master.generation),
                    record_keys::wrapped.eq(wrap(&master.key, record, &root)?),
                ))
                .execute(connection)?;
            Ok(())
        })?;
        drop(connection);
        Ok(self.0.remember(record, root))
    }

    /// The key of a record.
    ///
    /// # Errors
    /// [`KeyError::Absent`] if it was never made or has been destroyed.
    pub fn record_key(&self, record: RecordId) -> Result<RecordKey, KeyError> {
        let cached = self
            .0
            .records
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&record)
            .cloned();
        if let Some(key) = cached {
            return Ok(key);
        }
        let mut connection = self.0.connection();
        let root = connection.transaction(|connection| {
            let wrapped: Option<Vec<u8>> = record_keys::table
                .find(record.as_bytes().as_slice())
                .select(record_keys::wrapped)
                .first(connection)
                .optional()?;
            let master = self.0.current_master(connection)?;
            unwrap(&master.key, record, &wrapped.ok_or(KeyError::Absent)?)
        })?;
        drop(connection);
        Ok(self.0.remember(record, root))
    }

    /// Destroys a record's key, and with it all that the record held, for good.
    pub fn destroy_record(&self, record: RecordId) -> Result<(), KeyError> {
        let mut connection = self.0.connection();
        connection.immediate_transaction(|connection| {
            diesel::delete(record_keys::table.find(record.as_bytes().as_slice()))
                .execute(connection)?;
            self.0.journal(connection, "record", record.as_bytes())
        })?;
        self.0
            .records
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&record);
        self.0.scrub(&mut connection)
    }

    /// Whether a record's key was destroyed.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn is_record_destroyed(&self, record: RecordId) -> Result<bool, KeyError> {
        is_destroyed(&mut self.0.connection(), record)
    }

    /// Overwrites deleted keys that are still in the write-ahead log because somebody read the
    /// store when they were deleted. It waits for nobody; what it cannot do is to be tried again.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn scrub_left(&self) -> Result<(), KeyError> {
        if !self.0.unfolded.load(Ordering::Acquire) {
            return Ok(());
        }
        self.0.scrub(&mut self.0.connection())
    }

    /// Notes that keys of destroyed entries could not be destroyed.
    pub fn leave_undestroyed(&self) {
        self.0.undestroyed.store(true, Ordering::Release);
    }

    /// Whether keys could not be destroyed since this was last asked.
    pub fn take_undestroyed(&self) -> bool {
        self.0.undestroyed.swap(false, Ordering::AcqRel)
    }
}

impl Inner {
    fn remember(&self, record: RecordId, root: SealingKey) -> RecordKey {
        let key = RecordKey::new(root);
        self.records
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(record, key.clone());
        key
    }

    /// Notes a destruction in the journal, once.
    pub(super) fn journal(
        &self,
        connection: &mut SqliteConnection,
        kind: &str,
        subject: &[u8],
    ) -> Result<(), KeyError> {
        diesel::insert_or_ignore_into(destructions::table)
            .values((
                destructions::kind.eq(kind),
                destructions::subject.eq(subject),
                destructions::time.eq(self.clock.now().0.cast_signed()),
            ))
            .execute(connection)?;
        Ok(())
    }

    /// Overwrites the write-ahead log too, where a deleted key would live on; while somebody reads
    /// the store that is left to be tried again.
    pub(super) fn scrub(&self, connection: &mut SqliteConnection) -> Result<(), KeyError> {
        self.unfolded.store(true, Ordering::Release);
        let folded = fold(connection)?;
        self.unfolded.store(!folded, Ordering::Release);
        Ok(())
    }
}

fn is_destroyed(connection: &mut SqliteConnection, record: RecordId) -> Result<bool, KeyError> {
    let line = destructions::table
        .filter(destructions::kind.eq("record"))
        .filter(destructions::subject.eq(record.as_bytes().as_slice()));
    Ok(diesel::select(exists(line)).get_result(connection)?)
}

pub(super) fn wrap(
    master: &SealingKey,
    record: RecordId,
    key: &SealingKey,
) -> Result<Vec<u8>, KeyError> {
    master.seal(&place(&[record.as_bytes()]), &*key.0)
}

pub(super) fn unwrap(
    master: &SealingKey,
    record: RecordId,
    wrapped: &[u8],
) -> Result<SealingKey, KeyError> {
    let opened = Zeroizing::new(master.open(&place(&[record.as_bytes()]), wrapped)?);
    SealingKey::from_slice(&opened).ok_or(KeyError::NotOpened)
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "record_keys",
        column: "wrapped",
        row,
    }
}
