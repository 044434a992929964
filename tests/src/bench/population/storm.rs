//! Phones that come back at once, each with one offline edit; and one after the other, to records of
//! several sizes.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use super::line::Line;
use super::people::{Phone, Trips};
use crate::bench::figures::{Spread, millis};
use crate::support::{Server, SupportError};

/// How many connections are opened at once before they are used.
const OPENED_AT_ONCE: usize = 64;

/// Phones of each size in turn, and how often each size has its turn.
const PHONES_A_TURN: usize = 10;
const TURNS: usize = 12;

/// What reconnecting costs when so many phones do it at once.
#[derive(Clone, Debug, Serialize)]
pub(in crate::bench) struct Storm {
    /// Phones at once.
    pub phones: usize,
    /// Reconnects of all storms of this size.
    pub reconnects: usize,
    /// The server's processor time a phone, user and system, milliseconds.
    pub server_cpu: f64,
    /// The same, as a multiple of the smallest storm's.
    pub cpu_ratio: f64,
    /// From a phone's request to its answer.
    pub elapsed: Spread,
    /// Bytes of request bodies a phone.
    pub up: f64,
    /// Bytes of answer bodies a phone.
    pub down: f64,
    /// Round trips a phone.
    pub round_trips: f64,
    /// Memory of the server before, in bytes.
    pub resident: Option<u64>,
    /// The most it held meanwhile, in bytes.
    pub peak: Option<u64>,
}

/// What a reconnect costs at a record of so many entries.
#[derive(Clone, Debug, Serialize)]
pub(in crate::bench) struct Size {
    /// Entries of the record.
    pub entries: usize,
    /// Reconnects.
    pub reconnects: usize,
    /// The server's processor time a reconnect, milliseconds, the median of the turns.
    pub server_cpu: f64,
    /// The same, as a multiple of the smallest record's.
    pub cpu_ratio: f64,
    /// From a phone's request to its answer.
    pub elapsed: Spread,
    /// Bytes of request bodies a reconnect.
    pub up: f64,
    /// Bytes of answer bodies a reconnect.
    pub down: f64,
}

/// What phones that came at once met with.
#[derive(Default)]
pub(super) struct Wave {
    pub elapsed: Vec<Duration>,
    pub trips: Trips,
    pub cpu: Duration,
}

impl Wave {
    fn add(&mut self, other: Wave) {
        self.elapsed.extend(other.elapsed);
        self.trips = self.trips.and(other.trips);
        self.cpu += other.cpu;
    }
}

/// Measures storms: all phones reconnect as often for each size of storm, so that they do the same
/// work; up and down again, so that what changes with time bears on all alike.
pub(super) async fn storms(
    server: &Server,
    phones: &mut [Phone],
    sizes: &[usize],
) -> Result<Vec<Storm>, SupportError> {
    let mut all: Vec<(usize, Wave, Option<u64>, Option<u64>)> = Vec::new();
    for size in sizes {
        all.push((*size, Wave::default(), None, None));
    }
    let down = (0..sizes.len()).rev();
    for at in (0..sizes.len()).chain(down) {
        let (size, sum, resident, peak) = &mut all[at];
        server.forget_peak()?;
        if resident.is_none() {
            *resident = server.resident();
        }
        for some in phones.chunks_mut(*size) {
            sum.add(wave(server, some).await?);
        }
        *peak = server.peak().max(*peak);
    }
    let storms = all.into_iter().map(|(size, sum, resident, peak)| {
        let count = sum.elapsed.len();
        let each = |total: u64| total as f64 / count as f64;
        Storm {
            phones: size,
            reconnects: count,
            server_cpu: millis(sum.cpu) / count as f64,
            cpu_ratio: 1.0,
            elapsed: Spread::of(&sum.elapsed),
            up: each(sum.trips.up),
            down: each(sum.trips.down),
            round_trips: each(sum.trips.count),
            resident,
            peak,
        }
    });
    let mut storms: Vec<Storm> = storms.collect();
    let least = storms.first().map_or(0.0, |storm| storm.server_cpu);
    for storm in &mut storms {
        storm.cpu_ratio = storm.server_cpu / least;
    }
    Ok(storms)
}

