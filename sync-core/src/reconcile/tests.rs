use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn entry(n: u128) -> EntryId {
    EntryId(Uuid::from_u128(n))
}

fn version(n: u64) -> Version {
    Version::NONE.and(Tick(n), &ChangeHash([7; 32]))
}

fn inventory(of: &BTreeMap<u128, u64>) -> Inventory {
    let all = of.iter();
    all.map(|(n, at)| (entry(*n), version(*at))).collect()
}

/// Plays the rounds; answers what the device has alone, what it lacks, and how many there were.
fn play(
    device: &Inventory,
    server: &Inventory,
    most: usize,
) -> (BTreeSet<ItemId>, BTreeSet<ItemId>, u32) {
    let (mut have, mut need) = (BTreeSet::new(), BTreeSet::new());
    let mut next = Some(device.first().unwrap());
    let mut rounds = 0;
    while let Some(message) = next.take() {
        rounds += 1;
        assert!(rounds < 1_000, "no end");
        let asked = Compare {
            message: message.clone().into(),
            wanted: Vec::new(),
        };
        asked.check().unwrap();
        let Some(reply) = server.reply(&message, most).unwrap() else {
            break;
        };
        let found = device.compare(&reply, most).unwrap();
        have.extend(found.have);
        need.extend(found.need);
        next = found.next;
    }
    (have, need, rounds)
}

fn only(one: &Inventory, other: &Inventory) -> BTreeSet<ItemId> {
    let missing = one.iter().filter(|(item, _)| other.entry(item).is_none());
    missing.map(|(item, _)| item).collect()
}

proptest! {
    #[test]
    fn both_learn_of_exactly_what_differs(
        shared in prop::collection::btree_map(0_u128..1 << 100, 0_u64..3, 0..300),
        device in prop::collection::btree_map(0_u128..1 << 100, 0_u64..3, 0..80),
        server in prop::collection::btree_map(0_u128..1 << 100, 0_u64..3, 0..80),
        small in any::<bool>(),
    ) {
        let with = |more: &BTreeMap<u128, u64>| {
            let mut all = shared.clone();
            all.extend(more);
            inventory(&all)
        };
        let (device, server) = (with(&device), with(&server));
        let (have, need, _) = play(&device, &server, if small { 4_096 } else { 0 });
        prop_assert_eq!(have, only(&device, &server));
        prop_assert_eq!(need, only(&server, &device));
    }

    #[test]
    fn no_message_harms(bytes in prop::collection::vec(any::<u8>(), 0..600), versioned in any::<bool>()) {
        let mut message = bytes;
        if versioned && let Some(first) = message.first_mut() {
            *first = PROTOCOL;
        }
        let all: BTreeMap<u128, u64> = (0..500).map(|n| (n << 80, 1)).collect();
        let all = inventory(&all);
        let asked = Compare { message: message.clone().into(), wanted: Vec::new() };
        let reply = all.reply(&message, 4_096);
        if asked.check().is_ok() && !message.is_empty() {
            prop_assert!(reply.is_ok());
        }
        prop_assert!(reply.ok().flatten().is_none_or(|reply| reply.len() <= 4_096 + 200));
        // It may tell what it likes; nothing of it is taken for what is here and equal.
        let _ = all.compare(&message, 4_096);
    }
}

#[test]
fn one_of_two_thousand_takes_two_rounds_and_little() {
    let all: BTreeMap<u128, u64> = (0..2_000).map(|n| (n << 90, 1)).collect();
    let mut fewer = all.clone();
    fewer.remove(&(777 << 90));
    let (device, server) = (inventory(&fewer), inventory(&all));
    let (have, need, rounds) = play(&device, &server, 0);
    assert_eq!((have.len(), need.len()), (0, 1));
    assert!(rounds <= 3, "{rounds} rounds");
}

#[test]
fn another_version_of_an_entry_is_another_item() {
    let one = inventory(&BTreeMap::from([(1, 1)]));
    let other = inventory(&BTreeMap::from([(1, 2)]));
    let (have, need, _) = play(&one, &other, 0);
    assert_eq!((have.len(), need.len()), (1, 1));
    // The order and the times of its changes are in it, not only which there are.
    let (first, second) = (ChangeHash([1; 32]), ChangeHash([2; 32]));
    let of = |changes: [(u64, &ChangeHash); 2]| {
        Version::of(changes.map(|(tick, change)| (Tick(tick), change)))
    };
    assert_ne!(
        of([(1, &first), (2, &second)]),
        of([(1, &second), (2, &first)])
    );
    assert_ne!(
        of([(1, &first), (2, &second)]),
        of([(1, &first), (3, &second)])
    );
}

#[test]
fn a_message_of_another_version_is_not_taken_for_equality() {
    let all = inventory(&BTreeMap::from([(1, 1)]));
    for first in [0x00, 0x60, 0x62, 0x6f, 0xff] {
        assert!(all.reply(&[first], 0).is_err());
        assert!(all.compare(&[first], 0).is_err());
    }
    assert!(all.reply(&[], 0).is_err());
}

#[test]
fn what_is_too_long_is_not_read() {
    let long = Compare {
        message: vec![PROTOCOL; MAX_RECONCILE + 1].into(),
        wanted: Vec::new(),
    };
    assert!(long.check().is_err());
    let many = Compare {
        message: Bytes::default(),
        wanted: vec![ItemId([0; 32]); MAX_WANTED + 1],
    };
    assert!(many.check().is_err());
}

/// A message that names all there is in each range it speaks of leaves nothing to ask; one that says
/// of a range only what stands for it does.
#[test]
fn what_a_message_leaves_to_ask() {
    let few = Inventory::from_iter((0..20).map(of_number));
    let many = Inventory::from_iter((0..900).map(of_number));
    let asks = few.first().expect("a message");
    let digests = many.first().expect("a message");
    assert_eq!(
        Ranges::of(&asks).map(|asks| (asks.digests, asks.lists)),
        Some((0, 1))
    );
    assert!(Ranges::of(&digests).is_some_and(|asks| asks.digests > 1 && asks.lists == 0));
    // All is named, as far as it fits.
    let all = many
        .reply(&asks, 0)
        .expect("it reads")
        .expect("they differ");
    assert_eq!(
        Ranges::of(&all).map(|all| (all.digests, all.lists)),
        Some((0, 1))
    );
    let some = many
        .reply(&asks, 4_096)
        .expect("it reads")
        .expect("they differ");
    assert_eq!(
        Ranges::of(&some).map(|some| (some.digests, some.lists)),
        Some((1, 1))
    );
    // Whatever is cut off or is no message.
    for wrong in [
        &all[..all.len() - 1],
        &[],
        &[PROTOCOL, 0x80],
        &[0x60],
        &[PROTOCOL, 0, 0, 3],
    ] {
        assert_eq!(Ranges::of(wrong), None);
    }
    assert_eq!(Ranges::of(&[PROTOCOL]), Some(Ranges::default()));
}

fn of_number(number: u128) -> (EntryId, Version) {
    let entry = EntryId(uuid::Uuid::from_u128(number << 80 | number));
    (entry, Version([1; 16]))
}
