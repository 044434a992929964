use clap::Subcommand;

use crate::app::App;
use crate::cli::{CommandError, output};
use crate::fault::Fault;

#[derive(Subcommand)]
pub(in crate::cli) enum Keys {
    /// Replace the master key by a new one; a running server takes it up by itself
    Rotate,
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
