//! A data store put back from an older copy.

use sync_core::audit::{AccessAction, AccessEvent, Verifier};
use sync_core::kind::RightDraft;
use sync_core::policy::{RightKind, Role};
use sync_core::replica::Author;
use sync_core::sync::{HeldEdit, HoldReason, Settlement, Verdict};
use sync_core::{EntryId, RecordId};

use crate::audit;
use crate::fault::Fault;
use crate::load::Turn;
use crate::records::lives;
use crate::records::vault::Vault;
use crate::records::world::{Phone, START, World, fresh_entry};
use crate::settings;
use crate::storage::records::RecordStore as _;

/// The actions of a record's access log with their reasons; its chain must hold.
async fn access_log(world: &World, record: RecordId) -> Vec<(AccessAction, Option<String>)> {
    let keys = world.records.keys.clone();
    let job = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
        let vault = Vault::new(&keys, record)?;
        let row = c.record(record)?.expect("the record");
        Ok((audit::page(c, &vault, 0, 10_000)?, row.clock.audit_head))
    };
    let (events, head) = world.records.db.read(job).await.expect("reads");
    let mut verifier = Verifier::new(record, head);
    for event in &events {
        verifier.push(event).expect("the chain holds");
    }
    verifier.finish().expect("it ends in its head");
    let read = |event: &sync_core::audit::ChainedEvent| {
        let event = AccessEvent::decode(&event.event).expect("an event");
        (event.action, event.reason)
    };
    events.iter().map(read).collect()
}

/// What a record's access log says to be lost, event by event: how many events, if it can tell.
async fn losses(world: &World, record: RecordId) -> Vec<(AccessAction, Option<u64>)> {
    let keys = world.records.keys.clone();
    let job = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
        audit::page(c, &Vault::new(&keys, record)?, 0, 10_000)
    };
    let events = world.records.db.read(job).await.expect("reads");
    let gap = |event: &sync_core::audit::ChainedEvent| {
        let event = AccessEvent::decode(&event.event).expect("an event");
        event.gap.map(|gap| (event.action, gap.lost()))
    };
    events.iter().filter_map(gap).collect()
}

fn restores(log: &[(AccessAction, Option<String>)]) -> usize {
    log.iter()
        .filter(|(action, _)| *action == AccessAction::Restore)
        .count()
}

/// A holder's phone and their caregiver's, both known to the server and synced.
async fn family() -> (World, Phone, Phone) {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    for phone in [&mut caregiver, &mut holder] {
        world.sign_in(phone);
        phone.sync().await;
    }
    (world, holder, caregiver)
}

/// Another phone of the same person, signed in; the server of today knows it.
fn another_phone(world: &World, phone: &Phone) -> Phone {
    let Author {
        person,
        role,
        on_behalf_of,
        ..
    } = phone.author.clone();
    let holder = on_behalf_of.unwrap_or(person);
    world.phone(phone.head.record, person, role, holder)
}

/// A holder's phone that has synced, and a copy of the store as it stood then.
async fn copied() -> (World, Phone, Vec<u8>) {
    let world = World::new();
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let copy = world.copy();
    (world, holder, copy)
}

fn is_whole(phone: &Phone, entries: &[EntryId]) {
    for entry in entries {
        let local = phone.kept.entries.get(entry).expect("it is here");
        assert!(!local.is_pending(), "the server has it again");
    }
}

#[actix_web::test]
async fn what_was_accepted_since_the_copy_comes_back_from_the_devices() {
    let (mut world, mut holder, mut caregiver) = family().await;
    let before = holder.allergy("avant la copie");
    holder.sync().await;
    caregiver.sync().await;
    let copy = world.copy();

    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    holder.sync().await;
    let his = holder.allergy("de la mère");
    holder.sync().await;
    // Made on what the copy does not have, and not sent yet.
    let offline = holder.note("hors ligne");
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);

    // The caregiver's device may never come back: the holder's has what it wrote.
    holder.sync().await;
    is_whole(&holder, &[before, hers, his, offline]);
    let mut fresh = world.phone(
        holder.head.record,
        holder.author.person,
        Role::Holder,
        holder.author.person,
    );
    fresh.sync().await;
    is_whole(&fresh, &[before, hers, his, offline]);

    // It does come back, and finds all there.
    caregiver.sync().await;
    is_whole(&caregiver, &[before, hers, his]);
    assert!(!caregiver.has(offline));
    assert_eq!(caregiver.kept.aside, []);
    assert_eq!(holder.kept.aside, []);
    let log = access_log(&world, holder.head.record).await;
    assert_eq!(restores(&log), 1);
    let handed_back = (AccessAction::Write, Some("handed-back".to_owned()));
    assert!(log.contains(&handed_back));
}

