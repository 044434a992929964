//! The device.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::Profile;
use super::runtime::wait;
use crate::account::{self, Begun, Names};
use crate::device::{Device, lock};
use crate::driver::{Clock, HttpTransport, SystemClock, Transport};
use crate::error::{CarnetError, Error};
use crate::passkeys::Unlocking;
use crate::seal::{self, RowKey, row_text};
use crate::store::{ProfileCard, Store, StoreError};
use crate::vault::KeyVault;

/// How many ceremonies may be open at once; the oldest is forgotten first.
const OPEN_CEREMONIES: usize = 8;

/// Carnet on this device: profiles of people at servers, and the door to new ones.
#[derive(uniffi::Object)]
pub struct Carnet {
    device: Arc<Device>,
    ceremonies: Mutex<Vec<(String, Ceremony)>>,
}

/// A ceremony between its start and its finish.
enum Ceremony {
    /// With a server.
    Served(Begun),
    /// On this device alone.
    Unlocking(Unlocking),
}

impl std::fmt::Debug for Carnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Carnet(..)")
    }
}

/// A passkey ceremony that was begun.
#[derive(Clone, Debug, serde::Serialize, uniffi::Record)]
pub struct PasskeyCeremony {
    /// Names it when it is finished.
    pub id: String,
    /// What the platform's passkey call takes, as WebAuthn's JSON has it.
    pub options: String,
}

/// A profile as the sign-in screen lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct ProfileInfo {
    /// Names it on this device.
    pub id: String,
    /// The person's name.
    pub name: String,
    /// The person.
    pub person: String,
    /// Their verified profession.
    pub profession: Option<String>,
    /// The server's address.
    pub server: String,
    /// Whether it is locked.
    pub locked: bool,
    /// Whether [`Carnet::unlock`] opens it: nobody locked it, or it is one to look around with.
    pub left_open: bool,
}

impl ProfileInfo {
    pub(super) fn new(row: &RowKey, card: ProfileCard, locked: bool, left_open: bool) -> Self {
        let profession = card.profession.map(|known| known.as_str().to_owned());
        ProfileInfo {
            id: row_text(row),
            name: card.name,
            person: card.person.to_string(),
            profession,
            server: card.server,
            locked,
            left_open,
        }
    }
}

#[uniffi::export]
impl Carnet {
    /// Opens Carnet in a folder of the app's, or sets it up there. One object a folder and
    /// process.
    #[uniffi::constructor]
    pub fn open(folder: String, vault: Arc<dyn KeyVault>) -> Result<Arc<Self>, CarnetError> {
        let transport = Arc::new(HttpTransport::new());
        Self::with_network(Path::new(&folder), vault, transport, Arc::new(SystemClock))
    }

    /// Begins to make a passkey with a one-time code from the desk, a letter or an invitation.
    pub fn enrol_start(
        &self,
        server: String,
        code: String,
    ) -> Result<PasskeyCeremony, CarnetError> {
        let device = self.device.clone();
        let begun = wait(async move { account::enrol_start(&device, &server, &code).await })?;
        self.keep(Ceremony::Served(begun))
    }

    /// Ends enrolment with the credential that the platform made, and opens the profile. The names
    /// are those under which the person finds passkey and device in their lists.
    pub fn enrol_finish(
        &self,
        ceremony: String,
        credential: String,
        passkey_name: String,
        device_name: String,
    ) -> Result<Arc<Profile>, CarnetError> {
        self.finish(&ceremony, credential, passkey_name, device_name)
    }

    /// Begins to sign in, with whichever passkey the person chooses.
    pub fn sign_in_start(&self, server: String) -> Result<PasskeyCeremony, CarnetError> {
        let device = self.device.clone();
        let begun = wait(async move { account::sign_in_start(&device, &server).await })?;
        self.keep(Ceremony::Served(begun))
    }

