//! What it costs to try a change in a process of its own before it is taken in.

use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use serde::Serialize;
use server::guard::{Ask, Limits, Pool, Program, Tries};
use sync_core::change::Actor;
use sync_core::entry::{EntryDocument, EntryState, Write};
use sync_core::sign::PublicKey;
use sync_core::{Bytes, DeviceTime, EntryId, Incarnation, PersonId, guard};
use uuid::Uuid;

use super::figures::Spread;
use crate::support::SupportError;

/// What a change costs, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct GuardTime {
    /// Changes that its entry has before.
    pub history: usize,
    /// How many changes are asked about at once.
    pub at_once: usize,
    /// Inspected and added in the server's own process, a change.
    pub here: Spread,
    /// Tried in another process, and taken over from there, a change.
    pub apart: Spread,
    /// What of that the writer does: adding it here.
    pub writer_here: Spread,
    /// Taking it over from there.
    pub writer_apart: Spread,
    /// How many times as long a change takes, by the medians.
    pub ratio: f64,
}

struct Life {
    document: EntryDocument,
    state: EntryState,
    next: Vec<Bytes>,
}

fn life(history: usize, next: usize) -> Result<Life, SupportError> {
    let entry = EntryId(Uuid::from_u128(1));
    let key = PublicKey::of(&SigningKey::from_bytes(&[1; 32]));
    let actor = Actor::of(&key, &Incarnation([2; 16]), &entry);
    let unfit = |_| SupportError::Missing("a change that fits");
    let mut document = EntryDocument::new();
    let edit = |document: &mut EntryDocument, number: usize| {
        let mut writes = vec![Write::set(
            "notes",
            format!("Vu au cabinet, contrôle n° {number}."),
        )];
        if number == 0 {
            writes.push(Write::set("kind", "note"));
            writes.push(Write::set("text", "Suivi de tension"));
        }
        let at = DeviceTime(1_790_000_000_000 + number as i64);
        document.edit(actor, &writes, at).map(|(_, change)| change)
    };
    for number in 0..history {
        edit(&mut document, number).map_err(unfit)?;
    }
    let mut later = document.clone();
    let next = (history..history + next).map(|number| edit(&mut later, number));
    let next = next.collect::<Result<_, _>>().map_err(unfit)?;
    let document = EntryDocument::load(&document.save()).map_err(unfit)?;
    Ok(Life {
        state: document.state(),
        document,
        next,
    })
}

/// Measures it, so many times each.
pub(super) fn measure(times: usize) -> Result<Vec<GuardTime>, SupportError> {
    let io = SupportError::io("a process to try changes in");
    let program = Program::this().map_err(io)?;
    let io = SupportError::io("a process to try changes in");
    let pool = Pool::new(&program, 1, Limits::default()).map_err(io)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(SupportError::io("a runtime"))?;
    let person = PersonId(Uuid::from_u128(2));
    let mut rows = Vec::new();
    for (history, at_once) in [(0, 1), (4, 1), (4, 16), (50, 1), (500, 1), (500, 16)] {
        let life = life(history, at_once)?;
        let ask = Ask {
            entries: vec![Tries {
                document: (history > 0).then(|| life.document.save().into()),
                changes: (0..at_once).collect(),
            }],
            changes: life.next.clone(),
        };
        let mut row = [const { Vec::<Duration>::new() }; 4];
        for _ in 0..times + 1 {
            let (all, writer) = here(&life)?;
            row[0].push(all / at_once as u32);
            row[2].push(writer / at_once as u32);
            let started = Instant::now();
            let verdicts = runtime.block_on(pool.answer(person, ask.clone()));
            let verdicts = verdicts.map_err(|_| SupportError::Missing("an answer"))?;
            let asked = started.elapsed();
            let (all, writer) = taken_over(&life, &verdicts.tried)?;
            row[1].push((asked + all) / at_once as u32);
            row[3].push(writer / at_once as u32);
        }
        // The first one starts the process.
        for times in &mut row {
            times.remove(0);
        }
        let [here, apart, writer_here, writer_apart] = row.map(|times| Spread::of(&times));
        rows.push(GuardTime {
            history,
            at_once,
            ratio: apart.p50 / here.p50,
            here,
            apart,
            writer_here,
            writer_apart,
        });
    }
    Ok(rows)
}

/// Takes a change in, so often, whose entry had four.
pub(super) fn step(times: usize) -> Result<(), SupportError> {
    let life = life(4, 1)?;
    for _ in 0..times {
        here(&life)?;
    }
    Ok(())
}

/// Takes all changes in here: how long it takes, and how long of it is the writer's.
fn here(life: &Life) -> Result<(Duration, Duration), SupportError> {
    let unsafe_ = |_| SupportError::Missing("a change that the guard lets in");
    let started = Instant::now();
    let inspected = life.next.iter().map(|change| guard::inspect(change));
    let inspected: Vec<_> = inspected.collect::<Result<_, _>>().map_err(unsafe_)?;
    let writing = Instant::now();
    let (mut document, mut state) = (life.document.clone(), life.state.clone());
    for change in &inspected {
        (document, state, _) = guard::admit(&document, &state, change).map_err(unsafe_)?;
    }
    Ok((started.elapsed(), writing.elapsed()))
}

/// The same by what was tried elsewhere.
fn taken_over(
    life: &Life,
    tried: &[Option<guard::Trial>],
) -> Result<(Duration, Duration), SupportError> {
    let unsafe_ = |_| SupportError::Missing("a change that was let in");
    let started = Instant::now();
    let inspected = life.next.iter().map(|change| guard::inspect(change));
    let inspected: Vec<_> = inspected.collect::<Result<_, _>>().map_err(unsafe_)?;
    let writing = Instant::now();
    let (mut document, mut state) = (life.document.clone(), life.state.clone());
    for (change, trial) in inspected.iter().zip(tried) {
        let trial = trial.as_ref().ok_or(SupportError::Missing("a trial"))?;
        (document, state, _) = guard::adopt(&document, &state, change, trial).map_err(unsafe_)?;
    }
    Ok((started.elapsed(), writing.elapsed()))
}
