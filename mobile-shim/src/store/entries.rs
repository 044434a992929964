//! The entries of a record: what a replica keeps, and beside each the view that people read.
//!
//! A view is derived from its entry when that changes, so that opening a record reads views only
//! and loads no document. One that another version derived is derived anew.

use std::rc::Rc;

use diesel::prelude::*;
use serde::Serialize;
use sync_core::merge::{self, EntryView, HeldForReview};
use sync_core::replica::{AsideReason, Destroyed, Entries, LocalEntry, SetAside, Unsent};
use sync_core::sync::{Attestation, AttestationId, HeldEdit, Refusal};
use sync_core::{ChangeHash, EntryId, PersonId, codec};

use super::StoreError;
use super::notes::{self, Shelf};
use super::packed;
use super::schema::entries;
use super::views::Touched;
use super::{records, unsent};
use crate::driver::Cancel;
use crate::seal::{Place, RowKey, SealKey};

/// What derived a view: the rules and the format of views change with the version of this library,
/// or when this is counted up.
const FORMAT: i64 = format(concat!(env!("CARGO_PKG_VERSION"), "/11"));

/// The entries of one record, within one transaction.
pub struct RecordRows<'s> {
    connection: &'s mut SqliteConnection,
    key: &'s SealKey,
    record: RowKey,
    stop: Option<Cancel>,
    touched: Touched,
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
            stop: None,
            touched: Touched::default(),
        }
    }

    /// Whatever is read or written from now on fails once this is cancelled.
    pub fn stop_when(&mut self, cancel: Cancel) {
        self.stop = Some(cancel);
    }

    /// Notes that the server is to be asked anew what the person may do with the record.
    ///
    /// # Errors
    /// When the record is not here or the store is broken.
    pub fn doubt(&mut self) -> Result<(), StoreError> {
        records::doubt(self.connection, self.key, &self.record)
    }

    /// What was done to the record.
    pub(super) fn into_touched(self) -> Touched {
        self.touched
    }

    /// All views, in no order, and which of them another version had derived.
    pub(super) fn load_views(&mut self) -> Result<(Vec<EntryView>, Vec<EntryId>), StoreError> {
        let rows: Vec<(Vec<u8>, i64, Vec<u8>)> = entries::table
            .filter(entries::record.eq(&self.record[..]))
            .select((entries::entry, entries::format, entries::view))
            .load(self.connection)?;
        let (mut views, mut derived) = (Vec::with_capacity(rows.len()), Vec::new());
        for (row, format, sealed) in rows {
            let row = self.aad_row(&row);
            let opened = self.key.open(VIEW.at(&row), &sealed)?;
            let (entry, packed) = split(&opened)?;
            if format == FORMAT {
                views.extend(unpack(entry, packed)?);
            } else {
                views.extend(self.derive(&entry)?);
                derived.push(entry);
            }
        }
        Ok((views, derived))
    }

    /// The view of one entry.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn view(&mut self, entry: &EntryId) -> Result<Option<EntryView>, StoreError> {
        let row = self.row(entry);
        let kept: Option<(i64, Vec<u8>)> = entries::table
            .find((&self.record[..], &row[..]))
            .select((entries::format, entries::view))
            .first(self.connection)
            .optional()?;
        match kept {
            Some((FORMAT, sealed)) => {
                let row = self.aad_row(&row);
                let opened = self.key.open(VIEW.at(&row), &sealed)?;
                let (entry, packed) = split(&opened)?;
                unpack(entry, packed)
            }
            Some(_) => self.derive(entry),
            None => Ok(None),
        }
    }

    fn derive(&mut self, entry: &EntryId) -> Result<Option<EntryView>, StoreError> {
        Ok(self.load(entry)?.and_then(|local| shown(entry, &local)))
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

    /// The held edits nobody has decided on, not even with an edit the server has yet to answer.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn held_open(&mut self) -> Result<Vec<HeldForReview>, StoreError> {
        let held: Vec<HeldEdit> = self.notes(Shelf::Held)?;
        let mut open = Vec::new();
        for mut held in HeldForReview::read_all(&held)? {
            let local = self.load(&held.entry)?;
            let state = local.as_ref().map(LocalEntry::state);
            let provenance = local.map(|local| local.provenance()).unwrap_or_default();
            held.follow(&state.unwrap_or_default(), &provenance);
            let mut unanswered = provenance.values().filter(|made| made.accepted.is_none());
            if !unanswered.any(|made| made.origin.cites.contains(&held.change)) {
                open.push(held);
            }
        }
        Ok(open)
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
        self.touched.held |= shelf == Shelf::Held;
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
        self.touched.held |= shelf == Shelf::Held;
        notes::remove(self.connection, self.key, &self.record, shelf, name)
    }

    /// Empties a shelf.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn clear(&mut self, shelf: Shelf) -> Result<(), StoreError> {
        self.touched.held |= shelf == Shelf::Held;
        notes::clear(self.connection, &self.record, shelf)
    }

    /// Forgets all but own edits that were not sent, or not taken.
    pub(super) fn forget(&mut self, person: PersonId) -> Result<(), StoreError> {
        for entry in self.older_than(u64::MAX)? {
            match self.load(&entry)?.filter(LocalEntry::is_pending) {
                Some(mut local) => {
                    local.forgotten = true;
                    local.prove(|id| {
                        let kept = self.attestation(id)?;
                        Ok::<_, StoreError>(kept.map(Attestation::proofs).map(Rc::new))
                    })?;
                    self.store(&entry, &local)?;
                }
                None => self.remove(&entry)?,
            }
        }
        // What others wrote goes with the right, also what the server would not take back.
        for aside in self.notes::<SetAside>(Shelf::Aside)? {
            let mine = aside.edit.origin.read().is_ok_and(|o| o.author == person);
            if !mine {
                self.remove_note(Shelf::Aside, aside.change.as_bytes())?;
            }
        }
        for shelf in [
            Shelf::Held,
            Shelf::Log,
            Shelf::LostLog,
            Shelf::Matrix,
            Shelf::People,
            Shelf::Witness,
            Shelf::Destroyed,
            Shelf::Attestations,
        ] {
            self.clear(shelf)?;
        }
        Ok(())
    }

    fn row(&self, entry: &EntryId) -> RowKey {
        self.key.row("entries", &[entry.as_bytes()])
    }

    fn aad_row(&self, row: &[u8]) -> Vec<u8> {
        [&self.record[..], row].concat()
    }

    fn go_on(&self) -> Result<(), StoreError> {
        match &self.stop {
            Some(cancel) if cancel.is_cancelled() => Err(StoreError::Cancelled),
            _ => Ok(()),
        }
    }
}

