//! New entries of a random history: of every kind, more often of those that rules speak of. Names
//! come from few, so that two people write of the same thing; a token tells whose words they are.

use super::*;
use crate::kind::tests::samples::{self, HASH, date};
use crate::kind::wishes::{DIRECTIVE, DOCUMENT_DATE};
use crate::policy::RightKind;

/// What there is from the start: an allergy of a physician's and one of the caregiver's, what the
/// holder takes, and a condition of the holder's.
pub fn beginning() -> Vec<(Device, Draft)> {
    let caregivers = AllergyDraft {
        substance: "Arachide".into(),
        ..AllergyDraft::default()
    };
    vec![
        (PHYSICIAN, penicillin().into()),
        (CAREGIVER, caregivers.into()),
        (
            HOLDER,
            MedicationTakenDraft::new(regimen(&mut Dice(0), "§2§")).into(),
        ),
        (HOLDER, ConditionDraft::new("Asthme").into()),
    ]
}

/// A new entry of a kind, or of any; its maker has these in front of them.
pub fn draft(kind: Option<&str>, dice: &mut Dice, seen: &[EntryView], token: &str) -> Vec<Write> {
    const USUAL: [&str; 16] = [
        "allergy",
        "allergy",
        "medication-taken",
        "condition",
        "blood-group",
        "blood-group",
        "advance-directive",
        "trusted-person",
        "emergency-contact",
        "device",
        "pregnancy",
        "immunization",
        "document/11502-2",
        "grant",
        "block",
        "*",
    ];
    let draft: Draft = match kind.unwrap_or_else(|| dice.pick(&USUAL)) {
        "allergy" if dice.once_in(4) => none_known(dice).into(),
        "allergy" => allergy(dice).into(),
        "medication-taken" => MedicationTakenDraft::new(regimen(dice, token)).into(),
        "condition" => condition(dice).into(),
        "blood-group" => BloodGroupDraft::new(group(dice)).into(),
        "advance-directive" => directive(dice, seen).into(),
        "trusted-person" => TrustedPersonDraft::new(token).into(),
        "emergency-contact" => EmergencyContactDraft::new(token).into(),
        "device" => DeviceDraft::new(dice.pick(&["Stimulateur", "Prothèse"])).into(),
        "pregnancy" => PregnancyDraft::new(due(dice)).into(),
        "immunization" => ImmunizationDraft::new(dose(dice)).into(),
        "document/11502-2" => document(dice, seen).into(),
        "grant" => right(RightKind::Grant, dice).into(),
        "block" => right(RightKind::Block, dice).into(),
        "delegation" => right(RightKind::Delegation, dice).into(),
        _ => {
            let mut all = samples::more();
            all.push(OwnNoteDraft::new(token).into());
            all.swap_remove(dice.of(all.len()))
        }
    };
    let mut writes = draft.writes().expect("a good draft");
    if dice.once_in(4) && draft.kind() != Kind::AdvanceDirective {
        writes.push(Write::set("notes", token));
    }
    writes
}

fn allergy(dice: &mut Dice) -> AllergyDraft {
    AllergyDraft {
        substance: dice
            .pick(&["Pénicilline", "Iode", "Latex", "arachide"])
            .into(),
        criticality: dice.once_in(2).then(|| dice.pick(Criticality::ALL)),
        verification: dice.once_in(3).then(|| dice.pick(Verification::ALL)),
        category: dice.once_in(4).then(|| dice.pick(AllergyCategory::ALL)),
        ..AllergyDraft::default()
    }
}

fn none_known(dice: &mut Dice) -> AllergyDraft {
    AllergyDraft {
        category: dice.once_in(3).then(|| dice.pick(AllergyCategory::ALL)),
        ..AllergyDraft::none_known("Aucune allergie connue")
    }
}

fn condition(dice: &mut Dice) -> ConditionDraft {
    ConditionDraft {
        verification: dice.once_in(3).then(|| dice.pick(Verification::ALL)),
        ..ConditionDraft::new(dice.pick(&["Asthme", "Diabète"]))
    }
}

