//! `carnet backup`

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use diesel::sql_types::Text;
use diesel::{RunQueryDsl as _, sql_query};

use super::{CommandError, output};
use crate::config::Config;
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

fn make(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)
}

/// Copies a store as it stands at this moment, also while others write to it.
fn copy(from: &Path, to: &Path) -> Result<(), CommandError> {
    let mut connection = open_connection(from)?;
    let name = to
        .to_str()
        .ok_or_else(|| CommandError::Input("the path is not UTF-8 text".to_owned()))?;
    sql_query("VACUUM INTO ?")
        .bind::<Text, _>(name)
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
