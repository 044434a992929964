//! What phones embed: the sealed local store, the sync driver, and the face that apps see.

pub mod account;
pub mod answers;
pub mod decisions;
pub mod device;
pub mod driver;
pub mod error;
pub mod face;
pub mod passkeys;
pub mod people;
pub mod permits;
pub mod seal;
pub mod store;
#[cfg(feature = "terminal")]
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod vault;
pub mod witness;

pub use face::{Carnet, Profile, Record};

uniffi::setup_scaffolding!();
