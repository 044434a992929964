//! The commands of `carnet`.

mod admin;
mod backup;
mod output;
mod rules;
mod serve;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::app::{App, StartError};
use crate::clock::SystemClock;
use crate::config::{Config, Places, Settings};
use crate::fault::Fault;
use crate::guard;
use crate::telemetry::{self, LogError};

/// Keeps shared medical records convergent between phones and this server.
///
/// Every setting is a flag, an environment variable, or a key of the TOML file named like the
/// flag; the first that is given counts, in that order.
#[derive(Parser)]
#[command(name = "carnet", version)]
struct Cli {
    /// TOML file with settings; those that a command does not ask for are left alone
    #[arg(long, global = true, env = "CARNET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve phones, tablets and browsers
    Serve(Box<Settings>),
    /// Look after people, codes and keys; also while the server runs
    #[command(subcommand)]
    Admin(Box<admin::Admin>),
    /// Check that logs and entries are whole and agree; also while the server runs
    Verify(verify::Verify),
    /// Print the rules by which edits merge, for those who must judge them
    Rules(rules::Rules),
    /// Copy the store, also while the server runs; its keys only if asked to
    Backup(backup::Backup),
}

impl Command {
    /// The settings that the command itself asks for.
    fn settings(&mut self) -> Settings {
        match self {
            Self::Serve(settings) => std::mem::take(settings),
            Self::Admin(command) => Settings {
                codes: command.codes(),
                ..Settings::default()
            },
            Self::Verify(_) | Self::Backup(_) | Self::Rules(_) => Settings::default(),
        }
    }
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
    if guard::is_worker() {
        return guard::work();
    }
    telemetry::hush_panics();
    let cli = Cli::parse();
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(&format!("carnet: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(mut cli: Cli) -> Result<(), CommandError> {
    if let Command::Rules(command) = &cli.command {
        return command.run();
    }
    let given = Settings {
        places: cli.places,
        ..cli.command.settings()
    };
    let mut settings = match &cli.config {
        Some(path) => given.or(Settings::from_file(path)?),
        None => given,
    };
    if !matches!(cli.command, Command::Serve(_)) {
        // The environment of the server's settings is not looked at here, nor is half of them.
        settings = Settings {
            places: settings.places,
            codes: settings.codes,
            ..Settings::default()
        };
    }
    let config = Config::resolve(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(_) => serve::serve(config).await,
            Command::Admin(command) => admin::run(*command, config).await,
            Command::Verify(command) => command.run(config).await,
            Command::Backup(command) => command.run(&config),
            Command::Rules(command) => command.run(),
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
    use clap::{Args as _, CommandFactory as _};

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    /// The help of a command, by its path.
    fn help(path: &[&str]) -> String {
        let mut command = Cli::command();
        command.build();
        let mut found = &mut command;
        for name in path {
            found = found.find_subcommand_mut(name).expect("a command");
        }
        found.render_long_help().to_string()
    }

    #[test]
    fn commands_list_what_they_ask_for_and_nothing_else() {
        let paths: [&[&str]; 7] = [
            &["verify"],
            &["backup"],
            &["admin", "keys", "rotate"],
            &["admin", "keys", "give-up"],
            &["admin", "open-record"],
            &["admin", "add-person"],
            &["admin", "enrolment-code"],
        ];
        for path in paths {
            let help = help(path);
            for asked in ["--config", "--data", "--master-key"] {
                assert!(help.contains(asked), "{path:?}: {asked}");
            }
            for serving in ["--listen", "--rp-id", "--workers", "--log"] {
                assert!(!help.contains(serving), "{path:?}: {serving}");
            }
            let makes_codes = path[0] == "admin" && path[1] != "keys";
            assert_eq!(help.contains("--enrolment-code-days"), makes_codes);
        }
    }

    #[test]
    fn help_lists_every_setting_with_its_variable() {
        let help = help(&["serve"]);
        let command = Places::augment_args(clap::Command::new("settings"));
        let command = Settings::augment_args(command);
        assert!(command.get_arguments().count() > 20);
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
