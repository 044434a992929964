//! The frames that `sync-core` keeps for other implementations, read by one that shares no code with
//! it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde_json::Value as Json;
use uuid::Uuid;

use carnet_tests::wire_client::{FrameChange, pack_frame, unpack_frame};

fn kept(name: &str) -> (Vec<u8>, Json) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sync-core/tests/frames");
    let frame = std::fs::read(format!("{folder}/{name}.frame")).expect("a frame");
    let told = std::fs::read(format!("{folder}/{name}.json")).expect("what it holds");
    (frame, serde_json::from_slice(&told).expect("JSON"))
}

fn bytes(json: &Json) -> Vec<u8> {
    let text = json.as_str().expect("text");
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn record(told: &Json) -> Uuid {
    told["record"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a UUID")
}

fn changes(told: &Json) -> Vec<FrameChange> {
    let changes = told["changes"].as_array().expect("an array").iter();
    let change = |one: &Json| FrameChange {
        entry: one["entry"]
            .as_str()
            .expect("text")
            .parse()
            .expect("a UUID"),
        change: bytes(&one["change"]),
        origin: bytes(&one["origin"]["payload"]),
        signature: one["origin"]
            .get("signature")
            .map(bytes)
            .unwrap_or_default(),
        tick: one.get("tick").map(|tick| tick.as_u64().expect("a tick")),
    };
    changes.map(change).collect()
}

#[test]
fn what_a_server_gives_is_read_as_the_page_says() {
    for name in ["given", "given-later", "given-nothing"] {
        let (frame, told) = kept(name);
        let key = bytes(&told["server_key"]);
        let key = VerifyingKey::from_bytes(&key.try_into().expect("32 bytes")).expect("a key");
        let log = bytes(&told["log"]);
        let read = unpack_frame(&record(&told), &log, &frame, &[key]);
        assert_eq!(read, changes(&told), "{name}");
    }
}

/// What is written the plain way is read like what is stripped.
#[test]
fn what_is_sent_whole_is_a_frame_too() {
    let (_, told) = kept("sent");
    let record = record(&told);
    let plain = pack_frame(&record, &changes(&told));
    let read = sync_core::sync::Frame(plain.0.into()).unpack(&sync_core::RecordId(record));
    let read = read.expect("a frame");
    let same = |(read, told): (&sync_core::sync::Item, &FrameChange)| {
        assert_eq!(&read.edit.change[..], &told.change[..]);
        assert_eq!(&read.edit.origin.payload[..], &told.origin[..]);
    };
    assert_eq!(read.len(), 12);
    read.iter().zip(&changes(&told)).for_each(same);
}
