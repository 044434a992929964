//! A software authenticator for terminals and tests. **Not for people's records**: its passkeys are
//! plain bytes in a file, and whoever is there and says yes passes for their owner.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use passkey::authenticator::{
    Authenticator, CredentialStore, DiscoverabilitySupport, StoreInfo, UiHint, UserCheck,
    UserValidationMethod,
};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::coset::{CborSerializable as _, CoseKey};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::make_credential::{
    Options, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
};
use passkey::types::ctap2::{Aaguid, Ctap2Error, StatusCode};
use passkey::types::webauthn::{
    CredentialCreationOptions, CredentialRequestOptions, PublicKeyCredentialDescriptor,
};
use serde::{Deserialize, Serialize};
use sync_core::{Bytes, codec};
use url::Url;

use crate::device::lock;

/// Why the authenticator gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticatorError {
    /// The server's options cannot be read.
    #[error("the server's passkey options cannot be read")]
    Options,
    /// It has no passkey for this server.
    #[error("the test authenticator has no passkey for this server")]
    NoPasskey,
    /// The person did not let it be used.
    #[error("the passkey was not used: its owner did not say yes")]
    Denied,
    /// The ceremony failed.
    #[error("the passkey ceremony failed")]
    Failed,
    /// Its file cannot be read or written.
    #[error("the file of the test authenticator cannot be used")]
    File,
}

/// A software authenticator whose passkeys are kept in a file, or in memory only.
#[derive(Clone, Debug)]
pub struct SoftwareAuthenticator(Arc<Mutex<Shelf>>);

#[derive(Debug, Default)]
struct Shelf {
    passkeys: Vec<Kept>,
    file: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    key: Bytes,
    credential_id: Bytes,
    rp_id: String,
    user_handle: Option<Bytes>,
}

impl Default for SoftwareAuthenticator {
    fn default() -> Self {
        Self::in_memory()
    }
}

impl SoftwareAuthenticator {
    /// Keeps its passkeys in memory.
    pub fn in_memory() -> Self {
        SoftwareAuthenticator(Arc::default())
    }

    /// Keeps its passkeys in a file.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn in_file(file: &Path) -> Result<Self, AuthenticatorError> {
        let passkeys = match std::fs::read(file) {
            Ok(bytes) => codec::from_cbor(&bytes).map_err(|_| AuthenticatorError::File)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(_) => return Err(AuthenticatorError::File),
        };
        let file = Some(file.to_owned());
        Ok(SoftwareAuthenticator(Arc::new(Mutex::new(Shelf {
            passkeys,
            file,
        }))))
    }

    /// How many passkeys it has.
    pub fn len(&self) -> usize {
        lock(&self.0).passkeys.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a passkey: creation options in, credential out, both JSON as in the browser.
    ///
    /// # Errors
    /// When the options cannot be read or the ceremony fails.
    pub fn create(&self, server: &str, options: &str) -> Result<String, AuthenticatorError> {
        let options: CredentialCreationOptions = read(options)?;
        let origin = origin(server)?;
        let mut client = Client::new(self.authenticator(None)).allows_insecure_localhost(true);
        let made = block_on(client.register(&origin, options, DefaultClientData))?
            .map_err(|_| AuthenticatorError::Failed)?;
        serde_json::to_string(&made).map_err(|_| AuthenticatorError::Failed)
    }

    /// Signs in with the passkey of `person` (the WebAuthn user handle), or with the one made
    /// last: request options in, credential out, both JSON as in the browser.
    ///
    /// # Errors
    /// When there is no such passkey, the options cannot be read or the ceremony fails.
    pub fn assert(
        &self,
        server: &str,
        options: &str,
        person: Option<&[u8]>,
    ) -> Result<String, AuthenticatorError> {
        let options: CredentialRequestOptions = read(options)?;
        let origin = origin(server)?;
        let authenticator = self.authenticator(person.map(<[u8]>::to_vec));
        let mut client = Client::new(authenticator).allows_insecure_localhost(true);
        let asserted = block_on(client.authenticate(&origin, options, DefaultClientData))?;
        let asserted = asserted.map_err(|error| match error {
            passkey::client::WebauthnError::CredentialNotFound => AuthenticatorError::NoPasskey,
            _ => AuthenticatorError::Failed,
        })?;
        serde_json::to_string(&asserted).map_err(|_| AuthenticatorError::Failed)
    }

    fn authenticator(
        &self,
        person: Option<Vec<u8>>,
    ) -> Authenticator<Choosing, Willing, RustCryptoBackend> {
        let store = Choosing {
            shelf: self.clone(),
            person,
        };
        Authenticator::new(Aaguid::new_empty(), store, Willing, RustCryptoBackend)
    }
}

