//! Laws of the record over generated histories: what holds whatever the order, the repetition and
//! the loss of changes on their way.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use sync_core::change::{Actor, Edit, Origin, SignedOrigin, Voucher};
use sync_core::checkpoint::{Checkpoint, Seen, SignedCheckpoint};
use sync_core::codec::Encoding;
use sync_core::entry::Write;
use sync_core::merge::{self, EntryView};
use sync_core::policy::{Profession, Role};
use sync_core::replica::{Author, LocalEntry, Memory, ReplicaHead, Unsent};
use sync_core::sign::PublicKey;
use sync_core::sync::{CursorDigest, Frame, Item, PROTOCOL, SyncAnswer, SyncRequest};
use sync_core::{
    Bytes, ChangeHash, DeviceId, DeviceTime, Digest32, EntryId, Epoch, Incarnation, LogIncarnation,
    PersonId, RecordId, Tick, guard,
};
use uuid::Uuid;

const RECORD: RecordId = RecordId(Uuid::from_u128(1));
const ENTRY: EntryId = EntryId(Uuid::from_u128(2));
const REPLICAS: usize = 4;

/// What one replica does.
#[derive(Clone, Debug)]
enum Step {
    /// Writes a key.
    Write(usize, usize, u8),
    /// Takes over all that another one has.
    Take(usize, usize),
}

/// A change as it travels, with its tick.
#[derive(Clone, Debug)]
struct Sent {
    hash: ChangeHash,
    deps: Vec<ChangeHash>,
    writes: Vec<Write>,
    change: Bytes,
    origin: SignedOrigin,
    tick: Tick,
}

const KEYS: [&str; 5] = ["label", "criticality", "notes", "status", "unknown-key"];

fn value(key: usize, value: u8) -> String {
    match KEYS[key] {
        "label" => format!(r#"{{"text":"label {value}"}}"#),
        "criticality" => ["low", "high", "unable-to-assess"][usize::from(value) % 3].to_owned(),
        "status" => {
            let status = ["active", "resolved", "refuted", "entered-in-error"];
            format!(r#"{{"status":"{}"}}"#, status[usize::from(value) % 4])
        }
        _ => format!("value {value}"),
    }
}

fn role(replica: usize) -> Role {
    match replica {
        0 => Role::Holder,
        1 => Role::Caregiver,
        2 => Role::Professional(Profession::Physician),
        _ => Role::Professional(Profession::Nurse),
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..REPLICAS, 0..KEYS.len(), 0u8..4).prop_map(|(r, k, v)| Step::Write(r, k, v)),
        1 => (0..REPLICAS, 0..REPLICAS).prop_map(|(to, from)| Step::Take(to, from)),
    ];
    prop::collection::vec(step, 1..24)
}

/// Plays the steps on one entry that all replicas start from, and gives every change made.
fn history(steps: &[Step]) -> Vec<Sent> {
    let mut replicas = vec![LocalEntry::default(); REPLICAS];
    let mut sent: Vec<Sent> = Vec::new();
    let first = [
        Write::set("kind", "allergy"),
        Write::set("label", value(0, 0)),
        Write::set("status", value(3, 0)),
    ];
    write(&mut replicas[0], 0, &first, &mut sent);
    let all = sent.clone();
    for replica in &mut replicas[1..] {
        all.iter().for_each(|change| take(replica, change));
    }
    for step in steps {
        match step {
            Step::Write(replica, key, what) => {
                let writes = [Write::set(KEYS[*key], value(*key, *what))];
                write(&mut replicas[*replica], *replica, &writes, &mut sent);
            }
            Step::Take(to, from) => {
                let known = replicas[*from].state().history;
                for past in known {
                    let change = sent.iter().find(|change| change.hash == past.hash);
                    take(
                        &mut replicas[*to],
                        change.expect("a replica knows what was sent"),
                    );
                }
            }
        }
    }
    sent
}

fn write(local: &mut LocalEntry, replica: usize, writes: &[Write], sent: &mut Vec<Sent>) {
    let key = SigningKey::from_bytes(&[replica as u8 + 1; 32]);
    let public = PublicKey::of(&key);
    let incarnation = Incarnation([7; 16]);
    let tick = Tick(1_000 + sent.len() as u64);
    let origin = Origin {
        author: PersonId(Uuid::from_u128(10 + replica as u128)),
        role: role(replica),
        on_behalf_of: None,
        device: DeviceId::of(&public),
        incarnation,
        seen: None::<Seen>,
        at: DeviceTime(tick.millis()),
        cites: Vec::new(),
    };
    let made = local.write(
        ENTRY,
        Actor::of(&public, &incarnation, &ENTRY),
        writes,
        origin.at,
        |hash| SignedOrigin::new(&key, &RECORD, &ENTRY, hash, &origin),
    );
    // Writing what stands already changes nothing, and makes no change.
    let Ok(Unsent {
        edit, change: hash, ..
    }) = made
    else {
        return;
    };
    let Edit { change, origin, .. } = edit;
    local.accepted(&hash, tick);
    let past = guard::inspect(&change)
        .expect("a device makes what the guard lets in")
        .past;
    sent.push(Sent {
        hash,
        deps: past.deps,
        writes: past.writes,
        change,
        origin,
        tick,
    });
}

fn take(local: &mut LocalEntry, sent: &Sent) {
    local
        .take(&sent.change, sent.origin.clone(), Some(sent.tick), None)
        .expect("what it follows is here");
}

/// Delivers changes in the order `luck` says, each after those it follows, some of them twice.
fn delivered(sent: &[Sent], luck: &[u16]) -> LocalEntry {
    let mut local = LocalEntry::default();
    let mut waiting: Vec<&Sent> = sent.iter().collect();
    for turn in 0.. {
        let ready: Vec<usize> = (0..waiting.len())
            .filter(|at| waiting[*at].deps.iter().all(|dep| local.has(dep)))
            .collect();
        if ready.is_empty() {
            break;
        }
        let luck = usize::from(luck[turn % luck.len()]);
        let at = ready[luck % ready.len()];
        take(&mut local, waiting[at]);
        if luck.is_multiple_of(3) {
            take(&mut local, waiting[at]);
        } else {
            waiting.remove(at);
        }
        if turn > 4 * sent.len() {
            waiting.retain(|change| !local.has(&change.hash));
        }
    }
    local
}

fn view(local: &LocalEntry) -> EntryView {
    merge::view(ENTRY, &local.state(), &local.provenance())
}

fn luck() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 8..32)
}

