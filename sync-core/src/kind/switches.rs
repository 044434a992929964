//! Emergency switches: what the holder lets happen in an emergency. A right: the holder's alone.
//!
//! | key | value |
//! | --- | --- |
//! | `regulator-opposed` | the ambulance regulator may not open the record |
//! | `break-glass-opposed` | no other doctor may break the glass |
//! | `show-hidden` | who breaks the glass sees hidden entries too; absent: no |
//!
//! Set apart, the most restrictive wins. Without an entry nothing is opposed and nothing hidden is
//! shown.

use super::Kind;
use super::declare::kind;
use super::field::Join;

/// The ambulance regulator may not open the record.
pub const REGULATOR_OPPOSED: &str = "regulator-opposed";
/// No other doctor may break the glass.
pub const BREAK_GLASS_OPPOSED: &str = "break-glass-opposed";
/// Who breaks the glass sees hidden entries too.
pub const SHOW_HIDDEN: &str = "show-hidden";

kind! {
    /// The switches as an app fills them in.
    #[derive(Default)]
    #[serde(default)]
    EmergencySwitchesDraft,
    /// A partial edit of the switches.
    EmergencySwitchesPatch: Kind::EmergencySwitches;
    optional {
        /// Whether the holder opposes that the ambulance regulator opens the record.
        regulator_opposed: bool = REGULATOR_OPPOSED, "Not for the ambulance regulator",
            "Pas pour le régulateur du SAMU", Join::YesWins;
        /// Whether the holder opposes that other doctors break the glass.
        break_glass_opposed: bool = BREAK_GLASS_OPPOSED, "No break-glass access",
            "Pas d’accès « bris de glace »", Join::YesWins;
        /// Whether hidden entries are shown to who breaks the glass.
        show_hidden: bool = SHOW_HIDDEN, "Show hidden entries in an emergency",
            "Montrer les éléments masqués en urgence", Join::NoWins;
    }
}
