//! The network for real: HTTP by reqwest, the WebSocket by tungstenite, TLS by rustls.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use sync_core::codec::Encoding;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Call, Line, LineOrReply, Method, NetError, Pending, Reply, Transport};
use crate::error::Error;

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);

/// HTTP with keep-alive.
#[derive(Clone, Debug)]
pub struct HttpTransport(reqwest::Client);

impl HttpTransport {
    /// A client that trusts what the platform trusts, and follows no redirect.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, Error> {
        // An app may have installed a provider of its own; then that one stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("carnet-mobile/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(HttpTransport)
            .map_err(|_| Error::Net(NetError::Unreachable))
    }

    async fn send(&self, call: Call) -> Result<Reply, NetError> {
        let url = format!("{}{}", call.server, call.path);
        let request = match call.method {
            Method::Get => self.0.get(url),
            Method::Post => self.0.post(url),
            Method::Delete => self.0.delete(url),
        };
        let mut request = request.header("accept", call.accept.media_type());
        if let Some(token) = &call.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = call.body {
            request = request
                .header("content-type", body.encoding.media_type())
                .body(body.bytes);
        }
        let response = request.send().await.map_err(|error| net(&error))?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = response.bytes().await.map_err(|error| net(&error))?;
        Ok(Reply {
            status,
            retry_after,
            body: body.to_vec(),
        })
    }
}

fn net(error: &reqwest::Error) -> NetError {
    if error.is_connect() || error.is_builder() {
        NetError::Unreachable
    } else {
        NetError::Broken
    }
}

impl Transport for HttpTransport {
    fn call(&self, call: Call) -> Pending<'_, Result<Reply, NetError>> {
        Box::pin(self.send(call))
    }

    fn open_line(&self, call: Call) -> Pending<'_, Result<LineOrReply, NetError>> {
        Box::pin(open(call))
    }
}

async fn open(call: Call) -> Result<LineOrReply, NetError> {
    let server = call
        .server
        .strip_prefix("http")
        .ok_or(NetError::Unreachable)?;
    let url = format!("ws{server}{}", call.path);
    let mut request = url
        .into_client_request()
        .map_err(|_| NetError::Unreachable)?;
    if let Some(token) = &call.token {
        let value = format!("Bearer {token}")
            .parse()
            .map_err(|_| NetError::Unreachable)?;
        request.headers_mut().insert("authorization", value);
    }
    let accept = Encoding::Cbor.media_type().parse();
    request
        .headers_mut()
        .insert("accept", accept.map_err(|_| NetError::Unreachable)?);
    let opened = tokio::time::timeout(CONNECT, connect_async(request)).await;
    match opened.map_err(|_| NetError::Unreachable)? {
        Ok((socket, _)) => Ok(Ok(Box::new(Socket(socket)))),
        Err(WsError::Http(response)) => Ok(Err(Reply {
            status: response.status().as_u16(),
            retry_after: None,
            body: response.body().clone().unwrap_or_default(),
        })),
        Err(_) => Err(NetError::Unreachable),
    }
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Line for Socket {
    fn send(&mut self, message: Vec<u8>) -> Pending<'_, Result<(), NetError>> {
        Box::pin(async move {
            let sent = self.0.send(Message::Binary(message.into())).await;
            sent.map_err(|_| NetError::Broken)
        })
    }

    fn receive(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, NetError>> {
        Box::pin(async move {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Binary(bytes))) => return Ok(Some(bytes.to_vec())),
                    Some(Ok(Message::Close(_))) | None => return Ok(None),
                    // Pings are answered below; a text is not what was asked for.
                    Some(Ok(_)) => {}
                    Some(Err(_)) => return Err(NetError::Broken),
                }
            }
        })
    }
}
