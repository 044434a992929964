//! All at once: phones come back wave after wave while others write, come new, edit live and wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde::Serialize;
use sync_core::{ChangeHash, EntryId};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::line::Line;
use super::people::{Phone, Trips};
use super::socket::{Socket, Waiting, tls};
use super::storm::wave;
use crate::bench::device::new_entry;
use crate::bench::durable::note;
use crate::bench::figures::{Spread, millis};
use crate::support::{Server, SupportError};

/// How long a writer and a live pair think before they write again.
const THINKS: Duration = Duration::from_millis(200);

/// How long a change may take to the other device before it is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many come back at once.
const WAVE: usize = 100;

/// What one kind of device met with.
#[derive(Clone, Debug, Serialize)]
pub(in crate::bench) struct Done {
    /// What they do.
    pub what: &'static str,
    /// How many of them there are.
    pub devices: usize,
    /// How often they did it.
    pub times: usize,
    /// Changes that did not arrive.
    pub lost: usize,
    /// How long it took.
    pub elapsed: Spread,
    /// Bytes of request bodies, of all.
    pub up: u64,
    /// Bytes of answer bodies, of all.
    pub down: u64,
    /// Round trips, of all.
    pub round_trips: u64,
}

/// What all met with together.
#[derive(Clone, Debug, Serialize)]
pub(in crate::bench) struct Together {
    /// Seconds for which all went on.
    pub seconds: f64,
    /// By kind.
    pub done: Vec<Done>,
    /// Sockets that waited meanwhile.
    pub sockets: usize,
    /// Of these, those that were closed.
    pub closed: usize,
    /// The server's processor time a second of these, milliseconds.
    pub server_cpu: f64,
    /// Memory of the server before, in bytes.
    pub resident: Option<u64>,
    /// The most it held meanwhile, in bytes.
    pub peak: Option<u64>,
}

/// Who takes part.
pub(super) struct Cast<'c> {
    /// Come back, wave after wave.
    pub storm: &'c mut [Phone],
    /// Write.
    pub writers: Vec<Phone>,
    /// Edit live, each to another device of theirs.
    pub live: Vec<Phone>,
    /// Lets one new phone in after the other.
    pub newcomers: Phone,
    /// On whose records sockets wait.
    pub idle: &'c mut [Phone],
    /// How many sockets.
    pub sockets: usize,
}

/// How long something took, each time, and what went to and fro.
#[derive(Default)]
struct Tally {
    elapsed: Vec<Duration>,
    trips: Trips,
    lost: usize,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.note(other.elapsed, other.trips);
        self.lost += other.lost;
    }

    fn note(&mut self, elapsed: impl IntoIterator<Item = Duration>, trips: Trips) {
        self.elapsed.extend(elapsed);
        self.trips = self.trips.and(trips);
    }

    fn done(self, what: &'static str, devices: usize) -> Done {
        Done {
            what,
            devices,
            times: self.elapsed.len(),
            lost: self.lost,
            elapsed: Spread::of(&self.elapsed),
            up: self.trips.up,
            down: self.trips.down,
            round_trips: self.trips.count,
        }
    }
}

type Running = JoinHandle<Result<Tally, SupportError>>;

/// Lets them all go on for so long.
pub(super) async fn measure(
    server: &Server,
    cast: Cast<'_>,
    lasts: Duration,
) -> Result<Together, SupportError> {
    let tls = tls()?;
    let mut waiting = Waiting::open(server.url(), cast.idle, cast.sockets, &tls).await?;
    let mut pairs = Vec::new();
    for phone in cast.live {
        pairs.push(Pair::meet(server.url(), phone, &tls).await?);
    }
    server.forget_peak()?;
    let (resident, before, started) = (server.resident(), server.cpu()?, Instant::now());
    let until = started + lasts;
    let url = server.url().to_owned();
    let (writing, live) = (cast.writers.len(), pairs.len());
    let spawn = |phone: Phone| tokio::spawn(writes(phone, url.clone(), until));
    let writers: Vec<Running> = cast.writers.into_iter().map(spawn).collect();
    let spawn = |pair: Pair| tokio::spawn(pair.goes_on(until));
    let pairs: Vec<Running> = pairs.into_iter().map(spawn).collect();
    // A ceremony stays on its thread.
    let (handle, newcomer, at) = (Handle::current(), cast.newcomers, url.clone());
    let newcomers =
        tokio::task::spawn_blocking(move || handle.block_on(come_new(newcomer, at, until)));
    let coming_back = WAVE.min(cast.storm.len());
    let waves = come_back(server, cast.storm, until);
    // What is under way then goes on to its end, but no longer beside all the others.
    let used = async {
        tokio::time::sleep_until(until.into()).await;
        let (used, took) = (server.cpu_since(before)?, started.elapsed());
        Ok::<_, SupportError>((millis(used), took.as_secs_f64()))
    };
    let (storm, (used, took)) = tokio::try_join!(waves, used)?;
    let done = vec![
        storm.done("come back at once", coming_back),
        sum(writers).await?.done("write", writing),
        sum(vec![newcomers]).await?.done("come new", 1),
        sum(pairs).await?.done("edit live", live),
    ];
    Ok(Together {
        seconds: took,
        done,
        sockets: waiting.count,
        closed: waiting.closed(),
        server_cpu: used / took,
        resident,
        peak: server.peak(),
    })
}

