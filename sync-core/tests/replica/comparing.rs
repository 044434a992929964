//! A replica whose cursor cannot be honoured compares itself, and is sent only what differs.

use std::collections::BTreeSet;

use sync_core::change::Edit;
use sync_core::reconcile::{Compared, Inventory, ItemId, Version};
use sync_core::sync::{Item, SyncAnswer, SyncRequest};
use sync_core::{EntryId, Tick};

use super::put_back::anew;
use super::{Phone, answer, attested, elsewhere, entry, hash_of};

/// What a server has of entries that have one change each, accepted at this tick.
fn has(edits: &[Edit], tick: u64) -> Inventory {
    let version = |edit: &Edit| Version::of([(Tick(tick), &hash_of(edit))]);
    let all = edits.iter().map(|edit| (edit.entry, version(edit)));
    all.collect()
}

/// Plays the rounds against a server that has this, from its answer with `reset` on; the request that
/// says what is wanted.
fn rounds(phone: &mut Phone, server: &Inventory, tick: u64, life: bool) -> SyncRequest {
    for _ in 0..8 {
        let request = phone.request();
        let asked = request.reconcile.clone().expect("it compares");
        assert!(request.edits.is_none(), "edits wait");
        asked.check().expect("within bounds");
        let reply = match asked.message.is_empty() {
            true => return request,
            false => server.reply(&asked.message, 0).expect("it reads"),
        };
        let Some(reply) = reply else { return request };
        let mut round = go_on(&request, tick, life);
        round.reconcile = Some(Compared {
            message: Some(reply.into()),
            given: 0,
        });
        phone.receive(&round).expect("a round");
    }
    panic!("no end");
}

fn go_on(request: &SyncRequest, tick: u64, life: bool) -> SyncAnswer {
    let whole = match life {
        true => anew(request, tick),
        false => answer(request, tick),
    };
    SyncAnswer {
        reset: false,
        more: true,
        ..whole
    }
}

/// The last answer: so many of what was wanted were dealt with.
fn last(request: &SyncRequest, tick: u64, life: bool, given: u32) -> SyncAnswer {
    SyncAnswer {
        more: false,
        reconcile: Some(Compared {
            message: None,
            given,
        }),
        ..go_on(request, tick, life)
    }
}

fn phone_with(entries: u128) -> (Phone, Vec<Edit>) {
    let mut phone = Phone::new();
    for number in 0..entries {
        phone.note(number, "mine");
    }
    let edits = phone.sent();
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("accepted");
    (phone, edits)
}

fn names(phone: &Phone) -> BTreeSet<EntryId> {
    phone.store.entries.keys().copied().collect()
}

#[test]
fn what_both_have_stays_what_the_server_has_not_goes_and_the_rest_comes() {
    let (mut phone, edits) = phone_with(60);
    // Somebody else wrote in one entry, which this replica has not seen.
    let theirs = elsewhere(&edits[7], "theirs", 20);
    phone.note(100, "not sent yet");
    let request = phone.request();
    let mut offer = go_on(&request, 30, false);
    offer.reset = true;
    offer.outcomes.clear();
    phone.receive(&offer).expect("an offer");

    let mut there = edits.clone();
    let hidden = there.remove(3);
    there.remove(6);
    let written = Version::of([
        (Tick(10), &hash_of(&edits[7])),
        (Tick(20), &hash_of(&theirs.edit)),
    ]);
    let once = |edit: &Edit| (edit.entry, Version::of([(Tick(10), &hash_of(edit))]));
    let all = there.iter().map(once);
    let all: Inventory = all.chain([(edits[7].entry, written)]).collect();
    let wants = rounds(&mut phone, &all, 31, false);
    let wanted = wants.reconcile.as_ref().unwrap().wanted.clone();
    assert_eq!(wanted, [ItemId::of(&edits[7].entry, &written)]);

    let first = Item {
        edit: edits[7].clone(),
        accepted: Some(Tick(10)),
    };
    let mut end = last(&wants, 32, false, 1);
    end.news = attested(&end, &[first, theirs]);
    let report = phone.receive(&end).expect("the end");
    assert_eq!(report.gone, BTreeSet::from([hidden.entry]));
    assert!(report.more, "what waited goes now");
    assert!(phone.head.comparing.is_none() && !phone.head.resending);
    assert!(phone.texts(7).contains("theirs"));
    assert_eq!(names(&phone).len(), 60);
    assert_eq!(phone.sent().len(), 1);
}

