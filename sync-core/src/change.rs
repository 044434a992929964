//! Edits as they travel: one Automerge change of one entry, and who vouches for it.

mod origin;

pub use origin::{Actor, Origin, SignedOrigin, Voucher};

use serde::{Deserialize, Serialize};

use crate::{Bytes, EntryId, Tick};

/// One edit of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The entry.
    pub entry: EntryId,
    /// One uncompressed Automerge change chunk.
    pub change: Bytes,
    /// Who made it, signed.
    pub origin: SignedOrigin,
}

impl Edit {
    /// How many bytes it is: its change, what its author states, and a proof, which may be longer
    /// than both.
    pub fn bytes(&self) -> usize {
        let proof = match &self.origin.voucher {
            Voucher::Server(proof) => proof.bytes(),
            Voucher::Author(_) | Voucher::Frame => 0,
        };
        self.change.len() + self.origin.payload.len() + proof
    }
}

/// Where a change comes from, as a copy of the record knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// What its author's device said of it.
    pub origin: Origin,
    /// When the server accepted it; nothing while it is on this device only.
    pub accepted: Option<Tick>,
}

impl Provenance {
    /// Whether the author of this change had seen what the server accepted at `tick`.
    pub fn had_seen(&self, tick: Tick) -> bool {
        self.origin.seen.is_some_and(|seen| tick <= seen.tick)
    }
}
