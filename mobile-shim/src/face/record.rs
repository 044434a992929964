//! A record: reading, adding, editing. None of it needs a network.

use std::sync::Arc;

use sync_core::entry::Write;
use sync_core::kind::{CommonPatch, Draft, Patch, Status, StatusCode};
use sync_core::merge::EntryView;
use sync_core::replica::Lacks;
use sync_core::{ChangeHash, EntryId, RecordId, Tick};

use super::edits::Details;
use super::listen::Changes;
use super::show::Names;
use super::{ChangeListener, Entry, EntryLine, WatchHandle};
use crate::decisions::{self, changes_who_sees};
use crate::device::Device;
use crate::driver::token;
use crate::error::{CarnetError, Error};
use crate::people;
use crate::permits::Permits;
use crate::seal::RowKey;
use crate::store::{Shelf, StoreError, Unlocked, Views};

/// A record, as one person opens it on this device.
#[derive(Debug, uniffi::Object)]
pub struct Record {
    pub(super) device: Arc<Device>,
    row: RowKey,
    pub(super) record: RecordId,
}

/// Where a record stands on this device.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct RecordState {
    /// How many entries are here.
    pub entries: u64,
    /// Own edits that wait to be sent.
    pub waiting: u64,
    /// Own edits that did not become part of the record.
    pub set_aside: u64,
    /// Up to when, by the server's clock, this device has seen the record; nothing before the
    /// first sync.
    pub seen_until: Option<i64>,
    /// What this device may lack: before it first had all of the record, and while all comes again
    /// because rights changed, the record was opened again, or the server was put back.
    pub lacks: Option<Lacking>,
    /// Whether the sign-in stands, as far as this device knows.
    pub signed_in: bool,
    /// Whether the device stays offline by choice.
    pub offline: bool,
}

/// What of a record has not come, or not come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, uniffi::Enum)]
#[serde(rename_all = "kebab-case")]
pub enum Lacking {
    /// Vital entries, perhaps: that none is shown, of allergies say, does not say that there is none.
    Vital,
    /// Others only: all vital entries have come.
    Others,
}

impl From<Lacks> for Lacking {
    fn from(lacks: Lacks) -> Self {
        match lacks {
            Lacks::Vital => Lacking::Vital,
            Lacks::Others => Lacking::Others,
        }
    }
}

impl Record {
    pub(super) fn new(device: Arc<Device>, row: RowKey, record: RecordId) -> Arc<Self> {
        Arc::new(Record {
            device,
            row,
            record,
        })
    }

    pub(super) fn profile(&self) -> Result<Arc<Unlocked>, Error> {
        self.device.profile(&self.row)
    }

    /// The record.
    pub fn id(&self) -> RecordId {
        self.record
    }

    /// The views of all entries here, in the order they were created.
    ///
    /// # Errors
    /// When the profile is locked or the store is broken.
    pub fn views(&self) -> Result<Arc<Views>, CarnetError> {
        let profile = self.profile()?;
        let mut store = self.device.store();
        Ok(store.views(&profile, &self.record)?)
    }

    /// Creates an entry.
    ///
    /// # Errors
    /// When a field cannot stand, the profile is locked or the store is broken.
    pub fn add(&self, draft: &Draft) -> Result<EntryId, CarnetError> {
        let writes = draft.writes().map_err(Error::from)?;
        let entry = self.device.new_entry_id()?;
        self.write(entry, &writes)?;
        Ok(entry)
    }

    /// Edits an entry that is here.
    ///
    /// # Errors
    /// When a field cannot stand, nothing would change, or there is no such entry.
    pub fn edit(&self, entry: EntryId, patch: &Patch) -> Result<(), CarnetError> {
        self.write_into(entry, &patch.writes().map_err(Error::from)?)
    }

    /// Writes into an entry that is here.
    pub(super) fn write_into(&self, entry: EntryId, writes: &[Write]) -> Result<(), CarnetError> {
        self.carry_out(true, &[(entry, writes)], &[])
    }

