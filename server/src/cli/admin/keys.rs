use std::path::PathBuf;

use clap::{Args, Subcommand};
use diesel::SqliteConnection;

use crate::app::App;
use crate::cli::{CommandError, output};
use crate::fault::Fault;
use crate::giving_up::{self, Missing};

#[derive(Subcommand)]
pub(in crate::cli) enum Keys {
    /// Replace the master key by a new one; a running server takes it up by itself
    Rotate,
    /// Say what has no key any more, and give it up
    GiveUp(GiveUp),
}

/// Says how many entries and records have no key, because the key store was put back from an older
/// copy. Look for a later copy first.
///
/// Given up, they keep nothing else from going on; phones that have an entry hand it back. What
/// nobody has is lost, and a record without its own key is lost to the server as a whole.
#[derive(Args)]
pub(in crate::cli) struct GiveUp {
    /// Another copy of the key store, to be looked into; may be given again. Those that lie beside
    /// the key store are looked into anyhow
    #[arg(long, value_name = "FILE")]
    copy: Vec<PathBuf>,
    /// Give them up, for good; the server must not run
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
            return Ok(());
        }
        self.refuse_copies(app, &missing)?;
        if !self.for_good {
            return output::line(
                "nothing was changed. If no later copy of the key store is left, stop the server \
                 and give this up with --for-good",
            );
        }
        for record in &missing.records {
            app.keys.destroy_record(*record).map_err(Fault::from)?;
        }
        for (record, entries) in missing.entries {
            let (keys, now) = (app.keys.clone(), app.clock.now());
            let give_up = move |c: &mut SqliteConnection| {
                giving_up::give_up_entries(c, &keys, record, &entries, now)
            };
            app.db.write(give_up).await?;
        }
        let keys = app.keys.clone();
        let forget = move |c: &mut SqliteConnection| giving_up::forget_older(c, &keys);
        app.db.write(forget).await?;
        output::line("given up: ask those concerned to open the app, so that phones hand back")
    }

    /// Refuses while there is a copy of the key store that has what is missing.
    fn refuse_copies(&self, app: &App, missing: &Missing) -> Result<(), CommandError> {
        let keys = missing.keys();
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
                    "{} has {count} of the keys that are missing: stop the server, put it in the \
                     place of {}, and start again",
                    path.display(),
                    app.keys.path().display(),
                )));
            }
        }
        Ok(())
    }
}

/// Says what is missing: how much, and in which records.
fn tell(missing: &Missing) -> Result<(), CommandError> {
    for record in &missing.records {
        output::line(&format!(
            "record {record}: has no key of its own; all of it"
        ))?;
    }
    let (mut entries, mut rights, mut changes) = (0, 0, 0);
    for (record, rows) in &missing.entries {
        let of_rights = rows.iter().filter(|row| row.is_right).count();
        let of_changes: u64 = rows.iter().map(|row| row.changes).sum();
        let count = rows.len();
        output::line(&format!(
            "record {record}: {count} entries, {of_rights} of them rights; {of_changes} changes"
        ))?;
        (entries, rights, changes) = (entries + count, rights + of_rights, changes + of_changes);
    }
    let records = missing.records.len();
    output::line(&format!(
        "without a key: {records} records, and elsewhere {entries} entries, {rights} of them \
         rights, of {changes} changes"
    ))
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
