//! Frames, put together and taken apart as `docs/wire.md` says.
//!
//! What is sent is written the plain way, each change whole; what comes is read whichever way it was
//! written.

use ciborium::Value;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Bytes;

/// One change in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameChange {
    /// The entry.
    pub entry: Uuid,
    /// The Automerge change chunk.
    pub change: Vec<u8>,
    /// The origin's payload.
    pub origin: Vec<u8>,
    /// The origin's signature; empty of what came in a signed frame.
    pub signature: Vec<u8>,
    /// When the server accepted it.
    pub tick: Option<u64>,
}

/// The columns, in the order in which they stand.
const HOW: usize = 0;
const ENTRY: usize = 1;
const CHANGE: usize = 2;
const ORIGIN: usize = 3;
const ACCEPTED: usize = 4;
const WRITERS: usize = 5;
const OPERATIONS: usize = 6;
const WHOLE: usize = 7;
const ENTRIES: usize = 8;
const ACTORS: usize = 9;
const HASHES: usize = 10;
const SEEN: usize = 11;
const VOUCHERS: usize = 12;
const COLUMNS: usize = 13;

/// A frame as a device sends it, unsigned.
pub fn pack_frame(record: &Uuid, changes: &[FrameChange]) -> Bytes {
    let mut columns: [Vec<u8>; COLUMNS] = Default::default();
    let (mut known, mut tick) = (Vec::new(), 0_u64);
    for one in changes {
        let back = known.iter().rev().position(|entry| *entry == one.entry);
        number(&mut columns[ENTRY], back.map_or(0, |back| back as u64 + 1));
        if back.is_none() {
            known.push(one.entry);
            columns[ENTRIES].extend(one.entry.as_bytes());
        }
        for whole in [&one.origin, &one.change] {
            number(&mut columns[WHOLE], whole.len() as u64);
            columns[WHOLE].extend(whole);
        }
        if let Some(accepted) = one.tick {
            let step = accepted.wrapping_sub(tick).cast_signed();
            leb128::write::signed(&mut columns[ACCEPTED], step).expect("written to memory");
            tick = accepted;
        }
        columns[VOUCHERS].extend(&one.signature);
        columns[HOW].push(1 | 2 | 8 | if one.tick.is_some() { 4 } else { 0 });
    }
    let mut body = Vec::new();
    number(&mut body, changes.len() as u64);
    for column in &columns {
        number(&mut body, column.len() as u64);
    }
    body.extend(columns.concat());
    let content: usize = changes.iter().map(content).sum();
    let mut frame = b"CF\x02\x00".to_vec();
    frame.extend(u32::try_from(body.len()).expect("small").to_le_bytes());
    frame.extend(u32::try_from(content).expect("small").to_le_bytes());
    frame.extend(zstd::bulk::compress(&body, 3).expect("packs"));
    let check = Sha256::digest([record.as_bytes(), &root(changes)[..], &body].concat());
    frame.extend(&check[..8]);
    Bytes(frame)
}

/// The changes in a frame that one of the server's keys must have signed for this life of the log.
pub fn unpack_frame(
    record: &Uuid,
    log: &[u8],
    frame: &[u8],
    keys: &[VerifyingKey],
) -> Vec<FrameChange> {
    assert_eq!(&frame[..4], b"CF\x02\x01", "a signed frame of version 2");
    let length = |at: usize| {
        let bytes = frame[at..at + 4].try_into().expect("4 bytes");
        u32::from_le_bytes(bytes) as usize
    };
    let (packed, signature) = frame[12..].split_at(frame.len() - 12 - 64);
    let body = zstd::bulk::decompress(packed, length(4)).expect("unpacks");
    assert_eq!(body.len(), length(4));
    let changes = read(&body);
    assert_eq!(changes.iter().map(content).sum::<usize>(), length(8));
    let count = u32::try_from(changes.len()).expect("few").to_le_bytes();
    let said = [
        b"carnet/frame/2",
        &record.as_bytes()[..],
        log,
        &count,
        &root(&changes),
    ];
    let said = said.concat();
    let signature = Signature::from_slice(signature).expect("64 bytes");
    let signed = |key: &VerifyingKey| key.verify_strict(&said, &signature).is_ok();
    assert!(keys.iter().any(signed), "signed by a pinned key");
    changes
}

