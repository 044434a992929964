//! Frames, put together and taken apart as `docs/wire.md` says.

use ciborium::Value;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Bytes;

const DOMAIN: &[u8] = b"carnet/frame/1";

/// One change in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameChange {
    /// The entry.
    pub entry: Uuid,
    /// The Automerge change chunk.
    pub change: Vec<u8>,
    /// The origin's payload.
    pub origin: Vec<u8>,
    /// The origin's signature.
    pub signature: Vec<u8>,
    /// When the server accepted it.
    pub tick: Option<u64>,
}

/// A frame as a device sends it, unsigned.
pub fn pack_frame(record: &Uuid, changes: &[FrameChange]) -> Bytes {
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let rows = changes.iter().map(|one| {
        Value::Array(vec![
            bytes(one.entry.as_bytes()),
            bytes(&one.change),
            bytes(&one.origin),
            bytes(&one.signature),
            one.tick.map_or(Value::Null, Value::from),
        ])
    });
    let mut body = Vec::new();
    ciborium::into_writer(&Value::Array(rows.collect()), &mut body).expect("written to memory");
    let packed = zstd::bulk::compress(&body, 3).expect("packs");
    let mut frame = b"CF\x01\x00".to_vec();
    frame.extend(u32::try_from(body.len()).expect("small").to_le_bytes());
    frame.extend(u32::try_from(packed.len()).expect("small").to_le_bytes());
    frame.extend(packed);
    frame.extend(digest(record, changes));
    Bytes(frame)
}

/// The changes in a frame that one of the server's keys must have signed.
pub fn unpack_frame(record: &Uuid, frame: &[u8], keys: &[VerifyingKey]) -> Vec<FrameChange> {
    assert_eq!(&frame[..4], b"CF\x01\x01", "a signed frame of version 1");
    let length = |at: usize| {
        let bytes = frame[at..at + 4].try_into().expect("4 bytes");
        u32::from_le_bytes(bytes) as usize
    };
    let (packed, rest) = frame[12..].split_at(length(8));
    let (stated, signature) = rest.split_at(32);
    let body = zstd::bulk::decompress(packed, length(4)).expect("unpacks");
    assert_eq!(body.len(), length(4));
    let rows: Value = ciborium::from_reader(&body[..]).expect("CBOR");
    let changes: Vec<FrameChange> = rows
        .into_array()
        .expect("an array of changes")
        .into_iter()
        .map(read_row)
        .collect();
    assert_eq!(digest(record, &changes), stated, "the digest fits");
    let said = [DOMAIN, record.as_bytes(), stated].concat();
    let signature = Signature::from_slice(signature).expect("64 bytes");
    let signed = |key: &VerifyingKey| key.verify_strict(&said, &signature).is_ok();
    assert!(keys.iter().any(signed), "signed by a pinned key");
    changes
}

fn read_row(row: Value) -> FrameChange {
    let row = row.into_array().expect("a change is an array");
    let [entry, change, origin, signature, tick] = row.try_into().expect("of five members");
    let bytes = |value: Value| value.into_bytes().expect("bytes");
    FrameChange {
        entry: Uuid::from_slice(&bytes(entry)).expect("a UUID"),
        change: bytes(change),
        origin: bytes(origin),
        signature: bytes(signature),
        tick: tick
            .as_integer()
            .map(|tick| tick.try_into().expect("a tick")),
    }
}

fn digest(record: &Uuid, changes: &[FrameChange]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(record.as_bytes());
    for one in changes {
        hasher.update(one.entry.as_bytes());
        hasher.update(Sha256::digest(&one.change));
        hasher.update(Sha256::digest(&one.origin));
        hasher.update(&one.signature);
        hasher.update(one.tick.unwrap_or(0).to_le_bytes());
    }
    hasher.finalize().to_vec()
}
