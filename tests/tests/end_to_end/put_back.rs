//! A server put back from an older copy of its store.

use std::path::Path;

use carnet_tests::support::Copy;
use sync_core::RecordId;

use super::stage::{Someone, Stage, allergy, labels, note, set, sync, sync_all};

/// A mother and her daughter, who edits for her.
struct Family {
    mother: Someone,
    daughter: Someone,
    record: RecordId,
}

impl Family {
    fn new(stage: &Stage) -> Self {
        let (mother, record) = stage.holder("Durand");
        let daughter = stage.caregiver("Diallo");
        let hers = mother.synced(record);
        hers.record
            .delegate(daughter.id(), "caregiver".to_owned(), None, None)
            .expect("delegates");
        hers.add(allergy("Latex")).expect("added");
        sync(&hers);
        daughter.synced(record);
        Family {
            mother,
            daughter,
            record,
        }
    }

    fn copies(&self) -> (Copy, Copy) {
        (
            self.mother.copy(self.record),
            self.daughter.copy(self.record),
        )
    }
}

/// Puts a data store in the place of the one that a stopped server has; its keys stay.
pub fn put_back(stage: &Stage, copy: &Path) {
    for journal in ["carnet.sqlite-wal", "carnet.sqlite-shm"] {
        let journal = stage.data().join(journal);
        assert!(!journal.exists() || std::fs::remove_file(journal).is_ok());
    }
    std::fs::copy(copy, stage.data().join("carnet.sqlite")).expect("put back");
}

/// What two of them wrote since the copy, one of whom does not come back, is on the other's phone.
fn lost_and_handed_back(stage: &mut Stage, family: &Family, copy: &Path) {
    let (hers, theirs) = family.copies();
    hers.record.verify_access_log().expect("the holder's log");
    theirs.add(allergy("Iode")).expect("added");
    sync(&theirs);
    sync(&hers);
    hers.add(allergy("Pollen")).expect("added");
    sync(&hers);
    let before = hers.record.verify_access_log().expect("the holder's log");
    assert!(before.intact && before.restored.is_none());
    hers.add(note("Hors ligne", "pas encore envoyé"))
        .expect("added");
    stage.stop();
    put_back(stage, copy);
    stage.start();

    let result = sync(&hers);
    assert_eq!((result.handed_back, result.accepted), (2, 1));
    assert_eq!((result.held, result.refused, result.gone), (0, 0, 0));
    let all = set(["Hors ligne", "Iode", "Latex", "Pollen"]);
    assert_eq!(labels(&hers), all);
    let state = hers.record.state().expect("the store is whole");
    assert_eq!(state.waiting, 0);
    let other = family.mother.invite(stage, "another phone");
    assert_eq!(labels(&other.synced(family.record)), all);

    let check = hers.record.verify_access_log().expect("the holder's log");
    assert!(check.intact, "{check:?}");
    assert!(check.restored.is_some() && check.lost > 0);
    let lines = hers.record.access_log().expect("the holder's log");
    let lost = lines.iter().filter(|line| line.lost).count();
    assert_eq!(lost as u64, check.lost);
    let mut losses = lines.iter().filter_map(|line| line.loss.as_ref());
    assert!(losses.any(|loss| loss.lines.is_some_and(|lines| lines > 0)));
    let verified = stage.server().carnet(&["verify"]).expect("verifies");
    assert_eq!(verified["wrong"], serde_json::json!([]));

    // The daughter's phone comes back in the end: it finds all there.
    let result = sync(&theirs);
    assert_eq!((result.handed_back, result.held, result.refused), (0, 0, 0));
    assert_eq!(labels(&theirs), set(["Iode", "Latex", "Pollen"]));
    theirs.add(allergy("Noix")).expect("added");
    sync_all(&[&theirs, &hers]);
    assert!(labels(&hers).contains("Noix"));
}

#[test]
fn phones_hand_back_what_a_backup_did_not_have() {
    let mut stage = Stage::new();
    let family = Family::new(&stage);
    let backup = stage.place("backup");
    let to = backup.to_str().expect("a plain name");
    stage
        .server()
        .carnet_text(&["backup", to])
        .expect("backs up");
    lost_and_handed_back(&mut stage, &family, &backup.join("carnet.sqlite"));
}

/// A copy of the file, as a snapshot of the disk is one, bears no mark; the phones' cursors tell.
#[test]
fn phones_hand_back_what_a_snapshot_did_not_have() {
    let mut stage = Stage::new();
    let family = Family::new(&stage);
    stage.stop();
    let snapshot = stage.place("snapshot.sqlite");
    std::fs::copy(stage.data().join("carnet.sqlite"), &snapshot).expect("copied");
    stage.start();
    lost_and_handed_back(&mut stage, &family, &snapshot);
}