/// Options as the server gives them: `{"publicKey": …}`, or its content alone.
fn read<T: serde::de::DeserializeOwned>(options: &str) -> Result<T, AuthenticatorError> {
    let value: serde_json::Value =
        serde_json::from_str(options).map_err(|_| AuthenticatorError::Options)?;
    let value = if value.get("publicKey").is_some() {
        value
    } else {
        serde_json::json!({ "publicKey": value })
    };
    serde_json::from_value(value).map_err(|_| AuthenticatorError::Options)
}

/// The origin that a browser would state; a loopback address counts as `localhost`, which is what
/// passkeys are bound to there.
fn origin(server: &str) -> Result<Url, AuthenticatorError> {
    let mut url = Url::parse(server).map_err(|_| AuthenticatorError::Options)?;
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    if loopback {
        url.set_host(Some("localhost"))
            .map_err(|_| AuthenticatorError::Options)?;
    }
    Ok(url)
}

/// The ceremonies wait for nothing, but their functions are async.
fn block_on<T>(future: impl Future<Output = T> + Send) -> Result<T, AuthenticatorError>
where
    T: Send,
{
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => Ok(done),
        std::task::Poll::Pending => Err(AuthenticatorError::Failed),
    }
}

/// Says yes: whoever may say no was asked before ([`super::Phone::ask_owner`]).
struct Willing;

#[async_trait]
impl UserValidationMethod for Willing {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence,
            verification,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// The shelf, with the choice that a person makes on their screen already made.
struct Choosing {
    shelf: SoftwareAuthenticator,
    person: Option<Vec<u8>>,
}

#[async_trait]
impl CredentialStore for Choosing {
    type PasskeyItem = Passkey;

    async fn find_credentials(
        &self,
        ids: Option<&[PublicKeyCredentialDescriptor]>,
        rp_id: &str,
        _: Option<&[u8]>,
    ) -> Result<Vec<Passkey>, StatusCode> {
        let shelf = lock(&self.shelf.0);
        let allowed = |kept: &&Kept| match ids {
            Some(ids) if !ids.is_empty() => ids.iter().any(|id| *id.id == *kept.credential_id),
            _ => true,
        };
        let theirs = |kept: &&Kept| match (&self.person, &kept.user_handle) {
            (Some(person), Some(handle)) => **handle == **person,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let found: Option<Vec<Passkey>> = shelf
            .passkeys
            .iter()
            .rev()
            .filter(|kept| kept.rp_id == rp_id)
            .filter(allowed)
            .filter(theirs)
            .map(passkey)
            .collect();
        match found {
            Some(found) if !found.is_empty() => Ok(found),
            _ => Err(Ctap2Error::NoCredentials.into()),
        }
    }

    async fn save_credential(
        &mut self,
        made: Passkey,
        user: PublicKeyCredentialUserEntity,
        _: PublicKeyCredentialRpEntity,
        _: Options,
    ) -> Result<(), StatusCode> {
        let key = made.key.to_vec().map_err(|_| Ctap2Error::InvalidCbor)?;
        let mut shelf = lock(&self.shelf.0);
        shelf.passkeys.push(Kept {
            key: key.into(),
            credential_id: made.credential_id.to_vec().into(),
            rp_id: made.rp_id,
            user_handle: Some(user.id.to_vec().into()),
        });
        if let Some(file) = &shelf.file {
            super::private::write(file, &codec::to_cbor(&shelf.passkeys))
                .map_err(|_| Ctap2Error::KeyStoreFull)?;
        }
        Ok(())
    }

    async fn update_credential(&mut self, _: &Passkey) -> Result<(), StatusCode> {
        // Nothing to update: without a signature counter a passkey never changes.
        Ok(())
    }

    async fn get_info(&self) -> StoreInfo {
        StoreInfo {
            discoverability: DiscoverabilitySupport::Full,
        }
    }
}

fn passkey(kept: &Kept) -> Option<Passkey> {
    Some(Passkey {
        key: CoseKey::from_slice(&kept.key).ok()?,
        credential_id: kept.credential_id.to_vec().into(),
        rp_id: kept.rp_id.clone(),
        user_handle: kept
            .user_handle
            .as_ref()
            .map(|handle| handle.to_vec().into()),
        username: None,
        user_display_name: None,
        counter: None,
        extensions: Default::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_counts_as_localhost() {
        let stated = |server| origin(server).unwrap().to_string();
        assert_eq!(stated("http://127.0.0.1:8080"), "http://localhost:8080/");
        assert_eq!(stated("http://[::1]:8080"), "http://localhost:8080/");
        assert_eq!(stated("https://carnet.example"), "https://carnet.example/");
    }
}
