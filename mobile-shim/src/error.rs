//! What can go wrong: an inner enum that keeps the cause, and [`CarnetError`], which an app acts on.
//!
//! Rule on personal data: a message is made of fixed words, the name of a field, a status number or
//! the stable name of a server problem. It never repeats what a person typed, what an entry holds,
//! who somebody is, a code, a token, an address or a path. Causes are not put into messages either,
//! since libraries below quote what they were given.

mod words;

use std::time::Duration;

use sync_core::entry::EntryError;
use sync_core::kind::Invalid;
use sync_core::replica::{AnswerError, EditError};
use sync_core::sync::FrameError;
use thiserror::Error;
pub use words::{
    field_in_words, invalid_in_words, problem_in_words, reason_in_words, storage_in_words,
    wrong_in_words,
};

use crate::driver::NetError;
use crate::seal::NoRandomness;
use crate::store::StoreError;
use crate::vault::VaultError;

/// What a server says of a problem, to be shown to whoever asked. It is in no message and not to be
/// logged: nobody knows what a server puts there.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What kind of problem it is.
    pub title: Option<String>,
    /// What is wrong in this case, and what to do next.
    pub detail: Option<String>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told(..)")
    }
}

/// Everything that can go wrong inside.
#[derive(Debug, Error)]
pub enum Error {
    /// The local store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry could not be read or written.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A frame could not be made.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The server's answer was not taken.
    #[error("the server's answer was not taken")]
    Answer(#[source] AnswerError<StoreError>),
    /// The network.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The server refused, with a problem it names.
    #[error("the server answered {status} ({problem})")]
    Problem {
        /// HTTP status.
        status: u16,
        /// The last part of the problem's type.
        problem: String,
        /// When to try again, if it said.
        retry_after: Option<Duration>,
        /// What it said for people: what kind of problem it is, and what to do.
        told: Told,
    },
    /// What the server said could not be read.
    #[error("the server's answer cannot be read")]
    Unreadable,
    /// The sign-in has ended, or there never was one.
    #[error("sign in first")]
    SignInNeeded,
    /// The app asked to stay offline.
    #[error("offline by choice")]
    StayingOffline,
    /// Another answer came in between; ask again.
    #[error("overtaken by another answer")]
    Overtaken,
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// A field of what an app handed in.
    #[error("{0}")]
    Field(#[from] Invalid),
    /// Something an app handed in that is no clinical field.
    #[error("{field} cannot be used")]
    Argument {
        /// Which.
        field: &'static str,
    },
    /// The person may not do this.
    #[error("not permitted ({reason})")]
    NotPermitted {
        /// A stable word for why.
        reason: &'static str,
    },
    /// No such entry, item or person here.
    #[error("there is no such thing on this device")]
    Absent,
    /// The access log does not check.
    #[error("the access log does not check")]
    LogBroken,
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Error::Store(error.into())
    }
}

impl From<NoRandomness> for Error {
    fn from(error: NoRandomness) -> Self {
        Error::Store(error.into())
    }
}

impl From<sync_core::codec::Malformed> for Error {
    fn from(error: sync_core::codec::Malformed) -> Self {
        Error::Store(error.into())
    }
}

impl From<EditError<StoreError>> for Error {
    fn from(error: EditError<StoreError>) -> Self {
        match error {
            EditError::Entry(error) => Error::Entry(error),
            EditError::Frame(error) => Error::Frame(error),
            EditError::Store(error) => Error::Store(error),
        }
    }
}

impl From<AnswerError<StoreError>> for Error {
    fn from(error: AnswerError<StoreError>) -> Self {
        match error {
            AnswerError::Store(error) => Error::Store(error),
            AnswerError::OutOfTurn => Error::Overtaken,
            error => Error::Answer(error),
        }
    }
}

impl Error {
    /// The server takes no edits just then, as it says by closing a line.
    pub fn no_room() -> Self {
        Error::Problem {
            status: 507,
            problem: "no-room".to_owned(),
            retry_after: None,
            told: Told::default(),
        }
    }

    /// Whether trying again later, unchanged, may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Net(_) | Error::Overtaken => true,
            Error::Problem { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            _ => false,
        }
    }

    /// When the server said to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Problem { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// What an app can act on. Messages carry no personal data; `Debug` says what the message says.
#[derive(Clone, PartialEq, Eq, Error, uniffi::Error)]
pub enum CarnetError {
    /// No way to the server: the edit is kept and goes out later.
    #[error("no connection to the server")]
    Offline,
    /// Let the person sign in with their passkey.
    #[error("sign in first")]
    SignInNeeded,
    /// The profile is locked: its person unlocks it with a passkey, or signs in.
    #[error("the profile is locked")]
    Locked,
    /// The person may not do this; `reason` is a stable word.
    #[error("not permitted ({reason})")]
    NotPermitted {
        /// Why.
        reason: String,
    },
    /// A field cannot stand as it is.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong with it, in a stable word.
        problem: String,
    },
    /// The edit changes nothing.
    #[error("nothing would change")]
    NothingToChange,
    /// It is not on this device.
    #[error("there is no such thing on this device")]
    NotFound,
    /// This device has not seen the record yet.
    #[error("sync first: this device has not seen the record yet")]
    NotSynced,
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The server refused; `problem` is the last part of its type.
    #[error("the server refused ({problem})")]
    ServerProblem {
        /// Which problem.
        problem: String,
        /// HTTP status.
        status: u16,
        /// What kind of problem that is, as the server says: to be shown, not to be logged.
        title: Option<String>,
        /// What is wrong in this case and what to do, as the server says: to be shown, not to be
        /// logged.
        detail: Option<String>,
    },
    /// The server answered something it must not: an old copy, another record, a damaged frame.
    /// Nothing of it was taken.
    #[error("the server's answer was not taken ({problem})")]
    ServerWrong {
        /// A stable word for what was wrong.
        problem: String,
    },
    /// The local store cannot be used; `problem` is a stable word.
    #[error("the local store cannot be used ({problem})")]
    Storage {
        /// `damaged`, `foreign`, `newer`, `vault-denied`, `vault-broken`, `folder`, `database`,
        /// `no-randomness`.
        problem: String,
    },
    /// Of a store that was to be wiped, these files could not be deleted.
    #[error("could not be deleted: {}", files.join(", "))]
    NotWiped {
        /// Their names in the store's folder.
        files: Vec<String>,
    },
}

