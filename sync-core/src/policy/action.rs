//! What can be asked, and the answers.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::entry::{
    HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, Visibility,
};

/// One of the three visibility flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flag {
    /// *Masqué*: the holder's.
    Professionals,
    /// Not yet visible to the patient: the author's, a professional.
    Patient,
    /// Not visible to caregivers and legal representatives: the holder's, or at a minor's word
    /// the author's, a professional.
    Representatives,
}

impl Flag {
    /// The flag that a key of an entry's document carries.
    pub fn of_key(key: &str) -> Option<Self> {
        match key {
            HIDDEN_FROM_PROFESSIONALS => Some(Flag::Professionals),
            HIDDEN_FROM_PATIENT_UNTIL => Some(Flag::Patient),
            HIDDEN_FROM_REPRESENTATIVES => Some(Flag::Representatives),
            _ => None,
        }
    }

    /// The flags that are up.
    pub(super) fn raised(visibility: &Visibility) -> impl Iterator<Item = Self> {
        [
            (Flag::Professionals, visibility.hidden_from_professionals),
            (
                Flag::Patient,
                visibility.hidden_from_patient_until.is_some(),
            ),
            (
                Flag::Representatives,
                visibility.hidden_from_representatives,
            ),
        ]
        .into_iter()
        .filter_map(|(flag, up)| up.then_some(flag))
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See an entry.
    Read,
    /// Add an entry of this class, its flags included.
    Create,
    /// Change an entry, its flags apart.
    Edit,
    /// Raise or lower a visibility flag of an entry.
    Hide(Flag),
    /// Read the record's access log; the class is not looked at.
    ReadLog,
    /// Write a right.
    SetRight,
}

/// Why not. The codes are stable; none tells whether an entry, a block or a grant exists that the
/// subject may not know of.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    thiserror::Error,
)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Not in this role on this record: never, not yet, no longer, or blocked.
    #[error("you have no right in this role on this record")]
    NoRight,
    /// No such entry, or not for this subject.
    #[error("there is no such entry that you may see")]
    UnknownEntry,
    /// This role does not write entries of this kind.
    #[error("this role does not write entries of this kind")]
    KindNotWritable,
    /// The holder let this professional read only.
    #[error("you may read this record, not write in it")]
    ReadOnly,
    /// This visibility flag is not this subject's to change.
    #[error("this visibility is not yours to change")]
    MayNotHide,
    /// Rights are written by the holder.
    #[error("only the holder gives and takes rights")]
    RightsAreTheHolders,
    /// The log is read by the holder.
    #[error("only the holder reads the access log")]
    LogIsTheHolders,
}

impl Reason {
    /// The stable code, in kebab case.
    pub fn code(self) -> &'static str {
        match self {
            Reason::NoRight => "no-right",
            Reason::UnknownEntry => "unknown-entry",
            Reason::KindNotWritable => "kind-not-writable",
            Reason::ReadOnly => "read-only",
            Reason::MayNotHide => "may-not-hide",
            Reason::RightsAreTheHolders => "rights-are-the-holders",
            Reason::LogIsTheHolders => "log-is-the-holders",
        }
    }
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Decision {
    /// It may be done.
    Allow,
    /// It may not, and why.
    Deny(Reason),
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(self) -> bool {
        self == Decision::Allow
    }
}

impl From<Result<(), Reason>> for Decision {
    fn from(result: Result<(), Reason>) -> Self {
        match result {
            Ok(()) => Decision::Allow,
            Err(reason) => Decision::Deny(reason),
        }
    }
}

impl Role {
    /// Whether somebody in this role acts for the holder.
    pub fn is_delegate(&self) -> bool {
        matches!(self, Role::Caregiver | Role::Representative)
    }
}
