//! How a device goes on under another key.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use sync_core::change::{Actor, Edit};
use sync_core::entry::{Value, Write};
use sync_core::guard;
use sync_core::merge::HeldForReview;
use sync_core::sign::PublicKey;
use sync_core::sync::{HeldEdit, HoldReason, Item, Refusal, Settlement, Verdict};
use sync_core::{ChangeHash, DeviceId, Tick};

use super::{
    FOLLOWS, HELD, Phone, RECORD, answer, attested, elsewhere, entry, hash_of, judged,
    put_back::anew,
};

/// Whoever signs in again has what waits taken under the name it has: nothing of it is said twice.
#[test]
fn what_another_key_signed_goes_as_it_was_signed() {
    let mut phone = Phone::new();
    let (first, second) = (phone.note(1, "ten"), phone.note(2, "elsewhere"));
    phone.author.key = SigningKey::from_bytes(&[2; 32]);
    let third = phone.write(entry(1), &[Write::set("text", "twenty")]);
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [first, second, third]);
    let request = phone.request();
    let verdicts = [HELD, Verdict::Duplicate(Tick(5)), FOLLOWS];
    let report = phone
        .receive(&judged(&request, 10, &verdicts))
        .expect("its answer");
    assert_eq!(report.accepted, [second]);
    let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [first, third]);
    assert!(phone.sent().is_empty());
}

/// The answer that said so was lost, and the holder has decided: it is known from what is told of
/// the decision, and does not go again under any name.
#[test]
fn what_was_held_and_decided_on_before_its_author_heard_does_not_go_again() {
    for settled in [
        None,
        Some(Settlement::Released),
        Some(Settlement::Discarded),
    ] {
        let mut phone = Phone::new();
        let change = phone.note(1, "ten");
        let edit = phone.sent().remove(0);
        phone.author.key = SigningKey::from_bytes(&[2; 32]);
        // Told unasked, as on a line: no verdict of an edit.
        let mut told = answer(&phone.request(), 10);
        told.outcomes.clear();
        told.held = vec![HeldEdit {
            edit,
            reason: HoldReason::NoLongerPermitted,
            received: Tick(4),
            settled,
            yours: settled.is_none(),
        }];
        let report = phone.receive(&told).expect("its answer");
        let aside: Vec<ChangeHash> = report.aside.iter().map(|aside| aside.change).collect();
        assert_eq!(
            (aside, phone.sent().len()),
            (vec![change], 0),
            "{settled:?}"
        );
        let known = phone.store.held.first().and_then(|held| held.settled);
        assert_eq!(known, settled);
    }
}

/// Of what another device of the same person made and is held this one tells too, though nobody is asked
/// of it here; of what is set aside here, or is in its entry, it needs not.
#[test]
fn what_another_device_of_the_same_person_made_and_is_held_is_told() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let here = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    phone.note(2, "eleven");
    let aside = phone.sent().remove(0);
    let request = phone.request();
    phone
        .receive(&judged(&request, 11, &[HELD]))
        .expect("its answer");
    let mut other = Phone::new();
    other.author.key = SigningKey::from_bytes(&[2; 32]);
    let change = other.note(3, "twelve");
    let theirs = other.sent().remove(0);

    let mut told = answer(&phone.request(), 20);
    told.held = [here, aside, theirs].map(yours).to_vec();
    phone.receive(&told).expect("its answer");
    let known: Vec<_> = phone
        .store
        .held
        .iter()
        .map(|held| held.change().expect("named"))
        .collect();
    assert_eq!(known, [change]);
    let asked = HeldForReview::read_all(&phone.store.held).expect("sound");
    assert!(asked.is_empty());
}

fn yours(edit: Edit) -> HeldEdit {
    HeldEdit {
        edit,
        reason: HoldReason::NotPermitted,
        received: Tick(4),
        settled: None,
        yours: true,
    }
}

