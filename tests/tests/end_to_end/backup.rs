//! Backups, keys, and data directories of another release.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use carnet_tests::support::{Copy, Server};
use carnet_tests::wire_client::WireRecord;
use diesel::connection::SimpleConnection as _;

use super::put_back::put_back;
use super::stage::{Stage, allergy, labels, now, program, set, sync};

/// A backup of a running server, with its key store, put together as a data directory.
fn backed_up(stage: &Stage) -> std::path::PathBuf {
    let to = stage.place("backup");
    let name = to.to_str().expect("a plain name");
    stage
        .server()
        .carnet_text(&["backup", name, "--keys"])
        .expect("backs up");
    to
}

fn put_master_key(stage: &Stage, to: &Path) {
    let key = stage.data().join("keys").join("master.key");
    std::fs::copy(key, to.join("keys").join("master.key")).expect("copied");
}

fn start(data: &Path, arguments: &[&str]) -> Result<Server, String> {
    Server::start_with(&program(), data, arguments).map_err(|error| error.to_string())
}

#[test]
fn a_backup_of_a_running_server_opens_and_verifies_with_its_keys() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    let backup = backed_up(&stage);
    mine.add(allergy("Iode")).expect("added");
    sync(&mine);

    let refused = start(&backup, &[]).map(drop).expect_err("no master key");
    assert!(refused.to_lowercase().contains("key"), "{refused}");
    put_master_key(&stage, &backup);
    let restored = start(&backup, &[]).expect("opens with its keys");
    let verified = restored.carnet(&["verify"]).expect("verifies");
    assert_eq!(verified["wrong"], serde_json::json!([]));
    assert_eq!(verified["records"], 1);
    restored.stop().expect("stops");
    assert_eq!(labels(&mine), set(["Iode", "Latex"]), "the first goes on");
    sync(&mine);
}

#[test]
fn a_backup_taken_while_edits_come_in_verifies_and_serves() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let (acknowledged, so_far) = std::sync::mpsc::channel();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let go_on = || stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty);
        for number in 0.. {
            mine.add(allergy(&format!("{number}"))).expect("added");
            sync(&mine);
            // Whoever counts may have counted enough.
            let _ = acknowledged.send(number);
            if !go_on() {
                return labels(&mine).len();
            }
        }
        0
    });
    let mut before = 0;
    while before < 5 {
        before = so_far.recv().expect("the writer writes");
    }
    let backup = backed_up(&stage);
    drop(stop);
    let written = writer.join().expect("the writer wrote");
    put_master_key(&stage, &backup);
    let restored = start(&backup, &[]).expect("opens with its keys");
    let verified = restored.carnet(&["verify"]).expect("verifies");
    let entries = verified["entries"].as_u64().expect("a number");
    assert!(
        (before + 1..=written as u64).contains(&entries),
        "{entries}"
    );
    let ready = restored.carnet(&["verify", "--record", &record.to_string()]);
    assert_eq!(ready.expect("verifies")["records"], 1);
    restored.stop().expect("stops");
}

/// Somebody's phone on which edits are made as fast as they are acknowledged.
fn writes(copy: &Copy, name: &str, tell: &Sender<String>, over: &AtomicBool) {
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let label = format!("{name} {number}");
        copy.add(allergy(&label)).expect("added");
        let result = sync(copy);
        assert_eq!((result.held, result.refused), (0, 0));
        tell.send(label).expect("the story goes on");
    }
}

