//! An origin in a frame: people write many changes from one device, one after the other.

use serde::{Deserialize, Serialize};

use super::numbers::{Known, Named, Writer};
use super::{FrameError, NOT_A_FRAME};
use crate::change::Origin;
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::codec;
use crate::policy::Role;
use crate::reader::Reader;
use crate::{ChangeHash, DeviceId, DeviceTime, Incarnation, LogIncarnation, PersonId, Tick};

/// The columns of what the origins say.
#[derive(Default)]
pub(super) struct OriginColumns<C> {
    /// Numbers: by whom, having seen what, when, citing how many.
    pub shape: C,
    /// By whom: what is new.
    pub writers: C,
    /// Checkpoints, and what is cited.
    pub seen: C,
}

/// How many bytes what origins have in common may take: it is told once, and repeated by the reader.
const MAX_BY: usize = 1024;

/// What the origins of many changes have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct By {
    #[serde(rename = "p")]
    author: PersonId,
    #[serde(rename = "r")]
    role: Role,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<PersonId>,
    #[serde(rename = "d")]
    device: DeviceId,
    #[serde(rename = "i")]
    incarnation: Incarnation,
}

/// What the writer of a frame has told of origins so far.
#[derive(Default)]
pub(super) struct Told {
    writers: Named<Vec<u8>>,
    seen: Named<Seen>,
    logs: Named<LogIncarnation>,
    at: u64,
    tick: u64,
}

/// What the reader of a frame knows of origins so far.
#[derive(Default)]
pub(super) struct Heard {
    writers: Known<By>,
    seen: Known<Seen>,
    logs: Known<LogIncarnation>,
    at: u64,
    tick: u64,
}

impl Told {
    /// Writes an origin into the columns and answers with when it was made; nothing, and nothing is
    /// written, when its payload is not the one encoding of what it says.
    pub fn write(
        &mut self,
        payload: &[u8],
        columns: &mut OriginColumns<Writer>,
    ) -> Option<DeviceTime> {
        let origin: Origin = codec::from_cbor(payload).ok()?;
        if codec::to_cbor(&origin) != payload {
            return None;
        }
        let Origin {
            author,
            role,
            on_behalf_of,
            device,
            incarnation,
            seen,
            at,
            cites,
        } = origin;
        let by = codec::to_cbor(&By {
            author,
            role,
            on_behalf_of,
            device,
            incarnation,
        });
        if by.len() > MAX_BY {
            return None;
        }
        let back = self.writers.back(&by);
        columns.shape.number(back);
        if back == 0 {
            columns.writers.prefixed(&by);
            self.writers.add(by);
        }
        self.write_seen(seen, columns);
        columns.shape.difference(at.0.cast_unsigned(), self.at);
        self.at = at.0.cast_unsigned();
        columns.shape.number(cites.len() as u64);
        for cited in &cites {
            columns.seen.bytes(&cited.0);
        }
        Some(at)
    }

    /// 0 for none, 1 for a new checkpoint, one more than how far back for one that was named.
    fn write_seen(&mut self, seen: Option<Seen>, columns: &mut OriginColumns<Writer>) {
        let OriginColumns {
            shape, seen: told, ..
        } = columns;
        let Some(seen) = seen else {
            return shape.number(0);
        };
        let back = self.seen.back(&seen);
        shape.number(back + 1);
        if back > 0 {
            return;
        }
        self.seen.add(seen);
        let back = self.logs.back(&seen.log);
        shape.number(back);
        if back == 0 {
            self.logs.add(seen.log);
            told.bytes(&seen.log.0);
        }
        shape.difference(seen.tick.0, self.tick);
        self.tick = seen.tick.0;
        told.bytes(&seen.digest.0);
    }
}

impl Heard {
    /// Reads an origin out of the columns: its payload, and when it was made.
    pub fn read(
        &mut self,
        columns: &mut OriginColumns<Reader<'_>>,
    ) -> Result<(Vec<u8>, DeviceTime), FrameError> {
        let OriginColumns {
            shape,
            writers,
            seen: told,
        } = columns;
        let by = self.writers.at(shape.number()?, || {
            let by = writers.prefixed()?;
            if by.len() > MAX_BY {
                return Err(FrameError::TooLarge);
            }
            codec::from_cbor(by).map_err(|_| NOT_A_FRAME)
        })?;
        let seen = match shape.number()? {
            0 => None,
            1 => {
                let log = shape.number()?;
                let log = self.logs.at(log, || told.array().map(LogIncarnation))?;
                self.tick = shape.difference(self.tick)?;
                let seen = Seen {
                    log,
                    tick: Tick(self.tick),
                    digest: CheckpointDigest(told.array()?),
                };
                self.seen.add(seen);
                Some(seen)
            }
            back => Some(self.seen.find(back - 1).ok_or(NOT_A_FRAME)?),
        };
        self.at = shape.difference(self.at)?;
        let at = DeviceTime(self.at.cast_signed());
        let mut cites = Vec::new();
        for _ in 0..shape.number()? {
            cites.push(ChangeHash(told.array()?));
        }
        let payload = codec::to_cbor(&Origin {
            author: by.author,
            role: by.role,
            on_behalf_of: by.on_behalf_of,
            device: by.device,
            incarnation: by.incarnation,
            seen,
            at,
            cites,
        });
        Ok((payload, at))
    }
}
