use std::path::Path;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use sync_core::{RecordId, Tick};
use uuid::Uuid;

use super::*;
use crate::clock::ManualClock;

const RECORD: RecordId = RecordId(Uuid::from_u128(7));
const PLACE: Place<'_> = Place {
    table: "t",
    column: "c",
    row: &[],
};

fn open(dir: &Path) -> Result<Keys, KeyError> {
    let clock = Arc::new(ManualClock::at(Tick(1)));
    Keys::open(dir, &dir.join("master.key"), clock)
}

fn fresh() -> (tempfile::TempDir, Keys) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let keys = open(dir.path()).expect("opens");
    (dir, keys)
}

#[test]
fn keys_survive_a_restart() {
    let (dir, keys) = fresh();
    assert!(keys.master_file().1);
    let record = keys.create_record_key(RECORD).expect("made");
    let entry = keys
        .allocate_entry_keys(RECORD, 300)
        .expect("made")
        .remove(299);
    let sealed = [record.sealing(), &entry.key, keys.system_key()]
        .map(|key| key.seal(&PLACE, b"words").expect("seals"));
    let (store, server, blind) = (
        keys.store_id(),
        keys.server_signing_key().key_id,
        keys.blind_index("ins", b"1"),
    );
    drop(keys);

    let keys = open(dir.path()).expect("opens again");
    assert!(!keys.master_file().1);
    assert_eq!(keys.store_id(), store);
    assert_eq!(keys.server_signing_key().key_id, server);
    assert_eq!(keys.blind_index("ins", b"1"), blind);
    assert_ne!(keys.blind_index("rpps", b"1"), blind);
    let record = keys.record_key(RECORD).expect("there");
    let entry = keys.entry_keys(RECORD, &[entry.id]).expect("there");
    let entry = entry[0].as_ref().expect("there");
    for (key, sealed) in [record.sealing(), &entry.key, keys.system_key()]
        .into_iter()
        .zip(&sealed)
    {
        assert_eq!(key.open(&PLACE, sealed).expect("opens"), b"words");
    }
}

#[test]
fn the_wrong_master_key_is_refused() {
    let (dir, keys) = fresh();
    drop(keys);
    let path = dir.path().join("master.key");
    let text = std::fs::read(&path).expect("reads");

    std::fs::remove_file(&path).expect("removes");
    assert!(matches!(
        open(dir.path()),
        Err(KeyError::MasterMissing { .. })
    ));
    assert!(!path.exists(), "no new key for an old store");

    master::write(&path, &SealingKey::random().expect("random")).expect("writes");
    assert!(matches!(
        open(dir.path()),
        Err(KeyError::MasterWrong { generation: 1, .. })
    ));

    std::fs::write(&path, "something else").expect("writes");
    assert!(matches!(
        open(dir.path()),
        Err(KeyError::MasterMalformed { .. })
    ));

    std::fs::write(&path, text).expect("writes");
    open(dir.path()).expect("opens with its key");
}

#[test]
fn only_the_owner_reads_the_master_key() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, keys) = fresh();
    drop(keys);
    let path = dir.path().join("master.key");
    let metadata = std::fs::metadata(&path).expect("there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    for lax in [0o640, 0o604, 0o620] {
        let permissions = std::fs::Permissions::from_mode(lax);
        std::fs::set_permissions(&path, permissions).expect("its own");
        let refused = open(dir.path()).map(drop).expect_err("lax").to_string();
        assert!(refused.contains(&format!("{lax:o}")), "{refused}");
    }
    let closed = std::fs::Permissions::from_mode(0o400);
    std::fs::set_permissions(&path, closed).expect("its own");
    open(dir.path()).expect("opens");
}