#[test]
fn what_a_key_signed_that_the_server_does_not_know_is_signed_anew() {
    let mut phone = Phone::new();
    phone.note(1, "before");
    let known = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    // One arrives without an answer; two others of that entry and one new entry never do.
    let arrived = phone.note(2, "arrived");
    let lost = phone.sent().remove(0);
    phone.write(entry(1), &[Write::set("text", "mine")]);
    phone.write(entry(1), &[Write::set("text", "mine again")]);
    phone.note(3, "never sent");
    let old = phone.device();

    phone.author.key = SigningKey::from_bytes(&[2; 32]);
    phone.write(entry(3), &[Write::set("text", "under the new key")]);
    assert_eq!(phone.sent().len(), 5, "as they were signed");
    let not = Verdict::Refused(Refusal::NotAuthentic);
    let incomplete = Verdict::Refused(Refusal::Incomplete);
    let verdicts = [
        Verdict::Duplicate(Tick(15)),
        not.clone(),
        not.clone(),
        not,
        incomplete,
    ];
    let mut told = judged(&phone.request(), 20, &verdicts);
    let accepted = Some(Tick(15));
    let items = [
        Item {
            edit: lost,
            accepted,
        },
        elsewhere(&known, "theirs", 16),
    ];
    told.news = attested(&told, &items);
    let report = phone.receive(&told).expect("its answer");
    assert!(report.more);

    let sent = phone.sent();
    let public = PublicKey::of(&phone.author.key);
    let mut times = Vec::new();
    for edit in &sent {
        let origin = edit.origin.read().expect("an origin");
        assert_eq!(origin.device, DeviceId::of(&public));
        let hash = hash_of(edit);
        assert!(edit.origin.verifies(&public, &RECORD, &edit.entry, &hash));
        let inspected = guard::inspect(&edit.change).expect("a change");
        let actor = Actor::of(&public, &origin.incarnation, &edit.entry);
        assert_eq!(inspected.past.actor, actor);
        assert_eq!(origin.seen.expect("a checkpoint").tick, Tick(10));
        times.push(origin.at.0);
    }
    // The times at which they were made; the first two were sent before.
    assert_eq!(times, [3_000, 4_000, 5_000, 6_000]);
    let named = phone.request().checkpoints;
    assert_eq!(named.len(), 1, "the one they name is shown");
    assert!(!sent.iter().any(|edit| hash_of(edit) == arrived));

    // What was concurrent still is: nothing of theirs is written over unseen.
    let both = ["mine again", "theirs"].map(str::to_owned);
    assert_eq!(phone.texts(1), BTreeSet::from(both));
    assert_eq!(
        phone.texts(3),
        BTreeSet::from(["under the new key".to_owned()])
    );
    let origins = phone.store.entries.values();
    let mut origins = origins.flat_map(|local| local.provenance().into_values());
    assert!(!origins.any(|p| p.accepted.is_none() && p.origin.device == old));
    let request = phone.request();
    phone.receive(&answer(&request, 30)).expect("its answer");
    assert!(phone.sent().is_empty() && phone.store.aside.is_empty());
}

/// What a server had held and lost goes to it again, also if its device signs in anew before that;
/// and if the server does not know the old key any more, under the new one, and what follows it too.
#[test]
fn what_was_held_and_lost_goes_again_under_another_key() {
    const NOT: Verdict = Verdict::Held(HoldReason::NotPermitted);
    for noticed_first in [true, false] {
        let mut phone = Phone::new();
        phone.note(9, "elsewhere");
        let request = phone.request();
        phone.receive(&answer(&request, 10)).expect("its answer");
        phone.note(1, "ten");
        phone.write(entry(1), &[Write::set("text", "twenty")]);
        let request = phone.request();
        let told = judged(&request, 20, &[NOT, FOLLOWS]);
        phone.receive(&told).expect("its answer");
        let old: Vec<ChangeHash> = phone.store.aside.iter().map(|a| a.change).collect();

        let request = phone.request();
        let renew = |phone: &mut Phone| phone.author.key = SigningKey::from_bytes(&[2; 32]);
        if noticed_first {
            phone.receive(&anew(&request, 50)).expect("an answer");
            renew(&mut phone);
        } else {
            renew(&mut phone);
            phone.receive(&anew(&request, 50)).expect("an answer");
        }
        // It learns what arrived, and hands back what was accepted.
        let mut rounds = 0;
        let of_entry = |edit: &Edit| edit.entry == entry(1);
        let (all, sent) = loop {
            let all = phone.sent();
            let sent: Vec<Edit> = all.iter().filter(|e| of_entry(e)).cloned().collect();
            let new = phone.device();
            let known = |edit: &Edit| edit.origin.read().is_ok_and(|origin| origin.device == new);
            if sent.len() == 2 && sent.iter().all(known) {
                break (all, sent);
            }
            rounds += 1;
            let (queue, aside) = (&phone.store.unsent, &phone.store.aside);
            assert!(rounds < 4, "it does not go again: {queue:#?} {aside:#?}");
            let request = phone.request();
            let mut told = answer(&request, 60 + rounds);
            told.checkpoint = anew(&request, 60 + rounds).checkpoint;
            for (outcome, edit) in told.outcomes.iter_mut().zip(&all) {
                // Of the others it knows who they are.
                if of_entry(edit) && !known(edit) {
                    outcome.verdict = Verdict::Refused(Refusal::NotAuthentic);
                }
            }
            phone.receive(&told).expect("an answer");
        };
        let said = |change: &Edit| guard::inspect(&change.change).expect("a change").past;
        let (beginning, then) = (said(&sent[0]), said(&sent[1]));
        let texts = |past: &sync_core::entry::PastChange| past.wrote("text").flatten().cloned();
        assert_eq!(texts(&beginning), Some(Value::from("ten")));
        assert_eq!(texts(&then), Some(Value::from("twenty")));
        assert_eq!(then.deps, [beginning.hash]);
        for edit in &sent {
            let origin = edit.origin.read().expect("an origin");
            assert_eq!(origin.device, phone.device());
        }
        let request = phone.request();
        let mut held = [NOT, FOLLOWS].into_iter();
        let verdict = |edit: &Edit| match of_entry(edit) {
            true => held.next().expect("two of them"),
            false => Verdict::Accepted(Tick(70)),
        };
        let verdicts: Vec<Verdict> = all.iter().map(verdict).collect();
        let mut told = judged(&request, 70, &verdicts);
        told.checkpoint = anew(&request, 70).checkpoint;
        phone.receive(&told).expect("an answer");
        let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|a| a.change).collect();
        assert_eq!(
            aside,
            [beginning.hash, then.hash],
            "and nothing twice: {old:?}"
        );
        assert!(phone.sent().is_empty());
    }
}

