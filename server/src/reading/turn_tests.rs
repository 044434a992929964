//! A turn lasts as long as the work that was begun in it, whoever still waits for that.

use diesel::SqliteConnection;

use crate::fault::Fault;
use crate::load::Load;
use crate::records::world::{Phone, World};

/// News are asked for, and nobody waits any more when the writer comes to it.
async fn is_over_when_done(mut world: World, phone: &mut Phone) {
    let mut gate = world.gated(&mut [&mut *phone]);
    let cursor = phone.head.cursor.clone().expect("it has synced");
    let (load, person) = (Load::new(1 << 20), phone.author.person);
    let turn = load.begin(person).into_turn().await;
    {
        let (record, visitor) = (phone.head.record, phone.visitor);
        let news = world.records.news(record, visitor, &cursor, None, turn);
        let mut news = std::pin::pin!(news);
        tokio::select! {
            _ = &mut news => panic!("answered before the writer had it"),
            reached = &mut gate.reached => reached.expect("the writer has it"),
        }
    }
    assert_eq!(load.holders(person), 1);
    gate.open();
    let next = |_: &mut SqliteConnection| -> Result<_, Fault> { Ok(()) };
    world.records.db.write(next).await.expect("writes");
    assert_eq!(load.holders(person), 0);
}

#[tokio::test]
async fn a_turn_lasts_until_it_is_noted_what_was_given() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    holder.allergy("Latex");
    holder.sync().await;
    is_over_when_done(world, &mut caregiver).await;
}

#[tokio::test]
async fn a_turn_lasts_until_a_log_is_begun_anew() {
    let mut world = World::new();
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let copy = world.copy();
    holder.allergy("Latex");
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder]);
    is_over_when_done(world, &mut holder).await;
}
