//! Signed statements: the bytes that were signed travel with the signature, so nothing has to be
//! encoded a second time to be verified.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Bytes, Digest32, codec, fixed_bytes};

fixed_bytes! {
    /// An Ed25519 public key.
    PublicKey, 32
}
fixed_bytes! {
    /// An Ed25519 signature.
    SignatureBytes, 64
}
fixed_bytes! {
    /// Names a public key: the first 8 bytes of its SHA-256.
    KeyId, 8
}

impl PublicKey {
    /// The public half of a signing key.
    pub fn of(key: &SigningKey) -> Self {
        PublicKey(key.verifying_key().to_bytes())
    }

    /// The name of this key.
    pub fn key_id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&Digest32::of(&[&self.0]).0[..8]);
        KeyId(id)
    }

    /// Whether `signature` is this key's over the concatenated parts; strict, so that no second
    /// signature of the same statement exists.
    pub fn verifies(&self, parts: &[&[u8]], signature: &SignatureBytes) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
            key.verify_strict(&parts.concat(), &Signature::from_bytes(&signature.0))
                .is_ok()
        })
    }
}

/// Signs the concatenated parts.
pub fn sign(key: &SigningKey, parts: &[&[u8]]) -> SignatureBytes {
    SignatureBytes(key.sign(&parts.concat()).to_bytes())
}

/// A statement as received: its CBOR bytes, and a signature over a context and those bytes.
///
/// The context (a domain, and whatever the statement is about) is not in the payload; signer and
/// verifier each supply it, so a statement cannot be moved to another context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The statement, CBOR.
    pub payload: Bytes,
    /// Over context and payload.
    pub signature: SignatureBytes,
}

impl Signed {
    /// Encodes and signs `statement`.
    pub fn new<T: Serialize>(key: &SigningKey, context: &[&[u8]], statement: &T) -> Self {
        let payload = codec::to_cbor(statement);
        let signature = sign(key, &[&context.concat(), &payload]);
        Signed {
            payload: payload.into(),
            signature,
        }
    }

    /// Whether `key` signed this payload in this context.
    pub fn verifies(&self, key: &PublicKey, context: &[&[u8]]) -> bool {
        key.verifies(&[&context.concat(), &self.payload], &self.signature)
    }

    /// The statement, without looking at the signature.
    ///
    /// # Errors
    /// When the payload is not a statement of this kind.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, codec::Malformed> {
        codec::from_cbor(&self.payload)
    }
}
