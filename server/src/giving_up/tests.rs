use diesel::connection::SimpleConnection as _;
use sync_core::audit::AccessEvent;
use sync_core::entry::Write;
use sync_core::policy::RightKind;

use super::*;
use crate::records::world::{Phone, World};
use crate::storage::sqlite::open_connection;
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

/// Whom it blocks could read until a device handed it back: a right stays, and keeps its record
/// closed, and that something is missing is not forgotten.
#[tokio::test]
async fn a_right_is_not_given_up() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, delegation) = world.caregiver(&mut holder).await;
    let allergy = holder.allergy("Latex");
    let block = holder.right(RightKind::Block, caregiver.author.person);
    holder.sync().await;
    let record = holder.head.record;
    let note = |c: &mut SqliteConnection| -> Result<_, Fault> {
        settings::note(c, settings::ENTRY_KEYS_LOST, &uuid::Uuid::nil().to_string())?;
        Ok(())
    };
    world.records.db.write(note).await.expect("noted");
    let noted = |c: &mut SqliteConnection| -> Result<_, Fault> {
        Ok(settings::find(c, settings::ENTRY_KEYS_LOST)?.is_some())
    };
    let before = world.lose_entry_key((record, block), &mut [&mut holder, &mut caregiver]);
    world.lose_entry_key((record, allergy), &mut [&mut holder, &mut caregiver]);
    let found = given_up(&world).await;
    let of_record = |rows: &BTreeMap<RecordId, Vec<EntryRow>>| -> Vec<EntryId> {
        rows[&record].iter().map(|row| row.entry).collect()
    };
    assert_eq!(of_record(&found.rights), [block]);
    assert_eq!(of_record(&found.entries), [allergy]);
    assert_eq!(found.keys().len(), 2);
    assert!(world.records.db.read(noted).await.expect("reads"));
    // Not if somebody asks for it either.
    let (keys, now) = (world.records.keys.clone(), world.records.clock.now());
    let rights = found.rights.clone();
    let ask =
        move |c: &mut SqliteConnection| give_up_entries(c, &keys, record, &rights[&record], now);
    world.records.db.write(ask).await.expect("nothing to do");
    let left = given_up(&world).await;
    assert_eq!(of_record(&left.rights), [block]);
    assert!(left.entries.is_empty());
    for phone in [&mut holder, &mut caregiver] {
        let request = phone.request();
        assert!(phone.ask(request).await.is_err());
    }
    // A later copy of the key store opens it again, and nobody whom it keeps out came in.
    world.put_keys_back(&before, &mut [&mut holder, &mut caregiver]);
    holder.sync().await;
    caregiver.round().await;
    assert!(holder.has(allergy) && holder.has(block) && holder.has(delegation));
    assert!(!caregiver.has(allergy));
    assert!(given_up(&world).await.is_empty());
    assert!(!world.records.db.read(noted).await.expect("reads"));
    assert_eq!(findings(&world, record).await.given_up, 0);
}

/// What was held when others handed it in, and taken by its author's word, is not taken for held once
/// it was given up: it comes back whoever hands it in first, and so does what follows it.
#[tokio::test]
async fn what_was_held_once_comes_back_too() {
    for author_first in [true, false] {
        let mut world = World::new();
        let mut holder = world.holder(1).await;
        let (mut caregiver, _) = world.caregiver(&mut holder).await;
        caregiver.sync().await;
        holder.sync().await;
        let copy = world.copy();
        let hers = caregiver.allergy("Latex");
        caregiver.sync().await;
        holder.sync().await;
        world.put_back(&copy, &mut [&mut holder, &mut caregiver]);
        world.another_key(&mut caregiver).await;
        holder.sync().await;
        assert!(!holder.has(hers));
        caregiver.sync().await;
        holder.sync().await;
        holder.write(hers, &[Write::set("notes", "choc en 2019")]);
        holder.sync().await;
        caregiver.sync().await;
        let record = holder.head.record;
        world.lose_entry_key((record, hers), &mut [&mut holder, &mut caregiver]);
        given_up(&world).await;
        assert_eq!(findings(&world, record).await.held, 0);
        let phones = match author_first {
            true => [&mut caregiver, &mut holder],
            false => [&mut holder, &mut caregiver],
        };
        let [first, second] = phones;
        for _ in 0..3 {
            first.sync().await;
            second.sync().await;
        }
        for phone in [&holder, &caregiver] {
            assert!(phone.has(hers), "author first: {author_first}");
            assert_eq!(phone.kept.entries[&hers].state().history.len(), 2);
            assert!(phone.kept.unsent.is_empty() && phone.kept.aside.is_empty());
        }
        assert_eq!(findings(&world, record).await.given_up, 0);
    }
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

/// One without its own key cannot be opened by anybody, nor given up: it stays missing.
#[tokio::test]
async fn a_record_is_not_given_up() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let record = holder.head.record;
    world.lose_key(record, &mut [&mut holder]);
    for _ in 0..2 {
        let found = given_up(&world).await;
        assert_eq!((found.records, found.entries.len()), (vec![record], 0));
    }
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
    // Another program's, with tables that are called alike.
    let program = dir.path().join("program.sqlite");
    for table in ["other (store_id)", "store (name)"] {
        let made = open_connection(&program)
            .and_then(|mut store| Ok(store.batch_execute(&format!("CREATE TABLE {table}"))?));
        made.expect("made");
        assert_eq!(keys.found_in(&program, &[], &found).expect("reads"), None);
    }
    let beside = keys.path().with_file_name("keys.sqlite.before");
    std::fs::copy(&copy, &beside).expect("copied");
    assert!(keys.beside().expect("reads").contains(&beside));
}

/// Of a file that cannot be read nobody can tell whether it is a copy, and whether it has the key.
#[tokio::test]
async fn a_file_that_cannot_be_read_is_not_taken_for_no_copy() {
    let world = World::new();
    let keys = &world.records.keys;
    let damaged = keys.path().with_file_name("damaged.sqlite");
    let bytes = [&b"SQLite format 3\0"[..], &[0xff; 8_192]].concat();
    std::fs::write(&damaged, bytes).expect("written");
    assert!(keys.beside().expect("reads").contains(&damaged));
    let refused = keys.found_in(&damaged, &[], &[]).expect_err("damaged");
    assert!(refused.to_string().contains("damaged.sqlite"), "{refused}");
    let away = keys.path().with_file_name("away.sqlite");
    std::os::unix::fs::symlink(world.dir().join("nowhere"), &away).expect("made");
    let refused = keys.beside().expect_err("unread");
    assert!(refused.to_string().contains("away.sqlite"), "{refused}");
}
