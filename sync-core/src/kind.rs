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
pub mod care;
mod code;
pub mod common;
pub mod condition;
pub mod contact;
mod content;
pub mod decision;
mod declare;
pub mod device;
pub mod document;
mod edition;
pub mod family;
mod field;
mod form;
pub mod immunization;
mod invalid;
mod json;
mod label;
pub mod life;
pub mod measurement;
pub mod medication;
pub mod note;
mod occurred;
pub mod pregnancy;
pub mod prescription;
pub mod professional;
pub mod right;
mod say;
mod scalar;
pub mod switches;
mod table;
pub mod ucum;
pub mod vital_sign;
pub mod wishes;
mod words;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub use allergy::{
    AllergyCategory, AllergyDraft, AllergyPatch, Criticality, Reaction, Severity, Verification,
};
pub use blood_group::{Abo, BloodGroup, BloodGroupDraft, BloodGroupPatch, BloodGroupSource, RhD};
pub use care::{
    ConsultationDraft, ConsultationPatch, HospitalStayDraft, HospitalStayPatch, ProcedureDraft,
    ProcedurePatch, Stay,
};
pub use code::Codes;
pub(crate) use code::codes;
pub use common::{Common, CommonPatch, LABEL_MAX, Status, StatusCode};
pub use condition::{ConditionDraft, ConditionPatch};
pub use contact::{
    CaregiverContactDraft, CaregiverContactPatch, EmergencyContactDraft, EmergencyContactPatch,
    HelpContactDraft, HelpContactPatch, Phone, TrustedPersonDraft, TrustedPersonPatch,
};
pub use content::{Attachment, Content, MediaType};
pub use decision::{ReviewDecisionDraft, ReviewDecisionPatch, Verdict};
pub use declare::SetMember;
pub use device::{DeviceDraft, DevicePatch, MriSafety};
pub use document::{DocumentDraft, DocumentType, XdsType};
pub use edition::{Edition, Tables};
pub use family::{FamilyHistoryDraft, FamilyHistoryPatch, Relative};
pub use field::{FieldSpec, Join, Shape};
pub use form::Filled;
pub use immunization::{Immunization, ImmunizationDraft, ImmunizationPatch};
pub use invalid::Invalid;
pub use json::{Extra, JsonScalar, Member, MemberShape, Structure, same_value};
pub use label::{Label, normalise};
pub use life::{
    DisabilityDraft, DisabilityPatch, Lifestyle, LifestyleDraft, LifestylePatch, LifestyleStatus,
    LifestyleTopic,
};
pub use measurement::{Component, Measurement, MeasurementDraft, MeasurementPatch};
pub use medication::{MedicationTakenDraft, MedicationTakenPatch, Regimen};
pub use note::{OwnNoteDraft, OwnNotePatch};
pub use occurred::{NotADate, Occurred};
pub use pregnancy::{PregnancyDraft, PregnancyOutcome, PregnancyPatch};
pub use prescription::{
    Dispensation, MedicationDispensedDraft, MedicationDispensedPatch, MedicationPrescribedDraft,
    MedicationPrescribedPatch, NonSubstitutable, Prescription, PrescriptionLine,
};
pub use professional::{
    Facility, ProfessionCode, Professional, ProfessionalSeenDraft, ProfessionalSeenPatch,
};
pub use right::{RightDraft, RightPatch};
pub use say::Said;
pub use scalar::Scalar;
pub use switches::{EmergencySwitchesDraft, EmergencySwitchesPatch};
pub use table::{Draft, Kind, Patch};
pub use vital_sign::VitalSign;
pub use wishes::{
    AdvanceDirectiveDraft, AdvanceDirectivePatch, DirectiveType, DonationDecision, OrganDonation,
    OrganDonationDraft, OrganDonationPatch,
};
pub use words::Words;
pub use write::{Edit, Read};

use crate::entry::{self, EntryState, Value};
use crate::policy::RightKind;

/// The most members of one set.
pub const MEMBERS_MAX: usize = 64;

impl Kind {
    /// The kind of an entry; nothing for one without any.
    pub fn of(state: &EntryState) -> Option<Kind> {
        state.kind().map(Kind::from)
    }

    /// The kinds of the documents of this version's value set.
    pub fn documents() -> impl Iterator<Item = Kind> {
        let types = XdsType::all().filter_map(|known| DocumentType::parse(known.code));
        types.map(Kind::Document)
    }

