//! `carnet verify`

use clap::Args;
use diesel::prelude::*;
use serde::Serialize;
use sync_core::RecordId;
use sync_core::sign::PublicKey;

use super::{CommandError, open, output};
use crate::app::App;
use crate::config::Config;
use crate::fault::Fault;
use crate::storage::records::RecordStore as _;
use crate::storage::schema::identity::devices;
use crate::storage::sqlite::{Look, damage, open_connection};
use crate::{revocations, verify};

/// Records looked up at a time.
const PAGE: u32 = 500;

#[derive(Args)]
pub(super) struct Verify {
    /// Only this record, and not the files of the stores as a whole
    #[arg(long, value_name = "ID")]
    record: Option<RecordId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Default, Serialize)]
struct Summary {
    people: u64,
    passkeys: u64,
    devices: u64,
    revocations: u64,
    records: u64,
    entries: u64,
    destroyed: u64,
    unfinished: u64,
    marked: u64,
    given_up: u64,
    changes: u64,
    unsigned: u64,
    events: u64,
    apart: u64,
    held: u64,
    wrong: Vec<String>,
}

impl Verify {
    pub(super) async fn run(self, config: Config) -> Result<(), CommandError> {
        let app = open(config).await?;
        let mut summary = Summary::default();
        if self.record.is_none() {
            files(&app, &mut summary).await?;
        }
        match self.check(&app, &mut summary).await {
            // A damaged file cannot be read to its end.
            Err(error) if !summary.wrong.is_empty() => {
                summary
                    .wrong
                    .push(format!("the rest could not be read: {error}"));
            }
            checked => checked?,
        }
        app.db.close().await;
        self.tell(&summary)
    }

    async fn check(&self, app: &App, summary: &mut Summary) -> Result<(), CommandError> {
        if self.record.is_none() {
            people(app, summary).await?;
            revoked(app, summary).await?;
        }
        let mut last = None;
        loop {
            let (only, keys) = (self.record, app.keys.clone());
            // Each page of records in one snapshot, so that a running server does not disturb.
            let job = move |connection: &mut SqliteConnection| -> Result<_, Fault> {
                let page = match only {
                    Some(record) => vec![record],
                    None => connection.records_after(last, PAGE)?,
                };
                let mut found = Vec::with_capacity(page.len());
                for record in page {
                    let checked = verify::record(connection, &keys, &mut device_key, record)?;
                    found.push((record, checked));
                }
                Ok(found)
            };
            let found = app.db.read(job).await?;
            last = found.last().map(|(record, _)| *record);
            for (record, findings) in &found {
                summary.add(*record, findings);
            }
            if self.record.is_some() || found.len() < PAGE as usize {
                break;
            }
            progress(summary.records, "records");
        }
        Ok(())
    }

    fn tell(&self, summary: &Summary) -> Result<(), CommandError> {
        let lines = [
            ("people", summary.people.to_string()),
            ("passkeys", summary.passkeys.to_string()),
            ("devices", summary.devices.to_string()),
            ("revocations", summary.revocations.to_string()),
            ("records", summary.records.to_string()),
            (
                "entries as their changes make them",
                summary.entries.to_string(),
            ),
            ("entries destroyed", summary.destroyed.to_string()),
            (
                "destructions that the next start finishes",
                summary.unfinished.to_string(),
            ),
            (
                "entries marked as another patient's, to be decided on by the next start",
                summary.marked.to_string(),
            ),
            (
                "entries given up for want of their key",
                summary.given_up.to_string(),
            ),
            ("changes", summary.changes.to_string()),
            (
                "changes of devices no longer known",
                summary.unsigned.to_string(),
            ),
            ("access-log events", summary.events.to_string()),
            (
                "events kept from a holder for a time",
                summary.apart.to_string(),
            ),
            ("held edits", summary.held.to_string()),
            ("wrong", summary.wrong.len().to_string()),
        ];
        output::print(self.json, summary, &lines)?;
        if summary.wrong.is_empty() {
            return Ok(());
        }
        if !self.json {
            for wrong in &summary.wrong {
                output::line(wrong)?;
            }
        }
        Err(CommandError::Input(format!(
            "the store does not verify: {} things are wrong",
            summary.wrong.len()
        )))
    }
}

/// That the files of both stores are whole, as SQLite sees them: also where nothing here reads.
async fn files(app: &App, summary: &mut Summary) -> Result<(), CommandError> {
    let look = |connection: &mut SqliteConnection| damage(connection, Look::Whole);
    let data = app.db.read(look).await?;
    let mut keys = open_connection(app.keys.path())?;
    for (store, found) in [("data", data), ("key", look(&mut keys)?)] {
        let found = found.into_iter();
        let wrong = found.map(|what| format!("the file of the {store} store: {what}"));
        summary.wrong.extend(wrong);
    }
    Ok(())
}

async fn people(app: &App, summary: &mut Summary) -> Result<(), CommandError> {
    let mut last = None;
    loop {
        let keys = app.keys.clone();
        let job = move |connection: &mut SqliteConnection| {
            verify::people_after(connection, &keys, last, PAGE)
        };
        let (found, end) = app.db.read(job).await?;
        summary.people += found.people;
        summary.passkeys += found.passkeys;
        summary.devices += found.devices;
        summary.wrong.extend(found.wrong);
        if found.people < PAGE.into() {
            return Ok(());
        }
        last = end;
        progress(summary.people, "people");
    }
}

/// That the data store follows the journal of revocations. Where it does not, it was put back from
/// an older copy and not served since.
async fn revoked(app: &App, summary: &mut Summary) -> Result<(), CommandError> {
    let keys = app.keys.clone();
    // Locked for writing, so that no revocation of a running server is half done.
    let job = move |connection: &mut SqliteConnection| revocations::check(connection, &keys);
    let (lines, good) = app.db.write(job).await?;
    summary.revocations = lines;
    if good > 0 {
        summary.wrong.push(format!(
            "{good} things that were revoked, ended or used are good in the data store: serving it \
             mends that"
        ));
    }
    Ok(())
}

/// Says on standard error how far it is: what a program reads on standard output stays whole.
fn progress(done: u64, of_what: &str) {
    eprintln!("checked {done} {of_what} …");
}

impl Summary {
    fn add(&mut self, record: RecordId, findings: &verify::Findings) {
        self.records += 1;
        self.entries += findings.entries;
        self.destroyed += findings.destroyed;
        self.unfinished += findings.unfinished;
        self.marked += findings.marked;
        self.given_up += findings.given_up;
        self.changes += findings.changes;
        self.unsigned += findings.unsigned;
        self.events += findings.events;
        self.apart += findings.apart;
        self.held += findings.held;
        let wrong = findings.wrong.iter();
        self.wrong
            .extend(wrong.map(|wrong| format!("record {record}: {wrong}")));
    }
}

fn device_key(
    connection: &mut SqliteConnection,
    device: sync_core::DeviceId,
) -> Result<Option<PublicKey>, Fault> {
    let key: Option<Vec<u8>> = devices::table
        .find(device.as_bytes())
        .select(devices::public_key)
        .first(connection)
        .optional()?;
    key.map(|key| PublicKey::from_slice(&key).ok_or_else(|| Fault::malformed("devices.public_key")))
        .transpose()
}
