//! What the server's signature under a frame proves: of each change in it, that it was in the log.
//!
//! The signature is over the root of a Merkle tree (RFC 9162, section 2.1) whose leaves are the
//! changes of the frame. Whoever took the frame in keeps the leaves, which are worked out and do not
//! travel, and can later prove one change by the hashes beside its way to the root, whatever became
//! of the others. So a change is handed back to a server that lost it without its author's
//! signature, which frames do not carry.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use super::limits::MAX_ITEMS;
use crate::sign::{self, PublicKey, SignatureBytes};
use crate::{ChangeHash, Digest32, EntryId, LogIncarnation, RecordId, Tick, fixed_bytes};

const DOMAIN: &[u8] = b"carnet/frame/2";
const LEAF: &[u8] = &[0];
const NODE: &[u8] = &[1];

fixed_bytes! {
    /// Names an attestation: the first half of the root it signs.
    AttestationId, 16
}

/// A change as a leaf of the tree.
pub(super) fn leaf(entry: &EntryId, change: &ChangeHash, tick: Tick, origin: &[u8]) -> Digest32 {
    Digest32::of(&[
        LEAF,
        entry.as_bytes(),
        &change.0,
        &tick.0.to_le_bytes(),
        origin,
    ])
}

/// The levels of the tree over some leaves, from the leaves to the root: each holds the hashes of
/// pairs of the one below, and what has no pair as it is.
fn levels(leaves: Vec<Digest32>) -> Vec<Vec<Digest32>> {
    let mut levels = vec![leaves];
    while let Some(below) = levels.last().filter(|level| level.len() > 1) {
        let pair = |pair: &[Digest32]| match pair {
            [left, right] => node(left, right),
            rest => rest[0],
        };
        let level = below.chunks(2).map(pair).collect();
        levels.push(level);
    }
    levels
}

/// The root over some leaves; of none the hash of nothing.
pub(super) fn root(leaves: &[Digest32]) -> Digest32 {
    let levels = levels(leaves.to_vec());
    let root = levels.last().and_then(|level| level.first());
    root.copied().unwrap_or_else(|| Digest32::of(&[]))
}

fn node(left: &Digest32, right: &Digest32) -> Digest32 {
    Digest32::of(&[NODE, &left.0, &right.0])
}

/// What is signed.
struct Said {
    record: RecordId,
    log: LogIncarnation,
    size: u32,
    root: Digest32,
}

impl Said {
    fn parts(&self) -> [Vec<u8>; 5] {
        [
            DOMAIN.to_vec(),
            self.record.as_bytes().to_vec(),
            self.log.0.to_vec(),
            self.size.to_le_bytes().to_vec(),
            self.root.0.to_vec(),
        ]
    }

    fn sign(&self, key: &SigningKey) -> SignatureBytes {
        sign::sign(key, &self.parts().each_ref().map(Vec::as_slice))
    }

    fn is_signed(&self, keys: &[PublicKey], signature: &SignatureBytes) -> bool {
        let parts = self.parts();
        let parts = parts.each_ref().map(Vec::as_slice);
        keys.iter().any(|key| key.verifies(&parts, signature))
    }
}

/// Signs for the changes of a frame, which are in this life of the record's log.
pub(super) fn sign(
    key: &SigningKey,
    record: &RecordId,
    log: LogIncarnation,
    leaves: &[Digest32],
) -> SignatureBytes {
    said(record, log, leaves).sign(key)
}

fn said(record: &RecordId, log: LogIncarnation, leaves: &[Digest32]) -> Said {
    Said {
        record: *record,
        log,
        size: u32::try_from(leaves.len()).unwrap_or(u32::MAX),
        root: root(leaves),
    }
}

/// The server's word for all changes of a frame, as it is kept by whoever took the frame in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// In which life of the log they were.
    pub log: LogIncarnation,
    /// The changes, in the order of the frame.
    leaves: Vec<Digest32>,
    signature: SignatureBytes,
}

