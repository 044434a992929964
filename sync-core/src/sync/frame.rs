//! Frames: many changes of a record under one compression, attested by the server.
//!
//! Layout, version 1: `"CF"`, version, flags (bit 0: signed), length of the body as 32 bits
//! little-endian, length of the compressed body likewise, the body under zstd, a SHA-256 digest of
//! what it carries, and if signed an Ed25519 signature over domain, record and digest.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::limits::{MAX_FRAME, MAX_ITEMS, MAX_REQUEST};
use crate::change::{Edit, SignedOrigin};
use crate::codec::{self, Malformed};
use crate::sign::{self, PublicKey, SignatureBytes, Signed};
use crate::{Bytes, Digest32, EntryId, RecordId, Tick};

const DOMAIN: &[u8] = b"carnet/frame/1";
const MAGIC: &[u8] = b"CF";
const VERSION: u8 = 1;
const SIGNED: u8 = 1;
const HEAD: usize = 12;
const LEVEL: i32 = 3;

/// One change in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The edit.
    pub edit: Edit,
    /// When the server accepted it; nothing on the way to the server.
    pub accepted: Option<Tick>,
}

/// The same, as it is written: an array, since its members' names would outweigh them.
#[derive(Serialize, Deserialize)]
struct Row(EntryId, Bytes, Bytes, SignatureBytes, Option<Tick>);

/// Why a frame is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Not a frame.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A version this side does not know.
    #[error("frame of version {0}, which this side does not know")]
    Version(u8),
    /// Larger than allowed.
    #[error("frame too large")]
    TooLarge,
    /// The digest is not that of the content.
    #[error("frame damaged: its digest is not that of its content")]
    Damaged,
    /// Not signed by a known key.
    #[error("frame not signed by this server")]
    NotAttested,
}

/// A frame as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Frame(pub Bytes);

impl Frame {
    /// Packs changes of a record; the server signs, a device does not.
    ///
    /// # Errors
    /// When there are more changes or bytes than a frame may hold.
    pub fn pack(
        record: &RecordId,
        items: &[Item],
        key: Option<&SigningKey>,
    ) -> Result<Self, FrameError> {
        let rows: Vec<Row> = items.iter().map(row).collect();
        let body = codec::to_cbor(&rows);
        if body.len() > MAX_FRAME || items.len() > MAX_ITEMS {
            return Err(FrameError::TooLarge);
        }
        let packed = zstd::bulk::compress(&body, LEVEL).map_err(|_| FrameError::TooLarge)?;
        let digest = digest(record, items);
        let mut out = Vec::with_capacity(HEAD + packed.len() + 96);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, u8::from(key.is_some()) * SIGNED]);
        out.extend_from_slice(&length(body.len())?);
        out.extend_from_slice(&length(packed.len())?);
        out.extend_from_slice(&packed);
        out.extend_from_slice(&digest.0);
        if let Some(key) = key {
            let signature = sign::sign(key, &[DOMAIN, record.as_bytes(), &digest.0]);
            out.extend_from_slice(&signature.0);
        }
        Ok(Frame(out.into()))
    }

    /// How many bytes it says to be once unpacked.
    pub fn unpacked(&self) -> usize {
        self.0.get(4..8).map_or(0, number)
    }

    /// Unpacks a frame that a device sent.
    ///
    /// # Errors
    /// When it is not a whole, undamaged frame within the limits of a request.
    pub fn unpack(&self, record: &RecordId) -> Result<Vec<Item>, FrameError> {
        let (items, _, _) = self.read(record, (MAX_REQUEST, MAX_ITEMS))?;
        Ok(items)
    }

    /// Unpacks a frame that one of the server's `keys` must have signed.
    ///
    /// # Errors
    /// As [`Frame::unpack`], and when no given key signed it.
    pub fn unpack_attested(
        &self,
        record: &RecordId,
        keys: &[PublicKey],
    ) -> Result<Vec<Item>, FrameError> {
        let (items, digest, signature) = self.read(record, (MAX_FRAME, MAX_ITEMS))?;
        let signature = signature.ok_or(FrameError::NotAttested)?;
        let said = [DOMAIN, record.as_bytes(), &digest.0];
        if keys.iter().any(|key| key.verifies(&said, &signature)) {
            Ok(items)
        } else {
            Err(FrameError::NotAttested)
        }
    }

    fn read(
        &self,
        record: &RecordId,
        (most, most_items): (usize, usize),
    ) -> Result<(Vec<Item>, Digest32, Option<SignatureBytes>), FrameError> {
        let bytes: &[u8] = &self.0;
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or(NOT_A_FRAME)?;
        if &head[..2] != MAGIC {
            return Err(NOT_A_FRAME);
        }
        if head[2] != VERSION {
            return Err(FrameError::Version(head[2]));
        }
        let signed = match head[3] {
            0 => false,
            SIGNED => true,
            _ => return Err(NOT_A_FRAME),
        };
        let (size, packed) = (number(&head[4..8]), number(&head[8..12]));
        if size > most || packed > most {
            return Err(FrameError::TooLarge);
        }
        let (packed, rest) = rest.split_at_checked(packed).ok_or(NOT_A_FRAME)?;
        let (stated, rest) = rest.split_at_checked(32).ok_or(NOT_A_FRAME)?;
        let signature = match (signed, SignatureBytes::from_slice(rest)) {
            (true, Some(signature)) => Some(signature),
            (false, None) if rest.is_empty() => None,
            _ => return Err(NOT_A_FRAME),
        };
        let body = zstd::bulk::decompress(packed, size).map_err(|_| NOT_A_FRAME)?;
        if body.len() != size {
            return Err(NOT_A_FRAME);
        }
        let rows: Vec<Row> = codec::from_cbor(&body)?;
        if rows.len() > most_items {
            return Err(FrameError::TooLarge);
        }
        let items: Vec<Item> = rows.into_iter().map(item).collect();
        let digest = digest(record, &items);
        if digest.0 != *stated {
            return Err(FrameError::Damaged);
        }
        Ok((items, digest, signature))
    }
}

const NOT_A_FRAME: FrameError = FrameError::Malformed(Malformed("frame"));

fn row(item: &Item) -> Row {
    let Edit {
        entry,
        change,
        origin: SignedOrigin(Signed { payload, signature }),
    } = item.edit.clone();
    Row(entry, change, payload, signature, item.accepted)
}

fn item(Row(entry, change, payload, signature, accepted): Row) -> Item {
    let origin = SignedOrigin(Signed { payload, signature });
    Item {
        edit: Edit {
            entry,
            change,
            origin,
        },
        accepted,
    }
}

/// Over record and, change by change, entry, change, origin with its signature, and tick; so it
/// proves what was carried, however it was packed.
fn digest(record: &RecordId, items: &[Item]) -> Digest32 {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(record.as_bytes());
    for Item { edit, accepted } in items {
        hasher.update(edit.entry.as_bytes());
        hasher.update(Digest32::of(&[&edit.change]).0);
        hasher.update(Digest32::of(&[&edit.origin.0.payload]).0);
        hasher.update(edit.origin.0.signature.0);
        hasher.update(accepted.map_or(0, |tick| tick.0).to_le_bytes());
    }
    Digest32(hasher.finalize().into())
}

fn length(value: usize) -> Result<[u8; 4], FrameError> {
    let value = u32::try_from(value).map_err(|_| FrameError::TooLarge)?;
    Ok(value.to_le_bytes())
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rev()
        .fold(0, |n, byte| n << 8 | usize::from(*byte))
}
