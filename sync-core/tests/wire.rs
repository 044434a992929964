//! The bytes of the protocol, held fast: what one version writes, the next must read.

use ed25519_dalek::SigningKey;
use insta::{assert_json_snapshot, assert_snapshot};
use proptest::prelude::*;
use sync_core::change::{Actor, Edit, Origin, SignedOrigin, Voucher};
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::codec::Encoding;
use sync_core::entry::{EntryDocument, Write};
use sync_core::policy::{Profession, Role};
use sync_core::reconcile::{Compare, Compared, Inventory, ItemId, Version};
use sync_core::sign::PublicKey;
use sync_core::sync::{
    CursorDigest, Frame, FrameError, HeldEdit, HoldReason, Item, Outcome, PROTOCOL, Refusal,
    Settlement, SyncAnswer, SyncRequest, Verdict,
};
use sync_core::{
    ChangeHash, DeviceId, DeviceTime, Digest32, EntryId, Epoch, Incarnation, LogIncarnation,
    PersonId, RecordId, Tick,
};
use uuid::Uuid;

fn record() -> RecordId {
    RecordId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001))
}

fn server_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn device_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn checkpoint() -> SignedCheckpoint {
    let statement = Checkpoint {
        record: record(),
        viewer: PersonId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0003)),
        log: LogIncarnation([3; 16]),
        tick: Tick(1_790_000_000_000_000),
        epoch: Epoch([4; 8]),
        access_log: Digest32([5; 32]),
    };
    SignedCheckpoint::new(&server_key(), &statement)
}

fn edit(label: &str) -> (ChangeHash, Edit) {
    let device = PublicKey::of(&device_key());
    let incarnation = Incarnation([6; 16]);
    let entry = EntryId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002));
    let writes = [Write::set("kind", "own-note"), Write::set("text", label)];
    let at = DeviceTime(1_790_000_000_123);
    let (hash, change) = EntryDocument::new()
        .edit(Actor::of(&device, &incarnation, &entry), &writes, at)
        .unwrap();
    let origin = Origin {
        author: PersonId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0003)),
        role: Role::Caregiver,
        on_behalf_of: Some(PersonId(Uuid::from_u128(
            0x0193_0000_0000_7000_8000_0000_0000_0004,
        ))),
        device: DeviceId::of(&device),
        incarnation,
        seen: Some(checkpoint().seen().unwrap()),
        at,
        cites: Vec::new(),
    };
    let origin = SignedOrigin::new(&device_key(), &record(), &entry, &hash, &origin);
    (
        hash,
        Edit {
            entry,
            change,
            origin,
        },
    )
}

fn items(accepted: Option<Tick>) -> Vec<Item> {
    let (_, edit) = edit("Dormir plus tôt");
    vec![Item { edit, accepted }]
}

/// The life of the log that frames are signed for: the checkpoint's.
const LOG: LogIncarnation = LogIncarnation([3; 16]);

fn attested() -> Frame {
    let items = items(Some(Tick(7)));
    Frame::attest(&record(), LOG, &items, &server_key()).unwrap()
}

fn request() -> SyncRequest {
    SyncRequest {
        v: PROTOCOL,
        device: DeviceId::of(&PublicKey::of(&device_key())),
        cursor: Some(vec![8; 16].into()),
        edits: Some(Frame::pack(&record(), &items(None)).unwrap()),
        checkpoints: vec![checkpoint()],
        limit: Some(65_536),
        reconcile: None,
    }
}

