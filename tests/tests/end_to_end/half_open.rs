//! Clients that connect and leave the server waiting, in number: it closes them by its own deadlines,
//! while an honest phone is served, and keeps nothing of them.

use std::fs::Permissions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use carnet_tests::support::Server;
use carnet_tests::wire_client::{WireLive, WireRecord};

use super::load::{Told, survives};
use super::stage::{GENEROUS, Stage, allergy, now, program};

/// How many of each sort come at once.
const MANY: usize = 60;

/// One person may have so many live connections, and a few are the phone’s own.
const LIVE: usize = 24;

/// How many come in one wave, one that is heard included.
const WAVE: usize = 6 * MANY + LIVE + 1;

/// How long a request may take to come, and how often a live connection is asked whether it is there.
const REQUEST: Duration = Duration::from_secs(10);
const BEAT: Duration = Duration::from_secs(1);

/// How much later than it is due the end of a connection may be found, on a machine that is busy with
/// this very crowd.
const SLACK: Duration = Duration::from_secs(10);

/// What the server may keep for a client that it closed, all of them together.
const MOST_KEPT: u64 = 48 * 1024 * 1024;

const HEAD: &str = "POST /v1/sign-in/start HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 1000\r\n";

/// A connection, and until when the server is to close it.
struct Held {
    stream: TcpStream,
    until: Instant,
}

/// Connects and says something, on what is to be closed within so long.
fn connect(address: &str, said: &str, within: Duration) -> Held {
    let mut stream = TcpStream::connect(address).expect("connects");
    let until = Instant::now() + within + SLACK;
    stream.set_read_timeout(Some(SLACK)).expect("a timeout");
    stream.write_all(said.as_bytes()).expect("sent");
    Held { stream, until }
}

/// Opens a live connection on which nobody ever answers.
fn vanished(record: &WireRecord, address: &str) -> Held {
    let head = format!(
        "GET /v1/records/{}/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {}\r\n\r\n",
        record.record, record.device.session.token
    );
    let mut held = connect(address, &head, 3 * BEAT);
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        held.stream.read_exact(&mut byte).expect("answers");
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    held
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

/// Comes back once the server has closed a connection, in time.
fn is_closed(held: Held) {
    let Held { mut stream, until } = held;
    let mut rest = [0; 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "it is left open");
        stream.set_read_timeout(Some(left)).expect("a timeout");
        match stream.read(&mut rest) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => panic!("it is left open: {error}"),
        }
    }
}

/// Sends one byte more; whether the connection is still open, which it may not be for too long.
fn drips(Held { stream, until }: &mut Held, byte: u8) -> bool {
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
    assert!(!open || Instant::now() < *until, "it is left open");
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
        waiting.extend((0..MANY).map(|_| connect(address, said, REQUEST)));
    }
    let live: Vec<Held> = (0..LIVE).map(|_| vanished(other, address)).collect();
    let line = vanished(other, address).stream;
    let beats = Beats(line.try_clone().expect("a handle"));
    let mut dripping: Vec<(Held, u8)> = Vec::new();
    dripping.extend((0..MANY).map(|_| (connect(address, "G", REQUEST), b'E')));
    dripping.extend((0..MANY).map(|_| (connect(address, &whole_head, REQUEST), b' ')));
    serves(phone);
    let open = stage.server().descriptors().expect("tells");
    std::thread::scope(|scope| {
        let waits = scope.spawn(move || waiting.into_iter().for_each(is_closed));
        let vanished = scope.spawn(move || live.into_iter().for_each(is_closed));
        // In a thread of their own: whatever else takes long here, they are answered in time.
        let (came, beat) = channel();
        let answers = scope.spawn(move || beats.answer(&came));
        // A byte a second, by the server's own beat.
        while !dripping.is_empty() || !waits.is_finished() || !vanished.is_finished() {
            beat.recv().expect("the line stays open");
            serves(phone);
            dripping.retain_mut(|(held, byte)| drips(held, *byte));
        }
        waits.join().expect("all are closed in time");
        vanished.join().expect("all are closed in time");
        line.shutdown(Shutdown::Read).expect("it is open");
        answers.join().expect("every beat was one");
    });
    open
}

#[test]
fn who_leaves_the_server_waiting_is_cut_off_and_an_honest_phone_is_served() {
    let (request, beat) = (REQUEST.as_secs().to_string(), BEAT.as_secs().to_string());
    let stage = Stage::with(&["--request-seconds", &request, "--beat-seconds", &beat]);
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

/// However few the system lets it have unless it asks.
#[test]
fn a_server_takes_as_many_connections_as_it_may() {
    let dir = tempfile::tempdir().expect("a directory");
    let few = dir.path().join("few");
    let script = format!(
        "#!/bin/sh\nulimit -Sn 100 && exec '{}' \"$@\"\n",
        program().display()
    );
    std::fs::write(&few, script).expect("written");
    std::fs::set_permissions(&few, Permissions::from_mode(0o700)).expect("set");
    let server = Server::start_with(&few, &dir.path().join("data"), GENEROUS).expect("starts");
    let (now, most) = server.most_descriptors().expect("tells");
    assert!(now == most && now > 100, "{now} of {most}");
}
