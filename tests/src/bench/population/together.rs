//! All at once: phones come back wave after wave while others write, come new, edit live and wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
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
    /// Seconds it went on.
    pub seconds: f64,
    /// By kind.
    pub done: Vec<Done>,
    /// Sockets that waited meanwhile.
    pub sockets: usize,
    /// Of these, those that were closed.
    pub closed: usize,
    /// The server's processor time a second, milliseconds.
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
struct Tally(Vec<Duration>, Trips);

impl Tally {
    fn add(&mut self, other: Tally) {
        self.0.extend(other.0);
        self.1 = self.1.and(other.1);
    }

    fn done(self, what: &'static str, devices: usize) -> Done {
        Done {
            what,
            devices,
            times: self.0.len(),
            elapsed: Spread::of(&self.0),
            up: self.1.up,
            down: self.1.down,
            round_trips: self.1.count,
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
    let (mut storm, mut next) = (Tally::default(), 0);
    while Instant::now() < until {
        let phones = cast.storm.len();
        let some = &mut cast.storm[next..phones.min(next + WAVE)];
        let found = wave(server, some).await?;
        storm.add(Tally(found.elapsed, found.trips));
        next = (next + WAVE) % phones.next_multiple_of(WAVE);
    }
    let coming_back = WAVE.min(cast.storm.len());
    let done = vec![
        storm.done("come back at once", coming_back),
        sum(writers).await?.done("write", writing),
        sum(vec![newcomers]).await?.done("come new", 1),
        sum(pairs).await?.done("edit live", live),
    ];
    let took = started.elapsed().as_secs_f64();
    Ok(Together {
        seconds: took,
        done,
        sockets: waiting.count,
        closed: waiting.closed(),
        server_cpu: millis(server.cpu()?.saturating_sub(before)) / took,
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

/// Writes a note, has it acknowledged, thinks, and writes again.
async fn writes(mut phone: Phone, url: String, until: Instant) -> Result<Tally, SupportError> {
    let mut tally = Tally::default();
    let mut line = Line::open(&url).await?;
    while Instant::now() < until {
        phone.device.edit(new_entry(), &note(tally.0.len())?)?;
        let started = Instant::now();
        let trips = phone.sync(&mut line).await?;
        tally.add(Tally(vec![started.elapsed()], trips));
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
        tally.add(Tally(vec![started.elapsed()], trips));
    }
    Ok(tally)
}

/// Two devices of a person that are connected.
struct Pair {
    phone: Phone,
    here: Socket,
    arrived: mpsc::UnboundedReceiver<Instant>,
}

impl Pair {
    async fn meet(url: &str, phone: Phone, tls: &Arc<ClientConfig>) -> Result<Self, SupportError> {
        let mut other = phone.another().await?;
        let mut phone = phone;
        let here = connect(url, &mut phone, tls).await?;
        let mut there = connect(url, &mut other, tls).await?;
        let (says, arrived) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(pushed) = there.next().await {
                let taken = other.device.take(&pushed);
                if taken.is_ok_and(|answer| answer.news.is_some()) {
                    // Whoever waits for it may have given up.
                    let _ = says.send(Instant::now());
                }
            }
        });
        Ok(Pair {
            phone,
            here,
            arrived,
        })
    }

    async fn goes_on(mut self, until: Instant) -> Result<Tally, SupportError> {
        let mut tally = Tally::default();
        while Instant::now() < until {
            self.phone.edit()?;
            let request = self.phone.device.request()?;
            let mut trips = Trips {
                up: request.len() as u64,
                down: 0,
                count: 1,
            };
            let started = Instant::now();
            self.here.send(request).await?;
            while self.phone.device.unsent() > 0 {
                let answer = self.here.answer().await?;
                trips.down += answer.len() as u64;
                self.phone.device.take(&answer)?;
            }
            let late = SupportError::Missing("a change that arrives live");
            let arrived = self.arrived.recv().await.ok_or(late)?;
            tally.add(Tally(
                vec![arrived.saturating_duration_since(started)],
                trips,
            ));
            tokio::time::sleep(THINKS).await;
        }
        Ok(tally)
    }
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