#[test]
fn what_is_destroyed_stays_destroyed() {
    let (dir, keys) = fresh();
    keys.create_record_key(RECORD).expect("made");
    let made = keys.allocate_entry_keys(RECORD, 2).expect("made");
    let entry = sync_core::EntryId(uuid::Uuid::from_u128(3));
    for _ in 0..2 {
        keys.destroy_entries(&[(RECORD, entry, made[0].id)])
            .expect("destroyed");
    }
    let journal = keys.destroyed_after(0, 10).expect("reads");
    assert_eq!(journal.len(), 1);
    assert_eq!((journal[0].record, journal[0].entry), (RECORD, entry));
    assert!(keys.is_destroyed(made[0].id).expect("answers"));
    assert!(!keys.is_destroyed(made[1].id).expect("answers"));
    let ids = [made[0].id, made[1].id];
    let found = keys.entry_keys(RECORD, &ids).expect("answers");
    assert!(found[0].is_none() && found[1].is_some());

    keys.destroy_record(RECORD).expect("destroyed");
    assert!(matches!(keys.record_key(RECORD), Err(KeyError::Absent)));
    assert!(matches!(
        keys.entry_keys(RECORD, &ids),
        Err(KeyError::Absent)
    ));
    drop(keys);
    let keys = open(dir.path()).expect("opens");
    assert!(matches!(keys.record_key(RECORD), Err(KeyError::Absent)));
    assert!(keys.create_record_key(RECORD).is_err());
}

/// A backup or a check reads the key store for long: whoever destroys does not wait for it, and the
/// deleted key leaves the log once it is over.
#[test]
fn a_deleted_key_leaves_the_log_once_nobody_reads_and_nobody_waits_for_that() {
    let (dir, keys) = fresh();
    keys.create_record_key(RECORD).expect("made");
    let made = keys.allocate_entry_keys(RECORD, 1).expect("made").remove(0);
    let entry = sync_core::EntryId(uuid::Uuid::from_u128(3));
    let log = || std::fs::metadata(dir.path().join("keys.sqlite-wal")).map_or(0, |log| log.len());
    // Whoever waited for a reader would wait for ever.
    let patient = "PRAGMA busy_timeout = 2000000000";
    keys.0.connection().batch_execute(patient).expect("set");
    let mut reader = crate::storage::sqlite::open_connection(&dir.path().join("keys.sqlite"));
    let reader = reader.as_mut().expect("opens");
    reader
        .batch_execute("BEGIN; SELECT * FROM record_keys")
        .expect("reads");
    keys.destroy_entries(&[(RECORD, entry, made.id)])
        .expect("destroyed");
    keys.scrub_left().expect("tried");
    assert!(log() > 0, "the reader still needs it");
    reader.batch_execute("ROLLBACK").expect("read");
    keys.scrub_left().expect("done");
    assert_eq!(log(), 0);
}

#[test]
fn rotation_changes_the_master_and_nothing_else() {
    let (dir, keys) = fresh();
    let running = open(dir.path()).expect("another process");
    let record = keys.create_record_key(RECORD).expect("made");
    let sealed = record.sealing().seal(&PLACE, b"words").expect("seals");
    let entry = keys.allocate_entry_keys(RECORD, 1).expect("made").remove(0);
    let retired = std::fs::read(dir.path().join("master.key")).expect("reads");

    let rotated = keys.rotate().expect("rotates");
    assert_eq!((rotated.generation, rotated.records), (2, 1));
    assert_eq!(std::fs::read(&rotated.retired).expect("kept"), retired);

    // The process that was running takes the new key up; one that starts needs it.
    let other = RecordId(Uuid::from_u128(8));
    running.create_record_key(other).expect("made");
    assert!(running.entry_keys(RECORD, &[entry.id]).expect("read")[0].is_some());
    let again = open(dir.path()).expect("opens");
    again.record_key(other).expect("there");
    let record = again.record_key(RECORD).expect("there");
    assert_eq!(
        record.sealing().open(&PLACE, &sealed).expect("opens"),
        b"words"
    );
    let later = again
        .allocate_entry_keys(RECORD, 1)
        .expect("made")
        .remove(0);
    assert!(running.entry_keys(RECORD, &[later.id]).expect("read")[0].is_some());

    std::fs::copy(&rotated.retired, dir.path().join("master.key")).expect("copies");
    assert!(matches!(
        open(dir.path()),
        Err(KeyError::MasterWrong { generation: 2, .. })
    ));
}

#[test]
fn a_rotation_cut_short_is_finished_or_forgotten() {
    let (dir, keys) = fresh();
    let path = dir.path().join("master.key");
    keys.create_record_key(RECORD).expect("made");
    // Cut before the store took the key: the file of the next key opens nothing.
    master::write(
        &master::next_path(&path),
        &SealingKey::random().expect("random"),
    )
    .expect("writes");
    drop(keys);
    let keys = open(dir.path()).expect("opens with the key in force");
    let rotated = keys.rotate().expect("rotates over what was left");
    drop(keys);
    // Cut after: the store has taken it, the files were not renamed yet.
    std::fs::rename(&path, master::next_path(&path)).expect("renames");
    std::fs::rename(&rotated.retired, &path).expect("renames");
    let keys = open(dir.path()).expect("finishes the rotation");
    keys.record_key(RECORD).expect("there");
    assert!(!master::next_path(&path).exists());
}

