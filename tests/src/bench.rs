//! `cargo bench-carnet`: what syncing costs, measured over the real network (loopback), with
//! passkeys, rights, access log and encryption on, the server in a process of its own.

mod bare;
mod durable;
mod figures;
mod live;
mod new_phone;
mod reconnect;
mod report;
mod store;
mod world;

use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::support::SupportError;
use world::World;

/// Measures what syncing costs. Figures are medians where nothing else is said.
#[derive(Debug, Parser)]
#[command(name = "cargo bench-carnet")]
struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Smaller records and fewer repetitions, to see that it works
    #[arg(long)]
    quick: bool,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// Entries of the records that are reconnected to.
    records: &'static [usize],
    /// Reconnects a record.
    reconnects: usize,
    /// Entries and changes of the record that a new phone fetches.
    new_phone: (usize, usize),
    /// How many phones fetch it.
    new_phones: usize,
    /// Devices that edit, and edits each of them makes.
    writers: &'static [(usize, usize)],
    /// Live edits.
    live: usize,
    /// Edits of a phone's store.
    edits: usize,
}

const FULL: Scale = Scale {
    records: &[10, 200, 2_000, 20_000],
    reconnects: 100,
    new_phone: (2_000, 8_000),
    new_phones: 5,
    writers: &[(1, 300), (8, 300), (64, 100)],
    live: 300,
    edits: 200,
};

const QUICK: Scale = Scale {
    records: &[10, 200],
    reconnects: 20,
    new_phone: (200, 800),
    new_phones: 2,
    writers: &[(1, 30), (8, 30)],
    live: 30,
    edits: 30,
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Results {
    cores: usize,
    optimised: bool,
    reconnect: Vec<reconnect::Reconnect>,
    new_phone: new_phone::NewPhone,
    durable: Vec<durable::Durable>,
    fsync: figures::Spread,
    live: live::Live,
    store: store::StoreTimes,
}

/// Runs the benchmark as its arguments say.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(if arguments.quick { QUICK } else { FULL }) {
        Ok(results) => {
            report::print(&results, arguments.json);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(scale: Scale) -> Result<Results, SupportError> {
    let world = World::new()?;
    eprintln!("reconnecting …");
    let reconnect = reconnect::measure(&world, scale.records, scale.reconnects)?;
    eprintln!("new phones …");
    let (new_phone, fetched) = new_phone::measure(&world, scale.new_phone, scale.new_phones)?;
    eprintln!("a phone's store …");
    let store = store::measure(&world, fetched, scale.edits)?;
    eprintln!("live edits …");
    let live = live::measure(&world, scale.live)?;
    eprintln!("durable edits …");
    let durable = scale.writers.iter();
    let durable = durable.map(|(devices, edits)| durable::measure(*devices, *edits));
    Ok(Results {
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        optimised: !cfg!(debug_assertions),
        reconnect,
        new_phone,
        durable: durable.collect::<Result<_, _>>()?,
        fsync: bare::fsync(scale.edits)?,
        live,
        store,
    })
}
