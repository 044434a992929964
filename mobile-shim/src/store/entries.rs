//! The entries of a record: what a replica keeps, and beside each the view that people read.
//!
//! A view is derived from its entry when that changes, so that opening a record reads views only
//! and loads no document.

use diesel::prelude::*;
use serde::Serialize;
use sync_core::merge::{self, EntryView};
use sync_core::replica::{Entries, LocalEntry, SetAside, Unsent};
use sync_core::sync::HeldEdit;
use sync_core::{ChangeHash, EntryId, codec};

use super::StoreError;
use super::notes::{self, Shelf};
use super::schema::entries;
use super::unsent;
use crate::seal::{Place, RowKey, SealKey};

/// The entries of one record, within one transaction.
pub struct RecordRows<'s> {
    connection: &'s mut SqliteConnection,
    key: &'s SealKey,
    record: RowKey,
}

impl<'s> RecordRows<'s> {
    pub(super) fn new(
        connection: &'s mut SqliteConnection,
        key: &'s SealKey,
        record: RowKey,
    ) -> Self {
        RecordRows {
            connection,
            key,
            record,
        }
    }

    /// All views, in the order the entries were created.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn views(&mut self) -> Result<Vec<EntryView>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = entries::table
            .filter(entries::record.eq(&self.record[..]))
            .select((entries::entry, entries::view))
            .load(self.connection)?;
        let mut views = rows
            .iter()
            .map(|(row, sealed)| self.open_view(row, sealed))
            .collect::<Result<Vec<_>, _>>()?;
        views.sort_by_key(|view| view.id);
        Ok(views)
    }

    /// The view of one entry.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn view(&mut self, entry: &EntryId) -> Result<Option<EntryView>, StoreError> {
        let row = self.row(entry);
        let sealed: Option<Vec<u8>> = entries::table
            .find((&self.record[..], &row[..]))
            .select(entries::view)
            .first(self.connection)
            .optional()?;
        match sealed {
            Some(sealed) => Ok(Some(self.open_view(&row, &sealed)?)),
            None => Ok(None),
        }
    }

    /// How many entries there are.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn count(&mut self) -> Result<usize, StoreError> {
        let count: i64 = entries::table
            .filter(entries::record.eq(&self.record[..]))
            .count()
            .get_result(self.connection)?;
        usize::try_from(count).map_err(|_| StoreError::Damaged)
    }

    /// How many own edits wait for the server's answer.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn waiting(&mut self) -> Result<usize, StoreError> {
        unsent::count(self.connection, &self.record)
    }

    /// What stands on a shelf, in its order.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn notes<T: serde::de::DeserializeOwned>(
        &mut self,
        shelf: Shelf,
    ) -> Result<Vec<T>, StoreError> {
        notes::load(self.connection, self.key, &self.record, shelf)
    }

    /// Puts something on a shelf, in place of what had the same name there.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn put_note<T: Serialize>(
        &mut self,
        shelf: Shelf,
        name: &[u8],
        place: i64,
        note: &T,
    ) -> Result<(), StoreError> {
        let note = codec::to_cbor(note);
        notes::put(
            self.connection,
            self.key,
            &self.record,
            shelf,
            name,
            place,
            &note,
        )
    }

    /// Takes something off a shelf.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn remove_note(&mut self, shelf: Shelf, name: &[u8]) -> Result<(), StoreError> {
        notes::remove(self.connection, self.key, &self.record, shelf, name)
    }

    /// Empties a shelf.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn clear(&mut self, shelf: Shelf) -> Result<(), StoreError> {
        notes::clear(self.connection, &self.record, shelf)
    }

    fn row(&self, entry: &EntryId) -> RowKey {
        self.key.row("entries", &[entry.as_bytes()])
    }

    fn aad_row(&self, row: &[u8]) -> Vec<u8> {
        [&self.record[..], row].concat()
    }

    fn open_view(&self, row: &[u8], sealed: &[u8]) -> Result<EntryView, StoreError> {
        let row = self.aad_row(row);
        Ok(codec::from_cbor(&self.key.open(VIEW.at(&row), sealed)?)?)
    }
}

impl Entries for RecordRows<'_> {
    type Error = StoreError;

    fn load(&mut self, entry: &EntryId) -> Result<Option<LocalEntry>, StoreError> {
        let row = self.row(entry);
        let sealed: Option<Vec<u8>> = entries::table
            .find((&self.record[..], &row[..]))
            .select(entries::document)
            .first(self.connection)
            .optional()?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let row = self.aad_row(&row);
        let bytes = self.key.open(DOCUMENT.at(&row), &sealed)?;
        Ok(Some(LocalEntry::from_bytes(&bytes)?))
    }

    fn store(&mut self, entry: &EntryId, local: &LocalEntry) -> Result<(), StoreError> {
        let row = self.row(entry);
        let aad = self.aad_row(&row);
        let view = merge::view(*entry, &local.state(), &local.provenance());
        let view = self.key.seal(VIEW.at(&aad), &codec::to_cbor(&view))?;
        let document = self.key.seal(DOCUMENT.at(&aad), &local.to_bytes())?;
        diesel::replace_into(entries::table)
            .values((
                entries::record.eq(&self.record[..]),
                entries::entry.eq(&row[..]),
                entries::generation.eq(clear(local.generation)),
                entries::view.eq(view),
                entries::document.eq(document),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    fn remove(&mut self, entry: &EntryId) -> Result<(), StoreError> {
        let row = self.row(entry);
        diesel::delete(entries::table.find((&self.record[..], &row[..])))
            .execute(self.connection)?;
        Ok(())
    }

    fn older_than(&mut self, generation: u64) -> Result<Vec<EntryId>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = entries::table
            .filter(entries::record.eq(&self.record[..]))
            .filter(entries::generation.lt(clear(generation)))
            .select((entries::entry, entries::view))
            .load(self.connection)?;
        rows.iter()
            .map(|(row, sealed)| Ok(self.open_view(row, sealed)?.id))
            .collect()
    }

    fn enqueue(&mut self, edit: &Unsent) -> Result<(), StoreError> {
        unsent::push(self.connection, self.key, &self.record, edit)
    }

    fn queue(&mut self, most: usize) -> Result<Vec<Unsent>, StoreError> {
        unsent::first(self.connection, self.key, &self.record, most)
    }

    fn unsent(&mut self, change: &ChangeHash) -> Result<Option<Unsent>, StoreError> {
        unsent::find(self.connection, self.key, &self.record, change)
    }

    fn dequeue(&mut self, change: &ChangeHash) -> Result<(), StoreError> {
        unsent::remove(self.connection, self.key, &self.record, change)
    }

    fn set_aside(&mut self, aside: &SetAside) -> Result<(), StoreError> {
        let place = aside.edit.origin.read().map_or(0, |origin| origin.at.0);
        self.put_note(Shelf::Aside, aside.change.as_bytes(), place, aside)
    }

    fn note_held(&mut self, held: &HeldEdit) -> Result<(), StoreError> {
        let change =
            sync_core::guard::inspect(&held.edit.change).map_err(|_| StoreError::Damaged)?;
        let place = held.received.millis();
        self.put_note(Shelf::Held, change.hash().as_bytes(), place, held)
    }
}

fn clear(generation: u64) -> i64 {
    i64::try_from(generation).unwrap_or(i64::MAX)
}

struct Column(&'static str);
const VIEW: Column = Column("entries.view");
const DOCUMENT: Column = Column("entries.document");

impl Column {
    fn at<'a>(&self, row: &'a [u8]) -> Place<'a> {
        Place {
            column: self.0,
            row,
        }
    }
}