#[test]
fn the_journal_keeps_what_does_not_end_by_itself() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let clock = Arc::new(ManualClock::at(Tick(1_000)));
    let master = dir.path().join("master.key");
    let keys = Keys::open(dir.path(), &master, clock.clone()).expect("opens");
    let device = Revoked::Device(sync_core::DeviceId([7; 16]));
    let session = Revoked::Session(Uuid::from_u128(7));
    for _ in 0..2 {
        keys.journal_revocation(&device, None).expect("noted");
        let expires = Some(Tick(2_000));
        keys.journal_revocation(&session, expires).expect("noted");
        clock.advance_micros(500);
    }
    let lines = keys.revocations_after(0, 10).expect("read");
    let (times, subjects): (Vec<_>, Vec<_>) =
        lines.into_iter().map(|l| (l.time, l.revoked)).unzip();
    assert_eq!(subjects, [device.clone(), session.clone()]);
    assert_eq!(times, [Tick(1_000); 2], "once each");
    assert!(keys.is_revoked(&session).expect("read"));

    clock.advance_micros(1);
    let passkey = Revoked::Passkey(vec![1; 20]);
    keys.journal_revocation(&passkey, None).expect("noted");
    drop(keys);
    let keys = open(dir.path()).expect("opens again");
    assert!(!keys.is_revoked(&session).expect("read"), "it is over");
    let lines = keys.revocations_after(0, 10).expect("read").into_iter();
    let subjects: Vec<_> = lines.map(|line| line.revoked).collect();
    assert_eq!(subjects, [device, passkey]);
}

/// So the last one taken is of the block that an older copy of the key store lacks.
#[test]
fn keys_are_taken_in_the_order_in_which_they_were_made() {
    let (_dir, keys) = fresh();
    keys.create_record_key(RECORD).expect("made");
    let take = |count: usize| keys.allocate_entry_keys(RECORD, count).expect("made");
    let block = |key: &EntryKey| key.id.0[..12].to_vec();
    let first = block(&take(1)[0]);
    // Another block is made while some of the first are left.
    keys.prepare_entry_keys(256).expect("made");
    let taken: Vec<bool> = take(256).iter().map(|key| block(key) == first).collect();
    assert_eq!(taken, [vec![true; 255], vec![false]].concat());
}

/// While a secret is read, its entry is destroyed.
#[test]
fn a_secret_that_was_destroyed_while_it_was_read_is_not_kept() {
    let pool = entries::Pool::default();
    let ids = [EntryKeyId([1; 16]), EntryKeyId([2; 16])];
    assert!(!pool.is_kept_after(&ids, || pool.forget(&ids[0])));
    assert!(pool.is_kept_after(&ids, || ()));
}

/// While somebody reads the key store, what the old master key wrapped stays in its log; that is
/// said, and tried again, also by another process.
#[test]
fn a_rotation_says_what_it_had_to_leave_in_the_log() {
    let (dir, rotating) = fresh();
    let serving = open(dir.path()).expect("opens");
    serving.scrub_left().expect("folded");
    let wal = rotating.path().with_extension("sqlite-wal");
    let left = || std::fs::metadata(&wal).map_or(0, |log| log.len());
    let mut reader = open_connection(rotating.path()).expect("opens");
    for reads in [true, false] {
        if reads {
            let read = "BEGIN; SELECT count(*) FROM record_keys";
            reader.batch_execute(read).expect("reads");
        }
        let patience = "PRAGMA busy_timeout = 0";
        rotating
            .0
            .connection()
            .batch_execute(patience)
            .expect("set");
        let rotated = rotating.rotate().expect("rotates");
        assert_eq!((rotated.folded, left() > 0), (!reads, reads));
        if reads {
            reader.batch_execute("COMMIT").expect("read");
            let mut connection = serving.0.connection();
            serving
                .0
                .current_master(&mut connection)
                .expect("takes it up");
            drop(connection);
            serving.scrub_left().expect("folded");
            assert_eq!(left(), 0);
        }
    }
}
