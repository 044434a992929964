//! A passkey: the `passkey` crate's authenticator and browser, keeping one passkey in memory.

use async_trait::async_trait;
use passkey::authenticator::{Authenticator as Device, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use serde_json::Value;
use url::Url;

/// Somebody's authenticator, as their browser sees it.
#[derive(Clone, Default)]
pub struct Authenticator {
    passkey: Option<Passkey>,
}

impl Authenticator {
    /// Makes a passkey as the page at `origin` asks; gives the credential's JSON.
    pub async fn create(&mut self, origin: &str, options: &Value) -> Value {
        let mut browser = Client::new(self.device()).allows_insecure_localhost(true);
        let options = serde_json::from_value(options.clone()).expect("creation options");
        let made = browser
            .register(&url(origin), options, DefaultClientData)
            .await
            .expect("the ceremony ends in a passkey");
        self.passkey = browser.authenticator().store().clone();
        serde_json::to_value(made).expect("a credential is JSON")
    }

    /// Signs the challenge of the page at `origin`; gives the assertion's JSON.
    pub async fn assert(&self, origin: &str, options: &Value) -> Value {
        let options = serde_json::from_value(options.clone()).expect("request options");
        let mut browser = Client::new(self.device()).allows_insecure_localhost(true);
        let asserted = browser
            .authenticate(&url(origin), options, DefaultClientData)
            .await
            .expect("the ceremony ends in an assertion");
        serde_json::to_value(asserted).expect("an assertion is JSON")
    }

    fn device(&self) -> Device<Option<Passkey>, Willing, RustCryptoBackend> {
        let passkey = self.passkey.clone();
        Device::new(Aaguid::new_empty(), passkey, Willing, RustCryptoBackend)
    }
}

/// The origin a browser states for a server on this machine, to which passkeys are bound.
fn url(origin: &str) -> Url {
    let mut url = Url::parse(origin).expect("an address");
    if url.host_str() == Some("127.0.0.1") {
        url.set_host(Some("localhost")).expect("a host name");
    }
    url
}

/// Is there, and says who they are.
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
