//! The messages of the wire, and their two encodings.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/cbor`
    Cbor,
    /// `application/json`
    Json,
}

impl Encoding {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Encoding::Cbor => "application/cbor",
            Encoding::Json => "application/json",
        }
    }

    /// Writes a message.
    pub fn write<T: Serialize>(self, message: &T) -> Vec<u8> {
        match self {
            Encoding::Cbor => {
                let mut out = Vec::new();
                ciborium::into_writer(message, &mut out).expect("written to memory");
                out
            }
            Encoding::Json => serde_json::to_vec(message).expect("its keys are texts"),
        }
    }

    /// Reads a message, or says why it is none.
    pub fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, String> {
        match self {
            Encoding::Cbor => {
                let mut rest = bytes;
                let read = ciborium::from_reader(&mut rest).map_err(|e| e.to_string())?;
                let whole = rest.is_empty().then_some(read);
                whole.ok_or_else(|| "something follows".to_owned())
            }
            Encoding::Json => serde_json::from_slice(bytes).map_err(|e| e.to_string()),
        }
    }
}

/// Bytes: base64url text in JSON, a byte string in CBOR.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Bytes(bytes.to_vec())
    }
}

/// As in JSON.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            let bytes = URL_SAFE_NO_PAD.decode(text);
            return bytes.map(Bytes).map_err(D::Error::custom);
        }
        deserializer.deserialize_byte_buf(ByteString)
    }
}

struct ByteString;

impl Visitor<'_> for ByteString {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(bytes.into())
    }
}

/// The name of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Bytes", into = "Bytes")]
pub struct ChangeHash(pub [u8; 32]);

impl ChangeHash {
    /// The SHA-256 of a chunk without magic and checksum.
    pub fn of(change: &[u8]) -> Self {
        ChangeHash(Sha256::digest(&change[8.min(change.len())..]).into())
    }
}

/// As the keys of an entry name it.
impl fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<ChangeHash> for Bytes {
    fn from(hash: ChangeHash) -> Self {
        hash.0[..].into()
    }
}

impl TryFrom<Bytes> for ChangeHash {
    type Error = &'static str;

    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        let bytes = bytes
            .0
            .try_into()
            .map_err(|_| "a change's name has 32 bytes")?;
        Ok(ChangeHash(bytes))
    }
}

/// A signed statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// CBOR, as it was signed.
    pub payload: Bytes,
    /// Ed25519.
    pub signature: Bytes,
}

impl Signed {
    /// The name of a checkpoint: the first half of its payload's SHA-256.
    pub fn digest(&self) -> Bytes {
        Sha256::digest(&self.payload[..])[..16].into()
    }

    /// A member of the payload.
    pub fn member(&self, name: &str) -> ciborium::Value {
        let map: ciborium::Value = ciborium::from_reader(&self.payload[..]).expect("CBOR");
        let mut members = map.into_map().expect("a map").into_iter();
        let found = members.find(|(key, _)| key.as_text() == Some(name));
        found.expect("as documented").1
    }

    /// The tick of a checkpoint.
    pub fn tick(&self) -> u64 {
        let tick = self.member("t").into_integer().expect("a tick");
        tick.try_into().expect("64 bits")
    }
}

/// What a device sends.
#[derive(Clone, Debug, Serialize)]
pub struct SyncRequest {
    /// 1
    pub v: u16,
    /// The device that signed in.
    pub device: Bytes,
    /// As the last answer gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Bytes>,
    /// A frame of new changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edits: Option<Bytes>,
    /// The checkpoints that the edits name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<Signed>,
    /// How many bytes of changes to send at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What the server answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SyncAnswer {
    /// 1
    pub v: u16,
    /// For each edit, in order.
    #[serde(default)]
    pub outcomes: Vec<Outcome>,
    /// A full resend starts.
    #[serde(default)]
    pub reset: bool,
    /// A signed frame.
    #[serde(default)]
    pub news: Option<Bytes>,
    /// Entries to forget.
    #[serde(default)]
    pub forget: Vec<Uuid>,
    /// Of these, those that were destroyed.
    #[serde(default)]
    pub destroyed: Vec<Uuid>,
    /// Edits held for the viewer, and what was decided of the viewer's own.
    #[serde(default)]
    pub held: Vec<HeldEdit>,
    /// Ask again at once.
    #[serde(default)]
    pub more: bool,
    /// Of a full resend all vital entries have come.
    #[serde(default)]
    pub vital: bool,
    /// The digest of the cursor this goes on from.
    #[serde(default)]
    pub after: Option<Bytes>,
    /// Opaque.
    pub cursor: Bytes,
    /// The server's statement.
    pub checkpoint: Signed,
}

/// What became of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The change.
    pub change: ChangeHash,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of an edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// In the record, under this tick.
    Accepted(u64),
    /// There already, under this tick.
    Duplicate(u64),
    /// Kept out of the record.
    Held(HoldReason),
    /// Not taken.
    Refused(Refusal),
}

/// Why an edit is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum HoldReason {
    NotPermitted,
    NoLongerPermitted,
    FollowsHeld,
}

/// Why an edit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Refusal {
    Malformed,
    Incomplete,
    NotAuthentic,
    Equivocation,
    Invalid,
    EntryFull,
    RightsFull,
    RecordFull,
    UnknownCheckpoint,
    Destroyed,
}

/// A held edit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldEdit {
    /// The edit.
    pub edit: Edit,
    /// Why it is held.
    pub reason: HoldReason,
    /// When the server had it.
    pub received: u64,
    /// What was decided, once it was: `released` or `discarded`.
    #[serde(default)]
    pub settled: Option<String>,
}

/// An edit by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The entry.
    pub entry: Uuid,
    /// The change.
    pub change: Bytes,
    /// Who vouches for it.
    pub origin: Signed,
}

/// A page of the access log.
#[derive(Clone, Debug, Deserialize)]
pub struct LogPage {
    /// The events.
    pub events: Vec<LogEvent>,
    /// There are later ones.
    pub more: bool,
    /// The head of the chain.
    pub head: LogHead,
}

/// An event as it was hashed.
#[derive(Clone, Debug, Deserialize)]
pub struct LogEvent {
    /// CBOR.
    pub e: Bytes,
    /// The chain's hash with it.
    pub h: Bytes,
}

/// How far a log has come.
#[derive(Clone, Debug, Deserialize)]
pub struct LogHead {
    /// The number of the last event.
    pub seq: u64,
    /// Its hash.
    pub hash: Bytes,
}
