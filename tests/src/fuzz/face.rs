//! What meets the outside at the two ends of the network: a server's WebSocket, headers, cursors and
//! bodies, and what a phone is answered.

use std::sync::Arc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, header};
use actix_web::test::TestRequest;
use actix_web::web::Bytes as Piece;
use actix_ws::{Item as Fragment, Message};
use carnet_mobile::answers::Answered;
use carnet_mobile::driver::Reply;
use carnet_mobile::error::Error;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use server::clock::SystemClock;
use server::config::Config;
use server::http::bodies::Sent;
use server::keys::Keys;
use server::live::{Heard, Parts};
use server::reading::cursor;
use server::sessions::{self, COOKIE};
use sync_core::RecordId;
use sync_core::audit::ChainedEvent;
use sync_core::authority::Cursor;
use sync_core::codec::{self, Encoding};
use sync_core::sync::{Frame, SyncRequest};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::mutate;
use super::seeds::{self, Seeds};
use super::target::{Verdict, same_again};

/// A token as a session has it.
const TOKEN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// What a server must hold to read some of it.
pub(super) struct AtServer {
    config: Config,
    keys: Keys,
    _folder: tempfile::TempDir,
}

impl AtServer {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config::local(folder.path());
        std::fs::create_dir(config.keys()).expect("a folder for keys");
        let keys = Keys::open(&config.keys(), &config.master_key, Arc::new(SystemClock));
        AtServer {
            config,
            keys: keys.expect("a fresh key store"),
            _folder: folder,
        }
    }
}

impl AtServer {
    pub fn config(&self) -> &Config {
        &self.config
    }
}

/// Frames of a WebSocket: of each its kind, its length and its payload.
pub(super) fn frames(seeds: &Seeds, dice: &mut ChaCha8Rng) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..dice.random_range(1..4) {
        let Some(request) = seeds.requests.choose(dice) else {
            break;
        };
        let binary = dice.random_bool(0.6);
        let message = match (binary, dice.random_bool(0.5)) {
            (true, true) => codec::to_cbor(request),
            (true, false) => mutate::cbor(dice, &codec::to_cbor(request)),
            (false, true) => Encoding::Json.write(request),
            (false, false) => {
                let json = Encoding::Json.write(request);
                mutate::text(dice, &String::from_utf8_lossy(&json))
            }
        };
        let mut put = |kind: u8, payload: &[u8]| {
            let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            out.push(kind);
            out.extend(length.to_le_bytes());
            out.extend(payload);
        };
        let pieces = dice.random_range(0..6_usize);
        if pieces < 2 {
            put(if binary { 0 } else { 1 }, &message);
        } else {
            let size = message.len().div_ceil(pieces).max(1);
            let count = message.chunks(size).count();
            for (at, piece) in message.chunks(size).enumerate() {
                let kind = match at {
                    0 if binary => 2,
                    0 => 3,
                    _ if at + 1 == count => 5,
                    _ => 4,
                };
                put(kind, piece);
                if dice.random_bool(0.1) {
                    put(dice.random_range(0..10), b"between");
                }
            }
        }
    }
    if dice.random_bool(0.1) {
        mutate::bytes(dice, &mut out);
    }
    out
}

/// Takes frames as a connection does.
pub(super) fn live(bytes: &[u8]) -> Verdict {
    let (mut parts, now) = (Parts::default(), Instant::now());
    let mut rest = bytes;
    let mut verdict = Verdict::Refused;
    while let Some((head, after)) = rest.split_at_checked(5) {
        let length = head[1..]
            .iter()
            .rev()
            .fold(0, |n, b| n << 8 | usize::from(*b));
        let (payload, after) = after.split_at(length.min(after.len()));
        rest = after;
        let piece = Piece::copy_from_slice(payload);
        let frame = match head[0] % 10 {
            0 => Message::Binary(piece),
            1 => match String::from_utf8(payload.to_vec()) {
                Ok(text) => Message::Text(text.into()),
                Err(_) => return verdict,
            },
            2 => Message::Continuation(Fragment::FirstBinary(piece)),
            3 => Message::Continuation(Fragment::FirstText(piece)),
            4 => Message::Continuation(Fragment::Continue(piece)),
            5 => Message::Continuation(Fragment::Last(piece)),
            6 => Message::Ping(piece),
            7 => Message::Pong(piece),
            8 => Message::Nop,
            _ => Message::Close(None),
        };
        match parts.take(frame, now) {
            Ok(Heard::Message(encoding, bytes)) => {
                if let Ok(request) = encoding.read::<SyncRequest>(&bytes) {
                    request.edits.as_ref().map(Frame::unpacked);
                }
                match same_again::<SyncRequest>(encoding, &bytes) {
                    Verdict::Refused => return verdict,
                    Verdict::Passed => verdict = Verdict::Passed,
                    poison => return poison,
                }
                if parts.bytes() != 0 || parts.due().is_some() {
                    return Verdict::Poison("nothing is kept of a message that is whole");
                }
            }
            Ok(Heard::Close) | Err(_) => return verdict,
            Ok(_) => {}
        }
    }
    verdict
}

