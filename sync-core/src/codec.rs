//! The two encodings of every message: CBOR for programs, JSON for people.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// Input that is not a message of the expected kind. Says nothing of its content.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("malformed {0}")]
pub struct Malformed(pub &'static str);

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/cbor`
    Cbor,
    /// `application/json`, bytes as base64url text
    Json,
}

impl Encoding {
    /// The encoding a media type names, parameters aside.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.split(';').next().unwrap_or("").trim() {
            "application/cbor" => Some(Encoding::Cbor),
            "application/json" => Some(Encoding::Json),
            _ => None,
        }
    }

    /// The media type of this encoding.
    pub fn media_type(self) -> &'static str {
        match self {
            Encoding::Cbor => "application/cbor",
            Encoding::Json => "application/json",
        }
    }

    /// Writes a message.
    pub fn write<T: Serialize>(self, message: &T) -> Vec<u8> {
        match self {
            Encoding::Cbor => to_cbor(message),
            Encoding::Json => {
                serde_json::to_vec(message).expect("our messages have text keys only")
            }
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When the bytes are not such a message, or something follows it.
    pub fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, Malformed> {
        match self {
            Encoding::Cbor => from_cbor(bytes),
            Encoding::Json => serde_json::from_slice(bytes).map_err(|_| Malformed("JSON message")),
        }
    }
}

/// Writes CBOR.
pub fn to_cbor<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).expect("writing to memory cannot fail");
    out
}

/// Reads exactly one CBOR value.
///
/// # Errors
/// When the bytes are not such a value, or something follows it.
pub fn from_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, 32)
        .map_err(|_| Malformed("CBOR message"))?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(Malformed("CBOR message: something follows it"))
    }
}
