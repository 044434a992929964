//! One phone's connection, over plain HTTP, kept alive from one request to the next.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use sync_core::RecordId;
use sync_core::codec::Encoding;
use tokio::net::TcpStream;

use crate::support::SupportError;

/// How long an answer may take: a phone would wait no longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Line {
    /// Connects to the server at a URL.
    pub async fn open(url: &str) -> Result<Self, SupportError> {
        let failed = SupportError::io("a connection");
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.map_err(&failed)?;
        stream.set_nodelay(true).map_err(&failed)?;
        let shaken = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(broken)?;
        // How it ends, whoever sends over it learns.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Line { sender, host })
    }

    /// Sends a request of sync, and gives the answer's body.
    pub async fn sync(
        &mut self,
        record: RecordId,
        token: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, SupportError> {
        let late = |_| SupportError::Missing("an answer in time");
        tokio::time::timeout(PATIENCE, self.send(record, token, body))
            .await
            .map_err(late)?
    }

    async fn send(
        &mut self,
        record: RecordId,
        token: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, SupportError> {
        let media_type = Encoding::Cbor.media_type();
        let request = hyper::Request::post(format!("/v1/records/{record}/sync"))
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, media_type)
            .header(ACCEPT, media_type)
            .body(Full::new(Bytes::from(body)));
        let request = request.map_err(|_| SupportError::Missing("a request"))?;
        // The one before may not be over yet for the connection.
        self.sender.ready().await.map_err(broken)?;
        let response = self.sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(broken)?;
        let body = body.to_bytes().to_vec();
        match status.is_success() {
            true => Ok(body),
            false => Err(SupportError::Server {
                command: format!("sync ({status})"),
                said: String::from_utf8_lossy(&body).into_owned(),
            }),
        }
    }
}

fn broken(error: hyper::Error) -> SupportError {
    SupportError::Io {
        what: "a connection",
        source: std::io::Error::other(error),
    }
}
