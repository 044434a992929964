use sync_core::EntryId;
use sync_core::audit::AccessEvent;
use sync_core::entry::Write;
use sync_core::policy::RightKind;

use super::*;
use crate::records::world::{Phone, World};
use crate::verify;

async fn given_up(world: &World) -> Missing {
    let (keys, now) = (world.records.keys.clone(), world.records.clock.now());
    let job = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        let found = missing(c, &keys)?;
        for (record, entries) in &found.entries {
            give_up_entries(c, &keys, *record, entries, now)?;
        }
        forget_older(c, &keys)?;
        assert!(missing(c, &keys)?.entries.is_empty());
        Ok(found)
    };
    world.records.db.write(job).await.expect("given up")
}

async fn findings(world: &World, record: RecordId) -> verify::Findings {
    let keys = world.records.keys.clone();
    let job = move |c: &mut SqliteConnection| {
        let mut unknown = |_: &mut SqliteConnection, _| Ok(None);
        verify::record(c, &keys, &mut unknown, record)
    };
    let found = world.records.db.read(job).await.expect("reads");
    assert_eq!(found.wrong, []);
    found
}

/// What the holder's access log says to be given up: of which entries, and how many changes.
async fn told(world: &World, phone: &Phone) -> Vec<(Vec<EntryId>, u64)> {
    let (record, keys) = (phone.head.record, world.records.keys.clone());
    let job = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        audit::page(c, &Vault::new(&keys, record)?, 0, u32::MAX)
    };
    let chained = world.records.db.read(job).await.expect("reads");
    let events = chained
        .iter()
        .map(|one| AccessEvent::decode(&one.event).expect("an event"));
    let events = events.filter(|event| event.action == AccessAction::GiveUp);
    events.map(|event| (event.entries, event.changes)).collect()
}

/// What devices have comes back, whole; what nobody has is lost, and the record is sound and goes on.
#[tokio::test]
async fn what_is_given_up_comes_back_from_whoever_has_it() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let known = holder.allergy("Latex");
    holder.write(known, &[Write::set("notes", "choc en 2019")]);
    let lost = holder.allergy("Arachide");
    holder.sync().await;
    caregiver.sync().await;
    let record = holder.head.record;
    // As a phone that lost its store.
    for phone in [&mut holder, &mut caregiver] {
        phone.kept.entries.remove(&lost);
    }
    world.lose_entry_key((record, known), &mut [&mut holder, &mut caregiver]);
    world.lose_entry_key((record, lost), &mut [&mut holder, &mut caregiver]);
    // What waits meanwhile is not lost either.
    caregiver.write(known, &[Write::set("notes", "et en 2021")]);
    let request = caregiver.request();
    assert!(caregiver.ask(request).await.is_err());

    let found = given_up(&world).await;
    let mut of_record = found.entries[&record].iter();
    assert_eq!(of_record.clone().map(|row| row.changes).sum::<u64>(), 3);
    assert!(of_record.all(|row| [known, lost].contains(&row.entry)));
    assert_eq!(findings(&world, record).await.given_up, 2);
    let [(entries, changes)] = &told(&world, &holder).await[..] else {
        panic!("one event")
    };
    assert_eq!((entries.len(), *changes), (2, 3));

    for _ in 0..2 {
        caregiver.sync().await;
        holder.sync().await;
    }
    let patient = holder.author.person;
    let mut fresh = world.phone(record, patient, sync_core::policy::Role::Holder, patient);
    fresh.sync().await;
    for phone in [&holder, &caregiver, &fresh] {
        let state = phone.kept.entries[&known].state();
        assert!(
            state
                .values("notes")
                .any(|note| note.as_text() == Some("et en 2021"))
        );
        assert_eq!(state.history.len(), 3);
        assert!(phone.kept.unsent.is_empty() && phone.kept.aside.is_empty());
        assert!(!phone.has(lost));
    }
    assert_eq!(findings(&world, record).await.given_up, 1);
    assert!(given_up(&world).await.is_empty());
}