fn content(one: &FrameChange) -> usize {
    one.change.len() + one.origin.len()
}

fn number(to: &mut Vec<u8>, value: u64) {
    leb128::write::unsigned(to, value).expect("written to memory");
}

/// A column that is being read.
struct Column<'b>(&'b [u8]);

impl<'b> Column<'b> {
    fn number(&mut self) -> u64 {
        leb128::read::unsigned(&mut self.0).expect("a number")
    }

    fn signed(&mut self) -> i64 {
        leb128::read::signed(&mut self.0).expect("a signed number")
    }

    fn step(&mut self, from: u64) -> u64 {
        from.wrapping_add(self.signed().cast_unsigned())
    }

    fn take(&mut self, length: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn prefixed(&mut self) -> &'b [u8] {
        let length = self.number() as usize;
        self.take(length)
    }
}

/// What stands so far back among things named before; a new one, which is named with that, for 0.
fn refer<T: Clone>(named: &mut Vec<T>, back: u64, new: impl FnOnce() -> T) -> T {
    if back == 0 {
        named.push(new());
    }
    named[named.len() - back.max(1) as usize].clone()
}

/// What was read of an entry so far.
struct OfEntry {
    entry: Uuid,
    changes: Vec<[u8; 32]>,
    actors: Vec<Vec<u8>>,
    seq: u64,
    start: u64,
}

fn read(body: &[u8]) -> Vec<FrameChange> {
    let mut body = Column(body);
    let count = body.number();
    let lengths: [u64; COLUMNS] = std::array::from_fn(|_| body.number());
    let mut columns = lengths.map(|length| Column(body.take(length as usize)));
    let mut entries: Vec<OfEntry> = Vec::new();
    let mut order: Vec<usize> = Vec::new();
    let mut origins = Origins::default();
    let mut tick = 0;
    let mut changes = Vec::new();
    for _ in 0..count {
        let how = columns[HOW].take(1)[0];
        let back = columns[ENTRY].number();
        let at = refer(&mut order, back, || {
            let entry = Uuid::from_slice(columns[ENTRIES].take(16)).expect("16 bytes");
            entries.push(OfEntry {
                entry,
                changes: Vec::new(),
                actors: Vec::new(),
                seq: 0,
                start: 0,
            });
            entries.len() - 1
        });
        let (origin, seconds) = match how & 2 {
            0 => origins.read(&mut columns),
            _ => (columns[WHOLE].prefixed().to_vec(), 0),
        };
        let of_entry = &mut entries[at];
        let change = match how & 1 {
            0 => read_change(&mut columns, of_entry, seconds),
            _ => columns[WHOLE].prefixed().to_vec(),
        };
        of_entry.changes.push(Sha256::digest(&change[8..]).into());
        if how & 4 != 0 {
            tick = columns[ACCEPTED].step(tick);
        }
        assert_eq!(
            how & !7,
            0,
            "nobody vouches for one change of a signed frame"
        );
        changes.push(FrameChange {
            entry: of_entry.entry,
            change,
            origin,
            signature: Vec::new(),
            tick: (how & 4 != 0).then_some(tick),
        });
    }
    assert!(columns.iter().all(|column| column.0.is_empty()));
    changes
}

