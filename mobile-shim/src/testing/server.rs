//! A server in this process, and the way to it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ed25519_dalek::SigningKey;
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::sign::PublicKey;
use sync_core::sync::{
    CursorDigest, Frame, HoldReason, Item, Outcome, PROTOCOL, Refusal, SyncAnswer, SyncRequest,
    Verdict,
};
use sync_core::{Bytes, Digest32, Epoch, LogIncarnation, Tick, codec, guard};

use super::{PERSON, RECORD};
use crate::device::lock;
use crate::driver::{Call, Heard, Line, LineOrReply, NetError, Pending, Reply, Transport};

/// What the server does to the next request instead of, or besides, answering it.
pub enum Trouble {
    Unreachable,
    /// It takes the request in, but its answer is lost.
    AnswerLost,
    /// It never answers.
    Silence,
    Reply(Reply),
}

/// A server with one record that accepts what anybody sends, and holds what it is told to.
pub struct FakeServer {
    key: SigningKey,
    state: Mutex<State>,
    news: tokio::sync::watch::Sender<usize>,
    beats: tokio::sync::watch::Sender<usize>,
    silence: tokio::sync::Notify,
    /// How many lines were opened, and how many of those are dead.
    lines: AtomicUsize,
    dead: AtomicUsize,
}

#[derive(Default)]
struct State {
    log: Vec<Item>,
    troubles: VecDeque<Trouble>,
    requests: Vec<SyncRequest>,
    page: Option<usize>,
    narrow: Option<usize>,
    /// Edits are told to come later.
    no_room: bool,
    /// What becomes of edits, if they are not accepted.
    verdict: Option<Verdict>,
    ticks: u64,
    /// How often its store was put back.
    life: u8,
}

impl FakeServer {
    pub fn new() -> Arc<Self> {
        Arc::new(FakeServer {
            key: SigningKey::from_bytes(&[3; 32]),
            state: Mutex::default(),
            news: tokio::sync::watch::Sender::new(0),
            beats: tokio::sync::watch::Sender::new(0),
            lines: AtomicUsize::new(0),
            dead: AtomicUsize::new(0),
            silence: tokio::sync::Notify::new(),
        })
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(&self.key)
    }

    /// Comes back once a request has met with silence.
    pub async fn silent(&self) {
        self.silence.notified().await;
    }

    /// Pings every line.
    pub fn ping(&self) {
        self.beats.send_modify(|beats| *beats += 1);
    }

    /// The network of every line that is open dies, and nobody is told.
    pub fn kill_lines(&self) {
        self.dead.store(self.lines_opened(), Ordering::Relaxed);
    }

