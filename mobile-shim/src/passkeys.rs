//! Who unlocks a profile without the server: its person, by an assertion of one of their passkeys
//! that is checked here (WebAuthn Level 2, § 7.2).
//!
//! The origin is not looked at: it is the platform that binds an app or a page to the passkeys of
//! its domain, and says each in its own way which one asked.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sync_core::{Bytes, PersonId};

use crate::error::Error;
use crate::seal::{self, NoRandomness, RowKey};

/// Bits of the flags of authenticator data.
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;

/// A person's passkeys, as far as a device must know them to check an assertion by itself. All of
/// it is public.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkeys {
    /// The domain they are bound to.
    pub rp_id: String,
    /// Those that were not revoked when the server was asked last.
    pub known: Vec<KnownPasskey>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPasskey {
    credential_id: Bytes,
    public_key: Jwk,
}

/// A public key as a JSON Web Key (RFC 7517).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<Bytes>,
}

/// An unlocking between its start and its finish.
pub struct Unlocking {
    /// Which profile.
    pub row: RowKey,
    /// What the platform's passkey call is given, JSON.
    pub options: String,
    challenge: Bytes,
    person: PersonId,
    passkeys: Passkeys,
}

impl Unlocking {
    /// Asks for an assertion of one of a person's passkeys, user verification included.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn start(row: RowKey, person: PersonId, passkeys: Passkeys) -> Result<Self, NoRandomness> {
        let mut challenge = [0; 32];
        seal::fill(&mut challenge)?;
        Ok(Self::with_challenge(row, person, passkeys, challenge))
    }

    /// The same with a challenge that was drawn elsewhere.
    pub fn with_challenge(
        row: RowKey,
        person: PersonId,
        passkeys: Passkeys,
        challenge: [u8; 32],
    ) -> Self {
        let challenge = Bytes::from(&challenge[..]);
        let allowed = passkeys.known.iter();
        let allowed: Vec<_> = allowed
            .map(|known| serde_json::json!({ "type": "public-key", "id": known.credential_id }))
            .collect();
        let options = serde_json::json!({ "publicKey": {
            "challenge": challenge,
            "rpId": passkeys.rp_id,
            "allowCredentials": allowed,
            "userVerification": "required",
        } });
        Unlocking {
            row,
            options: options.to_string(),
            challenge,
            person,
            passkeys,
        }
    }

    /// Checks the credential that the platform gave.
    ///
    /// # Errors
    /// When it cannot be read, or is no proof that the person is there.
    pub fn finish(&self, credential: &str) -> Result<(), Error> {
        let unreadable = Error::Argument {
            field: "credential",
        };
        let credential: Credential = serde_json::from_str(credential).map_err(|_| unreadable)?;
        match self.proves(&credential) {
            Some(()) => Ok(()),
            None => Err(Error::NotPermitted {
                reason: "passkey-refused",
            }),
        }
    }

    fn proves(&self, credential: &Credential) -> Option<()> {
        let Assertion {
            client_data_json,
            authenticator_data,
            signature,
            user_handle,
        } = &credential.response;
        let mut known = self.passkeys.known.iter();
        let passkey = known.find(|known| known.credential_id == credential.raw_id)?;
        // Text throughout, also where it is not looked at.
        let client_text = std::str::from_utf8(client_data_json).ok()?;
        let client: ClientData = serde_json::from_str(client_text).ok()?;
        require(client.r#type == "webauthn.get" && client.challenge == self.challenge)?;
        require(!client.cross_origin)?;
        let (party, rest) = authenticator_data.split_at_checked(32)?;
        require(party == Sha256::digest(&self.passkeys.rp_id).as_slice())?;
        let flags = rest.first()?;
        require(flags & USER_PRESENT != 0 && flags & USER_VERIFIED != 0)?;
        if let Some(handle) = user_handle {
            require(handle[..] == self.person.as_bytes()[..])?;
        }
        let client = Sha256::digest(&client_data_json[..]);
        let signed = [&authenticator_data[..], client.as_slice()].concat();
        passkey.public_key.verifies(&signed, signature)
    }
}

impl Jwk {
    fn verifies(&self, message: &[u8], signature: &[u8]) -> Option<()> {
        let point = |half: usize| {
            let (x, y) = (self.x.as_ref()?, self.y.as_ref()?);
            require(x.len() == half && y.len() == half)?;
            Some([&[4], &x[..], &y[..]].concat())
        };
        let (algorithm, key): (&'static dyn VerificationAlgorithm, Vec<u8>) =
            match (self.kty.as_str(), self.crv.as_deref()) {
                ("EC", Some("P-256")) => (&ECDSA_P256_SHA256_ASN1, point(32)?),
                ("EC", Some("P-384")) => (&ECDSA_P384_SHA384_ASN1, point(48)?),
                ("OKP", Some("Ed25519")) => (&ED25519, self.x.as_ref()?.to_vec()),
                ("RSA", None) => {
                    let (n, e) = (self.n.as_deref()?, self.e.as_deref()?);
                    let key = RsaPublicKeyComponents { n, e };
                    let algorithm = &RSA_PKCS1_2048_8192_SHA256;
                    return key.verify(algorithm, message, signature).ok();
                }
                // The person signs in with it instead.
                _ => return None,
            };
        let key = UnparsedPublicKey::new(algorithm, key);
        key.verify(message, signature).ok()
    }
}

fn require(holds: bool) -> Option<()> {
    holds.then_some(())
}

/// What the platform gives, of WebAuthn's JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    raw_id: Bytes,
    response: Assertion,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assertion {
    #[serde(rename = "clientDataJSON")]
    client_data_json: Bytes,
    authenticator_data: Bytes,
    signature: Bytes,
    #[serde(default)]
    user_handle: Option<Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: Bytes,
    #[serde(default)]
    cross_origin: bool,
}

#[cfg(all(test, feature = "terminal"))]
mod tests;