#[actix_web::test]
async fn a_store_that_lost_nothing_goes_on() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    // An event apart from the holder's log too.
    let until = sync_core::Tick(crate::records::world::START.0 + 1_000_000_000);
    doctor.result("lactose", until);
    doctor.sync().await;
    holder.allergy("une allergie");
    holder.sync().await;
    doctor.sync().await;
    let copy = world.copy();
    world.put_back(&copy, &mut [&mut holder, &mut doctor]);
    let (answer, _) = holder.round().await;
    assert!(!answer.reset);
    let (answer, _) = doctor.round().await;
    assert!(!answer.reset);
    let log = access_log(&world, holder.head.record).await;
    assert_eq!(restores(&log), 0);
}

/// What was chained apart from the holder's log is missed too.
#[actix_web::test]
async fn what_the_holder_may_not_know_of_yet_is_missed_too() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    holder.sync().await;
    let copy = world.copy();
    let until = sync_core::Tick(crate::records::world::START.0 + 1_000_000_000);
    let result = doctor.result("lactose", until);
    doctor.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut doctor]);
    doctor.sync().await;
    is_whole(&doctor, &[result]);
    holder.sync().await;
    assert!(!holder.has(result));
}

/// Rights that were given and taken after the copy come back in their order, before what was done
/// by them.
#[actix_web::test]
async fn rights_come_back_before_what_they_allowed() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let (person, patient) = (world.person(None).await, holder.author.person);
    let mut caregiver = world.phone(holder.head.record, person, Role::Caregiver, patient);
    world.sign_in(&mut caregiver);
    let copy = world.copy();
    holder.right(RightKind::Delegation, person);
    holder.sync().await;
    caregiver.sync().await;
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);

    // Nobody knows of the caregiver yet.
    let request = caregiver.request();
    assert!(caregiver.ask(request).await.is_err());
    holder.sync().await;
    caregiver.sync().await;
    is_whole(&caregiver, &[hers]);
    assert!(holder.kept.aside.is_empty() && caregiver.kept.aside.is_empty());
}

/// Nobody hands back what was made in this life of the log, or in no life of it.
#[actix_web::test]
async fn nobody_carries_others_edits_otherwise() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    caregiver.allergy("de la fille");
    let request = caregiver.request();
    let carried = |mut request: sync_core::sync::SyncRequest, by: &Phone| {
        let frame = request.edits.take().expect("edits");
        let mut items = frame.unpack(&by.head.record).expect("a frame");
        for item in &mut items {
            item.accepted = Some(sync_core::Tick(1));
        }
        let frame = sync_core::sync::Frame::pack(&by.head.record, &items, None);
        sync_core::sync::SyncRequest {
            device: by.visitor.device.expect("a key").id,
            cursor: by.head.cursor.clone(),
            edits: Some(frame.expect("packs")),
            ..request
        }
    };
    let refused = |verdict: &Verdict| {
        let why = sync_core::sync::Refusal::NotAuthentic;
        *verdict == Verdict::Refused(why)
    };
    let answer = holder.ask(carried(request.clone(), &holder)).await;
    assert!(refused(&answer.expect("answers").outcomes[0].verdict));

    // Not after a restore either, of what was made since.
    let copy = world.copy();
    holder.sync().await;
    world.sign_in(&mut caregiver);
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    holder.sync().await;
    world.sign_in(&mut caregiver);
    caregiver.kept.unsent.clear();
    caregiver.sync().await;
    caregiver.allergy("depuis");
    let answer = holder.ask(carried(caregiver.request(), &holder)).await;
    assert!(refused(&answer.expect("answers").outcomes[0].verdict));
}

/// A device that was revoked meanwhile cannot be told from one that is in wrong hands: the holder
/// decides.
#[actix_web::test]
async fn what_a_revoked_device_made_is_held() {
    let (mut world, mut holder, mut caregiver) = family().await;
    let copy = world.copy();
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    world.revoke(&caregiver).await;

    holder.sync().await;
    let aside = holder.kept.aside.first().expect("set aside");
    assert_eq!(aside.edit.entry, hers);
    let told = holder.kept.held.first().expect("told of it");
    assert_eq!(told.reason, HoldReason::NoLongerPermitted);
}

