//! The power is cut. What was not synced is lost, any of it; what anybody was told is there.

use std::os::unix::fs::PermissionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use carnet_tests::faults::{Disk, Flushes, Journal};
use carnet_tests::wire_client::WireRecord;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::load::{Crowd, Told, opens, random, seed, survives};
use super::stage::{Stage, allergy, files, now};

const DEVICES: usize = 4;
const ROUNDS: usize = 4;

/// How many moments before the server was gone the power is cut at too.
const CUTS: usize = 8;

/// How often a canary may survive by luck.
const LUCK: usize = 20;

/// Devices at a server whose power will be cut, and what its disk holds before.
fn loaded(flushes: Flushes) -> (Stage, Crowd, Disk) {
    let mut stage = Stage::new();
    let crowd = Crowd::new(&stage, DEVICES);
    stage.stop();
    let disk = laid_under(&mut stage, flushes);
    stage.start();
    (stage, crowd, disk)
}

/// Lays a layer beneath a server that does not run, and gives what its disk holds.
fn laid_under(stage: &mut Stage, flushes: Flushes) -> Disk {
    stage.lay_under();
    Disk::holding(&stage.data(), flushes).expect("the data directory")
}

/// The journal, which tells of both stores.
pub fn journal(stage: &Stage) -> Journal {
    Journal::read(stage.layer().journal()).expect("a journal")
}

/// Moments at which the power is cut: any, or just when a sync begins or is done; the last of them at
/// the journal's end.
pub fn moments(journal: &Journal, count: usize, random: &mut ChaCha8Rng) -> Vec<u64> {
    let syncs = journal.syncs();
    let moment = |number| match number % 2 {
        0 => random.random_range(0..journal.end()),
        _ => syncs[random.random_range(0..syncs.len())],
    };
    let mut moments: Vec<u64> = (0..count).map(moment).collect();
    moments.sort_unstable();
    moments.push(journal.end());
    moments
}

#[test]
fn no_acknowledged_edit_is_lost() {
    let seed = seed();
    let (mut stage, mut crowd, mut disk) = loaded(Flushes::Kept);
    let mut random = random(seed, 0);
    for round in 0..ROUNDS {
        let (layer, enough) = (stage.layer(), random.random_range(20..80));
        // Whoever stops folds the write-ahead log in, and may be cut short at that.
        crowd.load((Some(&layer), seed), enough, || match round % 2 {
            0 => stage.kill(),
            _ => stage.stop(),
        });
        let journal = journal(&stage);
        let stopped = round % 2 == 1;
        let mut left = stage.place("none");
        for (number, moment) in moments(&journal, CUTS, &mut random).into_iter().enumerate() {
            disk.play(&journal, moment);
            left = stage.place(&format!("left-{round}-{number}"));
            disk.leave(&mut random, &left).expect("made");
            // The last is for the devices that go on.
            if moment < journal.end() {
                let opened = opens(&left, &crowd.devices[0], &crowd.told.until(moment));
                opened.unwrap_or_else(|wrong| panic!("byte {moment}: {wrong}"));
            }
        }
        if stopped {
            let differs = disk.differs_from(&stage.data()).expect("its directory");
            assert_eq!(differs, None, "the journal tells all");
        }
        std::fs::rename(stage.data(), stage.place(&format!("cut-{round}"))).expect("aside");
        std::fs::rename(left, stage.data()).expect("put in its place");
        disk = laid_under(&mut stage, Flushes::Kept);
        crowd.told = std::mem::take(&mut crowd.told).of_before();
        stage.start();
        crowd.check(&stage);
    }
}

/// A canary: what would find a lost edit finds one where a disk says too early that it has something.
#[test]
fn a_disk_that_lies_loses_acknowledged_edits() {
    let seed = seed();
    let (mut stage, mut crowd, mut disk) = loaded(Flushes::Lied);
    let mut random = random(seed, 0);
    let layer = stage.layer();
    crowd.load((Some(&layer), seed), 40, || stage.kill());
    let journal = journal(&stage);
    disk.play(&journal, journal.end());
    let found = (0..LUCK).any(|number| {
        let left = stage.place(&format!("left-{number}"));
        disk.leave(&mut random, &left).expect("made");
        let opened = || opens(&left, &crowd.devices[0], &crowd.told);
        match catch_unwind(AssertUnwindSafe(opened)) {
            Ok(Err(what)) => what.ends_with("was acknowledged and is gone"),
            // It does not start, or its store is not whole: that is found by itself.
            Ok(Ok(())) | Err(_) => false,
        }
    });
    assert!(found, "no acknowledged edit was found to be lost");
}

