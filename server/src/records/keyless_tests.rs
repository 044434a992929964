//! A record or an entry whose key is not here, as after the key store was put back from an older copy
//! than the data store: it cannot be opened, keeps nobody from anything else, and is not taken for
//! what was destroyed.

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use sync_core::EntryId;
use sync_core::entry::Write;
use sync_core::policy::{RightKind, Role};
use sync_core::sync::Verdict;

use super::world::{Phone, World};
use super::{AccessError, SignInChange};
use crate::app::Running;
use crate::http::{Problem, ProblemType};
use crate::storage::sqlite::open_connection;

#[tokio::test]
async fn a_record_without_a_key_locks_out_nobody_it_names() {
    let mut world = World::new();
    let mut lost = world.holder(1).await;
    let mut other = world.holder(2).await;
    let helper = world.person(None).await;
    for holder in [&mut lost, &mut other] {
        holder.right(RightKind::Delegation, helper);
        holder.sync().await;
    }
    let mut third = world.holder(3).await;
    third.sync().await;
    world.lose_key(lost.head.record, &mut [&mut lost, &mut other, &mut third]);
    let records = world.records.clone();
    let (holder, device) = (lost.author.person, lost.visitor.device.expect("a key").id);
    let job = move |c: &mut SqliteConnection| {
        // As when they sign in.
        records.note_sign_in(c, holder, Some(device), SignInChange::DeviceAdded)
    };
    world.records.db.write(job).await.expect("signs in");
    let records = world.records.clone();
    let job = move |c: &mut SqliteConnection| {
        let own = records.of_person(c, holder, None, 10)?;
        let helped = records.of_person(c, helper, None, 10)?;
        Ok::<_, AccessError>((own, helped))
    };
    let (own, helped) = world.records.db.read(job).await.expect("lists");
    // Not opened, and not ended: phones keep what they have.
    assert!(own.records.is_empty());
    assert_eq!(own.unreadable, [lost.head.record]);
    let opened: Vec<_> = helped.records.iter().map(|one| one.record).collect();
    assert_eq!(opened, [other.head.record]);
    assert_eq!(helped.unreadable, [lost.head.record]);
    // A third holder can delegate to the same helper.
    third.right(RightKind::Delegation, helper);
    let (answer, _) = third.round().await;
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    is_put_off(&mut lost).await;
}

/// Who is only kept out of a record does not learn that it is there because its key is missing.
#[tokio::test]
async fn a_record_without_a_key_is_not_told_to_whom_it_only_blocks() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let blocked = world.person(None).await;
    let block = holder.right(RightKind::Block, blocked);
    holder.sync().await;
    let (record, patient) = (holder.head.record, holder.author.person);
    let mut phone = world.phone(record, blocked, Role::Caregiver, patient);
    // First that of the block, then that of the record.
    for right in [true, false] {
        match right {
            true => drop(world.lose_entry_key((record, block), &mut [&mut holder, &mut phone])),
            false => world.lose_key(record, &mut [&mut holder, &mut phone]),
        }
        let records = world.records.clone();
        let list = move |c: &mut SqliteConnection| records.of_person(c, blocked, None, 10);
        let listed = world.records.db.read(list).await.expect("lists");
        assert!(listed.records.is_empty() && listed.unreadable.is_empty());
        let request = phone.request();
        let refused = phone.ask(request).await.map(drop);
        assert!(matches!(refused, Err(AccessError::NotYours)), "{refused:?}");
        is_put_off(&mut holder).await;
    }
}

/// Asks, and is told to come again later.
async fn is_put_off(phone: &mut Phone) {
    let request = phone.request();
    let refused = phone.ask(request).await.map(drop).expect_err("no answer");
    let AccessError::Fault(fault) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(Problem::from(fault).kind(), ProblemType::Unavailable);
}

#[tokio::test]
async fn an_entry_without_a_key_is_not_taken_for_a_destroyed_one() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let allergy = holder.allergy("Latex");
    holder.sync().await;
    caregiver.sync().await;
    let place = (holder.head.record, allergy);
    let before = world.lose_entry_key(place, &mut [&mut holder, &mut caregiver]);
    // An edit of it, and a full resend, wait; nothing is dropped meanwhile.
    holder.write(allergy, &[Write::set("notes", "rouge")]);
    is_put_off(&mut holder).await;
    caregiver.head.forget_cursor();
    is_put_off(&mut caregiver).await;
    assert!(holder.has(allergy) && caregiver.has(allergy));
    world.put_keys_back(&before, &mut [&mut holder, &mut caregiver]);
    for phone in [&mut holder, &mut caregiver] {
        phone.sync().await;
        assert!(phone.has(allergy) && phone.kept.unsent.is_empty());
    }
}

#[tokio::test]
async fn a_right_without_a_key_lets_nobody_in_and_locks_nobody_out_elsewhere() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    let mut other = world.holder(2).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let helper = caregiver.author.person;
    let block: EntryId = holder.right(RightKind::Block, helper);
    holder.sync().await;
    other.right(RightKind::Delegation, helper);
    other.sync().await;
    let place = (holder.head.record, block);
    let phones = &mut [&mut holder, &mut other, &mut caregiver];
    world.lose_entry_key(place, phones);
    is_put_off(&mut caregiver).await;
    let records = world.records.clone();
    let list = move |c: &mut SqliteConnection| records.of_person(c, helper, None, 10);
    let listed = world.records.db.read(list).await.expect("lists");
    let opened: Vec<_> = listed.records.iter().map(|one| one.record).collect();
    assert_eq!(opened, [other.head.record]);
    assert_eq!(listed.unreadable, [holder.head.record]);
}

#[actix_web::test]
async fn a_start_with_an_older_key_store_says_so_until_a_later_one_is_put_back() {
    let (mut world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    holder.allergy("Latex");
    holder.sync().await;
    let is_older = async |running: &Running| running.app().check_entry_keys().await.expect("looks");
    assert!(!is_older(&running).await);
    let running = world.start_again(running, &mut [&mut holder]).await;
    assert!(!is_older(&running).await);
    let path = running.app().keys.path().to_owned();
    running.stop().await;
    let aside = world.dir().join("aside.sqlite");
    let on_keys = |statement: &str| {
        let mut store = open_connection(&path).expect("opens");
        let attach = format!("ATTACH '{}' AS aside", aside.display());
        store.batch_execute(&attach).expect("attached");
        store.batch_execute(statement).expect("done");
    };
    on_keys("CREATE TABLE aside.kept AS SELECT * FROM entry_keys; DELETE FROM entry_keys");
    let mut running = world.start(&mut [&mut holder]).await;
    assert!(is_older(&running).await);
    // What is made meanwhile does not hide it.
    holder.allergy("Arachide");
    holder.sync().await;
    running = world.start_again(running, &mut [&mut holder]).await;
    assert!(is_older(&running).await);
    running.stop().await;
    on_keys("INSERT INTO entry_keys SELECT * FROM aside.kept");
    let running = world.start(&mut [&mut holder]).await;
    assert!(!is_older(&running).await);
    running.stop().await;
}
