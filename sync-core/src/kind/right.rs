//! Rights: grant, block, delegation, *médecin traitant*, administrator.
//!
//! | key | value |
//! | --- | --- |
//! | `person` | whom it names, an identifier as text |
//! | `starts`, `ends` | ticks; in force from the first to before the second |
//! | `type` | of a delegation: `caregiver`, `parent`, `guardian` |
//! | `write` | of a grant: whether its person may write |
//!
//! Taking a right back is the status `revoked`; lifting a block is revoking it.

use serde::{Deserialize, Serialize};

use super::common::{Common, CommonPatch};
use super::field::{FieldSpec, Join, Shape};
use super::write::{Drafted, Read};
use super::{Edit, Invalid, Kind};
use crate::entry::{PERSON, Write};
use crate::policy::{DelegationType, RightKind};
use crate::{PersonId, Tick};

/// From when on.
pub const STARTS: &str = "starts";
/// Until when.
pub const ENDS: &str = "ends";
/// Of what type a delegation is.
pub const TYPE: &str = "type";
/// Whether a grant lets its person write.
pub const WRITE: &str = "write";

const PERSON_FIELD: FieldSpec =
    FieldSpec::new(PERSON, Shape::Person, "Person", "Personne").required();
const STARTS_FIELD: FieldSpec =
    FieldSpec::new(STARTS, Shape::Tick, "From", "À partir du").joins(Join::Later);
const ENDS_FIELD: FieldSpec =
    FieldSpec::new(ENDS, Shape::Tick, "Until", "Jusqu’au").joins(Join::Earlier);

pub(crate) const FIELDS: &[FieldSpec] = &[PERSON_FIELD, STARTS_FIELD, ENDS_FIELD];

/// Of a block the longest time is the most restrictive.
pub(crate) const BLOCK_FIELDS: &[FieldSpec] = &[
    PERSON_FIELD,
    STARTS_FIELD.joins(Join::Earlier),
    ENDS_FIELD.joins(Join::Later),
];

pub(crate) const GRANT_FIELDS: &[FieldSpec] = &[
    PERSON_FIELD,
    STARTS_FIELD,
    ENDS_FIELD,
    FieldSpec::new(WRITE, Shape::Flag, "May write", "Peut écrire").joins(Join::NoWins),
];

pub(crate) const DELEGATION_FIELDS: &[FieldSpec] = &[
    PERSON_FIELD,
    STARTS_FIELD,
    ENDS_FIELD,
    FieldSpec::new(TYPE, Shape::Code(DelegationType::LIST), "Type", "Type").required(),
];

/// A right as an app fills it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightDraft {
    /// Which.
    pub right: RightKind,
    /// To whom, or against whom.
    pub person: PersonId,
    /// Of what type, for a delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation_type: Option<DelegationType>,
    /// From when on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Tick>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Tick>,
    /// Whether a grant lets its person write.
    #[serde(default)]
    pub write: bool,
    /// What every entry carries.
    #[serde(flatten)]
    pub common: Common,
}

impl RightDraft {
    /// A right without limits of time; a delegation is to a caregiver, a grant lets write.
    pub fn new(right: RightKind, person: PersonId) -> Self {
        let delegation = right == RightKind::Delegation;
        RightDraft {
            right,
            person,
            delegation_type: delegation.then_some(DelegationType::Caregiver),
            starts: None,
            ends: None,
            write: right == RightKind::Grant,
            common: Common::default(),
        }
    }

    /// The writes that create it.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::new(Kind::from(self.right));
        out.scalar(PERSON, &self.person);
        if self.right == RightKind::Delegation {
            out.maybe(TYPE, self.delegation_type.as_ref());
        }
        if self.right == RightKind::Grant {
            out.flag(WRITE, Some(self.write));
        }
        out.maybe(STARTS, self.starts.as_ref());
        out.maybe(ENDS, self.ends.as_ref());
        self.common.write(&mut out);
        match (self.starts, self.ends) {
            (Some(starts), Some(ends)) if ends < starts => {
                Err(Invalid::OutOfBounds { field: ENDS })
            }
            _ => out.finish(),
        }
    }

    /// What stands in an entry, as a form shows it; nothing when it names no person.
    pub fn read(right: RightKind, from: &dyn Read) -> Option<Self> {
        Some(RightDraft {
            right,
            person: from.scalar(PERSON)?,
            delegation_type: from.scalar(TYPE),
            starts: from.tick(STARTS),
            ends: from.tick(ENDS),
            write: from.flag(WRITE).unwrap_or(false),
            common: Common::read(from),
        })
    }
}

/// A partial edit of a right. Whom it names never changes: that is another right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightPatch {
    /// Which.
    pub right: RightKind,
    /// From when on.
    #[serde(default, skip_serializing_if = "Edit::is_keep")]
    pub starts: Edit<Tick>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Edit::is_keep")]
    pub ends: Edit<Tick>,
    /// Whether a grant lets its person write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<bool>,
    /// What every entry carries; revoking is a status.
    #[serde(flatten)]
    pub common: CommonPatch,
}

impl RightPatch {
    /// An edit that changes nothing yet.
    pub fn new(right: RightKind) -> Self {
        RightPatch {
            right,
            starts: Edit::Keep,
            ends: Edit::Keep,
            write: None,
            common: CommonPatch::default(),
        }
    }

    /// The writes of the edit.
    ///
    /// # Errors
    /// Names the first field that cannot stand.
    pub fn writes(&self) -> Result<Vec<Write>, Invalid> {
        let mut out = Drafted::patch(Kind::from(self.right));
        out.edit(STARTS, &self.starts);
        out.edit(ENDS, &self.ends);
        if self.right == RightKind::Grant {
            out.flag(WRITE, self.write);
        }
        self.common.write(&mut out);
        out.finish()
    }
}