    /// Ends signing in with the credential that the platform gave, and opens the profile of
    /// whoever's passkey it was.
    pub fn sign_in_finish(
        &self,
        ceremony: String,
        credential: String,
        device_name: String,
    ) -> Result<Arc<Profile>, CarnetError> {
        self.finish(&ceremony, credential, String::new(), device_name)
    }

    /// Makes a profile with a record of its own that stays on this device, to look around before
    /// enrolling. It is never sent anywhere.
    pub fn try_out(&self, name: String) -> Result<Arc<Profile>, CarnetError> {
        let row = account::try_out(&self.device, name)?;
        Ok(Profile::new(self.device.clone(), row))
    }

    /// The profiles on this device.
    pub fn profiles(&self) -> Result<Vec<ProfileInfo>, CarnetError> {
        let profiles = self.device.store().profiles()?;
        let info = |(row, card): (RowKey, ProfileCard)| -> Result<ProfileInfo, Error> {
            let locked = self.device.is_locked(&row);
            let left_open = card.server.is_empty() || self.device.is_left_open(&row)?;
            Ok(ProfileInfo::new(&row, card, locked, left_open))
        };
        Ok(profiles.into_iter().map(info).collect::<Result<_, _>>()?)
    }

    /// Opens a profile that was left open: after the app was closed, or when it was never locked.
    /// The vault gives out its key, or does not. One that was locked its person unlocks, with
    /// [`Carnet::unlock_start`]; a profile to look around with has nobody to ask for.
    pub fn unlock(&self, profile: String) -> Result<Arc<Profile>, CarnetError> {
        let row = row_of(&profile)?;
        if self.device.is_locked(&row) {
            let card = self.device.store().profile_card(&row)?;
            let to_look_around = card.ok_or(CarnetError::NotFound)?.server.is_empty();
            if !to_look_around && !self.device.is_left_open(&row)? {
                return Err(CarnetError::Locked);
            }
            self.device.unlock(&row)?;
        }
        Ok(Profile::new(self.device.clone(), row))
    }

    /// Begins to unlock a profile with a passkey of its person, without the server. Where this device
    /// knows none of their passkeys, they have to sign in.
    pub fn unlock_start(&self, profile: String) -> Result<PasskeyCeremony, CarnetError> {
        let row = row_of(&profile)?;
        let card = self.device.store().profile_card(&row)?;
        let card = card.ok_or(CarnetError::NotFound)?;
        if card.passkeys.known.is_empty() {
            return Err(CarnetError::SignInNeeded);
        }
        let unlocking = Unlocking::start(row, card.person, card.passkeys);
        self.keep(Ceremony::Unlocking(unlocking.map_err(Error::from)?))
    }

    /// Ends unlocking with the credential that the platform gave: the device checks that it is of
    /// this profile's person, verified, and made for this ceremony. On a shared device the app
    /// locks the profile of whoever leaves.
    pub fn unlock_finish(
        &self,
        ceremony: String,
        credential: String,
    ) -> Result<Arc<Profile>, CarnetError> {
        let Ceremony::Unlocking(unlocking) = self.take(&ceremony)? else {
            return Err(CarnetError::NotFound);
        };
        unlocking.finish(&credential)?;
        self.device.unlock(&unlocking.row)?;
        Ok(Profile::new(self.device.clone(), unlocking.row))
    }

    /// Locks a profile: nothing of it can be read until its person unlocks it or signs in.
    pub fn lock(&self, profile: String) -> Result<(), CarnetError> {
        Ok(self.device.lock(&row_of(&profile)?)?)
    }

    /// Stays offline until told otherwise; remembered.
    pub fn set_offline(&self, offline: bool) -> Result<(), CarnetError> {
        Ok(self.device.set_offline(offline)?)
    }

    /// Whether it stays offline by choice.
    pub fn is_offline(&self) -> bool {
        self.device.is_offline()
    }

