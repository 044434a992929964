//! Medication taken: what the person really takes, whoever prescribed it.
//!
//! | key | value |
//! | --- | --- |
//! | `regimen` | a [`Regimen`]: one value, never merged part by part |
//!
//! The entry has no `label`: its name is the regimen's product, so that a name never stands beside
//! another's dose.

use serde::{Deserialize, Serialize};

use super::common::LINE_MAX;
use super::declare::kind;
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::{Invalid, Join, Kind, Label, Occurred};

/// What is taken and how.
pub const REGIMEN: &str = "regimen";

const PART_MAX: usize = 200;
const SUBSTANCES_MAX: usize = 16;

/// What is taken and how. All of it is one value: half of one regimen and half of another is a
/// dose nobody prescribed. As JSON with kebab-case members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Regimen {
    /// The product.
    pub product: Label,
    /// Its active substances, by which the same substance taken twice is found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substances: Vec<Label>,
    /// Tablet, syrup …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// By mouth, on the skin …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// How much each time: a decimal number as text, so that no digit changes on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose: Option<String>,
    /// Of what: UCUM, or a word such as *comprimé*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How often, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<String>,
    /// Only when needed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_needed: bool,
    /// When needed, at most so much in a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_needed_maximum: Option<String>,
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Occurred>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Occurred>,
    /// Members of a newer version.
    #[serde(flatten)]
    pub other: Extra,
}

impl Regimen {
    /// What is compared to find the same substance twice: the substances, else the product.
    pub fn substances_or_product(&self) -> Vec<&Label> {
        if self.substances.is_empty() {
            vec![&self.product]
        } else {
            self.substances.iter().collect()
        }
    }
}

impl JsonScalar for Regimen {
    const STRUCTURE: Structure = Structure::of::<Self>(
        "regimen",
        &[
            Member::new(
                "product",
                MemberShape::Value(&Label::STRUCTURE),
                "product",
                "produit",
            )
            .required()
            .bare(),
            Member::new(
                "substances",
                MemberShape::List(SUBSTANCES_MAX, &Label::STRUCTURE),
                "active substances",
                "substances actives",
            ),
            Member::new("form", MemberShape::Text(PART_MAX), "form", "forme").bare(),
            Member::new("route", MemberShape::Text(PART_MAX), "route", "voie").bare(),
            Member::new("dose", MemberShape::Decimal, "dose", "dose").bare(),
            Member::new("unit", MemberShape::Text(PART_MAX), "unit", "unité").bare(),
            Member::new(
                "frequency",
                MemberShape::Text(LINE_MAX),
                "frequency",
                "fréquence",
            )
            .bare(),
            Member::new("as-needed", MemberShape::Flag, "when needed", "si besoin"),
            Member::new(
                "as-needed-maximum",
                MemberShape::Text(PART_MAX),
                "at most a day",
                "au plus par jour",
            ),
            Member::new("starts", MemberShape::Date, "from", "à partir du"),
            Member::new("ends", MemberShape::Date, "until", "jusqu’au"),
        ],
    );

    fn called(&self) -> Option<String> {
        self.product.called()
    }

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        match (self.starts, self.ends) {
            (Some(starts), Some(ends)) if ends.last_day() < starts.first_day() => {
                Err(Invalid::OutOfBounds { field })
            }
            _ => Ok(()),
        }
    }
}

kind! {
    /// A medication as an app fills it in.
    #[derive(Default)]
    #[serde(default)]
    MedicationTakenDraft,
    /// A partial edit of a medication: the regimen changes as a whole; stopping is a status.
    MedicationTakenPatch: Kind::MedicationTaken;
    required {
        /// What is taken and how.
        regimen: Regimen = REGIMEN, "Regimen", "Posologie", Join::NeverMixed;
    }
}
