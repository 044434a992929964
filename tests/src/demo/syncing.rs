//! Everybody comes online again, twice: once to give, once to get what others gave later.

use carnet_mobile::face::SyncResult;

use super::screen::{Screen, bytes, pad, right};
use super::stage::{Actor, Stage};
use crate::support::SupportError;

/// What the syncs did, by the order in which they were made.
#[derive(Debug)]
pub(super) struct Synced {
    /// Who, and what.
    pub rounds: Vec<(String, SyncResult)>,
    /// What Luc got who asked again without any right.
    pub luc_again: SyncResult,
}

/// Brings everybody online and syncs.
pub(super) fn play(screen: &Screen, stage: &Stage<'_>) -> Result<Synced, SupportError> {
    screen.chapter("5  They come online, one after the other");
    for actor in stage.actors() {
        actor.phone.set_offline(false)?;
    }
    screen.say(&heading());
    let mut synced = Synced {
        rounds: Vec::new(),
        luc_again: SyncResult::default(),
    };
    let first = [
        &stage.doctor,
        &stage.nurse,
        &stage.pharmacist,
        &stage.camille,
        &stage.new,
        &stage.luc,
    ];
    let again = [
        &stage.doctor,
        &stage.nurse,
        &stage.pharmacist,
        &stage.camille,
        &stage.new,
        &stage.old,
    ];
    for actor in first.into_iter().chain(again) {
        let done = actor.copy.sync()?;
        screen.say(&row(actor, &done));
        synced
            .rounds
            .push((format!("{}, {}", actor.name, actor.device), done));
    }
    synced.luc_again = stage.luc.copy.sync()?;
    Ok(synced)
}

const COLUMNS: [(&str, usize); 8] = [
    ("taken", 6),
    ("held", 5),
    ("got", 6),
    ("gone", 5),
    ("trips", 6),
    ("up", 9),
    ("down", 9),
    ("", 0),
];

fn heading() -> String {
    let columns = COLUMNS.map(|(name, width)| right(name, width));
    format!("{}{}", pad("", 37), columns.concat())
}

fn row(actor: &Actor, done: &SyncResult) -> String {
    let who = pad(&format!("{}, {}", actor.name, actor.device), 37);
    let cells = [
        done.accepted.to_string(),
        done.held.to_string(),
        done.received.to_string(),
        done.gone.to_string(),
        done.round_trips.to_string(),
        bytes(done.bytes_up),
        bytes(done.bytes_down),
    ];
    let cells = cells.iter().zip(COLUMNS);
    let cells = cells.map(|(cell, (_, width))| right(cell, width));
    format!("{who}{}", cells.collect::<String>())
}