    pub fn lines_opened(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    pub fn next(&self, trouble: Trouble) {
        lock(&self.state).troubles.push_back(trouble);
    }

    pub fn pages_of(&self, changes: usize) {
        lock(&self.state).page = Some(changes);
    }

    /// The way here breaks off under what is larger, either way.
    pub fn narrow(&self, bytes: usize) {
        lock(&self.state).narrow = Some(bytes);
    }

    /// Takes no edits, or takes them again.
    pub fn no_room(&self, none: bool) {
        lock(&self.state).no_room = none;
    }

    /// Its store is put back from a copy in which nothing of the record is.
    pub fn put_back(&self) {
        let mut state = lock(&self.state);
        state.log.clear();
        state.life += 1;
    }

    /// Comes back once so many edits are in the record.
    pub async fn has(&self, edits: usize) {
        let mut news = self.news.subscribe();
        let reached = news.wait_for(|length| *length == edits);
        reached.await.expect("the server is here");
    }

    fn is_through(&self, bytes: usize) -> Result<(), NetError> {
        match lock(&self.state).narrow {
            Some(most) if bytes > most => Err(NetError::Broken),
            _ => Ok(()),
        }
    }

    pub fn hold_edits(&self, hold: bool) {
        let held = hold.then_some(Verdict::Held(HoldReason::NotPermitted));
        lock(&self.state).verdict = held;
    }

    /// Refuses edits for this reason, or takes them again.
    pub fn refuse_edits(&self, refusal: Option<Refusal>) {
        lock(&self.state).verdict = refusal.map(Verdict::Refused);
    }

    pub fn requests(&self) -> Vec<SyncRequest> {
        lock(&self.state).requests.clone()
    }

    pub fn log_length(&self) -> usize {
        lock(&self.state).log.len()
    }

    pub fn answer(&self, request: &SyncRequest) -> SyncAnswer {
        let mut state = lock(&self.state);
        state.requests.push(request.clone());
        let sent = request
            .edits
            .as_ref()
            .map(|frame| frame.unpack(&RECORD).unwrap());
        let mut outcomes = Vec::new();
        for item in sent.unwrap_or_default() {
            let change = guard::inspect(&item.edit.change).unwrap().hash();
            let here = |kept: &&Item| guard::inspect(&kept.edit.change).unwrap().hash() == change;
            let kept = state.log.iter().find(here);
            let verdict = match (kept, state.verdict.clone()) {
                (Some(kept), _) => Verdict::Duplicate(kept.accepted.unwrap()),
                (None, Some(verdict)) => verdict,
                (None, None) => {
                    state.ticks += 1;
                    let tick = Tick(state.ticks);
                    let accepted = Some(tick);
                    state.log.push(Item { accepted, ..item });
                    Verdict::Accepted(tick)
                }
            };
            outcomes.push(Outcome { change, verdict });
        }
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        let life = [state.life];
        let of_this_life = request.cursor.as_ref();
        let of_this_life = of_this_life.and_then(|cursor| cursor.strip_suffix(&life));
        let (from, told) = of_this_life.map_or((0, 0), |cursor| {
            let (from, told) = cursor.split_at(8);
            (usize::try_from(number(from)).unwrap(), number(told))
        });
        let to = state
            .page
            .map_or(state.log.len(), |page| (from + page).min(state.log.len()));
        let mut room = request.limit.map_or(usize::MAX, |limit| limit as usize);
        let fits = |item: &&Item| {
            let fits = item.edit.change.len() <= room;
            room = room.saturating_sub(item.edit.change.len());
            fits
        };
        let to = to.min(from + state.log[from..].iter().take_while(fits).count().max(1));
        let to = to.min(state.log.len());
        let news = &state.log[from..to];
        let log = LogIncarnation([1 + life[0]; 16]);
        let news =
            (!news.is_empty()).then(|| Frame::attest(&RECORD, log, news, &self.key).unwrap());
        let more = to < state.log.len();
        state.ticks += 1;
        // While there is more to come, a page tells of no time that was not told before.
        let told = if more { told } else { state.ticks };
        let checkpoint = Checkpoint {
            record: RECORD,
            viewer: PERSON,
            log,
            tick: Tick(told),
            epoch: Epoch([1; 8]),
            access_log: Digest32::of(&[&state.log.len().to_le_bytes()]),
        };
        let length = state.log.len();
        drop(state);
        self.news.send_replace(length);
        SyncAnswer {
            v: PROTOCOL,
            outcomes,
            reset: of_this_life.is_none(),
            news,
            forget: Vec::new(),
            destroyed: Vec::new(),
            held: Vec::new(),
            more,
            vital: false,
            after: request.cursor.as_ref().map(|at| CursorDigest::of(at)),
            cursor: Bytes::from(
                [&(to as u64).to_le_bytes()[..], &told.to_le_bytes(), &life].concat(),
            ),
            checkpoint: SignedCheckpoint::new(&self.key, &checkpoint),
            reconcile: None,
        }
    }
}

/// One phone's way to it.
pub struct FakeNetwork {
    pub server: Arc<FakeServer>,
    pub lines: bool,
}

impl Transport for FakeNetwork {
    fn call(&self, call: Call) -> Pending<'_, Result<Reply, NetError>> {
        if !call.path.ends_with("/sync") {
            return Box::pin(async { Ok(problem(404, "not-found")) });
        }
        let trouble = lock(&self.server.state).troubles.pop_front();
        let answered = || {
            let body = call.body.as_ref().expect("a sync has a body");
            self.server.is_through(body.bytes.len())?;
            let asked: SyncRequest = codec::from_cbor(&body.bytes).unwrap();
            if asked.edits.is_some() && lock(&self.server.state).no_room {
                return Ok(problem(507, "no-room"));
            }
            let answer = self.server.answer(&asked);
            let body = codec::to_cbor(&answer);
            self.server.is_through(body.len())?;
            Ok(Reply {
                status: 200,
                retry_after: None,
                body,
            })
        };
        let outcome = match trouble {
            None => answered(),
            Some(Trouble::Unreachable) => Err(NetError::Unreachable),
            Some(Trouble::AnswerLost) => {
                let _ = answered();
                Err(NetError::Broken)
            }
            Some(Trouble::Silence) => {
                self.server.silence.notify_one();
                return Box::pin(std::future::pending());
            }
            Some(Trouble::Reply(reply)) => Ok(reply),
        };
        Box::pin(async move { outcome })
    }

