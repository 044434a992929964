//! Frames for other implementations: `tests/frames/<name>.frame` has the bytes, `<name>.json` beside
//! it what they hold. `CARNET_FRAMES=write` writes them anew.

use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use serde::Serialize;
use sync_core::change::{Actor, Edit, Origin, SignedOrigin, Voucher};
use sync_core::checkpoint::{CheckpointDigest, Seen};
use sync_core::entry::{EntryDocument, Write};
use sync_core::policy::{Profession, Role};
use sync_core::sign::PublicKey;
use sync_core::sync::{Frame, Item};
use sync_core::{
    Bytes, ChangeHash, DeviceId, DeviceTime, EntryId, Incarnation, LogIncarnation, PersonId,
    RecordId, Tick,
};
use uuid::Uuid;

const RECORD: RecordId = RecordId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001));
const LOG: LogIncarnation = LogIncarnation([3; 16]);

fn server_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

/// A person's device.
struct Writer {
    key: SigningKey,
    author: PersonId,
    role: Role,
    on_behalf_of: Option<PersonId>,
}

fn writer(number: u8) -> Writer {
    let person = |number: u8| {
        PersonId(Uuid::from_u128(
            0x0193_0000_0000_7000_8000_0000_0000_0100 + u128::from(number),
        ))
    };
    let (role, on_behalf_of) = match number {
        0 => (Role::Holder, None),
        1 => (Role::Caregiver, Some(person(0))),
        _ => (Role::Professional(Profession::Pharmacist), None),
    };
    Writer {
        key: SigningKey::from_bytes(&[10 + number; 32]),
        author: person(number),
        role,
        on_behalf_of,
    }
}

/// A record of a few entries, each written by several people, as it is in the log.
fn record() -> Vec<Item> {
    let mut documents: Vec<EntryDocument> = (0..3).map(|_| EntryDocument::new()).collect();
    let mut items = Vec::new();
    for step in 0_u8..12 {
        let entry = usize::from(step % 3);
        let by = writer(step % 4 % 3);
        let name = EntryId(Uuid::from_u128(
            0x0193_0000_0000_7000_8000_0000_0000_0010 + entry as u128,
        ));
        let incarnation = Incarnation([20 + step % 2; 16]);
        let at = DeviceTime(1_790_000_000_000 + i64::from(step) * 61_234);
        let kind = Write::set("kind", "own-note");
        let text = Write::set("text", format!("Pensée n° {step}"));
        let writes = match step < 3 {
            true => vec![kind, text],
            false => vec![text],
        };
        let public = PublicKey::of(&by.key);
        let (hash, change) = documents[entry]
            .edit(Actor::of(&public, &incarnation, &name), &writes, at)
            .expect("a change");
        let seen = (step > 3).then(|| Seen {
            log: LOG,
            tick: Tick(1_790_000_000_000_000 + u64::from(step / 4)),
            digest: CheckpointDigest([step / 4; 16]),
        });
        let origin = Origin {
            author: by.author,
            role: by.role,
            on_behalf_of: by.on_behalf_of,
            device: DeviceId::of(&public),
            incarnation,
            seen,
            at,
            cites: (step == 7)
                .then_some(ChangeHash([9; 32]))
                .into_iter()
                .collect(),
        };
        let origin = SignedOrigin::new(&by.key, &RECORD, &name, &hash, &origin);
        let edit = Edit {
            entry: name,
            change,
            origin,
        };
        let tick = Tick(1_790_000_000_000_000 + u64::from(step) * 61_234_567);
        items.push(Item {
            edit,
            accepted: Some(tick),
        });
    }
    items
}

/// As they are on the way to the server.
fn unsent(items: &[Item]) -> Vec<Item> {
    let unsent = |item: &Item| Item {
        accepted: None,
        ..item.clone()
    };
    items.iter().map(unsent).collect()
}

