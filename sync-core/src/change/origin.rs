//! Origins: who made a change, in what role, on whose behalf, on which device, having seen what.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Seen;
use crate::codec::{self, Malformed};
use crate::policy::Role;
use crate::sign::{self, PublicKey, SignatureBytes};
use crate::sync::Proof;
use crate::{
    Bytes, ChangeHash, DeviceId, DeviceTime, Digest32, EntryId, Incarnation, PersonId, RecordId,
    fixed_bytes,
};

const DOMAIN: &[u8] = b"carnet/origin/1";

fixed_bytes! {
    /// An Automerge actor: a digest of a device's key, its store's incarnation and the entry. So
    /// nobody can write under another device's actor, a restored store never continues its old
    /// one, and no two entries have a change of the same name.
    Actor, 16
}

impl Actor {
    /// The actor of a device in one incarnation for one entry.
    pub fn of(device: &PublicKey, incarnation: &Incarnation, entry: &EntryId) -> Self {
        let domain = b"carnet/actor/1";
        let digest = Digest32::of(&[domain, &device.0, &incarnation.0, entry.as_bytes()]);
        let mut actor = [0; 16];
        actor.copy_from_slice(&digest.0[..16]);
        Actor(actor)
    }
}

impl Incarnation {
    /// The incarnation under which an edit of that name is made again in this one. Each has its
    /// own, so that what was made apart, and counts from one, does not bear one actor and number.
    pub fn again(&self, change: &ChangeHash) -> Self {
        let digest = Digest32::of(&[b"carnet/incarnation/1", &self.0, &change.0]);
        let mut incarnation = [0; 16];
        incarnation.copy_from_slice(&digest.0[..16]);
        Incarnation(incarnation)
    }
}

impl DeviceId {
    /// The name of the device with this key.
    pub fn of(key: &PublicKey) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&Digest32::of(&[&key.0]).0[..16]);
        DeviceId(id)
    }
}

/// What a device states of a change it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Who wrote.
    #[serde(rename = "p")]
    pub author: PersonId,
    /// In what role.
    #[serde(rename = "r")]
    pub role: Role,
    /// For whom, when for somebody else.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<PersonId>,
    /// On which device.
    #[serde(rename = "d")]
    pub device: DeviceId,
    /// In which life of its store.
    #[serde(rename = "i")]
    pub incarnation: Incarnation,
    /// The last checkpoint the device held.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// What the device's clock said.
    #[serde(rename = "t")]
    pub at: DeviceTime,
    /// Held changes of others that this change takes up.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub cites: Vec<ChangeHash>,
}

impl Origin {
    /// Who wrote, and for whom.
    pub fn people(&self) -> impl Iterator<Item = PersonId> + use<> {
        [self.author].into_iter().chain(self.on_behalf_of)
    }
}

/// An origin as it travels: what a device states of a change, and who vouches for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Travelling", into = "Travelling")]
pub struct SignedOrigin {
    /// The statement, CBOR.
    pub payload: Bytes,
    /// Who vouches for it, and for the change.
    pub voucher: Voucher,
}

/// Who vouches for a change and its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voucher {
    /// The device that made it, by its signature.
    Author(SignatureBytes),
    /// The server, which had accepted it: it signed a frame that carried it.
    Server(Box<Proof>),
    /// Nothing that is here: the frame in which it came did.
    Frame,
}

/// The members of an origin in a message.
#[derive(Serialize, Deserialize)]
struct Travelling {
    payload: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<SignatureBytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Box<Proof>>,
}

impl From<Travelling> for SignedOrigin {
    fn from(travelling: Travelling) -> Self {
        let Travelling {
            payload,
            signature,
            proof,
        } = travelling;
        let voucher = match (signature, proof) {
            (Some(signature), _) => Voucher::Author(signature),
            (None, Some(proof)) => Voucher::Server(proof),
            (None, None) => Voucher::Frame,
        };
        SignedOrigin { payload, voucher }
    }
}

impl From<SignedOrigin> for Travelling {
    fn from(SignedOrigin { payload, voucher }: SignedOrigin) -> Self {
        let (signature, proof) = match voucher {
            Voucher::Author(signature) => (Some(signature), None),
            Voucher::Server(proof) => (None, Some(proof)),
            Voucher::Frame => (None, None),
        };
        Travelling {
            payload,
            signature,
            proof,
        }
    }
}

impl SignedOrigin {
    /// Signs what `origin` states of `change` of `entry` of `record`.
    pub fn new(
        key: &SigningKey,
        record: &RecordId,
        entry: &EntryId,
        change: &ChangeHash,
        origin: &Origin,
    ) -> Self {
        let payload = codec::to_cbor(origin);
        let signed = [
            DOMAIN,
            record.as_bytes(),
            entry.as_bytes(),
            &change.0,
            &payload,
        ];
        SignedOrigin {
            voucher: Voucher::Author(sign::sign(key, &signed)),
            payload: payload.into(),
        }
    }

    /// Whether the device with this key signed it for this change of this entry.
    pub fn verifies(
        &self,
        key: &PublicKey,
        record: &RecordId,
        entry: &EntryId,
        change: &ChangeHash,
    ) -> bool {
        let signed = [
            DOMAIN,
            record.as_bytes(),
            entry.as_bytes(),
            &change.0,
            &self.payload,
        ];
        match &self.voucher {
            Voucher::Author(signature) => key.verifies(&signed, signature),
            Voucher::Server(_) | Voucher::Frame => false,
        }
    }

    /// The proof that the server had accepted this change of this entry, if one of its `keys` signed
    /// that.
    pub fn proven(
        &self,
        keys: &[PublicKey],
        record: &RecordId,
        (entry, change): (&EntryId, &ChangeHash),
    ) -> Option<&Proof> {
        let Voucher::Server(proof) = &self.voucher else {
            return None;
        };
        let proves = proof.proves(record, (entry, change), &self.payload, keys);
        proves.then_some(&**proof)
    }

    /// The statement, without looking at who vouches for it.
    ///
    /// # Errors
    /// When the payload is not an origin.
    pub fn read(&self) -> Result<Origin, Malformed> {
        codec::from_cbor(&self.payload)
    }
}
