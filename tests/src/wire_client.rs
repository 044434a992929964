//! A client written from `docs/wire.md` and `docs/kinds.md`, sharing no code with the rest, beside the phone library: HTTP, passkeys by an
//! authenticator this project did not write, frames and signatures put together by hand. It shows
//! that the page suffices, and it can be made to misbehave.
//!
//! It is for tests: what a server must never answer (an error that is no problem, a failure of its
//! own) panics here.

mod authenticator;
mod frame;
mod live;
mod log;
mod message;
mod record;
mod session;

pub use authenticator::Authenticator;
pub use frame::{FrameChange, pack_frame, unpack_frame};
pub use live::WireLive;
pub use log::{event_member, read_log};
pub use message::{
    Bytes, ChangeHash, Edit, Encoding, HeldEdit, HoldReason, LogEvent, LogHead, LogPage, Outcome,
    Refusal, Signed, SyncAnswer, SyncRequest, Verdict,
};
pub use record::{Told, WireEntry, WireRecord, Write, flat};
pub use session::{Enrolling, Session, SigningIn, WireDevice};

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A way to one server.
#[derive(Clone, Debug)]
pub struct Wire {
    http: Client,
    base: String,
    encoding: Encoding,
}

/// An answer that is a success.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type.
    pub media_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer that is a problem (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Problem {
    /// `/problems/…`
    pub r#type: String,
    /// What kind of problem it is.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What is wrong here, and what to do next.
    #[serde(default)]
    pub detail: Option<String>,
}

impl Problem {
    /// The last part of its type.
    pub fn slug(&self) -> &str {
        self.r#type.trim_start_matches("/problems/")
    }
}

impl Wire {
    /// A way to the server at `base`, speaking CBOR.
    pub fn new(base: &str) -> Self {
        // Another client of this process may have installed a provider; then that one stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A request that meets a server just when it is killed may wait for ever.
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client without TLS of its own");
        Wire {
            http,
            base: base.trim_end_matches('/').to_owned(),
            encoding: Encoding::Cbor,
        }
    }

    /// The same, in another encoding.
    pub fn speaking(&self, encoding: Encoding) -> Self {
        Wire {
            encoding,
            ..self.clone()
        }
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The encoding it speaks.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// A request to be completed by hand.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        self.http.request(method, url)
    }

    /// Sends a request; an error must be a problem, and never a failure of the server's.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, Problem> {
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        let media_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let body = response.bytes().await.expect("the answer is whole");
        if (200..300).contains(&status) {
            return Ok(Answer {
                status,
                media_type,
                body: body.to_vec(),
            });
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(status != 500, "the server failed: {text}");
        assert_eq!(media_type, "application/problem+json", "{status}: {text}");
        let problem: Problem = serde_json::from_slice(&body).expect("a problem is JSON");
        assert_eq!(problem.status, status, "{text}");
        assert!(problem.r#type.starts_with("/problems/"), "{text}");
        Err(problem)
    }

    /// Asks, with a body in this client's encoding if there is one.
    pub async fn ask<Q: Serialize + ?Sized, A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Q>,
    ) -> Result<A, Problem> {
        let mut request = self
            .request(method, path)
            .header(ACCEPT, self.encoding.media_type());
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, self.encoding.media_type())
                .body(self.encoding.write(&body));
        }
        let answer = self.send(request).await?;
        // An answer without a body reads as null, for whoever expects nothing.
        if answer.body.is_empty() {
            return Ok(serde_json::from_str("null").expect("nothing was expected"));
        }
        assert_eq!(answer.media_type, self.encoding.media_type());
        let read = self.encoding.read(&answer.body);
        Ok(read.expect("the answer is what the page says"))
    }

    /// Reads.
    pub async fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<A, Problem> {
        self.ask::<(), A>(Method::GET, path, token, None).await
    }

    /// Posts.
    pub async fn post<Q: Serialize + ?Sized, A: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Q,
    ) -> Result<A, Problem> {
        self.ask(Method::POST, path, token, Some(body)).await
    }

    /// Removes.
    pub async fn delete(&self, path: &str, token: Option<&str>) -> Result<(), Problem> {
        self.ask::<(), ()>(Method::DELETE, path, token, None).await
    }
}
