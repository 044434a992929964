//! The shim in a terminal.

mod authenticator;

pub use authenticator::{AuthenticatorError, SoftwareAuthenticator};
