//! Somebody's authenticator: the `passkey` crate's, keeping one passkey in memory.

use async_trait::async_trait;
use passkey::authenticator::{Authenticator as Device, UiHint, UserCheck, UserValidationMethod};
use passkey::client::{Client, DefaultClientData};
use passkey::crypto::rust_crypto::RustCryptoBackend;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error};
use serde_json::{Value, json};
use url::Url;

/// Where the tests' pages are.
pub const ORIGIN: &str = "http://localhost:8080";

/// An authenticator and the browser around it.
#[derive(Clone)]
pub struct Authenticator {
    /// The passkey it keeps.
    pub passkey: Option<Passkey>,
    /// The page the browser is on.
    pub origin: &'static str,
    /// Whether it counts its uses.
    pub counts: bool,
}

impl Default for Authenticator {
    fn default() -> Self {
        Self {
            passkey: None,
            origin: ORIGIN,
            counts: false,
        }
    }
}

impl Authenticator {
    /// Makes a passkey as asked; gives the credential's JSON.
    pub async fn create(&mut self, options: &Value) -> Value {
        let mut device = self.device();
        device.set_make_credentials_with_signature_counter(self.counts);
        let mut browser = Client::new(device).allows_insecure_localhost(true);
        let options = serde_json::from_value(options.clone()).expect("creation options");
        let origin = Url::parse(self.origin).expect("an origin");
        let made = browser
            .register(&origin, options, DefaultClientData)
            .await
            .expect("makes a passkey");
        self.passkey = browser.authenticator().store().clone();
        serde_json::to_value(made).expect("is JSON")
    }

    /// Signs a challenge; gives the assertion's JSON.
    pub async fn assert(&mut self, options: &Value) -> Value {
        let mut browser = Client::new(self.device()).allows_insecure_localhost(true);
        let options = serde_json::from_value(options.clone()).expect("request options");
        let origin = Url::parse(self.origin).expect("an origin");
        let asserted = browser
            .authenticate(&origin, options, DefaultClientData)
            .await
            .expect("signs");
        self.passkey = browser.authenticator().store().clone();
        serde_json::to_value(asserted).expect("is JSON")
    }

    /// Whether the options ask for a passkey that is discoverable and verifies its user.
    pub fn is_asked_rightly(options: &Value) -> bool {
        let selection = &options["publicKey"]["authenticatorSelection"];
        selection["residentKey"] == json!("required")
            && selection["requireResidentKey"] == json!(true)
            && selection["userVerification"] == json!("required")
    }

    fn device(&self) -> Device<Option<Passkey>, Willing, RustCryptoBackend> {
        let passkey = self.passkey.clone();
        Device::new(Aaguid::new_empty(), passkey, Willing, RustCryptoBackend)
    }
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