/// The backup is taken while several people write, who write on; the server is killed and the backup put
/// back.
#[test]
fn a_backup_taken_under_load_has_what_was_acknowledged_before_and_devices_hand_back_the_rest() {
    let mut stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let daughter = stage.caregiver("Diallo");
    let hers = mother.synced(record);
    hers.record
        .delegate(daughter.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    sync(&hers);
    let tablet = mother.invite(&stage, "tablet");
    let copies = [
        ("téléphone", hers.clone()),
        ("tablette", tablet.synced(record)),
        ("fille", daughter.synced(record)),
    ];

    let over = AtomicBool::new(false);
    let (before, all, backup) = std::thread::scope(|scope| {
        let (tell, told) = channel();
        for (name, copy) in &copies {
            let (tell, over) = (tell.clone(), &over);
            scope.spawn(move || writes(copy, name, &tell, over));
        }
        drop(tell);
        let mut acknowledged = BTreeSet::new();
        acknowledged.extend(told.iter().take(20));
        let before = acknowledged.clone();
        let backup = backed_up(&stage);
        acknowledged.extend(told.iter().take(20));
        over.store(true, Ordering::Relaxed);
        acknowledged.extend(told);
        (before, acknowledged, backup)
    });
    let log = hers.record.verify_access_log().expect("the holder's log");
    assert!(log.intact && log.restored.is_none(), "{log:?}");
    stage.kill();
    put_back(&stage, &backup.join("carnet.sqlite"));
    stage.start();

    let code = mother.profile.invite().expect("an invitation").code;
    let mut apart = WireRecord::new(&stage.wire_device(&code), record.0, "holder");
    now(apart.sync()).expect("an answer");
    let missing: Vec<_> = before.difference(&apart.labels()).cloned().collect();
    assert_eq!(missing, [""; 0], "acknowledged before the backup began");

    // The holder's devices first: a right that is not in the backup is in theirs.
    let handed_back = |(_, copy): &(&str, Copy)| {
        let result = sync(copy);
        assert_eq!((result.held, result.refused, result.gone), (0, 0, 0));
        result.handed_back
    };
    let handed_back: u32 = copies.iter().map(handed_back).sum();
    assert!(handed_back > 0);
    for (name, copy) in &copies {
        sync(copy);
        assert_eq!(labels(copy), all, "{name}");
    }
    now(apart.sync()).expect("an answer");
    let missing: Vec<_> = all.difference(&apart.labels()).cloned().collect();
    assert_eq!(missing, [""; 0]);

    let check = hers.record.verify_access_log().expect("the holder's log");
    assert!(check.intact, "{check:?}");
    assert!(check.restored.is_some() && check.lost > 0, "{check:?}");
    let verified = stage.server().carnet(&["verify"]).expect("verifies");
    assert_eq!(verified["wrong"], serde_json::json!([]));
}

#[test]
fn a_store_does_not_open_with_another_key() {
    let mut stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    sync(&camille.synced(record));
    stage.stop();
    let other = Stage::new();
    let key = Path::new("keys").join("master.key");
    let own = std::fs::read(stage.data().join(&key)).expect("its key");
    std::fs::copy(other.data().join(&key), stage.data().join(&key)).expect("exchanged");
    let refused = stage.try_start().map(drop).expect_err("another's key");
    assert!(refused.contains("key"), "{refused}");
    // Another server's whole key store is not its own either.
    std::fs::write(stage.data().join(&key), own).expect("put back");
    stage.start();
    stage.stop();
    let keys = stage.data().join("keys");
    std::fs::rename(&keys, stage.place("own-keys")).expect("aside");
    let foreign = backed_up(&other);
    put_master_key(&other, &foreign);
    std::fs::rename(foreign.join("keys"), &keys).expect("exchanged");
    let refused = stage.try_start().map(drop).expect_err("another's keys");
    assert!(refused.contains("keys"), "{refused}");
}

#[test]
fn rotated_keys_open_everything_and_old_ones_nothing() {
    let mut stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    let path = stage.data().join("keys").join("master.key");
    let old = std::fs::read(&path).expect("the master key");
    stage.stop();
    stage.start();
    stage
        .server()
        .carnet_text(&["admin", "keys", "rotate"])
        .expect("rotates beside the running server");
    mine.add(allergy("Iode")).expect("added");
    sync(&mine);
    stage.stop();
    stage.start();
    sync(&mine);
    stage.server().carnet(&["verify"]).expect("verifies");
    stage.stop();
    let new = std::fs::read(&path).expect("the master key");
    assert_ne!(old, new);
    std::fs::write(&path, &old).expect("put back");
    let refused = stage.try_start().map(drop).expect_err("an old key");
    assert!(refused.contains("key"), "{refused}");
}

#[test]
fn a_newer_data_directory_is_refused_and_left_alone() {
    let mut stage = Stage::new();
    stage.stop();
    let path = stage.data().join("carnet.sqlite");
    server::storage::sqlite::open_connection(&path)
        .expect("opens")
        .batch_execute(
            "INSERT INTO __diesel_schema_migrations (version, run_on)
             VALUES ('29990101000001', '2999-01-01 00:00:00');
             CREATE TABLE of_the_future (x INTEGER) STRICT;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .expect("a later release was here");
    let before = std::fs::read(&path).expect("the store");
    let refused = stage.try_start().map(drop).expect_err("newer");
    assert!(
        refused.contains("newer") || refused.contains("later"),
        "{refused}"
    );
    assert_eq!(std::fs::read(&path).expect("the store"), before);
}

#[test]
fn one_directory_is_served_once() {
    let stage = Stage::new();
    let refused = stage.try_start().map(drop).expect_err("it is served");
    assert!(refused.contains("already serves"), "{refused}");
}
