//! A disk without room, and one that fails: edits are refused by name and wait on their device, and
//! what was acknowledged is there.

use carnet_tests::faults::{Disk, Flushes, Journal};
use carnet_tests::wire_client::{Problem, Verdict, WireRecord};
use rand::RngExt as _;

use super::load::{Told, opens, random, seed, survives};
use super::stage::{Stage, note, now};

/// A device at a server whose disk will fail.
fn laid_under() -> (Stage, WireRecord) {
    let mut stage = Stage::new();
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

#[test]
fn a_full_disk_refuses_by_name_and_loses_nothing() {
    let mut random = random(seed(), 0);
    let (mut stage, mut record) = laid_under();
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
            // Whether it starts on a full disk or says that it cannot, it starts once there is room.
            stage.kill();
            drop(stage.try_start());
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
    let (mut stage, mut record) = laid_under();
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
