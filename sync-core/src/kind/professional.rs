//! Professionals and establishments as parts of other values; and `professional-seen`, somebody
//! whom the person sees, added by hand.
//!
//! | key | value |
//! | --- | --- |
//! | `professional` | a [`Professional`] |

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::declare::kind;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::{Invalid, Kind, Label};
use crate::identity::{Finess, Rpps};

/// Who it is.
pub const PROFESSIONAL: &str = "professional";

const NAME_MAX: usize = 200;

codes! {
    /// What somebody is by training; the professions of the habilitation matrix.
    ProfessionCode {
        /// *Médecin*
        Physician = "physician", "physician", "médecin";
        /// *Sage-femme*
        Midwife = "midwife", "midwife", "sage-femme";
        /// *Chirurgien-dentiste*
        Dentist = "dentist", "dentist", "chirurgien-dentiste";
        /// *Pharmacien*
        Pharmacist = "pharmacist", "pharmacist", "pharmacien";
        /// *Infirmier*
        Nurse = "nurse", "nurse", "infirmier";
        /// Physiotherapist, psychologist, optician …
        Paramedical = "other", "other health professional", "autre professionnel de santé";
    }
}

/// A health professional, as far as the author knows them; nobody has verified it. As JSON:
/// `{"name", "profession"?, "specialty"?, "rpps"?, "organisation"?}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Professional {
    /// Their name.
    pub name: String,
    /// What they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profession: Option<ProfessionCode>,
    /// Cardiology, general practice …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<Label>,
    /// Their number in the shared directory: 11 digits that check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpps: Option<String>,
    /// Where they work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl From<&str> for Professional {
    fn from(name: &str) -> Self {
        Professional {
            name: name.to_owned(),
            ..Professional::default()
        }
    }
}

impl JsonScalar for Professional {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "professional",
        &[
            Member::new("name", MemberShape::Text(NAME_MAX), "name", "nom")
                .required()
                .bare(),
            Member::new(
                "profession",
                MemberShape::Code(ProfessionCode::LIST),
                "profession",
                "profession",
            )
            .bare(),
            Member::new(
                "specialty",
                MemberShape::Value(&Label::STRUCTURE),
                "specialty",
                "spécialité",
            )
            .bare(),
            Member::new("rpps", MemberShape::Text(11), "RPPS", "RPPS"),
            Member::new(
                "organisation",
                MemberShape::Text(NAME_MAX),
                "organisation",
                "structure",
            )
            .bare(),
        ],
    );

    fn called(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        let parsed = self.rpps.as_deref().map(Rpps::parse);
        well_formed(field, parsed.is_none_or(|rpps| rpps.is_ok()))
    }
}

/// A health establishment. As JSON: `{"name", "finess"?, "place"?}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    /// What it is called.
    pub name: String,
    /// Its number in the directory of establishments: 9 characters that check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finess: Option<String>,
    /// The town.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl From<&str> for Facility {
    fn from(name: &str) -> Self {
        Facility {
            name: name.to_owned(),
            ..Facility::default()
        }
    }
}

impl JsonScalar for Facility {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "facility",
        &[
            Member::new("name", MemberShape::Text(NAME_MAX), "name", "nom")
                .required()
                .bare(),
            Member::new("finess", MemberShape::Text(9), "FINESS", "FINESS"),
            Member::new("place", MemberShape::Text(NAME_MAX), "place", "lieu").bare(),
        ],
    );

    fn called(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        let parsed = self.finess.as_deref().map(Finess::parse);
        well_formed(field, parsed.is_none_or(|finess| finess.is_ok()))
    }
}

/// Passes what is so, and calls anything else malformed.
pub(crate) fn well_formed(field: &'static str, so: bool) -> Result<(), Invalid> {
    so.then_some(()).ok_or(Invalid::Malformed { field })
}

kind! {
    /// Somebody whom the person sees, as an app fills it in; those of consultations need not be
    /// added (see [`crate::views::professionals_seen`]).
    ProfessionalSeenDraft,
    /// A partial edit of a professional seen.
    ProfessionalSeenPatch: Kind::ProfessionalSeen;
    required {
        /// Who.
        professional: Professional = PROFESSIONAL, "Professional", "Professionnel";
    }
}
