//! What a life has beside what the person writes: consultations, prescriptions, dispensations,
//! vaccinations, measurements, documents and wishes.

use jiff::ToSpan as _;
use jiff::civil::Date;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sync_core::kind::{
    AdvanceDirectiveDraft, Common, ConsultationDraft, Content, DirectiveType, Dispensation,
    DocumentDraft, DocumentType, Draft, Immunization, ImmunizationDraft, Measurement,
    MeasurementDraft, MediaType, MedicationDispensedDraft, MedicationPrescribedDraft, Occurred,
    Prescription, ProfessionCode, Professional, VitalSign,
};

use super::catalogue::Catalogue;
use super::{BORN, YEARS};

const DOCTORS: [&str; 6] = [
    "Dr Sophie Bernard",
    "Dr Paul Garnier",
    "Dr Inès Moreau",
    "Dr Hugo Lambert",
    "Dr Léa Rousseau",
    "Dr Marc Fontaine",
];
const VACCINES: [&str; 4] = ["Grippe", "Tétanos", "Hépatite B", "Coqueluche"];

/// So many drafts, spread over the life of a seed.
pub fn care(seed: u64, count: usize) -> Vec<Draft> {
    let catalogue = Catalogue::read();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let one = |number: usize| {
        let days = rng.random_range(0..i64::from(YEARS) * 365);
        let day = BORN.saturating_add(days.days());
        let doctor = DOCTORS[rng.random_range(0..DOCTORS.len())];
        draft(&catalogue, &mut rng, number, day, doctor)
    };
    (0..count).map(one).collect()
}

fn draft(
    catalogue: &Catalogue,
    rng: &mut ChaCha8Rng,
    number: usize,
    day: Date,
    doctor: &str,
) -> Draft {
    let common = Common {
        occurred: Some(Occurred::Day(day)),
        ..Common::default()
    };
    let doctor = Professional {
        profession: Some(ProfessionCode::Physician),
        ..Professional::from(doctor)
    };
    let medicines: Vec<&String> = catalogue.medicine.keys().collect();
    let medicine = medicines[rng.random_range(0..medicines.len())];
    let regimen = catalogue.regimen(medicine).unwrap_or_default();
    match number % 8 {
        0 | 1 => ConsultationDraft {
            common,
            ..ConsultationDraft::new(doctor)
        }
        .into(),
        2 => MedicationPrescribedDraft {
            common,
            ..MedicationPrescribedDraft::new(Prescription::from_iter([regimen]), doctor)
        }
        .into(),
        3 => MedicationDispensedDraft {
            common,
            ..MedicationDispensedDraft::new(Dispensation {
                product: regimen.product,
                ..Dispensation::default()
            })
        }
        .into(),
        4 => {
            let vaccine = VACCINES[rng.random_range(0..VACCINES.len())];
            let dose = Immunization::new(vaccine, Occurred::Day(day), None);
            ImmunizationDraft::new(dose).into()
        }
        5 => {
            let weight = VitalSign::ALL[0];
            let kilos = rng.random_range(50..90).to_string();
            let when = Occurred::Day(day);
            MeasurementDraft::new(Measurement::new(weight.label("fr"), kilos, "kg", when)).into()
        }
        6 if number % 80 == 6 => AdvanceDirectiveDraft {
            text: Some("Pas d’acharnement.".to_owned()),
            common,
            ..AdvanceDirectiveDraft::new(DirectiveType::Directive)
        }
        .into(),
        _ => {
            let kind = DocumentType::parse("11488-4").expect("a code is letters and digits");
            let content = Content::new(format!("{number:064x}"), 48_213, MediaType::Pdf);
            let mut draft = DocumentDraft::new(kind, "Compte rendu de consultation", content);
            (draft.author, draft.common) = (Some(doctor), common);
            draft.into()
        }
    }
}
