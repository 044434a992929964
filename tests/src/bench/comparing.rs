//! Somebody's rights change: their phone, which has most of the record, compares, where a new one has
//! all sent.

use std::time::{Duration, Instant};

use serde::Serialize;
use sync_core::kind::RightDraft;
use sync_core::policy::{Profession, RightKind};

use super::figures::{median, millis};
use super::world::{Holder, World};
use crate::support::{Copy, Phone, SupportError, add_professional};

/// Doctors, each with a phone.
const DOCTORS: u32 = 3;

/// What telling a doctor's phone of a record costs.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Told {
    /// Bytes of request bodies.
    pub up: u64,
    /// Bytes of answer bodies.
    pub down: u64,
    /// Round trips.
    pub round_trips: u64,
    /// The server's processor time, milliseconds.
    pub server_cpu: f64,
    /// Until the phone's store is up to date, milliseconds.
    pub elapsed: f64,
}

/// A full resend, and comparing beside it. Medians.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Comparing {
    /// Entries of the record.
    pub entries: usize,
    /// Changes of the record.
    pub changes: usize,
    /// To a phone that has nothing.
    pub sent: Told,
    /// To one that has all, when what its person may do has changed.
    pub compared: Told,
}

/// Measures it.
pub(super) fn measure(
    world: &World,
    (entries, changes): (usize, usize),
    times: usize,
) -> Result<Comparing, SupportError> {
    let holder = world.holder(&world.in_memory("compared"))?;
    holder.live(entries, changes)?;
    let (mut sent, mut compared) = (Vec::new(), Vec::new());
    for number in 0..DOCTORS {
        let doctor = doctor(world, &holder, number)?;
        sent.push(told(world, &doctor)?);
        for _ in 0..times {
            // The right to write comes and goes: their standing is another each time.
            let right = give(&holder, &doctor, true)?;
            compared.push(told(world, &doctor)?);
            holder.copy.record.revoke(right, None)?;
            holder.copy.sync()?;
            compared.push(told(world, &doctor)?);
        }
    }
    Ok(Comparing {
        entries,
        changes,
        sent: middle(&sent),
        compared: middle(&compared),
    })
}

/// A doctor who may read the record, on a phone that has nothing of it.
fn doctor(world: &World, holder: &Holder, number: u32) -> Result<Copy, SupportError> {
    let physician = Profession::Physician;
    let entered = add_professional(&world.server, "Morel", "Anne", physician, 700 + number)?;
    let right = RightDraft {
        write: false,
        ..RightDraft::new(RightKind::Grant, entered.person)
    };
    holder.copy.add(right)?;
    holder.copy.sync()?;
    let phone = Phone::open(&world.in_memory(&format!("doctor-{number}")))?;
    let profile = phone.enrol(world.server.url(), &entered.code)?;
    phone.copy(&profile, holder.copy.record.id())
}

fn give(holder: &Holder, doctor: &Copy, write: bool) -> Result<String, SupportError> {
    let right = RightDraft {
        write,
        ..RightDraft::new(RightKind::Grant, doctor.person)
    };
    let right = holder.copy.add(right)?;
    holder.copy.sync()?;
    Ok(right.to_string())
}

fn told(world: &World, doctor: &Copy) -> Result<Told, SupportError> {
    let before = world.server.cpu()?;
    let started = Instant::now();
    let synced = doctor.sync()?;
    let elapsed = millis(started.elapsed());
    Ok(Told {
        up: synced.bytes_up,
        down: synced.bytes_down,
        round_trips: synced.round_trips.into(),
        server_cpu: millis(world.server.cpu_since(before)?),
        elapsed,
    })
}

/// The middle of each figure.
fn middle(all: &[Told]) -> Told {
    let count = |of: fn(&Told) -> u64| median(all.iter().map(of).collect());
    let time = |of: fn(&Told) -> f64| {
        let nanoseconds = all.iter().map(|told| (of(told) * 1e6) as u64);
        millis(Duration::from_nanos(median(nanoseconds.collect())))
    };
    Told {
        up: count(|told| told.up),
        down: count(|told| told.down),
        round_trips: count(|told| told.round_trips),
        server_cpu: time(|told| told.server_cpu),
        elapsed: time(|told| told.elapsed),
    }
}
