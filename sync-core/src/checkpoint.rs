//! Checkpoints: what the server says, under its signature, that a device has seen of a record.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::codec::Malformed;
use crate::sign::{PublicKey, Signed};
use crate::{Digest32, Epoch, LogIncarnation, PersonId, RecordId, Tick, fixed_bytes};

const DOMAIN: &[u8] = b"carnet/checkpoint/1";

fixed_bytes! {
    /// Names a checkpoint: the first half of the SHA-256 of its payload.
    CheckpointDigest, 16
}

/// A short statement of the server: its holder has been given all it may see up to `tick`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The record.
    #[serde(rename = "r")]
    pub record: RecordId,
    /// Whom it speaks to; to nobody else it says anything.
    #[serde(rename = "p")]
    pub viewer: PersonId,
    /// Which life of the record's log.
    #[serde(rename = "l")]
    pub log: LogIncarnation,
    /// Everything before or at this tick; also the server's time.
    #[serde(rename = "t")]
    pub tick: Tick,
    /// What decided this viewer's rights.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// Head of the record's access-log chain.
    #[serde(rename = "a")]
    pub access_log: Digest32,
}

/// How an edit names the checkpoint its device held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seen {
    /// The log's life.
    #[serde(rename = "l")]
    pub log: LogIncarnation,
    /// How far the device had seen.
    #[serde(rename = "t")]
    pub tick: Tick,
    /// Which checkpoint.
    #[serde(rename = "d")]
    pub digest: CheckpointDigest,
}

/// A checkpoint as it travels and is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignedCheckpoint(pub Signed);

impl SignedCheckpoint {
    /// Signs a checkpoint with the server's key.
    pub fn new(key: &SigningKey, checkpoint: &Checkpoint) -> Self {
        SignedCheckpoint(Signed::new(key, &[DOMAIN], checkpoint))
    }

    /// The statement, if one of `keys` signed it.
    ///
    /// # Errors
    /// When no given key signed it or it is not a checkpoint.
    pub fn open<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<Checkpoint, Malformed> {
        if keys.into_iter().any(|key| self.0.verifies(key, &[DOMAIN])) {
            self.0.read()
        } else {
            Err(Malformed("checkpoint: not signed by this server"))
        }
    }

    /// How an edit names this checkpoint.
    ///
    /// # Errors
    /// When the payload is not a checkpoint.
    pub fn seen(&self) -> Result<Seen, Malformed> {
        let checkpoint: Checkpoint = self.0.read()?;
        Ok(Seen {
            log: checkpoint.log,
            tick: checkpoint.tick,
            digest: self.digest(),
        })
    }

    /// The name of this checkpoint.
    pub fn digest(&self) -> CheckpointDigest {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Digest32::of(&[&self.0.payload]).0[..16]);
        CheckpointDigest(digest)
    }
}
