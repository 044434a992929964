use sync_core::kind::RightDraft;
use sync_core::policy::RightKind;

use crate::clock::Clock as _;
use crate::load::Turn;
use crate::records::world::{Phone, World, fresh_entry};

const DAY: u64 = 86_400;

/// What a connection does at its beat: whether there is something, and what.
async fn beat(world: &World, phone: &mut Phone) -> bool {
    let (record, visitor) = (phone.head.record, phone.visitor);
    let cursor = phone.head.cursor.clone().expect("it synced");
    let turns = world.records.turns_by_time(record, visitor, &cursor).await;
    if !turns.expect("looks") {
        return false;
    }
    let news = world
        .records
        .news(record, visitor, &cursor, None, Turn::default())
        .await;
    if let Some(answer) = news.expect("answers") {
        phone.receive(&answer);
    }
    true
}

#[tokio::test]
async fn a_result_that_falls_due_is_told_though_nobody_writes() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let result = doctor.result("À annoncer", world.clock.now().plus_days(2));
    doctor.sync().await;
    holder.sync().await;
    world.clock.advance_seconds(DAY);
    assert!(!beat(&world, &mut holder).await);
    assert!(!holder.has(result));
    world.clock.advance_seconds(2 * DAY);
    let mut others = world.records.hub.listen(holder.head.record);
    assert!(beat(&world, &mut holder).await);
    assert!(holder.has(result));
    // Who else is connected hears of it too.
    others.changed().await;
    assert!(!beat(&world, &mut holder).await);
    assert!(!beat(&world, &mut doctor).await);
}

#[tokio::test]
async fn a_right_that_begins_or_ends_is_told_though_nobody_writes() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let allergy = holder.allergy("Latex");
    let person = world.person(None).await;
    let now = world.clock.now();
    let draft = RightDraft {
        starts: Some(now.plus_days(1)),
        ends: Some(now.plus_days(3)),
        ..RightDraft::new(RightKind::Delegation, person)
    };
    holder.write(fresh_entry(), &draft.writes().expect("a right"));
    holder.sync().await;
    let record = holder.head.record;
    let role = sync_core::policy::Role::Caregiver;
    let mut caregiver = world.phone(record, person, role, holder.author.person);
    caregiver.sync().await;
    assert!(!beat(&world, &mut caregiver).await);
    for has in [true, false] {
        world.clock.advance_seconds(2 * DAY);
        assert!(beat(&world, &mut caregiver).await);
        assert_eq!(caregiver.has(allergy), has);
        assert!(!beat(&world, &mut caregiver).await);
    }
}
