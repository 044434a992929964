//! Whose word confirms a fact: a clinician's within competence, a pharmacist's or a nurse's in what
//! is theirs. Everybody else proposes where one of these has spoken, and another professional also
//! where nobody has.

use super::history::{Certainty, is_apart, is_member};
use super::view::Written;
use super::{EntryView, Rule, Rules, ended};
use crate::PersonId;
use crate::entry::{STATUS, Value};
use crate::kind::allergy::REACTION;
use crate::kind::common::{NOTES, SOURCE};
use crate::kind::{JsonScalar as _, Kind, Status, StatusCode};
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

/// Whether what becomes of a field is for the holder to say: whether an advance directive counts,
/// and all of whom they trust and of what they decided about their organs (Code de la santé
/// publique, L. 1111-11, L. 1111-6 and L. 1232-1).
pub(super) fn is_holders(rules: Rules, kind: &Kind, key: &str) -> bool {
    let theirs = match kind {
        Kind::AdvanceDirective => key == STATUS,
        Kind::TrustedPerson | Kind::OrganDonation => true,
        _ => false,
    };
    theirs && rules.has(Rule::HolderDecides)
}

/// Whether the word of somebody in this role decides what becomes of a field: the holder's of what
/// is theirs ([`is_holders`]), of anything else a word that confirms ([`confirms`]).
///
/// Whoever decides takes up and leaves out what is proposed of the field, and nobody else's word
/// overtakes or answers that.
pub(super) fn decides(rules: Rules, kind: &Kind, by_nurse: bool, key: &str, role: &Role) -> bool {
    match is_holders(rules, kind, key) {
        true => *role == Role::Holder,
        false => confirms(rules, kind, by_nurse, role),
    }
}

/// Who edits, as far as it decides whether what they write is a proposal.
#[derive(Clone, Copy)]
pub(super) struct Editor {
    /// Their word confirms a fact of this kind.
    pub confirms: bool,
    /// They are a professional.
    pub professional: bool,
    /// They created the entry.
    pub author: bool,
    /// They hold the record.
    pub holder: bool,
}

/// What an edit of one field follows, and what stands beside it.
pub(super) trait Met {
    /// Whether the holder closed the entry, or called it an error, by the last that they said of it,
    /// whoever said something else since.
    fn ended_by_holder(&self) -> bool;
    /// What the field is by then.
    fn written(&self) -> Written;
    /// Whether a clinician's word stands that the fact is so, or is not certain.
    fn certainty(&self) -> Option<Certainty>;
    /// Whether a clinician wrote what the fact is, and none called that unconfirmed.
    fn clinicians_content(&self) -> bool;
    /// Whether a clinician wrote the field, or confirmed the fact, without knowing of the edit.
    fn clinician_beside(&self) -> bool;
}

/// Whether what somebody writes under a key is a proposal only: a lay edit of what a clinician
/// confirmed or wrote, a lay end of what a clinician wrote into, a professional's edit outside what
/// is theirs, or an error that somebody calls who is neither its author nor a clinician. What is
/// the holder's they write themselves, whoever recorded it; and a status by which anybody else
/// would bring back what the holder closed or called an error is a proposal to them.
///
/// Merging asks this of every write, and an app of a write that is not made yet.
pub(super) fn is_proposal(
    rules: Rules,
    kind: &Kind,
    editor: Editor,
    (key, value): (&str, Option<&Value>),
    met: &dyn Met,
) -> bool {
    let status = value
        .filter(|_| key == STATUS)
        .and_then(Status::from_value)
        .map(|status| status.status);
    let error = status.as_ref().is_some_and(StatusCode::is_error);
    if is_holders(rules, kind, key) {
        if editor.holder {
            return false;
        }
        if !error && met.ended_by_holder() {
            return true;
        }
    }
    if editor.confirms || is_apart(key) {
        return false;
    }
    if error && !editor.author {
        return rules.has(Rule::ErrorByAuthor);
    }
    if !kind.is_clinical() {
        return false;
    }
    if is_member(key, REACTION) && met.written() == Written::Never {
        return false;
    }
    let whole = key != NOTES && key != SOURCE;
    if whole && editor.professional && !editor.author {
        return true;
    }
    if !rules.has(Rule::LayProposes) {
        return false;
    }
    // *Wrong patient* does more: its author's word takes the entry out of view and to review.
    let closes = status.is_some_and(|code| !code.is_active() && code != StatusCode::WrongPatient);
    if (closes || ended::ends(kind, key, value)) && met.clinicians_content() {
        return true;
    }
    match met.certainty() {
        Some(Certainty::Confirmed) if whole => true,
        // Whoever doubts leaves what they wrote themselves to everybody, and nobody else's word.
        Some(Certainty::Doubted) => met.written() == Written::ByClinician || met.clinician_beside(),
        _ => {
            let theirs = [Written::ByClinician, Written::InDoubt];
            theirs.contains(&met.written()) || met.clinician_beside()
        }
    }
}

/// What a view knows of a field that is to be written after all that is in it.
struct Now<'v> {
    view: &'v EntryView,
    key: &'v str,
}

impl Met for Now<'_> {
    fn ended_by_holder(&self) -> bool {
        self.key == STATUS && self.written().is_of_holder()
    }

    fn written(&self) -> Written {
        let field = self.view.field(self.key);
        field.map_or(Written::Never, |field| field.written)
    }

    fn certainty(&self) -> Option<Certainty> {
        match (self.view.confirmed, self.view.doubted) {
            (true, _) => Some(Certainty::Confirmed),
            (false, true) => Some(Certainty::Doubted),
            _ => None,
        }
    }

    fn clinicians_content(&self) -> bool {
        self.view.clinicians
    }

    fn clinician_beside(&self) -> bool {
        false
    }
}

/// Whether what somebody in this role would write now under a key of an entry would stand as a
/// proposal; without a value, that they would remove it.
pub fn proposes(
    view: &EntryView,
    role: &Role,
    person: PersonId,
    key: &str,
    value: Option<&Value>,
) -> bool {
    let created = view.created.as_ref();
    let editor = Editor {
        confirms: confirms(Rules::ALL, &view.kind, view.is_by_nurse(), role),
        professional: matches!(role, Role::Professional(_)),
        author: created.is_some_and(|stamp| stamp.author == person),
        holder: *role == Role::Holder,
    };
    let met = Now { view, key };
    is_proposal(Rules::ALL, &view.kind, editor, (key, value), &met)
}

/// Whether anything that an entry says now would be a proposal if somebody in this role wrote it
/// otherwise.
pub fn proposes_any(view: &EntryView, role: &Role, person: PersonId) -> bool {
    let mut said = view.fields.iter().filter(|field| !field.claims.is_empty());
    said.any(|field| proposes(view, role, person, &field.key, None))
}
