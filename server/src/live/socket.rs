//! One connection: requests come and are answered; when others change the record, what is new
//! goes out unasked. Nothing goes out to somebody who does not read ([`Window`]), and no wait for
//! them is without an end.

use std::time::Duration;

use actix_web::web;
use actix_ws::{CloseCode, CloseReason, MessageStream, Session};
use sync_core::codec::Encoding;
use sync_core::sync::limits::MAX_REQUEST;
use sync_core::sync::{Frame, SyncAnswer, SyncRequest};
use sync_core::{Bytes, RecordId};
use tokio::time::Instant;
use uuid::Uuid;

use super::parts::{Heard, Parts, Unfit};
use super::window::Window;
use super::{Listener, Place};
use crate::app::App;
use crate::fault::Fault;
use crate::http::{Problem, ProblemType};
use crate::load::{Full, Held, Turn};
use crate::records::{AccessError, Visitor};
use crate::sessions;

/// How many times it may fail to answer.
const MISSED: u8 = 2;

/// How long anything that is sent may wait for its turn.
const SENDING: Duration = Duration::from_secs(30);

/// A device that is connected to a record.
pub struct Connected {
    /// What the server shares.
    pub app: web::Data<App>,
    /// Which record.
    pub record: RecordId,
    /// Who.
    pub visitor: Visitor,
    /// By which session.
    pub session: Uuid,
    /// Its place among the person's connections.
    pub place: Place,
    /// What it takes up.
    pub held: Held,
}

/// Where the conversation stands.
#[derive(Default)]
struct Talk {
    /// How far the device has come; nothing goes out unasked before its first request.
    cursor: Option<Bytes>,
    limit: Option<u32>,
    encoding: Option<Encoding>,
    missed: u8,
    /// What came of the next message.
    parts: Parts,
    window: Window,
    /// A request that waits until what was sent before is read.
    waiting: Option<(Encoding, Vec<u8>)>,
    /// There was something new, and no room to send it.
    owing: bool,
}

impl Talk {
    /// How much it keeps in memory: what came in part or waits, and what was not read yet.
    fn bytes(&self) -> usize {
        let waiting = self.waiting.as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.parts.bytes() + waiting + self.window.bytes()
    }
}

/// Why a connection ends, as it is told to the other side.
struct End(CloseCode, &'static str);

impl End {
    fn reason(self) -> CloseReason {
        CloseReason {
            code: self.0,
            description: Some(self.1.to_owned()),
        }
    }
}

impl From<AccessError> for End {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotYours => End(CloseCode::Policy, "not-found"),
            AccessError::SignedOut => End(CloseCode::Policy, "not-signed-in"),
            AccessError::Request(_) => End(CloseCode::Policy, "malformed"),
            AccessError::TooLarge | AccessError::Harmful => End(CloseCode::Size, "too-large"),
            AccessError::Device => End(CloseCode::Policy, "device-refused"),
            AccessError::Changing | AccessError::NoGuard => End(CloseCode::Again, "unavailable"),
            AccessError::NoRoom => End(CloseCode::Again, "no-room"),
            // What is to be tried again over HTTP is so here, by the same rule.
            AccessError::Fault(error) => match Problem::from(error).kind() {
                ProblemType::Unavailable => End(CloseCode::Again, "unavailable"),
                _ => End(CloseCode::Error, "internal"),
            },
        }
    }
}

impl From<Unfit> for End {
    fn from(_: Unfit) -> Self {
        End(CloseCode::Policy, "malformed")
    }
}

impl From<Full> for End {
    fn from(full: Full) -> Self {
        match full {
            Full::Share => End(CloseCode::Again, "too-many"),
            Full::All => End(CloseCode::Again, "unavailable"),
        }
    }
}

impl From<actix_ws::Closed> for End {
    fn from(_: actix_ws::Closed) -> Self {
        End(CloseCode::Away, "gone")
    }
}

/// Waits until then; for ever if there is no such time.
async fn until(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}

