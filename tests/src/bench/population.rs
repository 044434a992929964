//! A population: phones that come back at once, to records of many sizes; others that write, come new,
//! edit live and wait; and a server that is killed under them. Its people each have a passkey, made by
//! a ceremony, and a record of their own.

mod idle;
mod kill;
mod line;
mod people;
mod socket;
mod storm;
mod together;

use std::borrow::Cow;
use std::time::Duration;

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use tokio::runtime::Runtime;

use super::world::World;
use super::{Arguments, Part};
use crate::support::SupportError;
use people::Phone;

/// Of so many phones, one has a longer record.
const LONGER: usize = 20;
/// Entries of these.
const LONGER_ENTRIES: usize = 200;
/// Entries of the others.
const ENTRIES: usize = 10;

/// Entries of the record that new phones fetch while all is going on.
const FETCHED: usize = 2_000;
/// Who writes meanwhile.
const WRITERS: usize = 16;
/// Who edits live meanwhile.
const PAIRS: usize = 8;

/// Descriptors that the server and this program need besides those of connections.
const DESCRIPTORS: u64 = 512;

/// How large the population is.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    /// Phones that come back at once.
    pub storms: Cow<'static, [usize]>,
    /// Entries of the records that are reconnected to.
    pub sizes: Cow<'static, [usize]>,
    /// How long all is going on together, in seconds.
    pub seconds: u64,
    /// Sockets that wait meanwhile.
    pub waiting: usize,
    /// Sockets that are held: plain, and over TLS.
    pub sockets: (usize, usize),
    /// Edits that are acknowledged before the server is killed.
    pub killed: usize,
}

/// What is measured where nothing is said.
pub(super) const FULL: Scale = Scale {
    storms: Cow::Borrowed(&[20, 200, 2_000]),
    sizes: Cow::Borrowed(&[10, 200, 2_000, 20_000, 100_000]),
    seconds: 15,
    waiting: 1_000,
    sockets: (10_000, 1_000),
    killed: 10_000,
};

/// Little of everything.
pub(super) const QUICK: Scale = Scale {
    storms: Cow::Borrowed(&[10, 100]),
    sizes: Cow::Borrowed(&[10, 200]),
    seconds: 3,
    waiting: 100,
    sockets: (200, 100),
    killed: 500,
};

/// What of it can be set.
#[derive(Debug, Args)]
pub(super) struct Settings {
    /// Phones that reconnect at once
    #[arg(long, value_delimiter = ',', value_name = "PHONES")]
    storms: Vec<usize>,
    /// Entries of the population's longest records
    #[arg(long, value_delimiter = ',', value_name = "ENTRIES")]
    sizes: Vec<usize>,
    /// Seconds for which the population does everything at once
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// WebSockets that are held
    #[arg(long, value_name = "SOCKETS")]
    sockets: Option<usize>,
    /// WebSockets that are held over TLS
    #[arg(long, value_name = "SOCKETS")]
    tls_sockets: Option<usize>,
    /// Edits that are acknowledged before the server is killed
    #[arg(long, value_name = "EDITS")]
    killed: Option<usize>,
}

impl Settings {
    pub(super) fn bear_on(&self, scale: &mut Scale) {
        let list = |given: &[usize], to: &mut Cow<'static, [usize]>| {
            let mut given: Vec<usize> = given.iter().copied().filter(|n| *n > 0).collect();
            given.sort_unstable();
            if !given.is_empty() {
                *to = given.into();
            }
        };
        list(&self.storms, &mut scale.storms);
        list(&self.sizes, &mut scale.sizes);
        let set = |given: Option<usize>, to: &mut usize| *to = given.unwrap_or(*to);
        set(self.sockets, &mut scale.sockets.0);
        set(self.tls_sockets, &mut scale.sockets.1);
        set(self.killed, &mut scale.killed);
        scale.seconds = self.seconds.unwrap_or(scale.seconds);
    }
}

/// What the population met with.
#[derive(Debug, Default, Serialize)]
pub(super) struct Population {
    /// Its people.
    pub people: usize,
    /// Entries of all their records.
    pub entries: usize,
    /// Phones that came back at once.
    pub storms: Vec<storm::Storm>,
    /// Phones that came back to records of several sizes.
    pub sizes: Vec<storm::Size>,
    /// What all met with together.
    pub together: Option<together::Together>,
    /// Sockets that were held.
    pub idle: Vec<idle::Idle>,
    /// What a kill left.
    pub kill: Option<kill::Kill>,
}

