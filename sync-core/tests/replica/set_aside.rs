//! What does not become part of the record.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::entry::Write;
use sync_core::policy::Role;
use sync_core::replica::{AsideReason, Author};
use sync_core::sync::{Item, Refusal, Verdict};
use sync_core::{ChangeHash, DeviceTime, Incarnation, PersonId, Tick};
use uuid::Uuid;

use super::{FOLLOWS, HELD, Phone, answer, attested, entry, hash_of, judged, server};

/// Two copies of one store wrote under one actor and number, and the other's is in the record: this
/// one's gives way, and the device goes on.
#[test]
fn what_a_copy_of_the_store_wrote_first_stands() {
    let mut phone = Phone::new();
    phone.note(1, "at first");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let mut copy = Phone {
        head: phone.head.clone(),
        store: phone.store.clone(),
        author: phone.author.clone(),
        clock: phone.clock,
    };
    let mine = phone.write(entry(1), &[Write::set("text", "mine")]);
    copy.write(entry(1), &[Write::set("text", "the copy's")]);
    let first = Item {
        edit: copy.sent().remove(0),
        accepted: Some(Tick(11)),
    };

    let request = phone.request();
    let mut told = answer(&request, 20);
    told.outcomes.clear();
    told.news = attested(&told, &[first]);
    let report = phone.receive(&told).expect("it fits");
    let aside: Vec<_> = report.aside.iter().map(|a| (a.change, a.why)).collect();
    let why = AsideReason::Refused(Refusal::Equivocation);
    assert_eq!(aside, [(mine, why)]);
    assert_eq!(phone.texts(1), BTreeSet::from(["the copy's".to_owned()]));
    assert!(phone.sent().is_empty());
    assert_ne!(phone.head.incarnation, copy.head.incarnation);
}

#[test]
fn the_last_word_follows_what_is_held_even_if_it_takes_it_back() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    let first = phone.write(entry(1), &[Write::set("text", "twenty")]);
    let request = phone.request();
    let last = phone.write(entry(1), &[Write::set("text", "ten")]);

    let mut told = judged(&request, 20, &[HELD]);
    told.forget = vec![entry(1)];
    let report = phone.receive(&told).expect("its answer");
    assert!(report.more && report.gone.contains(&entry(1)));
    assert!(!phone.store.entries.contains_key(&entry(1)));
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [last], "as it was signed");

    let request = phone.request();
    phone
        .receive(&judged(&request, 30, &[FOLLOWS]))
        .expect("its answer");
    let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [first, last]);
    assert!(phone.sent().is_empty());
}

#[test]
fn what_follows_a_held_beginning_is_handed_in_after_it() {
    let mut phone = Phone::new();
    let beginning = phone.note(1, "ten");
    let request = phone.request();
    let then = phone.write(entry(1), &[Write::set("text", "twenty")]);
    phone
        .receive(&judged(&request, 20, &[HELD]))
        .expect("its answer");
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [then]);
    let request = phone.request();
    phone
        .receive(&judged(&request, 30, &[FOLLOWS]))
        .expect("its answer");
    let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [beginning, then]);

    // What follows something refused cannot get there, and stays.
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let request = phone.request();
    phone.write(entry(1), &[Write::set("text", "twenty")]);
    let refused = judged(&request, 20, &[Verdict::Refused(Refusal::Invalid)]);
    phone.receive(&refused).expect("its answer");
    assert!(phone.sent().is_empty());
    assert_eq!(phone.store.aside.len(), 2);
}

/// Once what was held is in the record, what follows it is in its entry again, and not only when it is
/// answered itself.
#[test]
fn what_follows_is_in_its_entry_as_soon_as_what_was_held_is() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let beginning = phone.sent().remove(0);
    let request = phone.request();
    let then = phone.write(entry(1), &[Write::set("text", "twenty")]);
    let told = judged(&request, 20, &[HELD]);
    phone.receive(&told).expect("its answer");
    assert!(!phone.store.entries.contains_key(&entry(1)));
    let request = phone.request();
    let mut told = answer(&request, 30);
    told.outcomes.clear();
    let released = Item {
        edit: beginning,
        accepted: Some(Tick(25)),
    };
    told.news = attested(&told, &[released]);
    phone.receive(&told).expect("an answer");
    assert_eq!(phone.texts(1), BTreeSet::from(["twenty".to_owned()]));
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [then]);
    assert!(phone.store.aside.is_empty());
}

/// Of what waits out of its entry the news may say that it is in the record, for somebody else handed it
/// in: it is not sent again, to be refused and lost.
#[test]
fn what_waits_out_of_its_entry_and_comes_with_the_news_is_not_sent_again() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let beginning = phone.sent().remove(0);
    let request = phone.request();
    phone.write(entry(1), &[Write::set("text", "twenty")]);
    let then = phone.sent().remove(1);
    phone
        .receive(&judged(&request, 20, &[HELD]))
        .expect("its answer");
    assert_eq!(phone.sent(), std::slice::from_ref(&then));
    let request = phone.request();
    let mut told = answer(&request, 30);
    told.outcomes.clear();
    let item = |edit, tick| Item {
        edit,
        accepted: Some(Tick(tick)),
    };
    told.news = attested(&told, &[item(beginning, 25), item(then, 26)]);
    phone.receive(&told).expect("an answer");
    assert_eq!(phone.texts(1), BTreeSet::from(["twenty".to_owned()]));
    assert!(phone.sent().is_empty() && phone.store.aside.is_empty());
}

