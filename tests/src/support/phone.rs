//! Phones in this process: the library that apps embed, with a software authenticator.

use std::path::Path;
use std::sync::Arc;

use carnet_mobile::device::Device;
use carnet_mobile::error::{CarnetError, Error};
use carnet_mobile::face::{Carnet, Profile, ProfileInfo, Record, SyncResult};
use carnet_mobile::store::{Shelf, StoreError, Unlocked};
use carnet_mobile::terminal;
use ed25519_dalek::SigningKey;
use sync_core::entry::Write;
use sync_core::kind::{Draft, Patch};
use sync_core::merge::{EntryView, HeldForReview, ReviewItem};
use sync_core::replica::{Lacks, LocalEntry, SetAside};
use sync_core::sign::PublicKey;
use sync_core::sync::HeldEdit;
use sync_core::{EntryId, PersonId, RecordId};

use super::SupportError;
use crate::life::{Act, Deed, Life};

/// How many edits of a life are one transaction of the phone's store.
const CHUNK: usize = 500;

/// A phone or a tablet: a folder that `carnet-phone` opens as well.
#[derive(Clone, Debug)]
pub struct Phone(Arc<terminal::Phone>);

impl Phone {
    /// Opens a phone in a folder, or sets one up there.
    ///
    /// # Errors
    /// When its store or its files do not open.
    pub fn open(folder: &Path) -> Result<Self, SupportError> {
        Ok(Phone(Arc::new(terminal::Phone::open(folder)?)))
    }

    /// The library's object.
    pub fn carnet(&self) -> &Arc<Carnet> {
        &self.0.carnet
    }

    /// Makes a passkey with an enrolment code, and signs its person in.
    ///
    /// # Errors
    /// When the ceremony fails.
    pub fn enrol(&self, server: &str, code: &str) -> Result<Arc<Profile>, SupportError> {
        Ok(self.0.enrol(server, code)?)
    }

    /// Signs in with the passkey made last.
    ///
    /// # Errors
    /// When the ceremony fails.
    pub fn sign_in(&self, server: &str) -> Result<Arc<Profile>, SupportError> {
        Ok(self.0.sign_in(server, None)?)
    }

    /// Unlocks a profile with its person's passkey, without the server.
    ///
    /// # Errors
    /// When the ceremony fails.
    pub fn unlock(&self, profile: &ProfileInfo) -> Result<Arc<Profile>, SupportError> {
        Ok(self.0.unlock(profile)?)
    }

    /// Stays offline, or goes online again.
    ///
    /// # Errors
    /// When its store is broken.
    pub fn set_offline(&self, offline: bool) -> Result<(), SupportError> {
        Ok(self.carnet().set_offline(offline)?)
    }

    /// One person's copy of a record on this phone, after asking the server which there are.
    ///
    /// # Errors
    /// When the server does not open the record to this person.
    pub fn copy(&self, profile: &Profile, record: RecordId) -> Result<Copy, SupportError> {
        profile.refresh_records()?;
        let info = profile.info()?;
        let person: PersonId = info
            .person
            .parse()
            .map_err(|_| SupportError::Missing("a person in the profile"))?;
        let device = self.carnet().device();
        let rows = device.store().profiles().map_err(Error::from);
        let rows = rows.map_err(CarnetError::from)?;
        let row = rows.iter().find(|(_, card)| card.person == person);
        let (row, _) = row.ok_or(SupportError::Missing("a profile on the phone"))?;
        Ok(Copy {
            device: device.clone(),
            profile: device.profile(row).map_err(CarnetError::from)?,
            record: profile.record(record.to_string())?,
            person,
        })
    }
}

/// One person's copy of one record on one device.
#[derive(Clone, Debug)]
pub struct Copy {
    device: Arc<Device>,
    profile: Arc<Unlocked>,
    /// The library's object.
    pub record: Arc<Record>,
    /// Whose copy it is.
    pub person: PersonId,
}

impl Copy {
    /// Creates an entry.
    ///
    /// # Errors
    /// When the draft cannot stand, or the store is broken.
    pub fn add(&self, draft: impl Into<Draft>) -> Result<EntryId, SupportError> {
        Ok(self.record.add(&draft.into())?)
    }

    /// Edits an entry.
    ///
    /// # Errors
    /// When the patch cannot stand or changes nothing, or the store is broken.
    pub fn edit(&self, entry: EntryId, patch: impl Into<Patch>) -> Result<(), SupportError> {
        Ok(self.record.edit(entry, &patch.into())?)
    }

