//! Errors as RFC 9457 problems: a stable type, a status, and what to do next. A problem tells
//! neither whether something exists that the caller may not know of, nor what is in it.

use std::borrow::Cow;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::keys::KeyError;
use crate::storage::StorageError;

macro_rules! problem_types {
    ($($name:ident, $slug:literal, $status:ident, $title:literal;)*) => {
        /// Every kind of problem; the slug is the last part of its `type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each has its title")]
        pub enum ProblemType { $($name),* }

        impl ProblemType {
            /// All there are.
            pub const ALL: &[ProblemType] = &[$(ProblemType::$name),*];

            /// The last part of the `type`; never changes.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug),* }
            }

            /// The status it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),* }
            }

            /// What it is called.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

problem_types! {
    Malformed, "malformed", BAD_REQUEST, "The request cannot be read";
    UnsupportedMedia, "unsupported-media", UNSUPPORTED_MEDIA_TYPE, "The body is of a kind not taken here";
    TooLarge, "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    TooSlow, "too-slow", REQUEST_TIMEOUT, "The request took too long";
    TooMany, "too-many", TOO_MANY_REQUESTS, "Too many requests";
    NotSignedIn, "not-signed-in", UNAUTHORIZED, "Nobody is signed in";
    WrongOrigin, "wrong-origin", FORBIDDEN, "The page may not do this";
    NotFound, "not-found", NOT_FOUND, "There is no such thing, or not for you";
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "The path does not take this method";
    CodeRefused, "code-refused", FORBIDDEN, "The enrolment code is not good, or no longer";
    CeremonyRefused, "ceremony-refused", FORBIDDEN, "The passkey ceremony did not succeed";
    DeviceRefused, "device-refused", FORBIDDEN, "The device key is not accepted";
    LastPasskey, "last-passkey", CONFLICT, "The last passkey cannot be revoked";
    Unavailable, "unavailable", SERVICE_UNAVAILABLE, "The server cannot do this at the moment";
    NoRoom, "no-room", INSUFFICIENT_STORAGE, "The server has no room for new edits";
    Internal, "internal", INTERNAL_SERVER_ERROR, "The server failed";
}

/// An error to be answered.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemType,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: ProblemType) -> Self {
        Self {
            kind,
            detail: None,
            retry_after: None,
        }
    }

    /// Says what is wrong in this case, and what to do next. Never content, never an identity.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says after how many seconds to try again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Its kind.
    pub fn kind(&self) -> ProblemType {
        self.kind
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.title())?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// The body of a problem, RFC 9457.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `/problems/` and a name that never changes.
    r#type: String,
    /// What kind of problem it is.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong here, and what to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.kind.status());
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.kind == ProblemType::NotSignedIn {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        let body = ProblemBody {
            r#type: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail.as_deref().map(str::to_owned),
        };
        response
            .content_type("application/problem+json")
            .body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl From<ProblemType> for Problem {
    fn from(kind: ProblemType) -> Self {
        Self::new(kind)
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "a request failed in the store");
        if error.is_busy() {
            return Problem::new(ProblemType::Unavailable)
                .detail("the store is in use by something else; try again")
                .retry_after(5);
        }
        if error.is_full() {
            return Problem::new(ProblemType::Unavailable)
                .detail("the server has no room to write; try again later")
                .retry_after(60);
        }
        if error.is_disk() {
            return Problem::new(ProblemType::Unavailable)
                .detail("the server's disk failed; nothing of the request was kept, try again")
                .retry_after(5);
        }
        match error {
            StorageError::Closed => Problem::new(ProblemType::Unavailable)
                .detail("the server is stopping; try again")
                .retry_after(5),
            StorageError::Commit(_) => Problem::new(ProblemType::Unavailable)
                .detail("nothing of the request was kept; try again")
                .retry_after(5),
            _ => ProblemType::Internal.into(),
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        StorageError::from(error).into()
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Storage(error) => error.into(),
            // Nobody is told that it is gone: put back, the key opens it again.
            KeyError::EntryKeyMissing | KeyError::Absent => {
                tracing::error!(%error, "a request failed for want of a key");
                Problem::new(ProblemType::Unavailable)
                    .detail("the server cannot read all of it; try again later")
                    .retry_after(60)
            }
            error => {
                tracing::error!(%error, "a request failed for want of a key");
                ProblemType::Internal.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_fails_is_no_failure_of_the_server() {
        let said = |words: &str| {
            let kind = diesel::result::DatabaseErrorKind::Unknown;
            diesel::result::Error::DatabaseError(kind, Box::new(words.to_owned()))
        };
        for (words, kind) in [
            ("disk I/O error", ProblemType::Unavailable),
            ("unable to open database file", ProblemType::Unavailable),
            ("database or disk is full", ProblemType::Unavailable),
            ("no such table: log", ProblemType::Internal),
        ] {
            assert_eq!(Problem::from(said(words)).kind(), kind, "{words}");
            let of_keys = KeyError::Storage(said(words).into());
            assert_eq!(Problem::from(of_keys).kind(), kind, "{words}");
        }
    }

    #[test]
    fn slugs_are_distinct_and_statuses_are_errors() {
        for (index, kind) in ProblemType::ALL.iter().enumerate() {
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
            for other in &ProblemType::ALL[index + 1..] {
                assert_ne!(kind.slug(), other.slug());
            }
        }
    }
}
