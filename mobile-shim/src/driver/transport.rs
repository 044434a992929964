//! The network, as the driver sees it.

use std::pin::Pin;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use sync_core::codec::Encoding;
use thiserror::Error;

use crate::error::{Error, Told};

/// The longest sentence of a server's that is shown, in characters.
const SENTENCE: usize = 300;

/// A future of a trait object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// No answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NetError {
    /// No way to the server.
    #[error("no way to the server")]
    Unreachable,
    /// The connection broke off, or took too long.
    #[error("the connection to the server broke off")]
    Broken,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Do.
    Post,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

/// A body and how it is written.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// Its encoding.
    pub encoding: Encoding,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// What is done.
    pub method: Method,
    /// The server's address, without a slash at its end.
    pub server: String,
    /// Where, from `/v1/…`.
    pub path: String,
    /// The bearer token.
    pub token: Option<String>,
    /// The body.
    pub body: Option<Body>,
    /// How the answer is to be written.
    pub accept: Encoding,
}

/// One answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// How long to stay away, if it says.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// What comes from the other side of a line.
#[derive(Clone, PartialEq, Eq)]
pub enum Heard {
    /// A binary message.
    Message(Vec<u8>),
    /// The server closes, for it has no room for the edits that it was asked to take.
    NoRoom,
    /// A ping, or anything else that only says that the other side is there.
    Life,
}

/// An open WebSocket.
pub trait Line: Send {
    /// Sends a binary message.
    fn send(&mut self, message: Vec<u8>) -> Pending<'_, Result<(), NetError>>;
    /// What is heard next; nothing once the server has closed. May be dropped unfinished without
    /// losing a message. Waits for as long as nothing comes: a network that died says nothing.
    fn receive(&mut self) -> Pending<'_, Result<Option<Heard>, NetError>>;
}

/// An open line, or the server's refusal to open one.
pub type LineOrReply = Result<Box<dyn Line>, Reply>;

/// The network.
pub trait Transport: Send + Sync {
    /// Makes a request.
    fn call(&self, call: Call) -> Pending<'_, Result<Reply, NetError>>;
    /// Opens a WebSocket; the call's method and body do not count. An HTTP refusal is a reply.
    fn open_line(&self, call: Call) -> Pending<'_, Result<LineOrReply, NetError>>;
}

impl Reply {
    /// What the reply says in JSON, if it is a success; nothing at all reads as `null`.
    ///
    /// # Errors
    /// When it is a problem, or cannot be read.
    pub fn json<A: DeserializeOwned>(self) -> Result<A, Error> {
        let reply = self.success()?;
        let body: &[u8] = match reply.body.is_empty() {
            true => b"null",
            false => &reply.body,
        };
        serde_json::from_slice(body).map_err(|_| Error::Unreadable)
    }

    /// The reply if it is a success, else the problem it states.
    ///
    /// # Errors
    /// When it is no success.
    pub fn success(self) -> Result<Self, Error> {
        #[derive(serde::Deserialize)]
        struct Problem {
            r#type: String,
            #[serde(default)]
            title: Option<String>,
            #[serde(default)]
            detail: Option<String>,
        }
        match self.status {
            200..=299 => Ok(self),
            401 => Err(Error::SignInNeeded),
            status => {
                let problem = serde_json::from_slice::<Problem>(&self.body).ok();
                let slug = problem
                    .as_ref()
                    .and_then(|problem| problem.r#type.rsplit('/').next())
                    .filter(|slug| is_slug(slug))
                    .unwrap_or("unnamed")
                    .to_owned();
                let told = problem.map_or_else(Told::default, |problem| Told {
                    title: problem.title.and_then(sentence),
                    detail: problem.detail.and_then(sentence),
                });
                Err(Error::Problem {
                    status,
                    problem: slug,
                    retry_after: self.retry_after,
                    told,
                })
            }
        }
    }
}

/// What may be shown of a sentence of the server's: a line of bounded length that steers no screen.
fn sentence(text: String) -> Option<String> {
    let shown = text.chars().filter(|c| !sync_core::text::steers(*c));
    let shown: String = shown.take(SENTENCE).collect();
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// Whatever else a server puts there does not get into a message.
fn is_slug(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b == b'-';
    !text.is_empty() && text.len() <= 40 && text.bytes().all(word)
}

/// A JSON request to the server and its answer.
///
/// # Errors
/// When no answer comes, it is a problem, or cannot be read.
pub async fn json_call<Q: Serialize, A: DeserializeOwned>(
    transport: &dyn Transport,
    method: Method,
    server: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Q>,
) -> Result<A, Error> {
    let body = body.map(|body| Body {
        encoding: Encoding::Json,
        bytes: Encoding::Json.write(body),
    });
    let call = Call {
        method,
        server: server.to_owned(),
        path: path.to_owned(),
        token: token.map(str::to_owned),
        body,
        accept: Encoding::Json,
    };
    transport.call(call).await?.json()
}
