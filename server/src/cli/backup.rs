//! `carnet backup`

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use diesel::sql_types::Text;
use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection, sql_query};

use super::{CommandError, output};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::settings;
use crate::storage::StorageError;
use crate::storage::sqlite::open_connection;

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
        let file = |path: &Path, error: std::io::Error| {
            CommandError::Input(format!("cannot use {}: {error}", path.display()))
        };
        make(&self.to).map_err(|error| file(&self.to, error))?;
        let copied = self.to.join("carnet.sqlite");
        copy(&data, &copied)?;
        mark(&copied)?;
        output::line(&format!("{}  the records", copied.display()))?;
        if self.keys {
            // After the data: a key is durable before what it seals, so none can be missing.
            let to = self.to.join("keys");
            make(&to).map_err(|error| file(&to, error))?;
            let copied = to.join("keys.sqlite");
            copy(&config.keys().join("keys.sqlite"), &copied)?;
            output::line(&format!(
                "{}  their keys, wrapped: keep them apart from the records",
                copied.display()
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
}

/// Marks a data store as a copy: whoever serves it has lost what came after.
fn mark(copied: &Path) -> Result<(), CommandError> {
    let now = SystemClock.now().0.to_string();
    // Without a write-ahead log, so that the copy stays one file.
    let failed = |error| CommandError::Input(format!("cannot mark the copy: {error}"));
    let mut connection = SqliteConnection::establish(name(copied)?).map_err(failed)?;
    settings::note(&mut connection, settings::COPIED, &now)?;
    drop(connection);
    File::open(copied)?.sync_all()?;
    Ok(())
}

fn name(path: &Path) -> Result<&str, CommandError> {
    let not_text = || CommandError::Input("the path is not UTF-8 text".to_owned());
    path.to_str().ok_or_else(not_text)
}

fn make(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)
}

/// Copies a store as it stands at this moment, also while others write to it.
fn copy(from: &Path, to: &Path) -> Result<(), CommandError> {
    let mut connection = open_connection(from)?;
    sql_query("VACUUM INTO ?")
        .bind::<Text, _>(name(to)?)
        .execute(&mut connection)
        .map_err(StorageError::from)?;
    let copied = File::open(to)?;
    copied.set_permissions(Permissions::from_mode(0o600))?;
    copied.sync_all()?;
    if let Some(dir) = to.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}
