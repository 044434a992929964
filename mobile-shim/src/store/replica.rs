//! A replica's head and its entries, changed together or not at all.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use sync_core::replica::ReplicaHead;
use sync_core::{Incarnation, RecordId, codec};

use super::schema::records;
use super::{RecordRows, Store, StoreError, Unlocked};
use crate::seal::{self, Place, RowKey};

#[derive(Serialize, Deserialize)]
struct StoredHead {
    /// The life of the store in which this incarnation was taken.
    life: RowKey,
    head: ReplicaHead,
}

impl Store {
    /// Runs one call of a replica: what it does to head and entries is one transaction, and
    /// nothing of it stays when it fails. A store in a new life takes a fresh incarnation first.
    ///
    /// # Errors
    /// What `call` returns, and when the record is not here or the store is broken.
    pub fn with_replica<T, E: From<StoreError> + From<diesel::result::Error>>(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
        call: impl FnOnce(&mut ReplicaHead, &mut RecordRows<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let row = profile.record_row(record);
        let life = self.life;
        // Out of memory until all is durable, so that nothing stale can be left there.
        let mut kept = self.take_kept(&row);
        let mut touched = None;
        let outcome = self.connection.immediate_transaction(|connection| {
            if let Some(known) = &kept
                && !known.is_current(connection)?
            {
                kept = None;
            }
            let stored = load_head(connection, profile, &row)?;
            let mut head = stored.head.clone();
            if stored.life != life {
                head.incarnation = fresh_incarnation()?;
            }
            let mut rows = RecordRows::new(connection, &profile.key, row);
            let result = call(&mut head, &mut rows)?;
            let touched_rows = rows.into_touched();
            if head != stored.head {
                let sealed = seal_head(profile, &row, life, &head)?;
                diesel::update(records::table.find(&row[..]))
                    .set(records::head.eq(sealed))
                    .execute(connection)?;
            }
            touched = Some(touched_rows);
            Ok(result)
        });
        if outcome.is_ok() && touched.as_ref().is_some_and(|touched| touched.destroyed) {
            // Deleted rows are overwritten in the file, and what the journal has of them goes with
            // it. If somebody reads just now, the next such call or the end of the process does it.
            let _ = self
                .connection
                .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        match (kept, touched) {
            (Some(mut kept), Some(touched)) if outcome.is_ok() => {
                kept.apply(touched);
                self.put_kept(kept);
            }
            // It was rolled back before its end.
            (Some(kept), None) => drop(self.put_kept(kept)),
            _ => {}
        }
        outcome
    }

    /// A replica's head, to look at.
    ///
    /// # Errors
    /// When the record is not here or the store is broken.
    pub fn head(
        &mut self,
        profile: &Unlocked,
        record: &RecordId,
    ) -> Result<ReplicaHead, StoreError> {
        let row = profile.record_row(record);
        Ok(load_head(&mut self.connection, profile, &row)?.head)
    }

    /// Reads entries, without changing anything.
    pub fn rows<'s>(&'s mut self, profile: &'s Unlocked, record: &RecordId) -> RecordRows<'s> {
        let row = profile.record_row(record);
        RecordRows::new(&mut self.connection, &profile.key, row)
    }
}

/// Forgets what a record said; own edits that were not sent, or not taken, stay. Should the record
/// be opened again, all of it comes anew; the checkpoint stays, behind which the server must not
/// go back.
pub(super) fn forget_content(
    connection: &mut SqliteConnection,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<(), StoreError> {
    let row = profile.record_row(record);
    let StoredHead { life, mut head } = load_head(connection, profile, &row)?;
    head.forget_cursor();
    let sealed = seal_head(profile, &row, life, &head)?;
    diesel::update(records::table.find(&row[..]))
        .set(records::head.eq(sealed))
        .execute(connection)?;
    RecordRows::new(connection, &profile.key, row).forget(profile.card.person)
}

/// A replica's head.
pub(super) fn head(
    connection: &mut SqliteConnection,
    profile: &Unlocked,
    row: &RowKey,
) -> Result<ReplicaHead, StoreError> {
    Ok(load_head(connection, profile, row)?.head)
}

fn load_head(
    connection: &mut SqliteConnection,
    profile: &Unlocked,
    row: &RowKey,
) -> Result<StoredHead, StoreError> {
    let sealed: Vec<u8> = records::table
        .find(&row[..])
        .select(records::head)
        .first(connection)
        .optional()?
        .ok_or(StoreError::Absent)?;
    Ok(codec::from_cbor(
        &profile.key.open(head_place(row), &sealed)?,
    )?)
}

pub(super) fn seal_head(
    profile: &Unlocked,
    row: &RowKey,
    life: RowKey,
    head: &ReplicaHead,
) -> Result<Vec<u8>, StoreError> {
    let head = head.clone();
    let bytes = codec::to_cbor(&StoredHead { life, head });
    Ok(profile.key.seal(head_place(row), &bytes)?)
}

/// A random incarnation.
///
/// # Errors
/// When the system gives no randomness.
pub fn fresh_incarnation() -> Result<Incarnation, StoreError> {
    let mut bytes = [0; 16];
    seal::fill(&mut bytes)?;
    Ok(Incarnation(bytes))
}

fn head_place(row: &RowKey) -> Place<'_> {
    Place {
        column: "records.head",
        row,
    }
}
