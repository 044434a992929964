use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::change::{Actor, Origin, SignedOrigin};
use crate::checkpoint::{CheckpointDigest, Seen};
use crate::codec;
use crate::entry::{EntryDocument, Write};
use crate::guard::{MAX_CHANGE, MAX_DEPENDENCIES};
use crate::policy::{Profession, Role};
use crate::{ChangeHash, DeviceId, DeviceTime, EntryId, Incarnation, PersonId};

const RECORD: RecordId = RecordId(Uuid::from_u128(1));
const LOG: LogIncarnation = LogIncarnation([2; 16]);

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// What is done next in a record.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody writes an entry, after all that is there or after one of its changes.
    Write {
        entry: u8,
        device: u8,
        after: Option<u8>,
        text: String,
        seen: Option<u8>,
        at: i64,
        cites: u8,
    },
    /// Something that is neither a change nor an origin.
    Rubbish {
        entry: u8,
        change: Vec<u8>,
        payload: Vec<u8>,
    },
    /// Something that was there comes again.
    Again(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let write = (
        0_u8..5,
        0_u8..4,
        prop::option::of(any::<u8>()),
        "[a-zé ]{0,12}",
        prop::option::of(0_u8..4),
        prop_oneof![0_i64..10_000_000, any::<i64>()],
        prop_oneof![4 => Just(0_u8), 1 => 1_u8..4],
    );
    let write = write.prop_map(
        |(entry, device, after, text, seen, at, cites)| Step::Write {
            entry,
            device,
            after,
            text,
            seen,
            at,
            cites,
        },
    );
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let rubbish = (0_u8..5, bytes(), bytes());
    prop_oneof![
        8 => write,
        1 => rubbish.prop_map(|(entry, change, payload)| Step::Rubbish { entry, change, payload }),
        1 => any::<u8>().prop_map(Step::Again),
    ]
}

fn by(device: u8) -> (PersonId, Role, Option<PersonId>) {
    let person = |n: u8| PersonId(Uuid::from_u128(n.into()));
    match device {
        0 => (person(10), Role::Holder, None),
        1 => (person(11), Role::Caregiver, Some(person(10))),
        2 => (person(12), Role::Professional(Profession::Nurse), None),
        _ => (person(13), Role::Other("of-tomorrow".repeat(200)), None),
    }
}

fn origin(
    (device, seen, at, cites): (u8, Option<u8>, i64, u8),
    (entry, hash): (&EntryId, &ChangeHash),
) -> SignedOrigin {
    let (author, role, on_behalf_of) = by(device);
    let seen = seen.map(|n| Seen {
        log: LogIncarnation([n / 2; 16]),
        tick: Tick(u64::from(n) << 40),
        digest: CheckpointDigest([n; 16]),
    });
    let origin = Origin {
        author,
        role,
        on_behalf_of,
        device: DeviceId([device; 16]),
        incarnation: Incarnation([device; 16]),
        seen,
        at: DeviceTime(at),
        cites: (0..cites).map(|n| ChangeHash([n; 32])).collect(),
    };
    SignedOrigin::new(&key(), &RECORD, entry, hash, &origin)
}

/// The changes that a record has after some steps.
fn played(steps: &[Step]) -> Vec<Item> {
    let mut documents: Vec<Vec<EntryDocument>> = vec![vec![EntryDocument::new()]; 5];
    let mut items: Vec<Item> = Vec::new();
    for (tick, step) in (0_u64..).zip(steps) {
        let name = |entry: u8| EntryId(Uuid::from_u128(1 << 64 | u128::from(entry)));
        let edit = match step.clone() {
            Step::Write {
                entry,
                device,
                after,
                text,
                seen,
                at,
                cites,
            } => {
                let lives = &mut documents[usize::from(entry)];
                let place = after.map_or(lives.len() - 1, |after| usize::from(after) % lives.len());
                let mut document = lives[place].clone();
                let actor = [device, u8::from(after.is_some()), entry].repeat(6);
                let actor = Actor::from_slice(&actor[..16]).expect("16 bytes");
                let writes = [Write::set("text", text), Write::set("n", tick.to_string())];
                let Ok((hash, change)) = document.edit(actor, &writes, DeviceTime(at)) else {
                    continue;
                };
                lives.push(document);
                let entry = name(entry);
                let origin = origin((device, seen, at, cites), (&entry, &hash));
                Edit {
                    entry,
                    change,
                    origin,
                }
            }
            Step::Rubbish {
                entry,
                change,
                payload,
            } => Edit {
                entry: name(entry),
                change: change.into(),
                origin: SignedOrigin {
                    payload: payload.into(),
                    voucher: Voucher::Frame,
                },
            },
            Step::Again(which) => match items.get(usize::from(which) % items.len().max(1)) {
                Some(item) => item.edit.clone(),
                None => continue,
            },
        };
        let accepted = (tick % 7 != 0).then_some(Tick(tick * 1_000_003));
        items.push(Item { edit, accepted });
    }
    items
}