/// Its unit tells whose it is; some have ended.
pub fn regimen(dice: &mut Dice, token: &str) -> Regimen {
    Regimen {
        product: dice.pick(&["Doliprane", "Kardégic"]).into(),
        dose: Some((1 + dice.of(4)).to_string()),
        unit: Some(format!("mg {token}")),
        ends: dice.once_in(6).then(|| date("2024-09-01")),
        ..Regimen::default()
    }
}

pub fn group(dice: &mut Dice) -> BloodGroup {
    let abo = dice.pick(&[Abo::A, Abo::B]);
    let rhd = dice.pick(&[RhD::Positive, RhD::Positive, RhD::Negative]);
    BloodGroup::new(abo, rhd, dice.pick(BloodGroupSource::ALL))
}

/// Around the day on which it is looked at, some of them long past.
pub fn due(dice: &mut Dice) -> jiff::civil::Date {
    let days = ["2024-03-01", "2024-08-23", "2024-08-24", "2025-01-05"];
    dice.pick(&days).parse().expect("a day")
}

fn dose(dice: &mut Dice) -> Immunization {
    let vaccine = dice.pick(&["Tétanos", "Grippe"]);
    let day = dice.pick(&["2024-05-03", "2024-05-04", "2023-05-03"]);
    Immunization::new(vaccine, date(day), None)
}

/// A directive or a revocation, dated as exactly as people know it, or not at all.
fn directive(dice: &mut Dice, seen: &[EntryView]) -> AdvanceDirectiveDraft {
    let known = seen.iter();
    let known = known.filter(|view| view.kind == Kind::AdvanceDirective);
    let known: Vec<EntryId> = known.map(|view| view.id).collect();
    let days = [
        "2024-03-01",
        "2024-03-02",
        "2024-05-01",
        "2024",
        "2024-03",
        "2023",
    ];
    let directive = match dice.of(3) {
        0 => DirectiveType::Revocation,
        _ => DirectiveType::Directive,
    };
    let revocation = directive == DirectiveType::Revocation;
    let named = (revocation && dice.once_in(2))
        .then(|| dice.pick_any(&known))
        .flatten();
    // Often of the very day of another one.
    let same = seen.iter().find_map(|view| {
        let said = !view.claims(DIRECTIVE).is_empty();
        let day = view.claims(DOCUMENT_DATE).first()?;
        day.value.as_text()?.parse().ok().filter(|_| said)
    });
    let occurred = match dice.of(8) {
        0 => None,
        1 => same,
        _ => Some(date(dice.pick(&days))),
    };
    AdvanceDirectiveDraft {
        directive,
        text: Some("Mes volontés.".to_owned()),
        revokes: named,
        common: Common {
            occurred,
            ..Common::default()
        },
        ..AdvanceDirectiveDraft::new(DirectiveType::Directive)
    }
}

fn document(dice: &mut Dice, seen: &[EntryView]) -> DocumentDraft {
    let laboratory = DocumentType::parse("11502-2").expect("a code");
    let documents = seen
        .iter()
        .filter(|view| matches!(view.kind, Kind::Document(_)));
    let documents: Vec<EntryId> = documents.map(|view| view.id).collect();
    let hash = format!("{:02x}{}", dice.of(3), &HASH[2..]);
    DocumentDraft {
        replaces: dice.once_in(2).then(|| dice.pick_any(&documents)).flatten(),
        ..DocumentDraft::new(laboratory, "NFS", Content::new(hash, 9, MediaType::Pdf))
    }
}

/// A right that the record tells of; those under which people act here are others.
fn right(kind: RightKind, dice: &mut Dice) -> RightDraft {
    let whom = PersonId(Uuid::from_u128(2000 + dice.of(5) as u128));
    RightDraft {
        ends: dice.once_in(3).then(|| Tick(5000 + dice.of(3) as u64)),
        ..RightDraft::new(kind, whom)
    }
}

impl Dice {
    fn pick_any<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| self.pick(from))
    }
}
