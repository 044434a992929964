//! Whose word confirms a fact: a clinician's within competence, a pharmacist's or a nurse's in what
//! is theirs. Everybody else proposes where one of these has spoken, and another professional also
//! where nobody has.

use super::{EntryView, Rule, Rules};
use crate::PersonId;
use crate::kind::Kind;
use crate::policy::Profession::{Dentist, Midwife, Nurse, Pharmacist, Physician};
use crate::policy::{Profession, Role};

/// The professions whose word confirms a fact of a kind.
///
/// Midwives and dentists prescribe, vaccinate and diagnose within their own arts (Code de la santé
/// publique, L. 4151-1 and L. 4141-1); disabilities are left to physicians. Pharmacists and nurses
/// vaccinate and measure (L. 5125-1-1 A, L. 4311-1), pharmacists dispense. A nurse's word confirms
/// besides the procedures that a nurse recorded: care.
pub fn confirmers(kind: &Kind) -> &'static [Profession] {
    match kind.code() {
        "disability" => &[Physician],
        "pregnancy" | "blood-group" | "family-history" => &[Physician, Midwife],
        "immunization" => &[Physician, Midwife, Pharmacist, Nurse],
        "measurement" => &[Physician, Midwife, Dentist, Pharmacist, Nurse],
        "medication-dispensed" => &[Pharmacist],
        _ => &[Physician, Midwife, Dentist],
    }
}

/// Whether somebody in this role confirms what they write in an entry of this kind. Care that a
/// nurse recorded is theirs (L. 4311-1); an act that a physician recorded is not.
pub(super) fn confirms(rules: Rules, kind: &Kind, by_nurse: bool, role: &Role) -> bool {
    let Role::Professional(profession) = role else {
        return false;
    };
    if !rules.has(Rule::OthersPropose) && *profession != Profession::Other {
        return true;
    }
    if !rules.has(Rule::OwnCompetence) {
        return role.is_clinician();
    }
    let care = *kind == Kind::Procedure && by_nurse && *profession == Nurse;
    care || confirmers(kind).contains(profession)
}

/// Whether an edit by somebody in this role of what an entry says would stand as a proposal: of a
/// fact that is confirmed, or of a professional outside what is theirs in another's entry. What a
/// clinician wrote into an entry that none confirmed does so besides for its end alone.
pub fn proposes(view: &EntryView, role: &Role, person: PersonId) -> bool {
    if !view.kind.is_clinical() || confirms(Rules::ALL, &view.kind, view.is_by_nurse(), role) {
        return false;
    }
    let created = view.created.as_ref();
    let own = created.is_some_and(|stamp| stamp.author == person);
    view.confirmed || (matches!(role, Role::Professional(_)) && !own)
}
