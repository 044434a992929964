//! Who may do what: pure functions over data.
//!
//! The rights entries of a record, freed of how they are written, are [`RightFact`]s; together
//! they are the record's [`Rights`]. Of a [`Subject`] they give the [`Standing`] at a moment: its
//! roles, whether it writes, whether it sees hidden entries. Standing, an entry's class, the
//! [`Matrix`] and the time decide everything; [`decide`] is the one place where they do, for the
//! phone that greys a button out and for the server that refuses a change.

mod action;
mod decide;
mod matrix;
mod right;
mod rights;
mod role;
mod standing;

#[cfg(test)]
mod laws;

pub use action::{Action, Decision, Flag, Reason};
pub use decide::{Context, decide, decide_edit};
pub use matrix::{Access, Matrix, MatrixError};
pub use right::{DelegationType, RightFact, RightKind, is_right};
pub use rights::{MOST_CAREGIVERS, Rights};
pub use role::{Profession, Role};
pub use standing::{Standing, Subject};
