//! A data store put back from an older copy: what comes back from devices.

mod held;
mod lives_of_a_log;

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
        let frame = sync_core::sync::Frame::pack(&by.head.record, &items);
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
    let frame = sync_core::sync::Frame::pack(&fresh.head.record, &items);
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
    let frame = sync_core::sync::Frame::pack(&caregiver.head.record, &items);
    request.edits = Some(frame.expect("packs"));
    let answer = caregiver.ask(request).await.expect("answers");
    let held = Verdict::Held(HoldReason::NotPermitted);
    assert_eq!(answer.outcomes[0].verdict, held);
}