impl std::fmt::Debug for CarnetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CarnetError({self})")
    }
}

impl From<Error> for CarnetError {
    fn from(error: Error) -> Self {
        let storage = |problem: &str| CarnetError::Storage {
            problem: problem.to_owned(),
        };
        let wrong = |problem: &str| CarnetError::ServerWrong {
            problem: problem.to_owned(),
        };
        match error {
            Error::Store(error) => match error {
                StoreError::Database(_) => storage("database"),
                StoreError::Damaged => storage("damaged"),
                StoreError::Foreign => storage("foreign"),
                StoreError::Newer => storage("newer"),
                StoreError::Vault(VaultError::Denied) => storage("vault-denied"),
                StoreError::Vault(VaultError::Broken) => storage("vault-broken"),
                StoreError::Folder => storage("folder"),
                StoreError::NoRandomness(_) => storage("no-randomness"),
                StoreError::Left(files) => CarnetError::NotWiped {
                    files: files.into_iter().map(str::to_owned).collect(),
                },
                StoreError::Locked => CarnetError::Locked,
                StoreError::Cancelled => CarnetError::Cancelled,
                StoreError::Absent => CarnetError::NotFound,
            },
            Error::Entry(EntryError::Nothing) => CarnetError::NothingToChange,
            Error::Frame(_) | Error::Entry(EntryError::TooLarge) => CarnetError::Invalid {
                field: "edit".to_owned(),
                problem: "too-large".to_owned(),
            },
            Error::Entry(_) => storage("damaged"),
            Error::Answer(error) => match error {
                AnswerError::Protocol(_) => wrong("protocol-version"),
                AnswerError::WentBack => wrong("went-back"),
                AnswerError::OtherRecord => wrong("other-record"),
                AnswerError::Frame(_) => wrong("frame"),
                _ => wrong("malformed"),
            },
            Error::Net(_) | Error::StayingOffline | Error::Overtaken => CarnetError::Offline,
            Error::Problem {
                status,
                problem,
                told: Told { title, detail },
                ..
            } => CarnetError::ServerProblem {
                problem,
                status,
                title,
                detail,
            },
            Error::Unreadable => wrong("unreadable"),
            Error::SignInNeeded => CarnetError::SignInNeeded,
            Error::Cancelled => CarnetError::Cancelled,
            Error::Field(invalid) => CarnetError::Invalid {
                field: invalid.field().to_owned(),
                problem: word(&invalid).to_owned(),
            },
            Error::Argument { field } => CarnetError::Invalid {
                field: field.to_owned(),
                problem: "unusable".to_owned(),
            },
            Error::NotPermitted { reason } => CarnetError::NotPermitted {
                reason: reason.to_owned(),
            },
            Error::Absent => CarnetError::NotFound,
            Error::LogBroken => wrong("access-log"),
        }
    }
}

impl From<StoreError> for CarnetError {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

/// A stable word for what is wrong with a field.
fn word(invalid: &Invalid) -> &'static str {
    match invalid {
        Invalid::Missing { .. } => "missing",
        Invalid::TooLong { .. } => "too-long",
        Invalid::TooMany { .. } => "too-many",
        Invalid::WrongType { .. } => "wrong-type",
        Invalid::Malformed { .. } => "malformed",
        Invalid::UnknownCode { .. } => "unknown-code",
        Invalid::Date { .. } => "not-a-date",
        Invalid::Fixed { .. } => "fixed",
        Invalid::Excluded { .. } => "excluded",
        Invalid::Control { .. } => "control-character",
        Invalid::OutOfBounds { .. } => "out-of-bounds",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_can_be_wrong_with_a_field_is_said_in_words() {
        let (field, max) = ("label", 1);
        let all = [
            Invalid::Missing { field },
            Invalid::TooLong { field, max },
            Invalid::TooMany { field, max },
            Invalid::WrongType { field },
            Invalid::Malformed { field },
            Invalid::UnknownCode { field },
            Invalid::Date { field },
            Invalid::Fixed { field },
            Invalid::Excluded { field },
            Invalid::Control { field },
            Invalid::OutOfBounds { field },
        ];
        let too_large = Error::Frame(FrameError::TooLarge);
        let others = [Error::Argument { field }, too_large];
        for error in all.map(Error::Field).into_iter().chain(others) {
            let CarnetError::Invalid { problem, .. } = error.into() else {
                panic!("a field is wrong");
            };
            assert!(invalid_in_words(&problem).is_some(), "{problem}");
        }
    }
}
