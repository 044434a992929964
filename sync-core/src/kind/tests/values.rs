//! What concerns several members of a value or several fields of an entry.

use super::samples::{HASH, date, paracetamol, professional, weight};
use super::*;

const FIELD: &str = "field";

fn check<T: JsonScalar>(value: &T) -> Result<(), Invalid> {
    let text = value.to_value();
    T::STRUCTURE.check(FIELD, text.as_text().expect("a text"))
}

const MALFORMED: Result<(), Invalid> = Err(Invalid::Malformed { field: FIELD });

#[test]
fn the_numbers_of_professionals_and_establishments_are_checked() {
    assert_eq!(check(&professional()), Ok(()));
    let wrong = Professional {
        rpps: Some("10101010106".into()),
        ..professional()
    };
    assert_eq!(check(&wrong), MALFORMED);
    let facility = Facility {
        finess: Some("123456789".into()),
        ..Facility::from("Hôpital")
    };
    assert_eq!(check(&facility), MALFORMED);
}

#[test]
fn a_measurement_has_one_number_with_its_unit_or_parts() {
    let weight = weight();
    assert_eq!(check(&weight), Ok(()));
    for (value, unit) in [
        (None, Some("kg")),
        (Some("72.5"), None),
        (Some("72,5"), Some("kg")),
        (Some("--1"), Some("kg")),
        (Some("72.5"), Some("kilo")),
        (None, None),
    ] {
        let wrong = Measurement {
            value: value.map(str::to_owned),
            unit: unit.map(str::to_owned),
            ..weight.clone()
        };
        assert_eq!(check(&wrong), MALFORMED, "{value:?} {unit:?}");
    }
    let cold = Measurement::new("Température extérieure", "-3.5", "Cel", date("2026"));
    assert_eq!(check(&cold), Ok(()));
}

#[test]
fn a_blood_pressure_has_both_numbers() {
    let whole = Measurement::blood_pressure("128", "79", date("2026-05-03"), "fr");
    assert_eq!(check(&whole), Ok(()));
    assert_eq!(whole.what.text, "Pression artérielle");
    let mut half = whole.clone();
    half.components.pop();
    assert_eq!(check(&half), MALFORMED);
    let mut mixed = whole.clone();
    mixed.value = Some("128".into());
    assert_eq!(check(&mixed), MALFORMED);
    let mut odd = whole;
    odd.components[0].unit = "mmHg".into();
    assert_eq!(check(&odd), MALFORMED);
}

#[test]
fn what_nobody_has_is_implausible_and_not_refused() {
    let with = |value: &str, unit: &str| Measurement {
        value: Some(value.into()),
        unit: Some(unit.into()),
        ..weight()
    };
    assert!(!with("72.5", "kg").is_implausible());
    assert!(with("725", "kg").is_implausible());
    assert!(!with("160", "[lb_av]").is_implausible());
    assert!(with("72.5", "Cel").is_implausible());
    assert_eq!(check(&with("725", "kg")), Ok(()));
    let pressure = |high: &str| Measurement::blood_pressure(high, "79", date("2026"), "en");
    assert!(!pressure("128").is_implausible());
    assert!(pressure("12.8").is_implausible());
    let own = Measurement::new("Pas", "9000", "{steps}", date("2026"));
    assert!(!own.is_implausible());
}

#[test]
fn a_prescription_has_a_line_and_each_line_its_order_of_dates() {
    assert_eq!(
        check(&Prescription::default()),
        Err(Invalid::Missing { field: FIELD })
    );
    let backwards = Regimen {
        starts: Some(date("2026-02")),
        ends: Some(date("2026-01")),
        ..paracetamol()
    };
    let prescription = Prescription::from_iter([paracetamol(), backwards]);
    assert_eq!(
        check(&prescription),
        Err(Invalid::OutOfBounds { field: FIELD })
    );
    assert_eq!(
        Prescription::from_iter([paracetamol(), paracetamol()]).called(),
        Some("Doliprane 500 mg, Doliprane 500 mg".into())
    );
}

#[test]
fn a_prescription_and_a_dispensation_are_dated() {
    let draft =
        MedicationPrescribedDraft::new(Prescription::from_iter([paracetamol()]), professional());
    let field = "occurred";
    assert_eq!(draft.writes(), Err(Invalid::Missing { field }));
}

#[test]
fn a_stay_ends_after_it_began() {
    let stay = Stay::new(date("2026-01-09"), Some(date("2026-01-02")));
    assert_eq!(check(&stay), Err(Invalid::OutOfBounds { field: FIELD }));
    assert_eq!(
        check(&Stay::new(date("2026"), Some(date("2026-01")))),
        Ok(())
    );
}

#[test]
fn content_is_named_by_a_digest() {
    assert_eq!(check(&Content::new(HASH, 1, MediaType::Cda)), Ok(()));
    for (hash, size) in [
        (HASH.to_uppercase(), 1),
        (HASH[1..].to_owned(), 1),
        (HASH.to_owned(), 0),
    ] {
        assert_eq!(check(&Content::new(hash, size, MediaType::Pdf)), MALFORMED);
    }
    let program = Content::new(HASH, 1, MediaType::from("application/x-msdownload"));
    assert_eq!(check(&program), Err(Invalid::UnknownCode { field: FIELD }));
}

