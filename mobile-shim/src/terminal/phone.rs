//! A phone: Carnet, a vault of files, and the software authenticator, in one folder.

use std::path::Path;
use std::sync::Arc;

use sync_core::kind::Kind;
use thiserror::Error;

use super::{AuthenticatorError, SoftwareAuthenticator};
use crate::error::CarnetError;
use crate::face::{Carnet, Profile, wipe_folder};
use crate::vault::FileVault;

const AUTHENTICATOR: &str = "test-authenticator.cbor";
const VAULT: &str = "file-vault";
const PASSKEY: &str = "carnet-phone (test authenticator)";

/// What can go wrong with a phone.
#[derive(Debug, Error)]
pub enum PhoneError {
    /// Carnet.
    #[error(transparent)]
    Carnet(#[from] CarnetError),
    /// The authenticator.
    #[error(transparent)]
    Authenticator(#[from] AuthenticatorError),
    /// The folder.
    #[error("the folder of this phone cannot be used")]
    Folder(#[from] std::io::Error),
    /// A kind of entry that there is not.
    #[error("there is no such kind of entry; there are: {}", kinds())]
    UnknownKind,
    /// The person's right to the record has ended.
    #[error(
        "your right to this record has ended; edits of yours waiting: {waiting}, not taken: {set_aside}"
    )]
    Ended {
        /// How many own edits wait to be sent.
        waiting: u64,
        /// How many own edits did not become part of the record.
        set_aside: u64,
    },
    /// A name that means several things.
    #[error("several are called so: {}", which.join(", "))]
    Several {
        /// Each in a line that starts with what names it alone.
        which: Vec<String>,
    },
}

/// How a person asks for documents of all types.
pub(super) const DOCUMENTS: &str = "document";

/// The kinds of entries there are.
pub(super) fn kinds() -> String {
    let codes = Kind::ALL.iter().map(Kind::code);
    let codes: Vec<_> = codes.chain([DOCUMENTS, "document/…"]).collect();
    codes.join(", ")
}

/// A phone in a folder.
#[derive(Debug)]
pub struct Phone {
    /// What its app sees.
    pub carnet: Arc<Carnet>,
    /// Its passkeys; for tests only.
    pub authenticator: SoftwareAuthenticator,
    name: String,
}

impl Phone {
    /// Opens a phone, or takes a new one out of its box.
    ///
    /// # Errors
    /// When the folder cannot be used or the store does not open.
    pub fn open(folder: &Path) -> Result<Self, PhoneError> {
        std::fs::create_dir_all(folder)?;
        let vault = Arc::new(FileVault::open(folder.join(VAULT))?);
        let store = folder.to_str().ok_or(AuthenticatorError::File)?.to_owned();
        let name = folder.file_name().and_then(|name| name.to_str());
        Ok(Phone {
            carnet: Carnet::open(store, vault)?,
            authenticator: SoftwareAuthenticator::in_file(&folder.join(AUTHENTICATOR))?,
            name: name.unwrap_or("phone").chars().take(60).collect(),
        })
    }

    /// Makes a passkey with an enrolment code, and signs in.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub fn enrol(&self, server: &str, code: &str) -> Result<Arc<Profile>, PhoneError> {
        let ceremony = self
            .carnet
            .enrol_start(server.to_owned(), code.to_owned())?;
        let credential = self.authenticator.create(server, &ceremony.options)?;
        let (passkey, name) = (PASSKEY.to_owned(), self.name.clone());
        Ok(self
            .carnet
            .enrol_finish(ceremony.id, credential, passkey, name)?)
    }

    /// Signs in as `person` (an identifier), or with the passkey made last.
    ///
    /// # Errors
    /// When there is no such passkey, or the server cannot be reached or refuses.
    pub fn sign_in(&self, server: &str, person: Option<&str>) -> Result<Arc<Profile>, PhoneError> {
        let handle = match person {
            Some(person) => {
                let id: uuid::Uuid = person.parse().map_err(|_| AuthenticatorError::NoPasskey)?;
                Some(id.into_bytes())
            }
            None => None,
        };
        let ceremony = self.carnet.sign_in_start(server.to_owned())?;
        let handle = handle.as_ref().map(|bytes| &bytes[..]);
        let credential = self
            .authenticator
            .assert(server, &ceremony.options, handle)?;
        Ok(self
            .carnet
            .sign_in_finish(ceremony.id, credential, self.name.clone())?)
    }

    /// Destroys all that is on the phone in a folder, its passkeys too, whether it opens or not.
    ///
    /// # Errors
    /// When something could not be deleted.
    pub fn wipe(folder: &Path) -> Result<(), PhoneError> {
        match Phone::open(folder) {
            Ok(phone) => phone.carnet.wipe()?,
            Err(_) => {
                let vault = Arc::new(FileVault::open(folder.join(VAULT))?);
                let store = folder.to_str().ok_or(AuthenticatorError::File)?.to_owned();
                wipe_folder(store, vault)?;
            }
        }
        for file in [AUTHENTICATOR, super::cli::CHOICES] {
            match std::fs::remove_file(folder.join(file)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        Ok(std::fs::remove_dir_all(folder.join(VAULT))?)
    }
}