    /// Whether entries of a kind, by its code, come before the others to a device that has nothing yet:
    /// those that vital facts are made of, what an emergency card goes by, and rights.
    ///
    /// Cursors of walks under way say how far their like has come: whoever adds to these kinds gives
    /// such cursors another layout.
    pub fn is_vital(code: &str) -> bool {
        Kind::VITAL.iter().any(|kind| kind.code() == code)
    }

    /// The kinds that are vital.
    pub const VITAL: &'static [Kind] = &[
        Kind::Allergy,
        Kind::MedicationTaken,
        Kind::Condition,
        Kind::BloodGroup,
        Kind::Pregnancy,
        Kind::Device,
        Kind::EmergencyContact,
        Kind::TrustedPerson,
        Kind::AdvanceDirective,
        Kind::OrganDonation,
        Kind::EmergencySwitches,
        Kind::ReviewDecision,
        Kind::Grant,
        Kind::Block,
        Kind::Delegation,
        Kind::TreatingPhysician,
        Kind::Administrator,
    ];

    /// Which right it is, if it is one that names a person.
    pub fn right(&self) -> Option<RightKind> {
        RightKind::parse(self.code())
    }

    /// What a value of a key names an entry; the [`main_field`] names it first, then the label.
    pub fn called(&self, key: &str, value: &Value) -> Option<String> {
        let text = value.as_text()?;
        match self.field(key)?.shape {
            Shape::Json(structure) => structure.called(text),
            Shape::Text(_) if *self != Kind::ReviewDecision => Some(text.to_owned()),
            _ => None,
        }
    }

    /// When what an entry of this kind tells happened, as exactly as people know it.
    pub fn happened(&self, from: &dyn Read) -> Option<Occurred> {
        let own = self.own_fields().iter().find_map(|spec| match spec.shape {
            Shape::Json(structure) if spec.required => {
                structure.when(from.value(spec.key)?.as_text()?)
            }
            _ => None,
        });
        own.or_else(|| from.scalar(common::OCCURRED))
    }

    /// What the tables say of a key, or of the set a key with a slash belongs to; nothing for a
    /// key this version does not know.
    pub fn field(&self, key: &str) -> Option<&'static FieldSpec> {
        Tables::CURRENT.field(self, key)
    }
}

impl From<&str> for Kind {
    fn from(code: &str) -> Self {
        let known = Kind::ALL.iter().find(|kind| kind.code() == code);
        let known = known.cloned();
        known
            .or_else(|| DocumentType::of_kind(code).map(Kind::Document))
            .unwrap_or_else(|| Kind::Unknown(code.to_owned()))
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

/// The key that says what an entry of this kind is about: the first of its table.
pub fn main_field(kind: &Kind) -> &'static str {
    let first = kind.own_fields().first();
    first.map_or(common::LABEL, |spec| spec.key)
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
    validate_by(Tables::CURRENT, state)
}

/// [`validate`] as a program does it that goes by these tables.
///
/// # Errors
/// As [`validate`].
pub fn validate_by(tables: Tables, state: &EntryState) -> Result<(), Invalid> {
    let kind = Kind::of(state).ok_or(Invalid::Missing { field: entry::KIND })?;
    let newer = schema(state) > tables.schema(&kind);
    for (key, claims) in &state.fields {
        if let Some(spec) = tables.field(&kind, key) {
            claims
                .iter()
                .try_for_each(|claim| spec.check(&claim.value, newer))?;
        }
    }
    for spec in tables.own_fields(&kind) {
        let later = || state.history.iter().filter(|past| !past.deps.is_empty());
        let union = spec.join == Join::Union;
        let of_field = |write: &entry::Write| match union {
            true => write::is_member(&write.key, spec.key),
            false => write.key == spec.key,
        };
        if spec.fixed && later().any(|past| past.writes.iter().any(of_field)) {
            return Err(Invalid::Fixed { field: spec.key });
        }
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
    if kind == Kind::AdvanceDirective {
        wishes::check_directive(state)?;
    }
    check_complete(tables, &kind, |key| !state.claims(key).is_empty())
}

/// Checks that every required field is there.
fn check_complete(tables: Tables, kind: &Kind, has: impl Fn(&str) -> bool) -> Result<(), Invalid> {
    let mut fields = tables.own_fields(kind).iter();
    let missing = fields.find(|spec| spec.required && !has(spec.key));
    missing.map_or(Ok(()), |spec| Err(Invalid::Missing { field: spec.key }))
}
