//! Telling those who are connected: who listens to which record, and the WebSocket they listen on.

mod hub;
mod parts;
mod places;
mod socket;
#[cfg(test)]
mod tests;
mod window;

pub use hub::{Hub, Listener};
pub use parts::{Heard, Parts, Unfit};
pub use places::{Place, Places};
pub use socket::{Connected, serve};
