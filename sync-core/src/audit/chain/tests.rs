use proptest::{prelude::*, sample::Index};
use uuid::Uuid;

use super::*;
use crate::audit::{AccessAction, Gap, WitnessedHeads};
use crate::policy::Role;
use crate::{DeviceId, EntryId, PersonId};

const RECORD: RecordId = RecordId(Uuid::from_u128(7));
const OTHER: RecordId = RecordId(Uuid::from_u128(8));

prop_compose! {
    fn any_event()(
        at in 0u64..3,
        person in any::<u128>(),
        role in "holder|caregiver|physician|[a-z]{1,8}",
        on_behalf_of in prop::option::of(any::<u128>()),
        device in prop::option::of(any::<[u8; 16]>()),
        action in "read|write|hold|[a-z-]{1,8}",
        entries in prop::collection::vec(any::<u128>(), 0..4),
        changes in any::<u64>(),
        reason in prop::option::of("[a-zé]{0,12}"),
        gap in prop::option::of((prop::option::of(any::<u64>()), any::<u64>(), any::<[u8; 8]>())),
    ) -> AccessEvent {
        AccessEvent {
            seq: 0,
            at: Tick(at),
            logged: None,
            person: PersonId(Uuid::from_u128(person)),
            role: Role::from(role),
            on_behalf_of: on_behalf_of.map(|person| PersonId(Uuid::from_u128(person))),
            device: device.map(DeviceId),
            action: AccessAction::from(action),
            entries: entries.into_iter().map(|entry| EntryId(Uuid::from_u128(entry))).collect(),
            changes,
            reason,
            gap: gap.map(|(kept, had, heads)| Gap {
                kept,
                had,
                heads: WitnessedHeads(heads),
            }),
        }
    }
}

/// A log of some events, in order of time, and its head.
fn chained(record: &RecordId, events: Vec<AccessEvent>) -> (Vec<ChainedEvent>, LogHead) {
    let mut head = LogHead::genesis(record);
    let mut at = Tick::default();
    let mut append = |mut event: AccessEvent| {
        at = Tick(at.0 + event.at.0);
        event.at = at;
        head.append(record, event)
    };
    let log = events.into_iter().map(&mut append).collect();
    (log, head)
}

fn any_log() -> impl Strategy<Value = (Vec<ChainedEvent>, LogHead)> {
    prop::collection::vec(any_event(), 2..8).prop_map(|events| chained(&RECORD, events))
}

/// Makes all hashes agree with what the events say, as somebody who owns the server could.
fn rechained(log: &[ChainedEvent]) -> Vec<ChainedEvent> {
    let mut head = LogHead::genesis(&RECORD);
    let rehash = |(place, old): (usize, &ChainedEvent)| {
        let event = match AccessEvent::decode(&old.event) {
            Ok(event) => AccessEvent {
                seq: place as u64 + 1,
                ..event
            }
            .encode(),
            Err(_) => old.event.to_vec(),
        };
        head = head.then(&RECORD, &event);
        ChainedEvent {
            event: event.into(),
            hash: head.hash,
        }
    };
    log.iter().enumerate().map(rehash).collect()
}