/// The changes and all that they follow, by nothing but their dependencies.
fn followed(sent: &[Sent], change: &Sent) -> BTreeSet<ChangeHash> {
    let mut found: BTreeSet<ChangeHash> = change.deps.iter().copied().collect();
    for earlier in sent.iter().rev() {
        if found.contains(&earlier.hash) {
            found.extend(earlier.deps.iter().copied());
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_and_repetition_converges(steps in steps(), one in luck(), other in luck()) {
        let sent = history(&steps);
        let (one, other) = (delivered(&sent, &one), delivered(&sent, &other));
        prop_assert_eq!(one.state().history.len(), sent.len());
        prop_assert_eq!(one.state(), other.state());
        prop_assert_eq!(view(&one), view(&other));
    }

    #[test]
    fn what_was_lost_on_the_way_comes_in_later(steps in steps(), luck in luck(), kept in 0usize..20) {
        let sent = history(&steps);
        let mut local = delivered(&sent[..kept.min(sent.len())], &luck);
        for change in &sent {
            take(&mut local, change);
        }
        let whole = delivered(&sent, &luck);
        prop_assert_eq!(local.state(), whole.state());
        prop_assert_eq!(view(&local), view(&whole));
    }

    #[test]
    fn taking_in_again_changes_nothing(steps in steps(), luck in luck()) {
        let sent = history(&steps);
        let once = delivered(&sent, &luck);
        let mut twice = once.clone();
        sent.iter().for_each(|change| take(&mut twice, change));
        prop_assert_eq!(once.to_bytes(), twice.to_bytes());
    }

    #[test]
    fn every_value_that_nobody_replaced_is_shown(steps in steps(), luck in luck()) {
        let sent = history(&steps);
        let view = view(&delivered(&sent, &luck));
        for change in &sent {
            for write in &change.writes {
                let replaced = sent.iter().any(|later| {
                    later.writes.iter().any(|w| w.key == write.key)
                        && followed(&sent, later).contains(&change.hash)
                });
                if replaced || write.key == "kind" {
                    continue;
                }
                let field = view.field(&write.key).expect("a key with a value is a field");
                // Two who say the same are one claim.
                let claims = field.claims.iter().chain(&field.proposals);
                let mut said = claims.filter(|claim| claim.by.is_some());
                let shown = said.any(|claim| Some(&claim.value) == write.value.as_ref());
                prop_assert!(shown, "a value of {} is not shown: {field:?}", write.key);
            }
        }
    }

    #[test]
    fn codecs_round_trip(steps in steps(), luck in luck(), cursor in any::<Vec<u8>>()) {
        let sent = history(&steps);
        let local = delivered(&sent, &luck);
        let again = LocalEntry::from_bytes(&local.to_bytes()).unwrap();
        prop_assert_eq!(again.state(), local.state());
        prop_assert_eq!(again.provenance(), local.provenance());
        let server = SigningKey::from_bytes(&[9; 32]);
        let items: Vec<Item> = sent.iter().map(item).collect();
        let (keys, log) = ([PublicKey::of(&server)], LogIncarnation([8; 16]));
        let frame = Frame::attest(&RECORD, log, &items, &server).unwrap();
        let attested = frame.unpack_attested(&RECORD, log, &keys).unwrap();
        let given: Vec<Item> = items.iter().map(without_voucher).collect();
        prop_assert_eq!(attested.items, given);
        let frame = Frame::pack(&RECORD, &items).unwrap();
        prop_assert_eq!(frame.unpack(&RECORD).unwrap(), items);
        let request = SyncRequest {
            v: PROTOCOL,
            device: DeviceId([1; 16]),
            cursor: Some(cursor.clone().into()),
            edits: Some(frame.clone()),
            checkpoints: vec![checkpoint(&server, Tick(5))],
            limit: None,
            reconcile: None,
        };
        let answer = answer(&server, Tick(6), Some(frame), true);
        for encoding in [Encoding::Cbor, Encoding::Json] {
            let read: SyncRequest = encoding.read(&encoding.write(&request)).unwrap();
            prop_assert_eq!(&read, &request);
            let read: SyncAnswer = encoding.read(&encoding.write(&answer)).unwrap();
            prop_assert_eq!(&read, &answer);
        }
    }
}

/// An edit made while pages are still to come does not claim to have seen what they bring.
#[test]
fn an_edit_between_two_pages_names_the_checkpoint_before_them() {
    let server = SigningKey::from_bytes(&[9; 32]);
    let author = Author {
        person: PersonId(Uuid::from_u128(10)),
        role: Role::Holder,
        on_behalf_of: None,
        key: SigningKey::from_bytes(&[1; 32]),
    };
    let (mut store, now) = (Memory::default(), DeviceTime(0));
    let server_keys = vec![PublicKey::of(&server)];
    let mut head = ReplicaHead::new(RECORD, server_keys, Incarnation([1; 16]));
    let receive = |head: &mut ReplicaHead, store: &mut Memory, tick, more| {
        let after = head.cursor.as_ref().map(|at| CursorDigest::of(at));
        let answer = SyncAnswer {
            after,
            ..answer(&server, Tick(tick), None, more)
        };
        head.receive(store, &author, &answer, Incarnation([2; 16]), now)
    };
    receive(&mut head, &mut store, 10, false).unwrap();
    receive(&mut head, &mut store, 20, true).unwrap();
    let writes = [Write::set("kind", "own-note")];
    head.edit(&mut store, &author, ENTRY, &writes, Vec::new(), now)
        .unwrap();
    let request = head.request(&mut store, &author, None).unwrap();
    let items = request.edits.unwrap().unpack(&RECORD).unwrap();
    let seen = items[0].edit.origin.read().unwrap().seen.unwrap();
    assert_eq!(seen.tick, Tick(10));
    // The cursor proves the page's checkpoint only, so this one is shown.
    let shown: Vec<_> = request
        .checkpoints
        .iter()
        .map(SignedCheckpoint::digest)
        .collect();
    assert_eq!(shown, [seen.digest]);
    // A page does not come after a later one either.
    assert!(receive(&mut head, &mut store, 15, true).is_err());
    receive(&mut head, &mut store, 30, false).unwrap();
    assert_eq!(head.seen_until(), Some(Tick(30)));
}

/// As it comes in a frame that the server signed.
fn without_voucher(item: &Item) -> Item {
    let mut item = item.clone();
    item.edit.origin.voucher = Voucher::Frame;
    item
}

fn item(sent: &Sent) -> Item {
    Item {
        edit: Edit {
            entry: ENTRY,
            change: sent.change.clone(),
            origin: sent.origin.clone(),
        },
        accepted: Some(sent.tick),
    }
}

fn checkpoint(server: &SigningKey, tick: Tick) -> SignedCheckpoint {
    let said = Checkpoint {
        record: RECORD,
        viewer: PersonId(Uuid::from_u128(10)),
        log: LogIncarnation([3; 16]),
        tick,
        epoch: Epoch([4; 8]),
        access_log: Digest32([5; 32]),
    };
    SignedCheckpoint::new(server, &said)
}

fn answer(server: &SigningKey, tick: Tick, news: Option<Frame>, more: bool) -> SyncAnswer {
    SyncAnswer {
        v: PROTOCOL,
        outcomes: Vec::new(),
        reset: false,
        news,
        forget: vec![ENTRY],
        destroyed: Vec::new(),
        held: Vec::new(),
        more,
        vital: false,
        after: Some(CursorDigest::of(&[1, 2, 3])),
        cursor: vec![1, 2, 3].into(),
        checkpoint: checkpoint(server, tick),
        reconcile: None,
    }
}
