//! What a server meets when its machine fails: the power goes, the disk is full, slow or broken, the
//! clock jumps.
//!
//! The server is the real one, in a process of its own. Beneath it, between the program and the C
//! library, lies a [`Layer`] that keeps a [`Journal`] of all it does to its files, and fails as it
//! is told. A [`Disk`] plays the journal, and says what would be left of it after the power was cut
//! at any moment: whatever was synced, and of the rest nobody knows how much.
//!
//! The layer is for Linux, as servers are.

mod disk;
mod journal;
mod layer;

pub use disk::{Disk, Flushes};
pub use journal::{Journal, Record};
pub use layer::Layer;
