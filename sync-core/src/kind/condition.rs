//! Condition: a disease or something in a person's history (*maladie, antécédent*).
//!
//! | key | value |
//! | --- | --- |
//! | `label` | a [`Label`] |
//! | `severity` | [`Severity`] |
//! | `verification` | [`Verification`] |
//! | `ended` | when it was over, an [`Occurred`] |

use serde::{Deserialize, Serialize};

use super::allergy::{Severity, Verification};
use super::common::{Common, CommonPatch, LABEL, VERIFICATION};
use super::field::{FieldSpec, Shape};
use super::json::JsonScalar as _;
use super::write::{Drafted, Read};
use super::{Edit, Invalid, Kind, Label, Occurred};
use crate::entry::Write;

/// How severe it is.
pub const SEVERITY: &str = "severity";
/// When it was over.
pub const ENDED: &str = "ended";

pub(crate) const FIELDS: &[FieldSpec] = &[
    FieldSpec::new(
        LABEL,
        Shape::Json(&Label::STRUCTURE),
        "Condition",
        "Maladie",
    )
    .required(),
    FieldSpec::new(
        SEVERITY,
        Shape::Code(Severity::CODES),
        "Severity",
        "Sévérité",
    ),
    FieldSpec::new(
        VERIFICATION,
        Shape::Code(Verification::CODES),
        "Certainty",
        "Certitude",
    ),
    FieldSpec::new(ENDED, Shape::Date, "Ended", "Fin"),
];

/// A condition as an app fills it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConditionDraft {
    /// Which.
    pub label: Label,
    /// How severe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// How sure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Occurred>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl ConditionDraft {
    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::Condition);
        out.json(LABEL, &self.label);
        out.text(SEVERITY, self.severity.as_ref().map(Severity::code));
        out.text(
            VERIFICATION,
            self.verification.as_ref().map(Verification::code),
        );
        out.text(ENDED, self.ended.map(String::from));
        self.common.write(&mut out);
        if let (Some(from), Some(to)) = (self.common.occurred, self.ended)
            && to.last_day() < from.first_day()
        {
            return Err(Invalid::OutOfBounds { field: ENDED });
        }
        out.finish()
    }

    /// What stands in an entry, as a form shows it; where several values stand, one of them.
    pub fn read(from: &dyn Read) -> Self {
        ConditionDraft {
            label: from.json(LABEL).unwrap_or_default(),
            severity: from.code(SEVERITY),
            verification: from.code(VERIFICATION),
            ended: from.text(ENDED).and_then(|text| text.parse().ok()),
            common: Common::read(from),
        }
    }
}

/// A partial edit of a condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConditionPatch {
    /// Which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// How severe.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub severity: Edit<Severity>,
    /// How sure.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub verification: Edit<Verification>,
    /// When it was over.
    #[serde(skip_serializing_if = "Edit::is_keep")]
    pub ended: Edit<Occurred>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl ConditionPatch {
    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::Condition);
        if let Some(label) = &self.label {
            out.json(LABEL, label);
        }
        out.edit(SEVERITY, &self.severity, |code| code.code().into());
        out.edit(VERIFICATION, &self.verification, |code| code.code().into());
        out.edit(ENDED, &self.ended, |ended| String::from(*ended).into());
        self.common.write(&mut out);
        out.finish()
    }
}
