//! A new phone fetches a whole record.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::figures::{median, millis};
use super::world::World;
use crate::support::{Phone, SupportError};

/// What the first sync of a new phone costs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NewPhone {
    /// Entries of the record.
    pub entries: usize,
    /// Changes of the record.
    pub changes: usize,
    /// Bytes of request bodies.
    pub up: u64,
    /// Bytes of answer bodies.
    pub down: u64,
    /// Round trips.
    pub round_trips: u64,
    /// The server's processor time, milliseconds.
    pub server_cpu: f64,
    /// Until all is in the phone's store, milliseconds.
    pub elapsed: f64,
}

/// Measures it; gives the folder of one of the phones too.
pub(super) fn measure(
    world: &World,
    (entries, changes): (usize, usize),
    times: usize,
) -> Result<(NewPhone, PathBuf), SupportError> {
    let holder = world.holder(&world.in_memory("first-phone"))?;
    holder.live(entries, changes)?;
    let mut folder = PathBuf::new();
    let (mut synced, mut cpu, mut elapsed) = (Vec::new(), Vec::new(), Vec::new());
    for time in 0..times {
        folder = world.on_disk(&format!("new-phone-{time}"));
        let phone = Phone::open(&folder)?;
        let code = holder.profile.invite()?.code;
        let profile = phone.enrol(world.server.url(), &code)?;
        let copy = phone.copy(&profile, holder.copy.record.id())?;
        let before = world.server.cpu()?;
        let started = Instant::now();
        synced.push(copy.sync()?);
        elapsed.push(started.elapsed());
        cpu.push(world.server.cpu_since(before)?);
    }
    let middle = |mut durations: Vec<Duration>| {
        durations.sort_unstable();
        durations
            .get(durations.len() / 2)
            .map_or(0.0, |middle| millis(*middle))
    };
    let figures = NewPhone {
        entries,
        changes,
        up: median(synced.iter().map(|done| done.bytes_up).collect()),
        down: median(synced.iter().map(|done| done.bytes_down).collect()),
        round_trips: median(synced.iter().map(|done| done.round_trips.into()).collect()),
        server_cpu: middle(cpu),
        elapsed: middle(elapsed),
    };
    Ok((figures, folder))
}
