//! The shim in a terminal: a phone whose passkeys come from a software authenticator. The parts
//! serve whoever drives phones in one process as well.

/// Writes a line on standard output.
macro_rules! out {
    ($($text:tt)*) => {
        $crate::terminal::lines::out(format_args!($($text)*))
    };
}

/// Writes a line on standard error.
macro_rules! note {
    ($($text:tt)*) => {
        $crate::terminal::lines::note(format_args!($($text)*))
    };
}

mod assign;
mod authenticator;
mod card;
mod cli;
mod enter;
mod fill;
mod here;
mod kinds;
mod lines;
mod none;
mod options;
mod output;
mod phone;
mod pick;
mod private;
mod read;
mod screens;
mod settle;
mod sign_ins;
mod steps;
mod values;
mod wording;

pub use authenticator::{AuthenticatorError, SoftwareAuthenticator};
pub use cli::run;
pub use lines::print_line;
pub use none::Reads;
pub use output::{Language, Output};
pub use phone::{AskOwner, Phone, PhoneError};
pub use values::Unfit;
