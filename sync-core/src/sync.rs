//! The sync protocol: one round trip, the same messages over HTTP and over the WebSocket.
//!
//! A device sends what it made and how far it has come; it gets an outcome for each of its edits,
//! all that is new and that it may see, what it must forget, and a checkpoint.

mod attestation;
mod frame;
pub mod limits;
mod message;

pub use attestation::{Attestation, AttestationId, Proof, Proofs};
pub use frame::{Attested, Frame, FrameError, History, Item, Stripped, Weighs};
pub use message::{
    CursorDigest, HeldEdit, HoldReason, Outcome, PROTOCOL, Refusal, Settlement, SyncAnswer,
    SyncRequest, Verdict,
};
