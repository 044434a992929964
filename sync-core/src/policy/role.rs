//! Roles and professions.

use serde::{Deserialize, Serialize};

use crate::kind::Words;

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

impl Profession {
    /// All of them.
    pub const ALL: [Profession; 6] = [
        Profession::Physician,
        Profession::Midwife,
        Profession::Dentist,
        Profession::Pharmacist,
        Profession::Nurse,
        Profession::Other,
    ];

    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Profession::Physician => "physician",
            Profession::Midwife => "midwife",
            Profession::Dentist => "dentist",
            Profession::Pharmacist => "pharmacist",
            Profession::Nurse => "nurse",
            Profession::Other => "other",
        }
    }

    /// What people call it.
    pub fn words(self) -> Words {
        match self {
            Profession::Physician => Words::new("physician", "médecin"),
            Profession::Midwife => Words::new("midwife", "sage-femme"),
            Profession::Dentist => Words::new("dentist", "chirurgien-dentiste"),
            Profession::Pharmacist => Words::new("pharmacist", "pharmacien"),
            Profession::Nurse => Words::new("nurse", "infirmier"),
            Profession::Other => Words::new("health professional", "professionnel de santé"),
        }
    }

    /// Reads what [`Profession::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
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

impl Role {
    /// How it is written: on the wire, in the access log, in an origin.
    pub fn as_str(&self) -> &str {
        match self {
            Role::Holder => "holder",
            Role::Caregiver => "caregiver",
            Role::Representative => "representative",
            Role::Professional(Profession::Other) => "professional",
            Role::Professional(profession) => profession.as_str(),
            Role::Desk => "desk",
            Role::System => "system",
            Role::Other(text) => text,
        }
    }

    /// What people call it; nothing for a role of a newer version.
    pub fn words(&self) -> Option<Words> {
        Some(match self {
            Role::Holder => Words::new("holder", "titulaire"),
            Role::Caregiver => Words::new("caregiver", "aidant"),
            Role::Representative => Words::new("legal representative", "représentant légal"),
            Role::Professional(profession) => profession.words(),
            Role::Desk => Words::new("insurance desk", "guichet de l’assurance"),
            Role::System => Words::new("server", "serveur"),
            Role::Other(_) => return None,
        })
    }
}

impl From<&str> for Role {
    fn from(text: &str) -> Self {
        match text {
            "holder" => Role::Holder,
            "caregiver" => Role::Caregiver,
            "representative" => Role::Representative,
            "professional" => Role::Professional(Profession::Other),
            "desk" => Role::Desk,
            "system" => Role::System,
            _ => match Profession::parse(text) {
                // "other" is no role: a professional of another kind is written "professional".
                None | Some(Profession::Other) => Role::Other(text.to_owned()),
                Some(profession) => Role::Professional(profession),
            },
        }
    }
}

impl From<String> for Role {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.as_str().to_owned()
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_survives(text in "holder|caregiver|representative|physician|midwife|dentist|\
            pharmacist|nurse|professional|other|desk|system|[a-z-]{0,12}|.*") {
            prop_assert_eq!(String::from(Role::from(text.clone())), text);
        }
    }

    #[test]
    fn serde_and_as_str_agree() -> Result<(), serde_json::Error> {
        for profession in Profession::ALL {
            let text = serde_json::to_string(&profession)?;
            assert_eq!(text, format!("\"{}\"", profession.as_str()));
            assert_eq!(Profession::parse(profession.as_str()), Some(profession));
        }
        Ok(())
    }
}
