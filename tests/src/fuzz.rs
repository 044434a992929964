//! Hostile input in great number, for everything that reads what comes from outside.
//!
//! Valid input is taken apart, changed and put together again with right lengths and checksums, so
//! that it gets past the first look. An input is a function of seed, target and its number: what
//! is found can be had again. What must hold: nothing panics, nothing takes long or much memory,
//! and what is let through does no harm ([`Verdict::Poison`]).

mod chunk;
mod compare;
mod face;
mod mutate;
mod passkey;
mod seeds;
mod target;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use target::{Target, Verdict};

use seeds::Seeds;

/// The most processor time that one input may take.
pub const SLOW: Duration = Duration::from_millis(50);

/// How many findings are told.
const FINDINGS: usize = 8;

/// Shares a number of inputs out among targets, by their weight.
pub fn share_out(total: u64, targets: &[Target]) -> Vec<(Target, u64)> {
    let all: u64 = targets.iter().map(|target| target.weight()).sum();
    let mut left = total;
    let mut shares: Vec<(Target, u64)> = targets
        .iter()
        .map(|target| {
            let share = total / all.max(1) * target.weight();
            left -= share;
            (*target, share)
        })
        .collect();
    // What does not divide goes to the first.
    if let Some((_, share)) = shares.first_mut() {
        *share += left;
    }
    shares
}

/// How much memory is in use, and how to ask for the most that ever was: what the program's
/// allocator says.
pub trait Memory {
    /// Forgets the most there was; returns what is in use.
    fn reset(&self) -> usize;
    /// The most there was since.
    fn peak(&self) -> usize;
}

/// For programs that do not count.
pub struct Uncounted;

impl Memory for Uncounted {
    fn reset(&self) -> usize {
        0
    }

    fn peak(&self) -> usize {
        0
    }
}

/// What was found wrong with one input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Its number.
    pub number: u64,
    /// What.
    pub what: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// What became of the inputs of one target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many there were.
    pub inputs: u64,
    /// How many were let through.
    pub passed: u64,
    /// How many panicked.
    pub panics: u64,
    /// How many took longer than [`SLOW`] of processor time.
    pub slow: u64,
    /// How many were let through and did harm.
    pub poison: u64,
    /// The longest, by the clock.
    pub longest: Duration,
    /// The most memory that one took beyond what was in use before, bytes.
    pub peak: usize,
    /// The first of what went wrong.
    pub findings: Vec<Finding>,
}

impl Tally {
    /// Whether nothing went wrong.
    pub fn is_clean(&self) -> bool {
        (self.panics, self.slow, self.poison) == (0, 0, 0)
    }

    /// Adds what became of other inputs.
    pub fn add(&mut self, other: Tally) {
        self.inputs += other.inputs;
        self.passed += other.passed;
        self.panics += other.panics;
        self.slow += other.slow;
        self.poison += other.poison;
        self.longest = self.longest.max(other.longest);
        self.peak = self.peak.max(other.peak);
        self.findings.extend(other.findings);
        self.findings.truncate(FINDINGS);
    }

    fn find(&mut self, number: u64, what: String, bytes: &[u8]) {
        if self.findings.len() < FINDINGS {
            let bytes = bytes.to_vec();
            self.findings.push(Finding {
                number,
                what,
                bytes,
            });
        }
    }
}

/// Makes and reads the inputs of a target with these numbers. `at` says which one is under way, so
/// that somebody else can tell a hang.
pub fn play(
    target: Target,
    seed: u64,
    numbers: std::ops::Range<u64>,
    memory: &dyn Memory,
    at: &AtomicU64,
) -> Tally {
    let seeds = Seeds::new();
    let mut tally = Tally::default();
    for number in numbers {
        at.store(number, Ordering::Relaxed);
        let mut dice = dice(target, seed, number);
        let input = target.make(&seeds, &mut dice);
        let read = || catch_unwind(AssertUnwindSafe(|| target.run(&seeds, &input)));
        let before = memory.reset();
        let started = Instant::now();
        let outcome = read();
        let taken = started.elapsed();
        let used = memory.peak().saturating_sub(before);
        tally.inputs += 1;
        tally.longest = tally.longest.max(taken);
        tally.peak = tally.peak.max(used);
        match outcome {
            Ok(Verdict::Passed) => tally.passed += 1,
            Ok(Verdict::Refused) => {}
            Ok(Verdict::Poison(law)) => {
                tally.poison += 1;
                tally.find(number, format!("broke: {law}"), &input.bytes);
            }
            Err(_) => {
                tally.panics += 1;
                tally.find(number, "panicked".to_owned(), &input.bytes);
            }
        }
        // Somebody else may have had the processor: what took long is read once more.
        if taken > SLOW && processor_time(|| drop(read())).is_none_or(|taken| taken > SLOW) {
            tally.slow += 1;
            tally.find(number, format!("took {taken:?}"), &input.bytes);
        }
    }
    tally
}

fn dice(target: Target, seed: u64, number: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&number.to_le_bytes());
    key[16] = target as u8;
    ChaCha8Rng::from_seed(key)
}

/// How long something runs on a processor, as Linux tells; nothing elsewhere.
fn processor_time(work: impl FnOnce()) -> Option<Duration> {
    let now = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(Duration::from_nanos(
            told.split_whitespace().next()?.parse().ok()?,
        ))
    };
    let before = now()?;
    work();
    now().map(|after| after.saturating_sub(before))
}
