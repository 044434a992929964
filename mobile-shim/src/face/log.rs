//! The access log, kept on this device so that it can be read and checked without a network.

use serde::{Deserialize, Serialize};
use sync_core::audit::{AccessEvent, ChainedEvent, Verifier};
use sync_core::checkpoint::Checkpoint;
use sync_core::{Digest32, RecordId};

use super::Record;
use super::runtime::wait;
use crate::device::Device;
use crate::driver::{Method, signed_call};
use crate::error::{CarnetError, Error};
use crate::store::{Shelf, Unlocked};

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
}

/// What checking the log showed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, uniffi::Record)]
pub struct LogCheck {
    /// Whether every line is there and unchanged, up to what the server once signed.
    pub intact: bool,
    /// How many lines were checked.
    pub lines: u64,
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
    /// reached. The holder only.
    pub fn access_log(&self) -> Result<Vec<LogLine>, CarnetError> {
        let events = self.log_events()?;
        let profile = self.profile()?;
        let names = self.names(&profile)?;
        let read = |event: &ChainedEvent| AccessEvent::decode(&event.event).ok();
        Ok(events
            .iter()
            .filter_map(read)
            .map(|event| LogLine {
                number: event.seq,
                at: event.at.millis(),
                person: event.person.to_string(),
                name: names.0.get(&event.person).cloned(),
                role: event.role.as_str().to_owned(),
                action: event.action.as_str().to_owned(),
                entries: event.entries.iter().map(ToString::to_string).collect(),
                changes: event.changes,
                reason: event.reason,
            })
            .collect())
    }

    /// Checks that nothing was removed from the log or changed in it: the chain holds from its
    /// first line, and contains what the server signed when this device last synced. Without a
    /// network it checks what was fetched last.
    pub fn verify_access_log(&self) -> Result<LogCheck, CarnetError> {
        let events = self.log_events()?;
        let profile = self.profile()?;
        let mut store = self.device.store();
        let witness: Vec<Witness> = store.rows(&profile, &self.record).notes(Shelf::Witness)?;
        drop(store);
        let Some(Witness(witness)) = witness.into_iter().next() else {
            return Err(CarnetError::NotFound);
        };
        let mut verifier = Verifier::new(self.record, witness);
        let lines = events.len() as u64;
        let checked = events
            .iter()
            .try_for_each(|event| verifier.push(event).map(drop))
            .and_then(|()| verifier.finish().map(drop));
        Ok(match checked {
            Ok(()) => LogCheck {
                intact: true,
                lines,
                broken_at: None,
                problem: None,
            },
            Err(broken) => LogCheck {
                intact: false,
                lines,
                broken_at: Some(broken.seq),
                problem: Some(broken.why.to_string()),
            },
        })
    }
}

impl Record {
    /// The log's events, new ones fetched first if that can be done.
    fn log_events(&self) -> Result<Vec<ChainedEvent>, CarnetError> {
        let (device, profile, record) = (self.device.clone(), self.profile()?, self.record);
        let fetched = {
            let profile = profile.clone();
            wait(async move { fetch(&device, &profile, &record).await })
        };
        let mut store = self.device.store();
        let events = store.rows(&profile, &self.record).notes(Shelf::Log)?;
        match fetched {
            Err(error) if events.is_empty() || !is_away(&error) => Err(error.into()),
            _ => Ok(events),
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
    loop {
        let after = {
            let mut store = device.store();
            let kept: Vec<ChainedEvent> = store.rows(profile, record).notes(Shelf::Log)?;
            kept.len()
        };
        let path = format!("/v1/records/{record}/log?after={after}&limit={PAGE}");
        let asked = signed_call::<(), Page>(device, profile, Method::Get, &path, None);
        let page = asked.await?;
        let more = page.more && !page.events.is_empty();
        device.store().with_replica(profile, record, |_, rows| {
            for (number, event) in (after + 1..).zip(&page.events) {
                let place = i64::try_from(number).unwrap_or(i64::MAX);
                rows.put_note(Shelf::Log, &place.to_le_bytes(), place, event)?;
            }
            if let (Some(witness), false) = (witness, more) {
                rows.put_note(Shelf::Witness, b"checkpoint", 0, &Witness(witness))?;
            }
            Ok::<_, Error>(())
        })?;
        if !more {
            return Ok(());
        }
    }
}
