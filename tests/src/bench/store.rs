//! A phone's own store, on the disk: opening it, and editing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use carnet_mobile::face::Record;
use serde::Serialize;
use sync_core::kind::{CommonPatch, Edit};

use super::figures::Spread;
use super::world::World;
use crate::support::{Phone, SupportError};

/// How long a phone's store takes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StoreTimes {
    /// How many entries it holds.
    pub entries: usize,
    /// From nothing to all entries read and shown.
    pub open: Spread,
    /// An edit, until it is durably on the phone and its view is read.
    pub edit: Spread,
    /// The same with the store in memory: what is left without the disk.
    pub edit_in_memory: Spread,
}

/// Measures it on the phone in this folder.
pub(super) fn measure(
    world: &World,
    folder: PathBuf,
    edits: usize,
) -> Result<StoreTimes, SupportError> {
    let mut opened: Vec<Duration> = Vec::new();
    let mut entries = 0;
    for _ in 0..edits.min(20) {
        let started = Instant::now();
        let phone = Phone::open(&folder)?;
        entries = record(&phone)?.views()?.len();
        opened.push(started.elapsed());
    }
    let phone = Phone::open(&folder)?;
    let on_disk = edit(&*record(&phone)?, edits)?;
    let holder = world.holder(&world.in_memory("store"))?;
    holder.live(200, 400)?;
    Ok(StoreTimes {
        entries,
        open: Spread::of(&opened),
        edit: on_disk,
        edit_in_memory: edit(&holder.copy.record, edits)?,
    })
}

/// The record of the only profile.
fn record(phone: &Phone) -> Result<Arc<Record>, SupportError> {
    let profiles = phone.carnet().profiles()?;
    let profile = profiles.first().ok_or(SupportError::Missing("a profile"))?;
    let profile = phone.carnet().unlock(profile.id.clone())?;
    let records = profile.records()?;
    let record = records.first().ok_or(SupportError::Missing("a record"))?;
    Ok(profile.record(record.id.clone())?)
}

fn edit(record: &Record, edits: usize) -> Result<Spread, SupportError> {
    let views = record.views()?;
    let mut taken: Vec<Duration> = Vec::new();
    for (number, view) in (0..edits).zip(views.iter().cycle()) {
        let patch = CommonPatch {
            notes: Edit::Set(format!("Remarque numéro {number}.")),
            ..CommonPatch::default()
        };
        let started = Instant::now();
        record.edit(view.id, &patch.into())?;
        record.entry(view.id.to_string())?;
        taken.push(started.elapsed());
    }
    Ok(Spread::of(&taken))
}
