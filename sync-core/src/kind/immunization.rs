//! Immunization: one dose of one vaccine (*vaccination*; FHIR Immunization).
//!
//! | key | value |
//! | --- | --- |
//! | `immunization` | an [`Immunization`]: vaccine, date and dose number, one value |
//! | `lot`, `site`, `route` | text |
//! | `performer` | a [`Professional`] |
//! | `expires` | the last day the lot may be used |

use serde::{Deserialize, Serialize};

use super::declare::kind;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::professional::Professional;
use super::{Kind, Label, Occurred};

/// Which dose of which vaccine, and when.
pub const IMMUNIZATION: &str = "immunization";
/// The lot.
pub const LOT: &str = "lot";
/// Where on the body.
pub const SITE: &str = "site";
/// By what route.
pub const ROUTE: &str = "route";
/// Who gave it.
pub const PERFORMER: &str = "performer";
/// The last day the lot may be used.
pub const EXPIRES: &str = "expires";

const PART_MAX: u32 = 200;

/// A dose of a vaccine. As JSON: `{"vaccine", "date", "dose"?}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Immunization {
    /// Which vaccine.
    pub vaccine: Label,
    /// When it was given.
    pub date: Occurred,
    /// The how-manieth dose, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose: Option<u32>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Immunization {
    /// A dose.
    pub fn new(vaccine: impl Into<Label>, date: Occurred, dose: Option<u32>) -> Self {
        Immunization {
            vaccine: vaccine.into(),
            date,
            dose,
            other: Extra::new(),
        }
    }
}

impl JsonScalar for Immunization {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "immunization",
        &[
            Member::new(
                "vaccine",
                MemberShape::Value(&Label::STRUCTURE),
                "vaccine",
                "vaccin",
            )
            .required()
            .bare(),
            Member::new("dose", MemberShape::Number, "dose", "dose"),
            Member::new("date", MemberShape::Date, "date", "date")
                .required()
                .bare(),
        ],
    );

    fn called(&self) -> Option<String> {
        self.vaccine.called()
    }

    fn when(&self) -> Option<Occurred> {
        Some(self.date)
    }
}

kind! {
    /// An immunization as an app fills it in.
    ImmunizationDraft,
    /// A partial edit of an immunization: vaccine, date and dose change as a whole.
    ImmunizationPatch: Kind::Immunization;
    required {
        /// Which dose of which vaccine, and when.
        immunization: Immunization = IMMUNIZATION, "Vaccine", "Vaccin";
    }
    optional {
        /// The lot.
        lot: String [PART_MAX] = LOT, "Lot", "Lot";
        /// Where on the body.
        site: String [PART_MAX] = SITE, "Site", "Site";
        /// By what route.
        route: String [PART_MAX] = ROUTE, "Route", "Voie";
        /// Who gave it.
        performer: Professional = PERFORMER, "Given by", "Administré par";
        /// The last day the lot may be used.
        expires: Occurred = EXPIRES, "Expires", "Péremption";
    }
}
