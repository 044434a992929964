//! A disk without room, and one that fails: edits are refused by name and wait on their device, and
//! what was acknowledged is there.

use carnet_tests::faults::{Disk, Flushes, Journal};
use carnet_tests::wire_client::{Problem, Verdict, WireRecord};
use rand::RngExt as _;

use super::load::{Told, opens, random, seed, survives};
use super::stage::{Stage, allergy, note, now, sync as sync_phone};

/// A device at a server whose disk will fail.
fn laid_under(arguments: &[&str]) -> (Stage, WireRecord) {
    let mut stage = Stage::with(arguments);
    let opened = stage.desk("Durand");
    let device = stage.wire_device(&opened.code);
    let record = WireRecord::new(&device, opened.record.0, "holder");
    stage.stop();
    stage.lay_under();
    (stage, record)
}

/// Adds a note and syncs; all that waited is taken, or the server says why it cannot.
fn push(stage: &Stage, record: &mut WireRecord, told: &mut Told) -> Result<(), Problem> {
    let text = "beaucoup de texte ".repeat(100);
    record.create(&note("Journal", &text).writes().expect("stands"));
    sync(stage, record, told)
}

fn sync(stage: &Stage, record: &mut WireRecord, told: &mut Told) -> Result<(), Problem> {
    let answered = now(record.sync())?;
    let taken = |verdict: &Verdict| matches!(verdict, Verdict::Accepted(_) | Verdict::Duplicate(_));
    assert!(answered.verdicts.iter().all(taken), "{answered:?}");
    assert!(record.pending.is_empty());
    told.add_all(record, stage.layer().position());
    Ok(())
}

/// Before the disk is full edits wait, and what does not need their room goes on.
#[test]
fn while_the_disk_is_nearly_full_edits_wait_and_a_right_is_revoked() {
    let mut stage = Stage::new();
    let (mother, id) = stage.holder("Durand");
    let daughter = stage.caregiver("Diallo");
    let hers = mother.synced(id);
    hers.record
        .delegate(daughter.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    sync_phone(&hers);
    let code = mother.profile.invite().expect("an invitation").code;
    let mut record = WireRecord::new(&stage.wire_device(&code), id.0, "holder");
    let theirs = daughter.synced(id);
    theirs.add(allergy("Latex")).expect("added");
    sync_phone(&theirs);
    stage.stop();
    stage.lay_under();
    stage.start();
    let mut told = Told::default();
    push(&stage, &mut record, &mut told).expect("there is room");

    // Less than `min-free`, and enough for all that follows.
    stage.layer().set_room(Some(32 << 20));
    let refused = push(&stage, &mut record, &mut told).expect_err("it waits");
    assert_eq!((refused.status, refused.slug()), (507, "no-room"));
    let mut reads = WireRecord::new(&record.device, record.record, "holder");
    now(reads.sync()).expect("what is there is read");
    assert!(reads.labels().contains("Latex") && reads.labels().contains("Journal"));
    let rights = hers.record.rights_of(daughter.id()).expect("rights");
    hers.record
        .revoke(rights[0].id.clone(), None)
        .expect("revokes");
    assert_eq!(sync_phone(&hers).accepted, 1);
    assert!(sync_phone(&theirs).gone > 0, "the right was revoked");

    stage.layer().set_room(None);
    sync(&stage, &mut record, &mut told).expect("there is room");
    survives(stage.server(), &record, &told).expect("all of it is there");
}

#[test]
fn a_full_disk_refuses_by_name_and_loses_nothing() {
    let mut random = random(seed(), 0);
    let (mut stage, mut record) = laid_under(&["--min-free", "0"]);
    stage.start();
    let mut told = Told::default();
    for round in 0..6 {
        push(&stage, &mut record, &mut told).expect("there is room");
        stage
            .layer()
            .set_room(Some(random.random_range(0..200_000)));
        let refused = loop {
            if let Err(problem) = push(&stage, &mut record, &mut told) {
                break problem;
            }
        };
        assert_eq!(refused.slug(), "unavailable", "{refused:?}");
        // Nor is there room to note who reads.
        let mut other = WireRecord::new(&record.device, record.record, "holder");
        if let Err(problem) = now(other.sync()) {
            assert_eq!(problem.slug(), "unavailable", "{problem:?}");
        }
        let alive = record.device.wire.request(reqwest::Method::GET, "/healthz");
        now(record.device.wire.send(alive)).expect("it is alive");
        if round % 2 == 1 {
            // Whether it starts on a full disk, or says why not, it starts once there is room.
            stage.kill();
            if let Err(refused) = stage.try_start() {
                assert!(refused.contains("room"), "{refused}");
            }
            stage.layer().set_room(None);
            stage.start();
        }
        stage.layer().set_room(None);
        sync(&stage, &mut record, &mut told).expect("there is room");
    }
    survives(stage.server(), &record, &told).expect("all of it is there");
    let logs = stage.logs();
    assert!(!logs.contains("panicked"), "{logs}");
}

/// A sync that failed has written nothing for sure, nor does a later one of the same file.
#[test]
fn a_disk_that_fails_to_sync_loses_nothing_acknowledged() {
    let mut random = random(seed(), 0);
    let (mut stage, mut record) = laid_under(&[]);
    let mut disk = Disk::holding(&stage.data(), Flushes::Kept).expect("the data directory");
    stage.start();
    let mut told = Told::default();
    let mut refused = 0;
    for _ in 0..30 {
        stage.layer().fail_syncs(random.random_range(0..3));
        if let Err(problem) = push(&stage, &mut record, &mut told) {
            assert_eq!(problem.slug(), "unavailable", "{problem:?}");
            refused += 1;
        }
    }
    assert!(refused > 0);
    stage.kill();
    let journal = Journal::read(stage.layer().journal()).expect("a journal");
    disk.play(&journal, journal.end());
    for number in 0..3 {
        let left = stage.place(&format!("left-{number}"));
        disk.leave(&mut random, &left).expect("made");
        opens(&left, &record, &told).expect("all of it is there");
    }
    // The same server, whose disk is well again.
    stage.layer().fail_syncs(0);
    stage.start();
    sync(&stage, &mut record, &mut told).expect("its disk is well");
    survives(stage.server(), &record, &told).expect("all of it is there");
}
