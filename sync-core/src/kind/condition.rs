//! Condition: a disease or something in a person's history (*maladie, antécédent*).
//!
//! | key | value |
//! | --- | --- |
//! | `label` | a [`Label`] |
//! | `severity` | [`Severity`] |
//! | `verification` | [`Verification`] |
//! | `ended` | when it was over, an [`Occurred`] |

use super::allergy::{Severity, Verification};
use super::common::{LABEL, VERIFICATION};
use super::declare::kind;
use super::{Invalid, Kind, Label, Occurred};

/// How severe it is.
pub const SEVERITY: &str = "severity";
/// When it was over.
pub const ENDED: &str = "ended";

fn check(draft: &ConditionDraft) -> Result<(), Invalid> {
    match (draft.common.occurred, draft.ended) {
        (Some(from), Some(to)) if to.last_day() < from.first_day() => {
            Err(Invalid::OutOfBounds { field: ENDED })
        }
        _ => Ok(()),
    }
}

kind! {
    /// A condition as an app fills it in.
    #[derive(Default)]
    #[serde(default)]
    ConditionDraft,
    /// A partial edit of a condition.
    ConditionPatch: Kind::Condition;
    check check;
    required {
        /// Which.
        label: Label = LABEL, "Condition", "Maladie";
    }
    optional {
        /// How severe.
        severity: Severity = SEVERITY, "Severity", "Sévérité";
        /// How sure.
        verification: Verification = VERIFICATION, "Certainty", "Certitude";
        /// When it was over.
        ended: Occurred = ENDED, "Ended", "Fin";
    }
}
