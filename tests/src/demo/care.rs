//! What everybody writes about treatments, vaccinations, papers and wishes while they are apart.

use sync_core::EntryId;
use sync_core::kind::{
    AdvanceDirectiveDraft, AllergyCategory, AllergyDraft, Common, Content, DirectiveType,
    Dispensation, DocumentDraft, DocumentType, Immunization, ImmunizationDraft, Label, MediaType,
    MedicationDispensedDraft, MedicationTakenDraft, MedicationTakenPatch, Occurred, PregnancyDraft,
    ProfessionCode, Professional, Regimen,
};

use super::opening::Scene;
use super::screen::Screen;
use super::stage::Stage;
use crate::support::{Copy, SupportError};

/// The date of the directive that the doctor deposits.
pub(super) const LATER: &str = "2026-03-01";
const EARLIER: &str = "2019-05-12";
const VACCINATED: &str = "2026-10-14";
/// XDS type: a consultation's report.
const REPORT: &str = "11488-4";

/// What of it is in the record before anybody goes offline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Care {
    /// A medicine whose dose will be disputed.
    pub levothyrox: EntryId,
    /// A document that two people will replace.
    pub report: EntryId,
}

impl Care {
    /// Writes it, and a pregnancy of long ago of which nobody said how it ended.
    pub fn write(copy: &Copy) -> Result<Self, SupportError> {
        copy.add(PregnancyDraft::new(jiff::civil::date(1994, 5, 20)))?;
        Ok(Care {
            levothyrox: copy.add(MedicationTakenDraft {
                regimen: levothyrox("75"),
                ..MedicationTakenDraft::default()
            })?,
            report: copy.add(report("Compte rendu, première version", 1, None)?)?,
        })
    }
}

/// What the patient writes.
pub(super) fn patient(
    screen: &Screen,
    stage: &Stage<'_>,
    scene: &Scene,
) -> Result<(), SupportError> {
    let copy = &stage.new.copy;
    copy.add(vaccination("Grippe")?)?;
    screen.more("notes her vaccination against influenza of 14 October");
    copy.add(directive(EARLIER, "Pas de réanimation.")?)?;
    screen.more("copies out her advance directive of 2019");
    copy.add(report(
        "Compte rendu, corrigé par le secrétariat",
        2,
        Some(scene.care.report),
    )?)?;
    screen.more("replaces a consultation's report by the one she was sent");
    Ok(())
}

/// What her daughter writes.
pub(super) fn daughter(
    screen: &Screen,
    stage: &Stage<'_>,
    scene: &Scene,
) -> Result<(), SupportError> {
    dose(&stage.camille.copy, scene, "88")?;
    screen.more("changes Levothyrox 75 µg to 88 µg, as a hospital's letter says");
    Ok(())
}

/// What her doctor writes.
pub(super) fn doctor(
    screen: &Screen,
    stage: &Stage<'_>,
    scene: &Scene,
) -> Result<(), SupportError> {
    let copy = &stage.doctor.copy;
    dose(copy, scene, "100")?;
    screen.more("changes Levothyrox 75 µg to 100 µg");
    copy.add(AdvanceDirectiveDraft {
        deposited_by: Some(Professional {
            profession: Some(ProfessionCode::Physician),
            ..Professional::from("Dr Sophie Bernard")
        }),
        at_holders_request: true,
        ..directive(LATER, "Pas de réanimation, soins de confort.")?
    })?;
    screen.more("deposits the advance directive of 2026 at Jeanne's request");
    copy.add(report(
        "Compte rendu, version signée",
        3,
        Some(scene.care.report),
    )?)?;
    screen.more("replaces the same report by the signed one");
    Ok(())
}

/// What the nurse writes.
pub(super) fn nurse(screen: &Screen, stage: &Stage<'_>) -> Result<(), SupportError> {
    let copy = &stage.nurse.copy;
    copy.add(vaccination("grippe")?)?;
    screen.more("enters the same vaccination");
    copy.add(AllergyDraft {
        substance: Label::text("Aucune allergie médicamenteuse connue"),
        no_known_allergy: true,
        category: Some(AllergyCategory::Medication),
        ..AllergyDraft::default()
    })?;
    screen.more("states on a form that no allergy to a medicine is known");
    Ok(())
}

/// What the pharmacist writes.
pub(super) fn pharmacist(screen: &Screen, stage: &Stage<'_>) -> Result<(), SupportError> {
    let handed = Dispensation {
        product: levothyrox("75").product,
        quantity: Some("3".to_owned()),
        unit: Some("boîtes".to_owned()),
        ..Dispensation::default()
    };
    stage.pharmacist.copy.add(MedicationDispensedDraft {
        common: on("2026-10-20")?,
        ..MedicationDispensedDraft::new(handed)
    })?;
    screen.line("Awa Diallo", "hands over three boxes of Levothyrox");
    Ok(())
}

fn dose(copy: &Copy, scene: &Scene, dose: &str) -> Result<(), SupportError> {
    copy.edit(
        scene.care.levothyrox,
        MedicationTakenPatch {
            regimen: Some(levothyrox(dose)),
            ..MedicationTakenPatch::default()
        },
    )
}

fn levothyrox(dose: &str) -> Regimen {
    Regimen {
        product: Label::text("Levothyrox"),
        substances: vec![Label::text("lévothyroxine sodique")],
        dose: Some(dose.to_owned()),
        unit: Some("µg".to_owned()),
        frequency: Some("le matin à jeun".to_owned()),
        ..Regimen::default()
    }
}

fn date(text: &str) -> Result<Occurred, SupportError> {
    text.parse().map_err(|_| SupportError::Missing("a date"))
}

fn on(day: &str) -> Result<Common, SupportError> {
    Ok(Common {
        occurred: Some(date(day)?),
        ..Common::default()
    })
}

fn vaccination(against: &str) -> Result<ImmunizationDraft, SupportError> {
    let dose = Immunization::new(against, date(VACCINATED)?, None);
    Ok(ImmunizationDraft::new(dose))
}

fn directive(day: &str, text: &str) -> Result<AdvanceDirectiveDraft, SupportError> {
    Ok(AdvanceDirectiveDraft {
        text: Some(text.to_owned()),
        common: on(day)?,
        ..AdvanceDirectiveDraft::new(DirectiveType::Directive)
    })
}

fn report(
    title: &str,
    bytes: u8,
    replaces: Option<EntryId>,
) -> Result<DocumentDraft, SupportError> {
    let kind = DocumentType::parse(REPORT).ok_or(SupportError::Missing("a document type"))?;
    let content = Content::new(format!("{bytes:064x}"), 48_213, MediaType::Pdf);
    let mut draft = DocumentDraft::new(kind, title, content);
    draft.replaces = replaces;
    draft.common = on("2026-09-02")?;
    Ok(draft)
}