/// Its author's right has ended, the answer that took it was lost, and its device was revoked:
/// whoever hands it in first, its author under another key or somebody else who has it, it is held
/// once.
#[actix_web::test]
async fn what_its_author_and_others_hand_in_is_held_once() {
    for author_first in [true, false] {
        let (mut world, mut holder, mut caregiver) = family().await;
        let mut entries = holder.kept.entries.iter();
        let right = entries.find(|(_, local)| local.state().kind() == Some("delegation"));
        let right = *right.expect("the delegation").0;
        let ends = sync_core::entry::Value::Uint(START.0 + 10_000_000);
        holder.write(right, &[sync_core::entry::Write::set("ends", ends)]);
        holder.sync().await;
        caregiver.sync().await;
        let copy = world.copy();
        let hers = caregiver.allergy("de la fille");
        let request = caregiver.request();
        let answer = caregiver.ask(request).await.expect("answers");
        assert!(answer.outcomes[0].verdict.accepted().is_some());
        holder.sync().await;
        assert!(holder.has(hers));
        world.clock.advance_seconds(100);
        world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
        world.another_key(&mut caregiver).await;

        if author_first {
            caregiver.sync().await;
        }
        holder.sync().await;
        caregiver.sync().await;
        holder.sync().await;
        let record = holder.head.record;
        let held = move |c: &mut diesel::SqliteConnection| c.held_of_entry(record, hers);
        let held = world.records.db.read(held).await.expect("reads");
        assert_eq!(held.len(), 1, "its author first: {author_first}");
        let asides = [&holder, &caregiver].map(|phone| phone.kept.aside.len());
        assert_eq!(asides, [1, 1]);
        assert_eq!(holder.kept.aside[0].change, caregiver.kept.aside[0].change);
        assert!(!holder.has(hers) && !caregiver.has(hers));
    }
}

/// What a device made that was revoked since, and others had, its person may write still: by their
/// word it is in the record again, as it was; also if others had come first, by whose word it was held.
#[actix_web::test]
async fn what_a_revoked_device_made_its_person_hands_back() {
    for author_first in [true, false] {
        let (mut world, mut holder, mut caregiver) = family().await;
        let copy = world.copy();
        let hers = caregiver.allergy("de la fille");
        caregiver.write(hers, &[sync_core::entry::Write::set("notes", "rouge")]);
        caregiver.sync().await;
        holder.sync().await;
        world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
        world.another_key(&mut caregiver).await;
        if !author_first {
            holder.sync().await;
            assert!(!holder.has(hers));
            assert_eq!(holder.kept.held.len(), 2);
        }
        caregiver.sync().await;
        holder.sync().await;
        let settled = |held: &HeldEdit| held.settled == Some(Settlement::Released);
        for phone in [&holder, &caregiver] {
            is_whole(phone, &[hers]);
            assert!(phone.kept.aside.is_empty());
            let mut last = std::collections::BTreeMap::new();
            for held in &phone.kept.held {
                last.insert(held.change().expect("named"), held);
            }
            assert!(
                last.into_values().all(settled),
                "author first: {author_first}"
            );
        }
    }
}

/// The access log says how much of it was lost, as far as devices showed by then.
#[actix_web::test]
async fn the_log_says_how_much_of_it_was_lost() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let patient = holder.author.person;
    let mut tablet = world.phone(holder.head.record, patient, Role::Holder, patient);
    holder.sync().await;
    tablet.sync().await;
    let copy = world.copy();
    holder.allergy("une allergie");
    holder.sync().await;
    tablet.sync().await;
    // The tablet has heard of one event, its reading, that the phone has not heard of.
    world.put_back(&copy, &mut [&mut holder, &mut tablet]);
    holder.sync().await;
    let record = holder.head.record;
    let restore = (AccessAction::Restore, Some(1));
    assert_eq!(losses(&world, record).await, std::slice::from_ref(&restore));
    tablet.sync().await;
    let more = [restore, (AccessAction::Loss, Some(2))];
    assert_eq!(losses(&world, record).await, more);
    for phone in [&mut holder, &mut tablet] {
        phone.sync().await;
    }
    assert_eq!(losses(&world, record).await, more);
    assert_eq!(restores(&access_log(&world, record).await), 1);
}

