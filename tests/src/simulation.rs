//! A whole deployment in one thread and no time: devices, network, server, people and faults, all
//! decided by one seed.
//!
//! Devices run the real replica, the server the real law of the log; only stores, network and
//! clocks are played. After every step the checks of `checks` must hold; in the end all faults
//! stop, everybody syncs, and who may see the same must see the same. A seed that fails fails
//! again: `cargo simulate --seed N --trace` tells its story.

mod bug;
mod cast;
mod checks;
mod device;
mod dice;
mod disk;
mod keeper;
mod network;
mod oracle;
mod trace;
mod world;

pub use bug::Bug;
pub use checks::Counts;

use trace::Trace;
use world::World;

/// What to play.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What decides everything.
    pub seed: u64,
    /// How long, before everything heals.
    pub steps: u64,
    /// A known bug to switch on.
    pub bug: Option<Bug>,
    /// Tell the story.
    pub trace: bool,
}

/// How a history went.
#[derive(Debug)]
pub struct History {
    /// The first check that did not hold.
    pub failure: Option<String>,
    /// How often what happened.
    pub counts: Counts,
    /// What happened, if asked for.
    pub story: Vec<String>,
}

/// Plays one history.
pub fn play(options: Options) -> History {
    let trace = if options.trace {
        Trace::on()
    } else {
        Trace::default()
    };
    let mut world = World::new(options.seed, options.bug, trace);
    let failure = world.play(options.steps).err();
    let (checks, trace) = world.into_parts();
    History {
        failure,
        counts: checks.counts,
        story: trace.lines().to_vec(),
    }
}

/// The story of a history that failed, with how to play it again.
pub fn report(options: Options, failure: &str) -> String {
    let told = play(Options {
        trace: true,
        ..options
    });
    let bug = options
        .bug
        .map_or(String::new(), |bug| format!(" --bug {}", bug.name()));
    format!(
        "{}\n\nseed {}: {failure}\nagain: cargo simulate --seed {} --steps {}{bug} --trace\n",
        told.story.join("\n"),
        options.seed,
        options.seed,
        options.steps,
    )
}