/// What of a former life of the log is still there is known to be; only what is not is handed back.
#[test]
fn in_another_life_of_the_log_only_what_is_lost_is_handed_back() {
    let (mut phone, edits) = phone_with(50);
    let request = phone.request();
    let mut offer = anew(&request, 50);
    offer.more = true;
    phone.receive(&offer).expect("an offer");
    let kept = has(&edits[..45], 10);
    let wants = rounds(&mut phone, &kept, 51, true);
    assert!(wants.reconcile.as_ref().unwrap().wanted.is_empty());
    let report = phone.receive(&last(&wants, 52, true, 0)).expect("the end");
    assert!(report.more && report.gone.is_empty());
    let sent: BTreeSet<EntryId> = phone.sent().iter().map(|edit| edit.entry).collect();
    let lost: BTreeSet<EntryId> = edits[45..].iter().map(|edit| edit.entry).collect();
    assert_eq!(sent, lost);
    let still = edits[..45]
        .iter()
        .map(|edit| &phone.store.entries[&edit.entry]);
    assert!(still.into_iter().all(|local| !local.is_pending()));
}

/// Accepted at another time it is another version: who wrote after it had seen it then, or not.
#[test]
fn what_was_accepted_anew_comes_again() {
    let (mut phone, edits) = phone_with(2);
    phone.head.forget_cursor();
    let request = phone.request();
    assert!(request.reconcile.is_some(), "it has a copy");
    let again = has(&edits[..1], 40);
    let first = request.reconcile.clone().unwrap();
    let mut begun = go_on(&request, 41, false);
    begun.reset = true;
    let reply = again
        .reply(&first.message, 0)
        .unwrap()
        .expect("they differ");
    begun.reconcile = Some(Compared {
        message: Some(reply.into()),
        given: 0,
    });
    phone.receive(&begun).expect("a round");
    let wants = phone.request();
    let wanted = wants.reconcile.clone().unwrap();
    assert!(wanted.message.is_empty());
    assert_eq!(
        wanted.wanted,
        again.iter().map(|(item, _)| item).collect::<Vec<_>>()
    );
    let mut end = last(&wants, 42, false, 1);
    let item = Item {
        edit: edits[0].clone(),
        accepted: Some(Tick(40)),
    };
    end.news = attested(&end, &[item]);
    phone.receive(&end).expect("the end");
    assert_eq!(names(&phone), BTreeSet::from([entry(0)]));
}

/// Whatever was found before the server began anew is found out anew.
#[test]
fn a_new_beginning_forgets_what_was_found() {
    let (mut phone, edits) = phone_with(3);
    let request = phone.request();
    let mut offer = go_on(&request, 30, false);
    offer.reset = true;
    phone.receive(&offer).expect("an offer");
    let wants = rounds(&mut phone, &Inventory::default(), 31, false);
    let mut offer = go_on(&wants, 33, false);
    offer.reset = true;
    phone.receive(&offer).expect("an offer");
    let wants = rounds(&mut phone, &has(&edits, 10), 34, false);
    let report = phone.receive(&last(&wants, 35, false, 0)).expect("the end");
    assert!(report.gone.is_empty());
    assert_eq!(names(&phone).len(), 3);
}

/// A replica that has little of what there is does not ask for all of it one by one.
#[test]
fn a_replica_that_lacks_much_asks_for_pages() {
    let (mut phone, edits) = phone_with(1);
    let request = phone.request();
    let mut offer = go_on(&request, 30, false);
    offer.reset = true;
    phone.receive(&offer).expect("an offer");
    let hash = hash_of(&edits[0]);
    let many = (0..500).map(|number| (entry(1_000 + number), Version::of([(Tick(9), &hash)])));
    let many: Inventory = many.collect();
    let mut asked = phone.request();
    while let Some(compare) = asked.reconcile.clone() {
        assert!(!compare.message.is_empty(), "it wants hundreds");
        let reply = many.reply(&compare.message, 0).unwrap();
        let mut round = go_on(&asked, 31, false);
        round.reconcile = Some(Compared {
            message: reply.map(Into::into),
            given: 0,
        });
        phone.receive(&round).expect("a round");
        asked = phone.request();
    }
    assert!(phone.head.resending);
}
