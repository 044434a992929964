use std::path::PathBuf;

use clap::{Args, Subcommand};
use diesel::SqliteConnection;

use crate::app::App;
use crate::cli::{CommandError, output};
use crate::fault::Fault;
use crate::giving_up::{self, Missing};
use crate::storage::records::EntryRow;

#[derive(Subcommand)]
pub(in crate::cli) enum Keys {
    /// Replace the master key by a new one; a running server takes it up by itself
    Rotate,
    /// Say what has no key any more, and give it up
    GiveUp(GiveUp),
}

/// Says how many records, rights and other entries have no key, because the key store was put back
/// from an older copy. Look for a later copy first.
///
/// An entry that is given up keeps nothing else from going on, and phones that have it hand it back;
/// what nobody has is lost. A right, and a record without its own key, cannot be given up.
#[derive(Args)]
pub(in crate::cli) struct GiveUp {
    /// Another copy of the key store, to be looked into; may be given again. Those that lie beside
    /// the key store are looked into anyhow
    #[arg(long, value_name = "FILE")]
    copy: Vec<PathBuf>,
    /// Give the entries up, for good; the server must not run
    #[arg(long)]
    for_good: bool,
}

impl GiveUp {
    pub(super) async fn run(self, app: &App) -> Result<(), CommandError> {
        let _serving = match self.for_good {
            true => Some(app.lock_for_serving()?),
            false => None,
        };
        let keys = app.keys.clone();
        let look = move |c: &mut SqliteConnection| giving_up::missing(c, &keys);
        let missing = app.db.read(look).await?;
        tell(&missing)?;
        if missing.is_empty() {
            return match self.for_good {
                true => forget_older(app).await,
                false => Ok(()),
            };
        }
        self.refuse_copies(app, &missing)?;
        let count = Count::of(&missing);
        if !self.for_good {
            return output::line(match count.entries {
                0 => "nothing of this can be given up",
                _ => {
                    "nothing was changed. If no later copy of the key store is left, stop the \
                     server and give the entries up with --for-good"
                }
            });
        }
        if count.entries == 0 {
            return Err(CommandError::Input(format!(
                "nothing was changed: what has no key are {} records and {} rights, and neither \
                 can be given up",
                count.records, count.rights
            )));
        }
        for (record, entries) in missing.entries {
            let (keys, now) = (app.keys.clone(), app.clock.now());
            let give_up = move |c: &mut SqliteConnection| {
                giving_up::give_up_entries(c, &keys, record, &entries, now)
            };
            app.db.write(give_up).await?;
        }
        forget_older(app).await?;
        let Count {
            records,
            rights,
            entries,
            changes,
        } = count;
        output::line(&format!(
            "given up: {entries} entries, of {changes} changes; without a key stay {records} \
             records and {rights} rights\nask those concerned to open the app, so that phones \
             hand back"
        ))
    }

    /// Refuses while there is a copy of the key store that has what is missing.
    fn refuse_copies(&self, app: &App, missing: &Missing) -> Result<(), CommandError> {
        let keys = missing.keys();
        let all = missing.records.len() + keys.len();
        let found = |path: &PathBuf| -> Result<_, CommandError> {
            let found = app.keys.found_in(path, &missing.records, &keys);
            Ok(found.map_err(Fault::from)?)
        };
        for path in &self.copy {
            if found(path)?.is_none() {
                return Err(CommandError::Input(format!(
                    "{} is no copy of this key store",
                    path.display()
                )));
            }
        }
        let beside = app.keys.beside().map_err(Fault::from)?;
        for path in self.copy.iter().chain(&beside) {
            if let Some(count @ 1..) = found(path)? {
                return Err(CommandError::Input(format!(
                    "{} has {count} of the {all} keys that are missing. If more is lost without \
                     it, stop the server, put it in the place of {}, and start again. Keep the \
                     other elsewhere, in another directory: what was written since has its keys \
                     there alone. See docs/operating.md",
                    path.display(),
                    app.keys.path().display(),
                )));
            }
        }
        Ok(())
    }
}

/// How much is missing.
struct Count {
    records: usize,
    rights: usize,
    entries: usize,
    changes: u64,
}

impl Count {
    fn of(missing: &Missing) -> Self {
        Count {
            records: missing.records.len(),
            rights: missing.rights.values().map(Vec::len).sum(),
            entries: missing.entries.values().map(Vec::len).sum(),
            changes: changes(missing.entries.values().flatten()),
        }
    }
}

fn changes<'r>(rows: impl Iterator<Item = &'r EntryRow>) -> u64 {
    rows.map(|row| row.changes).sum()
}

/// Forgets that the key store was found to be older, where nothing is missing any more.
async fn forget_older(app: &App) -> Result<(), CommandError> {
    let keys = app.keys.clone();
    let forget = move |c: &mut SqliteConnection| giving_up::forget_older(c, &keys);
    Ok(app.db.write(forget).await?)
}

/// Says what is missing: how much, in which records, and what of it cannot be given up, and why.
fn tell(missing: &Missing) -> Result<(), CommandError> {
    for record in &missing.records {
        output::line(&format!(
            "record {record}: has no key of its own and cannot be given up"
        ))?;
    }
    for (record, rows) in &missing.rights {
        output::line(&format!(
            "record {record}: {} rights, which cannot be given up",
            rows.len()
        ))?;
    }
    for (record, rows) in &missing.entries {
        let (count, changes) = (rows.len(), changes(rows.iter()));
        output::line(&format!(
            "record {record}: {count} entries, of {changes} changes"
        ))?;
    }
    let Count {
        records,
        rights,
        entries,
        changes,
    } = Count::of(missing);
    output::line(&format!(
        "without a key: {records} records, {rights} rights, and {entries} other entries, of \
         {changes} changes"
    ))?;
    if records > 0 {
        output::line(
            "why no record: without its own key nothing of it can be read or written, not even \
             that it was given up",
        )?;
    }
    if rights > 0 {
        output::line(
            "why no right: nobody knows what it says, and without it somebody who was blocked \
             might read",
        )?;
    }
    Ok(())
}

pub(super) fn rotate(app: &App) -> Result<(), CommandError> {
    let rotated = app.keys.rotate().map_err(Fault::from)?;
    let (path, _) = app.keys.master_file();
    output::line(&format!(
        "master key {} is in force, in {}: keep a copy elsewhere\n{} record keys were wrapped \
         anew\nthe retired key is in {}: destroy it when no backup of the key store needs it",
        rotated.generation,
        path.display(),
        rotated.records,
        rotated.retired.display(),
    ))?;
    if !rotated.folded {
        output::line(
            "somebody was reading the key store: what the retired key wrapped is still in its log \
             (keys.sqlite-wal), until the server has folded that in; the next start does at the latest",
        )?;
    }
    Ok(())
}
