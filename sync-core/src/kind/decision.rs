//! Review decisions: what somebody decided on an item of the to-review list.
//!
//! | key | value |
//! | --- | --- |
//! | `item` | the key of the item, text |
//! | `decision` | [`Verdict`] |
//! | `change` | for a held edit: its change, as hexadecimal text |
//!
//! A decision inherits the strictest visibility of what it touches.

use super::Kind;
use super::code::codes;
use super::declare::kind;

/// Which item.
pub const ITEM: &str = "item";
/// What was decided.
pub const DECISION: &str = "decision";
/// Which held change.
pub const CHANGE: &str = "change";

codes! {
    /// What can be decided on an item of the to-review list.
    Verdict {
        /// A proposal or a held edit is taken up.
        Accept = "accept", "accept", "accepter";
        /// It is left out.
        Discard = "discard", "discard", "écarter";
        /// Seen, and right as it stands.
        Confirm = "confirm", "confirm", "confirmer";
        /// The linked entries are about different things.
        NotADuplicate = "not-a-duplicate", "not a duplicate", "pas un doublon";
    }
}

kind! {
    /// A decision as an app fills it in; the to-review list prepares it.
    ReviewDecisionDraft,
    /// A partial edit of a decision; taking it back is the status `revoked`.
    ReviewDecisionPatch: Kind::ReviewDecision;
    required {
        /// The key of the item.
        item: String [300] = ITEM, "Item", "Élément";
        /// What was decided.
        decision: Verdict = DECISION, "Decision", "Décision";
    }
    optional {
        /// For a held edit: its change, as hexadecimal text.
        change: String [64] = CHANGE, "Change", "Modification";
    }
}
