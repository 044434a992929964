//! The hash chain over the events of one record, and its verification.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::AccessEvent;
use crate::{Bytes, Digest32, RecordId, Tick};

const DOMAIN: &[u8] = b"carnet/access-log/1";
const GENESIS: &[u8] = b"carnet/access-log/1/genesis";
const GENESIS_APART: &[u8] = b"carnet/access-log/1/genesis-apart";

/// How far a record's log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogHead {
    /// The place of the last event; 0 before the first.
    pub seq: u64,
    /// The hash of the last event; the genesis of the record before the first.
    pub hash: Digest32,
}

/// An event as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainedEvent {
    /// The encoded event.
    #[serde(rename = "e")]
    pub event: Bytes,
    /// The hash of the chain up to and with it.
    #[serde(rename = "h")]
    pub hash: Digest32,
}

impl LogHead {
    /// The head of a log without events. Bound to the record: a chain is nobody else's.
    pub fn genesis(record: &RecordId) -> Self {
        LogHead {
            seq: 0,
            hash: Digest32::of(&[GENESIS, record.as_bytes()]),
        }
    }

    /// The head, without events, of the chain of what a record's holder may not know of yet.
    pub fn genesis_apart(record: &RecordId) -> Self {
        LogHead {
            seq: 0,
            hash: Digest32::of(&[GENESIS_APART, record.as_bytes()]),
        }
    }

    /// The head once `event`, encoded, follows:
    /// `SHA-256("carnet/access-log/1" || record || previous hash || event)`.
    #[must_use]
    pub fn then(&self, record: &RecordId, event: &[u8]) -> Self {
        LogHead {
            seq: self.seq.saturating_add(1),
            hash: Digest32::of(&[DOMAIN, record.as_bytes(), &self.hash.0, event]),
        }
    }

    /// Puts an event at its place, [`LogHead::seq`] + 1, and chains it.
    pub fn append(&mut self, record: &RecordId, mut event: AccessEvent) -> ChainedEvent {
        event.seq = self.seq.saturating_add(1);
        let event = event.encode();
        *self = self.then(record, &event);
        ChainedEvent {
            event: event.into(),
            hash: self.hash,
        }
    }
}

/// A chain that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its head.
    pub head: LogHead,
    /// The time of its last event; the first tick when it has none.
    pub last: Tick,
}

/// Where a chain breaks. Everything before stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the access log is broken at event {seq}: {why}")]
pub struct BrokenAt {
    /// The place of the first event that cannot be trusted, from 1.
    pub seq: u64,
    /// What is wrong there.
    pub why: Broken,
}

/// How a chain breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// The bytes are no event.
    #[error("it cannot be read")]
    Unreadable,
    /// An event is missing, added or moved: this one does not say its place.
    #[error("it says it is event {0}")]
    Place(u64),
    /// The event, or one before it, is not the one that was logged.
    #[error("its hash does not follow from what it says and from those before")]
    Hash,
    /// An event came into the log before the one before it, or before it happened.
    #[error("it is older than the one before")]
    Time,
    /// The chain does not pass through a head that the server has signed: events at the end were
    /// taken away, or the log was written anew.
    #[error("the log does not contain what a signed checkpoint says it did")]
    Witness,
}

/// Verifies a log piece by piece, as pages of it arrive.
#[derive(Clone, Debug)]
pub struct Verifier {
    record: RecordId,
    head: LogHead,
    last: Tick,
    witness: Digest32,
    witnessed: bool,
}

impl Verifier {
    /// Starts at the beginning of a record's log, which must contain `witness`: the head named by
    /// a checkpoint the server signed, however old.
    pub fn new(record: RecordId, witness: Digest32) -> Self {
        let beginning = Verified {
            head: LogHead::genesis(&record),
            last: Tick::default(),
        };
        Self::after(record, &beginning, witness)
    }

    /// Goes on after a part verified before; `witness` must be its head or come after it.
    pub fn after(record: RecordId, verified: &Verified, witness: Digest32) -> Self {
        Verifier {
            record,
            head: verified.head,
            last: verified.last,
            witness,
            witnessed: verified.head.hash == witness,
        }
    }

    /// Takes the next event, and gives it decoded.
    ///
    /// # Errors
    /// When it does not follow. The verifier stays where it was.
    pub fn push(&mut self, next: &ChainedEvent) -> Result<AccessEvent, BrokenAt> {
        let head = self.head.then(&self.record, &next.event);
        let broken = |why| BrokenAt { seq: head.seq, why };
        let event = AccessEvent::decode(&next.event).map_err(|_| broken(Broken::Unreadable))?;
        if event.seq != head.seq {
            return Err(broken(Broken::Place(event.seq)));
        }
        if next.hash != head.hash {
            return Err(broken(Broken::Hash));
        }
        let at = event.chained_at();
        if at < self.last || at < event.at {
            return Err(broken(Broken::Time));
        }
        self.head = head;
        self.last = at;
        self.witnessed |= head.hash == self.witness;
        Ok(event)
    }

    /// Ends the log here.
    ///
    /// # Errors
    /// When it has not come past its witness.
    pub fn finish(self) -> Result<Verified, BrokenAt> {
        if self.witnessed {
            Ok(Verified {
                head: self.head,
                last: self.last,
            })
        } else {
            Err(BrokenAt {
                seq: self.head.seq.saturating_add(1),
                why: Broken::Witness,
            })
        }
    }
}

/// Verifies a whole log: `events` from the first on, which must contain `expected_head`, the head
/// named by a checkpoint the server signed.
///
/// # Errors
/// Where it breaks first, and how.
pub fn verify<'e>(
    record: &RecordId,
    events: impl IntoIterator<Item = &'e ChainedEvent>,
    expected_head: &Digest32,
) -> Result<Verified, BrokenAt> {
    let mut verifier = Verifier::new(*record, *expected_head);
    for event in events {
        verifier.push(event)?;
    }
    verifier.finish()
}

#[cfg(test)]
mod tests;
