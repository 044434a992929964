//! A WebSocket of a device that has little memory for it, so that thousands fit one process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sync_core::RecordId;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::people::Phone;
use crate::support::SupportError;

/// Bytes that are read at once, and kept before they are sent.
const BUFFER: usize = 2 * 1024;

/// How long anything may take that the server is asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many are opened at once.
const OPENED_AT_ONCE: usize = 64;

/// The root of the certificate in `tests/data/tls`.
const ROOT: &[u8] = include_bytes!("../../../data/tls/root.pem");

/// An open WebSocket on a record.
pub(super) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// Whose word on certificates counts for the sockets of this benchmark.
pub(super) fn tls() -> Result<Arc<ClientConfig>, SupportError> {
    let unread = SupportError::Missing("a root certificate");
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(ROOT);
    if !root.is_ok_and(|root| roots.add(root).is_ok()) {
        return Err(unread);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| SupportError::Missing("a version of TLS"))?;
    let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
    // Thousands of devices each come for the first time.
    tls.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(tls))
}

impl Socket {
    /// Opens one on a record of the server at a URL.
    pub async fn open(
        url: &str,
        record: RecordId,
        token: &str,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, SupportError> {
        let failed = SupportError::io("a WebSocket");
        let wrong = || SupportError::Missing("an address");
        let (_, address) = url.split_once("://").unwrap_or(("", url));
        let stream = TcpStream::connect(address).await.map_err(&failed)?;
        stream.set_nodelay(true).map_err(&failed)?;
        let url = format!("{}/v1/records/{record}/live", url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().map_err(|_| wrong())?;
        let token = format!("Bearer {token}");
        let token = token.parse().map_err(|_| wrong())?;
        request.headers_mut().insert("authorization", token);
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0);
        let connector = Some(Connector::Rustls(tls));
        let opening = client_async_tls_with_config(request, stream, Some(config), connector);
        let late = |_| SupportError::Missing("a WebSocket in time");
        let opened = tokio::time::timeout(PATIENCE, opening)
            .await
            .map_err(late)?;
        let (socket, _) = opened.map_err(|error| SupportError::Io {
            what: "a WebSocket",
            source: std::io::Error::other(error),
        })?;
        Ok(Socket(socket))
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Vec<u8>) -> Result<(), SupportError> {
        let sent = self.0.send(Message::binary(message)).await;
        sent.map_err(|_| SupportError::Missing("an open WebSocket"))
    }

    /// The next message; nothing once it is closed. Answers pings meanwhile.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.0.next().await? {
                Ok(Message::Binary(bytes)) => return Some(bytes.to_vec()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next message, which is on its way.
    pub async fn answer(&mut self) -> Result<Vec<u8>, SupportError> {
        let next = tokio::time::timeout(PATIENCE, self.next()).await;
        let gone = SupportError::Missing("an answer over a WebSocket");
        next.ok().flatten().ok_or(gone)
    }
}

/// What a socket that waits meets with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Met {
    /// It was pushed an answer then: the socket, of all, and that of its phone.
    Pushed(usize, usize, Instant),
    /// It was closed.
    Closed,
}

/// Sockets that wait for changes, until dropped.
pub(super) struct Waiting {
    /// How many.
    pub count: usize,
    met: mpsc::UnboundedReceiver<Met>,
    _tasks: JoinSet<()>,
}

impl Waiting {
    /// Opens so many sockets, phone by phone and again, each of which is told how its record stands.
    pub async fn open(
        url: &str,
        phones: &mut [Phone],
        count: usize,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, SupportError> {
        let mut asked = Vec::new();
        for phone in &mut *phones {
            let (record, token) = (phone.device.record(), phone.device.token().to_owned());
            asked.push((record, token, phone.device.request()?));
        }
        let opening = (0..count).map(|number| {
            let (record, token, request) = asked[number % asked.len()].clone();
            async move {
                let mut socket = Socket::open(url, record, &token, tls.clone()).await?;
                socket.send(request).await?;
                socket.answer().await?;
                Ok::<_, SupportError>(socket)
            }
        });
        let mut opening = futures_util::stream::iter(opening).buffered(OPENED_AT_ONCE);
        let (says, met) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let mut number = 0;
        while let Some(socket) = opening.try_next().await? {
            let whose = (number, number % asked.len());
            tasks.spawn(wait(socket, whose, says.clone()));
            number += 1;
        }
        Ok(Waiting {
            count,
            met,
            _tasks: tasks,
        })
    }

    /// What one of them met with, within so long.
    pub async fn next(&mut self, within: Duration) -> Option<Met> {
        tokio::time::timeout(within, self.met.recv()).await.ok()?
    }

    /// How many were closed, of those that met with anything so far.
    pub fn closed(&mut self) -> usize {
        let mut closed = 0;
        while let Ok(met) = self.met.try_recv() {
            closed += usize::from(matches!(met, Met::Closed));
        }
        closed
    }
}

async fn wait(
    mut socket: Socket,
    (number, phone): (usize, usize),
    says: mpsc::UnboundedSender<Met>,
) {
    while socket.next().await.is_some() {
        // Whoever listened may be gone.
        let _ = says.send(Met::Pushed(number, phone, Instant::now()));
    }
    let _ = says.send(Met::Closed);
}