    fn open_line(&self, _: Call) -> Pending<'_, Result<LineOrReply, NetError>> {
        let line = FakeLine {
            number: self.server.lines.fetch_add(1, Ordering::Relaxed),
            beats: self.server.beats.subscribe(),
            server: self.server.clone(),
            news: self.server.news.subscribe(),
            answers: VecDeque::new(),
            refused: false,
            last: None,
        };
        let opened = if self.lines {
            Ok(Box::new(line) as Box<dyn Line>)
        } else {
            Err(problem(404, "not-found"))
        };
        Box::pin(async move { Ok(opened) })
    }
}

struct FakeLine {
    number: usize,
    server: Arc<FakeServer>,
    news: tokio::sync::watch::Receiver<usize>,
    beats: tokio::sync::watch::Receiver<usize>,
    answers: VecDeque<SyncAnswer>,
    /// It was asked to take edits, and has no room.
    refused: bool,
    last: Option<SyncRequest>,
}

impl FakeLine {
    fn is_dead(&self) -> bool {
        self.number < self.server.dead.load(Ordering::Relaxed)
    }

    async fn next(&mut self) -> Option<Heard> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(Heard::Message(codec::to_cbor(&answer)));
        }
        if self.refused {
            return Some(Heard::NoRoom);
        }
        tokio::select! {
            changed = self.news.changed() => changed.ok()?,
            beat = self.beats.changed() => return beat.ok().map(|()| Heard::Life),
        }
        if self.is_dead() {
            return std::future::pending().await;
        }
        let mut last = self.last.take()?;
        let answer = self.server.answer(&last);
        self.news.mark_unchanged();
        last.cursor = Some(answer.cursor.clone());
        self.last = Some(last);
        Some(Heard::Message(codec::to_cbor(&answer)))
    }
}

impl Line for FakeLine {
    fn send(&mut self, message: Vec<u8>) -> Pending<'_, Result<(), NetError>> {
        if self.is_dead() {
            return Box::pin(async { Ok(()) });
        }
        let request: SyncRequest = codec::from_cbor(&message).unwrap();
        if let Err(broken) = self.server.is_through(message.len()) {
            return Box::pin(async move { Err(broken) });
        }
        self.refused = request.edits.is_some() && lock(&self.server.state).no_room;
        if self.refused {
            return Box::pin(async { Ok(()) });
        }
        let answer = self.server.answer(&request);
        self.news.mark_unchanged();
        let edits = None;
        let cursor = Some(answer.cursor.clone());
        self.last = Some(SyncRequest {
            cursor,
            edits,
            ..request
        });
        self.answers.push_back(answer);
        Box::pin(async { Ok(()) })
    }

    fn receive(&mut self) -> Pending<'_, Result<Option<Heard>, NetError>> {
        if self.is_dead() {
            return Box::pin(std::future::pending());
        }
        Box::pin(async move { Ok(self.next().await) })
    }
}

/// A problem as the server states it.
pub fn problem(status: u16, slug: &str) -> Reply {
    let body =
        serde_json::json!({ "type": format!("/problems/{slug}"), "detail": "Jeanne Martin" });
    Reply {
        status,
        retry_after: None,
        body: body.to_string().into_bytes(),
    }
}
