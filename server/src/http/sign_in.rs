//! Signing in with a passkey, and out.

pub mod finish;
pub mod out;
pub mod start;