/// Serves a connection until either side ends it.
pub async fn serve(mut connected: Connected, mut session: Session, mut messages: MessageStream) {
    metrics::gauge!("carnet_live_connections").increment(1.0);
    let mut listener = connected.app.records.hub.listen(connected.record);
    let end = connected.talk(&mut session, &mut messages, &mut listener);
    let reason = end.await.map(End::reason);
    // The other side may be gone already, or not listen.
    let _ = tokio::time::timeout(SENDING, session.close(reason)).await;
    metrics::gauge!("carnet_live_connections").decrement(1.0);
}

impl Connected {
    /// Answers why the conversation ended; nothing if the other side ended it.
    async fn talk(
        &mut self,
        session: &mut Session,
        messages: &mut MessageStream,
        listener: &mut Listener,
    ) -> Option<End> {
        let mut talk = Talk::default();
        let mut stopping = self.app.stopping();
        let (clock, every) = (self.app.clock.clone(), self.app.config.beat);
        let mut beat = clock.pause(every);
        loop {
            let step = tokio::select! {
                frame = messages.recv() => match frame? {
                    Ok(frame) => match talk.parts.take(frame, Instant::now()) {
                        Ok(heard) => self.hear(session, &mut talk, heard).await?,
                        Err(unfit) => Err(unfit.into()),
                    },
                    Err(_) => return Some(End(CloseCode::Protocol, "malformed")),
                },
                () = until(talk.parts.due()) => Err(End(CloseCode::Away, "gone")),
                () = listener.changed() => self.tell(session, &mut talk).await,
                () = &mut beat => {
                    beat = clock.pause(every);
                    self.beat(session, &mut talk).await
                }
                _ = stopping.wait_for(|stop| *stop) => Err(End(CloseCode::Restart, "unavailable")),
            };
            let step = step.and_then(|()| Ok(self.held.resize(talk.bytes())?));
            if let Err(end) = step {
                return Some(end);
            }
        }
    }

    /// Takes what came; nothing if it ends the connection.
    async fn hear(
        &self,
        session: &mut Session,
        talk: &mut Talk,
        heard: Heard,
    ) -> Option<Result<(), End>> {
        Some(match heard {
            Heard::Message(encoding, bytes) => self.asked(session, talk, encoding, &bytes).await,
            // Whoever has one request waiting begins no other.
            Heard::Part if talk.waiting.is_some() => Err(End(CloseCode::Again, "too-many")),
            Heard::Part => Ok(()),
            Heard::Ping(payload) => self.in_time(session.pong(&payload)).await,
            Heard::Pong(payload) => {
                talk.missed = 0;
                talk.window.read(&payload, Instant::now());
                self.go_on(session, talk).await
            }
            Heard::Close => return None,
        })
    }

    /// Answers a request, or keeps it until there is room for the answer.
    async fn asked(
        &self,
        session: &mut Session,
        talk: &mut Talk,
        encoding: Encoding,
        bytes: &[u8],
    ) -> Result<(), End> {
        if talk.waiting.is_some() {
            return Err(End(CloseCode::Again, "too-many"));
        }
        if !talk.window.is_open() {
            talk.waiting = Some((encoding, bytes.to_vec()));
            return Ok(());
        }
        self.request(session, talk, encoding, bytes).await
    }

    /// Sends what waited for room, if there is some.
    async fn go_on(&self, session: &mut Session, talk: &mut Talk) -> Result<(), End> {
        if !talk.window.is_open() {
            return Ok(());
        }
        if let Some((encoding, bytes)) = talk.waiting.take() {
            self.request(session, talk, encoding, &bytes).await?;
        }
        match std::mem::take(&mut talk.owing) {
            true => self.tell(session, talk).await,
            false => Ok(()),
        }
    }

    async fn request(
        &self,
        session: &mut Session,
        talk: &mut Talk,
        encoding: Encoding,
        bytes: &[u8],
    ) -> Result<(), End> {
        self.still_signed_in().await?;
        if self.app.limits.session(self.session).is_err() {
            return Err(End(CloseCode::Again, "too-many"));
        }
        let malformed = |_| End(CloseCode::Policy, "malformed");
        let request: SyncRequest = encoding.read(bytes).map_err(malformed)?;
        talk.encoding = Some(encoding);
        talk.limit = request.limit;
        let frame = request.edits.as_ref().map_or(0, Frame::unpacked);
        if frame > MAX_REQUEST {
            return Err(AccessError::TooLarge.into());
        }
        let turn = self.turn(bytes.len() + frame).await?;
        let records = &self.app.records;
        let answer = Box::pin(records.sync(self.record, self.visitor, request, turn)).await?;
        self.send(session, talk, answer).await
    }

