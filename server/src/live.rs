//! Telling those who are connected: who listens to which record, and the WebSocket they listen on.

mod hub;
mod socket;
#[cfg(test)]
mod tests;

pub use hub::{Hub, Listener};
pub use socket::{Connected, serve};
