//! Edits of a record, made on this device.

use sync_core::entry::Write;
use sync_core::merge::{self, EntryView};
use sync_core::replica::{Author, Entries as _, ReplicaHead};
use sync_core::{ChangeHash, DeviceTime, EntryId, RecordId};

use super::Device;
use crate::error::Error;
use crate::store::{RecordRows, Unlocked};

/// Edits of a record in the making.
pub struct Editing<'e, 'r> {
    head: &'e mut ReplicaHead,
    rows: &'e mut RecordRows<'r>,
    author: &'e Author,
    at: DeviceTime,
    changed: &'e mut Vec<EntryId>,
}

impl Editing<'_, '_> {
    /// Writes an entry, which is created if it is not there.
    ///
    /// # Errors
    /// When nothing would change, or the store is broken.
    pub fn write(
        &mut self,
        entry: EntryId,
        writes: &[Write],
        cites: Vec<ChangeHash>,
    ) -> Result<ChangeHash, Error> {
        let (author, at) = (self.author, self.at);
        let change = self
            .head
            .edit(self.rows, author, entry, writes, cites, at)?;
        self.changed.push(entry);
        Ok(change)
    }

    /// The view of an entry as it stands.
    ///
    /// # Errors
    /// When there is no such entry, or the store is broken.
    pub fn view(&mut self, entry: &EntryId) -> Result<EntryView, Error> {
        self.rows.view(entry)?.ok_or(Error::Absent)
    }

    /// Whether what is said of an entry now destroys its content for good, once it is synced.
    ///
    /// # Errors
    /// When there is no such entry, or the store is broken.
    pub fn destroys(&mut self, entry: &EntryId) -> Result<bool, Error> {
        let local = self.rows.load(entry)?.ok_or(Error::Absent)?;
        Ok(merge::destroys(&local.state(), &local.provenance()))
    }
}

impl Device {
    /// Edits a record: everything `call` writes is one transaction. Tells whoever watches, and the
    /// line that carries own edits to the server.
    ///
    /// # Errors
    /// What `call` returns; nothing is then kept.
    pub fn edit<T>(
        &self,
        profile: &Unlocked,
        record: &RecordId,
        call: impl FnOnce(&mut Editing<'_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut changed = Vec::new();
        let result = self.transact(profile, record, &mut changed, call)?;
        self.tell(profile, record, &changed, &[]);
        self.lane(profile, record).edited.notify_one();
        Ok(result)
    }

    /// Makes edits as [`Device::edit`] does, looks at what came of them, and lets nothing of them
    /// stay.
    ///
    /// # Errors
    /// What `call` returns.
    pub fn rehearse<T>(
        &self,
        profile: &Unlocked,
        record: &RecordId,
        call: impl FnOnce(&mut Editing<'_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut seen = None;
        let undone = self.transact(profile, record, &mut Vec::new(), |editing| {
            seen = Some(call(editing)?);
            Err::<(), _>(Error::Cancelled)
        });
        match (seen, undone) {
            (Some(seen), _) => Ok(seen),
            (None, Err(error)) => Err(error),
            // It never ends well.
            (None, Ok(())) => Err(Error::Cancelled),
        }
    }

    fn transact<T>(
        &self,
        profile: &Unlocked,
        record: &RecordId,
        changed: &mut Vec<EntryId>,
        call: impl FnOnce(&mut Editing<'_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let at = self.clock.now();
        let mut store = self.store();
        let author = store.author(profile, record)?;
        store.with_replica(profile, record, |head, rows| {
            call(&mut Editing {
                head,
                rows,
                author: &author,
                at,
                changed,
            })
        })
    }
}
