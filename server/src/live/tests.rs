mod beats;
mod load;
mod resend;

use diesel::connection::SimpleConnection as _;
use futures_util::{SinkExt as _, StreamExt as _};
use sync_core::audit::{ChainedEvent, LogHead, verify};
use sync_core::checkpoint::Checkpoint;
use sync_core::codec::Encoding;
use sync_core::entry::{Value, Write};
use sync_core::sync::limits::MAX_LIVE_FRAME;
use sync_core::sync::{SyncAnswer, Verdict};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::app::Running;
use crate::records::world::{Phone, World, random};
use crate::storage::sqlite::open_connection;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(running: &Running, phone: &Phone, token: &str) -> Result<Socket, Error> {
    let url = format!(
        "ws://{}/v1/records/{}/live",
        running.addr(),
        phone.head.record
    );
    let mut request = url.into_client_request().expect("a request");
    let bearer = format!("Bearer {token}").parse().expect("a header");
    request.headers_mut().insert("Authorization", bearer);
    connect_async(request).await.map(|(socket, _)| socket)
}

/// A server, and a holder's phone with a live connection to it.
async fn connected() -> (World, Running, Phone, Socket) {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let token = world.sign_in(&mut holder);
    let socket = connect(&running, &holder, &token).await;
    (world, running, holder, socket.expect("connects"))
}