/// One answer says that the last word is in the record, and brings the held edit that it follows: it is
/// here, and what follows it fits.
#[test]
fn what_is_accepted_follows_what_the_same_answer_brings() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    phone.write(entry(1), &[Write::set("text", "twenty")]);
    let held = phone.sent().remove(0);
    let request = phone.request();
    let last = phone.write(entry(1), &[Write::set("text", "ten")]);
    phone
        .receive(&judged(&request, 20, &[HELD]))
        .expect("its answer");
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [last]);

    let request = phone.request();
    let mut told = answer(&request, 40);
    let released = Item {
        edit: held,
        accepted: Some(Tick(30)),
    };
    told.news = attested(&told, &[released]);
    let report = phone.receive(&told).expect("its answer");
    assert_eq!(report.accepted, [last]);
    assert!(phone.store.entries[&entry(1)].has(&last));
    assert!(phone.sent().is_empty() && phone.store.aside.is_empty());
}

/// Somebody adds a remark and then hides the entry; there is no room for the remark.
#[test]
fn what_followed_something_refused_goes_again_on_what_is_left() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    let remark = phone.write(entry(1), &[Write::set("notes", "long")]);
    let hides = phone.write(entry(1), &[Write::set("hidden-from-professionals", true)]);
    let request = phone.request();
    let verdicts = [Refusal::RecordFull, Refusal::Incomplete].map(Verdict::Refused);
    let report = phone
        .receive(&judged(&request, 20, &verdicts))
        .expect("its answer");
    let aside: Vec<ChangeHash> = report.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [remark]);
    assert!(report.more);
    let [again] = &phone.sent()[..] else {
        panic!("goes again")
    };
    assert_ne!(hash_of(again), hides);
    let written = sync_core::guard::inspect(&again.change)
        .expect("sound")
        .past;
    assert_eq!(
        written.writes,
        [Write::set("hidden-from-professionals", true)]
    );
    let request = phone.request();
    let report = phone.receive(&answer(&request, 30)).expect("its answer");
    assert_eq!(report.accepted.len(), 1);
    assert!(phone.sent().is_empty());
}

#[test]
fn what_was_destroyed_leaves_nothing_and_takes_nothing_else_along() {
    let mut phone = Phone::new();
    for number in [0, 1] {
        phone.note(number, "first");
    }
    let request = phone.request();
    phone.receive(&answer(&request, 1)).expect("its answer");
    for number in [0, 1] {
        phone.write(entry(number), &[Write::set("text", "second")]);
    }
    // Told of it in news, with an edit of each under way.
    let request = phone.request();
    let mut told = answer(&request, 2);
    told.outcomes[0].verdict = Verdict::Refused(Refusal::Destroyed);
    (told.forget, told.destroyed) = (vec![entry(0)], vec![entry(0)]);
    let report = phone.receive(&told).expect("its answer");
    assert_eq!((report.destroyed.len(), report.not_kept), (1, 1));
    assert_eq!((report.accepted.len(), report.aside.len()), (1, 0));
    assert!(!phone.store.entries.contains_key(&entry(0)));
    assert!(phone.store.unsent.is_empty() && phone.store.aside.is_empty());
    assert_eq!(phone.texts(1), BTreeSet::from(["second".to_owned()]));
    assert_eq!(phone.store.destroyed[&entry(0)].not_kept, 1);
    // Told again, it changes nothing.
    let request = phone.request();
    let mut again = answer(&request, 3);
    (again.forget, again.destroyed) = (vec![entry(0)], vec![entry(0)]);
    let report = phone.receive(&again).expect("its answer");
    assert!(report.destroyed.is_empty());
    assert_eq!(phone.store.destroyed[&entry(0)].not_kept, 1);
}

#[test]
fn what_was_written_into_anothers_entry_is_kept_of_what_was_destroyed() {
    let mut phone = Phone::new();
    phone.note(0, "first");
    let request = phone.request();
    phone.receive(&answer(&request, 1)).expect("its answer");
    // Somebody else uses the copy: to them the entry is another's.
    let own = std::mem::replace(&mut phone.author.person, PersonId(Uuid::from_u128(11)));
    let status = Write::set("status", r#"{"status":"wrong-patient"}"#);
    phone.write(entry(0), &[status]);
    let said = phone.write(entry(0), &[Write::set("text", "mine")]);
    phone.author.person = own;
    let Phone { head, store, .. } = &mut phone;
    let author = Author {
        person: PersonId(Uuid::from_u128(11)),
        role: Role::Caregiver,
        on_behalf_of: Some(own),
        key: SigningKey::from_bytes(&[1; 32]),
    };
    let request = head.request(store, &author, None).expect("a request");
    let mut told = answer(&request, 2);
    let mut checkpoint: Checkpoint = told.checkpoint.0.read().expect("made here");
    checkpoint.viewer = author.person;
    told.checkpoint = SignedCheckpoint::new(&server(), &checkpoint);
    for outcome in &mut told.outcomes {
        outcome.verdict = Verdict::Refused(Refusal::Destroyed);
    }
    told.destroyed = vec![entry(0)];
    let fresh = Incarnation([7; 16]);
    let report = head.receive(store, &author, &told, fresh, DeviceTime(900_000));
    let report = report.expect("its answer");
    assert_eq!(report.not_kept, 1, "the mark says nothing by itself");
    let [aside] = &store.aside[..] else {
        panic!("one edit: {:?}", store.aside);
    };
    assert_eq!(aside.change, said);
    assert_eq!(aside.why, AsideReason::Refused(Refusal::Destroyed));
    assert!(store.unsent.is_empty() && !store.entries.contains_key(&entry(0)));
}
