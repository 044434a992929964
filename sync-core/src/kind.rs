//! Kinds of entry: typed drafts and edits, validation, and the field tables behind both.
//!
//! An app fills in a draft and gets writes; it fills in a patch and gets the writes of a partial
//! edit. Every kind has a schema version. Within a kind a key never changes its type or meaning;
//! a newer version adds keys and codes, and an older one keeps what it does not know, because it
//! never rewrites it. [`validate`] is what the server asks after every change.
//!
//! Keys common to all kinds are in [`common`] and [`crate::entry`]; each kind's module lists its
//! own.

pub mod allergy;
pub mod blood_group;
mod code;
pub mod common;
pub mod condition;
pub mod contact;
pub mod decision;
mod draft;
mod field;
mod invalid;
mod json;
mod label;
pub mod medication;
pub mod note;
mod occurred;
pub mod right;
mod words;
mod write;

#[cfg(test)]
mod tests;

pub use allergy::{
    AllergyCategory, AllergyDraft, AllergyPatch, Criticality, Reaction, Severity, Verification,
};
pub use blood_group::{Abo, BloodGroup, BloodGroupDraft, BloodGroupPatch, BloodGroupSource, RhD};
pub use common::{Common, CommonPatch, LABEL_MAX, Status, StatusCode};
pub use condition::{ConditionDraft, ConditionPatch};
pub use contact::{EmergencyContactDraft, EmergencyContactPatch, Phone};
pub use decision::{ReviewDecisionDraft, ReviewDecisionPatch, Verdict};
pub use draft::{Draft, Patch};
pub use field::{FieldSpec, Join, Shape};
pub use invalid::Invalid;
pub use json::{Extra, JsonScalar, Member, MemberShape, Structure, same_value};
pub use label::{Label, normalise};
pub use medication::{MedicationTakenDraft, MedicationTakenPatch, Regimen};
pub use note::{OwnNoteDraft, OwnNotePatch};
pub use occurred::{NotADate, Occurred};
pub use right::{RightDraft, RightPatch};
pub use words::Words;
pub use write::{Edit, Read};

use serde::{Deserialize, Serialize};

use crate::entry::{self, EntryState, Value};
use crate::policy::RightKind;

/// The most members of one set.
pub const MEMBERS_MAX: usize = 64;

/// What kind of entry it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Kind {
    /// Allergy or intolerance, or the statement that none is known.
    Allergy,
    /// *Maladie, antécédent*
    Condition,
    /// What the person takes.
    MedicationTaken,
    /// *Personne à prévenir*
    EmergencyContact,
    /// Blood group with its source.
    BloodGroup,
    /// What the patient writes for themself.
    OwnNote,
    /// A professional's right.
    Grant,
    /// A person kept out.
    Block,
    /// A caregiver's or representative's right.
    Delegation,
    /// The *médecin traitant*.
    TreatingPhysician,
    /// A person who sees hidden entries too.
    Administrator,
    /// What was decided on an item of the to-review list.
    ReviewDecision,
    /// A kind of a newer version, kept and shown by its common fields.
    Unknown(String),
}

