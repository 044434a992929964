//! What is a clinician's to settle is settled on a clinician's phone, and then for everybody.

use carnet_mobile::face::{ReviewChoice, ReviewEntry};
use carnet_tests::support::Copy;
use sync_core::kind::{CommonPatch, Status, StatusCode};
use sync_core::merge::Standing;
use sync_core::policy::Profession;

use super::stage::{Someone, Stage, allergy, sync, sync_all, to_review, view, views};

/// A holder and her doctor, with copies of one record.
fn patient_and_doctor(stage: &Stage) -> ([Someone; 2], [Copy; 2]) {
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let doctor = stage.on_phone("Petit", Profession::Physician);
    let right = mine.record.set_treating_physician(doctor.id());
    right.expect("names her doctor");
    sync(&mine);
    let theirs = doctor.synced(record);
    ([camille, doctor], [mine, theirs])
}

fn item(copy: &Copy, code: &str) -> ReviewEntry {
    let items = copy.record.to_review().expect("the store is whole");
    let found = items.into_iter().find(|item| item.code == code);
    found.unwrap_or_else(|| panic!("{code} is not on the list"))
}

fn decide(verdict: &str) -> ReviewChoice {
    let verdict = verdict.to_owned();
    ReviewChoice::Decide { verdict }
}

fn on_card(copy: &Copy) -> Vec<String> {
    let card = copy.record.card(Vec::new()).expect("the store is whole");
    let lines = card.allergies.into_iter().map(|one| one.line.label);
    lines.collect()
}

/// Both phones show the same, and this.
fn agree(copies: &[Copy; 2], standing: Standing, card: &[&str], listed: &[&str]) {
    sync_all(&copies.each_ref());
    assert_eq!(views(&copies[0]), views(&copies[1]));
    for copy in copies {
        assert_eq!(view(copy, "Latex").standing, standing);
        assert_eq!(on_card(copy), card);
        let listed = listed.iter().map(|code| (*code).to_owned());
        assert_eq!(to_review(copy), listed.collect());
    }
}

/// A patient says on her phone, offline, that the allergy her doctor wrote down is none. It is not
/// hers to withdraw, nor to settle; nobody loses sight of it until the doctor has answered.
#[test]
fn a_doctors_warning_stands_until_a_doctor_answers() {
    let stage = Stage::new();
    let ([camille, _], copies) = patient_and_doctor(&stage);
    let [mine, theirs] = &copies;
    let latex = theirs.add(allergy("Latex")).expect("added");
    let withdrawn = |reason: &str| CommonPatch {
        status: Some(Status::because(StatusCode::EnteredInError, reason)),
        ..CommonPatch::default()
    };
    let proposed = ["proposal"];
    agree(&copies, Standing::Active, &["Latex"], &[]);

    camille.phone.set_offline(true).expect("the store is whole");
    mine.edit(latex, withdrawn("jamais eue")).expect("written");
    camille
        .phone
        .set_offline(false)
        .expect("the store is whole");
    agree(&copies, Standing::Active, &["Latex"], &proposed);
    let hers = item(mine, "proposal");
    assert!(!hers.sides.iter().any(|side| side.may_be_taken), "{hers:?}");
    assert_eq!(hers.verdicts, ["discard"], "her own she may take back");
    let refused = mine.record.resolve(hers.key, decide("accept"));
    refused.expect_err("not hers to settle");

    let asked = item(theirs, "proposal");
    assert_eq!(asked.verdicts, ["accept", "discard"]);
    let settled = theirs.record.resolve(asked.key, decide("discard"));
    settled.expect("hers to settle");
    agree(&copies, Standing::Active, &["Latex"], &[]);

    // She says it again, and this time the doctor agrees.
    mine.edit(latex, withdrawn("testée : négatif"))
        .expect("written");
    agree(&copies, Standing::Active, &["Latex"], &proposed);
    let asked = item(theirs, "proposal");
    let settled = theirs.record.resolve(asked.key, decide("accept"));
    settled.expect("hers to settle");
    agree(&copies, Standing::InError, &[], &[]);
}