/// Measures what is asked for.
pub(super) fn measure(arguments: &Arguments, scale: &Scale) -> Result<Population, SupportError> {
    let mut found = Population::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(SupportError::io("a runtime"))?;
    if arguments.wants_any(&[Part::Storm, Part::Together, Part::Idle]) {
        living(arguments, scale, &runtime, &mut found)?;
    }
    if arguments.wants(Part::Kill) {
        eprintln!("a server that is killed …");
        found.kill = Some(kill::measure(&runtime, scale.killed)?);
    }
    Ok(found)
}

fn living(
    arguments: &Arguments,
    scale: &Scale,
    runtime: &Runtime,
    found: &mut Population,
) -> Result<(), SupportError> {
    let (plain, secure) = scale.sockets;
    allow(plain.max(secure).max(scale.waiting) as u64)?;
    eprintln!("a population enrols …");
    let mut world = World::new()?;
    let phones = scale.storms.iter().copied().max().unwrap_or(1);
    let mut entries: Vec<usize> = (1..=phones).map(length).collect();
    if arguments.wants(Part::Storm) {
        // Of each size that nobody has, one phone comes back with the others.
        let longer = scale.sizes.iter().filter(|size| !entries.contains(size));
        let longer: Vec<usize> = longer.copied().collect();
        entries.truncate(phones.saturating_sub(longer.len()));
        entries.extend(longer);
        if scale.sizes.iter().any(|size| !entries.contains(size)) {
            return Err(SupportError::Missing(
                "a phone for each size: have more phones come back at once, or measure fewer sizes",
            ));
        }
    }
    if arguments.wants(Part::Together) && entries.len() < 2 {
        return Err(SupportError::Missing(
            "two phones or more: have more phones come back at once",
        ));
    }
    let mut crowd = enrolled(&world, runtime, &entries)?;
    if arguments.wants(Part::Storm) {
        eprintln!("phones come back …");
        let server = &world.server;
        found.sizes = runtime.block_on(storm::sizes(server, &mut crowd, &scale.sizes))?;
        found.storms = runtime.block_on(storm::storms(server, &mut crowd, &scale.storms))?;
    }
    if arguments.wants(Part::Together) {
        eprintln!("all together …");
        let others = [vec![ENTRIES; WRITERS + PAIRS], vec![FETCHED]].concat();
        let mut writers = enrolled(&world, runtime, &others)?;
        entries.extend(others);
        let newcomers = writers.pop();
        let live = writers.split_off(WRITERS);
        let half = crowd.len() / 2;
        let (storm, idle) = crowd.split_at_mut(half);
        let cast = together::Cast {
            storm,
            writers,
            live,
            newcomers: newcomers.ok_or(SupportError::Missing("somebody who comes new"))?,
            idle,
            sockets: scale.waiting,
        };
        let lasts = Duration::from_secs(scale.seconds);
        let together = together::measure(&world.server, cast, lasts);
        found.together = Some(runtime.block_on(together)?);
    }
    found.people = entries.len();
    found.entries = entries.iter().sum();
    if arguments.wants(Part::Idle) {
        for (sockets, secure) in [(plain, false), (secure, true)] {
            if sockets > 0 {
                eprintln!("{sockets} WebSockets are held …");
                let measured = idle::measure(world, runtime, &mut crowd, (sockets, secure))?;
                world = measured.0;
                found.idle.push(measured.1);
            }
        }
    }
    Ok(())
}

/// How many entries the record of a person has, by their number.
fn length(number: usize) -> usize {
    match number.is_multiple_of(LONGER) {
        true => LONGER_ENTRIES,
        false => ENTRIES,
    }
}

fn enrolled(
    world: &World,
    runtime: &Runtime,
    entries: &[usize],
) -> Result<Vec<Phone>, SupportError> {
    let opened = world.records(entries.len())?;
    runtime.block_on(people::enrol(world.server.url(), opened, entries))
}

/// Lets this program, and the server that it starts, have so many connections.
fn allow(connections: u64) -> Result<(), SupportError> {
    let needed = connections + DESCRIPTORS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if maximum.is_some_and(|most| most < needed) {
        return Err(SupportError::Missing(
            "room for so many connections: raise the limit of open files",
        ));
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|error| SupportError::Io {
        what: "the limit of open files",
        source: error.into(),
    })
}
