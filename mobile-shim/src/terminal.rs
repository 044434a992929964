//! The shim in a terminal: a phone whose passkeys come from a software authenticator. The parts
//! serve whoever drives phones in one process as well.

mod authenticator;
mod cli;
mod enter;
mod output;
mod phone;
mod read;
mod settle;

pub use authenticator::{AuthenticatorError, SoftwareAuthenticator};
pub use cli::run;
pub use phone::{Phone, PhoneError};
