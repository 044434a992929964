//! The commands of `carnet`.

mod admin;
mod backup;
mod output;
mod serve;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::app::{App, StartError};
use crate::clock::SystemClock;
use crate::config::{Config, Settings};
use crate::fault::Fault;
use crate::telemetry::LogError;

/// Keeps shared medical records convergent between phones and this server.
///
/// Every setting is a flag, an environment variable, or a key of the TOML file named like the
/// flag; the first that is given counts, in that order.
#[derive(Parser)]
#[command(name = "carnet", version)]
struct Cli {
    /// TOML file with settings
    #[arg(long, global = true, env = "CARNET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve phones, tablets and browsers
    Serve,
    /// Look after people, codes and keys; also while the server runs
    #[command(subcommand)]
    Admin(Box<admin::Admin>),
    /// Check that logs and entries are whole and agree; also while the server runs
    Verify(verify::Verify),
    /// Copy the store, also while the server runs; its keys only if asked to
    Backup(backup::Backup),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("{0}")]
    Input(String),
    #[error("cannot write the answer: {0}")]
    Output(#[from] std::io::Error),
}

impl From<crate::storage::StorageError> for CommandError {
    fn from(error: crate::storage::StorageError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<crate::config::ConfigError> for CommandError {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::Start(error.into())
    }
}

/// Runs the command that the program's arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(&format!("carnet: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> Result<(), CommandError> {
    let settings = match &cli.config {
        Some(path) => cli.settings.or(Settings::from_file(path)?),
        None => cli.settings,
    };
    let config = Config::resolve(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve => serve::serve(config).await,
            Command::Admin(command) => admin::run(*command, config).await,
            Command::Verify(command) => command.run(config).await,
            Command::Backup(command) => command.run(&config),
        }
    })
}

/// Opens the stores for a command that works beside a running server.
async fn open(config: Config) -> Result<App, CommandError> {
    if !config.database().exists() {
        return Err(CommandError::Input(format!(
            "there is no store in {}: start the server once, or say where it is with --data",
            config.data.display()
        )));
    }
    let app = App::open(config, Arc::new(SystemClock))?;
    app.check_keys().await?;
    Ok(app)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_every_setting_with_its_variable() {
        let help = Cli::command().render_long_help().to_string();
        let command = Cli::command();
        let settings = command.get_arguments().filter_map(|argument| {
            let long = argument.get_long()?;
            (!["help", "version"].contains(&long)).then(|| long.to_owned())
        });
        for name in settings {
            let variable = format!("CARNET_{}", name.to_uppercase().replace('-', "_"));
            assert!(help.contains(&format!("--{name}")), "{name}");
            assert!(help.contains(&format!("[env: {variable}")), "{variable}");
        }
    }
}
