//! The law of whoever keeps a record's log: server, relay, simulation.
//!
//! Gather, judge, write: the keeper loads what bears on a submission, asks here, and writes what
//! it is told, all in one transaction. Nothing here reads or writes anything.

mod cursor;
mod former;
mod lane;
mod ledger;
mod log;
mod shelf;
mod submitter;
mod verified;
mod walk;

pub use cursor::{Cursor, Stretch, Stretches, Witness};
pub use former::Former;
pub use lane::{Admission, HeldChange, Judged, Kept, Lane};
pub use ledger::{RightEntry, RightsLedger};
pub use log::{Among, Found, HeldFacts, Log, Met, MetHeld};
pub use shelf::{Gone, Place, Shelf, leaves, leaves_all, places, stands};
pub use submitter::{Registration, Submitter};
pub use verified::{Unverified, VerifiedEdit, marked_until};
pub use walk::{Page, Since, Viewer, walk};
