//! The first days of a record: from the desk to the patient's second phone.

use carnet_mobile::error::CarnetError;
use carnet_mobile::face::LogLine;
use sync_core::kind::AllergyPatch;

use super::stage::{Stage, allergy, labels, set, sync, view, views};

#[test]
fn an_allergy_noted_offline_reaches_the_second_phone() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let camille = stage.enrol("phone", &opened.code);
    assert_eq!(camille.person, opened.person);
    let mine = camille.copy(opened.record);
    sync(&mine);

    camille.phone.set_offline(true).expect("airplane mode");
    let entry = mine.add(allergy("Latex")).expect("no network is needed");
    assert_eq!(view(&mine, "Latex").unsent, 1);
    let refused = mine.record.sync_now(None, None);
    assert!(refused.is_err(), "offline by choice");
    assert_eq!(mine.record.state().expect("a state").waiting, 1);

    camille.phone.set_offline(false).expect("back");
    let told = sync(&mine);
    assert_eq!((told.accepted, told.round_trips), (1, 1));
    let shown = view(&mine, "Latex");
    assert!(shown.unsent == 0 && shown.recorded.is_some());

    let tablet = camille.invite(&stage, "tablet");
    assert_eq!(tablet.person, camille.person);
    let theirs = tablet.synced(opened.record);
    assert_eq!(labels(&theirs), set(["Latex"]));
    let patch = AllergyPatch {
        substance: Some("Latex naturel".into()),
        ..AllergyPatch::default()
    };
    theirs.edit(entry, patch).expect("edits");
    sync(&theirs);
    sync(&mine);
    assert_eq!(labels(&mine), set(["Latex naturel"]));
    assert_eq!(views(&mine), views(&theirs));
}

#[test]
fn the_record_tells_who_opened_it_and_who_wrote() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.copy(record);
    mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    let lines = mine.record.access_log().expect("the log is the holder's");
    let actions: Vec<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions.first(), Some(&"open"));
    assert!(actions.contains(&"write"), "{actions:?}");
    let opening = lines[0].reason.as_deref().unwrap_or_default();
    assert!(opening.contains("signed at the desk"), "{opening}");
    let by_me = |line: &&LogLine| line.action == "write" && line.person == camille.id();
    assert_eq!(lines.iter().filter(by_me).count(), 1);
}

#[test]
fn a_phone_that_was_closed_goes_on_where_it_was() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    {
        let camille = stage.enrol("phone", &opened.code);
        let mine = camille.synced(opened.record);
        camille.phone.set_offline(true).expect("airplane mode");
        mine.add(allergy("Latex")).expect("added");
    }
    // Another process, as far as the store can tell.
    let phone = carnet_tests::support::Phone::open(&stage.place("phone")).expect("opens");
    let listed = phone.carnet().profiles().expect("profiles");
    assert!(
        listed[0].locked,
        "nothing is readable before it is unlocked"
    );
    let profile = phone
        .carnet()
        .unlock(listed[0].id.clone())
        .expect("unlocks");
    let record = profile
        .record(opened.record.to_string())
        .expect("known offline");
    assert_eq!(record.state().expect("a state").waiting, 1);
    phone.set_offline(false).expect("back");
    assert_eq!(record.sync_now(None, None).expect("syncs").accepted, 1);
}

#[test]
fn a_signed_out_phone_asks_for_the_passkey_and_keeps_what_was_written() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    camille.profile.sign_out().expect("signs out");
    mine.add(allergy("Latex")).expect("still her phone");
    let refused = mine.record.sync_now(None, None);
    assert_eq!(refused, Err(CarnetError::SignInNeeded));
    assert_eq!(mine.record.state().expect("a state").waiting, 1);
}
