//! How far a device has come, as the server has it remember.

use serde::{Deserialize, Serialize};
use sync_core::authority::Submitter;
use sync_core::checkpoint::Seen;
use sync_core::sync::SyncRequest;
use sync_core::{Epoch, LogIncarnation, PersonId, RecordId, Tick, codec};

use super::Keeper;

/// What a cursor says. A server seals it; nobody in the simulation looks inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub record: RecordId,
    pub person: PersonId,
    pub log: LogIncarnation,
    /// What decided the viewer's rights.
    pub epoch: Epoch,
    /// All up to here was told before this walk; of a resend, nothing.
    pub base: Tick,
    /// Of what was touched since, this walk has told what was touched last up to here.
    pub upto: Tick,
    /// When this walk began; nothing when none is under way.
    pub started: Option<Tick>,
    /// A resend is not finished.
    pub resetting: bool,
    /// The checkpoint given with this cursor.
    pub seen: Seen,
}

/// What a request shows of its past.
pub(super) struct Opened {
    /// Its cursor, if it is one of this log and this person.
    pub cursor: Option<Cursor>,
    /// The checkpoints its device proves to have held.
    pub proven: Vec<Seen>,
}

impl Cursor {
    pub fn write(&self) -> Vec<u8> {
        codec::to_cbor(self)
    }

    /// Up to when the device knows an entry that was last touched at `last` when this cursor was
    /// given: what the walk has told already, it told as it was then.
    pub fn knows(&self, last: Tick) -> Tick {
        if last <= self.upto {
            self.seen.tick
        } else {
            self.base
        }
    }
}

impl Keeper {
    pub(super) fn open(&self, request: &SyncRequest, submitter: &Submitter) -> Opened {
        let cursor = request.cursor.as_ref().and_then(|bytes| {
            let cursor: Cursor = codec::from_cbor(bytes).ok()?;
            let mine = cursor.record == self.record
                && cursor.person == submitter.subject.person
                && cursor.log == self.log;
            mine.then_some(cursor)
        });
        let keys = [self.public_key()];
        let shown = request.checkpoints.iter().filter_map(|shown| {
            let checkpoint = shown.open(&keys).ok()?;
            let ours = checkpoint.record == self.record;
            shown.seen().ok().filter(|_| ours)
        });
        Opened {
            proven: cursor.iter().map(|c| c.seen).chain(shown).collect(),
            cursor,
        }
    }
}