    /// Writes raw fields of an entry; what drafts and edits come down to.
    ///
    /// # Errors
    /// When nothing would change, the profile is locked or the store is broken.
    pub fn write(&self, entry: EntryId, writes: &[Write]) -> Result<(), CarnetError> {
        self.carry_out(false, &[(entry, writes)], &[])
    }

    /// Writes entries in one step, citing the held changes that it takes up. What was decided on an
    /// entry that it hides is hidden with it. `there` says that the entries must be here.
    pub(super) fn carry_out(
        &self,
        there: bool,
        edits: &[(EntryId, &[Write])],
        cites: &[ChangeHash],
    ) -> Result<(), CarnetError> {
        let profile = self.profile()?;
        let hides = changes_who_sees(edits.iter().flat_map(|(_, writes)| *writes));
        let permits = match hides {
            true => Some(Permits::of(&self.device, &profile, &self.record)?),
            false => None,
        };
        self.device.edit(&profile, &self.record, |editing| {
            for (entry, writes) in edits {
                if there {
                    editing.view(entry)?;
                }
                editing.write(*entry, writes, cites.to_vec())?;
            }
            let edited: Vec<EntryId> = edits.iter().map(|(entry, _)| *entry).collect();
            match &permits {
                Some((permits, views)) => decisions::hide(editing, permits, views, &edited),
                None => Ok(()),
            }
        })?;
        Ok(())
    }

    pub(super) fn names(&self, profile: &Unlocked) -> Result<Names, Error> {
        let mut store = self.device.store();
        Ok(Names(people::names(&mut store, profile, &self.record)?))
    }

    pub(super) fn set(&self, entry: &str, patch: CommonPatch) -> Result<(), CarnetError> {
        self.edit(entry_id(entry)?, &Patch::Any(patch))
    }
}

#[uniffi::export]
impl Record {
    /// All entries this person may see, in the order they were created; those entered in error are
    /// left out unless asked for.
    #[uniffi::method(default(with_errors = false))]
    pub fn entries(&self, with_errors: bool) -> Result<Vec<Entry>, CarnetError> {
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let views = self.views()?;
        let today = self.device.today();
        let shown = views.shown().filter(|view| with_errors || !view.in_error());
        let cast = |view: &EntryView| names.linked(view, &views.cast_on(&view.id, today));
        Ok(shown.map(cast).collect())
    }

    /// A line for each entry this person may see, in the order they were created: what a list on
    /// the screen needs, and quick with thousands. Those entered in error are left out unless
    /// asked for.
    #[uniffi::method(default(with_errors = false))]
    pub fn list(&self, with_errors: bool) -> Result<Vec<EntryLine>, CarnetError> {
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let views = self.views()?;
        let today = self.device.today();
        let shown = views.shown().filter(|view| with_errors || !view.in_error());
        let line = |view: &EntryView| names.line(view, &views.cast_on(&view.id, today));
        Ok(shown.map(line).collect())
    }

    /// One entry.
    pub fn entry(&self, id: String) -> Result<Entry, CarnetError> {
        let entry = entry_id(&id)?;
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let views = self.views()?;
        let view = views.find_shown(&entry).ok_or(CarnetError::NotFound)?;
        Ok(names.linked(view, &views.cast_on(&entry, self.device.today())))
    }

    /// Where the record stands on this device.
    pub fn state(&self) -> Result<RecordState, CarnetError> {
        let profile = self.profile()?;
        let signed_in = token(&self.device, &profile).is_ok();
        let mut store = self.device.store();
        let head = store.head(&profile, &self.record)?;
        let entries = store.views(&profile, &self.record)?.len() as u64;
        let mut rows = store.rows(&profile, &self.record);
        let aside: Vec<sync_core::replica::SetAside> = rows.notes(Shelf::Aside)?;
        Ok(RecordState {
            entries,
            waiting: rows.waiting()? as u64,
            set_aside: aside.len() as u64,
            seen_until: head.seen_until().map(Tick::millis),
            lacks: head.lacks.map(Lacking::from),
            signed_in,
            offline: self.device.is_offline(),
        })
    }

