//! The access log, kept on this device so that it can be read and checked without a network.

mod check;
mod loss;

use serde::Deserialize;
use sync_core::RecordId;
use sync_core::audit::{AccessEvent, ChainedEvent};

use super::runtime::wait;
use super::{Bilingual, Record};
use crate::device::Device;
use crate::driver::{Method, signed_call};
use crate::error::{CarnetError, Error};
use crate::store::{RecordRows, Shelf, Unlocked};
use crate::witness;

/// How many events are asked for at once.
const PAGE: usize = 1_000;

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
    /// What of the log was lost, if it tells of the server's having been put back from an older
    /// copy.
    pub loss: Option<LogLoss>,
}

/// What of the log was lost when the server was put back from an older copy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct LogLoss {
    /// How many lines in all, as far as a device has shown; nothing if that cannot be told.
    pub lines: Option<u64>,
    /// In words.
    pub words: Bilingual,
}

/// What checking the log showed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct LogCheck {
    /// Whether every line is there and unchanged, as far as the server once signed.
    pub intact: bool,
    /// How many lines were checked.
    pub lines: u64,
    /// How many heads of it, signed by the server in the past, it was checked against.
    pub heads: u64,
    /// How many lines this device had that the server lost when it was put back from an older copy.
    pub lost: u64,
    /// When the server last said that it was, in milliseconds since 1970.
    pub restored: Option<i64>,
    /// The first line that does not check, if one does not.
    pub broken_at: Option<u64>,
    /// What is wrong with it.
    pub problem: Option<Bilingual>,
}

#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) events: Vec<ChainedEvent>,
    more: bool,
}

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
                loss: loss::of(&event),
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
    /// first line, and contains every head of it that the server signed and this device kept.
    /// What the server no longer has must be older than a restore that the log tells of. Without a
    /// network it checks what was fetched last; before the first sync there is nothing to check
    /// against.
    pub fn verify_access_log(&self) -> Result<LogCheck, CarnetError> {
        let Log { events, lost } = self.log_events()?;
        let profile = self.profile()?;
        let mut store = self.device.store();
        let signed = witness::to_check(&mut store.rows(&profile, &self.record))?;
        let checked = check::check(self.record, &events, &lost, &signed);
        checked.ok_or(CarnetError::NotSynced)
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
    // Before the log, so that the log is sure to contain them.
    let noted = device.store().with_replica(profile, record, |head, rows| {
        if let Some(checkpoint) = &head.checkpoint {
            witness::note(rows, checkpoint)?;
        }
        witness::noted(rows)
    })?;
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
            put(rows, 0, &all)?;
            witness::fetched(rows, &noted)?;
            for event in lost {
                let at = AccessEvent::decode(&event.event)?.at.millis();
                rows.put_note(Shelf::LostLog, event.hash.as_bytes(), at, event)?;
            }
            Ok::<_, Error>(())
        });
    }
    loop {
        let last = !page.more || page.events.is_empty();
        device.store().with_replica(profile, record, |_, rows| {
            put(rows, after, &page.events)?;
            match last {
                true => witness::fetched(rows, &noted),
                false => Ok(()),
            }
        })?;
        if last {
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

/// Keeps events that come after so many.
fn put(rows: &mut RecordRows<'_>, after: usize, events: &[ChainedEvent]) -> Result<(), Error> {
    for (number, event) in (after + 1..).zip(events) {
        let place = i64::try_from(number).unwrap_or(i64::MAX);
        rows.put_note(Shelf::Log, &place.to_le_bytes(), place, event)?;
    }
    Ok(())
}
