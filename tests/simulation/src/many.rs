//! Many histories on several threads, and the table of known bugs that must be caught.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Bug, Counts, Options, check_of, play};

/// After how long the progress of a soak is told again.
const TELL: Duration = Duration::from_secs(60);

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After so many histories.
    Histories(u64),
    /// After so long.
    Time(Duration),
}

/// Many histories, one a seed. Each runs in one thread.
#[derive(Clone, Copy, Debug)]
pub struct Many {
    /// The first seed.
    pub first: u64,
    /// When to stop.
    pub until: Until,
    /// On how many threads.
    pub threads: usize,
}

/// How many histories went.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// How many were played to their end.
    pub histories: u64,
    /// How many of them had two records.
    pub two: u64,
    /// The first seed.
    pub first: u64,
    /// How often what happened.
    pub counts: Counts,
    /// The first that failed by each check, and how.
    pub failed: Vec<(Options, String)>,
    /// How many failed.
    pub failures: u64,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Played {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Played {
            histories,
            two,
            first,
            counts,
            failures,
            ..
        } = self;
        let rate = *histories as f64 / self.took.as_secs_f64();
        let seconds = self.took.as_secs();
        write!(
            to,
            "{histories} histories from seed {first} on, {two} of them of two records, in {seconds} s, \
             {rate:.1} a second; {} edits; {} faults; {failures} failures",
            counts.edits,
            counts.faults().map(|(_, count)| count).sum::<u64>(),
        )?;
        for (options, failure) in &self.failed {
            write!(to, "; seed {}: {}", options.seed, check_of(failure))?;
        }
        Ok(())
    }
}

impl Played {
    /// What it came to: faults by kind, and what came of them.
    pub fn summary(&self) -> String {
        let told = |counts: Vec<(&'static str, u64)>| {
            let lines = counts.into_iter();
            let lines = lines.map(|(name, count)| {
                let name = name.replace('_', " ");
                format!("  {name:<20} {count:>12}\n")
            });
            lines.collect::<String>()
        };
        format!(
            "{self}\n\nfaults\n{}\nwhat came of them\n{}",
            told(self.counts.faults().collect()),
            told(self.counts.happened().collect()),
        )
    }

    /// Counts a failure; whether it is the first by its check.
    fn has_failed(&mut self, options: Options, failure: String) -> bool {
        self.failures += 1;
        let check = check_of(&failure);
        let mut known = self.failed.iter();
        let is_first = known.all(|(_, failure)| check_of(failure) != check);
        if is_first {
            self.failed.push((options, failure));
        }
        is_first
    }
}

impl Many {
    /// Plays them as `options` says for each seed; stops when one fails, unless it goes on for a
    /// time. Tells how far it is every minute, and whenever something failed for the first time.
    pub fn play(
        &self,
        options: impl Fn(u64) -> Options + Sync,
        tell: impl Fn(&Played) + Sync,
    ) -> Played {
        let started = Instant::now();
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let all = Mutex::new(Played {
            first: self.first,
            ..Played::default()
        });
        let told = Mutex::new(started);
        on_threads(self.threads, || {
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let over = match self.until {
                    Until::Histories(most) => number >= most,
                    Until::Time(most) => started.elapsed() >= most,
                };
                if over {
                    break;
                }
                let options = options(self.first + number);
                let history = play(&options);
                let Ok(mut all) = all.lock() else { break };
                all.histories += 1;
                all.two += u64::from(options.two);
                all.counts.add(history.counts);
                all.took = started.elapsed();
                let mut news = false;
                if let Some(failure) = history.failure {
                    let goes_on = matches!(self.until, Until::Time(_));
                    stop.store(!goes_on, Ordering::Relaxed);
                    news = all.has_failed(options, failure);
                }
                if let Ok(mut told) = told.lock()
                    && (news || told.elapsed() >= TELL)
                {
                    *told = Instant::now();
                    tell(&all);
                }
            }
        });
        let mut all = all
            .into_inner()
            .unwrap_or_else(|broken| broken.into_inner());
        all.took = started.elapsed();
        all
    }
}

/// A known bug, and what caught it.
#[derive(Clone, Debug)]
pub struct Caught {
    /// The bug.
    pub bug: Bug,
    /// The history that caught it first, and by which check.
    pub by: Option<(Options, String)>,
}

/// The known bugs, and what caught each.
#[derive(Clone, Debug)]
pub struct Canary(pub Vec<Caught>);

impl Canary {
    /// Those that nothing caught.
    pub fn missed(&self) -> Vec<Bug> {
        let missed = self.0.iter().filter(|caught| caught.by.is_none());
        missed.map(|caught| caught.bug).collect()
    }
}

impl fmt::Display for Canary {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "{:<30} {:>9}  by", "bug", "histories")?;
        for Caught { bug, by } in &self.0 {
            match by {
                Some((options, by)) => {
                    writeln!(to, "{:<30} {:>9}  {by}", bug.name(), options.seed + 1)?;
                }
                None => writeln!(to, "{:<30} {:>9}", bug.name(), "never")?,
            }
        }
        Ok(())
    }
}

/// A history in which a known bug is switched on and can show.
pub fn with_bug(bug: Bug, seed: u64, steps: u64) -> Options {
    Options {
        seed,
        steps,
        two: bug.needs_two_records(),
        bug: Some(bug),
        ..Options::default()
    }
}

/// Switches each known bug on alone, for at most so many histories of so many steps.
pub fn canary(threads: usize, most: u64, steps: u64) -> Canary {
    let next = AtomicU64::new(0);
    let rows = Mutex::new(Vec::new());
    on_threads(threads, || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(bug) = Bug::ALL.get(index) else {
                break;
            };
            let by = (0..most).find_map(|seed| {
                let options = with_bug(*bug, seed, steps);
                let failure = play(&options).failure?;
                Some((options, failure))
            });
            if let Ok(mut rows) = rows.lock() {
                rows.push(Caught { bug: *bug, by });
            }
        }
    });
    let mut rows = rows
        .into_inner()
        .unwrap_or_else(|broken| broken.into_inner());
    rows.sort_by_key(|caught| caught.bug);
    Canary(rows)
}

fn on_threads(threads: usize, work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(&work);
        }
    });
}
