//! Frames: many changes of a record under one compression, attested by the server.
//!
//! Layout, version 2: `"CF"`, version, flags (bit 0: signed by the server), length of the body and
//! of what it stands for, 32 bits little-endian each; the body under zstd; and if signed the server's
//! signature, else a check over root and body.

mod body;
mod chunk;
mod history;
mod numbers;
mod origin;
mod stripped;

use ed25519_dalek::SigningKey;
use thiserror::Error;

use serde::{Deserialize, Serialize};

use super::attestation::{self, Attestation};
use super::limits::{MAX_EDITS, MAX_FRAME, MAX_ITEMS, MAX_REQUEST};
use crate::change::{Edit, Voucher};
use crate::codec::Malformed;
use crate::sign::{PublicKey, SignatureBytes};
use crate::{Bytes, Digest32, LogIncarnation, RecordId, Tick};
pub use history::History;
pub use stripped::Stripped;

const MAGIC: &[u8] = b"CF";
const VERSION: u8 = 2;
const SIGNED: u8 = 1;
const HEAD: usize = 12;
const CHECK: usize = 8;
const LEVEL: i32 = 3;

/// One change in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The edit.
    pub edit: Edit,
    /// When the server accepted it; nothing on the way to the server, but for what is handed back.
    pub accepted: Option<Tick>,
}

/// What an answer may carry of a change.
pub trait Weighs {
    /// How many bytes it is and what its author states, before compression. What else vouches for it does
    /// not travel.
    fn bytes(&self) -> usize;
}

impl Weighs for Item {
    fn bytes(&self) -> usize {
        self.edit.change.len() + self.edit.origin.payload.len()
    }
}

/// What a frame brought that the server signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// Its changes; nobody vouches for one but this frame.
    pub items: Vec<Item>,
    /// What proves each of them: the one at a place in `items` is at that place here.
    pub attestation: Attestation,
}

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
    /// Its check is not that of its content.
    #[error("frame damaged: its check is not that of its content")]
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
    /// Packs changes of a record as a device sends them, each with what vouches for it.
    ///
    /// # Errors
    /// When there are more changes or bytes than a frame may hold.
    pub fn pack(record: &RecordId, items: &[Item]) -> Result<Self, FrameError> {
        write(&stripped(items), false, |leaves, body| {
            check(record, leaves, body).to_vec()
        })
    }

    /// Packs changes of a record as its server gives them out, which signs that they are in this
    /// life of the record's log. What vouches for each by itself does not travel.
    ///
    /// # Errors
    /// When there are more changes or bytes than a frame may hold.
    pub fn attest(
        record: &RecordId,
        log: LogIncarnation,
        items: &[Item],
        key: &SigningKey,
    ) -> Result<Self, FrameError> {
        Self::attest_stripped(record, log, &stripped(items), key)
    }

    /// Packs changes as [`Frame::attest`] does, which were taken apart before.
    ///
    /// # Errors
    /// As there.
    pub fn attest_stripped(
        record: &RecordId,
        log: LogIncarnation,
        items: &[Stripped],
        key: &SigningKey,
    ) -> Result<Self, FrameError> {
        write(items, true, |leaves, _| {
            attestation::sign(key, record, log, leaves).0.to_vec()
        })
    }

    /// How many bytes it says to take once unpacked: its body, and what that stands for.
    pub fn unpacked(&self) -> usize {
        let number = |from| self.0.get(from..from + 4).map_or(0, number);
        number(4).saturating_add(number(8))
    }

    /// Unpacks a frame that a device sent.
    ///
    /// # Errors
    /// When it is not a whole, undamaged frame within the limits of a request.
    pub fn unpack(&self, record: &RecordId) -> Result<Vec<Item>, FrameError> {
        let read = self.read(MAX_REQUEST, MAX_EDITS)?;
        if read.signature.is_some() {
            return Err(NOT_A_FRAME);
        }
        match read.tail == check(record, &read.leaves, &read.body) {
            true => Ok(read.items),
            false => Err(FrameError::Damaged),
        }
    }

    /// Unpacks a frame that one of the server's `keys` must have signed, for this life of the
    /// record's log.
    ///
    /// # Errors
    /// As [`Frame::unpack`], and when no given key signed it.
    pub fn unpack_attested(
        &self,
        record: &RecordId,
        log: LogIncarnation,
        keys: &[PublicKey],
    ) -> Result<Attested, FrameError> {
        let read = self.read(MAX_FRAME, MAX_ITEMS)?;
        let signature = read.signature.ok_or(FrameError::NotAttested)?;
        let attestation = Attestation::new(record, log, read.leaves, (signature, keys));
        Ok(Attested {
            items: read.items,
            attestation: attestation.ok_or(FrameError::NotAttested)?,
        })
    }

    fn read(&self, most: usize, most_items: usize) -> Result<Read<'_>, FrameError> {
        let bytes: &[u8] = &self.0;
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or(NOT_A_FRAME)?;
        if &head[..2] != MAGIC {
            return Err(NOT_A_FRAME);
        }
        if head[2] != VERSION {
            return Err(FrameError::Version(head[2]));
        }
        let tail = match head[3] {
            0 => CHECK,
            SIGNED => 64,
            _ => return Err(NOT_A_FRAME),
        };
        let (size, content) = (number(&head[4..8]), number(&head[8..12]));
        if size > most || content > most {
            return Err(FrameError::TooLarge);
        }
        let packed = rest.len().checked_sub(tail).ok_or(NOT_A_FRAME)?;
        let (packed, tail) = rest.split_at(packed);
        let body = zstd::bulk::decompress(packed, size).map_err(|_| NOT_A_FRAME)?;
        if body.len() != size {
            return Err(NOT_A_FRAME);
        }
        let (mut leaves, mut taken) = (Vec::new(), 0_usize);
        let items = body::read(&body, most_items, |carried| {
            let item = carried.item()?;
            let Edit {
                entry,
                change,
                origin,
            } = &item.edit;
            taken = taken.saturating_add(change.len() + origin.payload.len());
            if taken > content {
                return Err(NOT_A_FRAME);
            }
            let name = chunk::hash(change);
            leaves.push(stripped::leaf(
                (entry, &name),
                item.accepted,
                &origin.payload,
            ));
            Ok((name, item))
        })?;
        let signature = SignatureBytes::from_slice(tail);
        let by_itself = |item: &Item| item.edit.origin.voucher != Voucher::Frame;
        if taken != content || signature.is_some() && items.iter().any(by_itself) {
            return Err(NOT_A_FRAME);
        }
        Ok(Read {
            items,
            leaves,
            signature,
            body,
            tail,
        })
    }
}

