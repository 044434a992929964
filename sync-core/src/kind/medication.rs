//! Medication taken: what the person really takes, whoever prescribed it.
//!
//! | key | value |
//! | --- | --- |
//! | `regimen` | a [`Regimen`]: one value, never merged part by part |
//!
//! The entry has no `label`: its name is the regimen's product, so that a name never stands beside
//! another's dose.

use serde::{Deserialize, Serialize};

use super::common::{Common, CommonPatch, LINE_MAX};
use super::field::{FieldSpec, Join, Shape};
use super::json::{Extra, JsonScalar, Member, MemberShape, Structure};
use super::write::{Drafted, Read};
use super::{Invalid, Kind, Label, Occurred};
use crate::entry::Write;

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
            Member::new("product", MemberShape::Value(&Label::STRUCTURE)).required(),
            Member::new(
                "substances",
                MemberShape::List(SUBSTANCES_MAX, &Label::STRUCTURE),
            ),
            Member::new("form", MemberShape::Text(PART_MAX)),
            Member::new("route", MemberShape::Text(PART_MAX)),
            Member::new("dose", MemberShape::Decimal),
            Member::new("unit", MemberShape::Text(PART_MAX)),
            Member::new("frequency", MemberShape::Text(LINE_MAX)),
            Member::new("as-needed", MemberShape::Flag),
            Member::new("as-needed-maximum", MemberShape::Text(PART_MAX)),
            Member::new("starts", MemberShape::Date),
            Member::new("ends", MemberShape::Date),
        ],
    );

    fn check(&self, field: &'static str) -> Result<(), Invalid> {
        match (self.starts, self.ends) {
            (Some(starts), Some(ends)) if ends.last_day() < starts.first_day() => {
                Err(Invalid::OutOfBounds { field })
            }
            _ => Ok(()),
        }
    }
}

pub(crate) const FIELDS: &[FieldSpec] = &[FieldSpec::new(
    REGIMEN,
    Shape::Json(&Regimen::STRUCTURE),
    "Regimen",
    "Posologie",
)
.joins(Join::NeverMixed)
.required()];

/// A medication as an app fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MedicationTakenDraft {
    /// What is taken and how.
    pub regimen: Regimen,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl MedicationTakenDraft {
    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::MedicationTaken);
        out.json(REGIMEN, &self.regimen);
        self.common.write(&mut out);
        out.finish()
    }

    /// What stands in an entry, as a form shows it; where several values stand, one of them.
    pub fn read(from: &dyn Read) -> Self {
        MedicationTakenDraft {
            regimen: from.json(REGIMEN).unwrap_or_default(),
            common: Common::read(from),
        }
    }
}

/// A partial edit of a medication: the regimen changes as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MedicationTakenPatch {
    /// What is taken and how, from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regimen: Option<Regimen>,
    /// What every entry carries; stopping is a status.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl MedicationTakenPatch {
    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::MedicationTaken);
        if let Some(regimen) = &self.regimen {
            out.json(REGIMEN, regimen);
        }
        self.common.write(&mut out);
        out.finish()
    }
}
