//! Why a value cannot stand in an entry.

use thiserror::Error;

/// What is wrong with a draft or an entry. Names the field, never repeats what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Invalid {
    /// A field without which the entry says nothing.
    #[error("{field} is missing")]
    Missing {
        /// Its key.
        field: &'static str,
    },
    /// More characters than the field may have.
    #[error("{field} is longer than {max} characters")]
    TooLong {
        /// Its key.
        field: &'static str,
        /// The most characters it may have.
        max: usize,
    },
    /// More members than the set may have.
    #[error("{field} has more than {max} members")]
    TooMany {
        /// The set's name.
        field: &'static str,
        /// The most members it may have.
        max: usize,
    },
    /// Another type of value than the field's.
    #[error("{field} is not of the right type")]
    WrongType {
        /// Its key.
        field: &'static str,
    },
    /// A structured value that cannot be read.
    #[error("{field} cannot be read")]
    Malformed {
        /// Its key.
        field: &'static str,
    },
    /// A code that this version of the kind does not have.
    #[error("{field} holds a code unknown to this version")]
    UnknownCode {
        /// Its key.
        field: &'static str,
    },
    /// Neither a year, a month, a day nor an instant.
    #[error("{field} is not a date")]
    Date {
        /// Its key.
        field: &'static str,
    },
    /// Written after the entry was created, where only its creation may.
    #[error("{field} stands from the creation of the entry on")]
    Fixed {
        /// Its key.
        field: &'static str,
    },
    /// A field that this entry may not have beside another of its fields.
    #[error("{field} cannot stand in this entry")]
    Excluded {
        /// Its key.
        field: &'static str,
    },
    /// A character that steers a screen instead of being shown, such as a line end in a short text.
    #[error("{field} holds a control character or a line end")]
    Control {
        /// Its key.
        field: &'static str,
    },
    /// A number outside its bounds, or an end before its start.
    #[error("{field} is out of bounds")]
    OutOfBounds {
        /// Its key.
        field: &'static str,
    },
}

impl Invalid {
    /// The field it is about.
    pub fn field(&self) -> &'static str {
        match self {
            Invalid::Missing { field }
            | Invalid::TooLong { field, .. }
            | Invalid::TooMany { field, .. }
            | Invalid::WrongType { field }
            | Invalid::Malformed { field }
            | Invalid::UnknownCode { field }
            | Invalid::Date { field }
            | Invalid::Fixed { field }
            | Invalid::Excluded { field }
            | Invalid::Control { field }
            | Invalid::OutOfBounds { field } => field,
        }
    }
}
