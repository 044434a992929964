//! When a log begins another life, and what it says of the one before.

use super::*;

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
    let read = |sealed| crate::reading::cursor::open(&world.records.keys, record, person, sealed);
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
