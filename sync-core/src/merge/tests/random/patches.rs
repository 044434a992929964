//! Edits of a random history: of one field or several, of every field that a rule speaks of.

use super::acts::status;
use super::drafts::{due, group, regimen};
use super::*;
use crate::entry::{
    HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, STATUS,
    Value,
};
use crate::kind::{Scalar as _, Severity};

/// An edit of one to three fields of an entry; of a key, the first write counts.
pub fn patch(view: &EntryView, dice: &mut Dice, token: &str, now: Tick) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for _ in 0..=dice.pick(&[0, 0, 1, 2]) {
        let write = match dice.of(9) {
            0 | 1 => status(dice, token),
            2 => common(dice, token),
            // No right bears a hidden- key.
            3 if view.kind.right().is_none() => match hides(dice, now.0 + 20).pop() {
                Some(hide) => hide,
                None => show(dice),
            },
            _ => own(view, dice, token),
        };
        if !writes.iter().any(|known| known.key == write.key) {
            writes.push(write);
        }
    }
    writes
}

/// Sometimes hides.
pub fn hides(dice: &mut Dice, later: u64) -> Vec<Write> {
    match dice.of(12) {
        0 => vec![Write::set(HIDDEN_FROM_PROFESSIONALS, true)],
        1 => vec![Write::set(HIDDEN_FROM_REPRESENTATIVES, true)],
        2 => vec![Write::set(HIDDEN_FROM_PATIENT_UNTIL, Value::Uint(later))],
        _ => Vec::new(),
    }
}

fn show(dice: &mut Dice) -> Write {
    let key = dice.pick(&[HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES]);
    Write::set(key, false)
}

/// What every entry may carry, and what a newer version may.
fn common(dice: &mut Dice, token: &str) -> Write {
    match dice.of(5) {
        0 => Write::remove("notes"),
        1 => Write::set("source", token),
        2 => Write::set(format!("of-tomorrow/{}", dice.of(2)), token),
        _ => Write::set("notes", token),
    }
}

/// A field of the kind's own.
fn own(view: &EntryView, dice: &mut Dice, token: &str) -> Write {
    match &view.kind {
        Kind::Allergy => allergy(dice),
        Kind::MedicationTaken => {
            let regimen = regimen(dice, token);
            Write::set("regimen", regimen.to_value())
        }
        Kind::Condition => match dice.of(4) {
            0 => verification(dice),
            1 => Write::set("severity", dice.pick(Severity::ALL).code()),
            _ => over(dice, "ended"),
        },
        Kind::Device => match dice.of(3) {
            0 => Write::set("udi", token),
            _ => over(dice, "removed"),
        },
        Kind::Pregnancy => match dice.of(4) {
            0 => Write::set("due", due(dice).to_scalar()),
            1 => over(dice, "ended"),
            _ if dice.once_in(4) => Write::set("outcome", Value::Null),
            _ => Write::set("outcome", dice.pick(PregnancyOutcome::ALL).code()),
        },
        Kind::BloodGroup => Write::set("blood-group", group(dice).to_value()),
        Kind::EmergencyContact | Kind::TrustedPerson => match dice.of(6) {
            0 => Write::set("name", token),
            1 => Write::set("relationship", dice.pick(&["fille", "voisin"])),
            _ => {
                let mut phone = Phone::new(format!("06 00 00 00 0{}", dice.of(3)), 0);
                phone.rank = dice.pick(&[0, 1, 2]);
                phone.removed = dice.once_in(4).then(|| token.to_owned());
                Write::set(phone.key(), phone.to_value())
            }
        },
        Kind::FamilyHistory => verification(dice),
        Kind::Grant | Kind::Block | Kind::Delegation => match dice.of(5) {
            0..=2 => Write::set("ends", Value::Uint(5000 + dice.of(4) as u64)),
            3 if view.kind == Kind::Grant => Write::set("write", dice.once_in(2)),
            3 => Write::set("starts", Value::Uint(dice.of(3) as u64)),
            _ => {
                let code = dice.pick(&[StatusCode::Revoked, StatusCode::Active]);
                Write::set(STATUS, Status::because(code, token).to_value())
            }
        },
        Kind::ReviewDecision => {
            let code = dice.pick(&[StatusCode::Revoked, StatusCode::Active]);
            Write::set(STATUS, Status::because(code, token).to_value())
        }
        _ => status(dice, token),
    }
}

fn allergy(dice: &mut Dice) -> Write {
    match dice.of(9) {
        0 | 1 => Write::set("criticality", dice.pick(Criticality::ALL).code()),
        2 => Write::remove("criticality"),
        3 => verification(dice),
        4 => Write::set("category", dice.pick(AllergyCategory::ALL).code()),
        _ => {
            let what = dice.pick(&["urticaire", "œdème", "toux", "asthme"]);
            let severity = dice.once_in(2).then(|| dice.pick(Severity::ALL));
            let mut reaction = Reaction::new(what, severity);
            reaction.removed = dice.once_in(4).then(|| "repris".to_owned());
            Write::set(reaction.key(), reaction.to_value())
        }
    }
}

fn verification(dice: &mut Dice) -> Write {
    Write::set("verification", dice.pick(Verification::ALL).code())
}

/// That something was over by a day, will be by a later one, or is not.
fn over(dice: &mut Dice, key: &str) -> Write {
    match dice.of(4) {
        0 => Write::set(key, Value::Null),
        1 => Write::set(key, "2024-12"),
        2 => Write::set(key, "2024"),
        _ => Write::set(key, "2024-06-01"),
    }
}
