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
fn put_back(stage: &Stage, copy: &Path) {
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