fn read_change(columns: &mut [Column<'_>], of_entry: &mut OfEntry, seconds: i64) -> Vec<u8> {
    let mut contents = Vec::new();
    let deps = columns[CHANGE].number();
    number(&mut contents, deps);
    for _ in 0..deps {
        match columns[CHANGE].number() as usize {
            0 => contents.extend(columns[HASHES].take(32)),
            back => contents.extend(of_entry.changes[of_entry.changes.len() - back]),
        }
    }
    let others = columns[CHANGE].number();
    let mut actors = (0..=others).map(|_| {
        let back = columns[CHANGE].number();
        refer(&mut of_entry.actors, back, || {
            columns[ACTORS].take(16).to_vec()
        })
    });
    let actors: Vec<Vec<u8>> = actors.by_ref().collect();
    of_entry.seq = columns[CHANGE].step(of_entry.seq);
    of_entry.start = columns[CHANGE].step(of_entry.start);
    let time = columns[CHANGE].step(seconds.cast_unsigned()).cast_signed();
    let actor = |contents: &mut Vec<u8>, actor: &[u8]| {
        number(contents, 16);
        contents.extend(actor);
    };
    actor(&mut contents, &actors[0]);
    number(&mut contents, of_entry.seq);
    number(&mut contents, of_entry.start);
    leb128::write::signed(&mut contents, time).expect("written to memory");
    number(&mut contents, 0);
    number(&mut contents, others);
    for other in &actors[1..] {
        actor(&mut contents, other);
    }
    contents.extend(columns[OPERATIONS].prefixed());
    let mut named = vec![1];
    number(&mut named, contents.len() as u64);
    named.extend(contents);
    let checksum = &Sha256::digest(&named)[..4];
    [&[0x85, 0x6f, 0x4a, 0x83], checksum, &named].concat()
}

/// What was read of origins so far.
#[derive(Default)]
struct Origins {
    writers: Vec<Vec<(Value, Value)>>,
    seen: Vec<Value>,
    logs: Vec<Vec<u8>>,
    tick: u64,
    at: u64,
}

impl Origins {
    /// An origin, put together in the order of the members that the page gives, and its second.
    fn read(&mut self, columns: &mut [Column<'_>]) -> (Vec<u8>, i64) {
        let back = columns[ORIGIN].number();
        let mut stated = refer(&mut self.writers, back, || {
            let by: Value = ciborium::from_reader(columns[WRITERS].prefixed()).expect("CBOR");
            by.into_map().expect("a map")
        });
        let seen = match columns[ORIGIN].number() {
            0 => None,
            back => {
                let (logs, tick) = (&mut self.logs, &mut self.tick);
                Some(refer(&mut self.seen, back - 1, || {
                    let back = columns[ORIGIN].number();
                    let log = refer(logs, back, || columns[SEEN].take(16).to_vec());
                    *tick = columns[ORIGIN].step(*tick);
                    Value::Map(vec![
                        (Value::from("l"), Value::Bytes(log)),
                        (Value::from("t"), Value::from(*tick)),
                        (
                            Value::from("d"),
                            Value::Bytes(columns[SEEN].take(16).to_vec()),
                        ),
                    ])
                }))
            }
        };
        stated.extend(seen.map(|seen| (Value::from("s"), seen)));
        self.at = columns[ORIGIN].step(self.at);
        let at = self.at.cast_signed();
        stated.push((Value::from("t"), Value::from(at)));
        let cited: Vec<Value> = (0..columns[ORIGIN].number())
            .map(|_| Value::Bytes(columns[SEEN].take(32).to_vec()))
            .collect();
        if !cited.is_empty() {
            stated.push((Value::from("c"), Value::Array(cited)));
        }
        let mut payload = Vec::new();
        ciborium::into_writer(&Value::Map(stated), &mut payload).expect("written to memory");
        (payload, at.div_euclid(1000))
    }
}

/// The root of the Merkle tree of RFC 9162 over the changes.
fn root(changes: &[FrameChange]) -> [u8; 32] {
    let leaf = |one: &FrameChange| {
        let said = [
            &[0],
            &one.entry.as_bytes()[..],
            &Sha256::digest(&one.change[8..]),
            &one.tick.unwrap_or(0).to_le_bytes(),
            &one.origin,
        ];
        Sha256::digest(said.concat()).into()
    };
    fn over(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => *leaf,
            _ => {
                let middle = 1 << (leaves.len() - 1).ilog2();
                let (left, right) = leaves.split_at(middle);
                Sha256::digest([&[1], &over(left)[..], &over(right)].concat()).into()
            }
        }
    }
    over(&changes.iter().map(leaf).collect::<Vec<_>>())
}