/// A clock that went back does not take back when the store was put back last.
#[actix_web::test]
async fn the_last_restore_does_not_move_back() {
    let mut world = World::new();
    let mut ahead = world.holder(1).await;
    let mut behind = world.holder(2).await;
    ahead.sync().await;
    behind.sync().await;
    let copy = world.copy();
    behind.allergy("une allergie");
    behind.sync().await;
    world.clock.advance_seconds(1_000);
    ahead.allergy("une allergie");
    ahead.sync().await;
    world.put_back(&copy, &mut [&mut ahead, &mut behind]);
    ahead.sync().await;
    let restored = |world: &World| {
        let job = |c: &mut diesel::SqliteConnection| lives::restored(c);
        let db = world.records.db.clone();
        async move { db.read::<_, Fault, _>(job).await.expect("reads") }
    };
    let last = restored(&world).await;
    world.set_clock(START);
    behind.sync().await;
    assert_eq!(restored(&world).await, last);
    assert!(last.is_some());
}

/// What was held is held again, and the holder asked again, once its author comes back.
#[actix_web::test]
async fn what_was_held_is_held_again() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    world.sign_in(&mut caregiver);
    caregiver.sync().await;
    let copy = world.copy();
    let status = |of: &str| serde_json::json!({ "status": of }).to_string();
    let revoke = sync_core::entry::Write::set("status", status("revoked"));
    holder.write(right, &[revoke]);
    holder.sync().await;
    // Made in good faith: it had not heard of that.
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    let in_good_faith = HoldReason::NoLongerPermitted;
    let held = sync_core::replica::AsideReason::Held(in_good_faith);
    assert_eq!(caregiver.kept.aside[0].why, held);
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);

    holder.sync().await;
    caregiver.sync().await;
    assert_eq!(caregiver.kept.aside[0].why, held);
    assert!(caregiver.kept.unsent.is_empty());
    let patient = holder.author.person;
    let mut fresh = world.phone(holder.head.record, patient, Role::Holder, patient);
    fresh.sync().await;
    let told = fresh.kept.held.first().expect("the holder is asked");
    assert_eq!((told.edit.entry, told.reason), (hers, in_good_faith));
}

/// If it is permitted by now, it is in the record, and on its author's device.
#[actix_web::test]
async fn what_was_held_and_is_permitted_is_accepted() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    world.sign_in(&mut caregiver);
    caregiver.sync().await;
    let copy = world.copy();
    let status = |of: &str| serde_json::json!({ "status": of }).to_string();
    let revoke = sync_core::entry::Write::set("status", status("revoked"));
    let mut lost = holder.clone();
    lost.write(right, &[revoke]);
    lost.sync().await;
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    assert!(!caregiver.has(hers));
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    caregiver.sync().await;
    is_whole(&caregiver, &[hers]);
    assert!(caregiver.kept.aside.is_empty());
    holder.sync().await;
    is_whole(&holder, &[hers]);
}

/// What somebody wrote whom the restored server does not know goes again once it knows them.
#[actix_web::test]
async fn what_a_stranger_to_the_copy_wrote_goes_again() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (earlier, _) = world.caregiver(&mut holder).await;
    let copy = world.copy();
    let mut caregiver = another_phone(&world, &earlier);
    caregiver.sync().await;
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    holder.sync().await;
    assert!(!holder.has(hers));
    assert_eq!(holder.kept.aside.len(), 1);

    // She signs in, and her other phone, which has not got it, writes something.
    world.sign_in(&mut caregiver);
    let note = caregiver.allergy("encore une");
    caregiver.kept.entries.remove(&hers);
    caregiver.sync().await;
    caregiver.sync().await;
    holder.sync().await;
    is_whole(&holder, &[hers, note]);
    assert!(holder.kept.aside.is_empty());
    caregiver.sync().await;
    is_whole(&caregiver, &[hers, note]);
}

/// What somebody wrote under a key that nobody knows any more they sign anew under the next.
#[actix_web::test]
async fn what_another_key_of_ones_own_signed_is_signed_anew() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (earlier, _) = world.caregiver(&mut holder).await;
    let copy = world.copy();
    let mut caregiver = another_phone(&world, &earlier);
    caregiver.sync().await;
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    let fresh = another_phone(&world, &caregiver);
    caregiver.author = fresh.author;
    caregiver.visitor = fresh.visitor;
    caregiver.sync().await;
    is_whole(&caregiver, &[hers]);
    assert!(caregiver.kept.aside.is_empty());
    holder.sync().await;
    is_whole(&holder, &[hers]);
}

