//! Valid input, from which hostile input is made.

use ed25519_dalek::SigningKey;
use jiff::civil::date;
use serde_json::Value as Json;
use sync_core::audit::{AccessAction, AccessEvent, ChainedEvent, LogHead};
use sync_core::authority::{Cursor, Stretch, Stretches, Witness};
use sync_core::change::{Actor, Edit, Origin, SignedOrigin};
use sync_core::checkpoint::{Checkpoint, CheckpointDigest, SignedCheckpoint};
use sync_core::entry::{EntryDocument, EntryState, Value, Write};
use sync_core::policy::{Profession, Role};
use sync_core::reconcile::{Compare, Compared, ItemId};
use sync_core::sign::PublicKey;
use sync_core::sync::{
    Frame, HeldEdit, HoldReason, Item, Outcome, PROTOCOL, SyncAnswer, SyncRequest, Verdict,
};
use sync_core::{
    Bytes, ChangeHash, DeviceId, DeviceTime, Digest32, EntryId, Epoch, Incarnation, LogIncarnation,
    PersonId, RecordId, Tick,
};
use uuid::Uuid;

use super::face::AtServer;
use super::passkey::Ceremonies;
use crate::life::{Deed, Life, Plan, care};

/// The page whose examples are entries.
const KINDS: &str = include_str!("../../../docs/kinds.md");

/// Three devices write; the third is a professional's.
const DEVICES: u8 = 3;
const AT: DeviceTime = DeviceTime(1_790_000_000_123);
/// The life of the log that frames are signed for.
pub(super) const LOG: LogIncarnation = LogIncarnation([3; 16]);
pub(super) const TICK: Tick = Tick(1_790_000_000_000_000);

/// The record of all of it.
pub(super) fn record() -> RecordId {
    RecordId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001))
}

/// Who wrote.
pub(super) fn person(number: u8) -> PersonId {
    PersonId(Uuid::from_u128(
        0x0193_0000_0000_7000_8000_0000_0000_0100 + u128::from(number),
    ))
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number + 1; 32])
}

/// The key of the server.
pub(super) fn server_key() -> SigningKey {
    SigningKey::from_bytes(&[99; 32])
}

/// An entry and changes that fit it.
#[derive(Clone)]
pub(super) struct Base {
    /// Which.
    pub entry: EntryId,
    /// Its document so far; empty when the changes are creations.
    pub document: EntryDocument,
    /// What stands in it.
    pub state: EntryState,
    /// Valid changes, any of which may come next.
    pub next: Vec<Bytes>,
}

/// What an entry is made of, and what may be written into it.
#[derive(Clone)]
pub(super) struct Written {
    /// Its creation.
    pub creation: Vec<Write>,
    /// An edit of it.
    pub edit: Vec<Write>,
}

/// All of it.
pub(super) struct Seeds {
    /// Entries of every kind, one by one.
    pub written: Vec<Written>,
    /// The same as changes.
    pub bases: Vec<Base>,
    /// Frames that a device sent, and that the server signed.
    pub items: Vec<Vec<Item>>,
    /// Messages.
    pub requests: Vec<SyncRequest>,
    /// Messages.
    pub answers: Vec<SyncAnswer>,
    /// Cursors in clear.
    pub cursors: Vec<Cursor>,
    /// Texts that some reader of identifiers, units or times takes.
    pub texts: Vec<String>,
    /// Events of an access log, chained.
    pub events: Vec<ChainedEvent>,
    /// What a server holds to read what arrives.
    pub server: AtServer,
    /// Ceremonies of passkeys that have begun.
    pub ceremonies: Ceremonies,
}

impl Seeds {
    /// Makes them; always the same.
    pub fn new() -> Self {
        let written = written();
        let bases: Vec<Base> = written.iter().enumerate().flat_map(bases).collect();
        let edits: Vec<Edit> = bases.iter().flat_map(edits).collect();
        let items: Vec<Vec<Item>> = edits
            .chunks(5)
            .map(|some| {
                let item = |(at, edit): (usize, &Edit)| Item {
                    edit: edit.clone(),
                    accepted: (at % 2 == 0).then_some(TICK),
                };
                some.iter().enumerate().map(item).collect()
            })
            .collect();
        let server = AtServer::new();
        let frames: Vec<Frame> = items.iter().filter_map(|items| pack(items)).collect();
        Seeds {
            requests: frames.iter().map(request).collect(),
            answers: frames
                .iter()
                .zip(&edits)
                .map(|(frame, edit)| answer(frame, edit))
                .collect(),
            written,
            bases,
            items,
            cursors: cursors(),
            texts: texts(),
            events: events(),
            ceremonies: Ceremonies::new(server.config()),
            server,
        }
    }
}

/// The frame of these items, signed by the server.
pub(super) fn pack(items: &[Item]) -> Option<Frame> {
    Frame::attest(&record(), LOG, items, &server_key()).ok()
}