/// The next message that is not a ping.
async fn next(socket: &mut Socket) -> Message {
    loop {
        match socket.next().await.expect("open").expect("whole") {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}

fn read(message: &Message) -> SyncAnswer {
    match message {
        Message::Binary(bytes) => Encoding::Cbor.read(bytes).expect("an answer"),
        Message::Text(text) => Encoding::Json.read(text.as_bytes()).expect("an answer"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn changes_of_others_come_unasked_until_the_session_ends() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let token = world.sign_in(&mut holder);
    let mut socket = connect(&running, &holder, &token).await.expect("connects");

    let note = holder.note("Par le fil");
    let request = Encoding::Cbor.write(&holder.request());
    socket.send(Message::binary(request)).await.expect("sends");
    let answer = read(&next(&mut socket).await);
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    holder.receive(&answer);

    let allergy = caregiver.allergy("Latex");
    caregiver.sync().await;
    let answer = read(&next(&mut socket).await);
    assert!(answer.outcomes.is_empty() && !answer.reset);
    let report = holder.receive(&answer);
    assert!(report.changed.contains(&allergy) && holder.has(note));

    // In text it is JSON, and answered in JSON from then on.
    let request = String::from_utf8(Encoding::Json.write(&holder.request())).expect("text");
    socket.send(Message::text(request)).await.expect("sends");
    let message = next(&mut socket).await;
    assert!(matches!(message, Message::Text(_)));
    holder.receive(&read(&message));

    world.sign_out(&holder).await;
    caregiver.allergy("Iode");
    caregiver.sync().await;
    let Message::Close(Some(reason)) = next(&mut socket).await else {
        panic!("still open");
    };
    assert_eq!(reason.reason.as_str(), "not-signed-in");
    running.stop().await;
}

#[tokio::test]
async fn a_connection_that_talks_nonsense_is_ended() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let token = world.sign_in(&mut holder);
    let mut socket = connect(&running, &holder, &token).await.expect("connects");
    let nonsense = Message::binary(vec![0xff; 10]);
    socket.send(nonsense).await.expect("sends");
    let Message::Close(Some(reason)) = next(&mut socket).await else {
        panic!("still open");
    };
    assert_eq!(reason.reason.as_str(), "malformed");

    let mut stranger = world.holder(2).await;
    let token = world.sign_in(&mut stranger);
    let Err(Error::Http(refused)) = connect(&running, &holder, &token).await else {
        panic!("connected");
    };
    assert_eq!(refused.status(), 404);
    running.stop().await;
}

/// The store is busy, not broken: whoever is connected is told to try again, as over HTTP.
#[tokio::test]
async fn a_store_that_another_keeps_locked_ends_a_connection_until_later() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let token = world.sign_in(&mut holder);
    let mut socket = connect(&running, &holder, &token).await.expect("connects");
    world.never_waits().await;
    let mut other = open_connection(world.records.db.path()).expect("opens");
    other.batch_execute("BEGIN IMMEDIATE").expect("locks");
    ask(&mut socket, &mut holder, 1).await;
    let Message::Close(Some(reason)) = next(&mut socket).await else {
        panic!("still open");
    };
    assert_eq!(reason.code, CloseCode::Again);
    assert_eq!(reason.reason.as_str(), "unavailable");
    let (status, _) = get(&running, "/readyz", &token).await;
    assert_eq!(status, 503);
    other.batch_execute("ROLLBACK").expect("unlocks");
    let mut socket = connect(&running, &holder, &token).await.expect("connects");
    ask(&mut socket, &mut holder, 1).await;
    read(&next(&mut socket).await);
    running.stop().await;
}

/// Asks so many times at once, and reads nothing.
async fn ask(socket: &mut Socket, phone: &mut Phone, times: usize) {
    for _ in 0..times {
        let request = Encoding::Cbor.write(&phone.request());
        socket.send(Message::binary(request)).await.expect("sends");
    }
}

#[tokio::test]
async fn whoever_asks_and_does_not_read_is_answered_when_they_do() {
    let (_world, running, mut holder, mut socket) = connected().await;
    ask(&mut socket, &mut holder, 9).await;
    for _ in 0..9 {
        let answer = read(&next(&mut socket).await);
        assert!(answer.reset, "the same request, answered alike");
    }
    running.stop().await;
}

#[tokio::test]
async fn whoever_asks_on_and_on_and_does_not_read_is_not_kept() {
    let (_world, running, mut holder, mut socket) = connected().await;
    ask(&mut socket, &mut holder, 10).await;
    for _ in 0..8 {
        read(&next(&mut socket).await);
    }
    let Message::Close(Some(reason)) = next(&mut socket).await else {
        panic!("still open");
    };
    assert_eq!(reason.reason.as_str(), "too-many");
    running.stop().await;
}

/// A frame of a message, by itself.
fn frame(part: OpCode, is_final: bool, bytes: &[u8]) -> Message {
    Message::Frame(Frame::message(bytes.to_vec(), part, is_final))
}

#[tokio::test]
async fn a_large_message_comes_in_several_frames() {
    let (_world, running, mut holder, mut socket) = connected().await;
    for _ in 0..6 {
        let entry = holder.note("Large");
        let bytes = Value::Bytes(random::<50_000>().to_vec());
        let large = Write {
            key: "of-tomorrow".to_owned(),
            value: Some(bytes),
        };
        holder.write(entry, &[large]);
    }
    let request = Encoding::Cbor.write(&holder.request());
    assert!(request.len() > 300_000);
    let (first, rest) = request.split_at(request.len() - MAX_LIVE_FRAME);
    socket
        .send(frame(OpCode::Data(Data::Binary), false, first))
        .await
        .expect("sends");
    socket
        .send(Message::Ping(vec![7].into()))
        .await
        .expect("sends");
    socket
        .send(frame(OpCode::Data(Data::Continue), true, rest))
        .await
        .expect("sends");
    let answer = read(&next(&mut socket).await);
    let taken = |verdict: &Verdict| matches!(verdict, Verdict::Accepted(_));
    assert_eq!(answer.outcomes.len(), 12);
    assert!(answer.outcomes.iter().all(|o| taken(&o.verdict)));
    // A frame is bounded, because it is in memory before anything is known of it.
    socket.send(Message::binary(request)).await.expect("sends");
    let Message::Close(Some(reason)) = next(&mut socket).await else {
        panic!("still open");
    };
    assert_eq!(reason.reason.as_str(), "malformed");
    running.stop().await;
}

#[tokio::test]
async fn a_message_that_never_ends_ends_the_connection() {
    let (_world, running, _holder, mut socket) = connected().await;
    let first = frame(OpCode::Data(Data::Binary), false, b"1");
    socket.send(first).await.expect("sends");
    for _ in 0..4_096 {
        let more = frame(OpCode::Data(Data::Continue), false, b"1");
        socket.feed(more).await.expect("sends");
    }
    socket.flush().await.expect("sends");
    let Message::Close(Some(reason)) = next(&mut socket).await else {
        panic!("still open");
    };
    assert_eq!(reason.reason.as_str(), "malformed");
    running.stop().await;
}

#[tokio::test]
async fn whoever_has_a_request_waiting_begins_no_other() {
    let (_world, running, mut holder, mut socket) = connected().await;
    ask(&mut socket, &mut holder, 9).await;
    let first = frame(OpCode::Data(Data::Binary), false, b"1");
    socket.send(first).await.expect("sends");
    for _ in 0..8 {
        read(&next(&mut socket).await);
    }
    let Message::Close(Some(reason)) = next(&mut socket).await else {
        panic!("still open");
    };
    assert_eq!(reason.reason.as_str(), "too-many");
    running.stop().await;
}

async fn get(running: &Running, path: &str, token: &str) -> (u16, serde_json::Value) {
    let client = reqwest::Client::new();
    let request = client.get(format!("{}{path}", running.url()));
    let answer = request.bearer_auth(token).send().await.expect("answers");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn the_holder_reads_and_verifies_the_log_and_learns_who_is_who() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.allergy("Latex");
    caregiver.sync().await;
    holder.sync().await;
    let record = holder.head.record;
    let token = world.sign_in(&mut holder);
    let other = world.sign_in(&mut caregiver);

    let held = holder.head.checkpoint.as_ref().expect("a checkpoint");
    let witness: Checkpoint = held.0.read().expect("a checkpoint");
    let mut events: Vec<ChainedEvent> = Vec::new();
    loop {
        let path = format!("/v1/records/{record}/log?limit=2&after={}", events.len());
        let (status, page) = get(&running, &path, &token).await;
        assert_eq!(status, 200);
        let found: Vec<ChainedEvent> =
            serde_json::from_value(page["events"].clone()).expect("events");
        events.extend(found);
        if page["more"] == false {
            break;
        }
    }
    let verified = verify(&record, &events, &witness.access_log).expect("whole");
    assert!(verified.head.seq >= 6);
    let head: LogHead = verified.head;
    assert_eq!(head.seq, events.len() as u64);

    let (_, people) = get(&running, &format!("/v1/records/{record}/people"), &token).await;
    assert_eq!(people["people"].as_array().map(Vec::len), Some(2));
    let (_, records) = get(&running, "/v1/records", &other).await;
    assert_eq!(records["records"][0]["roles"][0], "caregiver");
    assert_eq!(records["records"][0]["holder_name"], "Zoé Martin");

    for path in ["log", "people"] {
        let mine = format!("/v1/records/{record}/{path}");
        let nobodys = format!("/v1/records/{}/{path}", uuid::Uuid::from_u128(9));
        let token = if path == "log" { &other } else { &token };
        let (status, body) = get(&running, &nobodys, token).await;
        assert_eq!(status, 404);
        if path == "log" {
            assert_eq!(get(&running, &mine, token).await, (404, body));
        }
    }
    running.stop().await;
}
