//! What a serving process does of what was left for the moment, again and again.

use diesel::connection::SimpleConnection as _;

use super::*;
use crate::app::Running;

/// A serving process, a holder and a doctor, who has an allergy that the doctor wrote.
async fn served() -> (World, Running, Phone, Phone, EntryId) {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let wrong = doctor.allergy(PLANTED);
    doctor.sync().await;
    (world, running, holder, doctor, wrong)
}

/// A mark is noted, and the rest of its request never comes.
#[actix_web::test]
async fn a_mark_that_waits_is_decided_on_after_a_day() {
    let (world, running, mut holder, mut doctor, wrong) = served().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("notes", "still to come")]);
    assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
    let mut heard = world.records.hub.listen(holder.head.record);
    world.clock.advance_seconds(86_400 - 60);
    running.app().catch_up().await;
    assert_eq!(kept(&world, &holder, wrong).await, (true, true));
    world.clock.advance_seconds(60);
    running.app().catch_up().await;
    assert_eq!(kept(&world, &holder, wrong).await, (false, false));
    heard.changed().await;
    assert_eq!(doomed(&world).await, 0);
    is_sound(&world, &holder).await;
    holder.sync().await;
    is_gone(&holder, wrong);
    running.stop().await;
}

/// One that was taken back by then is forgotten.
#[actix_web::test]
async fn a_mark_that_was_taken_back_destroys_nothing_after_a_day() {
    let (world, running, holder, mut doctor, wrong) = served().await;
    doctor.wrong_patient(wrong);
    doctor.write(wrong, &[Write::set("status", r#"{"status":"active"}"#)]);
    assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
    doctor.sync().await;
    world.clock.advance_seconds(2 * 86_400);
    running.app().catch_up().await;
    assert_eq!(kept(&world, &holder, wrong).await, (true, true));
    running.stop().await;
}

/// The data store was emptied, and the key could not be destroyed just then.
#[actix_web::test]
async fn keys_that_were_left_are_destroyed_once() {
    let (world, running, holder, mut doctor, wrong) = served().await;
    doctor.wrong_patient(wrong);
    // As far as that is durable; what follows it is left out.
    one_pass(&world.records, &mut doctor).await;
    assert_eq!(kept(&world, &holder, wrong).await, (false, true));
    running.app().catch_up().await;
    assert_eq!(
        kept(&world, &holder, wrong).await,
        (false, true),
        "nobody said so"
    );
    world.records.keys.leave_undestroyed();
    running.app().catch_up().await;
    assert_eq!(kept(&world, &holder, wrong).await, (false, false));
    assert!(!world.records.keys.take_undestroyed());
    running.stop().await;
}

/// Somebody reads while the write-ahead log is to be folded: that is done once they have read.
#[actix_web::test]
async fn a_log_that_was_left_is_folded_once_nobody_reads() {
    let (world, running, holder, mut doctor, wrong) = served().await;
    let log = world.records.db.path().with_extension("sqlite-wal");
    let left = || std::fs::metadata(&log).map_or(0, |log| log.len());
    let mut reader = open_connection(world.records.db.path()).expect("opens");
    let read = "BEGIN; SELECT count(*) FROM log";
    reader.batch_execute(read).expect("reads");
    doctor.wrong_patient(wrong);
    doctor.sync().await;
    assert_eq!(kept(&world, &holder, wrong).await, (false, false));
    running.app().catch_up().await;
    assert!(left() > 0);
    reader.batch_execute("COMMIT").expect("read");
    running.app().catch_up().await;
    // The writer folds after the group in which it was asked.
    writes_next(&world).await;
    assert_eq!(left(), 0);
    running.stop().await;
}

/// A mark that waited for a day, and whose key is gone: the entry's own, or the whole record's. It is
/// not decided on, and nobody is told of anything, however often that is asked. If the journal says
/// that the record was destroyed, nothing is left to decide.
#[actix_web::test]
async fn a_mark_without_its_key_waits_in_silence() {
    for (lost, waits) in [
        ("DELETE FROM entry_keys", true),
        ("DELETE FROM record_keys", true),
        (
            "INSERT INTO destructions (kind, subject, time)
                 SELECT 'record', record_id, 0 FROM record_keys;
             DELETE FROM record_keys",
            false,
        ),
    ] {
        let (mut world, running, holder, mut doctor, wrong) = served().await;
        doctor.wrong_patient(wrong);
        doctor.write(wrong, &[Write::set("notes", "still to come")]);
        assert!(!one_pass(&world.slowed(), &mut doctor).await.done);
        running.stop().await;
        let mut keys = open_connection(world.records.keys.path()).expect("opens");
        keys.batch_execute(lost).expect("done");
        drop(keys);
        let running = world.start(&mut []).await;
        let marked = (holder.head.record, wrong);
        assert_eq!(world.records.keyless.has(marked), waits);
        world.clock.advance_seconds(2 * 86_400);
        let mut heard = world.records.hub.listen(marked.0);
        for _ in 0..2 {
            running.app().catch_up().await;
            assert_eq!(doomed(&world).await, usize::from(waits));
        }
        let heard = std::pin::pin!(heard.changed());
        assert!(futures_util::poll!(heard).is_pending());
        running.stop().await;
    }
}