/// Writes of a flat map as `docs/kinds.md` shows it; nothing for what no entry holds.
fn flat(map: &Json) -> Vec<Write> {
    let members = map.as_object().into_iter().flatten();
    let value = |held: &Json| {
        Some(match held {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => Value::Uint(number.as_u64()?),
            Json::String(text) => Value::Text(text.clone()),
            _ => return None,
        })
    };
    members
        .filter_map(|(key, held)| Some(Write::set(key.clone(), value(held)?)))
        .collect()
}

fn written() -> Vec<Written> {
    let examples = KINDS.split("```json\n").skip(1);
    let mut all: Vec<Written> = examples
        .filter_map(|block| serde_json::from_str(block.split("```").next()?).ok())
        .map(|map: Json| flat(&map))
        .map(|creation| {
            let mut edit = creation.clone();
            edit.retain(|write| write.key != "kind");
            edit.push(Write::set("notes", "Revu."));
            Written { creation, edit }
        })
        .collect();
    let life = Life::generate(&Plan {
        seed: 1,
        entries: 60,
        changes: 180,
    });
    let creation = |deed: &Deed| match deed {
        Deed::Create(draft) => draft.writes().ok(),
        Deed::Change(_) => None,
    };
    let edit = |entry| {
        let acts = life.acts.iter().filter(move |act| act.entry == entry);
        acts.filter_map(|act| match &act.deed {
            Deed::Change(patch) => patch.writes().ok(),
            Deed::Create(_) => None,
        })
        .next_back()
    };
    for act in &life.acts {
        if let (Some(creation), Some(edit)) = (creation(&act.deed), edit(act.entry)) {
            all.push(Written { creation, edit });
        }
    }
    for draft in care(1, 16) {
        if let Ok(creation) = draft.writes() {
            let edit = vec![Write::set("notes", "Revu."), Write::remove("occurred")];
            all.push(Written { creation, edit });
        }
    }
    all
}

/// An identifier by a number.
pub(super) fn entry_id(number: usize) -> EntryId {
    EntryId(Uuid::from_u128(
        0x0193_0000_0000_7000_8000_0001_0000_0000 + number as u128,
    ))
}

/// The actor of a device for an entry.
pub(super) fn actor(device: u8, entry: &EntryId) -> Actor {
    Actor::of(&PublicKey::of(&key(device)), &Incarnation([7; 16]), entry)
}

/// The entry at its beginning, and after it was edited on three devices, two of them at once.
fn bases((number, written): (usize, &Written)) -> Vec<Base> {
    let entry = entry_id(number);
    let mut document = EntryDocument::new();
    let Ok((_, creation)) = document.edit(actor(0, &entry), &written.creation, AT) else {
        return Vec::new();
    };
    let beginning = Base {
        entry,
        document: EntryDocument::new(),
        state: EntryDocument::new().state(),
        next: vec![creation],
    };
    let mut other = document.clone();
    let note = |text: &str| vec![Write::set("notes", text), Write::set("source", text)];
    let both = [
        document.edit(actor(0, &entry), &written.edit, AT),
        other.edit(actor(1, &entry), &note("Ailleurs."), AT),
    ];
    if let [Ok(_), Ok((_, change))] = both {
        // What was made elsewhere fits, since it follows the same creation.
        let admitted = sync_core::guard::inspect(&change)
            .and_then(|change| sync_core::guard::admit(&document, &document.state(), &change));
        if let Ok((merged, ..)) = admitted {
            document = merged;
        }
    }
    let state = document.state();
    let next = (0..DEVICES)
        .filter_map(|device| {
            let writes = match device {
                0 => vec![Write::remove("notes"), Write::set("schema", Value::Uint(1))],
                _ => note(&format!("Par {device}")),
            };
            let made = document.clone().edit(actor(device, &entry), &writes, AT);
            made.ok().map(|(_, change)| change)
        })
        .collect();
    let later = Base {
        entry,
        document,
        state,
        next,
    };
    vec![beginning, later]
}

fn checkpoint() -> SignedCheckpoint {
    let statement = Checkpoint {
        record: record(),
        viewer: person(0),
        log: LOG,
        tick: TICK,
        epoch: Epoch([4; 8]),
        access_log: Digest32([5; 32]),
    };
    SignedCheckpoint::new(&server_key(), &statement)
}

/// What a device states of a change it made.
pub(super) fn origin(device: u8) -> Origin {
    let role = match device {
        0 => Role::Holder,
        1 => Role::Caregiver,
        _ => Role::Professional(Profession::Physician),
    };
    Origin {
        author: person(device),
        role,
        on_behalf_of: (device == 1).then(|| person(0)),
        device: DeviceId::of(&PublicKey::of(&key(device))),
        incarnation: Incarnation([7; 16]),
        seen: checkpoint().seen().ok(),
        at: AT,
        cites: Vec::new(),
    }
}

