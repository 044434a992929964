//! The access log: the holder can tell whether something was removed from it.

use diesel::connection::SimpleConnection as _;
use sync_core::Tick;
use sync_core::kind::{AllergyPatch, Edit};
use sync_core::policy::Profession;

use super::stage::{Stage, allergy, labels, set, sync};

/// Does to the stopped server's store what its triggers would not let it do.
fn tamper(stage: &Stage, what: &str) {
    let path = stage.data().join("carnet.sqlite");
    let mut connection = server::storage::sqlite::open_connection(&path).expect("opens");
    let triggers = [
        "audit_delete",
        "audit_update",
        "log_delete",
        "log_update",
        "records_clock",
    ];
    for trigger in triggers {
        let drop = format!("DROP TRIGGER {trigger}");
        connection.batch_execute(&drop).expect("it was there");
    }
    connection.batch_execute(what).expect("done");
}

/// A record that a doctor has read, whose holder has synced since.
fn read_by_a_doctor() -> (Stage, carnet_tests::support::Copy) {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    mine.add(allergy("Latex")).expect("added");
    let doctor = stage.on_phone("Morel", Profession::Physician);
    mine.record.grant(doctor.id(), true, None).expect("grants");
    sync(&mine);
    assert_eq!(labels(&doctor.synced(record)), set(["Latex"]));
    mine.add(allergy("Iode")).expect("added");
    sync(&mine);
    (stage, mine)
}

#[test]
fn the_log_says_who_read_what_and_can_be_checked_offline() {
    let (mut stage, mine) = read_by_a_doctor();
    let lines = mine.record.access_log().expect("the holder's log");
    let read = lines
        .iter()
        .find(|line| line.action == "read" && line.role == "physician")
        .expect("the doctor's reading is there");
    assert!(!read.entries.is_empty());
    let check = mine.record.verify_access_log().expect("can be checked");
    assert!(check.intact, "{check:?}");
    assert!(check.lines >= lines.len() as u64);
    stage
        .server()
        .carnet(&["verify"])
        .expect("the store verifies");
    stage.stop();
    let offline = mine.record.verify_access_log().expect("without the server");
    assert!(offline.intact, "{offline:?}");
    stage.start();
    assert!(stage.server().carnet(&["verify"]).is_ok());
}

/// A result marked not yet visible to the patient, written and read by a doctor.
#[test]
fn a_line_about_what_the_holder_may_not_know_of_comes_later() {
    let (stage, mine) = read_by_a_doctor();
    let midwife = stage.on_phone("Petit", Profession::Midwife);
    mine.record.grant(midwife.id(), true, None).expect("grants");
    sync(&mine);
    let lines = |copy: &carnet_tests::support::Copy| {
        let check = copy.record.verify_access_log().expect("can be checked");
        assert!(check.intact, "{check:?}");
        copy.record.access_log().expect("the holder's log")
    };
    let theirs = midwife.synced(mine.record.id());
    let before = lines(&mine).len();
    let mut result = allergy("Nickel");
    let now = jiff::Timestamp::now().as_microsecond().cast_unsigned();
    let far = Tick(now).plus_days(30);
    result.common.visibility.hidden_from_patient_until = Some(far);
    let entry = theirs.add(result).expect("added");
    sync(&theirs);
    sync(&mine);
    // Reading the log is the one thing that was done since.
    let early = lines(&mine);
    assert!(early[before..].iter().all(|line| line.action == "read-log"));
    assert!(!labels(&mine).contains("Nickel"));

    let mut shown = AllergyPatch::default();
    shown.common.hidden_from_patient_until = Edit::Set(Tick(1));
    theirs.edit(entry, shown).expect("edits");
    sync(&theirs);
    sync(&mine);
    assert!(labels(&mine).contains("Nickel"));
    let later = lines(&mine);
    let about: Vec<_> = later
        .iter()
        .filter(|line| line.entries.contains(&entry.to_string()))
        .map(|line| (line.action.as_str(), line.role.as_str()))
        .collect();
    let wrote = ("write", "midwife");
    assert_eq!(about[..2], [wrote, wrote]);
    assert!(about.contains(&("read", "holder")));
    stage
        .server()
        .carnet(&["verify"])
        .expect("the store verifies");
}

#[test]
fn a_removed_line_is_noticed_by_phone_and_operator() {
    let (mut stage, mine) = read_by_a_doctor();
    stage.stop();
    tamper(
        &stage,
        "DELETE FROM audit WHERE seq = 2;
         UPDATE audit SET seq = seq - 1 WHERE seq > 2;
         UPDATE records SET audit_len = audit_len - 1;",
    );
    stage.start();
    let check = mine.record.verify_access_log();
    assert!(!check.is_ok_and(|check| check.intact), "the phone notices");
    stage
        .server()
        .carnet(&["verify"])
        .expect_err("so does the operator");
}

#[test]
fn a_cut_log_is_noticed_by_the_phone_that_saw_more() {
    let (mut stage, mine) = read_by_a_doctor();
    stage.stop();
    tamper(
        &stage,
        "DELETE FROM audit WHERE seq > 2;
         UPDATE records SET audit_head = (SELECT hash FROM audit WHERE seq = 2);
         UPDATE records SET audit_len = 2;",
    );
    stage.start();
    let check = mine.record.verify_access_log();
    assert!(!check.is_ok_and(|check| check.intact), "the phone notices");
}

#[test]
fn a_removed_change_is_noticed_by_the_operator() {
    let (mut stage, _mine) = read_by_a_doctor();
    stage.stop();
    tamper(
        &stage,
        "DELETE FROM log WHERE tick = (SELECT max(tick) FROM log)",
    );
    stage.start();
    stage
        .server()
        .carnet(&["verify"])
        .expect_err("it does not verify");
}
