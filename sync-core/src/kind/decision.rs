//! Review decisions: what somebody decided on an item of the to-review list.
//!
//! | key | value |
//! | --- | --- |
//! | `item` | the key of the item, text |
//! | `decision` | [`Verdict`] |
//! | `assignee` | of an assignment: to whom; without it, nobody has the item any more |
//! | `about` | the kinds of entry the item is about, a space between two |
//! | `on` | the entries the item is about, a space between two |
//! | `change` | for a held edit: its change, as hexadecimal text |
//!
//! A decision inherits the strictest visibility of what it touches, keeps the strictest that it ever
//! had, and whoever may not read one of the kinds it is about may not read it either. An assignment
//! is a decision of its own: it settles nothing, and says who looks after the item. What was decided
//! never changes; taking it back is the status `revoked`.

use super::Kind;
use super::code::codes;
use super::declare::kind;
use crate::PersonId;

/// Which item.
pub const ITEM: &str = "item";
/// What was decided.
pub const DECISION: &str = "decision";
/// Of an assignment: to whom.
pub const ASSIGNEE: &str = "assignee";
/// The kinds of entry the item is about, a space between two.
pub const ABOUT: &str = "about";
/// The entries the item is about, a space between two.
pub const ON: &str = "on";
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
        /// Somebody looks after it, or nobody any more.
        Assign = "assign", "assigned", "confié";
    }
}

kind! {
    /// A decision as an app fills it in; the to-review list prepares it.
    ReviewDecisionDraft,
    /// A partial edit of a decision: what was decided never changes. Taking it back is the status
    /// `revoked`; deciding otherwise is another decision.
    ReviewDecisionPatch: Kind::ReviewDecision;
    fixed_required {
        /// The key of the item; of an assignment, its topic.
        item: String [300] = ITEM, "Item", "Élément";
        /// What was decided.
        decision: Verdict = DECISION, "Decision", "Décision";
    }
    fixed {
        /// Of an assignment: to whom; nobody when left out.
        assignee: PersonId = ASSIGNEE, "Assigned to", "Confié à";
        /// The kinds of entry the item is about, a space between two.
        about: String [300] = ABOUT, "About", "Concerne";
        /// The entries the item is about, a space between two.
        on: String [8000] = ON, "On", "Porte sur";
        /// For a held edit: its change, as hexadecimal text.
        change: String [64] = CHANGE, "Change", "Modification";
    }
}