#[test]
fn a_partial_donation_says_which_organs() {
    let decided = |decision, organs: Option<&str>| {
        check(&OrganDonation {
            organs: organs.map(str::to_owned),
            ..OrganDonation::from(decision)
        })
    };
    let missing = Err(Invalid::Missing { field: FIELD });
    let excluded = Err(Invalid::Excluded { field: FIELD });
    assert_eq!(decided(DonationDecision::Donor, None), Ok(()));
    assert_eq!(decided(DonationDecision::Partial, Some("foie")), Ok(()));
    assert_eq!(decided(DonationDecision::Partial, None), missing);
    assert_eq!(decided(DonationDecision::Refuses, Some("foie")), excluded);
}

#[test]
fn a_directive_says_something_and_a_deposit_was_asked_for() {
    let silent = AdvanceDirectiveDraft::new(DirectiveType::Directive);
    let spoken = AdvanceDirectiveDraft {
        text: Some("Pas d’acharnement.".into()),
        ..silent.clone()
    };
    let unasked = AdvanceDirectiveDraft {
        deposited_by: Some(professional()),
        ..spoken.clone()
    };
    let revoking = AdvanceDirectiveDraft {
        revokes: Some(EntryId(uuid::Uuid::from_u128(1))),
        ..spoken.clone()
    };
    let by_field = |result: Result<Vec<Write>, Invalid>| result.map_err(|error| error.field());
    assert!(spoken.writes().is_ok());
    assert_eq!(by_field(silent.writes()), Err("text"));
    assert_eq!(by_field(unasked.writes()), Err("at-holders-request"));
    assert_eq!(by_field(revoking.writes()), Err("revokes"));
    // Whoever writes without a draft is told the same.
    let mut writes = spoken.writes().expect("a good draft");
    writes.push(Write::set("deposited-by", professional().to_value()));
    assert_eq!(
        validate(&entry(&writes)),
        Err(Invalid::Missing {
            field: "at-holders-request"
        })
    );
}

#[test]
fn documents_are_known_by_the_type_code_and_newer_types_are_kept() {
    let known = Kind::from("document/11502-2");
    assert_eq!(known.title().fr, "CR d’examens biologiques");
    assert_eq!(known.title().en, "Laboratory report");
    assert_eq!(XdsType::all().count(), 114);
    let newer = Kind::from("document/NEW_1");
    assert!(matches!(&newer, Kind::Document(document) if document.known().is_none()));
    assert_eq!(newer.own_fields().len(), known.own_fields().len());
    for text in ["document/", "document/a b", "document"] {
        assert!(matches!(Kind::from(text), Kind::Unknown(_)), "{text}");
    }
}

#[test]
fn entries_are_called_by_what_they_are_about_and_happened_when_they_say() {
    for (draft, called, happened) in drafts().into_iter().filter_map(|draft| {
        let (called, happened) = match draft {
            Draft::Measurement(_) => ("", None),
            Draft::Immunization(_) => ("Tétanos", Some("2026-05-03")),
            Draft::HospitalStay(_) => ("Hôpital des Lilas", Some("2026-01-02")),
            Draft::Consultation(_) => ("Dr Anne Petit", Some("2026-04-30")),
            Draft::MedicationPrescribed(_) => ("Doliprane 500 mg", Some("2026-05-03")),
            Draft::TrustedPerson(_) => ("Jeanne Martin", None),
            Draft::Document(_) => ("NFS", Some("2026-05-03")),
            _ => return None,
        };
        (!called.is_empty()).then_some((draft, called, happened))
    }) {
        let kind = draft.kind();
        let state = entry(&draft.writes().expect("a good draft"));
        let main = state.values(main_field(&kind)).next().expect("it is there");
        assert_eq!(
            kind.called(main_field(&kind), main).as_deref(),
            Some(called)
        );
        assert_eq!(kind.happened(&state), happened.map(date));
    }
}

#[test]
fn values_are_said_by_their_tables() {
    let said = |draft: &Draft| {
        let kind = draft.kind();
        let state = entry(&draft.writes().expect("a good draft"));
        let spec = kind.field(main_field(&kind))?;
        spec.say(state.values(spec.key).next()?)
    };
    let texts: Vec<Said> = drafts().iter().filter_map(said).collect();
    for (en, fr) in [
        (
            "Poids 72.5 kg, 2026-05-03T07:30:00Z",
            "Poids 72.5 kg, 2026-05-03T07:30:00Z",
        ),
        (
            "Pression artérielle, systolique 128 mm[Hg]; diastolique 79 mm[Hg], 2026",
            "Pression artérielle, systolique 128 mm[Hg]; diastolique 79 mm[Hg], 2026",
        ),
        (
            "tobacco, former, 10 cigarettes par jour",
            "tabac, ancien, 10 cigarettes par jour",
        ),
        (
            "partly, organs cornées exceptées",
            "en partie, organes cornées exceptées",
        ),
        (
            "Doliprane 500 mg, 1.5, renewals 2, not substitutable: narrow therapeutic margin",
            "Doliprane 500 mg, 1.5, renouvellements 2, non substituable : marge thérapeutique étroite",
        ),
        ("revocation", "révocation"),
    ] {
        let expected = Said {
            en: en.into(),
            fr: fr.into(),
        };
        assert!(texts.contains(&expected), "{en}: {texts:#?}");
    }
}
