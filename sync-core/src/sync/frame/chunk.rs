//! A change without what its reader can work out: magic, checksum and length, the hashes of changes
//! that came before it in the frame, the actors that its entry had before.
//!
//! The parts of a chunk are those of "Change chunks" in Automerge's description of its binary
//! format.

use super::numbers::{Column, Known, Named};
use super::{FrameError, NOT_A_FRAME};
use crate::guard::{CHANGE_CHUNK, MAGIC, MAX_CHANGE};
use crate::reader::Reader;
use crate::{ChangeHash, Digest32};

/// The columns of what is particular to each change.
#[derive(Default)]
pub(super) struct ChunkColumns<C> {
    /// Numbers: what it follows, whose it is, how far they had come, when.
    pub shape: C,
    /// Hashes that are not in the frame.
    pub hashes: C,
    /// Actors that are new to their entry.
    pub actors: C,
    /// What it does, as it stands in the chunk.
    pub operations: C,
}

/// The name of a change by its chunk, or what would be if it is none.
pub(super) fn hash(chunk: &[u8]) -> ChangeHash {
    ChangeHash(Digest32::of(&[chunk.get(8..).unwrap_or_default()]).0)
}

/// The parts of a change chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    deps: Vec<ChangeHash>,
    actor: [u8; 16],
    seq: u64,
    start: u64,
    time: i64,
    others: Vec<[u8; 16]>,
    operations: Vec<u8>,
}

impl Parts {
    /// Takes a chunk apart; nothing when it is none that can be put together again.
    pub fn read(chunk: &[u8]) -> Option<Self> {
        Self::split(chunk).filter(|parts| parts.chunk() == chunk)
    }

    fn split(chunk: &[u8]) -> Option<Self> {
        let mut rest = Reader(chunk.get(9..)?);
        let mut contents = Reader(rest.prefixed().ok()?);
        let mut deps = Vec::new();
        for _ in 0..contents.number().ok()? {
            deps.push(ChangeHash(contents.array().ok()?));
        }
        let actor = actor(&mut contents)?;
        let seq = contents.number().ok()?;
        let start = contents.number().ok()?;
        let time = contents.signed().ok()?;
        if !contents.prefixed().ok()?.is_empty() {
            return None;
        }
        let mut others = Vec::new();
        for _ in 0..contents.number().ok()? {
            others.push(self::actor(&mut contents)?);
        }
        Some(Parts {
            deps,
            actor,
            seq,
            start,
            time,
            others,
            operations: contents.0.to_vec(),
        })
    }

    /// Puts the chunk together again.
    pub fn chunk(&self) -> Vec<u8> {
        let mut contents = Column::default();
        contents.number(self.deps.len() as u64);
        for dep in &self.deps {
            contents.bytes(&dep.0);
        }
        contents.prefixed(&self.actor);
        contents.number(self.seq);
        contents.number(self.start);
        contents.signed(self.time);
        contents.prefixed(&[]);
        contents.number(self.others.len() as u64);
        for other in &self.others {
            contents.prefixed(other);
        }
        contents.bytes(&self.operations);
        let mut named = Column(vec![CHANGE_CHUNK]);
        named.prefixed(&contents.0);
        let checksum = &Digest32::of(&[&named.0]).0[..4];
        [&MAGIC, checksum, &named.0].concat()
    }
}

fn actor(contents: &mut Reader<'_>) -> Option<[u8; 16]> {
    contents.prefixed().ok()?.try_into().ok()
}

/// What the writer of a frame has told of an entry so far.
#[derive(Default)]
pub(super) struct Told {
    changes: Named<ChangeHash>,
    actors: Named<[u8; 16]>,
    last: Last,
}

/// What the reader of a frame knows of an entry so far.
#[derive(Default)]
pub(super) struct Heard {
    changes: Known<ChangeHash>,
    actors: Known<[u8; 16]>,
    last: Last,
}

/// The number of the last change of an entry, and of its first operation.
#[derive(Clone, Copy, Default)]
struct Last {
    seq: u64,
    start: u64,
}

impl Told {
    /// Notes a change that was written.
    pub fn note(&mut self, change: ChangeHash) {
        self.changes.add(change);
    }

    /// Writes a change into the columns, whose time is expected to be `at`.
    pub fn write(&mut self, parts: &Parts, at: i64, columns: &mut ChunkColumns<Column>) {
        let ChunkColumns {
            shape,
            hashes,
            actors,
            operations,
        } = columns;
        shape.number(parts.deps.len() as u64);
        for dep in &parts.deps {
            let back = self.changes.back(dep);
            shape.number(back);
            if back == 0 {
                hashes.bytes(&dep.0);
            }
        }
        shape.number(parts.others.len() as u64);
        for actor in [parts.actor].iter().chain(&parts.others) {
            let back = self.actors.back(actor);
            shape.number(back);
            if back == 0 {
                self.actors.add(*actor);
                actors.bytes(actor);
            }
        }
        shape.difference(parts.seq, self.last.seq);
        shape.difference(parts.start, self.last.start);
        shape.difference(parts.time.cast_unsigned(), at.cast_unsigned());
        operations.prefixed(&parts.operations);
        self.last = Last {
            seq: parts.seq,
            start: parts.start,
        };
    }
}

impl Heard {
    /// Notes a change that was read.
    pub fn note(&mut self, change: ChangeHash) {
        self.changes.add(change);
    }

    /// Reads a change out of the columns.
    pub fn read(
        &mut self,
        at: i64,
        columns: &mut ChunkColumns<Reader<'_>>,
    ) -> Result<Parts, FrameError> {
        let ChunkColumns {
            shape,
            hashes,
            actors,
            operations,
        } = columns;
        let mut deps = Vec::new();
        for _ in 0..shape.number()? {
            let back = shape.number()?;
            deps.push(match back {
                0 => ChangeHash(hashes.array()?),
                back => self.changes.find(back).ok_or(NOT_A_FRAME)?,
            });
            // What is put together may be larger than what it is put together from.
            if 32 * deps.len() > MAX_CHANGE {
                return Err(FrameError::TooLarge);
            }
        }
        let others = shape.number()?;
        let mut all = Vec::new();
        for _ in 0..others.saturating_add(1) {
            all.push(self.actors.at(shape.number()?, || actors.array())?);
            if 16 * all.len() > MAX_CHANGE {
                return Err(FrameError::TooLarge);
            }
        }
        let actor = all.remove(0);
        let seq = shape.difference(self.last.seq)?;
        let start = shape.difference(self.last.start)?;
        let time = shape.difference(at.cast_unsigned())?.cast_signed();
        self.last = Last { seq, start };
        Ok(Parts {
            deps,
            actor,
            seq,
            start,
            time,
            others: all,
            operations: operations.prefixed()?.to_vec(),
        })
    }
}
