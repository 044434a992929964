//! A clinic's shared tablet, and what each profession reads.

use carnet_mobile::error::CarnetError;
use carnet_tests::support::Phone;
use sync_core::kind::{Abo, BloodGroup, BloodGroupDraft, BloodGroupSource, RhD};
use sync_core::policy::Profession;

use super::stage::{
    Someone, Stage, allergy, condition, labels, note, set, sync, sync_all, view, views,
};

#[test]
fn two_of_the_staff_share_a_tablet_and_sign_each_for_themselves() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let doctor = stage.professional("Morel", Profession::Physician);
    let nurse = stage.professional("Lefèvre", Profession::Nurse);
    for person in [doctor.person, nurse.person] {
        mine.record
            .grant(person.to_string(), true, None)
            .expect("grants");
    }
    mine.add(condition("Asthme")).expect("added");
    sync(&mine);

    let tablet = Phone::open(&stage.place("tablet")).expect("a tablet");
    let doctor = Someone::enrol(&stage, &tablet, &doctor.code);
    let nurse = Someone::enrol(&stage, &tablet, &nurse.code);
    assert_eq!(tablet.carnet().profiles().expect("profiles").len(), 2);
    let by_doctor = doctor.synced(record);
    let by_nurse = nurse.synced(record);
    assert_eq!(labels(&by_doctor), set(["Asthme"]));
    assert!(labels(&by_nurse).is_empty(), "nurses read no conditions");

    // Days without a network, both at work.
    tablet.set_offline(true).expect("no uplink");
    by_doctor.add(allergy("Latex")).expect("added");
    by_nurse.add(allergy("Iode")).expect("added");
    assert_eq!(labels(&by_nurse), set(["Iode"]), "each has their own copy");

    // Whoever leaves locks; the other's profile does not open theirs.
    doctor.profile.lock().expect("locks");
    let locked = by_doctor.record.entries(false);
    assert_eq!(locked.err(), Some(CarnetError::Locked));
    assert_eq!(labels(&by_nurse), set(["Iode"]));
    let listed = tablet.carnet().profiles().expect("profiles");
    let hers = listed.iter().find(|one| one.locked).expect("one is locked");
    let refused = tablet.carnet().unlock(hers.id.clone());
    assert_eq!(refused.err(), Some(CarnetError::Locked));
    // The doctor's passkey opens it, with no network.
    let unlocked = tablet.unlock(hers).expect("unlocks");
    let again = unlocked.record(record.to_string()).expect("known offline");
    assert_eq!(again.entries(false).expect("readable").len(), 3);

    tablet.set_offline(false).expect("uplink");
    sync_all(&[&by_doctor, &by_nurse]);
    sync(&mine);
    let author = |label: &str| view(&mine, label).created.expect("somebody wrote it");
    let (one, other) = (author("Latex"), author("Iode"));
    assert_eq!((one.author, other.author), (doctor.person, nurse.person));
    assert_ne!(
        one.device, other.device,
        "each signs with a key of their own"
    );
    assert_eq!(labels(&by_nurse), set(["Iode", "Latex"]));
}

#[test]
fn each_profession_reads_by_the_matrix() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    mine.add(allergy("Latex")).expect("added");
    mine.add(condition("Asthme")).expect("added");
    mine.add(note("Journal", "à moi seule")).expect("added");
    mine.add(BloodGroupDraft {
        blood_group: BloodGroup::new(Abo::O, RhD::Negative, BloodGroupSource::Laboratory),
        common: Default::default(),
    })
    .expect("added");
    let staff = [
        ("Morel", Profession::Physician),
        ("Petit", Profession::Pharmacist),
        ("Lefèvre", Profession::Nurse),
        ("Roux", Profession::Other),
    ]
    .map(|(name, profession)| stage.on_phone(name, profession));
    for one in &staff {
        mine.record.grant(one.id(), true, None).expect("grants");
    }
    sync(&mine);
    let kinds = |someone: &Someone| -> Vec<String> {
        let copy = someone.synced(record);
        let mut kinds: Vec<String> = views(&copy)
            .iter()
            .filter(|view| view.kind.right().is_none())
            .map(|view| view.kind.code().to_owned())
            .collect();
        kinds.sort();
        kinds
    };
    let [doctor, pharmacist, nurse, other] = &staff;
    assert_eq!(kinds(doctor), ["allergy", "blood-group", "condition"]);
    assert_eq!(kinds(pharmacist), ["allergy"]);
    assert_eq!(kinds(nurse), ["allergy", "blood-group"]);
    assert!(kinds(other).is_empty());

    // What a pharmacist may not write is held, and what they may not read does not exist.
    let copy = pharmacist.synced(record);
    copy.add(condition("Diabète")).expect("kept on their phone");
    copy.add(allergy("Iode")).expect("added");
    let told = sync(&copy);
    assert_eq!((told.accepted, told.held), (1, 1));
    sync(&mine);
    assert!(labels(&mine).contains("Iode") && !labels(&mine).contains("Diabète"));
}

#[test]
fn a_blocked_doctor_loses_everything_and_gets_nothing() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let doctor = stage.on_phone("Morel", Profession::Physician);
    mine.record.grant(doctor.id(), true, None).expect("grants");
    mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    let theirs = doctor.synced(record);
    assert_eq!(labels(&theirs), set(["Latex"]));

    mine.record.block(doctor.id()).expect("blocks");
    mine.add(condition("Asthme")).expect("added");
    sync(&mine);
    // The answer may be a refusal or an empty record; either way nothing is left or comes.
    let _answered = theirs.sync();
    assert!(labels(&theirs).is_empty());

    // A grant given afterwards does not get round the block; lifting it does.
    mine.record.grant(doctor.id(), true, None).expect("grants");
    sync(&mine);
    let _answered = theirs.sync();
    assert!(labels(&theirs).is_empty());
    let rights = mine.record.rights_of(doctor.id()).expect("rights");
    let block = rights.iter().find(|right| right.kind == "block");
    let block = block.expect("the holder sees it").id.clone();
    mine.record.revoke(block, None).expect("lifts it");
    sync(&mine);
    let again = doctor.synced(record);
    assert_eq!(labels(&again), set(["Asthme", "Latex"]));
}

#[test]
fn a_grant_that_ends_empties_the_phone() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let doctor = stage.on_phone("Morel", Profession::Physician);
    let right = mine.record.grant(doctor.id(), true, None).expect("grants");
    mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    let theirs = doctor.synced(record);
    let entry = view(&theirs, "Latex").id;
    let long_ago = jiff::Timestamp::now().as_millisecond() - 1_000;
    mine.record
        .set_end(right, Some(long_ago))
        .expect("sets an end");
    sync(&mine);
    let _answered = theirs.sync();
    assert!(labels(&theirs).is_empty());
    let kept = theirs.entry(&entry).expect("the store is whole");
    assert!(kept.is_none(), "nor is it in the store");
}
