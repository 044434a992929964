//! TLS: requests and live updates trust the same roots.

use carnet_mobile::driver::{Call, HttpTransport, Method, NetError, Transport as _};
use sync_core::codec::Encoding;

use super::stage::{Stage, now};

/// Made for these tests, for `localhost` and the loopback address; its root's key is gone.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/tls/cert.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/tls/key.pem");
const ROOT: &[u8] = include_bytes!("../../data/tls/root.pem");

/// What a request and a line meet with: the status of their answers, or why none came.
fn reached(transport: &HttpTransport, server: &str) -> [Result<u16, NetError>; 2] {
    let call = |path: &str| Call {
        method: Method::Get,
        server: server.to_owned(),
        path: path.to_owned(),
        token: None,
        body: None,
        accept: Encoding::Json,
    };
    let path = "/v1/records/0191d6a0-0000-7000-8000-00000000000a/live";
    let (request, line) = (
        now(transport.call(call("/healthz"))),
        now(transport.open_line(call(path))),
    );
    let line = line.map(|opened| opened.map_or_else(|reply| reply.status, |_| 101));
    [request.map(|reply| reply.status), line]
}

#[test]
fn requests_and_lines_trust_the_same_roots() {
    let stage = Stage::with(&["--tls-cert", CERTIFICATE, "--tls-key", KEY]);
    let server = stage.server().url();
    assert!(server.starts_with("https://"), "{server}");
    let ours = HttpTransport::trusting(ROOT).expect("a root");
    assert_eq!(reached(&ours, server), [Ok(200), Ok(401)]);
    let others = HttpTransport::new();
    let away = Err(NetError::Unreachable);
    assert_eq!(reached(&others, server), [away, away]);
}

#[test]
fn roots_that_cannot_be_read_are_refused() {
    assert!(HttpTransport::trusting(b"").is_err());
    let broken = ROOT.to_ascii_lowercase();
    assert!(HttpTransport::trusting(&broken).is_err());
}
