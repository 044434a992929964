//! A new phone fetches a whole record.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use carnet_mobile::face::{SyncListener, SyncResult};
use serde::Serialize;
use sync_core::replica::Lacks;

use super::figures::{median, millis};
use super::world::World;
use crate::support::{Copy, Phone, SupportError};

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
    /// Until all vital entries are in it, milliseconds.
    pub vital: f64,
    /// Round trips until then.
    pub vital_trips: u64,
}

/// Waits for the vital entries of a record.
struct Vital {
    copy: Copy,
    started: Instant,
    /// When the vital entries were all there, and after how many round trips.
    told: Mutex<Option<(Duration, u32)>>,
}

impl SyncListener for Vital {
    fn progressed(&self, so_far: SyncResult, _waiting: u64) {
        let at = self.started.elapsed();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let here = || {
            let lacks = self.copy.lacks();
            lacks.is_ok_and(|lacks| lacks != Some(Lacks::Vital))
        };
        if told.is_none() && here() {
            *told = Some((at, so_far.round_trips));
        }
    }
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
    let (mut vital, mut vital_trips) = (Vec::new(), Vec::new());
    for time in 0..times {
        folder = world.on_disk(&format!("new-phone-{time}"));
        let phone = Phone::open(&folder)?;
        let code = holder.profile.invite()?.code;
        let profile = phone.enrol(world.server.url(), &code)?;
        let copy = phone.copy(&profile, holder.copy.record.id())?;
        let before = world.server.cpu()?;
        let started = Instant::now();
        let waits = Arc::new(Vital {
            copy: copy.clone(),
            started,
            told: Mutex::default(),
        });
        synced.push(copy.record.sync_now(Some(waits.clone()), None)?);
        elapsed.push(started.elapsed());
        cpu.push(world.server.cpu_since(before)?);
        let told = *waits.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, trips) = told.ok_or(SupportError::Missing("the vital entries"))?;
        vital.push(at);
        vital_trips.push(trips.into());
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
        vital: middle(vital),
        vital_trips: median(vital_trips),
    };
    Ok((figures, folder))
}