/// What is handed back, with proofs of the server's.
fn handed_back() -> Vec<Item> {
    let keys = [PublicKey::of(&server_key())];
    let given = attest(&record());
    let given = given.unpack_attested(&RECORD, LOG, &keys).expect("whole");
    let proofs = given.attestation.proofs();
    let all = (0..).zip(given.items);
    let proven = all.filter(|(at, _)| at % 5 == 1).map(|(at, mut item)| {
        let tick = item.accepted.expect("from the log");
        let proof = proofs.proof(at, tick).expect("there is one");
        item.edit.origin.voucher = Voucher::Server(Box::new(proof));
        item
    });
    proven.collect()
}

fn attest(items: &[Item]) -> Frame {
    Frame::attest(&RECORD, LOG, items, &server_key()).expect("packs")
}

fn pack(items: &[Item]) -> Frame {
    Frame::pack(&RECORD, items).expect("packs")
}

/// What is not of the usual shape: nobody's change, nobody's origin.
fn strange() -> Vec<Item> {
    let mut items = unsent(&record()[..4]);
    items[1].edit.change = Bytes(b"not a change".to_vec());
    items[2].edit.origin.payload = Bytes(b"not an origin".to_vec());
    items
}

#[derive(Serialize)]
struct Told<'t> {
    record: RecordId,
    log: LogIncarnation,
    server_key: PublicKey,
    signed: bool,
    changes: Vec<ToldChange<'t>>,
}

#[derive(Serialize)]
struct ToldChange<'t> {
    entry: EntryId,
    change: &'t Bytes,
    origin: &'t SignedOrigin,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick: Option<Tick>,
}

fn frames() -> [(&'static str, bool, Frame, Vec<Item>); 6] {
    let given = |items: &[Item]| {
        let mut items = items.to_vec();
        for item in &mut items {
            item.edit.origin.voucher = Voucher::Frame;
        }
        items
    };
    let (all, lost) = (record(), handed_back());
    let (waiting, strange) = (unsent(&all), strange());
    [
        ("given", true, attest(&all), given(&all)),
        // What this follows is not in the frame.
        ("given-later", true, attest(&all[9..]), given(&all[9..])),
        ("given-nothing", true, attest(&[]), Vec::new()),
        ("sent", false, pack(&waiting), waiting),
        ("sent-whole", false, pack(&strange), strange),
        ("handed-back", false, pack(&lost), lost),
    ]
}

#[test]
fn every_frame_is_read_and_written_as_it_stands() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let write = std::env::var("CARNET_FRAMES").is_ok_and(|asked| asked == "write");
    for (name, signed, frame, items) in frames() {
        let changes = items.iter().map(|item| ToldChange {
            entry: item.edit.entry,
            change: &item.edit.change,
            origin: &item.edit.origin,
            tick: item.accepted,
        });
        let told = Told {
            record: RECORD,
            log: LOG,
            server_key: PublicKey::of(&server_key()),
            signed,
            changes: changes.collect(),
        };
        let told = serde_json::to_string_pretty(&told).expect("JSON") + "\n";
        let files = ["frame", "json"].map(|kind| folder.join(format!("{name}.{kind}")));
        if write {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&files[0], &frame.0.0).expect("written");
            std::fs::write(&files[1], &told).expect("written");
        }
        let kept = std::fs::read(&files[0]).expect("a frame");
        let kept_told = std::fs::read_to_string(&files[1]).expect("what it holds");
        assert_eq!(told, kept_told, "{name}: what it holds");
        // How zstd compresses may change with its version; what was written must be read.
        let (kept, keys) = (Frame(kept.into()), [PublicKey::of(&server_key())]);
        let read = match signed {
            true => {
                let read = kept.unpack_attested(&RECORD, LOG, &keys);
                read.expect("a signed frame").items
            }
            false => kept.unpack(&RECORD).expect("a frame"),
        };
        assert!(read == items, "{name}: not what it holds");
        let body = |frame: &Frame| {
            let tail = if signed { 64 } else { 8 };
            let packed = &frame.0[12..frame.0.len() - tail];
            let body = zstd::bulk::decompress(packed, 1 << 20).expect("a body");
            let tail = frame.0[frame.0.len() - tail..].to_vec();
            (frame.0[..12].to_vec(), body, tail)
        };
        assert!(body(&frame) == body(&kept), "{name}: written otherwise");
    }
}
