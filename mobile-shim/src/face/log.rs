//! The access log, kept on this device so that it can be read and checked without a network.

use serde::{Deserialize, Serialize};
use sync_core::audit::{AccessAction, AccessEvent, BrokenAt, ChainedEvent, Verifier};
use sync_core::checkpoint::Checkpoint;
use sync_core::{Digest32, RecordId, Tick};

use super::Record;
use super::runtime::wait;
use crate::device::Device;
use crate::driver::{Method, signed_call};
use crate::error::{CarnetError, Error};
use crate::store::{RecordRows, Shelf, Unlocked};

/// How many events are asked for at once.
const PAGE: usize = 1_000;

/// What is wrong with a log that lacks lines for no reason that it tells.
const UNEXPLAINED: &str =
    "the server no longer has lines that this device had, and the log tells of no restore since";

/// One line of the access log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct LogLine {
    /// Its place, from 1.
    pub number: u64,
    /// When, by the record's clock.
    pub at: i64,
    /// By whom.
    pub person: String,
    /// Their name, if this device knows it.
    pub name: Option<String>,
    /// In what role.
    pub role: String,
    /// What was done: `read`, `write`, `hold` …
    pub action: String,
    /// To which entries.
    pub entries: Vec<String>,
    /// How many changes it moved, either way.
    pub changes: u64,
    /// Why, if a reason was given.
    pub reason: Option<String>,
    /// The server has lost it, and this device kept it.
    pub lost: bool,
}

/// What checking the log showed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct LogCheck {
    /// Whether every line is there and unchanged, up to what the server once signed.
    pub intact: bool,
    /// How many lines were checked.
    pub lines: u64,
    /// How many lines this device had that the server lost when it was put back from an older copy.
    pub lost: u64,
    /// When the server last said that it was, in milliseconds since 1970.
    pub restored: Option<i64>,
    /// The first line that does not check, if one does not.
    pub broken_at: Option<u64>,
    /// What is wrong with it, in plain English.
    pub problem: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<ChainedEvent>,
    more: bool,
}

#[derive(Serialize, Deserialize)]
struct Witness(Digest32);

#[uniffi::export]
impl Record {
    /// The access log as this device has it, after fetching what is new if the server can be
    /// reached, and what the server lost of it, in the order of time. The holder only.
    pub fn access_log(&self) -> Result<Vec<LogLine>, CarnetError> {
        let Log { events, lost } = self.log_events()?;
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let line = |(event, lost): (&ChainedEvent, bool)| {
            let event = AccessEvent::decode(&event.event).ok()?;
            Some(LogLine {
                number: event.seq,
                at: event.at.millis(),
                person: event.person.to_string(),
                name: names.0.get(&event.person).cloned(),
                role: event.role.as_str().to_owned(),
                action: event.action.as_str().to_owned(),
                entries: event.entries.iter().map(ToString::to_string).collect(),
                changes: event.changes,
                reason: event.reason,
                lost,
            })
        };
        let lost = lost.iter().map(|event| (event, true));
        let mut lines: Vec<LogLine> = lost
            .chain(events.iter().map(|event| (event, false)))
            .filter_map(line)
            .collect();
        lines.sort_by_key(|line| line.at);
        Ok(lines)
    }

    /// Checks that nothing was removed from the log or changed in it: the chain holds from its
    /// first line, and contains what the server signed when this device last synced. Lines that
    /// this device had and the server no longer has must be older than a restore that the log
    /// tells of. Without a network it checks what was fetched last.
    pub fn verify_access_log(&self) -> Result<LogCheck, CarnetError> {
        let Log { events, lost } = self.log_events()?;
        let profile = self.profile()?;
        let mut store = self.device.store();
        let witness: Vec<Witness> = store.rows(&profile, &self.record).notes(Shelf::Witness)?;
        drop(store);
        let Some(Witness(witness)) = witness.into_iter().next() else {
            return Err(CarnetError::NotFound);
        };
        let mut verifier = Verifier::new(self.record, witness);
        let mut restored: Option<Tick> = None;
        let checked = events
            .iter()
            .try_for_each(|event| {
                let event = verifier.push(event)?;
                if event.action == AccessAction::Restore {
                    restored = Some(event.chained_at());
                }
                Ok(())
            })
            .and_then(|()| verifier.finish().map(drop));
        let explained = |event: &ChainedEvent| {
            let at = AccessEvent::decode(&event.event).map(|event| event.chained_at());
            at.is_ok_and(|at| Some(at) <= restored)
        };
        let (broken_at, problem) = match checked {
            Err(BrokenAt { seq, why }) => (Some(seq), Some(why.to_string())),
            Ok(()) if lost.iter().all(explained) => (None, None),
            Ok(()) => (None, Some(UNEXPLAINED.to_owned())),
        };
        Ok(LogCheck {
            intact: problem.is_none(),
            lines: events.len() as u64,
            lost: lost.len() as u64,
            restored: restored.map(Tick::millis),
            broken_at,
            problem,
        })
    }
}