fn answer() -> SyncAnswer {
    let (change, edit) = edit("Dormir plus tôt");
    let verdicts = [
        Verdict::Accepted(Tick(7)),
        Verdict::Duplicate(Tick(6)),
        Verdict::Held(HoldReason::NoLongerPermitted),
        Verdict::Refused(Refusal::Equivocation),
    ];
    let outcome = |verdict| Outcome { change, verdict };
    let news = Some(attested());
    SyncAnswer {
        v: PROTOCOL,
        outcomes: verdicts.map(outcome).to_vec(),
        reset: true,
        news,
        forget: vec![edit.entry],
        destroyed: Vec::new(),
        held: vec![HeldEdit {
            edit,
            reason: HoldReason::NoLongerPermitted,
            received: Tick(9),
            settled: Some(Settlement::Released),
            yours: false,
        }],
        more: true,
        vital: false,
        after: Some(CursorDigest::of(&[7; 16])),
        cursor: vec![8; 16].into(),
        checkpoint: checkpoint(),
        reconcile: None,
    }
}

fn hex(bytes: &[u8]) -> String {
    let line = |chunk: &[u8]| chunk.iter().map(|b| format!("{b:02x}")).collect::<String>();
    bytes.chunks(32).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn signed_statements_keep_their_bytes() {
    let (hash, edit) = edit("Dormir plus tôt");
    assert_snapshot!("change", hex(&edit.change));
    assert_snapshot!("change_hash", hash.to_string());
    assert_snapshot!("origin", hex(&edit.origin.payload));
    let Voucher::Author(signature) = edit.origin.voucher else {
        panic!("its author vouches for it");
    };
    assert_snapshot!("origin_signature", hex(&signature.0));
    assert_snapshot!("checkpoint", hex(&checkpoint().0.payload));
    assert_snapshot!("checkpoint_signature", hex(&checkpoint().0.signature.0));
}

#[test]
fn messages_keep_their_bytes() {
    assert_snapshot!("request_cbor", hex(&Encoding::Cbor.write(&request())));
    assert_json_snapshot!("request_json", request());
    assert_snapshot!("answer_cbor", hex(&Encoding::Cbor.write(&answer())));
    assert_json_snapshot!("answer_json", answer());
}

/// What a device with this entry asks of a server that has another version of it, and is told.
#[test]
fn comparing_keeps_its_bytes() {
    let (hash, edit) = edit("Dormir plus tôt");
    let version = |tick| Version::of([(Tick(tick), &hash)]);
    let (mine, theirs) = (version(7), version(8));
    let item = |version| ItemId::of(&edit.entry, &version);
    assert_snapshot!("version", mine.to_string());
    assert_snapshot!("item", item(mine).to_string());
    let has = |version| Inventory::from_iter([(edit.entry, version)]);
    let (device, server) = (has(mine), has(theirs));
    let first = device.first().unwrap();
    let reply = server.reply(&first, 4_096).unwrap();
    let found = device.compare(reply.as_ref().unwrap(), 4_096).unwrap();
    assert_eq!((found.have, found.next), (vec![item(mine)], None));
    let asked = Compare {
        message: first.into(),
        wanted: found.need,
    };
    let told = Compared {
        message: reply.map(Into::into),
        given: 1,
    };
    assert_snapshot!("compare_cbor", hex(&Encoding::Cbor.write(&asked)));
    assert_json_snapshot!("compare_json", asked);
    assert_snapshot!("compared_cbor", hex(&Encoding::Cbor.write(&told)));
    assert_json_snapshot!("compared_json", told);
}

#[test]
fn messages_come_back_as_they_were_sent() {
    for encoding in [Encoding::Cbor, Encoding::Json] {
        let read: SyncRequest = encoding.read(&encoding.write(&request())).unwrap();
        assert_eq!(read, request());
        let read: SyncAnswer = encoding.read(&encoding.write(&answer())).unwrap();
        assert_eq!(read, answer());
    }
}

#[test]
fn members_of_a_newer_version_do_no_harm() {
    let mut newer = serde_json::to_value(request()).unwrap();
    newer["from-the-future"] = serde_json::json!({"a": [1, 2]});
    let read: SyncRequest = serde_json::from_value(newer).unwrap();
    assert_eq!(read, request());
}

#[test]
fn a_frame_is_worth_what_its_signature_covers() {
    let key = PublicKey::of(&server_key());
    let other_record = RecordId(Uuid::from_u128(9));
    let frame = attested();
    let unpack = |record, log, key| frame.unpack_attested(&record, log, &[key]);
    assert!(unpack(record(), LOG, key).is_ok());
    let not_attested = Err(FrameError::NotAttested);
    let stranger = PublicKey::of(&device_key());
    assert_eq!(unpack(record(), LOG, stranger), not_attested);
    assert_eq!(unpack(other_record, LOG, key), not_attested);
    let other_life = LogIncarnation([9; 16]);
    assert_eq!(unpack(record(), other_life, key), not_attested);
    let sent = Frame::pack(&record(), &items(Some(Tick(7)))).unwrap();
    assert_eq!(sent.unpack_attested(&record(), LOG, &[key]), not_attested);
    assert_eq!(sent.unpack(&other_record), Err(FrameError::Damaged));
}

#[test]
fn an_origin_is_bound_to_its_record_entry_and_change() {
    let (hash, edit) = edit("Dormir plus tôt");
    let key = PublicKey::of(&device_key());
    let other = EntryId(Uuid::from_u128(9));
    let signed = &edit.origin;
    assert!(signed.verifies(&key, &record(), &edit.entry, &hash));
    assert!(!signed.verifies(&key, &RecordId(other.0), &edit.entry, &hash));
    assert!(!signed.verifies(&key, &record(), &other, &hash));
    assert!(!signed.verifies(&key, &record(), &edit.entry, &ChangeHash([0; 32])));
    assert!(!signed.verifies(&PublicKey::of(&server_key()), &record(), &edit.entry, &hash));
}

#[test]
fn roles_are_short_words_and_unknown_ones_survive() {
    for (role, word) in [
        (Role::Holder, "\"holder\""),
        (Role::Professional(Profession::Midwife), "\"midwife\""),
        (Role::Other("robot".into()), "\"robot\""),
    ] {
        assert_eq!(serde_json::to_string(&role).unwrap(), word);
        assert_eq!(serde_json::from_str::<Role>(word).unwrap(), role);
    }
}

/// A phone of today goes on with a server of tomorrow.
#[test]
fn reasons_of_a_newer_version_are_reasons_still() {
    let verdict = |json: &str| serde_json::from_str::<Verdict>(json).unwrap();
    let held = Verdict::Held(HoldReason::Other);
    assert_eq!(verdict(r#"{"held":"of-tomorrow"}"#), held);
    let refused = Verdict::Refused(Refusal::Other);
    assert_eq!(verdict(r#"{"refused":"of-tomorrow"}"#), refused);
    for verdict in [held, refused] {
        let cbor = Encoding::Cbor.write(&verdict);
        assert_eq!(Encoding::Cbor.read::<Verdict>(&cbor).unwrap(), verdict);
    }
}

proptest! {
    /// No byte string makes a reader panic, and a damaged frame is never taken for a whole one.
    #[test]
    fn damaged_frames_are_refused(at in 0_usize..10_000, flip in 1_u8..=255) {
        let whole = attested();
        let mut bytes = whole.0.0.clone();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let key = PublicKey::of(&server_key());
        let read = Frame(bytes.into()).unpack_attested(&record(), LOG, &[key]);
        if let Ok(read) = read {
            let again = attested().unpack_attested(&record(), LOG, &[key]).unwrap();
            prop_assert_eq!(read, again);
        }
    }

    #[test]
    fn any_bytes_can_be_offered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let frame = Frame(bytes.clone().into());
        let _ = frame.unpack(&record());
        let mut framed = b"CF\x02\x00".to_vec();
        framed.extend_from_slice(&bytes);
        let _ = Frame(framed.into()).unpack(&record());
        for encoding in [Encoding::Cbor, Encoding::Json] {
            let _ = encoding.read::<SyncRequest>(&bytes);
            let _ = encoding.read::<SyncAnswer>(&bytes);
        }
    }
}