#[actix_web::test]
async fn a_marked_copy_begins_every_log_anew() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut other = world.holder(2).await;
    holder.sync().await;
    other.sync().await;
    let (keys, now) = (world.records.keys.clone(), world.records.clock.now());
    let job = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
        assert_eq!(lives::begin_all_anew(c, &keys, now)?, None);
        settings::note(c, settings::COPIED, "1")?;
        assert_eq!(lives::begin_all_anew(c, &keys, now)?, Some(2));
        assert_eq!(lives::begin_all_anew(c, &keys, now)?, None);
        lives::restored(c)
    };
    let restored = world.records.db.write(job).await.expect("writes");
    assert!(restored.is_some());
    for phone in [&mut holder, &mut other] {
        let (answer, _) = phone.round().await;
        assert!(answer.reset);
        phone.sync().await;
        assert_eq!(restores(&access_log(&world, phone.head.record).await), 1);
    }
}

/// Put back twice, the second time from before the first.
#[actix_web::test]
async fn it_may_be_put_back_again() {
    let (mut world, mut holder, copy) = copied().await;
    let mut all = Vec::new();
    for name in ["une", "deux", "trois"] {
        all.push(holder.allergy(name));
        holder.sync().await;
        world.put_back(&copy, &mut [&mut holder]);
        holder.sync().await;
        is_whole(&holder, &all);
    }
}

/// An edit that names no checkpoint was made before its device was ever answered: from a device of
/// today it is an edit of today, whatever it says.
#[actix_web::test]
async fn a_device_of_today_hands_nothing_back_of_its_own() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let copy = world.copy();
    holder.allergy("perdue");
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    let revoked = serde_json::json!({ "status": "revoked" }).to_string();
    holder.write(right, &[sync_core::entry::Write::set("status", revoked)]);
    holder.sync().await;
    world.clock.advance_seconds(60);
    let (person, patient) = (caregiver.author.person, holder.author.person);
    let mut fresh = world.phone(holder.head.record, person, Role::Caregiver, patient);
    world.sign_in(&mut fresh);
    fresh.allergy("aujourd'hui");
    let mut request = fresh.request();
    let frame = request.edits.take().expect("edits");
    let mut items = frame.unpack(&fresh.head.record).expect("a frame");
    items[0].accepted = Some(START);
    let frame = sync_core::sync::Frame::pack(&fresh.head.record, &items, None);
    request.edits = Some(frame.expect("packs"));
    let answer = fresh.ask(request).await.expect("answers");
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(answer.outcomes[0].verdict, held);
}

/// Somebody who is connected is told, too, and hands back.
#[actix_web::test]
async fn who_is_connected_hands_back_too() {
    let (mut world, mut holder, copy) = copied().await;
    let mine = holder.allergy("une allergie");
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder]);
    let cursor = holder.head.cursor.clone().expect("a cursor");
    let (record, visitor) = (holder.head.record, holder.visitor);
    let told = world
        .records
        .news(record, visitor, &cursor, None, Turn::default())
        .await;
    let told = told.expect("answers").expect("there is something to tell");
    assert!(told.reset);
    let report = holder.receive(&told);
    assert!(report.more && report.gone.is_empty());
    holder.sync().await;
    is_whole(&holder, &[mine]);
}

/// A clock that was set back does not give the ticks of a lost life again.
#[actix_web::test]
async fn ticks_of_a_lost_life_are_not_given_again() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let mut other = world.phone(
        holder.head.record,
        holder.author.person,
        Role::Holder,
        holder.author.person,
    );
    holder.sync().await;
    let copy = world.copy();
    // The clock stands still, so every tick is told by counting.
    for _ in 0..50 {
        holder.sync().await;
        other.sync().await;
    }
    let told = other.head.seen_until().expect("a checkpoint");
    world.put_back(&copy, &mut [&mut holder, &mut other]);
    holder.sync().await;
    other.sync().await;
    assert!(other.head.seen_until() > Some(told));
    other.allergy("une allergie");
    other.sync().await;
    assert!(other.kept.aside.is_empty());
}

