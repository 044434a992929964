//! What is held, and who is told of it.

use sync_core::EntryId;
use sync_core::entry::{HIDDEN_FROM_PATIENT_UNTIL, STATUS, Value, Write};
use sync_core::merge::HeldForReview;
use sync_core::policy::{RightKind, Role};
use sync_core::sync::{HoldReason, Outcome, Settlement, Verdict};

use super::tests::{fresh, says_nothing};
use crate::clock::Clock as _;
use crate::records::world::World;
use crate::storage::records::RecordStore as _;

/// The answer that said so was lost, and the device was revoked: what it signed is known by its
/// name, and nothing is held twice.
#[tokio::test]
async fn what_is_held_already_is_not_held_twice() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let mut other = caregiver.clone();
    let (record, person) = (holder.head.record, caregiver.author.person);
    let fresh = world.phone(record, person, Role::Caregiver, holder.author.person);
    (other.author, other.visitor) = (fresh.author, fresh.visitor);
    holder.write(right, &[Write::set(STATUS, r#"{"status":"revoked"}"#)]);
    holder.sync().await;
    let (latex, iodine) = (caregiver.allergy("Latex"), caregiver.allergy("Iode"));
    caregiver.write(iodine, &[Write::set("notes", "en 2019")]);
    let request = caregiver.request();
    let lost = caregiver.ask(request).await.expect("answers");
    let held = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Held(_));
    assert!(lost.outcomes.len() == 3 && lost.outcomes.iter().all(held));
    assert_eq!(lost.held, [], "told once");
    // Again by the same key: told by the outcome alone.
    let mut same = caregiver.clone();
    let (answer, report) = same.round().await;
    assert!(answer.outcomes.iter().all(held) && answer.held.is_empty());
    assert_eq!((report.aside.len(), same.kept.unsent.len()), (3, 0));

    world.another_key(&mut caregiver).await;
    let (answer, report) = caregiver.round().await;
    assert!(answer.outcomes.len() == 3 && answer.outcomes.iter().all(held));
    assert_eq!((answer.held.len(), report.aside.len()), (0, 3));
    assert_eq!((report.more, caregiver.kept.unsent.len()), (false, 0));
    // It is not for them to decide.
    assert!(caregiver.kept.held.is_empty());
    assert!(says_nothing(&caregiver.round().await.0));
    // Another device of hers, which never had them, tells of them, should this one be lost.
    other.sync().await;
    holder.sync().await;
    assert!(other.kept.aside.is_empty());
    for (phone, yours) in [(&other, true), (&holder, false)] {
        let held = &phone.kept.held;
        let told: Vec<EntryId> = held.iter().map(|held| held.edit.entry).collect();
        assert_eq!(told, [latex, iodine, iodine]);
        assert!(held.iter().all(|held| held.yours == yours));
    }
}

/// The answer was lost, the holder has decided, and the device was revoked twice since: its edit is
/// held once, with what follows it, and its author hears what was decided.
#[tokio::test]
async fn what_was_decided_on_before_its_author_heard_is_held_once() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    holder.write(right, &[Write::set(STATUS, r#"{"status":"revoked"}"#)]);
    holder.sync().await;
    let latex = caregiver.allergy("Latex");
    let request = caregiver.request();
    caregiver.ask(request).await.expect("answers");
    holder.sync().await;
    let told = holder.kept.held.first().expect("told").clone();
    let change = told.change().expect("a change");
    let past = sync_core::guard::inspect(&told.edit.change).expect("sound");
    holder.write_citing(fresh(), &past.past.writes, vec![change]);
    holder.sync().await;

    let follows = caregiver.write(latex, &[Write::set("notes", "en 2019")]);
    for _ in 0..2 {
        world.another_key(&mut caregiver).await;
    }
    caregiver.sync().await;
    let aside: Vec<_> = caregiver.kept.aside.iter().map(|a| a.change).collect();
    assert_eq!(
        (aside, caregiver.has(latex)),
        (vec![change, follows], false)
    );
    let settled = caregiver.kept.held.first().and_then(|held| held.settled);
    assert_eq!(settled, Some(Settlement::Released));
    let record = holder.head.record;
    let held = move |c: &mut diesel::SqliteConnection| c.held_of_entry(record, latex);
    assert_eq!(world.records.db.read(held).await.expect("reads").len(), 2);
}

/// What the holder made and had no right to is told to them as to any author: they do not decide on
/// it, and it is not held twice.
#[tokio::test]
async fn what_is_held_of_the_holders_own_is_not_held_twice() {
    let world = World::new();
    let helper = world.person(None).await;
    for n in 2..7 {
        let mut other = world.holder(n).await;
        other.right(RightKind::Delegation, helper);
        other.sync().await;
    }
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let (record, person) = (holder.head.record, holder.author.person);
    let mut other = world.phone(record, person, Role::Holder, person);
    other.sync().await;
    // One more than may be helped.
    let right = holder.right(RightKind::Delegation, helper);
    holder.write(right, &[Write::set("notes", "on weekdays")]);
    let request = holder.request();
    let lost = holder.ask(request).await.expect("answers");
    let reasons = [HoldReason::NotPermitted, HoldReason::FollowsHeld];
    let verdicts = lost.outcomes.into_iter().map(|outcome| outcome.verdict);
    assert!(verdicts.eq(reasons.map(Verdict::Held)));
    assert_eq!(lost.held, [], "told once");

    world.another_key(&mut holder).await;
    let mut asks_only = holder.request();
    asks_only.edits = None;
    let told = holder.ask(asks_only).await.expect("answers").held;
    assert!(told.len() == 2 && told.iter().all(|held| held.yours));
    let (answer, report) = holder.round().await;
    assert_eq!((answer.held.len(), report.aside.len()), (0, 2));
    assert_eq!((report.more, holder.kept.unsent.len()), (false, 0));
    other.sync().await;
    assert!(holder.kept.held.is_empty(), "it is set aside there");
    let on_other = &other.kept.held;
    assert!(on_other.len() == 2 && on_other.iter().all(|held| held.yours));
    let asked = HeldForReview::read_all(on_other).expect("sound");
    assert!(asked.is_empty(), "nobody decides on it");
    assert!(says_nothing(&holder.round().await.0));
    let held = move |c: &mut diesel::SqliteConnection| c.held_of_entry(record, right);
    let held = world.records.db.read(held).await.expect("reads");
    assert_eq!(held.len(), 2);
}

/// An author hears nothing of an entry by what is held of it: that it was put off is not told.
#[tokio::test]
async fn an_author_is_told_once_that_an_edit_is_held() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    let allergy = caregiver.allergy("Latex");
    caregiver.sync().await;
    doctor.sync().await;
    holder.write(right, &[Write::set(STATUS, r#"{"status":"revoked"}"#)]);
    holder.sync().await;
    caregiver.write(allergy, &[Write::set("notes", "en 2019")]);
    caregiver.sync().await;
    assert_eq!(caregiver.kept.aside.len(), 1);
    let until = Value::Uint(world.clock.now().plus_days(1).0);
    doctor.write(allergy, &[Write::set(HIDDEN_FROM_PATIENT_UNTIL, until)]);
    doctor.sync().await;
    assert!(says_nothing(&caregiver.round().await.0));
}
