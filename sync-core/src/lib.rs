//! The shared medical record and its laws, without I/O, clock, randomness or process-wide state.
#![forbid(unsafe_code)]

pub mod audit;
pub mod authority;
pub mod bytes;
pub mod change;
pub mod checkpoint;
pub mod codec;
pub mod entry;
pub mod guard;
pub mod id;
pub mod identity;
pub mod kind;
pub mod merge;
pub mod policy;
mod reader;
pub mod reconcile;
pub mod replica;
pub mod sign;
pub mod sync;
pub mod text;
pub mod views;

pub use bytes::Bytes;
pub use id::{
    ChangeHash, DeviceId, DeviceTime, Digest32, EntryId, Epoch, Incarnation, LogIncarnation,
    PersonId, RecordId, Tick,
};