impl Kind {
    /// The kinds of this version.
    pub const ALL: &'static [Kind] = &[
        Kind::Allergy,
        Kind::Condition,
        Kind::MedicationTaken,
        Kind::EmergencyContact,
        Kind::BloodGroup,
        Kind::OwnNote,
        Kind::Grant,
        Kind::Block,
        Kind::Delegation,
        Kind::TreatingPhysician,
        Kind::Administrator,
        Kind::ReviewDecision,
    ];

    /// The kind of an entry; nothing for one without any.
    pub fn of(state: &EntryState) -> Option<Kind> {
        state.kind().map(Kind::from)
    }

    /// How it is written.
    pub fn code(&self) -> &str {
        match self {
            Kind::Allergy => "allergy",
            Kind::Condition => "condition",
            Kind::MedicationTaken => "medication-taken",
            Kind::EmergencyContact => "emergency-contact",
            Kind::BloodGroup => "blood-group",
            Kind::OwnNote => "own-note",
            Kind::Grant => RightKind::Grant.as_str(),
            Kind::Block => RightKind::Block.as_str(),
            Kind::Delegation => RightKind::Delegation.as_str(),
            Kind::TreatingPhysician => RightKind::TreatingPhysician.as_str(),
            Kind::Administrator => RightKind::Administrator.as_str(),
            Kind::ReviewDecision => "review-decision",
            Kind::Unknown(code) => code,
        }
    }

    /// The schema version this code writes.
    pub fn schema(&self) -> u64 {
        1
    }

    /// Which right it is, if it is one.
    pub fn right(&self) -> Option<RightKind> {
        RightKind::parse(self.code())
    }

    /// Whether it is a medical fact, which a clinician's word confirms.
    pub fn is_clinical(&self) -> bool {
        matches!(
            self,
            Kind::Allergy
                | Kind::Condition
                | Kind::MedicationTaken
                | Kind::BloodGroup
                | Kind::Unknown(_)
        )
    }

    /// What people call it; for a kind of a newer version, that it is one.
    pub fn title(&self) -> Words {
        match self {
            Kind::Allergy => Words::new("Allergy", "Allergie"),
            Kind::Condition => Words::new("Condition", "Maladie ou antécédent"),
            Kind::MedicationTaken => Words::new("Medication taken", "Médicament pris"),
            Kind::EmergencyContact => {
                Words::new("Emergency contact", "Personne à prévenir en cas d’urgence")
            }
            Kind::BloodGroup => Words::new("Blood group", "Groupe sanguin"),
            Kind::OwnNote => Words::new("Own note", "Note personnelle"),
            Kind::Grant => Words::new("Authorised professional", "Professionnel autorisé"),
            Kind::Block => Words::new("Blocked person", "Personne bloquée"),
            Kind::Delegation => Words::new("Delegation", "Délégation"),
            Kind::TreatingPhysician => Words::new("Treating physician", "Médecin traitant"),
            Kind::Administrator => Words::new("Administrator", "Administrateur"),
            Kind::ReviewDecision => {
                Words::new("Review decision", "Décision sur un point à vérifier")
            }
            Kind::Unknown(_) => Words::new(
                "Entry of a newer version",
                "Élément d’une version plus récente",
            ),
        }
    }

    /// The fields of this kind beside the common ones.
    pub fn own_fields(&self) -> &'static [FieldSpec] {
        match self {
            Kind::Allergy => allergy::FIELDS,
            Kind::Condition => condition::FIELDS,
            Kind::MedicationTaken => medication::FIELDS,
            Kind::EmergencyContact => contact::FIELDS,
            Kind::BloodGroup => blood_group::FIELDS,
            Kind::OwnNote => note::FIELDS,
            Kind::Grant => right::GRANT_FIELDS,
            Kind::Delegation => right::DELEGATION_FIELDS,
            Kind::Block | Kind::TreatingPhysician | Kind::Administrator => right::FIELDS,
            Kind::ReviewDecision => decision::FIELDS,
            Kind::Unknown(_) => &[],
        }
    }

    /// What the tables say of a key, or of the set a key with a slash belongs to; nothing for a
    /// key this version does not know.
    pub fn field(&self, key: &str) -> Option<&'static FieldSpec> {
        let (name, member) = match key.split_once('/') {
            Some((name, _)) => (name, true),
            None => (key, false),
        };
        let own = self.own_fields().iter();
        own.chain(common::FIELDS)
            .find(|spec| spec.key == name && (spec.join == Join::Union) == member)
    }

    /// Checks that every required field is there.
    fn check_complete(&self, has: impl Fn(&str) -> bool) -> Result<(), Invalid> {
        let missing = self
            .own_fields()
            .iter()
            .find(|spec| spec.required && !has(spec.key));
        missing.map_or(Ok(()), |spec| Err(Invalid::Missing { field: spec.key }))
    }
}

impl From<&str> for Kind {
    fn from(code: &str) -> Self {
        let known = Kind::ALL.iter().find(|kind| kind.code() == code);
        known.map_or_else(|| Kind::Unknown(code.to_owned()), Kind::clone)
    }
}

impl From<String> for Kind {
    fn from(code: String) -> Self {
        Kind::from(code.as_str())
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.code().to_owned()
    }
}

impl From<RightKind> for Kind {
    fn from(right: RightKind) -> Self {
        Kind::from(right.as_str())
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// The key that says what an entry of this kind is about.
pub fn main_field(kind: &Kind) -> &'static str {
    match kind {
        Kind::MedicationTaken => medication::REGIMEN,
        Kind::EmergencyContact => contact::NAME,
        Kind::BloodGroup => blood_group::BLOOD_GROUP,
        Kind::ReviewDecision => decision::ITEM,
        kind if kind.right().is_some() => entry::PERSON,
        _ => common::LABEL,
    }
}

/// The schema version an entry was written with, the highest when several stand.
pub fn schema(state: &EntryState) -> u64 {
    let versions = state.values(entry::SCHEMA).filter_map(|value| match value {
        Value::Uint(version) => Some(*version),
        _ => None,
    });
    versions.max().unwrap_or(0)
}

/// Whether an entry may stand as it is: every known key holds what its kind's tables allow, and
/// nothing required is missing.
///
/// What an entry is by its creation stays so: a statement that no allergy is known never comes of
/// an allergy, nor an allergy of it.
///
/// Unknown kinds, unknown keys, and the codes of a newer schema version are tolerated; another
/// type under a known key is not, in any version.
///
/// # Errors
/// Names the first field that cannot stand, never its content.
pub fn validate(state: &EntryState) -> Result<(), Invalid> {
    let kind = Kind::of(state).ok_or(Invalid::Missing { field: entry::KIND })?;
    let newer = schema(state) > kind.schema();
    for (key, claims) in &state.fields {
        if let Some(spec) = kind.field(key) {
            claims
                .iter()
                .try_for_each(|claim| spec.check(&claim.value, newer))?;
        }
    }
    for spec in kind.own_fields() {
        let later = || state.history.iter().filter(|past| !past.deps.is_empty());
        if spec.fixed && later().any(|past| past.wrote(spec.key).is_some()) {
            return Err(Invalid::Fixed { field: spec.key });
        }
        let union = spec.join == Join::Union;
        if union && state.members(spec.key).count() > MEMBERS_MAX {
            return Err(Invalid::TooMany {
                field: spec.key,
                max: MEMBERS_MAX,
            });
        }
    }
    if kind == Kind::Allergy {
        allergy::check_statement(state)?;
    }
    if newer {
        return Ok(());
    }
    kind.check_complete(|key| !state.claims(key).is_empty())
}
