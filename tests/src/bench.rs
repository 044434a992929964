//! `cargo bench-carnet`: what syncing and looking cost, measured over the real network (loopback), with
//! passkeys, rights, access log and encryption on, the server in a process of its own.

mod bare;
mod comparing;
mod device;
mod durable;
mod figures;
mod floor;
mod guard;
mod live;
mod new_phone;
mod population;
mod reconnect;
mod report;
mod store;
mod views;
mod world;

use std::borrow::Cow;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
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
    /// Measure these parts only
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Entries of the records that are reconnected to
    #[arg(long, value_delimiter = ',', value_name = "ENTRIES")]
    records: Vec<usize>,
    /// Reconnects a record
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    reconnects: Option<u32>,
    /// New phones
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..))]
    new_phones: Option<u32>,
    /// The population.
    #[command(flatten)]
    population: population::Settings,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A phone reconnects with one offline edit.
    Reconnect,
    /// A new phone fetches a record.
    NewPhone,
    /// The rights of somebody change who has the record: they compare.
    Comparing,
    /// A phone's store opens and takes an edit.
    Store,
    /// What a phone derives from a record: merge, to-review list, screens.
    Views,
    /// An edit travels from one phone to another.
    Live,
    /// Devices write at once.
    Durable,
    /// A change is tried in a process of its own.
    Guard,
    /// All of the four that follow.
    Population,
    /// Many phones reconnect at once, and to records of many sizes.
    Storm,
    /// Phones come back, write, come new, edit live and wait, all together.
    Together,
    /// Devices hold a WebSocket and wait.
    Idle,
    /// The server is killed while devices write.
    Kill,
}

impl Part {
    /// Whether it is part of the population.
    fn is_of_population(self) -> bool {
        matches!(self, Part::Storm | Part::Together | Part::Idle | Part::Kill)
    }
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        let population = part.is_of_population() && self.only.contains(&Part::Population);
        self.only.is_empty() || self.only.contains(&part) || population
    }

    fn wants_any(&self, parts: &[Part]) -> bool {
        parts.iter().any(|part| self.wants(*part))
    }

    fn scale(&self) -> Scale {
        let mut scale = if self.quick { QUICK } else { FULL };
        if !self.records.is_empty() {
            scale.records = self.records.clone().into();
        }
        if let Some(times) = self.reconnects {
            scale.reconnects = times as usize;
        }
        if let Some(times) = self.new_phones {
            scale.new_phones = times as usize;
        }
        self.population.bear_on(&mut scale.population);
        scale
    }
}

/// How much is done.
#[derive(Clone, Debug)]
struct Scale {
    /// Entries of the records that are reconnected to.
    records: Cow<'static, [usize]>,
    /// Reconnects a record.
    reconnects: usize,
    /// Entries and changes of the record that a new phone fetches.
    new_phone: (usize, usize),
    /// How many phones fetch it.
    new_phones: usize,
    /// How often the rights of each of some doctors change to and fro.
    compared: usize,
    /// Devices that edit, and edits each of them makes.
    writers: &'static [(usize, usize)],
    /// Live edits.
    live: usize,
    /// Edits of a phone's store.
    edits: usize,
    /// Entries of the record whose views are derived, and how often each is.
    views: (usize, usize),
    /// The population.
    population: population::Scale,
}

const FULL: Scale = Scale {
    records: Cow::Borrowed(&[10, 200, 2_000, 20_000]),
    reconnects: 100,
    new_phone: (2_000, 8_000),
    new_phones: 5,
    compared: 3,
    writers: &[(1, 300), (8, 300), (64, 100)],
    live: 300,
    edits: 200,
    views: (2_000, 50),
    population: population::FULL,
};

const QUICK: Scale = Scale {
    records: Cow::Borrowed(&[10, 200]),
    reconnects: 20,
    new_phone: (200, 800),
    new_phones: 2,
    compared: 1,
    writers: &[(1, 30), (8, 30)],
    live: 30,
    edits: 30,
    views: (200, 10),
    population: population::QUICK,
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Results {
    cores: usize,
    optimised: bool,
    reconnect: Vec<reconnect::Reconnect>,
    floor: Option<floor::Floor>,
    new_phone: Option<new_phone::NewPhone>,
    comparing: Option<comparing::Comparing>,
    durable: Vec<durable::Durable>,
    fsync: figures::Spread,
    fsync_histogram: Vec<figures::Bucket>,
    live: Option<live::Live>,
    store: Option<store::StoreTimes>,
    views: Option<views::ViewTimes>,
    guard: Vec<guard::GuardTime>,
    population: population::Population,
}

/// Runs the benchmark as its arguments say.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
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

fn measure(arguments: &Arguments) -> Result<Results, SupportError> {
    let scale = arguments.scale();
    let world = World::new()?;
    let (fsync, fsync_histogram) = bare::fsync(scale.edits)?;
    let mut results = Results {
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        optimised: !cfg!(debug_assertions),
        reconnect: Vec::new(),
        floor: None,
        new_phone: None,
        comparing: None,
        durable: Vec::new(),
        fsync,
        fsync_histogram,
        live: None,
        store: None,
        views: None,
        guard: Vec::new(),
        population: population::Population::default(),
    };
    if arguments.wants(Part::Guard) {
        eprintln!("the guard …");
        results.guard = guard::measure(scale.edits)?;
    }
    if arguments.wants(Part::Reconnect) {
        eprintln!("reconnecting …");
        results.reconnect = reconnect::measure(&world, &scale.records, scale.reconnects)?;
        results.floor = Some(floor::measure(&world, 20 * scale.reconnects)?);
    }
    if arguments.wants(Part::NewPhone) || arguments.wants(Part::Store) {
        eprintln!("new phones …");
        let (fetched, folder) = new_phone::measure(&world, scale.new_phone, scale.new_phones)?;
        results.new_phone = Some(fetched);
        if arguments.wants(Part::Store) {
            eprintln!("a phone's store …");
            results.store = Some(store::measure(&world, folder, scale.edits)?);
        }
    }
    if arguments.wants(Part::Comparing) {
        eprintln!("comparing …");
        let record = scale.new_phone;
        results.comparing = Some(comparing::measure(&world, record, scale.compared)?);
    }
    if arguments.wants(Part::Views) {
        eprintln!("views …");
        let (entries, times) = scale.views;
        results.views = Some(views::measure(&world, entries, times)?);
    }
    if arguments.wants(Part::Live) {
        eprintln!("live edits …");
        results.live = Some(live::measure(&world, scale.live)?);
    }
    if arguments.wants(Part::Durable) {
        eprintln!("durable edits …");
        let measured = scale.writers.iter();
        let measured = measured.map(|(devices, edits)| durable::measure(*devices, *edits));
        results.durable = measured.collect::<Result<_, _>>()?;
    }
    results.population = population::measure(arguments, &scale.population)?;
    Ok(results)
}
