//! An entry: one fact, one document or one right, kept as one flat Automerge map.
//!
//! Every key of the map holds a scalar. Values that make sense only together are one scalar, a
//! JSON text; sets are keys with a slash (`reaction/…`), one key a member. A key nobody writes
//! again keeps its value, so what a newer app put there survives an older one.

mod ancestry;
mod class;
mod document;
mod state;
pub(crate) mod work;

pub(crate) use ancestry::standing;
pub use class::{EntryClass, Visibility};
pub use document::{EntryDocument, EntryError};
pub(crate) use document::{past, value_of};
pub use state::{Claim, EntryState, PastChange, Value, Write};

/// The key that says what kind of entry this is; written once, by the first change.
pub const KIND: &str = "kind";
/// The version of the kind's schema its last writer knew.
pub const SCHEMA: &str = "schema";
/// Hidden from everyone but holder, author, treating physician and administrators: `true`.
pub const HIDDEN_FROM_PROFESSIONALS: &str = "hidden-from-professionals";
/// Not yet visible to the patient: the tick (microseconds) until which, as an unsigned integer.
pub const HIDDEN_FROM_PATIENT_UNTIL: &str = "hidden-from-patient-until";
/// Hidden from caregivers and legal representatives: `true`.
pub const HIDDEN_FROM_REPRESENTATIVES: &str = "hidden-from-representatives";
/// Whom a right is about: a person's identifier as text.
pub const PERSON: &str = "person";
/// Status with its reason: a JSON text, `{"status": …, "reason": …}`.
pub const STATUS: &str = "status";