/// Revoked since the backup, on a device that the backup knows: it stays revoked. The key store is
/// not put back with the data, and has the journal.
#[test]
fn what_was_revoked_since_the_backup_stays_revoked() {
    let mut stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    let lost = mother.invite(&stage, "lost phone");
    let theirs = lost.synced(record);
    let other = mother.invite(&stage, "tablet");
    let on_tablet = other.synced(record);
    let backup = stage.place("backup");
    let to = backup.to_str().expect("a plain name");
    stage
        .server()
        .carnet_text(&["backup", to])
        .expect("backs up");

    // The newest of each is the tablet's; the one before it, the lost phone's.
    let passkeys = mother.profile.passkeys().expect("hers are listed");
    let [_, passkey, _] = &passkeys[..] else {
        panic!("{} passkeys", passkeys.len());
    };
    mother
        .profile
        .revoke_passkey(passkey.id.clone())
        .expect("it is hers");
    let devices = mother.profile.devices().expect("hers are listed");
    mother
        .profile
        .revoke_device(devices[1].id.clone())
        .expect("it is hers");
    other.profile.sign_out().expect("signs out");
    let code = mother.profile.invite().expect("an invitation").code;
    let late = stage.enrol("late", &code);
    stage.stop();
    put_back(&stage, &backup.join("carnet.sqlite"));
    stage.start();

    theirs.sync().expect_err("its device is revoked");
    on_tablet.sync().expect_err("its session was ended");
    let url = stage.server().url();
    lost.phone
        .sign_in(url)
        .map(drop)
        .expect_err("its passkey is revoked");
    other.phone.sign_in(url).expect("its passkey is good");
    sync(&on_tablet);
    late.phone
        .sign_in(url)
        .map(drop)
        .expect_err("its passkey came after the backup");
    let phone = carnet_tests::support::Phone::open(&stage.place("thief")).expect("a phone");
    phone
        .enrol(url, &code)
        .map(drop)
        .expect_err("the code was used after the backup");
    let verified = stage.server().carnet(&["verify"]).expect("verifies");
    assert!(verified["revocations"].as_u64() >= Some(4), "{verified}");

    // The holder is told that the server did it again; and a second start does nothing more.
    let by_server = || {
        sync(&hers);
        assert!(hers.record.verify_access_log().expect("a log").intact);
        let lines = hers.record.access_log().expect("the holder's log");
        let again = lines.iter().filter(|line| line.action.ends_with("revoked"));
        again.filter(|line| line.role == "system").count()
    };
    assert_eq!(by_server(), 2);
    stage.stop();
    stage.start();
    assert_eq!(by_server(), 2);
    theirs.sync().expect_err("its device is revoked");
}

/// A right that the backup does not have is not one that ended.
#[test]
fn nobody_forgets_a_record_because_the_backup_is_older_than_their_right() {
    let mut stage = Stage::new();
    let (mother, record) = stage.holder("Durand");
    let daughter = stage.caregiver("Diallo");
    let hers = mother.synced(record);
    let backup = stage.place("backup");
    let to = backup.to_str().expect("a plain name");
    stage
        .server()
        .carnet_text(&["backup", to])
        .expect("backs up");
    hers.record
        .delegate(daughter.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    sync(&hers);
    let theirs = daughter.synced(record);
    theirs.add(allergy("Iode")).expect("added");
    sync(&theirs);
    stage.stop();
    put_back(&stage, &backup.join("carnet.sqlite"));
    stage.start();

    theirs.sync().expect_err("the server knows of no right");
    assert_eq!(labels(&theirs), set(["Iode"]));
    sync(&hers);
    let result = sync(&theirs);
    assert_eq!(result.handed_back, 1);
    sync(&hers);
    assert_eq!(labels(&hers), set(["Iode"]));
}

/// Copies a key store of a stopped server, with what its log has.
fn copy_keys(from: &Path, to: &Path) {
    for name in ["keys.sqlite", "keys.sqlite-wal", "keys.sqlite-shm"] {
        let (from, to) = (from.join(name), to.join(name));
        assert!(!to.exists() || std::fs::remove_file(&to).is_ok());
        // The shared memory belongs to who has it open.
        if from.exists() && !name.ends_with("-shm") {
            std::fs::copy(from, to).expect("copied");
        }
    }
}

/// An older key store than the data: the record's key is not there. Whoever signs in meanwhile keeps
/// what they have, and the right key store opens it all again.
#[test]
fn nobody_forgets_a_record_because_its_key_is_missing() {
    let mut stage = Stage::new();
    let keys = stage.data().join("keys");
    let (older, newer) = (stage.place("older"), stage.place("newer"));
    for place in [&older, &newer] {
        std::fs::create_dir(place).expect("made");
    }
    stage.stop();
    copy_keys(&keys, &older);
    stage.start();
    let (mother, record) = stage.holder("Durand");
    let hers = mother.synced(record);
    hers.add(allergy("Latex")).expect("added");
    sync(&hers);
    stage.stop();
    copy_keys(&keys, &newer);
    copy_keys(&older, &keys);
    stage.start();

    mother
        .phone
        .sign_in(stage.server().url())
        .expect("signs in");
    let listed = mother.profile.refresh_records().expect("lists");
    assert_eq!(listed.len(), 1);
    hers.add(allergy("Iode")).expect("added");
    assert_eq!(labels(&hers), set(["Iode", "Latex"]));
    stage.stop();
    copy_keys(&newer, &keys);
    stage.start();
    sync(&hers);
    let other = mother.invite(&stage, "another phone");
    assert_eq!(labels(&other.synced(record)), set(["Iode", "Latex"]));
}
