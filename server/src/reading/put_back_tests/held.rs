//! What was held before, or is now: by another key, by others, or for want of a right.

use super::*;

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
    assert!(holder.kept.aside.is_empty());
    let told = holder.kept.held.first().expect("told of it");
    let why = HoldReason::NoLongerPermitted;
    assert_eq!((told.edit.entry, told.reason), (hers, why));
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
        assert_eq!(asides, [0, 1]);
        let told = holder.kept.held.last().expect("told of it");
        let change = told.change().expect("named");
        assert_eq!(change, caregiver.kept.aside[0].change);
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

/// What somebody hands back that another wrote, and that is held, does not stay with them: nobody would
/// tell them what becomes of it. What they wrote about it keeps it for as long as they are told.
#[actix_web::test]
async fn what_is_held_of_another_does_not_stay_with_who_brought_it() {
    for (writes, hears) in [(false, true), (false, false), (true, true), (true, false)] {
        let (mut world, mut holder, mut caregiver) = family().await;
        let copy = world.copy();
        let theirs = holder.allergy("du père");
        holder.sync().await;
        caregiver.sync().await;
        assert!(caregiver.has(theirs));
        world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
        world.another_key(&mut holder).await;
        if writes {
            caregiver.write(theirs, &[sync_core::entry::Write::set("notes", "rouge")]);
        }
        caregiver.sync().await;
        assert!(!caregiver.has(theirs) && caregiver.kept.unsent.is_empty());
        let aside: Vec<_> = caregiver.kept.aside.iter().map(|a| a.edit.entry).collect();
        assert_eq!(aside, [theirs; 2][..if writes { 2 } else { 0 }]);
        holder.sync().await;
        if hears {
            caregiver.sync().await;
            is_whole(&holder, &[theirs]);
            is_whole(&caregiver, &[theirs]);
            assert!(caregiver.kept.aside.is_empty());
        }
        holder.wrong_patient(theirs);
        holder.sync().await;
        caregiver.sync().await;
        for phone in [&holder, &caregiver] {
            assert_eq!(phone.has(theirs), writes);
            let own = |aside: &sync_core::replica::SetAside| {
                let origin = aside.edit.origin.read().expect("an origin");
                origin.author == phone.author.person
            };
            assert!(phone.kept.aside.iter().all(own), "{writes} {hears}");
        }
    }
}

/// A store put back twice to one copy: whoever handed in what was held keeps nothing of it, and the
/// holder, who was asked, hands it back, so that it is held again.
#[actix_web::test]
async fn what_the_holder_was_asked_of_outlasts_another_restore() {
    let (mut world, mut holder, mut caregiver) = family().await;
    let copy = world.copy();
    let hers = caregiver.allergy("de la fille");
    caregiver.sync().await;
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
    world.revoke(&caregiver).await;
    for restores in 1..=2 {
        holder.sync().await;
        assert!(holder.kept.aside.is_empty() && holder.kept.unsent.is_empty());
        let record = holder.head.record;
        let held = move |c: &mut diesel::SqliteConnection| c.held_of_entry(record, hers);
        let held = world.records.db.read(held).await.expect("reads");
        let state = (held.len(), holder.has(hers));
        assert_eq!(state, (1, false), "after {restores}");
        world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
        // As a server does when it starts.
        let records = world.records.clone();
        let job = move |c: &mut diesel::SqliteConnection| crate::revocations::replay(c, &records);
        let replayed: Result<u64, Fault> = world.records.db.write(job).await;
        assert_eq!(replayed.expect("replays"), 1);
    }
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

/// What was written on a device that the restored server does not know is in the record again by
/// the server's own proof, whoever brings it.
#[actix_web::test]
async fn what_a_device_wrote_that_the_copy_does_not_know_comes_back() {
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
    is_whole(&holder, &[hers]);
    assert!(holder.kept.aside.is_empty());

    // She signs in again; her phone hands it back too, and writes something.
    world.sign_in(&mut caregiver);
    let note = caregiver.allergy("encore une");
    caregiver.sync().await;
    caregiver.sync().await;
    holder.sync().await;
    is_whole(&holder, &[hers, note]);
    is_whole(&caregiver, &[hers, note]);
    assert!(holder.kept.aside.is_empty() && caregiver.kept.aside.is_empty());
}

/// Of a device that the restored server does not know nobody can tell whether it was revoked since:
/// a right that it gave waits for the holder, and one that it took away is taken away.
#[actix_web::test]
async fn a_right_from_a_device_that_the_copy_does_not_know_waits_for_the_holder() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    world.sign_in(&mut caregiver);
    caregiver.sync().await;
    holder.sync().await;
    let copy = world.copy();
    let mut tablet = another_phone(&world, &holder);
    tablet.sync().await;
    let (_, given) = world.caregiver(&mut tablet).await;
    let revoked = serde_json::json!({ "status": "revoked" }).to_string();
    tablet.write(right, &[sync_core::entry::Write::set("status", revoked)]);
    let note = tablet.allergy("de la tablette");
    tablet.sync().await;
    holder.sync().await;
    assert!(holder.has(given) && holder.has(note));
    world.put_back(&copy, &mut [&mut holder, &mut tablet]);
    holder.sync().await;
    assert!(holder.has(note), "what is no right comes back");
    assert!(!holder.has(given), "what gives a right waits");
    assert_eq!(holder.kept.entries[&right].state().history.len(), 2);
    let waits: Vec<_> = holder.kept.aside.iter().map(|a| a.edit.entry).collect();
    assert_eq!(waits, [given]);
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
