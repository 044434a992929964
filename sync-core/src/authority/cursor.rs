//! How far a device has come, as whoever keeps the log remembers it.

use crate::audit::LogHead;
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::{Digest32, Epoch, LogIncarnation, Tick};

const WITNESS: &[u8] = b"carnet/cursor-witness/1";

/// The layout of an encoded cursor.
const FORMAT: u8 = 1;

/// How far a device has come.
///
/// A device that has all it may see stands at `base`. While it is given more than fits one
/// answer, `base` stays where the walk began and `upto` goes through the entries by their last
/// touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which life of the log.
    pub log: LogIncarnation,
    /// Everything up to here was given before this walk; zero in a full resend.
    pub base: Tick,
    /// Entries touched last up to here were given in this walk.
    pub upto: Tick,
    /// The record's time when this walk began; zero when none is under way.
    pub started: Tick,
    /// Held edits changed up to here were told.
    pub held: Tick,
    /// What the last checkpoint says.
    pub told: Tick,
    /// What decided the viewer's rights.
    pub epoch: Epoch,
    /// The last checkpoint.
    pub digest: CheckpointDigest,
    /// This walk is a full resend.
    pub resending: bool,
    /// How far the access logs had come when it was given.
    pub witness: Witness,
}

/// How far a record's access log, and what is chained apart from it, had come at a moment. Whatever
/// is accepted or given is in them, so a store whose logs do not contain this has lost something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// How many events the access log had.
    pub log: u64,
    /// How many were chained apart.
    pub apart: u64,
    /// Names the last of both.
    pub heads: [u8; 8],
}

impl Witness {
    /// What these heads bear out.
    pub fn of(log: &LogHead, apart: &LogHead) -> Self {
        let digest = Digest32::of(&[WITNESS, &log.hash.0, &apart.hash.0]).0;
        let mut heads = [0; 8];
        heads.copy_from_slice(&digest[..8]);
        Witness {
            log: log.seq,
            apart: apart.seq,
            heads,
        }
    }
}

impl Cursor {
    /// The length of an encoded cursor: always the same, so that it tells nothing by its size.
    pub const LENGTH: usize = 1 + 16 + 5 * 8 + 8 + 16 + 1 + 3 * 8;

    /// The checkpoint that was given with this cursor, as edits name it.
    pub fn seen(&self) -> Seen {
        Seen {
            log: self.log,
            tick: self.told,
            digest: self.digest,
        }
    }

    /// No tick later than this was told with it.
    pub fn latest(&self) -> Tick {
        let ticks = [self.upto, self.started, self.held, self.told];
        ticks.into_iter().fold(self.base, Tick::max)
    }

    /// Whether the device has all it was to be given: no walk is under way.
    pub fn rests(&self) -> bool {
        self.base == self.upto && !self.resending
    }

    /// This cursor as [`Cursor::LENGTH`] bytes, in clear: seal them before they travel.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.log.0);
        for tick in [self.base, self.upto, self.started, self.held, self.told] {
            bytes.extend_from_slice(&tick.0.to_be_bytes());
        }
        bytes.extend_from_slice(&self.epoch.0);
        bytes.extend_from_slice(&self.digest.0);
        bytes.push(u8::from(self.resending));
        bytes.extend_from_slice(&self.witness.log.to_be_bytes());
        bytes.extend_from_slice(&self.witness.apart.to_be_bytes());
        bytes.extend_from_slice(&self.witness.heads);
        bytes
    }

    /// A cursor from its bytes; nothing when they are not those of one of this layout.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::LENGTH {
            return None;
        }
        let mut rest = bytes;
        let mut take = |length| {
            let (part, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(part)
        };
        if take(1)? != [FORMAT] {
            return None;
        }
        let log = LogIncarnation::from_slice(take(16)?)?;
        let mut ticks = [Tick(0); 5];
        for tick in &mut ticks {
            *tick = Tick(u64::from_be_bytes(take(8)?.try_into().ok()?));
        }
        let [base, upto, started, held, told] = ticks;
        Some(Cursor {
            log,
            base,
            upto,
            started,
            held,
            told,
            epoch: Epoch::from_slice(take(8)?)?,
            digest: CheckpointDigest::from_slice(take(16)?)?,
            resending: take(1)? == [1],
            witness: Witness {
                log: u64::from_be_bytes(take(8)?.try_into().ok()?),
                apart: u64::from_be_bytes(take(8)?.try_into().ok()?),
                heads: take(8)?.try_into().ok()?,
            },
        })
    }
}
