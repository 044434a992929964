//! One filled-in draft a kind.

use super::*;

pub const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

pub fn date(text: &str) -> Occurred {
    text.parse().expect("a date")
}

pub fn professional() -> Professional {
    Professional {
        name: "Dr Anne Petit".into(),
        profession: Some(ProfessionCode::Physician),
        specialty: Some("Cardiologie".into()),
        rpps: Some("10101010105".into()),
        organisation: Some("Cabinet des Lilas".into()),
        ..Professional::default()
    }
}

pub fn paracetamol() -> Regimen {
    Regimen {
        product: "Doliprane 500 mg".into(),
        dose: Some("1.5".into()),
        ..Regimen::default()
    }
}

pub fn weight() -> Measurement {
    let weight = VitalSign::ALL[0].label("fr");
    Measurement::new(weight, "72.5", "kg", date("2026-05-03T07:30:00Z"))
}

fn dated(text: &str) -> Common {
    Common {
        occurred: Some(date(text)),
        ..Common::default()
    }
}

fn facts() -> Vec<Draft> {
    vec![
        FamilyHistoryDraft {
            age_at_onset: Some(52),
            deceased: Some(false),
            verification: Some(Verification::Confirmed),
            ..FamilyHistoryDraft::new("Infarctus", Relative::Father)
        }
        .into(),
        ImmunizationDraft {
            lot: Some("A12".into()),
            site: Some("bras gauche".into()),
            route: Some("intramusculaire".into()),
            performer: Some(professional()),
            expires: Some(date("2027-01")),
            ..ImmunizationDraft::new(Immunization::new("Tétanos", date("2026-05-03"), Some(2)))
        }
        .into(),
        MeasurementDraft::new(weight()).into(),
        MeasurementDraft {
            device: Some("tensiomètre".into()),
            ..MeasurementDraft::new(Measurement::blood_pressure("128", "79", date("2026"), "fr"))
        }
        .into(),
        ProcedureDraft {
            performer: Some(professional()),
            body_site: Some("genou droit".into()),
            outcome: Some("sans complication".into()),
            ..ProcedureDraft::new("Arthroscopie")
        }
        .into(),
        HospitalStayDraft {
            reason: Some("Pneumonie".into()),
            ward: Some("Pneumologie".into()),
            ..HospitalStayDraft::new(
                Facility {
                    place: Some("Lyon".into()),
                    ..Facility::from("Hôpital des Lilas")
                },
                Stay::new(date("2026-01-02"), Some(date("2026-01-09"))),
            )
        }
        .into(),
        ConsultationDraft {
            reason: Some("Contrôle".into()),
            conclusion: Some("Rien à signaler.".into()),
            common: dated("2026-04-30"),
            ..ConsultationDraft::new(professional())
        }
        .into(),
        DeviceDraft {
            udi: Some("(01)00643169001763".into()),
            implanted: Some(date("2020-06")),
            mri_safety: Some(MriSafety::Conditional),
            ..DeviceDraft::new("Stimulateur cardiaque")
        }
        .into(),
        LifestyleDraft::new(Lifestyle {
            quantity: Some("10".into()),
            unit: Some("cigarettes par jour".into()),
            ..Lifestyle::new(LifestyleTopic::Tobacco, Some(LifestyleStatus::Former))
        })
        .into(),
        DisabilityDraft {
            rate: Some(80),
            aid: Some("fauteuil roulant".into()),
            common: dated("2015"),
            ..DisabilityDraft::new("Paraplégie")
        }
        .into(),
        PregnancyDraft {
            outcome: Some(PregnancyOutcome::LiveBirth),
            ended: Some(date("2026-12-30")),
            ..PregnancyDraft::new(jiff::civil::date(2027, 1, 5))
        }
        .into(),
    ]
}

fn people_and_wishes() -> Vec<Draft> {
    let phones = vec![Phone::new("06 12 34 56 78", 0)];
    vec![
        TrustedPersonDraft {
            phones: phones.clone(),
            ..TrustedPersonDraft::new("Jeanne Martin")
        }
        .into(),
        CaregiverContactDraft {
            relationship: Some("fille".into()),
            ..CaregiverContactDraft::new("Jeanne Martin")
        }
        .into(),
        HelpContactDraft {
            phones,
            ..HelpContactDraft::new("Portage de repas")
        }
        .into(),
        ProfessionalSeenDraft::new(professional()).into(),
        AdvanceDirectiveDraft {
            text: Some("Pas d’acharnement.".into()),
            content: Some(Content::new(HASH, 9, MediaType::Pdf)),
            deposited_by: Some(professional()),
            at_holders_request: true,
            common: dated("2025-02-03"),
            ..AdvanceDirectiveDraft::new(DirectiveType::Directive)
        }
        .into(),
        AdvanceDirectiveDraft {
            revokes: Some(EntryId(uuid::Uuid::from_u128(9))),
            ..AdvanceDirectiveDraft::new(DirectiveType::Revocation)
        }
        .into(),
        OrganDonationDraft::new(OrganDonation {
            organs: Some("cornées exceptées".into()),
            ..OrganDonation::from(DonationDecision::Partial)
        })
        .into(),
        EmergencySwitchesDraft {
            regulator_opposed: Some(false),
            break_glass_opposed: Some(true),
            show_hidden: Some(false),
            ..EmergencySwitchesDraft::default()
        }
        .into(),
    ]
}

fn papers() -> Vec<Draft> {
    let laboratory = DocumentType::parse("11502-2").expect("a code");
    let content = Content {
        pages: Some(3),
        ..Content::new(HASH, 123_456, MediaType::Pdf)
    };
    let attachment = Attachment {
        hash: HASH.into(),
        size: 9,
        media_type: MediaType::Png,
        name: Some("courbe.png".into()),
        other: Extra::new(),
    };
    vec![
        MedicationPrescribedDraft {
            common: dated("2026-05-03"),
            ..MedicationPrescribedDraft::new(
                Prescription::from_iter([PrescriptionLine {
                    renewals: Some(2),
                    non_substitutable: Some(NonSubstitutable::NarrowMargin),
                    ..PrescriptionLine::from(paracetamol())
                }]),
                professional(),
            )
        }
        .into(),
        MedicationDispensedDraft {
            for_prescription: Some(EntryId(uuid::Uuid::from_u128(8))),
            pharmacist: Some("Officine des Lilas".into()),
            common: dated("2026-05-04"),
            ..MedicationDispensedDraft::new(Dispensation {
                product: "Paracétamol 500 mg".into(),
                quantity: Some("2".into()),
                unit: Some("boîtes".into()),
                instead_of: Some("Doliprane 500 mg".into()),
                ..Dispensation::default()
            })
        }
        .into(),
        DocumentDraft {
            author: Some(professional()),
            replaces: Some(EntryId(uuid::Uuid::from_u128(7))),
            attachments: vec![attachment],
            common: dated("2026-05-03"),
            ..DocumentDraft::new(laboratory, "NFS", content)
        }
        .into(),
    ]
}

/// The kinds that [`super::drafts`] has not.
pub fn more() -> Vec<Draft> {
    [facts(), people_and_wishes(), papers()].concat()
}
