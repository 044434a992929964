//! Pregnancy.
//!
//! | key | value |
//! | --- | --- |
//! | `due` | the day the child is due |
//! | `outcome` | [`PregnancyOutcome`] |
//! | `ended` | when it was over |

use jiff::civil::Date;

use super::code::codes;
use super::declare::kind;
use super::{Kind, Occurred};

/// The day the child is due.
pub const DUE: &str = "due";
/// How it ended.
pub const OUTCOME: &str = "outcome";
/// When it ended.
pub const ENDED: &str = "ended";

codes! {
    /// How a pregnancy ended.
    PregnancyOutcome {
        /// A child was born alive.
        LiveBirth = "live-birth", "live birth", "naissance vivante";
        /// A child was stillborn.
        Stillbirth = "stillbirth", "stillbirth", "mort-né";
        /// It ended by itself.
        Miscarriage = "miscarriage", "miscarriage", "fausse couche";
        /// It was ended.
        Termination = "termination", "termination", "interruption de grossesse";
        /// It was ectopic.
        Ectopic = "ectopic", "ectopic pregnancy", "grossesse extra-utérine";
        /// Nobody said.
        Unknown = "unknown", "unknown", "inconnue";
    }
}

kind! {
    /// A pregnancy as an app fills it in.
    PregnancyDraft,
    /// A partial edit of a pregnancy.
    PregnancyPatch: Kind::Pregnancy;
    required {
        /// The day the child is due.
        due: Date = DUE, "Due date", "Terme prévu";
    }
    optional {
        /// How it ended.
        outcome: PregnancyOutcome = OUTCOME, "Outcome", "Issue";
        /// When it ended.
        ended: Occurred = ENDED, "Ended", "Fin";
    }
}