    /// Syncs.
    ///
    /// # Errors
    /// When the server stays away or refuses.
    pub fn sync(&self) -> Result<SyncResult, SupportError> {
        Ok(self.record.sync_now(None, None)?)
    }

    /// What of the record has not come yet.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn lacks(&self) -> Result<Option<Lacks>, SupportError> {
        let record = self.record.id();
        let head = self.device.store().head(&self.profile, &record);
        Ok(head.map_err(broken)?.lacks)
    }

    /// What its person sees.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn views(&self) -> Result<Vec<EntryView>, SupportError> {
        Ok(self.record.views()?.to_vec())
    }

    /// An entry with all its changes.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn entry(&self, entry: &EntryId) -> Result<Option<LocalEntry>, SupportError> {
        let mut store = self.device.store();
        let mut rows = store.rows(&self.profile, &self.record.id());
        Ok(sync_core::replica::Entries::load(&mut rows, entry).map_err(broken)?)
    }

    /// What has to be settled, the most dangerous first.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn to_review(&self) -> Result<Vec<ReviewItem>, SupportError> {
        Ok(self.record.review_items()?.to_vec())
    }

    /// Edits that the server holds and told this copy of, and that nobody decided on.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn held(&self) -> Result<Vec<HeldForReview>, SupportError> {
        let held: Vec<HeldEdit> = self.shelf(Shelf::Held)?;
        let read = HeldForReview::read_all(&held);
        read.map_err(|_| SupportError::Missing("a held edit that can be read"))
    }

    /// Own edits that did not become part of the record.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn aside(&self) -> Result<Vec<SetAside>, SupportError> {
        self.shelf(Shelf::Aside)
    }

    fn shelf<T: serde::de::DeserializeOwned>(&self, shelf: Shelf) -> Result<Vec<T>, SupportError> {
        let mut store = self.device.store();
        let mut rows = store.rows(&self.profile, &self.record.id());
        Ok(rows.notes(shelf).map_err(broken)?)
    }

    /// What signs its edits and its requests: the server's keys, the device's key, the token of the
    /// sign-in. For clients of the wire that are not this library.
    ///
    /// # Errors
    /// When nobody is signed in, or the store is broken.
    pub fn credentials(&self) -> Result<(Vec<PublicKey>, SigningKey, String), SupportError> {
        let secrets = self.device.store().secrets(&self.profile).map_err(broken)?;
        let key = secrets.device_key().map_err(broken)?;
        let session = secrets.session.ok_or(SupportError::Missing("a sign-in"))?;
        Ok((secrets.server_keys, key, session.token))
    }

    /// Makes edits in one transaction of the phone's store.
    ///
    /// # Errors
    /// When one of them would change nothing, or the store is broken; then none is made.
    pub fn write_all(&self, edits: &[(EntryId, Vec<Write>)]) -> Result<(), SupportError> {
        let record = self.record.id();
        let written = self.device.edit(&self.profile, &record, |editing| {
            for (entry, writes) in edits {
                editing.write(*entry, writes, Vec::new())?;
            }
            Ok(())
        });
        Ok(written.map_err(CarnetError::from)?)
    }

    /// Writes a life into the record, telling `progress` how many acts are written. Gives the
    /// names of its entries, by their numbers.
    ///
    /// # Errors
    /// When an act cannot stand, or the store is broken.
    pub fn write_life(
        &self,
        life: &Life,
        progress: impl Fn(usize),
    ) -> Result<Vec<EntryId>, SupportError> {
        let count = life.acts.iter().map(|act| act.entry + 1).max().unwrap_or(0);
        let new_name = |_| self.device.new_entry_id().map_err(CarnetError::from);
        let names: Vec<EntryId> = (0..count).map(new_name).collect::<Result<_, _>>()?;
        let edit = |act: &Act| {
            let writes = match &act.deed {
                Deed::Create(draft) => draft.writes(),
                Deed::Change(patch) => patch.writes(),
            };
            Ok((names[act.entry], writes?))
        };
        let mut written = 0;
        for acts in life.acts.chunks(CHUNK) {
            let edits: Result<Vec<_>, SupportError> = acts.iter().map(edit).collect();
            self.write_all(&edits?)?;
            written += acts.len();
            progress(written);
        }
        Ok(names)
    }
}

fn broken(error: StoreError) -> CarnetError {
    Error::from(error).into()
}