/// What was read of a frame.
struct Read<'f> {
    items: Vec<Item>,
    leaves: Vec<Digest32>,
    signature: Option<SignatureBytes>,
    body: Vec<u8>,
    tail: &'f [u8],
}

const NOT_A_FRAME: FrameError = FrameError::Malformed(Malformed("frame"));

fn stripped(items: &[Item]) -> Vec<Stripped> {
    items.iter().map(Stripped::from).collect()
}

fn write(
    items: &[Stripped],
    attested: bool,
    tail: impl FnOnce(&[Digest32], &[u8]) -> Vec<u8>,
) -> Result<Frame, FrameError> {
    let content: usize = items.iter().map(|item| item.size).sum();
    let body = body::write(items.iter(), attested);
    if body.len() > MAX_FRAME || content > MAX_FRAME || items.len() > MAX_ITEMS {
        return Err(FrameError::TooLarge);
    }
    let packed = zstd::bulk::compress(&body, LEVEL).map_err(|_| FrameError::TooLarge)?;
    let leaves: Vec<Digest32> = items.iter().map(|item| item.leaf).collect();
    let tail = tail(&leaves, &body);
    let mut out = Vec::with_capacity(HEAD + packed.len() + tail.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[VERSION, u8::from(attested) * SIGNED]);
    out.extend_from_slice(&length(body.len())?);
    out.extend_from_slice(&length(content)?);
    out.extend_from_slice(&packed);
    out.extend_from_slice(&tail);
    Ok(Frame(out.into()))
}

/// By which a device's frame is known to be whole, vouchers and all, and for this record.
fn check(record: &RecordId, leaves: &[Digest32], body: &[u8]) -> [u8; CHECK] {
    let root = attestation::root(leaves);
    let digest = Digest32::of(&[record.as_bytes(), &root.0, body]);
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest.0[..CHECK]);
    check
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

#[cfg(test)]
mod tests;
