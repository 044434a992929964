//! The WebSocket.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

use super::{Encoding, Problem, SyncAnswer, SyncRequest, WireDevice};

/// An open WebSocket on a record.
pub struct WireLive {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    encoding: Encoding,
}

impl WireLive {
    /// Opens it; an HTTP refusal is a problem.
    pub async fn open(device: &WireDevice, record: &Uuid) -> Result<Self, Problem> {
        let base = device.wire.base().replacen("http", "ws", 1);
        let url = format!("{base}/v1/records/{record}/live");
        let mut request = url.into_client_request().expect("an address");
        let token = format!("Bearer {}", device.session.token);
        let headers = request.headers_mut();
        headers.insert("authorization", token.parse().expect("text"));
        match connect_async(request).await {
            Ok((socket, _)) => Ok(WireLive {
                socket,
                encoding: device.wire.encoding(),
            }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                Err(serde_json::from_slice(&body).expect("a refusal is a problem"))
            }
            Err(error) => panic!("the server answers: {error}"),
        }
    }

    /// Sends a request.
    pub async fn send(&mut self, request: &SyncRequest) {
        let bytes = self.encoding.write(request);
        let message = match self.encoding {
            Encoding::Cbor => Message::Binary(bytes.into()),
            Encoding::Json => Message::Text(String::from_utf8(bytes).expect("JSON is text").into()),
        };
        assert!(self.try_send(message).await, "the line is open");
    }

    /// Sends anything; a server that closed meanwhile does not get it.
    pub async fn try_send(&mut self, message: Message) -> bool {
        self.socket.send(message).await.is_ok()
    }

    /// The next answer; nothing once the server closed.
    pub async fn next(&mut self) -> Option<SyncAnswer> {
        loop {
            let bytes = match self.socket.next().await? {
                Ok(Message::Binary(bytes)) => {
                    assert_eq!(self.encoding, Encoding::Cbor, "answered in kind");
                    bytes.to_vec()
                }
                Ok(Message::Text(text)) => {
                    assert_eq!(self.encoding, Encoding::Json, "answered in kind");
                    text.as_bytes().to_vec()
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => continue,
            };
            let read = self.encoding.read(&bytes);
            return Some(read.expect("an answer as the page says"));
        }
    }
}
