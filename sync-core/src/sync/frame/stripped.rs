//! A change as a frame carries it: taken apart, and with what is worked out of it.

use super::{FrameError, Item, Weighs, chunk, origin};
use crate::change::{Edit, Origin, SignedOrigin, Voucher};
use crate::sync::attestation;
use crate::{Bytes, ChangeHash, Digest32, EntryId, Tick, codec};

/// A change chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// What is particular to it.
    Parts(chunk::Parts),
    /// It has not the usual shape.
    Whole(Bytes),
}

impl Change {
    fn read(chunk: &Bytes) -> Self {
        match chunk::Parts::read(chunk) {
            Some(parts) => Change::Parts(parts),
            None => Change::Whole(chunk.clone()),
        }
    }

    fn chunk(self) -> Bytes {
        match self {
            Change::Parts(parts) => parts.chunk().into(),
            Change::Whole(chunk) => chunk,
        }
    }
}

/// What an origin states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// What is particular to it.
    Parts(origin::Parts),
    /// Its payload is not the one encoding of what it says.
    Whole(Bytes),
}

impl Statement {
    fn read(payload: &Bytes) -> Self {
        match origin::Parts::read(payload) {
            Some(parts) => Statement::Parts(parts),
            None => Statement::Whole(payload.clone()),
        }
    }

    fn payload(self) -> Result<Bytes, FrameError> {
        match self {
            Statement::Parts(parts) => Ok(codec::to_cbor(&parts.origin()?).into()),
            Statement::Whole(payload) => Ok(payload),
        }
    }

    /// The time of its device in seconds, which its change mostly has too.
    pub fn seconds(&self) -> i64 {
        match self {
            Statement::Parts(parts) => parts.seconds(),
            Statement::Whole(_) => 0,
        }
    }
}

/// What a frame says of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub entry: EntryId,
    pub change: Change,
    pub statement: Statement,
    pub accepted: Option<Tick>,
    pub voucher: Voucher,
}

impl Carried {
    /// Puts the change together again.
    pub fn item(self) -> Result<Item, FrameError> {
        let Carried {
            entry,
            change,
            statement,
            accepted,
            voucher,
        } = self;
        let change = change.chunk();
        let payload = statement.payload()?;
        let origin = SignedOrigin { payload, voucher };
        let edit = Edit {
            entry,
            change,
            origin,
        };
        Ok(Item { edit, accepted })
    }
}

/// A change as a frame carries it: taken apart, with its name, its leaf in the tree that the server
/// signs, and how many bytes it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripped {
    pub(super) name: ChangeHash,
    pub(super) leaf: Digest32,
    /// How many bytes its chunk and its origin are.
    pub(super) size: usize,
    pub(super) carried: Carried,
}

impl Stripped {
    /// Takes a change apart, which was accepted at this tick.
    pub fn new(edit: &Edit, accepted: Option<Tick>) -> Self {
        let Edit {
            entry,
            change,
            origin,
        } = edit;
        let name = chunk::hash(change);
        Stripped {
            name,
            leaf: leaf((entry, &name), accepted, &origin.payload),
            size: change.len() + origin.payload.len(),
            carried: Carried {
                entry: *entry,
                change: Change::read(change),
                statement: Statement::read(&origin.payload),
                accepted,
                voucher: origin.voucher.clone(),
            },
        }
    }

    /// Its name.
    pub fn name(&self) -> ChangeHash {
        self.name
    }

    /// When it was accepted.
    pub fn accepted(&self) -> Option<Tick> {
        self.carried.accepted
    }

    /// What its author's device said of it.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn origin(&self) -> Result<Origin, FrameError> {
        match &self.carried.statement {
            Statement::Parts(parts) => parts.origin(),
            Statement::Whole(payload) => Ok(codec::from_cbor(payload)?),
        }
    }
}

impl From<&Item> for Stripped {
    fn from(item: &Item) -> Self {
        Stripped::new(&item.edit, item.accepted)
    }
}

impl Weighs for Stripped {
    fn bytes(&self) -> usize {
        self.size
    }
}

/// A change as a leaf of the tree.
pub(super) fn leaf(
    (entry, name): (&EntryId, &ChangeHash),
    accepted: Option<Tick>,
    payload: &[u8],
) -> Digest32 {
    attestation::leaf(entry, name, accepted.unwrap_or(Tick(0)), payload)
}
