//! What was written offline arrives, however much it is and whatever happened to the device.

use sync_core::EntryId;
use sync_core::kind::AllergyPatch;

use super::stage::{Stage, allergy, labels, note, set, sync};
use carnet_tests::support::Copy;

/// When a device wrote each change of an entry, by its own clock.
fn times(copy: &Copy, entry: EntryId) -> Vec<i64> {
    let local = copy.entry(&entry).expect("a store").expect("an entry");
    let provenance = local.provenance().into_values();
    let mut times: Vec<i64> = provenance.map(|p| p.origin.at.0).collect();
    times.sort_unstable();
    times
}

#[test]
fn more_than_fits_one_request_goes_out_in_several() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let theirs = camille.invite(&stage, "tablet").synced(record);
    camille.phone.set_offline(true).expect("it is hers");
    let long = "漢".repeat(11_900);
    for number in 0..60 {
        mine.add(note(&format!("Note {number}"), &long))
            .expect("a note");
    }
    let entry = mine.add(allergy("Pénicilline")).expect("an allergy");
    let patch = AllergyPatch {
        substance: Some("Pénicilline G".into()),
        ..AllergyPatch::default()
    };
    mine.edit(entry, patch).expect("it is hers");
    camille.phone.set_offline(false).expect("it is hers");
    let told = sync(&mine);
    assert_eq!((told.accepted, told.held, told.refused), (62, 0, 0));
    assert!(told.round_trips > 2, "{told:?}");
    sync(&theirs);
    assert_eq!(labels(&theirs), labels(&mine));
    assert!(labels(&theirs).contains("Pénicilline G"));
}

#[test]
fn what_a_revoked_device_had_not_sent_arrives_once_its_person_signs_in_again() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let tablet = camille.invite(&stage, "tablet");
    let theirs = tablet.synced(record);
    let latex = mine.add(allergy("Latex")).expect("an allergy");
    sync(&mine);
    sync(&theirs);

    tablet.phone.set_offline(true).expect("it is hers");
    let entry = theirs.add(allergy("Pénicilline")).expect("an allergy");
    let call = |name: &str| AllergyPatch {
        substance: Some(name.into()),
        ..AllergyPatch::default()
    };
    theirs.edit(entry, call("Pénicilline G")).expect("hers");
    theirs.edit(latex, call("Latex naturel")).expect("hers");
    let (written, beside) = (times(&theirs, entry), times(&theirs, latex));
    mine.edit(latex, call("Latex des gants")).expect("hers");
    sync(&mine);
    let devices = camille.profile.devices().expect("hers are listed");
    let away = devices.into_iter().find(|device| !device.current);
    let away = away.expect("the tablet").id;
    camille.profile.revoke_device(away).expect("it is hers");

    tablet.phone.set_offline(false).expect("it is hers");
    assert!(theirs.sync().is_err(), "it is out");
    let url = stage.server().url();
    tablet.phone.sign_in(url).expect("with a fresh key");
    let told = sync(&theirs);
    assert_eq!((told.accepted, told.held, told.refused), (3, 0, 0));
    assert!(theirs.aside().expect("a store").is_empty());
    assert_eq!(times(&theirs, entry), written, "as it was written");
    assert!(beside.iter().all(|at| times(&theirs, latex).contains(at)));

    sync(&mine);
    for copy in [&mine, &theirs] {
        assert!(labels(copy).contains("Pénicilline G"));
        // Written beside each other: the one does not replace the other unseen.
        let local = copy.entry(&latex).expect("a store").expect("an entry");
        assert_eq!(local.state().values("label").count(), 2);
    }
    assert_eq!(labels(&mine), labels(&theirs));
    assert_ne!(labels(&mine), set(["Latex"]));
}