/// These phones each make an edit offline and come back at once, over connections that stand.
pub(super) async fn wave(server: &Server, phones: &mut [Phone]) -> Result<Wave, SupportError> {
    let mut requests = Vec::new();
    for phone in &mut *phones {
        phone.edit()?;
        requests.push(phone.device.request()?);
    }
    let lines = requests.iter().map(|_| Line::open(server.url()));
    let lines = futures_util::stream::iter(lines).buffered(OPENED_AT_ONCE);
    let lines: Vec<Line> = lines.try_collect().await?;
    let before = server.cpu()?;
    let mut running = Vec::new();
    let mut trips = Trips::default();
    for ((phone, mut line), body) in phones.iter().zip(lines).zip(requests) {
        let (record, token) = (phone.device.record(), phone.device.token().to_owned());
        trips.up += body.len() as u64;
        running.push(tokio::spawn(async move {
            let started = Instant::now();
            let answer = line.sync(record, &token, body).await?;
            Ok::<_, SupportError>((started.elapsed(), answer, line))
        }));
    }
    let mut answers = Vec::new();
    for one in running {
        let ended = one.await;
        answers.push(ended.map_err(|_| SupportError::Missing("a phone that ended"))??);
    }
    let mut wave = Wave::default();
    for (phone, (elapsed, answer, mut line)) in phones.iter_mut().zip(answers) {
        trips.down += answer.len() as u64;
        trips.count += 1;
        wave.elapsed.push(elapsed);
        if phone.device.take(&answer)?.more || phone.device.unsent() > 0 {
            trips = trips.and(phone.sync(&mut line).await?);
        }
    }
    wave.trips = trips;
    wave.cpu = server.cpu_since(before)?;
    Ok(wave)
}

/// Measures reconnects one after the other, at records of these sizes, which have their turns: what
/// changes with time bears on all alike. `phones` are of any sizes; of each size as many have their
/// turns as the rarest has, so that each is met as often.
pub(super) async fn sizes(
    server: &Server,
    phones: &mut [Phone],
    sizes: &[usize],
) -> Result<Vec<Size>, SupportError> {
    let of = |size: usize| phones.iter().filter(move |phone| phone.names.len() == size);
    let rarest = sizes.iter().map(|size| of(*size).count()).min();
    let rarest = rarest.filter(|count| *count > 0);
    let rarest = rarest.ok_or(SupportError::Missing("a phone with a record of each size"))?;
    let mut all: Vec<(Vec<f64>, Wave)> = Vec::new();
    all.resize_with(sizes.len(), Default::default);
    for turn in 0..=TURNS {
        for (size, (cpu, sum)) in sizes.iter().zip(&mut all) {
            let of_size = phones.iter_mut().filter(|phone| phone.names.len() == *size);
            let mut of_size: Vec<&mut Phone> = of_size.take(rarest).collect();
            let mut line = Line::open(server.url()).await?;
            let before = server.cpu()?;
            let mut found = Wave::default();
            for time in 0..PHONES_A_TURN {
                let phone = &mut of_size[(turn * PHONES_A_TURN + time) % rarest];
                phone.edit()?;
                let started = Instant::now();
                found.trips = found.trips.and(phone.sync(&mut line).await?);
                found.elapsed.push(started.elapsed());
            }
            let used = server.cpu_since(before)?;
            // The first turn warms up.
            if turn > 0 {
                cpu.push(millis(used) / PHONES_A_TURN as f64);
                sum.add(found);
            }
        }
    }
    let sizes = sizes.iter().zip(all).map(|(entries, (mut cpu, sum))| {
        cpu.sort_by(f64::total_cmp);
        let count = sum.elapsed.len();
        Size {
            entries: *entries,
            reconnects: count,
            server_cpu: cpu[cpu.len() / 2],
            cpu_ratio: 1.0,
            elapsed: Spread::of(&sum.elapsed),
            up: sum.trips.up as f64 / count as f64,
            down: sum.trips.down as f64 / count as f64,
        }
    });
    let mut sizes: Vec<Size> = sizes.collect();
    let least = sizes.first().map_or(0.0, |size| size.server_cpu);
    for size in &mut sizes {
        size.cpu_ratio = size.server_cpu / least;
    }
    Ok(sizes)
}