async fn sum(running: Vec<Running>) -> Result<Tally, SupportError> {
    let mut all = Tally::default();
    for one in running {
        let ended = one.await;
        all.add(ended.map_err(|_| SupportError::Missing("a device that ended"))??);
    }
    Ok(all)
}

/// Come back, some of them at once and then the next.
async fn come_back(
    server: &Server,
    phones: &mut [Phone],
    until: Instant,
) -> Result<Tally, SupportError> {
    let (mut tally, mut next) = (Tally::default(), 0);
    while Instant::now() < until {
        let last = phones.len().min(next + WAVE);
        let found = wave(server, &mut phones[next..last]).await?;
        tally.note(found.elapsed, found.trips);
        next = if last == phones.len() { 0 } else { last };
    }
    Ok(tally)
}

/// Writes a note, has it acknowledged, thinks, and writes again.
async fn writes(mut phone: Phone, url: String, until: Instant) -> Result<Tally, SupportError> {
    let mut tally = Tally::default();
    let mut line = Line::open(&url).await?;
    while Instant::now() < until {
        phone
            .device
            .edit(new_entry(), &note(tally.elapsed.len())?)?;
        let started = Instant::now();
        let trips = phone.sync(&mut line).await?;
        tally.note([started.elapsed()], trips);
        tokio::time::sleep(THINKS).await;
    }
    Ok(tally)
}

/// Signs in on another device and fetches the record, and again.
async fn come_new(phone: Phone, url: String, until: Instant) -> Result<Tally, SupportError> {
    let mut tally = Tally::default();
    while Instant::now() < until {
        let mut new = phone.another().await?;
        let mut line = Line::open(&url).await?;
        let started = Instant::now();
        let trips = new.sync(&mut line).await?;
        tally.note([started.elapsed()], trips);
    }
    Ok(tally)
}

/// Two devices of a person that are connected.
struct Pair {
    phone: Phone,
    here: Socket,
    other: Phone,
    there: Socket,
}

impl Pair {
    async fn meet(
        url: &str,
        mut phone: Phone,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, SupportError> {
        let mut other = phone.another().await?;
        let here = connect(url, &mut phone, tls).await?;
        let there = connect(url, &mut other, tls).await?;
        Ok(Pair {
            phone,
            here,
            other,
            there,
        })
    }

    async fn goes_on(mut self, until: Instant) -> Result<Tally, SupportError> {
        let mut tally = Tally::default();
        while Instant::now() < until {
            let edit = self.phone.edit()?;
            let request = self.phone.device.request()?;
            let started = Instant::now();
            let sends = sends(&mut self.phone, &mut self.here, request);
            let arrives = arrives(&mut self.other, &mut self.there, edit);
            let arrives = tokio::time::timeout(PATIENCE, arrives);
            let (trips, arrived) = tokio::join!(sends, arrives);
            let arrived = arrived.ok().transpose()?;
            tally.lost += usize::from(arrived.is_none());
            let elapsed = arrived.map(|at| at.saturating_duration_since(started));
            tally.note(elapsed, trips?);
            tokio::time::sleep(THINKS).await;
        }
        Ok(tally)
    }
}

/// Sends a request, and comes back once it is acknowledged.
async fn sends(
    phone: &mut Phone,
    here: &mut Socket,
    request: Vec<u8>,
) -> Result<Trips, SupportError> {
    let mut trips = Trips {
        up: request.len() as u64,
        down: 0,
        count: 1,
    };
    here.send(request).await?;
    while phone.device.unsent() > 0 {
        let answer = here.answer().await?;
        trips.down += answer.len() as u64;
        phone.device.take(&answer)?;
    }
    Ok(trips)
}

/// Takes what is pushed until a change is there; says when it was.
async fn arrives(
    other: &mut Phone,
    there: &mut Socket,
    (entry, change): (EntryId, ChangeHash),
) -> Result<Instant, SupportError> {
    while !other.device.has(&entry, &change) {
        let gone = SupportError::Missing("a WebSocket that stays open");
        let pushed = there.next().await.ok_or(gone)?;
        other.device.take(&pushed)?;
    }
    Ok(Instant::now())
}

/// Opens a socket on a phone's record, and has it told all there is.
async fn connect(
    url: &str,
    phone: &mut Phone,
    tls: &Arc<ClientConfig>,
) -> Result<Socket, SupportError> {
    let (record, token) = (phone.device.record(), phone.device.token().to_owned());
    let mut socket = Socket::open(url, record, &token, tls.clone()).await?;
    phone.sync_over(&mut socket).await?;
    Ok(socket)
}
