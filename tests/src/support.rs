//! What the demo, the benchmark and the stories stand on: a server in a process of its own, phones
//! in this one, and the people who hold them.
//!
//! A program of this crate plays `carnet` itself ([`be_carnet`]), so that nothing has to be built
//! beside it. All functions block.

mod cast;
mod phone;
mod server;

pub use cast::{
    Entered, Identity, Opened, add_caregiver, add_professional, open_record, open_records,
};
pub use phone::{Copy, Phone};
pub use server::{Server, be_carnet, phone_in_terminal};

use carnet_mobile::error::CarnetError;
use carnet_mobile::terminal::PhoneError;

/// What goes wrong while a stage is set.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// A file or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The server did not start or did not obey.
    #[error("carnet {command}: {said}")]
    Server {
        /// What it was told.
        command: String,
        /// What it said.
        said: String,
    },
    /// A phone.
    #[error(transparent)]
    Phone(#[from] CarnetError),
    /// The folder of a phone, or its software authenticator.
    #[error(transparent)]
    Terminal(#[from] PhoneError),
    /// A draft or a patch cannot stand.
    #[error(transparent)]
    Invalid(#[from] sync_core::kind::Invalid),
    /// Something that should be there is not.
    #[error("{0}")]
    Missing(&'static str),
}

impl SupportError {
    /// Names what was tried.
    pub fn io(what: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| SupportError::Io { what, source }
    }
}

/// A draft's writes, as the wire client takes them.
impl From<&sync_core::entry::Write> for crate::wire_client::Write {
    fn from(write: &sync_core::entry::Write) -> Self {
        use automerge::ScalarValue;
        use sync_core::entry::Value;
        let value = write.value.as_ref().map(|value| match value {
            Value::Null => ScalarValue::Null,
            Value::Bool(value) => ScalarValue::Boolean(*value),
            Value::Int(value) => ScalarValue::Int(*value),
            Value::Uint(value) => ScalarValue::Uint(*value),
            Value::Text(value) => ScalarValue::Str(value.as_str().into()),
            Value::Bytes(value) => ScalarValue::Bytes(value.clone()),
        });
        crate::wire_client::Write {
            key: write.key.clone(),
            value,
        }
    }
}
