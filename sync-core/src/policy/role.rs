//! Roles and professions.

use serde::{Deserialize, Serialize};

/// A verified profession.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profession {
    /// *Médecin*
    Physician,
    /// *Sage-femme*
    Midwife,
    /// *Chirurgien-dentiste*
    Dentist,
    /// *Pharmacien*
    Pharmacist,
    /// *Infirmier*
    Nurse,
    /// Any other health professional.
    Other,
}

/// In what role somebody acts on a record. A role this version does not know is kept, and has no
/// right.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Role {
    /// The person whose record it is.
    Holder,
    /// An *aidant* the holder delegated to.
    Caregiver,
    /// A parent of a minor, or a guardian.
    Representative,
    /// A health professional.
    Professional(Profession),
    /// An insurance desk.
    Desk,
    /// The server itself, for acts done on paper.
    System,
    /// A role of a newer version.
    Other(String),
}

impl Role {
    /// Whether this is a clinician: physician, midwife or dentist.
    pub fn is_clinician(&self) -> bool {
        matches!(
            self,
            Role::Professional(Profession::Physician | Profession::Midwife | Profession::Dentist)
        )
    }
}

impl From<String> for Role {
    fn from(text: String) -> Self {
        match text.as_str() {
            "holder" => Role::Holder,
            "caregiver" => Role::Caregiver,
            "representative" => Role::Representative,
            "physician" => Role::Professional(Profession::Physician),
            "midwife" => Role::Professional(Profession::Midwife),
            "dentist" => Role::Professional(Profession::Dentist),
            "pharmacist" => Role::Professional(Profession::Pharmacist),
            "nurse" => Role::Professional(Profession::Nurse),
            "professional" => Role::Professional(Profession::Other),
            "desk" => Role::Desk,
            "system" => Role::System,
            _ => Role::Other(text),
        }
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        match role {
            Role::Holder => "holder",
            Role::Caregiver => "caregiver",
            Role::Representative => "representative",
            Role::Professional(Profession::Physician) => "physician",
            Role::Professional(Profession::Midwife) => "midwife",
            Role::Professional(Profession::Dentist) => "dentist",
            Role::Professional(Profession::Pharmacist) => "pharmacist",
            Role::Professional(Profession::Nurse) => "nurse",
            Role::Professional(Profession::Other) => "professional",
            Role::Desk => "desk",
            Role::System => "system",
            Role::Other(text) => return text,
        }
        .to_owned()
    }
}