/// A right whose key is gone closes its record to all it names; given up, the record is open to the
/// holder, and it is in force again once the holder's phone has come.
#[tokio::test]
async fn a_right_that_is_given_up_holds_again_once_the_holder_has_come() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    let block = holder.right(RightKind::Block, world.person(None).await);
    holder.sync().await;
    let record = holder.head.record;
    for entry in [right, block] {
        world.lose_entry_key((record, entry), &mut [&mut holder, &mut caregiver]);
    }
    given_up(&world).await;
    let request = caregiver.request();
    assert!(caregiver.ask(request).await.is_err());
    holder.sync().await;
    let note = caregiver.allergy("Pollen");
    caregiver.sync().await;
    holder.sync().await;
    assert!(holder.has(note) && holder.has(right) && holder.has(block));
    assert_eq!(findings(&world, record).await.given_up, 0);
}

/// Marks that waited go with what they were of, and the holder does not learn of what they may not
/// know of yet.
#[tokio::test]
async fn a_mark_and_a_delay_are_minded() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let record = holder.head.record;
    let until = world.records.clock.now().plus_days(3);
    let delayed = doctor.result("Gluten", until);
    doctor.sync().await;
    let mark = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        Ok(c.doom(record, delayed, &[Tick(1)].into())?)
    };
    world.records.db.write(mark).await.expect("noted");
    world.lose_entry_key((record, delayed), &mut [&mut holder, &mut doctor]);
    given_up(&world).await;
    let noted = |c: &mut SqliteConnection| -> Result<_, Fault> { Ok(c.doomed()?) };
    assert_eq!(world.records.db.read(noted).await.expect("reads"), []);
    assert_eq!(told(&world, &holder).await, []);
    assert_eq!(findings(&world, record).await.given_up, 1);
    // It is kept apart, and told when it may be.
    world.clock.advance_seconds(3 * 86_400 + 1);
    holder.sync().await;
    assert_eq!(told(&world, &holder).await, [(vec![delayed], 1)]);
    doctor.sync().await;
    holder.sync().await;
    assert!(holder.has(delayed));
    assert_eq!(findings(&world, record).await.given_up, 0);
}

/// One without its own key cannot be opened by anybody; once it is given up that is known, and
/// verified.
#[tokio::test]
async fn a_record_that_is_given_up_is_no_finding() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let other = world.holder(2).await;
    holder.sync().await;
    let record = holder.head.record;
    world.lose_key(record, &mut [&mut holder]);
    let found = given_up(&world).await;
    assert_eq!((found.records, found.entries.len()), (vec![record], 0));
    world.records.keys.destroy_record(record).expect("noted");
    assert!(findings(&world, record).await.keyless);
    assert!(!findings(&world, other.head.record).await.keyless);
    assert!(given_up(&world).await.is_empty());
}

/// A file with what is missing is found, and another is not taken for one.
#[tokio::test]
async fn a_copy_that_has_the_key_is_found() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let allergy = holder.allergy("Latex");
    holder.sync().await;
    let record = holder.head.record;
    let before = world.lose_entry_key((record, allergy), &mut [&mut holder]);
    let keys = world.records.keys.clone();
    let look = move |c: &mut SqliteConnection| missing(c, &keys);
    let found = world.records.db.read(look).await.expect("reads").keys();
    let keys = &world.records.keys;
    let dir = tempfile::tempdir().expect("a directory");
    let copy = dir.path().join("kept? 100 %.sqlite");
    std::fs::write(&copy, before).expect("written");
    assert_eq!(keys.found_in(&copy, &[], &found).expect("reads"), Some(1));
    assert_eq!(
        keys.found_in(&copy, &[record], &[]).expect("reads"),
        Some(1)
    );
    // The store itself, the data, a text, and nothing.
    assert_eq!(
        keys.found_in(keys.path(), &[], &found).expect("reads"),
        Some(0)
    );
    let data = world.records.db.path();
    assert_eq!(keys.found_in(data, &[], &found).expect("reads"), None);
    let text = dir.path().join("text");
    std::fs::write(&text, "no store").expect("written");
    assert_eq!(keys.found_in(&text, &[], &found).expect("reads"), None);
    assert!(
        keys.found_in(&dir.path().join("none"), &[], &found)
            .is_err()
    );
    let beside = keys.path().with_file_name("keys.sqlite.before");
    std::fs::copy(&copy, &beside).expect("copied");
    assert!(keys.beside().expect("reads").contains(&beside));
}