    /// Removes a profile with its records from this device: its key first. Edits not yet sent are
    /// lost with it.
    pub fn remove_profile(&self, profile: String) -> Result<(), CarnetError> {
        let row = row_of(&profile)?;
        self.device.lock(&row)?;
        self.device
            .store()
            .remove_profile(&row, self.device.vault())?;
        Ok(())
    }

    /// Destroys everything on this device, whatever the state of its store: the keys first, so
    /// that what is left is noise. The object cannot be used afterwards; open anew.
    pub fn wipe(&self) -> Result<(), CarnetError> {
        let mut rows = self.device.forget_keys();
        let vault = self.device.vault();
        let mut store = self.device.store();
        let folder = store.folder().to_owned();
        // A damaged store does not name them all; what a key opens is destroyed below.
        rows.extend(store.profile_rows().unwrap_or_default());
        let removed: Vec<_> = rows
            .iter()
            .map(|row| store.remove_profile(row, vault))
            .collect();
        Store::destroy(&folder, vault)?;
        for result in removed {
            if let Err(error @ StoreError::Vault(_)) = result {
                return Err(error.into());
            }
        }
        Ok(())
    }
}

/// Destroys everything in a folder of the app's that [`Carnet::open`] does not open; otherwise as
/// [`Carnet::wipe`], which also forgets the keys of the profiles.
#[uniffi::export]
pub fn wipe_folder(folder: String, vault: Arc<dyn KeyVault>) -> Result<(), CarnetError> {
    Ok(Store::destroy(Path::new(&folder), &*vault)?)
}

impl Carnet {
    /// Opens Carnet over a network and a clock of the caller's.
    ///
    /// # Errors
    /// When the store does not open.
    pub fn with_network(
        folder: &Path,
        vault: Arc<dyn KeyVault>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, CarnetError> {
        let mut seed = [0; 8];
        seal::fill(&mut seed).map_err(Error::from)?;
        let seed = u64::from_le_bytes(seed);
        let device = Device::open(folder, vault, transport, clock, seed)?;
        Ok(Arc::new(Carnet {
            device: Arc::new(device),
            ceremonies: Mutex::default(),
        }))
    }

    /// The device beneath.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    fn keep(&self, ceremony: Ceremony) -> Result<PasskeyCeremony, CarnetError> {
        let id = self.device.random_name()?;
        let options = match &ceremony {
            Ceremony::Served(begun) => begun.options.clone(),
            Ceremony::Unlocking(unlocking) => unlocking.options.clone(),
        };
        let mut ceremonies = lock(&self.ceremonies);
        if ceremonies.len() == OPEN_CEREMONIES {
            ceremonies.remove(0);
        }
        ceremonies.push((id.clone(), ceremony));
        Ok(PasskeyCeremony { id, options })
    }

    /// A ceremony that was begun; it is finished once.
    fn take(&self, id: &str) -> Result<Ceremony, CarnetError> {
        let mut ceremonies = lock(&self.ceremonies);
        let at = ceremonies.iter().position(|(begun, _)| begun == id);
        Ok(ceremonies.remove(at.ok_or(CarnetError::NotFound)?).1)
    }

    fn finish(
        &self,
        ceremony: &str,
        credential: String,
        passkey: String,
        device_name: String,
    ) -> Result<Arc<Profile>, CarnetError> {
        let Ceremony::Served(begun) = self.take(ceremony)? else {
            return Err(CarnetError::NotFound);
        };
        let device = self.device.clone();
        let row = wait(async move {
            let names = Names {
                device: &device_name,
                passkey: &passkey,
            };
            account::finish(&device, begun, &credential, &names).await
        })?;
        Ok(Profile::new(self.device.clone(), row))
    }
}

fn row_of(name: &str) -> Result<RowKey, Error> {
    let bytes = u128::from_str_radix(name, 16).map_err(|_| Error::Store(StoreError::Absent))?;
    Ok(bytes.to_be_bytes())
}
