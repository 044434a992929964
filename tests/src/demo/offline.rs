//! Everybody is offline, and edits.

use sync_core::kind::{
    Abo, AllergyCategory, AllergyDraft, BloodGroup, BloodGroupDraft, BloodGroupSource, Common,
    CommonPatch, ConditionDraft, Criticality, Edit, EmergencyContactPatch, Label,
    MedicationTakenPatch, Phone, Reaction, RhD, RightPatch, Severity, Status, StatusCode,
};
use sync_core::policy::RightKind;

use super::care;
use super::opening::Scene;
use super::screen::{Screen, Tone};
use super::stage::Stage;
use crate::life;
use crate::support::SupportError;

const AMOXICILLIN: (&str, &str) = ("http://snomed.info/sct", "294505008");

/// Takes everybody offline and lets them edit.
pub(super) fn play(screen: &Screen, stage: &Stage<'_>, scene: &Scene) -> Result<(), SupportError> {
    screen.chapter("4  Everybody is offline, and edits");
    for actor in stage.actors() {
        actor.phone.set_offline(true)?;
    }
    patient(screen, stage, scene)?;
    daughter(screen, stage, scene)?;
    nephew(screen, stage)?;
    clinic(screen, stage, scene)?;
    care::pharmacist(screen, stage)?;
    screen.say(&screen.paint(
        Tone::Quiet,
        "Nobody has a network; every edit is signed and kept.",
    ));
    Ok(())
}

fn patient(screen: &Screen, stage: &Stage<'_>, scene: &Scene) -> Result<(), SupportError> {
    let copy = &stage.new.copy;
    let (system, code) = AMOXICILLIN;
    copy.add(AllergyDraft {
        substance: Label::coded("Amoxicilline", system, code),
        category: Some(AllergyCategory::Medication),
        criticality: Some(Criticality::Low),
        reactions: vec![Reaction::new("Urticaire", Some(Severity::Mild))],
        ..AllergyDraft::default()
    })?;
    screen.line(
        "Jeanne Martin",
        "adds an allergy: amoxicilline, low criticality, urticaire",
    );
    copy.edit(
        scene.neighbour,
        EmergencyContactPatch {
            relationship: Edit::Set("voisine du troisième".into()),
            phones: vec![Phone::new("06 39 98 44 01", 0)],
            ..EmergencyContactPatch::default()
        },
    )?;
    screen.more("gives Nadia Benali the number 06 39 98 44 01, « voisine du troisième »");
    let swollen = Status::because(StatusCode::Stopped, "chevilles gonflées");
    copy.edit(scene.amlodipine, status(swollen))?;
    screen.more("stops AMLOR 5 mg: her ankles swell");
    copy.edit(
        scene.depression,
        CommonPatch {
            hidden_from_professionals: Some(true),
            ..CommonPatch::default()
        },
    )?;
    screen.more("hides « Épisode dépressif »");
    let common = status(Status::because(StatusCode::Revoked, "fâchés"));
    copy.edit(
        stage.delegation,
        RightPatch {
            common,
            ..RightPatch::new(RightKind::Delegation)
        },
    )?;
    screen.more("takes the delegation back from her nephew Luc");
    care::patient(screen, stage, scene)
}

fn daughter(screen: &Screen, stage: &Stage<'_>, scene: &Scene) -> Result<(), SupportError> {
    let copy = &stage.camille.copy;
    let (system, code) = AMOXICILLIN;
    copy.add(AllergyDraft {
        substance: Label::coded("amoxicilline (Clamoxyl)", system, code),
        category: Some(AllergyCategory::Medication),
        criticality: Some(Criticality::High),
        reactions: vec![Reaction::new("Œdème de Quincke", Some(Severity::Severe))],
        ..AllergyDraft::default()
    })?;
    screen.line(
        "Camille Martin",
        "adds the same allergy, high criticality, œdème de Quincke",
    );
    copy.edit(
        scene.neighbour,
        EmergencyContactPatch {
            relationship: Edit::Set("amie et voisine".into()),
            phones: vec![Phone::new("03 53 01 77 20", 1)],
            ..EmergencyContactPatch::default()
        },
    )?;
    screen.more("gives Nadia Benali the number 03 53 01 77 20, « amie et voisine »");
    copy.add(BloodGroupDraft {
        blood_group: BloodGroup::new(Abo::A, RhD::Negative, BloodGroupSource::Declared),
        common: Common {
            source: Some("vieille carte de donneur".into()),
            ..Common::default()
        },
    })?;
    screen.more("copies the blood group A negative from an old card");
    care::daughter(screen, stage, scene)
}

fn nephew(screen: &Screen, stage: &Stage<'_>) -> Result<(), SupportError> {
    let copy = &stage.luc.copy;
    copy.add(ConditionDraft {
        label: life::label("Chute sur la hanche, contusion"),
        severity: Some(Severity::Moderate),
        ..ConditionDraft::default()
    })?;
    screen.line(
        "Luc Martin",
        "notes a fall on the hip; he does not know that his right is gone",
    );
    Ok(())
}

fn clinic(screen: &Screen, stage: &Stage<'_>, scene: &Scene) -> Result<(), SupportError> {
    let copy = &stage.doctor.copy;
    copy.edit(
        scene.amlodipine,
        MedicationTakenPatch {
            regimen: Some(life::regimen("amlor-10").ok_or(SupportError::Missing("amlodipine"))?),
            ..MedicationTakenPatch::default()
        },
    )?;
    screen.line("Dr Sophie Bernard", "changes AMLOR 5 mg to 10 mg");
    copy.add(BloodGroupDraft {
        blood_group: BloodGroup::new(Abo::A, RhD::Positive, BloodGroupSource::Laboratory),
        common: Common {
            source: Some("laboratoire de la clinique".into()),
            ..Common::default()
        },
    })?;
    screen.more("enters the laboratory's blood group A positive");
    care::doctor(screen, stage, scene)?;
    let copy = &stage.nurse.copy;
    copy.add(AllergyDraft {
        substance: Label::text("Colophane (sparadrap)"),
        category: Some(AllergyCategory::Environment),
        criticality: Some(Criticality::Low),
        reactions: vec![Reaction::new("Éruption cutanée", Some(Severity::Mild))],
        ..AllergyDraft::default()
    })?;
    screen.line(
        "Karim Haddad",
        "adds an allergy to sticking plaster, on the same tablet",
    );
    care::nurse(screen, stage)
}

fn status(status: Status) -> CommonPatch {
    CommonPatch {
        status: Some(status),
        ..CommonPatch::default()
    }
}