proptest! {
    // Hashing is slow in a debug build; each case tries a whole log.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_untouched_log_holds_and_contains_every_earlier_head((log, head) in any_log(), at in any::<Index>()) {
        let verified = verify(&RECORD, &log, &head.hash).map(|verified| verified.head);
        prop_assert_eq!(verified, Ok(head));
        let witness = log[at.index(log.len())].hash;
        prop_assert!(verify(&RECORD, &log, &witness).is_ok());
        prop_assert!(verify(&RECORD, &log, &LogHead::genesis(&RECORD).hash).is_ok());
    }

    #[test]
    fn a_removed_event_is_missed((mut log, head) in any_log(), at in any::<Index>()) {
        let at = at.index(log.len());
        log.remove(at);
        let broken = verify(&RECORD, &log, &head.hash).map_err(|broken| broken.seq);
        prop_assert_eq!(broken.err(), Some(at as u64 + 1));
        prop_assert!(verify(&RECORD, &rechained(&log), &head.hash).is_err());
    }

    #[test]
    fn a_changed_event_is_noticed(
        (mut log, head) in any_log(), at in any::<Index>(), byte in any::<Index>(), flip in 1u8..,
    ) {
        let at = at.index(log.len());
        let byte = byte.index(log[at].event.len());
        log[at].event.0[byte] ^= flip;
        let broken = verify(&RECORD, &log, &head.hash).map_err(|broken| broken.seq);
        prop_assert_eq!(broken.err(), Some(at as u64 + 1));
    }

    #[test]
    fn a_rewritten_event_is_noticed((mut log, head) in any_log(), at in any::<Index>(), event in any_event()) {
        let at = at.index(log.len());
        let before = AccessEvent::decode(&log[at].event);
        let rewritten = AccessEvent { person: event.person, at: before.map_or(Tick(0), |e| e.at), ..event };
        log[at].event = rewritten.encode().into();
        let forged = verify(&RECORD, &rechained(&log), &head.hash);
        prop_assert_eq!(forged.err().map(|broken| broken.why), Some(Broken::Witness));
    }

    #[test]
    fn an_added_event_is_noticed((mut log, head) in any_log(), at in any::<Index>(), event in any_event()) {
        let at = at.index(log.len());
        let mut forged = if at == 0 { LogHead::genesis(&RECORD) } else {
            LogHead { seq: at as u64, hash: log[at - 1].hash }
        };
        log.insert(at, forged.append(&RECORD, event));
        prop_assert!(verify(&RECORD, &log, &head.hash).is_err());
        prop_assert!(verify(&RECORD, &rechained(&log), &head.hash).is_err());
    }

    #[test]
    fn two_events_changing_places_are_noticed((mut log, head) in any_log(), at in any::<Index>()) {
        let at = at.index(log.len() - 1);
        log.swap(at, at + 1);
        let broken = verify(&RECORD, &log, &head.hash).map_err(|broken| broken.seq);
        prop_assert_eq!(broken.err(), Some(at as u64 + 1));
        prop_assert!(verify(&RECORD, &rechained(&log), &head.hash).is_err());
    }

    #[test]
    fn a_shortened_log_is_missed((mut log, head) in any_log(), keep in any::<Index>()) {
        let keep = keep.index(log.len());
        log.truncate(keep);
        let broken = BrokenAt { seq: keep as u64 + 1, why: Broken::Witness };
        prop_assert_eq!(verify(&RECORD, &log, &head.hash), Err(broken));
    }

    #[test]
    fn a_log_is_no_other_records((log, head) in any_log()) {
        let broken = BrokenAt { seq: 1, why: Broken::Hash };
        prop_assert_eq!(verify(&OTHER, &log, &head.hash), Err(broken));
    }

    #[test]
    fn pages_verify_like_the_whole((log, head) in any_log(), at in any::<Index>()) {
        let at = at.index(log.len());
        let page = |verifier: Verifier, events: &[ChainedEvent]| {
            let mut verifier = verifier;
            events.iter().try_for_each(|event| verifier.push(event).map(|_| ()))?;
            verifier.finish()
        };
        let genesis = LogHead::genesis(&RECORD).hash;
        let first = page(Verifier::new(RECORD, genesis), &log[..at]);
        let both = first.and_then(|first| page(Verifier::after(RECORD, &first, head.hash), &log[at..]));
        prop_assert_eq!(both, verify(&RECORD, &log, &head.hash));
    }

    #[test]
    fn events_come_back_as_they_were(event in any_event()) {
        prop_assert_eq!(AccessEvent::decode(&event.encode()), Ok(event));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..64), hash in any::<[u8; 32]>()) {
        let event = ChainedEvent { event: bytes.into(), hash: Digest32(hash) };
        prop_assert!(verify(&RECORD, [&event], &Digest32(hash)).is_err());
    }
}

#[test]
fn time_does_not_run_backwards() {
    let mut head = LogHead::genesis(&RECORD);
    let mut event = |at| {
        let event = AccessEvent {
            seq: 0,
            at: Tick(at),
            logged: None,
            person: PersonId(Uuid::nil()),
            role: Role::System,
            on_behalf_of: None,
            device: None,
            action: AccessAction::Open,
            entries: Vec::new(),
            changes: 0,
            reason: None,
            gap: None,
        };
        head.append(&RECORD, event)
    };
    let log = [event(5), event(4)];
    let time = BrokenAt {
        seq: 2,
        why: Broken::Time,
    };
    assert_eq!(verify(&RECORD, &log, &head.hash), Err(time));
}

/// The format is final: devices in the field verify logs written today.
#[test]
fn the_bytes_and_the_chain_are_these() {
    let event = AccessEvent {
        seq: 1,
        at: Tick(1_763_762_400_000_000),
        logged: None,
        person: PersonId(Uuid::from_u128(1)),
        role: Role::Caregiver,
        on_behalf_of: Some(PersonId(Uuid::from_u128(2))),
        device: Some(DeviceId([3; 16])),
        action: AccessAction::Write,
        entries: vec![EntryId(Uuid::from_u128(4))],
        changes: 5,
        reason: Some("why".to_owned()),
        gap: None,
    };
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let genesis = LogHead::genesis(&RECORD);
    insta::assert_snapshot!(hex(&event.encode()), @"aa616e0161741b00064421ef51f80061705000000000000000000000000000000001617269636172656769766572616f50000000000000000000000000000000026164500303030303030303030303030303030361616577726974656165815000000000000000000000000000000004616305617763776879");
    insta::assert_snapshot!(genesis.hash, @"5759bc2c254f0ec5bc404cbf1a8ce55ebeec75d79f2cb242e8be1322796e4a3b");
    insta::assert_snapshot!(genesis.then(&RECORD, &event.encode()).hash, @"1469fb7aadc5c8c83636ca0ad111451d1e180916cca115932509fb6550b0a52f");
}