proptest! {
    /// Whatever is put into a frame comes out of it, byte for byte.
    #[test]
    fn what_goes_into_a_frame_comes_out(steps in prop::collection::vec(step(), 0..40)) {
        let items = played(&steps);
        let sent = Frame::pack(&RECORD, &items).unwrap();
        prop_assert_eq!(sent.unpack(&RECORD).unwrap(), items.clone());
        let given = Frame::attest(&RECORD, LOG, &items, &key()).unwrap();
        let keys = [PublicKey::of(&key())];
        let read = given.unpack_attested(&RECORD, LOG, &keys).unwrap();
        prop_assert_eq!(read.items.len(), items.len());
        let proofs = read.attestation.proofs();
        for (at, (read, item)) in (0..).zip(read.items.iter().zip(&items)) {
            prop_assert_eq!(&read.edit.change, &item.edit.change);
            prop_assert_eq!(&read.edit.origin.payload, &item.edit.origin.payload);
            prop_assert_eq!(&read.edit.origin.voucher, &Voucher::Frame);
            prop_assert_eq!((read.edit.entry, read.accepted), (item.edit.entry, item.accepted));
            // And each is proven by the server's word for all of them.
            let proof = proofs.proof(at, item.accepted.unwrap_or(Tick(0))).unwrap();
            let change = chunk::hash(&item.edit.change);
            let named = (&item.edit.entry, &change);
            prop_assert!(proof.proves(&RECORD, named, &item.edit.origin.payload, &keys));
        }
    }

    /// What is sent with a proof arrives with it.
    #[test]
    fn proofs_travel(steps in prop::collection::vec(step(), 1..20)) {
        let items = played(&steps);
        let given = Frame::attest(&RECORD, LOG, &items, &key()).unwrap();
        let read = given.unpack_attested(&RECORD, LOG, &[PublicKey::of(&key())]).unwrap();
        let proofs = read.attestation.proofs();
        let mut items = read.items;
        for (at, item) in (0..).zip(&mut items) {
            let proof = proofs.proof(at, item.accepted.unwrap_or(Tick(0))).unwrap();
            item.edit.origin.voucher = Voucher::Server(Box::new(proof));
        }
        let sent = Frame::pack(&RECORD, &items).unwrap();
        prop_assert_eq!(sent.unpack(&RECORD).unwrap(), items);
    }

    /// What is kept of entries, and grew with each of their changes, gives the same frame as these, and
    /// says the same of each.
    #[test]
    fn histories_give_what_their_changes_give(steps in prop::collection::vec(step(), 0..30)) {
        let mut items = played(&steps);
        let mut kept: BTreeMap<EntryId, Vec<u8>> = BTreeMap::new();
        for item in &items {
            let kept = kept.entry(item.edit.entry).or_insert_with(|| History::default().to_bytes());
            let mut history = History::from_bytes(kept).unwrap();
            history.push(Stripped::from(item));
            *kept = history.to_bytes();
        }
        let histories = kept.values().map(|kept| History::from_bytes(kept).unwrap());
        let read: Vec<Stripped> = histories.flat_map(History::into_changes).collect();
        items.sort_by_key(|item| item.edit.entry);
        for (read, item) in read.iter().zip(&items) {
            prop_assert_eq!(read.name(), chunk::hash(&item.edit.change));
            prop_assert_eq!(read.accepted(), item.accepted);
            prop_assert_eq!(read.origin().ok(), item.edit.origin.read().ok());
            prop_assert_eq!(read.bytes(), item.bytes());
        }
        prop_assert_eq!(
            Frame::attest_stripped(&RECORD, LOG, &read, &key()),
            Frame::attest(&RECORD, LOG, &items, &key())
        );
    }

    /// Whatever stands where a history should does no harm.
    #[test]
    fn what_is_no_history_is_refused(
        steps in prop::collection::vec(step(), 0..10),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
        cut in any::<prop::sample::Index>(),
    ) {
        let mut history = History::default();
        for item in &played(&steps) {
            history.push(Stripped::from(item));
        }
        let mut bytes = history.to_bytes();
        let at = at.index(bytes.len());
        prop_assert!(History::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        bytes[at] ^= flip;
        // A flipped bit may be of what is taken as said.
        let _ = History::from_bytes(&bytes);
    }
}

/// A frame with this body, which says that it stands for so many bytes.
fn framed(body: &[u8], content: usize) -> Frame {
    let mut frame = b"CF\x02\x00".to_vec();
    frame.extend(length(body.len()).expect("short"));
    frame.extend(length(content).expect("short"));
    frame.extend(zstd::bulk::compress(body, LEVEL).expect("packs"));
    frame.extend([0; CHECK]);
    Frame(frame.into())
}

/// A body of one change whose column of numbers is this.
fn one_change(shape: &[u64], actors: usize, others: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let mut columns: [numbers::Column; 13] = Default::default();
    columns[0].bytes(&[2]);
    columns[1].number(0);
    columns[7].prefixed(&[]);
    columns[8].bytes(&[1; 16]);
    for number in shape {
        columns[2].number(*number);
    }
    columns[9].bytes(&vec![1; actors]);
    for (column, bytes) in others {
        columns[*column].bytes(bytes);
    }
    let mut body = numbers::Column::default();
    body.number(1);
    for column in &columns {
        body.number(column.0.len() as u64);
    }
    for column in &columns {
        body.bytes(&column.0);
    }
    body.0
}

#[test]
fn what_would_grow_without_bounds_when_it_is_put_together_is_refused() {
    // Dependencies and actors in great number, which are not there.
    for shape in [
        vec![u64::MAX],
        vec![0, u64::MAX, 0],
        vec![(MAX_CHANGE / 32) as u64 + 1],
    ] {
        let body = one_change(&shape, 16, &[]);
        assert!(framed(&body, 1000).unpack(&RECORD).is_err(), "{shape:?}");
    }
    // An actor named again and again: a byte each that stands for 16.
    let again: Vec<u64> = [0, 100_000, 0]
        .into_iter()
        .chain(std::iter::repeat_n(1, 100_000))
        .collect();
    let body = one_change(&again, 16, &[]);
    assert_eq!(
        framed(&body, MAX_REQUEST).unpack(&RECORD),
        Err(FrameError::TooLarge)
    );
    // More than it says to stand for.
    let items = played(&[Step::Rubbish {
        entry: 0,
        change: vec![7; 100],
        payload: vec![8; 100],
    }]);
    let frame = Frame::pack(&RECORD, &items).expect("packs");
    let body = zstd::bulk::decompress(&frame.0[HEAD..frame.0.len() - CHECK], 10_000);
    let body = body.expect("a body");
    assert_eq!(framed(&body, 199).unpack(&RECORD), Err(NOT_A_FRAME));
    assert_eq!(framed(&body, 201).unpack(&RECORD), Err(NOT_A_FRAME));
    assert_eq!(framed(&body, 200).unpack(&RECORD), Err(FrameError::Damaged));
    assert_eq!(frame.unpack(&RECORD).expect("whole"), items);
}

#[test]
fn a_frame_takes_no_more_than_its_bounds() {
    let rubbish = |length: usize| Item {
        edit: Edit {
            entry: EntryId(Uuid::from_u128(5)),
            change: vec![0; length].into(),
            origin: SignedOrigin {
                payload: Bytes::default(),
                voucher: Voucher::Frame,
            },
        },
        accepted: None,
    };
    let full = Frame::pack(&RECORD, &[rubbish(MAX_FRAME - 100)]).expect("fits");
    assert_eq!(full.unpack(&RECORD), Err(FrameError::TooLarge));
    let over = Frame::pack(&RECORD, &[rubbish(MAX_FRAME)]);
    assert_eq!(over, Err(FrameError::TooLarge));
    let many = vec![rubbish(0); MAX_ITEMS + 1];
    assert_eq!(Frame::pack(&RECORD, &many), Err(FrameError::TooLarge));
    let most = Frame::pack(&RECORD, &many[..MAX_EDITS]).expect("fits");
    assert!(most.unpack(&RECORD).is_ok());
    let more = Frame::pack(&RECORD, &many[..=MAX_EDITS]).expect("fits");
    assert_eq!(more.unpack(&RECORD), Err(FrameError::TooLarge));
    let large = Frame::pack(&RECORD, &[rubbish(MAX_REQUEST - 100)]).expect("fits");
    assert!(large.unpack(&RECORD).is_ok());
}

/// A signed frame carries nobody's signature but the server's, and a device sends none of those.
#[test]
fn a_frame_is_the_servers_or_a_devices() {
    let steps = [Step::Rubbish {
        entry: 0,
        change: vec![1],
        payload: vec![2],
    }];
    let signed = Frame::attest(&RECORD, LOG, &played(&steps), &key()).expect("packs");
    assert_eq!(signed.unpack(&RECORD), Err(NOT_A_FRAME));
    let mut vouched = played(&steps);
    vouched[0].edit.origin.voucher = Voucher::Author(SignatureBytes([1; 64]));
    let frame = Frame::pack(&RECORD, &vouched).expect("packs");
    let mut bytes = frame.0.0;
    bytes[3] = SIGNED;
    bytes.truncate(bytes.len() - CHECK);
    bytes.extend([0; 64]);
    let frame = Frame(bytes.into());
    let read = frame.unpack_attested(&RECORD, LOG, &[PublicKey::of(&key())]);
    assert_eq!(read, Err(NOT_A_FRAME));
}

/// What people write in a day is a few dozen bytes a change.
#[test]
fn changes_of_the_usual_shape_are_stripped() {
    let mut document = EntryDocument::new();
    let entry = EntryId(Uuid::from_u128(5));
    let mut items = Vec::new();
    for n in 0..200_u16 {
        let writes = [Write::set("text", format!("note {n}"))];
        let at = i64::from(n) * 60_000;
        let (hash, change) = document
            .edit(Actor([7; 16]), &writes, DeviceTime(at))
            .expect("a change");
        let origin = origin((0, Some(1), at, 0), (&entry, &hash));
        items.push(Item {
            edit: Edit {
                entry,
                change,
                origin,
            },
            accepted: Some(Tick(u64::from(n) * 60_000_000)),
        });
    }
    let whole: usize = items.iter().map(|item| item.edit.bytes()).sum();
    let frame = Frame::attest(&RECORD, LOG, &items, &key()).expect("packs");
    assert!(frame.0.len() < whole / 20, "{} of {whole}", frame.0.len());
    // A dependency that is not in the frame travels as it is.
    let later = Frame::attest(&RECORD, LOG, &items[1..2], &key()).expect("packs");
    let read = later.unpack_attested(&RECORD, LOG, &[PublicKey::of(&key())]);
    assert_eq!(
        read.expect("whole").items[0].edit.change,
        items[1].edit.change
    );
}

#[test]
fn the_most_that_a_change_may_follow_travels() {
    let mut root = EntryDocument::new();
    let entry = EntryId(Uuid::from_u128(5));
    let (_, first) = root
        .edit(
            Actor([1; 16]),
            &[Write::set("kind", "own-note")],
            DeviceTime(0),
        )
        .expect("a change");
    let mut changes = vec![first];
    let mut all = root.clone();
    for n in 0..MAX_DEPENDENCIES {
        let mut branch = root.clone();
        let actor = Actor([n as u8 + 2; 16]);
        let (_, change) = branch
            .edit(actor, &[Write::set("text", n.to_string())], DeviceTime(0))
            .expect("a change");
        let inspected = crate::guard::inspect(&change).expect("inspected");
        all.apply(inspected.into_change()).expect("fits");
        changes.push(change);
    }
    let (_, last) = all
        .edit(Actor([1; 16]), &[Write::set("text", "all")], DeviceTime(0))
        .expect("a change");
    changes.push(last);
    let item = |change: &Bytes| Item {
        edit: Edit {
            entry,
            change: change.clone(),
            origin: SignedOrigin {
                payload: codec::to_cbor(&1).into(),
                voucher: Voucher::Frame,
            },
        },
        accepted: None,
    };
    let items: Vec<Item> = changes.iter().map(item).collect();
    let frame = Frame::pack(&RECORD, &items).expect("packs");
    assert_eq!(frame.unpack(&RECORD).expect("whole"), items);
}

/// A flipped bit is not taken for a forged signature, which would set an edit aside.
#[test]
fn a_frame_that_was_damaged_on_its_way_is_not_taken_for_another() {
    let mut items = played(&[Step::Write {
        entry: 0,
        device: 0,
        after: None,
        text: "a".to_owned(),
        seen: None,
        at: 0,
        cites: 0,
    }]);
    items[0].edit.origin.voucher = Voucher::Author(SignatureBytes([1; 64]));
    let whole = Frame::pack(&RECORD, &items).expect("packs");
    for bit in 0..whole.0.len() * 8 {
        let mut bytes = whole.0.0.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = Frame(bytes.into()).unpack(&RECORD);
        assert!(read.is_err() || read.as_ref() == Ok(&items), "bit {bit}");
    }
}
