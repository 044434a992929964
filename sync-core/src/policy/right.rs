//! What one rights entry says, freed of how it is written.

use serde::{Deserialize, Serialize};

use crate::kind::codes;
use crate::{EntryId, PersonId, Tick};

/// Whether entries of this kind are rights: no matrix speaks of them, the holder writes them.
pub fn is_right(kind: &str) -> bool {
    RightKind::parse(kind).is_some() || kind == "emergency-switches"
}

/// The kinds of rights that name a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RightKind {
    /// A professional may read, and perhaps write, by the matrix.
    Grant,
    /// A person is refused, whatever else the record says of them (*blocage*).
    Block,
    /// A caregiver, parent or guardian acts for the holder.
    Delegation,
    /// The *médecin traitant*.
    TreatingPhysician,
    /// A person who sees hidden entries too, as the treating physician does.
    Administrator,
}

impl RightKind {
    /// How entries of this kind are named.
    pub fn as_str(self) -> &'static str {
        match self {
            RightKind::Grant => "grant",
            RightKind::Block => "block",
            RightKind::Delegation => "delegation",
            RightKind::TreatingPhysician => "treating-physician",
            RightKind::Administrator => "administrator",
        }
    }

    /// Reads an entry's kind; nothing when it is not one of these.
    pub fn parse(kind: &str) -> Option<Self> {
        match kind {
            "grant" => Some(RightKind::Grant),
            "block" => Some(RightKind::Block),
            "delegation" => Some(RightKind::Delegation),
            "treating-physician" => Some(RightKind::TreatingPhysician),
            "administrator" => Some(RightKind::Administrator),
            _ => None,
        }
    }
}

codes! {
    /// Of what type a delegation is. A type this version does not know is kept, and gives no right.
    DelegationType {
        /// An *aidant*.
        Caregiver = "caregiver", "caregiver", "aidant";
        /// A parent of a minor.
        Parent = "parent", "parent of a minor", "titulaire de l’autorité parentale";
        /// A guardian of a protected adult.
        Guardian = "guardian", "guardian", "tuteur";
    }
}

/// What one rights entry of a record says, concurrent edits of it settled already: the most
/// restrictive stands, a revocation beats a grant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RightFact {
    /// When the server accepted the entry: of too many caregivers the earliest stay.
    pub accepted: Tick,
    /// The entry.
    pub entry: EntryId,
    /// Which right.
    pub kind: RightKind,
    /// Whom it names.
    pub person: PersonId,
    /// Of what type, for a delegation.
    pub delegation_type: Option<DelegationType>,
    /// In force from this tick on; from the first day when absent.
    pub starts: Option<Tick>,
    /// No longer in force at this tick; without end when absent.
    pub ends: Option<Tick>,
    /// Whether a grant lets its person write; other rights do not look at it.
    pub write: bool,
    /// Taken back, or entered in error. A revoked block is a lifted one.
    pub revoked: bool,
}

impl RightFact {
    /// Whether it counts at `now`.
    pub fn in_force(&self, now: Tick) -> bool {
        !self.revoked
            && self.starts.is_none_or(|starts| starts <= now)
            && self.ends.is_none_or(|ends| now < ends)
    }

    /// Whether it delegates to a caregiver, rather than to a legal representative.
    pub(super) fn is_caregiver(&self) -> bool {
        self.kind == RightKind::Delegation
            && self.delegation_type == Some(DelegationType::Caregiver)
    }
}