/// Whoever comes back first may be somebody whose right the copy does not have: their cursor shows
/// the loss all the same.
#[actix_web::test]
async fn a_stranger_to_the_copy_shows_what_it_lost() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let person = world.person(None).await;
    holder.sync().await;
    let copy = world.copy();
    let (mut caregiver, _) = world.delegated(&mut holder, person).await;
    caregiver.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    world.sign_in(&mut caregiver);
    let request = caregiver.request();
    assert!(caregiver.ask(request).await.is_err());
    assert_eq!(restores(&access_log(&world, holder.head.record).await), 1);
    let job = |c: &mut diesel::SqliteConnection| lives::restored(c);
    let restored: Result<_, Fault> = world.records.db.read(job).await;
    assert!(restored.expect("reads").is_some());
}

/// What was permitted when it was accepted, and no longer is when it is handed back, waits for the
/// holder; it is not buried.
#[actix_web::test]
async fn what_is_no_longer_permitted_waits_for_the_holder() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let (person, patient) = (world.person(None).await, holder.author.person);
    let mut caregiver = world.phone(holder.head.record, person, Role::Caregiver, patient);
    world.sign_in(&mut caregiver);
    let copy = world.copy();
    let for_a_day = RightDraft {
        ends: Some(START.plus_days(1)),
        ..RightDraft::new(RightKind::Delegation, person)
    };
    holder.write(fresh_entry(), &for_a_day.writes().expect("a right"));
    holder.sync().await;
    caregiver.sync().await;
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    holder.sync().await;
    world.clock.advance_micros(2 * 86_400_000_000);
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    holder.sync().await;
    let mut fresh = world.phone(holder.head.record, patient, Role::Holder, patient);
    fresh.sync().await;
    for phone in [&holder, &fresh] {
        let held = phone.kept.held.first().expect("the holder is asked");
        assert_eq!(held.edit.entry, hers);
        assert_eq!(held.reason, HoldReason::NoLongerPermitted);
    }
}

/// To say of an edit of today that it was accepted once gains nothing.
#[actix_web::test]
async fn what_was_made_in_this_life_is_not_handed_back() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let (person, patient) = (world.person(None).await, holder.author.person);
    let mut caregiver = world.phone(holder.head.record, person, Role::Caregiver, patient);
    let for_a_day = RightDraft {
        ends: Some(START.plus_days(1)),
        ..RightDraft::new(RightKind::Delegation, person)
    };
    holder.write(fresh_entry(), &for_a_day.writes().expect("a right"));
    holder.sync().await;
    caregiver.sync().await;
    let copy = world.copy();
    holder.allergy("perdue");
    holder.sync().await;
    world.clock.advance_micros(2 * 86_400_000_000);
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    holder.sync().await;
    caregiver.sync().await;
    caregiver.allergy("aujourd'hui");
    let mut request = caregiver.request();
    let frame = request.edits.take().expect("edits");
    let mut items = frame.unpack(&caregiver.head.record).expect("a frame");
    items[0].accepted = Some(START);
    let frame = sync_core::sync::Frame::pack(&caregiver.head.record, &items, None);
    request.edits = Some(frame.expect("packs"));
    let answer = caregiver.ask(request).await.expect("answers");
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(answer.outcomes[0].verdict, held);
}

/// A cursor of a former life that shows nothing new moves nothing, and is not worth the writer.
#[actix_web::test]
async fn a_cursor_that_shows_nothing_costs_nothing() {
    let (mut world, mut holder, copy) = copied().await;
    holder.allergy("une allergie");
    holder.sync().await;
    let former = holder.head.cursor.clone().expect("a cursor");
    world.put_back(&copy, &mut [&mut holder]);
    holder.sync().await;
    let (record, person) = (holder.head.record, holder.author.person);
    let read = |sealed| super::cursor::open(&world.records.keys, record, person, sealed);
    let former = read(&former).expect("its own");
    let present = read(holder.head.cursor.as_ref().expect("a cursor")).expect("its own");
    assert_ne!(former.log, present.log);
    let records = world.records.clone();
    let job = move |c: &mut diesel::SqliteConnection| -> Result<_, Fault> {
        let row = c.record(record)?.expect("the record");
        let moved = [
            records.live_on(c, &row, Some(&former))?,
            records.live_on(c, &row, Some(&present))?,
        ];
        Ok((moved, c.record(record)? == Some(row)))
    };
    let done = world.records.db.write(job).await.expect("writes");
    assert_eq!(done, ([false, false], true));
    // There is no writer any more, and none is asked.
    world.records.db.close().await;
    for cursor in [None, Some(former), Some(present)] {
        let begun = world
            .records
            .begin_anew(record, cursor, &std::sync::Arc::default())
            .await;
        begun.expect("nothing is to be written");
    }
}
