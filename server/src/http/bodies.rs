//! What people may send to the face but for a sync, by name: each is read here as its handler
//! reads it, before anybody is asked who they are.

use actix_web::web;
use serde::de::DeserializeOwned;
use sync_core::codec::Encoding;

use super::body::decode;
use super::enrolment::finish::EnrolmentFinish;
use super::enrolment::start::EnrolmentStart;
use super::me::Rename;
use super::professionals::ProfessionalSearch;
use super::sign_in::finish::SignInFinish;
use super::sign_in::start::SignInStart;
use super::{Problem, ProblemType};

/// A body, or a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The code with which somebody begins to make a passkey.
    EnrolmentStart,
    /// The passkey that was made.
    EnrolmentFinish,
    /// What somebody begins to sign in with: nothing.
    SignInStart,
    /// The assertion.
    SignInFinish,
    /// The new name of a passkey or a device.
    Rename,
    /// Whom to look for among the professionals.
    Professional,
    /// Which part of the access log.
    LogPart,
    /// Which part of the list of records.
    RecordsPart,
    /// Which people of a record.
    People,
}

impl Sent {
    /// All of them.
    pub const ALL: [Sent; 9] = [
        Sent::EnrolmentStart,
        Sent::EnrolmentFinish,
        Sent::SignInStart,
        Sent::SignInFinish,
        Sent::Rename,
        Sent::Professional,
        Sent::LogPart,
        Sent::RecordsPart,
        Sent::People,
    ];

    /// Reads it: a body in this encoding, a query as the text after the `?`.
    ///
    /// # Errors
    /// The problem that its sender is told.
    pub fn read(self, encoding: Encoding, bytes: &[u8]) -> Result<(), Problem> {
        // Passkeys are spoken of in JSON alone.
        let json = Encoding::Json;
        match self {
            Sent::EnrolmentStart => decode::<EnrolmentStart>(json, bytes).map(drop),
            Sent::EnrolmentFinish => decode::<EnrolmentFinish>(json, bytes).map(drop),
            Sent::SignInStart => decode::<SignInStart>(json, bytes).map(drop),
            Sent::SignInFinish => decode::<SignInFinish>(json, bytes).map(drop),
            Sent::Rename => decode::<Rename>(encoding, bytes)?.clean().map(drop),
            Sent::Professional => decode::<ProfessionalSearch>(encoding, bytes)?
                .number()
                .map(drop),
            Sent::LogPart => query::<super::log::Part>(bytes),
            Sent::RecordsPart => query::<super::records::Part>(bytes),
            Sent::People => query::<super::people::PeopleQuery>(bytes),
        }
    }
}

fn query<T: DeserializeOwned>(bytes: &[u8]) -> Result<(), Problem> {
    let malformed = || Problem::new(ProblemType::Malformed);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
    web::Query::<T>::from_query(text)
        .map(drop)
        .map_err(|error| malformed().detail(error.to_string()))
}
