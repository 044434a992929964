//! Live edits, from one phone to another over WebSockets.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use carnet_mobile::face::{ChangeListener, LiveListener, LiveMode};
use serde::Serialize;
use sync_core::kind::{CommonPatch, Edit, OwnNoteDraft};

use super::figures::{Spread, millis, used_by_all};
use super::world::World;
use crate::support::{Phone, SupportError};

/// Entries that are edited in turn: an entry of hundreds of changes is not the usual one.
const NOTES: usize = 20;

/// Edits before any is measured.
const WARM: usize = 10;

/// How long an edit takes to the other phone.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Live {
    /// Edits.
    pub edits: usize,
    /// From the edit on one phone to the other phone's store having it; durable at the server.
    pub elapsed: Spread,
    /// Of that, until it is in the first phone's store and on its screen.
    pub edit: Spread,
    /// Processor time of the server an edit, milliseconds; not all of it is on the way.
    pub server_cpu: f64,
    /// Likewise of both phones.
    pub devices_cpu: f64,
}

struct Ready(mpsc::Sender<()>);

impl LiveListener for Ready {
    fn live_changed(&self, mode: LiveMode) {
        if mode == LiveMode::Live {
            // Whoever waited may have given up.
            let _ = self.0.send(());
        }
    }
}

struct Arrived(mpsc::Sender<Instant>);

impl ChangeListener for Arrived {
    fn entries_changed(&self, _changed: Vec<String>, _gone: Vec<String>) {
        let _ = self.0.send(Instant::now());
    }
}

/// Measures it.
pub(super) fn measure(world: &World, edits: usize) -> Result<Live, SupportError> {
    let late = |_| SupportError::Missing("a change that arrives live");
    let patience = Duration::from_secs(20);
    let here = world.holder(&world.in_memory("live-here"))?;
    here.live(200, 400)?;
    let phone = Phone::open(&world.in_memory("live-there"))?;
    let code = here.profile.invite()?.code;
    let profile = phone.enrol(world.server.url(), &code)?;
    let there = phone.copy(&profile, here.copy.record.id())?;
    let note = |_| {
        here.copy.add(OwnNoteDraft {
            title: "Direct".into(),
            ..OwnNoteDraft::default()
        })
    };
    let notes = (0..NOTES).map(note).collect::<Result<Vec<_>, _>>()?;
    here.copy.sync()?;
    there.sync()?;

    let (ready, is_ready) = mpsc::channel();
    let _here = here
        .copy
        .record
        .go_live(Some(Arc::new(Ready(ready.clone()))))?;
    let _there = there.record.go_live(Some(Arc::new(Ready(ready))))?;
    for _ in 0..2 {
        is_ready.recv_timeout(patience).map_err(late)?;
    }
    let (arrived, has_arrived) = mpsc::channel();
    let _watch = there.record.watch(Arc::new(Arrived(arrived)))?;
    let (mut taken, mut edited) = (Vec::new(), Vec::new());
    let edit = |number: usize| {
        let remark = Edit::Set(format!("Remarque numéro {number}."));
        let patch = CommonPatch {
            notes: remark,
            ..CommonPatch::default()
        };
        let started = Instant::now();
        here.copy.edit(notes[number % notes.len()], patch)?;
        let edited = started.elapsed();
        let at = has_arrived.recv_timeout(patience).map_err(late)?;
        Ok::<_, SupportError>((edited, at.saturating_duration_since(started)))
    };
    for number in 0..WARM {
        edit(number)?;
    }
    let before = world.server.cpu()?;
    let (done, devices) = used_by_all(|| {
        for number in WARM..WARM + edits {
            let (here, there) = edit(number)?;
            edited.push(here);
            taken.push(there);
        }
        Ok::<_, SupportError>(())
    })?;
    done?;
    let server = world.server.cpu_since(before)?;
    let each = |used| millis(used) / edits as f64;
    Ok(Live {
        edits,
        elapsed: Spread::of(&taken),
        edit: Spread::of(&edited),
        server_cpu: each(server),
        devices_cpu: each(devices),
    })
}
