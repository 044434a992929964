use uuid::Uuid;

use super::*;
use crate::reconcile::Version;
use crate::replica::{Author, Memory};
use crate::{DeviceTime, Incarnation, PersonId, RecordId};

fn name(number: u128) -> EntryId {
    EntryId(Uuid::from_u128(number << 80 | number))
}

/// A replica that has so many entries, which a server accepted.
fn replica(entries: u128) -> (ReplicaHead, Memory, Author) {
    let mut head = ReplicaHead::new(RecordId(Uuid::nil()), Vec::new(), Incarnation([1; 16]));
    let author = Author {
        person: PersonId(Uuid::nil()),
        role: crate::policy::Role::Holder,
        on_behalf_of: None,
        key: ed25519_dalek::SigningKey::from_bytes(&[7; 32]),
    };
    let mut kept = Memory::default();
    for number in 0..entries {
        let entry = name(number);
        let write = [crate::entry::Write::set("kind", "allergy")];
        let made = head.edit(&mut kept, &author, entry, &write, Vec::new(), DeviceTime(0));
        let change = made.expect("it is new");
        let accepted = crate::Tick(u64::try_from(number).unwrap() + 1);
        kept.entries
            .get_mut(&entry)
            .unwrap()
            .accepted(&change, accepted);
        kept.unsent.clear();
    }
    head.forget_cursor();
    (head, kept, author)
}

/// What goes at once where only so much can.
fn asked(
    (head, kept, author): &mut (ReplicaHead, Memory, Author),
    limit: Option<u32>,
) -> Option<Compare> {
    let request = head.request(kept, author, limit).expect("a request");
    assert!(request.reconcile.is_none() || request.edits.is_none());
    request.reconcile
}

/// The message, and what is wanted with it, is no longer than what can go at once; where it would be,
/// the same is found by shorter ones.
#[test]
fn what_it_asks_fits_what_can_go_at_once() {
    let one = replica(600);
    let all = one.1.entries.iter();
    let all = all.map(|(entry, local)| (*entry, local.version().expect("accepted")));
    // Every third is otherwise there.
    let server = all.map(|(entry, version)| match entry.as_bytes()[15] % 3 {
        0 => (entry, Version([9; 16])),
        _ => (entry, version),
    });
    let server: Inventory = server.collect();
    let differ = one
        .1
        .entries
        .keys()
        .filter(|entry| entry.as_bytes()[15] % 3 == 0);
    let differ = differ.count();
    let least = u32::try_from(LEAST_ANSWER).unwrap();
    for limit in [least, 1, 1 << 20] {
        let mut one = one.clone();
        let (mut longest, mut rounds) = (0, 0);
        loop {
            let asked = asked(&mut one, Some(limit)).expect("it compares");
            let size = codec::to_cbor(&asked).len();
            longest = longest.max(size);
            if limit <= least {
                assert!(size <= LEAST_ANSWER, "{size} bytes");
            }
            if asked.message.is_empty() {
                assert_eq!(asked.wanted.len(), differ);
                break;
            }
            let most = (limit as usize).clamp(LEAST_ANSWER, MAX_RECONCILE);
            let reply = server.reply(&asked.message, most).expect("it reads");
            let Some(reply) = reply else {
                assert_eq!(asked.wanted.len(), differ);
                break;
            };
            let (head, kept, _) = &mut one;
            let comparing = head.comparing.take().unwrap();
            head.compare(kept, comparing, &reply.into()).expect("reads");
            rounds += 1;
            assert!(rounds < ROUNDS, "no end");
        }
        let long = longest > LEAST_ANSWER;
        assert_eq!(long, limit > least, "{longest} bytes at most");
    }
}

/// If what it wants does not fit, it has all sent instead, and its edits wait no longer.
#[test]
fn what_it_wants_and_cannot_ask_for_at_once_it_does_not_compare_for() {
    let mut one = replica(1);
    let want = (0..600).map(|number| ItemId::of(&name(number), &Version::NONE));
    one.0.comparing = Some(Comparing {
        message: Some(Bytes::default()),
        want: want.collect(),
        ..Comparing::default()
    });
    let (head, kept, author) = &mut one;
    let write = [crate::entry::Write::set("notes", "rouge")];
    let made = head.edit(kept, author, name(0), &write, Vec::new(), DeviceTime(0));
    made.expect("it is new");
    assert!(asked(&mut one, None).is_some_and(|asked| asked.wanted.len() == 600));
    let (head, kept, author) = &mut one;
    let limit = u32::try_from(LEAST_ANSWER).unwrap();
    let request = head.request(kept, author, Some(limit)).expect("a request");
    assert!(request.reconcile.is_none() && request.edits.is_some());
}

/// What was queued to be handed back, because the log was begun anew, is not once it is known to be there.
#[test]
fn what_is_the_same_there_is_not_handed_back() {
    let (mut head, mut kept, author) = replica(3);
    head.doubt_all(&mut kept).expect("in doubt");
    assert!(head.hand_back(&mut kept, &author).expect("queued"));
    assert_eq!(kept.unsent.len(), 3);
    let all = inventory(&mut kept).expect("infallible");
    let (differs, entry) = all.iter().next().expect("there are three");
    let named = head.name_the_same(
        &mut kept,
        &BTreeSet::from([differs]),
        &mut Report::default(),
    );
    named.expect("named");
    let left: Vec<EntryId> = kept.unsent.iter().map(|unsent| unsent.edit.entry).collect();
    assert_eq!(left, [entry]);
}
