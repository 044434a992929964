//! Review decisions: what somebody decided on an item of the to-review list.
//!
//! | key | value |
//! | --- | --- |
//! | `item` | the key of the item, text |
//! | `decision` | [`Verdict`] |
//! | `change` | for a held edit: its change, as hexadecimal text |
//!
//! A decision inherits the strictest visibility of what it touches.

use serde::{Deserialize, Serialize};

use super::code::codes;
use super::common::{Common, CommonPatch};
use super::field::{FieldSpec, Shape};
use super::write::{Drafted, Read};
use super::{Invalid, Kind};
use crate::entry::Write;

/// Which item.
pub const ITEM: &str = "item";
/// What was decided.
pub const DECISION: &str = "decision";
/// Which held change.
pub const CHANGE: &str = "change";

const ITEM_MAX: usize = 300;

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

pub(crate) const FIELDS: &[FieldSpec] = &[
    FieldSpec::new(ITEM, Shape::Text(ITEM_MAX), "Item", "Élément").required(),
    FieldSpec::new(
        DECISION,
        Shape::Code(Verdict::CODES),
        "Decision",
        "Décision",
    )
    .required(),
    FieldSpec::new(CHANGE, Shape::Text(64), "Change", "Modification"),
];

/// A decision as an app fills it in; the to-review list prepares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewDecisionDraft {
    /// The key of the item.
    pub item: String,
    /// What was decided.
    pub decision: Verdict,
    /// For a held edit: its change, as hexadecimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl ReviewDecisionDraft {
    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::ReviewDecision);
        out.put(ITEM, self.item.as_str());
        out.put(DECISION, self.decision.code());
        out.text(CHANGE, self.change.clone());
        self.common.write(&mut out);
        out.finish()
    }

    /// What stands in an entry, as a form shows it; nothing when it decides nothing.
    pub fn read(from: &dyn Read) -> Option<Self> {
        Some(ReviewDecisionDraft {
            item: from.text(ITEM)?,
            decision: from.code(DECISION)?,
            change: from.text(CHANGE),
            common: Common::read(from),
        })
    }
}

/// A partial edit of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewDecisionPatch {
    /// Another decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Verdict>,
    /// What every entry carries; taking a decision back is the status `revoked`.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl ReviewDecisionPatch {
    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::ReviewDecision);
        out.text(DECISION, self.decision.as_ref().map(Verdict::code));
        self.common.write(&mut out);
        out.finish()
    }
}
