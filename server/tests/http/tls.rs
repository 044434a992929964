//! TLS spoken by the server itself.

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use server::app::{Running, run_with};
use server::config::Config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Message, client};

use super::authenticator::Authenticator;
use super::world::{World, token};

/// A certificate of its own for `localhost`, good from one year to another, and its key.
fn certificate(from: i32, until: i32) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let mut said = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    said.not_before = date_time_ymd(from, 1, 1);
    said.not_after = date_time_ymd(until, 1, 1);
    (said.self_signed(&key).expect("signs"), key)
}

/// The configuration of a server with the certificate and the key in these files.
fn config(world: &World, certificate: &Path, key: &Path) -> Config {
    Config {
        tls: Some((certificate.to_owned(), key.to_owned())),
        ..world.config()
    }
}

/// A connection whose handshake was made by a client that trusts this certificate alone.
fn connect(running: &Running, trusted: &CertificateDer<'static>) -> std::io::Result<Secure> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut tls = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut socket = TcpStream::connect(running.addr())?;
    while tls.is_handshaking() {
        tls.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(tls, socket))
}

type Secure = StreamOwned<ClientConnection, TcpStream>;

/// What is said over one connection, on a thread of its own.
fn talk(connection: Secure, path: &str, token: &str) -> String {
    let mut request = format!("wss://localhost{path}")
        .into_client_request()
        .expect("a request");
    let bearer = format!("Bearer {token}").parse().expect("a header");
    request.headers_mut().insert("authorization", bearer);
    let (mut socket, answer) = client(request, connection).expect("a WebSocket");
    assert_eq!(answer.status(), 101);
    socket.send(Message::Ping("there?".into())).expect("sends");
    let Message::Pong(said) = socket.read().expect("an answer") else {
        panic!("no pong");
    };
    socket.close(None).expect("closes");
    String::from_utf8(said.to_vec()).expect("text")
}

fn healthz(mut connection: Secure) -> String {
    use std::io::{Read as _, Write as _};
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).expect("sends");
    let mut answer = String::new();
    // The server may close the connection under TLS: what counts has come by then.
    let _ = connection.read_to_string(&mut answer);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn http_and_live_go_over_a_real_handshake() {
    let mut world = World::new().await;
    let record = super::admin::open_record(&world);
    let code = record["code"].as_str().expect("a code");
    let finish = world
        .begin_enrolment(code, &mut Authenticator::default())
        .await;
    let session = world.post("/v1/enrolment/finish", &finish).await.ok();
    world.stop().await;

    let (own, key) = certificate(2_000, 4_000);
    let data = world.config().data;
    let files = (data.join("cert.pem"), data.join("key.pem"));
    std::fs::write(&files.0, own.pem()).expect("writes");
    std::fs::write(&files.1, key.serialize_pem()).expect("writes");
    let running = run_with(config(&world, &files.0, &files.1), world.clock.clone()).await;
    let running = Arc::new(running.expect("starts"));
    assert!(running.url().starts_with("https://"));
    let path = format!(
        "/v1/records/{}/live",
        record["record"].as_str().expect("an id")
    );
    let token = token(&session).to_owned();
    let (server, trusted) = (running.clone(), own.der().clone());
    let client = move || {
        let healthz = healthz(connect(&server, &trusted).expect("a handshake"));
        assert!(healthz.starts_with("HTTP/1.1 200"), "{healthz}");
        let connection = connect(&server, &trusted).expect("a handshake");
        assert_eq!(connection.conn.alpn_protocol(), None);
        assert_eq!(talk(connection, &path, &token), "there?");
        let (other, _) = certificate(2_000, 4_000);
        assert!(
            connect(&server, other.der()).is_err(),
            "another certificate"
        );
    };
    tokio::task::spawn_blocking(client).await.expect("a client");
    let running = Arc::into_inner(running).expect("the client is done");
    running.stop().await;
}

#[tokio::test]
async fn files_that_cannot_serve_are_named() {
    let mut world = World::new().await;
    world.stop().await;
    let data = world.config().data;
    let put = |name: &str, text: &str| {
        let path = data.join(name);
        std::fs::write(&path, text).expect("writes");
        path
    };
    let (good, key) = certificate(2_000, 4_000);
    let (expired, _) = certificate(1_990, 2_000);
    let (early, _) = certificate(3_000, 4_000);
    let (_, other) = certificate(2_000, 4_000);
    let cert = put("cert.pem", &good.pem());
    let private = put("key.pem", &key.serialize_pem());
    let none = data.join("none.pem");
    for (cert, key, file, says) in [
        (&none, &private, "none.pem", "No such file"),
        (&cert, &none, "none.pem", "No such file"),
        (&private, &private, "key.pem", "no certificate"),
        (&cert, &cert, "cert.pem", "key"),
        (
            &put("expired.pem", &expired.pem()),
            &private,
            "expired.pem",
            "expired",
        ),
        (
            &put("early.pem", &early.pem()),
            &private,
            "early.pem",
            "good from",
        ),
        (
            &cert,
            &put("other.pem", &other.serialize_pem()),
            "other.pem",
            "not the key",
        ),
        (
            &put("broken.pem", "-----BEGIN CERTIFICATE-----\nAA"),
            &private,
            "broken.pem",
            "",
        ),
    ] {
        let started = run_with(config(&world, cert, key), world.clock.clone()).await;
        let error = started.map(|_| ()).expect_err(file).to_string();
        assert!(error.contains(file) && error.contains(says), "{error}");
    }
}
