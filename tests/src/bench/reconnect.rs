//! Reconnecting with one offline edit, at records of several sizes.

use std::time::{Duration, Instant};

use serde::Serialize;
use sync_core::EntryId;
use sync_core::kind::{CommonPatch, Edit};

use super::figures::{Spread, median};
use super::world::World;
use crate::support::{Copy, SupportError};

/// What one reconnect costs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reconnect {
    /// Entries of the record.
    pub entries: usize,
    /// Bytes of request bodies.
    pub up: u64,
    /// Bytes of answer bodies.
    pub down: u64,
    /// Round trips.
    pub round_trips: u64,
    /// The server's processor time a reconnect, user and system, milliseconds.
    pub server_cpu: f64,
    /// The same, as a multiple of the smallest record's.
    pub cpu_ratio: f64,
    /// From the phone's request to its store being up to date.
    pub elapsed: Spread,
}

/// Measures it.
pub(super) fn measure(
    world: &World,
    sizes: &[usize],
    times: usize,
) -> Result<Vec<Reconnect>, SupportError> {
    let mut all: Vec<Reconnect> = Vec::new();
    for entries in sizes {
        let holder = world.holder(&world.in_memory(&format!("reconnect-{entries}")))?;
        let names = holder.live(*entries, entries * 2)?;
        let mut one = reconnect(world, &holder.copy, &names, times)?;
        one.entries = *entries;
        one.cpu_ratio = one.server_cpu / all.first().map_or(one.server_cpu, |one| one.server_cpu);
        all.push(one);
    }
    Ok(all)
}

fn reconnect(
    world: &World,
    copy: &Copy,
    names: &[EntryId],
    times: usize,
) -> Result<Reconnect, SupportError> {
    let mut synced = Vec::new();
    let mut elapsed: Vec<Duration> = Vec::new();
    let warm = times / 10 + 1;
    let mut before = world.server.cpu()?;
    for time in 0..times + warm {
        if time == warm {
            before = world.server.cpu()?;
            synced.clear();
            elapsed.clear();
        }
        let entry = names[time * 7_919 % names.len()];
        let notes = Edit::Set(format!("Contrôle numéro {time} : stable."));
        copy.edit(
            entry,
            CommonPatch {
                notes,
                ..CommonPatch::default()
            },
        )?;
        let started = Instant::now();
        synced.push(copy.sync()?);
        elapsed.push(started.elapsed());
    }
    let used = world.server.cpu_since(before)?;
    Ok(Reconnect {
        entries: 0,
        up: median(synced.iter().map(|done| done.bytes_up).collect()),
        down: median(synced.iter().map(|done| done.bytes_down).collect()),
        round_trips: median(synced.iter().map(|done| done.round_trips.into()).collect()),
        server_cpu: super::figures::millis(used) / times as f64,
        cpu_ratio: 1.0,
        elapsed: Spread::of(&elapsed),
    })
}
