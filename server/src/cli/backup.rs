//! `carnet backup`

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use diesel::sql_types::Text;
use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection, sql_query};
use diesel_migrations::EmbeddedMigrations;

use super::{CommandError, output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::sqlite::{self, Look, damage, open_connection, refuse_newer};
use crate::{keys, settings};

#[derive(Args)]
pub(super) struct Backup {
    /// A directory that does not exist yet
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// Copy the key store too, wrapped by the master key, into TO/keys: keep it apart
    #[arg(long)]
    keys: bool,
}

impl Backup {
    pub(super) fn run(&self, config: &Config) -> Result<(), CommandError> {
        let data = config.database();
        if !data.exists() {
            return Err(CommandError::Input(format!(
                "there is no store in {}: say where it is with --data",
                config.data.display()
            )));
        }
        let stores = Stores {
            data: open(&data, &sqlite::MIGRATIONS)?,
            keys: match config.keys().join("keys.sqlite") {
                keys if self.keys || keys.exists() => Some(open(&keys, &keys::MIGRATIONS)?),
                _ => None,
            },
        };
        make(&self.to).map_err(|error| cannot_use(&self.to, &error))?;
        if let Err(error) = self.copy(stores) {
            let left = match std::fs::remove_dir_all(&self.to) {
                Ok(()) => "was removed",
                Err(_) => "could not be removed: remove it",
            };
            return Err(CommandError::Input(format!(
                "no backup was made: {error}; {}, which holds nothing usable, {left}",
                self.to.display()
            )));
        }
        let copied = self.to.join(DATA);
        output::line(&format!("{}  the records", copied.display()))?;
        if self.keys {
            output::line(&format!(
                "{}  their keys, wrapped: keep them apart from the records",
                self.to.join("keys").join(KEYS).display()
            ))?;
        } else {
            output::line(
                "the keys are not in it: without the key store, copied by --keys, nobody reads it",
            )?;
        }
        output::line(&format!(
            "the master key {} is in neither: keep a copy of it in a third place",
            config.master_key.display()
        ))
    }

    /// Copies under names that nobody takes for a backup's. They get their own once all of it is
    /// whole, marked and on the disk, the data's last.
    fn copy(&self, mut stores: Stores) -> Result<(), CommandError> {
        let data = Copy::make(&mut stores.data, &self.to, DATA)?;
        data.mark()?;
        data.check()?;
        if let Some(keys) = stores.keys.as_mut().filter(|_| self.keys) {
            // After the data: a key is durable before what it seals, so none can be missing.
            let to = self.to.join("keys");
            make(&to).map_err(|error| cannot_use(&to, &error))?;
            let keys = Copy::make(keys, &to, KEYS)?;
            keys.check()?;
            keys.finish()?;
        }
        data.finish()?;
        // A name without a directory before it is in the one the command runs in.
        let parent = self.to.parent().filter(|dir| !dir.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))
    }
}

/// The file of the records in a backup.
const DATA: &str = "carnet.sqlite";

/// The file of the keys.
const KEYS: &str = "keys.sqlite";

/// What is copied from.
struct Stores {
    data: SqliteConnection,
    keys: Option<SqliteConnection>,
}

/// A copy that is not finished yet.
struct Copy {
    dir: PathBuf,
    partial: PathBuf,
    finished: PathBuf,
}

impl Copy {
    /// Copies a store as it stands at this moment, also while others write to it.
    fn make(from: &mut SqliteConnection, dir: &Path, name: &str) -> Result<Self, CommandError> {
        let partial = dir.join(format!("{name}.partial"));
        // Made before SQLite does: nobody else reads it, not for a moment.
        let made = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&partial);
        made.map_err(|error| cannot_use(&partial, &error))?;
        sql_query("VACUUM INTO ?")
            .bind::<Text, _>(text(&partial)?)
            .execute(from)
            .map_err(StorageError::from)?;
        Ok(Copy {
            dir: dir.to_owned(),
            partial,
            finished: dir.join(name),
        })
    }

    /// Without a write-ahead log, so that the copy stays one file.
    fn open(&self) -> Result<SqliteConnection, CommandError> {
        SqliteConnection::establish(text(&self.partial)?)
            .map_err(|error| CommandError::Input(format!("cannot open the copy: {error}")))
    }

    /// Marks a data store as a copy: whoever serves it has lost what came after.
    fn mark(&self) -> Result<(), CommandError> {
        let now = SystemClock.now().0.to_string();
        Ok(settings::note(&mut self.open()?, settings::COPIED, &now)?)
    }

    /// Looks whether the copy is whole.
    fn check(&self) -> Result<(), CommandError> {
        match damage(&mut self.open()?, Look::Quick)?.first() {
            None => Ok(()),
            Some(what) => Err(CommandError::Input(format!(
                "the copy is damaged, and so may be the store ({what}): see carnet verify"
            ))),
        }
    }

    /// Gives the copy its name, once it is on the disk.
    fn finish(&self) -> Result<(), CommandError> {
        sync(&self.partial)?;
        std::fs::rename(&self.partial, &self.finished)
            .map_err(|error| cannot_use(&self.finished, &error))?;
        sync(&self.dir)
    }
}

/// Opens a store to be copied.
fn open(path: &Path, known: &EmbeddedMigrations) -> Result<SqliteConnection, CommandError> {
    // To be read, not to be made.
    File::open(path).map_err(|error| cannot_use(path, &error))?;
    let mut connection = open_connection(path)?;
    refuse_newer(&mut connection, path, known)?;
    Ok(connection)
}

fn make(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)
}

/// Waits until a file or a directory is on the disk.
fn sync(path: &Path) -> Result<(), CommandError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| cannot_use(path, &error))
}

fn text(path: &Path) -> Result<&str, CommandError> {
    let not_text = || CommandError::Input("the path is not UTF-8 text".to_owned());
    path.to_str().ok_or_else(not_text)
}

fn cannot_use(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Input(format!("cannot use {}: {error}", path.display()))
}