/// Lines of headers, of which some carry a token.
pub(super) fn headers(dice: &mut ChaCha8Rng) -> Vec<u8> {
    let own = "http://localhost:8080";
    let lines = [
        format!("authorization: Bearer {TOKEN}"),
        format!("cookie: {COOKIE}={TOKEN}; other=1"),
        format!("origin: {own}"),
        "upgrade: websocket".to_owned(),
        format!("cookie: a=\"b\"; {COOKIE}=\"{TOKEN}\""),
        "origin: https://evil.example".to_owned(),
        "origin: http://localhost:8080@evil.example/".to_owned(),
    ];
    let mut all = Vec::new();
    for _ in 0..dice.random_range(1..4) {
        let line = lines.choose(dice).map_or("", String::as_str);
        let line = match dice.random_bool(0.6) {
            true => mutate::text(dice, line),
            false => line.as_bytes().to_vec(),
        };
        all.extend(line);
        all.push(b'\n');
    }
    all
}

/// Whose request it is, as far as its headers say.
pub(super) fn credentials(at: &AtServer, bytes: &[u8]) -> Verdict {
    let mut request = TestRequest::default().method(Method::POST);
    let mut bearer = false;
    let mut origins = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        else {
            continue;
        };
        bearer |= name == header::AUTHORIZATION;
        if name == header::ORIGIN {
            origins.extend(
                std::str::from_utf8(value.as_bytes())
                    .ok()
                    .map(str::to_owned),
            );
        }
        request = request.append_header((name, value));
    }
    let Ok(token) = sessions::sent_token(&at.config, &request.to_http_request()) else {
        return Verdict::Refused;
    };
    if token.expose().parse::<sessions::Token>().is_err() {
        return Verdict::Poison("a token that was read is read again");
    }
    let own = |origin: &String| {
        let url = Url::parse(origin).ok();
        url.is_some_and(|url| url.host_str() == Some("localhost") && url.scheme() == "http")
    };
    if !bearer && !origins.first().is_some_and(own) {
        return Verdict::Poison("a cookie counts from an own page only");
    }
    Verdict::Passed
}

/// A cursor as it arrives: what is no cursor, or what one says in clear, to be sealed.
pub(super) fn cursors(seeds: &Seeds, seed: usize, dice: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = vec![dice.random()];
    let mut clear = seeds.cursors[seed].encode();
    if dice.random_bool(0.5) {
        mutate::bytes(dice, &mut clear);
    }
    bytes.extend(clear);
    bytes
}

/// Opens cursors: what this server sealed for somebody, and nothing else.
pub(super) fn open_cursor(at: &AtServer, bytes: &[u8]) -> Verdict {
    let (record, person, other) = (seeds::record(), seeds::person(0), seeds::person(1));
    let open = |person, sealed: &[u8]| cursor::open(&at.keys, record, person, sealed);
    if open(person, bytes).is_some() {
        return Verdict::Poison("what was not sealed is not opened");
    }
    let Some((how, clear)) = bytes.split_first() else {
        return Verdict::Refused;
    };
    let Some(said) = Cursor::decode(clear) else {
        return Verdict::Refused;
    };
    let Ok(sealed) = cursor::seal(&at.keys, record, person, &said) else {
        return Verdict::Refused;
    };
    let mut damaged = sealed.0.clone();
    let place = usize::from(*how) % damaged.len().max(1);
    damaged[place] ^= 1 << (how % 8);
    let elsewhere = RecordId(Uuid::from_u128(1));
    let wrong = [
        open(other, &sealed),
        open(person, &damaged),
        open(person, &sealed[..place]),
        cursor::open(&at.keys, elsewhere, person, &sealed),
    ];
    if wrong.iter().any(Option::is_some) {
        return Verdict::Poison("a cursor is opened for whom it was sealed, whole");
    }
    match open(person, &sealed) {
        Some(again) if again.encode() == said.encode() => Verdict::Passed,
        _ => Verdict::Poison("a cursor that was sealed is opened"),
    }
}

