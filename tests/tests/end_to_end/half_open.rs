//! Clients that connect and leave the server waiting, in number: it closes them by its own deadlines,
//! while an honest phone is served, and keeps nothing of them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use carnet_tests::wire_client::{WireLive, WireRecord};

use super::load::{Told, survives};
use super::stage::{Stage, allergy, now};

/// How many of each sort come at once.
const MANY: usize = 60;

/// One person may have so many live connections, and a few are the phone’s own.
const LIVE: usize = 24;

/// How many come in one wave, one that is heard included.
const WAVE: usize = 6 * MANY + LIVE + 1;

/// Longer than any deadline here: a server that has not closed by then closes never.
const NEVER: Duration = Duration::from_secs(120);

/// What the server may keep for a client that it closed, all of them together.
const MOST_KEPT: u64 = 48 * 1024 * 1024;

const HEAD: &str = "POST /v1/sign-in/start HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 1000\r\n";

/// Connects and says something.
fn connect(address: &str, said: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(NEVER)).expect("a timeout");
    stream.write_all(said.as_bytes()).expect("sent");
    stream
}

/// Opens a live connection on which nobody ever answers.
fn vanished(record: &WireRecord, address: &str) -> TcpStream {
    let head = format!(
        "GET /v1/records/{}/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {}\r\n\r\n",
        record.record, record.device.session.token
    );
    let mut stream = connect(address, &head);
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("answers");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    stream
}

/// A live connection on which every beat of the server's is answered, and heard.
struct Beats(TcpStream);

impl Beats {
    /// Answers them until the line is shut, and says of each that it came.
    fn answer(mut self, came: &Sender<()>) {
        while self.next() {
            if came.send(()).is_err() {
                return;
            }
        }
    }

    /// Waits for the next, and answers it; whether there was one.
    fn next(&mut self) -> bool {
        let mut ping = [0; 2];
        match self.0.read_exact(&mut ping) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return false,
            Err(error) => panic!("the line stays open: {error}"),
        }
        assert_eq!(ping, [0x89, 0], "nothing else comes");
        // A pong, under a mask that changes nothing.
        self.0.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).is_ok()
    }
}

/// Comes back once the server has closed a connection.
fn is_closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("it is left open: {error}"),
    }
}

/// Sends one byte more; whether the connection is still open.
fn drips(stream: &mut TcpStream, byte: u8) -> bool {
    if stream.write_all(&[byte]).is_err() {
        return false;
    }
    stream.set_nonblocking(true).expect("set");
    let mut answer = [0; 1024];
    let open = match stream.read(&mut answer) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).expect("set");
    open
}

/// An honest phone writes and is answered.
fn serves(record: &mut WireRecord) {
    record.create(&allergy("Latex").writes().expect("stands"));
    now(record.sync()).expect("the phone is served");
    assert!(record.pending.is_empty());
}

/// One crowd of each sort, until the server has closed them all; how many descriptors it had.
fn wave(stage: &Stage, phone: &mut WireRecord, other: &WireRecord) -> usize {
    let address = stage.server().url().trim_start_matches("http://");
    let whole_head = format!("{HEAD}\r\n");
    let mut waiting = Vec::new();
    for said in ["", HEAD, &whole_head, &format!("{whole_head}{{")] {
        waiting.extend((0..MANY).map(|_| connect(address, said)));
    }
    waiting.extend((0..LIVE).map(|_| vanished(other, address)));
    let line = vanished(other, address);
    let beats = Beats(line.try_clone().expect("a handle"));
    let mut dripping: Vec<(TcpStream, u8)> = Vec::new();
    dripping.extend((0..MANY).map(|_| (connect(address, "G"), b'E')));
    dripping.extend((0..MANY).map(|_| (connect(address, &whole_head), b' ')));
    serves(phone);
    let open = stage.server().descriptors().expect("tells");
    std::thread::scope(|scope| {
        let waits = scope.spawn(move || waiting.into_iter().for_each(is_closed));
        // In a thread of their own: whatever else takes long here, they are answered in time.
        let (came, beat) = channel();
        let answers = scope.spawn(move || beats.answer(&came));
        // A byte a second, by the server's own beat.
        while !dripping.is_empty() || !waits.is_finished() {
            beat.recv().expect("the line stays open");
            serves(phone);
            dripping.retain_mut(|(stream, byte)| drips(stream, *byte));
        }
        waits.join().expect("all are closed");
        line.shutdown(Shutdown::Read).expect("it is open");
        answers.join().expect("every beat was one");
    });
    open
}

#[test]
fn who_leaves_the_server_waiting_is_cut_off_and_an_honest_phone_is_served() {
    let stage = Stage::with(&["--request-seconds", "10", "--beat-seconds", "1"]);
    let opened = stage.desk("Durand");
    let device = stage.wire_device(&opened.code);
    let mut phone = WireRecord::new(&device, opened.record.0, "holder");
    let elsewhere = now(device.sign_in_elsewhere()).expect("signs in");
    let other = WireRecord::new(&elsewhere, opened.record.0, "holder");
    serves(&mut phone);

    // Whoever is silent, but answers, stays connected.
    let mut listener = WireRecord::new(&elsewhere, opened.record.0, "holder");
    now(listener.sync()).expect("an answer");
    let mut live = now(WireLive::open(&elsewhere, &opened.record.0)).expect("opens");
    now(live.send(&listener.request()));
    let heard = std::thread::spawn(move || {
        while !listener.labels().contains("Iode") {
            let answer = now(live.next()).expect("the line stays open");
            listener.take(answer);
        }
    });

    let before = stage.server().resident().expect("tells");
    // How many of a wave are still there when they are counted follows the machine; those of the one
    // before are not.
    let most = stage.server().descriptors().expect("tells") + WAVE + MANY;
    for number in 0..2 {
        let open = wave(&stage, &mut phone, &other);
        assert!(open < most, "wave {number}: {open} are open");
    }
    let kept = stage.server().resident().expect("tells");
    assert!(kept.saturating_sub(before) < MOST_KEPT, "{before} → {kept}");

    phone.create(&allergy("Iode").writes().expect("stands"));
    now(phone.sync()).expect("an answer");
    heard.join().expect("what is new is heard");
    let logs = stage.logs();
    assert!(
        !logs.contains("panicked") && !logs.contains("ERROR"),
        "{logs}"
    );
    let mut told = Told::default();
    told.add_all(&phone, 0);
    survives(stage.server(), &phone, &told).expect("all of it is there");
}
