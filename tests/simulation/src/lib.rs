//! A whole deployment in one thread and no time: devices, network, server, people and faults, all
//! decided by one seed.
//!
//! Devices run the real replica, the server the real law of the log; only stores, network and
//! clocks are played. After every step the checks of `checks` must hold; in the end all faults
//! stop, everybody syncs, and who may see the same must see the same. There is one record, or there are
//! two of the same people and devices, and what belongs to one strays to the other. A seed that fails
//! fails again: `cargo simulate --seed N --trace` tells its story, and one that fails is told
//! shortened. `cargo simulate --soak` plays for an hour and tells what it came to.

#![forbid(unsafe_code)]

mod acts;
mod bug;
mod cast;
mod checks;
mod device;
mod dice;
mod disk;
mod keeper;
mod many;
mod minimise;
mod network;
mod oracle;
mod trace;
mod world;

pub use acts::Acts;
pub use bug::Bug;
pub use checks::Counts;
pub use many::{Canary, Caught, Many, Played, Until, canary, with_bug};
pub use minimise::{Minimised, check_of, minimise};

use trace::Trace;
use world::{Pair, World};

/// What to play.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What decides everything.
    pub seed: u64,
    /// How long, before everything heals.
    pub steps: u64,
    /// Of these steps only some.
    pub only: Option<Acts>,
    /// Two records with the same people and devices, on one server.
    pub two: bool,
    /// A known bug to switch on.
    pub bug: Option<Bug>,
    /// Tell the story.
    pub trace: bool,
}

impl Options {
    /// The steps to play.
    pub fn acts(&self) -> Acts {
        let only = self.only.clone();
        only.unwrap_or_else(|| Acts::first(self.steps))
    }

    /// The command that plays it again and tells its story.
    pub fn command(&self) -> String {
        let bug = self.bug.map(|bug| format!(" --bug {}", bug.name()));
        let bug = bug.unwrap_or_default();
        let which = match &self.only {
            Some(only) => format!("--only {only}"),
            None => format!("--steps {}", self.steps),
        };
        let two = if self.two { " --two" } else { "" };
        format!(
            "cargo simulate --seed {}{two} {which}{bug} --trace",
            self.seed
        )
    }
}

/// How a history went.
#[derive(Debug)]
pub struct History {
    /// The first check that did not hold.
    pub failure: Option<String>,
    /// In which step, if not before or after all of them.
    pub failed_in: Option<u64>,
    /// How often what happened.
    pub counts: Counts,
    /// What happened, if asked for.
    pub story: Vec<String>,
}

/// Plays one history.
pub fn play(options: &Options) -> History {
    let trace = if options.trace {
        Trace::on()
    } else {
        Trace::default()
    };
    let (failure, counts, trace) = if options.two {
        let mut pair = Pair::new(options.seed, options.bug, trace);
        let failure = pair.play(&options.acts()).err();
        let (counts, trace) = pair.into_parts();
        (failure, counts, trace)
    } else {
        let mut world = World::new(options.seed, options.bug, trace);
        let failure = world.play(&options.acts()).err();
        let (checks, trace) = world.into_parts();
        (failure, checks.counts, trace)
    };
    History {
        failed_in: failure.as_ref().and_then(|_| trace.at()),
        failure,
        counts,
        story: trace.into_lines(),
    }
}

/// The story of a history that failed, shortened, with how to play it again.
pub fn report(options: &Options, failure: &str) -> String {
    let shortened = minimise(options, failure);
    let told = play(&Options {
        trace: true,
        ..shortened.options.clone()
    });
    format!(
        "{}\n\nseed {}: {failure}\nagain: {}\nshortened from {} steps to {}: {}\nagain: {}\n",
        told.story.join("\n"),
        options.seed,
        options.command(),
        options.acts().len(),
        shortened.options.acts().len(),
        shortened.failure,
        shortened.options.command(),
    )
}
