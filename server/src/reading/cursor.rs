//! Cursors: how far a device has come, sealed so that only this server reads it.

use sync_core::audit::LogHead;
use sync_core::checkpoint::{CheckpointDigest, Seen};
use sync_core::{Bytes, Digest32, Epoch, LogIncarnation, PersonId, RecordId, Tick};

use crate::fault::Fault;
use crate::keys::{Keys, Place};
use crate::storage::records::RecordClock;

const WITNESS: &[u8] = b"carnet/cursor-witness/1";

/// The layout of what is sealed.
const FORMAT: u8 = 2;

/// The length of what is sealed: always the same, so that a cursor tells nothing by its size.
const LENGTH: usize = 1 + 16 + 5 * 8 + 8 + 16 + 1 + 3 * 8;

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
    /// The record's time when this walk began.
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

/// How far a record's access logs had come at a moment. Whatever is accepted or given is in them,
/// so a store whose logs do not contain this has lost something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// How many events the access log had.
    pub audit: u64,
    /// How many were chained apart.
    pub apart: u64,
    /// Names the last of both.
    pub heads: [u8; 8],
}

impl Witness {
    /// The logs of a record as they stand.
    pub fn of(record: &RecordId, clock: &RecordClock) -> Self {
        let apart = clock.apart_head;
        let apart = apart.unwrap_or_else(|| LogHead::genesis_apart(record).hash);
        Witness {
            audit: clock.audit_len,
            apart: clock.apart_len,
            heads: Self::digest(&clock.audit_head, &apart),
        }
    }

    /// Names two last events.
    pub fn digest(audit: &Digest32, apart: &Digest32) -> [u8; 8] {
        let digest = Digest32::of(&[WITNESS, &audit.0, &apart.0]).0;
        let mut heads = [0; 8];
        heads.copy_from_slice(&digest[..8]);
        heads
    }
}

impl Cursor {
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

    /// Seals the cursor to a record and a person.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, keys: &Keys, record: RecordId, person: PersonId) -> Result<Bytes, Fault> {
        let mut plain = Vec::with_capacity(LENGTH);
        plain.push(FORMAT);
        plain.extend_from_slice(&self.log.0);
        for tick in [self.base, self.upto, self.started, self.held, self.told] {
            plain.extend_from_slice(&tick.0.to_be_bytes());
        }
        plain.extend_from_slice(&self.epoch.0);
        plain.extend_from_slice(&self.digest.0);
        plain.push(u8::from(self.resending));
        plain.extend_from_slice(&self.witness.audit.to_be_bytes());
        plain.extend_from_slice(&self.witness.apart.to_be_bytes());
        plain.extend_from_slice(&self.witness.heads);
        let row: [&[u8]; 2] = [record.as_bytes(), person.as_bytes()];
        Ok(keys.cursor_key().seal(&place(&row), &plain)?.into())
    }

    /// Opens a cursor that this server gave this person for this record; nothing for any other.
    pub fn open(keys: &Keys, record: RecordId, person: PersonId, sealed: &[u8]) -> Option<Self> {
        let row: [&[u8]; 2] = [record.as_bytes(), person.as_bytes()];
        let plain = keys.cursor_key().open(&place(&row), sealed).ok()?;
        let mut rest = plain.as_slice();
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
                audit: u64::from_be_bytes(take(8)?.try_into().ok()?),
                apart: u64::from_be_bytes(take(8)?.try_into().ok()?),
                heads: take(8)?.try_into().ok()?,
            },
        })
    }
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "cursor",
        column: "",
        row,
    }
}
