//! The beat of a silent connection, over a socket on which nothing answers by itself.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// The frames of a WebSocket as they are, <https://www.rfc-editor.org/rfc/rfc6455#section-5.2>.
struct Raw(TcpStream);

impl Raw {
    async fn connect(running: &Running, phone: &Phone, token: &str) -> Self {
        let mut stream = TcpStream::connect(running.addr()).await.expect("connects");
        let head = format!(
            "GET /v1/records/{}/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {token}\r\n\r\n",
            phone.head.record
        );
        stream.write_all(head.as_bytes()).await.expect("sends");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("answers"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"));
        let mut raw = Raw(stream);
        raw.is_heard().await;
        raw
    }

    /// A control frame.
    async fn send(&mut self, kind: u8, payload: &[u8]) {
        let length = 0x80 | u8::try_from(payload.len()).expect("short");
        // Under a mask that changes nothing.
        let frame = [&[kind, length, 0, 0, 0, 0], payload].concat();
        self.0.write_all(&frame).await.expect("sends");
    }

    async fn receive(&mut self) -> (u8, Vec<u8>) {
        let kind = self.0.read_u8().await.expect("open");
        let length = self.0.read_u8().await.expect("a frame");
        assert!(length < 126, "a control frame");
        let mut payload = vec![0; length.into()];
        self.0.read_exact(&mut payload).await.expect("a frame");
        (kind, payload)
    }

    /// Comes back once the server has read all that was sent.
    async fn is_heard(&mut self) {
        self.send(PING, b"heard?").await;
        assert_eq!(self.receive().await, (PONG, b"heard?".to_vec()));
    }
}

#[tokio::test]
async fn a_connection_that_answers_no_beat_is_ended_after_the_third() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let token = world.sign_in(&mut holder);
    let mut socket = Raw::connect(&running, &holder, &token).await;
    world.clock.advance_seconds(29);
    // Not before its time.
    socket.is_heard().await;
    world.clock.advance_seconds(1);
    assert_eq!(socket.receive().await, (PING, Vec::new()));
    world.clock.advance_seconds(30);
    assert_eq!(socket.receive().await, (PING, Vec::new()));
    world.clock.advance_seconds(30);
    let (kind, reason) = socket.receive().await;
    assert_eq!((kind, &reason[2..]), (CLOSE, &b"gone"[..]));
    running.stop().await;
}

#[tokio::test]
async fn a_connection_that_answers_every_beat_stays() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let token = world.sign_in(&mut holder);
    let mut socket = Raw::connect(&running, &holder, &token).await;
    for _ in 0..6 {
        world.clock.advance_seconds(30);
        let (kind, payload) = socket.receive().await;
        assert_eq!(kind, PING);
        socket.send(PONG, &payload).await;
        socket.is_heard().await;
    }
    running.stop().await;
}

/// Nobody writes when a delay ends; the beat finds it.
#[tokio::test]
async fn a_beat_brings_what_falls_due() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let until = crate::clock::Clock::now(&*world.clock);
    let until = sync_core::Tick(until.0 + 20_000_000);
    let result = doctor.result("Latex", until);
    doctor.sync().await;
    let token = world.sign_in(&mut holder);
    let mut socket = connect(&running, &holder, &token).await.expect("connects");
    ask(&mut socket, &mut holder, 1).await;
    holder.receive(&read(&next(&mut socket).await));
    assert!(!holder.has(result));
    world.clock.advance_seconds(30);
    let mut received = async || socket.next().await.expect("open").expect("whole");
    while received().await != Message::Ping(Default::default()) {}
    // What comes with a beat comes before anything is heard after it.
    let heard = Message::Pong(b"heard?".to_vec().into());
    socket
        .send(Message::Ping(b"heard?".to_vec().into()))
        .await
        .expect("sends");
    let told = loop {
        let message = socket.next().await.expect("open").expect("whole");
        assert_ne!(message, heard, "nothing was told");
        if matches!(message, Message::Binary(_)) {
            break read(&message);
        }
    };
    holder.receive(&told);
    assert!(holder.has(result));
    running.stop().await;
}