impl Attestation {
    /// The word for these leaves, if one of the server's `keys` gave it.
    pub(super) fn new(
        record: &RecordId,
        log: LogIncarnation,
        leaves: Vec<Digest32>,
        (signature, keys): (SignatureBytes, &[PublicKey]),
    ) -> Option<Self> {
        said(record, log, &leaves)
            .is_signed(keys, &signature)
            .then_some(Attestation {
                log,
                leaves,
                signature,
            })
    }

    /// Its name.
    pub fn id(&self) -> AttestationId {
        let mut id = [0; 16];
        id.copy_from_slice(&root(&self.leaves).0[..16]);
        AttestationId(id)
    }

    /// What proves each of the changes.
    pub fn proofs(self) -> Proofs {
        Proofs {
            log: self.log,
            signature: self.signature,
            levels: levels(self.leaves),
        }
    }
}

/// The proofs of the changes of a frame.
#[derive(Debug)]
pub struct Proofs {
    log: LogIncarnation,
    signature: SignatureBytes,
    levels: Vec<Vec<Digest32>>,
}

impl Proofs {
    /// The proof of the change at this place in the frame, which was accepted at this tick; nothing
    /// when there was none.
    pub fn proof(&self, at: u32, tick: Tick) -> Option<Proof> {
        let size = self.levels.first()?.len();
        let mut place = at as usize;
        if place >= size {
            return None;
        }
        let mut path = Vec::new();
        for level in &self.levels {
            path.extend(level.get(place ^ 1).filter(|_| level.len() > 1));
            place /= 2;
        }
        Some(Proof {
            log: self.log,
            tick,
            size: u32::try_from(size).ok()?,
            at,
            path,
            signature: self.signature,
        })
    }
}

/// Proves that the server had a change in its log: what travels with one that is handed back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// In which life of the log it was.
    #[serde(rename = "l")]
    pub log: LogIncarnation,
    /// When it was accepted.
    #[serde(rename = "t")]
    pub tick: Tick,
    /// How many changes the frame had.
    #[serde(rename = "n")]
    size: u32,
    /// The place of this one.
    #[serde(rename = "k")]
    at: u32,
    /// The hashes beside its way to the root.
    #[serde(rename = "h")]
    path: Vec<Digest32>,
    /// The server's, over the root.
    #[serde(rename = "s")]
    signature: SignatureBytes,
}

impl Proof {
    /// Whether one of the server's `keys` signed that this change of this entry, with this origin,
    /// was accepted into this record then.
    pub fn proves(
        &self,
        record: &RecordId,
        (entry, change): (&EntryId, &ChangeHash),
        origin: &[u8],
        keys: &[PublicKey],
    ) -> bool {
        if self.at >= self.size || self.size as usize > MAX_ITEMS || self.path.len() > 32 {
            return false;
        }
        let leaf = leaf(entry, change, self.tick, origin);
        let Some(root) = climb(leaf, (self.at, self.size), &self.path) else {
            return false;
        };
        let said = Said {
            record: *record,
            log: self.log,
            size: self.size,
            root,
        };
        said.is_signed(keys, &self.signature)
    }

    /// How many bytes it takes, about.
    pub fn bytes(&self) -> usize {
        96 + 33 * self.path.len()
    }
}

/// The root of a tree, by one of its leaves, at this place of so many, and the hashes beside its way,
/// if these are as many as there must be.
fn climb(leaf: Digest32, (at, size): (u32, u32), path: &[Digest32]) -> Option<Digest32> {
    let (mut hash, mut place, mut last) = (leaf, at, size.checked_sub(1)?);
    let mut path = path.iter();
    while last > 0 {
        hash = match place {
            odd if odd % 2 == 1 => node(path.next()?, &hash),
            even if even < last => node(&hash, path.next()?),
            _ => hash,
        };
        (place, last) = (place / 2, last / 2);
    }
    path.next().is_none().then_some(hash)
}

#[cfg(test)]
mod tests;
