//! Enrolling, signing in, and the device that signs edits.

use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Authenticator, Bytes, Encoding, Problem, Wire};

/// One person on one device of this client.
#[derive(Clone)]
pub struct WireDevice {
    /// The way to the server.
    pub wire: Wire,
    /// Their passkey.
    pub authenticator: Authenticator,
    /// The device's key.
    pub key: SigningKey,
    /// The session, once signed in.
    pub session: Session,
}

/// What the server answers to a finished ceremony.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    /// The bearer token.
    pub token: String,
    /// Names the session.
    pub session: Uuid,
    /// Who signed in.
    pub person: Uuid,
    /// The device that was registered.
    #[serde(default)]
    pub device: Option<Bytes>,
    /// The server's keys.
    pub server_keys: Vec<ServerKey>,
}

/// A key by which the server signs.
#[derive(Clone, Debug, Deserialize)]
pub struct ServerKey {
    /// Ed25519 public key.
    pub public_key: Bytes,
}

#[derive(Deserialize)]
struct Started {
    ceremony: Bytes,
    options: Value,
}

#[derive(Serialize)]
struct Finish<'f> {
    ceremony: &'f Bytes,
    credential: &'f Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    passkey_name: Option<&'f str>,
    device: Offer,
}

#[derive(Serialize)]
struct Offer {
    public_key: Bytes,
    name: String,
    proof: Bytes,
}

fn offer(key: &SigningKey, ceremony: &Bytes) -> Offer {
    let said = [b"carnet/device/1", &ceremony[..]].concat();
    Offer {
        public_key: key.verifying_key().as_bytes()[..].into(),
        name: "wire client".to_owned(),
        proof: key.sign(&said).to_bytes()[..].into(),
    }
}

/// Ceremonies carry what `navigator.credentials` takes and gives, which is JSON.
fn readable(wire: &Wire) -> Wire {
    wire.speaking(Encoding::Json)
}

/// A fresh device key.
pub(crate) fn fresh_key() -> SigningKey {
    SigningKey::from_bytes(&rand::random())
}

/// An enrolment whose passkey is made, before the server knows.
pub struct Enrolling {
    /// The way to the server.
    pub wire: Wire,
    /// The authenticator, with the passkey.
    pub authenticator: Authenticator,
    /// The key the device will have.
    pub key: SigningKey,
    ceremony: Bytes,
    credential: Value,
}

impl Enrolling {
    /// Starts with a one-time code, and makes the passkey on a page at `origin`.
    pub async fn start(wire: &Wire, code: &str, origin: &str) -> Result<Self, Problem> {
        let asked = serde_json::json!({ "code": code });
        let started: Started = readable(wire)
            .post("/v1/enrolment/start", None, &asked)
            .await?;
        let mut authenticator = Authenticator::default();
        let credential = authenticator.create(origin, &started.options).await;
        Ok(Enrolling {
            wire: wire.clone(),
            authenticator,
            key: fresh_key(),
            ceremony: started.ceremony,
            credential,
        })
    }

    /// Hands the passkey in; may be called again, as a thief of the message would.
    pub async fn finish(&self) -> Result<WireDevice, Problem> {
        let finish = Finish {
            ceremony: &self.ceremony,
            credential: &self.credential,
            passkey_name: Some("wire client"),
            device: offer(&self.key, &self.ceremony),
        };
        let wire = readable(&self.wire);
        let session = wire.post("/v1/enrolment/finish", None, &finish);
        Ok(WireDevice {
            session: session.await?,
            wire: self.wire.clone(),
            authenticator: self.authenticator.clone(),
            key: self.key.clone(),
        })
    }
}

/// A sign-in whose challenge is signed, before the server knows.
pub struct SigningIn {
    wire: Wire,
    authenticator: Authenticator,
    key: SigningKey,
    ceremony: Bytes,
    credential: Value,
}

impl SigningIn {
    /// Starts, and signs the challenge on a page at `origin`.
    pub async fn start(device: &WireDevice, origin: &str) -> Result<Self, Problem> {
        let nothing = serde_json::json!({});
        let wire = &device.wire;
        let started: Started = readable(wire)
            .post("/v1/sign-in/start", None, &nothing)
            .await?;
        let credential = device.authenticator.assert(origin, &started.options).await;
        Ok(SigningIn {
            wire: wire.clone(),
            authenticator: device.authenticator.clone(),
            key: device.key.clone(),
            ceremony: started.ceremony,
            credential,
        })
    }

    /// The same ceremony, of a device with another key.
    pub fn with_key(self, key: SigningKey) -> Self {
        SigningIn { key, ..self }
    }

    /// The same answer, for another ceremony.
    pub fn answering(self, other: &SigningIn) -> Self {
        let ceremony = other.ceremony.clone();
        SigningIn { ceremony, ..self }
    }

    /// Hands the assertion in; may be called again, as a thief of the message would.
    pub async fn finish(&self) -> Result<WireDevice, Problem> {
        let finish = Finish {
            ceremony: &self.ceremony,
            credential: &self.credential,
            passkey_name: None,
            device: offer(&self.key, &self.ceremony),
        };
        let wire = readable(&self.wire);
        let session = wire.post("/v1/sign-in/finish", None, &finish);
        Ok(WireDevice {
            session: session.await?,
            wire: self.wire.clone(),
            authenticator: self.authenticator.clone(),
            key: self.key.clone(),
        })
    }
}

impl WireDevice {
    /// Enrols with a one-time code.
    pub async fn enrol(wire: &Wire, code: &str) -> Result<Self, Problem> {
        let enrolling = Enrolling::start(wire, code, wire.base()).await?;
        enrolling.finish().await
    }

    /// Signs in again with the same passkey, on the same device.
    pub async fn sign_in(&self) -> Result<Self, Problem> {
        let signing_in = SigningIn::start(self, self.wire.base()).await?;
        signing_in.finish().await
    }

    /// Signs in with the same passkey on another device of the same person.
    pub async fn sign_in_elsewhere(&self) -> Result<Self, Problem> {
        let signing_in = SigningIn::start(self, self.wire.base()).await?;
        signing_in.with_key(fresh_key()).finish().await
    }

    /// The bearer token.
    pub fn token(&self) -> Option<&str> {
        Some(&self.session.token)
    }

    /// The person.
    pub fn person(&self) -> Uuid {
        self.session.person
    }

    /// The device's name.
    pub fn device(&self) -> Bytes {
        Sha256::digest(self.key.verifying_key().as_bytes())[..16].into()
    }

    /// Where a record is synced.
    pub(crate) fn sync_path(record: &Uuid) -> String {
        format!("/v1/records/{record}/sync")
    }
}