    /// Chooses the role in which the person acts on this record from now on, among those that
    /// [`super::RecordInfo`] names; remembered. A physician who also looks after a relative acts as
    /// one or the other.
    pub fn act_as(&self, role: String) -> Result<(), CarnetError> {
        let profile = self.profile()?;
        let chosen = self
            .device
            .store()
            .act_as(&profile, &self.record, &role.into());
        chosen.map_err(|error| match error {
            StoreError::Absent => Error::NotPermitted { reason: "no-right" }.into(),
            error => error.into(),
        })
    }

    /// Tells a listener of entries that change, until the handle is stopped.
    pub fn watch(
        &self,
        listener: Arc<dyn ChangeListener>,
    ) -> Result<Arc<WatchHandle>, CarnetError> {
        self.profile()?;
        let listener = Arc::new(Changes(listener));
        let guard = self.device.watch(self.row, self.record, listener);
        Ok(WatchHandle::new(guard))
    }

    /// Creates an entry of any kind from JSON: the draft's members and `"kind"`.
    pub fn add_json(&self, draft: String) -> Result<String, CarnetError> {
        let draft: Draft =
            serde_json::from_str(&draft).map_err(|_| Error::Argument { field: "draft" })?;
        Ok(self.add(&draft)?.to_string())
    }

    /// Edits an entry of any kind from JSON: what changes, and `"kind"`; `"any"` for what every
    /// entry carries.
    pub fn edit_json(&self, entry: String, patch: String) -> Result<(), CarnetError> {
        let patch: Patch =
            serde_json::from_str(&patch).map_err(|_| Error::Argument { field: "patch" })?;
        self.edit(entry_id(&entry)?, &patch)
    }

    /// Edits what every entry carries.
    pub fn edit_details(&self, entry: String, details: Details) -> Result<(), CarnetError> {
        let patch = details.patch()?;
        self.set(&entry, patch)
    }

    /// Sets the status of an entry: `active`, `inactive`, `resolved`, `refuted`, `stopped`,
    /// `entered-in-error` …, with the reason in words. Nothing is deleted, but by `wrong-patient`:
    /// said by a physician, midwife or dentist within competence, or by the entry's author where
    /// nobody else wrote, it destroys the entry for good and everywhere once it is synced. Ask
    /// first; [`Record::wrong_patient`] tells what will come of it.
    #[uniffi::method(default(reason = None))]
    pub fn set_status(
        &self,
        entry: String,
        status: String,
        reason: Option<String>,
    ) -> Result<(), CarnetError> {
        let code = StatusCode::from(status);
        let status = match reason {
            Some(reason) => Status::because(code, reason),
            None => code.into(),
        };
        self.set(
            &entry,
            CommonPatch {
                status: Some(status),
                ..CommonPatch::default()
            },
        )
    }

    /// Hides an entry (*masquer*) from everyone but its author, the treating physician and
    /// administrators. As with every edit that hides, what was decided on it in the to-review list
    /// is hidden with it.
    pub fn hide(&self, entry: String) -> Result<(), CarnetError> {
        self.set(&entry, hidden(true))
    }

    /// Shows a hidden entry again.
    pub fn unhide(&self, entry: String) -> Result<(), CarnetError> {
        self.set(&entry, hidden(false))
    }
}

/// An entry's identifier as an app has it.
pub(super) fn entry_id(id: &str) -> Result<EntryId, CarnetError> {
    id.trim().parse().map_err(|_| CarnetError::NotFound)
}

fn hidden(hidden: bool) -> CommonPatch {
    CommonPatch {
        hidden_from_professionals: Some(hidden),
        ..CommonPatch::default()
    }
}
