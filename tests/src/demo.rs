//! `cargo demo`: a life is written, a new phone fetches it, everybody goes offline and edits, and
//! then they sync. Each chapter tells what it did; the last checks that it came out right.

mod care;
mod checks;
mod findings;
mod next;
mod offline;
mod opening;
mod screen;
mod screens;
mod stage;
mod syncing;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::support::{Server, SupportError};
use screen::Screen;

/// Plays the story of a patient, her family and a country clinic, who edit one record while they
/// are offline, and shows what becomes of it.
#[derive(Debug, Parser)]
#[command(name = "cargo demo")]
struct Arguments {
    /// How many people have a record; the story is told of the first
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    records: u16,
    /// How many entries a record has, over sixty years
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=20_000))]
    entries: u32,
    /// Which life is lived
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End when the story does, with an exit code of 1 if a check failed
    #[arg(long)]
    exit: bool,
    /// Keep server and phones in this folder, which must be empty or not there
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs the demonstration as its arguments say.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays the story; whether all checks held.
fn run(arguments: &Arguments) -> Result<bool, SupportError> {
    let screen = Screen::new();
    let temporary;
    let folder: &Path = match &arguments.data {
        Some(folder) => {
            empty(folder)?;
            folder
        }
        None => {
            let made = tempfile::Builder::new().prefix("carnet-demo-").tempdir();
            temporary = made.map_err(SupportError::io("a temporary folder"))?;
            temporary.path()
        }
    };
    screen.title("Carnet: one record, seven devices, no network");
    let mut server = Server::start(&folder.join("server"), &["--session-rate", "60000"])?;
    let stage = stage::set(&screen, &server, folder)?;
    let scene = opening::play(&screen, &stage, arguments)?;
    offline::play(&screen, &stage, &scene)?;
    let synced = syncing::play(&screen, &stage)?;
    findings::show(&screen, &stage, &scene)?;
    let read = screens::show(&screen, &stage, &scene, folder)?;
    // Her other phone catches up with what she settled.
    for actor in [
        &stage.old,
        &stage.camille,
        &stage.doctor,
        &stage.nurse,
        &stage.pharmacist,
    ] {
        actor.copy.sync()?;
    }
    findings::cost(&screen, &stage, &synced)?;
    let sound = checks::run(&screen, &stage, &scene, &synced, &read)?;
    if !arguments.exit {
        next::show(&screen, &stage, folder);
    }
    if arguments.exit || screen.is_closed() {
        server.stop()?;
    } else {
        server.wait()?;
    }
    Ok(sound)
}

fn empty(folder: &Path) -> Result<(), SupportError> {
    match std::fs::read_dir(folder) {
        Ok(mut inside) => match inside.next() {
            None => Ok(()),
            Some(_) => Err(SupportError::Missing(
                "an empty folder: --data names a full one",
            )),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(SupportError::io("the folder of --data")(error)),
    }
}
