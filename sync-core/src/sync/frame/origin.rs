//! An origin in a frame: people write many changes from one device, one after the other.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::numbers::{Column, Known, Named};
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

/// The same as it is told, and read only where it is asked for.
#[derive(Debug)]
struct Writer {
    told: Vec<u8>,
    by: OnceLock<By>,
}

impl Writer {
    fn told(told: &[u8]) -> Result<Arc<Self>, FrameError> {
        if told.len() > MAX_BY {
            return Err(FrameError::TooLarge);
        }
        Ok(Arc::new(Writer {
            told: told.to_vec(),
            by: OnceLock::new(),
        }))
    }

    fn by(&self) -> Result<&By, FrameError> {
        if let Some(by) = self.by.get() {
            return Ok(by);
        }
        let by = codec::from_cbor(&self.told).map_err(|_| NOT_A_FRAME)?;
        Ok(self.by.get_or_init(|| by))
    }
}

impl PartialEq for Writer {
    fn eq(&self, other: &Self) -> bool {
        self.told == other.told
    }
}

impl Eq for Writer {}

impl Hash for Writer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.told.hash(state);
    }
}

/// The parts of an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    writer: Arc<Writer>,
    seen: Option<Seen>,
    at: DeviceTime,
    cites: Vec<ChangeHash>,
}

impl Parts {
    /// Takes an origin apart; nothing when its payload is not the one encoding of what it says.
    pub fn read(payload: &[u8]) -> Option<Self> {
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
        let by = By {
            author,
            role,
            on_behalf_of,
            device,
            incarnation,
        };
        Some(Parts {
            writer: Writer::told(&codec::to_cbor(&by)).ok()?,
            seen,
            at,
            cites,
        })
    }

    /// Puts what it says together again.
    ///
    /// # Errors
    /// When whose it is cannot be read.
    pub fn origin(&self) -> Result<Origin, FrameError> {
        let By {
            author,
            role,
            on_behalf_of,
            device,
            incarnation,
        } = self.writer.by()?.clone();
        Ok(Origin {
            author,
            role,
            on_behalf_of,
            device,
            incarnation,
            seen: self.seen,
            at: self.at,
            cites: self.cites.clone(),
        })
    }

    /// Its device's time in seconds.
    pub fn seconds(&self) -> i64 {
        self.at.0.div_euclid(1000)
    }
}

/// What the writer of a frame has told of origins so far.
#[derive(Default)]
pub(super) struct Told {
    writers: Named<Arc<Writer>>,
    seen: Named<Seen>,
    logs: Named<LogIncarnation>,
    at: u64,
    tick: u64,
}

/// What the reader of a frame knows of origins so far.
#[derive(Default)]
pub(super) struct Heard {
    writers: Known<Arc<Writer>>,
    seen: Known<Seen>,
    logs: Known<LogIncarnation>,
    at: u64,
    tick: u64,
}

impl Told {
    /// Writes an origin into the columns.
    pub fn write(&mut self, parts: &Parts, columns: &mut OriginColumns<Column>) {
        let back = self.writers.back(&parts.writer);
        columns.shape.number(back);
        if back == 0 {
            columns.writers.prefixed(&parts.writer.told);
            self.writers.add(parts.writer.clone());
        }
        self.write_seen(parts.seen, columns);
        let at = parts.at.0.cast_unsigned();
        columns.shape.difference(at, self.at);
        self.at = at;
        columns.shape.number(parts.cites.len() as u64);
        for cited in &parts.cites {
            columns.seen.bytes(&cited.0);
        }
    }

    /// 0 for none, 1 for a new checkpoint, one more than how far back for one that was named.
    fn write_seen(&mut self, seen: Option<Seen>, columns: &mut OriginColumns<Column>) {
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
    /// Reads an origin out of the columns.
    pub fn read(&mut self, columns: &mut OriginColumns<Reader<'_>>) -> Result<Parts, FrameError> {
        let OriginColumns {
            shape,
            writers,
            seen: told,
        } = columns;
        let writer = self
            .writers
            .at(shape.number()?, || Writer::told(writers.prefixed()?))?;
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
        Ok(Parts {
            writer,
            seen,
            at,
            cites,
        })
    }
}