fn edits(base: &Base) -> Vec<Edit> {
    let one = |(device, change): (usize, &Bytes)| {
        let device = u8::try_from(device).unwrap_or(0);
        let hash = sync_core::guard::inspect(change).ok()?.hash();
        let (key, entry) = (key(device), base.entry);
        let origin = SignedOrigin::new(&key, &record(), &entry, &hash, &origin(device));
        Some(Edit {
            entry,
            change: change.clone(),
            origin,
        })
    };
    base.next.iter().enumerate().filter_map(one).collect()
}

fn request(frame: &Frame) -> SyncRequest {
    SyncRequest {
        v: PROTOCOL,
        device: origin(0).device,
        cursor: Some(vec![8; 90].into()),
        edits: Some(frame.clone()),
        checkpoints: vec![checkpoint()],
        limit: Some(100_000),
        reconcile: Some(Compare {
            message: vec![0x61, 0, 0, 2, 0].into(),
            wanted: vec![ItemId([8; 32])],
        }),
    }
}

fn answer(frame: &Frame, edit: &Edit) -> SyncAnswer {
    SyncAnswer {
        v: PROTOCOL,
        outcomes: vec![
            Outcome {
                change: ChangeHash([1; 32]),
                verdict: Verdict::Accepted(TICK),
            },
            Outcome {
                change: ChangeHash([2; 32]),
                verdict: Verdict::Held(HoldReason::FollowsHeld),
            },
        ],
        reset: true,
        news: Some(frame.clone()),
        forget: vec![edit.entry],
        destroyed: vec![edit.entry],
        held: vec![HeldEdit {
            edit: edit.clone(),
            reason: HoldReason::NotPermitted,
            received: TICK,
            settled: None,
            yours: false,
        }],
        more: true,
        vital: false,
        after: None,
        cursor: vec![9; 90].into(),
        checkpoint: checkpoint(),
        reconcile: Some(Compared {
            message: Some(vec![0x61, 0, 0, 2, 0].into()),
            given: 3,
        }),
    }
}

fn events() -> Vec<ChainedEvent> {
    let mut head = LogHead::genesis(&record());
    let mut event = |action| {
        let said = AccessEvent {
            seq: 0,
            at: TICK,
            logged: Some(TICK),
            person: person(1),
            role: Role::Caregiver,
            on_behalf_of: Some(person(0)),
            device: Some(origin(1).device),
            action,
            entries: vec![entry_id(1), entry_id(2)],
            changes: 2,
            reason: Some("handed-back".to_owned()),
            gap: None,
        };
        head.append(&record(), said)
    };
    vec![event(AccessAction::Write), event(AccessAction::Read)]
}

fn cursors() -> Vec<Cursor> {
    let mut stretches = Stretches::default();
    for at in 1..5 {
        stretches.add(Stretch {
            upto: Tick(TICK.0 + at),
            within: (at == 3).then(|| entry_id(1)),
            at: Tick(TICK.0 + at * 2),
        });
    }
    let resting = Cursor {
        log: LOG,
        base: TICK,
        upto: TICK,
        within: None,
        started: Tick(0),
        held: TICK,
        held_within: Tick(0),
        told: TICK,
        epoch: Epoch([4; 8]),
        digest: CheckpointDigest([5; 16]),
        resending: false,
        comparing: false,
        vital_first: false,
        vital: Tick(0),
        reached: Tick(0),
        compared: false,
        stretches: Stretches::default(),
        witness: Witness {
            log: 12,
            apart: 1,
            heads: [6; 8],
        },
    };
    let walking = Cursor {
        base: Tick(0),
        within: Some(entry_id(1)),
        started: TICK,
        stretches,
        resending: true,
        vital: Tick(TICK.0 - 1),
        reached: Tick(TICK.0 - 2),
        ..resting
    };
    let comparing = Cursor {
        within: None,
        vital: Tick(0),
        comparing: true,
        compared: true,
        ..walking
    };
    let vital = Cursor {
        vital_first: true,
        vital: Tick(0),
        ..walking
    };
    vec![resting, walking, comparing, vital]
}

fn texts() -> Vec<String> {
    let today = date(2026, 11, 25);
    let some = [
        "2 69 05 49 588 157 80",
        "1 84 12 2A 451 089 46",
        "810002909371",
        "10001234567",
        "920028560",
        "2A",
        "976",
        "mmol/L",
        "10*3/uL",
        "mm[Hg]",
        "{score}",
        "kg/m2",
        "2024",
        "2024-05",
        "2024-05-03T10:20:30+02:00",
        "+33 6 12 34 56 78",
    ];
    let mut all: Vec<String> = some.iter().map(|text| (*text).to_owned()).collect();
    all.push(today.to_string());
    all
}