/// The log as this device has it.
struct Log {
    events: Vec<ChainedEvent>,
    /// What the server no longer has.
    lost: Vec<ChainedEvent>,
}

impl Record {
    /// The log's events, new ones fetched first if that can be done.
    fn log_events(&self) -> Result<Log, CarnetError> {
        let (device, profile, record) = (self.device.clone(), self.profile()?, self.record);
        let fetched = {
            let profile = profile.clone();
            wait(async move { fetch(&device, &profile, &record).await })
        };
        let mut store = self.device.store();
        let mut rows = store.rows(&profile, &self.record);
        let events: Vec<ChainedEvent> = rows.notes(Shelf::Log)?;
        let lost = rows.notes(Shelf::LostLog)?;
        match fetched {
            Err(error) if events.is_empty() || !is_away(&error) => Err(error.into()),
            _ => Ok(Log { events, lost }),
        }
    }
}

/// The server is not there: what was fetched before must do.
fn is_away(error: &Error) -> bool {
    error.is_transient() || matches!(error, Error::StayingOffline | Error::SignInNeeded)
}

async fn fetch(device: &Device, profile: &Unlocked, record: &RecordId) -> Result<(), Error> {
    // Before the log, so that the log is sure to contain it.
    let witness = match device.store().head(profile, record)?.checkpoint {
        Some(checkpoint) => Some(checkpoint.0.read::<Checkpoint>()?.access_log),
        None => None,
    };
    let kept: Vec<ChainedEvent> = device.store().rows(profile, record).notes(Shelf::Log)?;
    // From the last line on that is here, to see that it is there too.
    let mut after = kept.len().saturating_sub(1);
    let mut page = ask(device, profile, record, after).await?;
    let begun_anew = page.events.first() != kept.last() && !kept.is_empty();
    if begun_anew {
        let mut all = Vec::new();
        loop {
            page = ask(device, profile, record, all.len()).await?;
            all.append(&mut page.events);
            if !page.more {
                break;
            }
        }
        let lost = kept.iter().filter(|event| !all.contains(event));
        let lost: Vec<&ChainedEvent> = lost.collect();
        return device.store().with_replica(profile, record, |_, rows| {
            rows.clear(Shelf::Log)?;
            put(rows, 0, &all, witness)?;
            for event in lost {
                let at = AccessEvent::decode(&event.event)?.at.millis();
                rows.put_note(Shelf::LostLog, event.hash.as_bytes(), at, event)?;
            }
            Ok::<_, Error>(())
        });
    }
    loop {
        let last = (!page.more || page.events.is_empty()).then_some(witness);
        device.store().with_replica(profile, record, |_, rows| {
            put(rows, after, &page.events, last.flatten())
        })?;
        if last.is_some() {
            return Ok(());
        }
        after += page.events.len();
        page = ask(device, profile, record, after).await?;
    }
}

async fn ask(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
    after: usize,
) -> Result<Page, Error> {
    let path = format!("/v1/records/{record}/log?after={after}&limit={PAGE}");
    let asked = signed_call::<(), Page>(device, profile, Method::Get, &path, None).await?;
    Ok(Page {
        more: asked.more && !asked.events.is_empty(),
        ..asked
    })
}

/// Keeps events that come after so many, and what the log was said to contain.
fn put(
    rows: &mut RecordRows<'_>,
    after: usize,
    events: &[ChainedEvent],
    witness: Option<Digest32>,
) -> Result<(), Error> {
    for (number, event) in (after + 1..).zip(events) {
        let place = i64::try_from(number).unwrap_or(i64::MAX);
        rows.put_note(Shelf::Log, &place.to_le_bytes(), place, event)?;
    }
    if let Some(witness) = witness {
        rows.put_note(Shelf::Witness, b"checkpoint", 0, &Witness(witness))?;
    }
    Ok(())
}