impl RecordRows<'_> {
    /// Drops for good an edit that was set aside because its entry was destroyed; false when there
    /// is none of that name.
    pub fn drop_what_was_destroyed(&mut self, change: &ChangeHash) -> Result<bool, StoreError> {
        let destroyed = AsideReason::Refused(Refusal::Destroyed);
        let all: Vec<SetAside> = self.notes(Shelf::Aside)?;
        let mut all = all.iter();
        let found = all.any(|aside| aside.change == *change && aside.why == destroyed);
        if found {
            self.remove_note(Shelf::Aside, change.as_bytes())?;
            self.touched.destroyed = true;
        }
        Ok(found)
    }
}

impl Entries for RecordRows<'_> {
    type Error = StoreError;

    fn load(&mut self, entry: &EntryId) -> Result<Option<LocalEntry>, StoreError> {
        self.go_on()?;
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
        let view = shown(entry, local);
        let packed = view.as_ref().map(packed::pack).unwrap_or_default();
        let kept = [&entry.as_bytes()[..], &packed].concat();
        let sealed = self.key.seal(VIEW.at(&aad), &kept)?;
        let document = self.key.seal(DOCUMENT.at(&aad), &local.to_bytes())?;
        diesel::replace_into(entries::table)
            .values((
                entries::record.eq(&self.record[..]),
                entries::entry.eq(&row[..]),
                entries::generation.eq(clear(local.generation)),
                entries::format.eq(FORMAT),
                entries::view.eq(sealed),
                entries::document.eq(document),
            ))
            .execute(self.connection)?;
        self.touched.views.insert(*entry, view);
        Ok(())
    }

    fn remove(&mut self, entry: &EntryId) -> Result<(), StoreError> {
        let row = self.row(entry);
        diesel::delete(entries::table.find((&self.record[..], &row[..])))
            .execute(self.connection)?;
        self.touched.views.insert(*entry, None);
        Ok(())
    }

    fn older_than(&mut self, generation: u64) -> Result<Vec<EntryId>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = entries::table
            .filter(entries::record.eq(&self.record[..]))
            .filter(entries::generation.lt(clear(generation)))
            .select((entries::entry, entries::view))
            .load(self.connection)?;
        rows.iter()
            .map(|(row, sealed)| {
                let row = self.aad_row(row);
                Ok(split(&self.key.open(VIEW.at(&row), sealed)?)?.0)
            })
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

    fn aside(&mut self) -> Result<Vec<SetAside>, StoreError> {
        self.notes(Shelf::Aside)
    }

    fn take_up(&mut self, change: &ChangeHash) -> Result<(), StoreError> {
        self.remove_note(Shelf::Aside, change.as_bytes())
    }

    fn held(&mut self) -> Result<Vec<HeldEdit>, StoreError> {
        self.notes(Shelf::Held)
    }

    fn forget_held(&mut self, entry: &EntryId) -> Result<(), StoreError> {
        for held in self.notes::<HeldEdit>(Shelf::Held)? {
            if held.edit.entry == *entry {
                let change = held.change().map_err(|_| StoreError::Damaged)?;
                self.remove_note(Shelf::Held, change.as_bytes())?;
            }
        }
        Ok(())
    }

    fn note_destroyed(&mut self, destroyed: &Destroyed) -> Result<(), StoreError> {
        let known: Vec<Destroyed> = self.notes(Shelf::Destroyed)?;
        let known = known
            .into_iter()
            .find(|known| known.entry == destroyed.entry);
        let noted = known.map_or(*destroyed, |known| Destroyed {
            not_kept: known.not_kept + destroyed.not_kept,
            ..known
        });
        self.touched.destroyed = true;
        let (name, place) = (noted.entry.as_bytes(), noted.told.0);
        self.put_note(Shelf::Destroyed, name, place, &noted)
    }

    fn is_settled(&mut self, change: &ChangeHash) -> Result<bool, StoreError> {
        let held: Vec<HeldEdit> = self.notes(Shelf::Held)?;
        let mut settled = held.iter().filter(|held| held.settled.is_some());
        Ok(settled.any(|held| held.change().is_ok_and(|named| named == *change)))
    }

    fn note_held(&mut self, held: &HeldEdit) -> Result<(), StoreError> {
        let change =
            sync_core::guard::inspect(&held.edit.change).map_err(|_| StoreError::Damaged)?;
        let place = held.received.millis();
        self.put_note(Shelf::Held, change.hash().as_bytes(), place, held)
    }

    fn keep_attestation(
        &mut self,
        attestation: &Attestation,
        generation: u64,
    ) -> Result<(), StoreError> {
        let name = attestation.id();
        let place = clear(generation);
        self.put_note(Shelf::Attestations, name.as_bytes(), place, attestation)
    }

    fn attestation(&mut self, id: &AttestationId) -> Result<Option<Attestation>, StoreError> {
        let shelf = Shelf::Attestations;
        notes::find(
            self.connection,
            self.key,
            &self.record,
            shelf,
            id.as_bytes(),
        )
    }

    fn drop_attestations(&mut self, generation: u64) -> Result<(), StoreError> {
        let before = clear(generation);
        notes::drop_before(self.connection, &self.record, Shelf::Attestations, before)
    }
}

fn clear(generation: u64) -> i64 {
    i64::try_from(generation).unwrap_or(i64::MAX)
}

/// What people see of an entry: nothing of one that is here only for edits not answered yet.
fn shown(entry: &EntryId, local: &LocalEntry) -> Option<EntryView> {
    let view = || merge::view(*entry, &local.state(), &local.provenance());
    (!local.forgotten).then(view)
}

/// The name of an entry and what is kept of its view.
fn split(kept: &[u8]) -> Result<(EntryId, &[u8]), StoreError> {
    let (entry, packed) = kept.split_at_checked(16).ok_or(StoreError::Damaged)?;
    let entry = EntryId::from_slice(entry).ok_or(StoreError::Damaged)?;
    Ok((entry, packed))
}

/// A view, or nothing where none is kept since there is nothing to show.
fn unpack(entry: EntryId, packed: &[u8]) -> Result<Option<EntryView>, StoreError> {
    match packed {
        [] => Ok(None),
        packed => packed::unpack(entry, packed).map(Some),
    }
}

/// A number for a version: FNV-1a.
const fn format(version: &str) -> i64 {
    let (bytes, mut hash, mut at) = (version.as_bytes(), 0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash.cast_signed()
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
