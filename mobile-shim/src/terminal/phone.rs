//! A phone: Carnet, a vault of files, and the software authenticator, in one folder.

use std::path::Path;
use std::sync::Arc;

use sync_core::kind::Kind;
use thiserror::Error;

use super::values::Unfit;
use super::{AuthenticatorError, SoftwareAuthenticator, private};
use crate::error::CarnetError;
use crate::face::{Carnet, Profile, ProfileInfo, WrongPatient, wipe_folder};
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
    /// Nobody has a profile here yet.
    #[error("nobody is on this phone yet")]
    Empty,
    /// Nobody has shared a record with this person yet.
    #[error("no record has been shared with you yet")]
    NoRecord,
    /// Neither a person's identifier nor an RPPS number.
    #[error("that names nobody: a person is named by their identifier")]
    NotAPerson,
    /// Nothing has this name or identifier.
    #[error("nothing is called so")]
    NoneCalled,
    /// The to-review list has no such item, or the item no such side.
    #[error("the to-review list has no such item or side")]
    NoItem,
    /// The profile is one to look around with.
    #[error("this profile has no server")]
    NoServer,
    /// The person chose to stay offline.
    #[error("offline by choice")]
    StayingOffline,
    /// An edit that names nothing to change.
    #[error("say what to change")]
    NothingNamed,
    /// The entry would be marked as another patient's, and nobody confirmed what comes of that.
    #[error("this marks the entry as another patient's")]
    WrongPatient(WrongPatient),
    /// A person was to be named, and this is an entry.
    #[error("this names an entry, not a person")]
    NotAPersonButEntry,
    /// What is to be changed no entry of this kind has.
    #[error("an entry of this kind has no --{option}")]
    NotForThisKind {
        /// The option.
        option: String,
        /// The kind's code.
        kind: String,
    },
    /// What was typed after an option is no value of it.
    #[error("--{option} does not take this")]
    Unfit {
        /// The option.
        option: String,
        /// Why.
        why: Unfit,
    },
    /// What a new entry must have.
    #[error("missing: {}", options.join(", "))]
    Missing {
        /// The options.
        options: Vec<String>,
    },
    /// A document type that there is not.
    #[error("there is no such type of document")]
    UnknownDocumentType,
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

/// The kind of this code, if there is one.
pub(super) fn known_kind(code: &str) -> Result<&str, PhoneError> {
    let known = !matches!(Kind::from(code), Kind::Unknown(_));
    known.then_some(code).ok_or(PhoneError::UnknownKind)
}

/// A phone in a folder.
#[derive(Debug)]
pub struct Phone {
    /// What its app sees.
    pub carnet: Arc<Carnet>,
    /// Its passkeys; for tests only.
    pub authenticator: SoftwareAuthenticator,
    name: String,
    asks: Option<AskOwner>,
}

/// Asks the owner of a passkey, by name where it is known, whether it may be used: what stands here
/// for a fingerprint.
pub type AskOwner = fn(&str) -> bool;

impl Phone {
    /// Opens a phone, or takes a new one out of its box. Its folder and what is in it are closed to
    /// others.
    ///
    /// # Errors
    /// When the folder cannot be used or the store does not open.
    pub fn open(folder: &Path) -> Result<Self, PhoneError> {
        private::folder(folder)?;
        let vault = Arc::new(FileVault::open(folder.join(VAULT))?);
        let store = folder.to_str().ok_or(AuthenticatorError::File)?.to_owned();
        let name = folder.file_name().and_then(|name| name.to_str());
        let carnet = Carnet::open(store, vault)?;
        // Once more, for what was made just now.
        private::folder(folder)?;
        Ok(Phone {
            carnet,
            authenticator: SoftwareAuthenticator::in_file(&folder.join(AUTHENTICATOR))?,
            name: name.unwrap_or("phone").chars().take(60).collect(),
            asks: None,
        })
    }

    /// Asks the owner whenever a passkey is used. Without this, nobody is asked.
    #[must_use]
    pub fn ask_owner(self, asks: AskOwner) -> Self {
        let asks = Some(asks);
        Phone { asks, ..self }
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
        let handle = person.map(handle).transpose()?;
        let ceremony = self.carnet.sign_in_start(server.to_owned())?;
        let handle = handle.as_ref().map(|bytes| &bytes[..]);
        let profiles = self.carnet.profiles()?;
        let known = profiles
            .iter()
            .find(|one| Some(one.person.as_str()) == person);
        self.verify_owner(known.map_or("?", |one| &one.name))?;
        let credential = self
            .authenticator
            .assert(server, &ceremony.options, handle)?;
        Ok(self
            .carnet
            .sign_in_finish(ceremony.id, credential, self.name.clone())?)
    }

    /// Unlocks a profile with a passkey of its person, without the server. One to look around with
    /// has none, and needs none.
    ///
    /// # Errors
    /// When there is no such passkey, its owner does not let it be used, or the store is broken.
    pub fn unlock(&self, profile: &ProfileInfo) -> Result<Arc<Profile>, PhoneError> {
        if profile.server.is_empty() {
            return Ok(self.carnet.unlock(profile.id.clone())?);
        }
        let ceremony = self.carnet.unlock_start(profile.id.clone())?;
        let handle = handle(&profile.person)?;
        let (server, options) = (&profile.server, &ceremony.options);
        self.verify_owner(&profile.name)?;
        let credential = self.authenticator.assert(server, options, Some(&handle))?;
        Ok(self.carnet.unlock_finish(ceremony.id, credential)?)
    }

    fn verify_owner(&self, name: &str) -> Result<(), AuthenticatorError> {
        match self.asks {
            Some(asks) if !asks(name) => Err(AuthenticatorError::Denied),
            _ => Ok(()),
        }
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
        for file in [AUTHENTICATOR, super::here::CHOICES] {
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

/// The WebAuthn user handle of a person.
fn handle(person: &str) -> Result<[u8; 16], AuthenticatorError> {
    let id: uuid::Uuid = person.parse().map_err(|_| AuthenticatorError::NoPasskey)?;
    Ok(id.into_bytes())
}
