//! The access log: who did what on a record, when and why, chained so that nothing can be taken
//! out or changed unnoticed.
//!
//! Every event is encoded once; those bytes are what is hashed, stored and sent. Each hash covers
//! the one before, the first one the record's identifier. The head of the chain goes into every
//! checkpoint the server signs, so each device holds a witness of how far the log had come: a
//! server that rewrites or shortens the log is found out by any of them.
//!
//! What the holder may not know of yet is chained apart, and told when they may: [`share_out`].

mod apart;
mod chain;
mod event;

pub use apart::{Apart, share_out};
pub use chain::{Broken, BrokenAt, ChainedEvent, LogHead, Verified, Verifier, verify};
pub use event::{AccessAction, AccessEvent, Gap, WitnessedHeads};