    /// Waits for one of the person's turns, with so many bytes of a request.
    async fn turn(&self, bytes: usize) -> Result<Turn, End> {
        let mut held = self.app.load.begin(self.visitor.person);
        held.resize(bytes)?;
        let turn = tokio::time::timeout(SENDING, held.into_turn()).await;
        turn.map_err(|_| Full::Share.into())
    }

    /// Sends what is new, page by page, if the device has asked before and anything is.
    async fn tell(&self, session: &mut Session, talk: &mut Talk) -> Result<(), End> {
        let mut more = true;
        while let Some(cursor) = talk.cursor.clone().filter(|_| more) {
            if !talk.window.is_open() {
                talk.owing = true;
                break;
            }
            self.still_signed_in().await?;
            let turn = self.turn(0).await?;
            let records = &self.app.records;
            let (visitor, limit) = (self.visitor, talk.limit);
            let news = Box::pin(records.news(self.record, visitor, &cursor, limit, turn));
            let Some(answer) = news.await? else { break };
            more = answer.more;
            self.send(session, talk, answer).await?;
        }
        Ok(())
    }

    async fn send(
        &self,
        session: &mut Session,
        talk: &mut Talk,
        answer: SyncAnswer,
    ) -> Result<(), End> {
        talk.cursor = Some(answer.cursor.clone());
        let encoding = talk.encoding.unwrap_or(Encoding::Cbor);
        let message = encoding.write(&answer);
        let ping = talk.window.send(message.len(), Instant::now());
        match encoding {
            Encoding::Json => {
                let internal = |_| End(CloseCode::Error, "internal");
                let text = String::from_utf8(message).map_err(internal)?;
                self.in_time(session.text(text)).await?;
            }
            Encoding::Cbor => self.in_time(session.binary(message)).await?,
        }
        self.in_time(session.ping(&ping)).await
    }

    /// Waits for something to be sent, but not for ever, and not when the server stops.
    async fn in_time(
        &self,
        sending: impl Future<Output = Result<(), actix_ws::Closed>>,
    ) -> Result<(), End> {
        let mut stopping = self.app.stopping();
        tokio::select! {
            biased;
            sent = sending => Ok(sent?),
            () = tokio::time::sleep(SENDING) => Err(End(CloseCode::Away, "gone")),
            _ = stopping.wait_for(|stop| *stop) => Err(End(CloseCode::Restart, "unavailable")),
        }
    }

    async fn beat(&self, session: &mut Session, talk: &mut Talk) -> Result<(), End> {
        if talk.missed >= MISSED || talk.window.is_overdue(Instant::now()) {
            return Err(End(CloseCode::Away, "gone"));
        }
        talk.missed += 1;
        self.still_signed_in().await?;
        self.in_time(session.ping(b"")).await?;
        // A delay ends and a right begins or ends without anybody writing.
        let records = &self.app.records;
        match talk.cursor.clone() {
            Some(cursor)
                if Box::pin(records.turns_by_time(self.record, self.visitor, &cursor)).await? =>
            {
                self.tell(session, talk).await
            }
            _ => Ok(()),
        }
    }

    /// Ends the connection with its session; a connection that lives keeps the session from
    /// falling idle.
    async fn still_signed_in(&self) -> Result<(), End> {
        let app = &self.app;
        let (now, idle, id) = (app.clock.now(), app.config.session_idle, self.session);
        let found = app
            .db
            .read(move |connection| sessions::get(connection, now, idle, id))
            .await;
        let session = found
            .map_err(AccessError::Fault)?
            .ok_or(End(CloseCode::Policy, "not-signed-in"))?;
        if sessions::is_due(&session, now, idle) {
            app.db
                .write(move |connection| sessions::touch(connection, now, id))
                .await
                .map_err(|error: Fault| AccessError::Fault(error))?;
        }
        Ok(())
    }
}
