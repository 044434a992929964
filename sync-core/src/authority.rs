//! The law of whoever keeps a record's log: server, relay, simulation.
//!
//! Gather, judge, write: the keeper loads what bears on a submission, asks here, and writes what
//! it is told, all in one transaction. Nothing here reads or writes anything.

mod lane;
mod ledger;
mod news;
mod verified;

pub use lane::{Admission, HeldChange, Judged, Kept, Lane, Submitter};
pub use ledger::{RightEntry, RightsLedger};
pub use news::{EntryNews, Touched, What, forget_own, news};
pub use verified::{Unverified, VerifiedEdit, marked_until};