/// Of a first start that was cut short anywhere the next one makes a server.
#[test]
fn a_first_start_that_was_cut_short_is_done_again() {
    let seed = seed();
    let mut random = random(seed, 0);
    let mut stage = Stage::unstarted(&[]);
    let mut disk = laid_under(&mut stage, Flushes::Kept);
    stage.start();
    stage.kill();
    let journal = journal(&stage);
    for (number, moment) in moments(&journal, 16, &mut random).into_iter().enumerate() {
        disk.play(&journal, moment);
        let left = stage.place(&format!("left-{number}"));
        disk.leave(&mut random, &left).expect("made");
        let again = Stage::over(&left);
        again.desk("Durand");
        let verified = again.server().carnet(&["verify"]).expect("verifies");
        assert_eq!(verified["wrong"], serde_json::json!([]), "byte {moment}");
    }
}

/// A server with a record, that does not run.
fn stopped() -> (Stage, WireRecord, Told) {
    let mut stage = Stage::new();
    let opened = stage.desk("Durand");
    let device = stage.wire_device(&opened.code);
    let mut record = WireRecord::new(&device, opened.record.0, "holder");
    for label in ["Latex", "Iode", "Pollen"] {
        record.create(&allergy(label).writes().expect("stands"));
    }
    now(record.sync()).expect("an answer");
    let mut told = Told::default();
    told.add_all(&record, 0);
    stage.stop();
    (stage, record, told)
}

/// However far a rotation came, the keys that are there open the stores, and the next one succeeds.
#[test]
fn a_rotation_of_keys_that_was_cut_short_leaves_nothing_closed() {
    let mut random = random(seed(), 0);
    let (mut stage, record, told) = stopped();
    let mut disk = laid_under(&mut stage, Flushes::Kept);
    stage.command(&["admin", "keys", "rotate"]);
    let journal = journal(&stage);
    for (number, moment) in moments(&journal, 16, &mut random).into_iter().enumerate() {
        disk.play(&journal, moment);
        let left = stage.place(&format!("left-{number}"));
        disk.leave(&mut random, &left).expect("made");
        let again = Stage::over(&left);
        let survived = survives(again.server(), &record, &told);
        survived.unwrap_or_else(|wrong| panic!("byte {moment}: {wrong}"));
        let rotated = again.server().carnet_text(&["admin", "keys", "rotate"]);
        rotated.unwrap_or_else(|wrong| panic!("byte {moment}: {wrong}"));
        let survived = survives(again.server(), &record, &told);
        survived.unwrap_or_else(|wrong| panic!("byte {moment}: {wrong}"));
    }
}

/// A copy has the name of a store only once it is whole.
#[test]
fn a_backup_that_was_cut_short_is_whole_or_none() {
    let mut random = random(seed(), 0);
    let (mut stage, record, told) = stopped();
    let to = stage.place("backups");
    stage.lay_under_files_of(&to);
    let mut disk = Disk::holding(&to, Flushes::Kept).expect("a directory");
    let copy = to.join("copy");
    stage.command(&["backup", copy.to_str().expect("a plain name")]);
    let journal = journal(&stage);
    let (mut whole, mut none) = (0, 0);
    for (number, moment) in moments(&journal, 24, &mut random).into_iter().enumerate() {
        disk.play(&journal, moment);
        let left = stage.place(&format!("left-{number}"));
        disk.leave(&mut random, &left).expect("made");
        let copied = left.join("copy").join("carnet.sqlite");
        if !copied.exists() {
            none += 1;
            continue;
        }
        whole += 1;
        let data = stage.place(&format!("data-{number}"));
        std::fs::create_dir_all(data.join("keys")).expect("made");
        std::fs::copy(copied, data.join("carnet.sqlite")).expect("copied");
        for (path, bytes) in files(&stage.data().join("keys")) {
            let name = path.file_name().expect("a file");
            std::fs::write(data.join("keys").join(name), bytes).expect("copied");
        }
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(data.join("keys").join("master.key"), own).expect("its own");
        let opened = opens(&data, &record, &told);
        opened.unwrap_or_else(|wrong| panic!("byte {moment}: {wrong}"));
    }
    assert!(whole > 0 && none > 0, "{whole} whole, {none} none");
}
