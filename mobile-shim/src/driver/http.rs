//! The network for real: HTTP by reqwest, the WebSocket by tungstenite, TLS by rustls, configured
//! once for both.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use sync_core::codec::Encoding;
use sync_core::sync::limits::MAX_LIVE_FRAME;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
};

use super::{Call, Heard, Line, LineOrReply, Method, NetError, Pending, Reply, Transport};
use crate::error::Error;

const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come of an answer: one that comes slowly is none the worse.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a request may take in all.
const WHOLE: Duration = Duration::from_secs(600);

/// Whose word on certificates counts.
#[derive(Debug)]
enum Trust {
    Platform,
    Only(Arc<RootCertStore>),
}

/// What is set up for the first request: an app that only reads need not wait for it.
#[derive(Clone, Debug)]
struct Ready {
    http: reqwest::Client,
    lines: Arc<ClientConfig>,
}

/// HTTP with keep-alive, and WebSockets. Follows no redirect.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    trust: Arc<Trust>,
    ready: Arc<OnceLock<Option<Ready>>>,
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpTransport {
    /// Trusts the certificates that the platform trusts.
    pub fn new() -> Self {
        Self::with(Trust::Platform)
    }

    /// Trusts what these root certificates, PEM, vouch for, and nothing else.
    ///
    /// # Errors
    /// When one cannot be read, or there is none.
    pub fn trusting(roots: &[u8]) -> Result<Self, Error> {
        let wrong = Error::Argument { field: "roots" };
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots) {
            let added = root.is_ok_and(|root| store.add(root).is_ok());
            if !added {
                return Err(wrong);
            }
        }
        match store.is_empty() {
            true => Err(wrong),
            false => Ok(Self::with(Trust::Only(Arc::new(store)))),
        }
    }

    fn with(trust: Trust) -> Self {
        HttpTransport {
            trust: Arc::new(trust),
            ready: Arc::default(),
        }
    }

    fn ready(&self) -> Result<&Ready, NetError> {
        let ready = self.ready.get_or_init(|| Ready::new(&self.trust));
        ready.as_ref().ok_or(NetError::Unreachable)
    }

    async fn send(&self, call: Call) -> Result<Reply, NetError> {
        let url = format!("{}{}", call.server, call.path);
        let http = &self.ready()?.http;
        let request = match call.method {
            Method::Get => http.get(url),
            Method::Post => http.post(url),
            Method::Patch => http.patch(url),
            Method::Delete => http.delete(url),
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

impl Ready {
    /// Nothing when the platform's certificates cannot be read.
    fn new(trust: &Trust) -> Option<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().ok()?;
        let builder = match trust {
            Trust::Platform => builder.with_platform_verifier().ok()?,
            Trust::Only(roots) => builder.with_root_certificates(roots.clone()),
        };
        let lines = builder.with_no_client_auth();
        let mut requests = lines.clone();
        requests.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(requests)
            .connect_timeout(CONNECT)
            .read_timeout(ANSWER)
            .timeout(WHOLE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("carnet-mobile/", env!("CARGO_PKG_VERSION")))
            .build()
            .ok()?;
        let lines = Arc::new(lines);
        Some(Ready { http, lines })
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
        Box::pin(async { open(&self.ready()?.lines, call).await })
    }
}

async fn open(tls: &Arc<ClientConfig>, call: Call) -> Result<LineOrReply, NetError> {
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
    let tls = Connector::Rustls(tls.clone());
    // An edit goes out at once, also while the pong before it is on its way.
    let at_once = true;
    let connecting = connect_async_tls_with_config(request, None, at_once, Some(tls));
    let opened = tokio::time::timeout(CONNECT, connecting).await;
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

/// A message in as many frames as the server takes it in.
fn frames(message: Vec<u8>) -> Vec<Message> {
    if message.len() <= MAX_LIVE_FRAME {
        return vec![Message::Binary(message.into())];
    }
    let last = (message.len() - 1) / MAX_LIVE_FRAME;
    let pieces = message.chunks(MAX_LIVE_FRAME).enumerate();
    let frames = pieces.map(|(at, piece)| {
        let data = match at {
            0 => Data::Binary,
            _ => Data::Continue,
        };
        Frame::message(piece.to_vec(), OpCode::Data(data), at == last)
    });
    frames.map(Message::Frame).collect()
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Line for Socket {
    fn send(&mut self, message: Vec<u8>) -> Pending<'_, Result<(), NetError>> {
        Box::pin(async move {
            let sent = async {
                for frame in frames(message) {
                    self.0.feed(frame).await?;
                }
                self.0.flush().await
            };
            sent.await.map_err(|_: WsError| NetError::Broken)
        })
    }

    fn receive(&mut self) -> Pending<'_, Result<Option<Heard>, NetError>> {
        Box::pin(async move {
            match self.0.next().await {
                Some(Ok(Message::Binary(bytes))) => Ok(Some(Heard::Message(bytes.to_vec()))),
                Some(Ok(Message::Close(Some(why)))) if why.reason.as_str() == "no-room" => {
                    Ok(Some(Heard::NoRoom))
                }
                Some(Ok(Message::Close(_))) | None => Ok(None),
                // Pings are answered below; a text is not what was asked for.
                Some(Ok(_)) => Ok(Some(Heard::Life)),
                Some(Err(_)) => Err(NetError::Broken),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a message says, and in what frames.
    fn told(message: &[u8]) -> (Vec<u8>, Vec<usize>) {
        let (mut whole, mut sizes) = (Vec::new(), Vec::new());
        let frames = frames(message.to_vec());
        let last = frames.len() - 1;
        for (at, frame) in frames.into_iter().enumerate() {
            let piece = match frame {
                Message::Frame(frame) => {
                    let header = frame.header();
                    let data = match at {
                        0 => Data::Binary,
                        _ => Data::Continue,
                    };
                    assert_eq!(header.opcode, OpCode::Data(data));
                    assert_eq!(header.is_final, at == last);
                    frame.into_payload()
                }
                message => message.into_data(),
            };
            sizes.push(piece.len());
            whole.extend_from_slice(&piece);
        }
        (whole, sizes)
    }

    #[test]
    fn a_large_message_goes_in_frames_that_the_server_takes() {
        for (length, sizes) in [
            (0, vec![0]),
            (MAX_LIVE_FRAME, vec![MAX_LIVE_FRAME]),
            (MAX_LIVE_FRAME + 1, vec![MAX_LIVE_FRAME, 1]),
            (2 * MAX_LIVE_FRAME, vec![MAX_LIVE_FRAME; 2]),
        ] {
            let message: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert_eq!(told(&message), (message, sizes));
        }
    }
}