/// One is left in the queue to follow what is held, another was made without either; both count from
/// one when they are made again, and both are taken.
#[test]
fn what_was_made_apart_has_two_names_when_it_is_signed_anew() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    let held = phone.write(entry(1), &[Write::set("text", "twenty")]);
    let request = phone.request();
    let last = phone.write(entry(1), &[Write::set("text", "ten")]);
    phone
        .receive(&judged(&request, 20, &[HELD]))
        .expect("its answer");
    let other = phone.write(entry(1), &[Write::set("text", "thirty")]);
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [last, other]);

    phone.author.key = SigningKey::from_bytes(&[2; 32]);
    let request = phone.request();
    let not = Verdict::Refused(Refusal::NotAuthentic);
    phone
        .receive(&judged(&request, 30, &[not.clone(), not]))
        .expect("its answer");
    let sent = phone.sent();
    let made = |edit: &Edit| guard::inspect(&edit.change).expect("a change").past;
    let past: Vec<_> = sent.iter().map(made).collect();
    let texts = past
        .iter()
        .map(|past| past.wrote("text").flatten().cloned());
    let texts: BTreeSet<String> = texts
        .filter_map(|text| text.as_ref().and_then(Value::as_text).map(str::to_owned))
        .collect();
    assert_eq!(texts, BTreeSet::from(["ten", "thirty"].map(str::to_owned)));
    assert!(past.iter().any(|past| past.deps == [held]));
    let names: BTreeSet<_> = past.iter().map(|past| (past.actor, past.seq)).collect();
    assert_eq!(names.len(), 2, "two names: {names:?}");
}

/// It was held because others had brought it, and is in the record by its author's word: the answer
/// that said so was lost, and the next brings it as news and says what became of what was held. It is
/// not aside, whether this device was told of the holding before or is told only now.
#[test]
fn what_was_held_and_is_in_the_record_by_its_authors_word_is_not_aside() {
    for told_before in [true, false] {
        let mut phone = Phone::new();
        phone.note(1, "ten");
        let change = phone.write(entry(1), &[Write::set("text", "eleven")]);
        let edits = phone.sent();
        let held = |settled| HeldEdit {
            edit: edits[1].clone(),
            reason: HoldReason::NoLongerPermitted,
            received: Tick(4),
            settled,
            yours: false,
        };
        if told_before {
            let request = phone.request();
            let first = Verdict::Accepted(Tick(10));
            let told = judged(&request, 10, &[first, HELD]);
            phone.receive(&told).expect("its answer");
            assert_eq!(phone.store.aside.len(), 1);
        }
        let mut told = answer(&phone.request(), 20);
        told.outcomes.clear();
        told.held = vec![held(Some(Settlement::Released))];
        let item = |(edit, tick): (&Edit, u64)| Item {
            edit: edit.clone(),
            accepted: Some(Tick(tick)),
        };
        let items: Vec<Item> = edits.iter().zip([10, 19]).map(item).collect();
        told.news = attested(&told, &items);
        let report = phone.receive(&told).expect("its answer");
        assert!(report.aside.is_empty() && phone.store.aside.is_empty());
        assert!(phone.sent().is_empty());
        assert!(phone.store.entries[&entry(1)].has(&change));
        assert_eq!(phone.texts(1), BTreeSet::from(["eleven".to_owned()]));
    }
}