/// Valid bodies and queries of the face.
const SENT: [(Sent, &str); 9] = [
    (Sent::EnrolmentStart, r#"{"code":"MKHKN-YP1HB"}"#),
    (
        Sent::EnrolmentFinish,
        r#"{"ceremony":"AAECAwQFBgcICQoLDA0ODw","credential":{"id":"AQID","rawId":"AQID","type":"public-key","response":{"attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA","clientDataJSON":"e30","transports":["internal"]},"extensions":{"credProps":{"rk":true}}},"passkey_name":"Téléphone","device":{"public_key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","name":"Téléphone","proof":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw"},"cookie":false}"#,
    ),
    (Sent::SignInStart, "{}"),
    (
        Sent::SignInFinish,
        r#"{"ceremony":"AAECAwQFBgcICQoLDA0ODw","credential":{"id":"AQID","rawId":"AQID","type":"public-key","response":{"authenticatorData":"AQID","clientDataJSON":"e30","signature":"AQID","userHandle":"AAECAwQFBgcICQoLDA0ODw"},"extensions":{}},"device":null,"cookie":true}"#,
    ),
    (Sent::Rename, r#"{"name":"Le vieux téléphone"}"#),
    (Sent::Professional, r#"{"rpps":"10001234567"}"#),
    (Sent::LogPart, "after=12&limit=100"),
    (
        Sent::RecordsPart,
        "after=01930000-0000-7000-8000-000000000001&limit=20",
    ),
    (Sent::People, "since=1790000000000000"),
];

/// How many kinds of bodies there are, each in two encodings.
pub(super) const BODIES: usize = SENT.len() * 2;

fn encoding(seed: usize) -> Encoding {
    match seed % 2 {
        0 => Encoding::Json,
        _ => Encoding::Cbor,
    }
}

/// A body, or a query.
pub(super) fn body(seed: usize, dice: &mut ChaCha8Rng) -> Vec<u8> {
    let (what, valid) = SENT[seed / 2];
    let passkeys = matches!(
        what,
        Sent::EnrolmentStart | Sent::EnrolmentFinish | Sent::SignInStart | Sent::SignInFinish
    );
    let object: Option<serde_json::Value> = serde_json::from_str(valid).ok();
    match object.filter(|_| encoding(seed) == Encoding::Cbor && !passkeys) {
        Some(object) => mutate::cbor(dice, &codec::to_cbor(&object)),
        None => mutate::text(dice, valid),
    }
}

/// Reads it as its handler does.
pub(super) fn read_body(seed: usize, bytes: &[u8]) -> Verdict {
    match SENT[seed / 2].0.read(encoding(seed), bytes) {
        Ok(()) => Verdict::Passed,
        Err(_) => Verdict::Refused,
    }
}

/// Valid answers in JSON, by what a phone asked for.
const ANSWERED: [(Answered, &str); 13] = [
    (
        Answered::Started,
        r#"{"ceremony":"AAECAwQFBgcICQoLDA0ODw","options":{"publicKey":{"rpId":"localhost","challenge":"AQID","user":{"id":"AAECAwQFBgcICQoLDA0ODw"}}}}"#,
    ),
    (
        Answered::SignedIn,
        r#"{"token":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","person":"01930000-0000-7000-8000-000000000100","expires":1790000000000,"server_keys":[{"public_key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#,
    ),
    (
        Answered::Me,
        r#"{"name":"Dr Sophie Bernard","profession":"physician"}"#,
    ),
    (
        Answered::KnownPasskeys,
        r#"[{"credential_id":"AQID","public_key":{"kty":"EC","crv":"P-256","x":"AQID","y":"AQID"},"revoked":null}]"#,
    ),
    (
        Answered::Passkeys,
        r#"[{"id":"1","name":"Téléphone","created":1790000000000,"last_used":1790000000001}]"#,
    ),
    (
        Answered::Devices,
        r#"[{"id":"1","name":"Téléphone","created":1790000000000,"current":true}]"#,
    ),
    (
        Answered::Sessions,
        r#"[{"id":"1","device":"2","created":1,"expires":2,"last_seen":1,"current":false}]"#,
    ),
    (
        Answered::Invitation,
        r#"{"code":"MKHKN-YP1HB","link":"http://localhost:8080/enrol#MKHKN-YP1HB","expires":1790000000000}"#,
    ),
    (
        Answered::Records,
        r#"{"records":[{"record":"01930000-0000-7000-8000-000000000001","holder":"01930000-0000-7000-8000-000000000100","holder_name":"Jeanne Martin","roles":["holder"]}],"unreadable":["01930000-0000-7000-8000-000000000002"],"next":"01930000-0000-7000-8000-000000000003","restored":1790000000000000}"#,
    ),
    (
        Answered::People,
        r#"{"people":[{"person":"01930000-0000-7000-8000-000000000100","name":"Jeanne Martin"}],"next":12}"#,
    ),
    (
        Answered::Professional,
        r#"{"person":"01930000-0000-7000-8000-000000000100","name":"Dr Sophie Bernard","profession":"physician"}"#,
    ),
    (Answered::Habilitation, ""),
    (Answered::Log, ""),
];

/// How many kinds of answers there are, each as a success and as a problem.
pub(super) const ANSWERS: usize = ANSWERED.len() * 2;

const PROBLEM: &str = r#"{"type":"http://localhost:8080/problems/no-room","title":"There is no room.","status":507,"detail":"wait; what is new is told without them","instance":"01930000-0000-7000-8000-000000000009"}"#;

fn valid_answer(seeds: &Seeds, seed: usize) -> String {
    let of = |value: serde_json::Value| value.to_string();
    match ANSWERED[seed / 2].0 {
        _ if !seed.is_multiple_of(2) => PROBLEM.to_owned(),
        Answered::Habilitation => {
            of(serde_json::json!({ "matrix": sync_core::policy::Matrix::default() }))
        }
        Answered::Log => log_page(&seeds.events),
        _ => ANSWERED[seed / 2].1.to_owned(),
    }
}

fn log_page(events: &[ChainedEvent]) -> String {
    serde_json::json!({ "events": events, "more": false }).to_string()
}

/// An answer to a phone.
pub(super) fn answer(seeds: &Seeds, seed: usize, dice: &mut ChaCha8Rng) -> Vec<u8> {
    let of_log = seed.is_multiple_of(2) && ANSWERED[seed / 2].0 == Answered::Log;
    if of_log && dice.random_bool(0.7) {
        let mut events = seeds.events.clone();
        for event in &mut events {
            event.event = mutate::cbor(dice, &event.event).into();
        }
        return log_page(&events).into_bytes();
    }
    mutate::text(dice, &valid_answer(seeds, seed))
}

/// Reads an answer as a phone does.
pub(super) fn read_answer(seed: usize, bytes: &[u8]) -> Verdict {
    let reply = Reply {
        status: if seed.is_multiple_of(2) { 200 } else { 507 },
        retry_after: None,
        body: bytes.to_vec(),
    };
    match ANSWERED[seed / 2].0.read(reply) {
        Ok(()) => Verdict::Passed,
        Err(Error::Problem { problem, told, .. }) => {
            let lines = [told.title, told.detail];
            let mut shown = lines.iter().flatten();
            let plain = |b: u8| b.is_ascii_lowercase() || b == b'-';
            let steers = |line: &String| {
                line.chars().count() > 300 || line.chars().any(sync_core::text::steers)
            };
            if shown.any(steers) || !problem.bytes().all(plain) {
                return Verdict::Poison("what a server says steers no screen");
            }
            match problem == "unnamed" {
                true => Verdict::Refused,
                false => Verdict::Passed,
            }
        }
        Err(_) => Verdict::Refused,
    }
}
