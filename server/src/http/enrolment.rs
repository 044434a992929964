//! Making a passkey, with a one-time code.

pub mod finish;
pub mod start;
