//! Thousands of simulated histories, and the proof that the checks catch what they must.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use carnet_tests::simulation::{Bug, Counts, Options, play, report};

/// How many histories.
const HISTORIES: u64 = 2_000;

/// How long a history is before everything heals: most are short, every fifth as long as those of
/// `cargo simulate`.
fn steps(seed: u64) -> u64 {
    if seed.is_multiple_of(5) { LONG } else { 25 }
}

const LONG: u64 = 60;
const LONGER: u64 = 120;

/// Histories in which once a check did not hold, and how long they are.
const ONCE_FAILED: [(u64, u64); 24] = [
    (347, LONG),
    (1_990, LONG),
    (2_000, LONG),
    (3_282, LONG),
    (901_236, LONG),
    (9_000_986, LONG),
    (9_500_031, LONG),
    (950_174, LONG),
    (980_111, LONG),
    (990_392, LONG),
    (20_000_297, LONG),
    (30_000_348, LONG),
    (910_046, LONGER),
    (930_033, LONGER),
    (940_017, LONGER),
    (961_006, LONGER),
    (981_013, LONGER),
    (21_000_207, LONGER),
    (2_275, LONG),
    (31_000_031, LONGER),
    (42_000_266, LONGER),
    (42_000_352, LONGER),
    (42_000_397, LONGER),
    (44_000_618, LONG),
];

/// Within how many long histories each known bug must be caught.
const BOUND: u64 = 400;

fn options(seed: u64, steps: u64, bug: Option<Bug>) -> Options {
    Options {
        seed,
        steps,
        bug,
        trace: false,
    }
}

/// Shares the seeds out among as many threads as there are cores; each history runs in one.
fn on_all_cores(work: impl Fn() + Sync) {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(&work);
        }
    });
}

#[test]
fn thousands_of_histories_pass_all_checks() {
    let started = Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let (counts, failures) = (Mutex::new(Counts::default()), Mutex::new(Vec::new()));
    on_all_cores(|| {
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= HISTORIES {
                break;
            }
            let history = play(options(seed, steps(seed), None));
            counts.lock().unwrap().add(history.counts);
            if let Some(failure) = history.failure {
                failed.store(true, Ordering::Relaxed);
                failures.lock().unwrap().push((seed, failure));
            }
        }
    });
    if let Some((seed, failure)) = failures.lock().unwrap().first() {
        panic!("{}", report(options(*seed, steps(*seed), None), failure));
    }
    let counts = *counts.lock().unwrap();
    let rate = HISTORIES as f64 / started.elapsed().as_secs_f64();
    println!("{HISTORIES} histories, {rate:.1} a second\n{counts:#?}");
    // A simulation in which nothing of this happens would pass whatever it checks.
    let mut each = counts;
    for happened in each.each() {
        assert!(*happened > 0, "something never happened: {counts:#?}");
    }
}

#[test]
fn histories_that_once_failed_pass_all_checks() {
    for (seed, steps) in ONCE_FAILED {
        let played = options(seed, steps, None);
        if let Some(failure) = play(played).failure {
            panic!("{}", report(played, &failure));
        }
    }
}

#[test]
fn a_seed_plays_the_same_history_again() {
    for seed in 0..5 {
        let told = Options {
            trace: true,
            ..options(seed, 80, None)
        };
        let (one, other) = (play(told), play(told));
        assert_eq!(one.story, other.story);
        assert_eq!(one.counts, other.counts);
    }
}

/// Each known bug, switched on alone, is caught within a bounded number of histories.
#[test]
fn known_bugs_are_caught() {
    let next = AtomicU64::new(0);
    let rows = Mutex::new(Vec::new());
    on_all_cores(|| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(bug) = Bug::ALL.get(index) else {
                break;
            };
            let caught = (0..BOUND).find_map(|seed| {
                let history = play(options(seed, LONG, Some(*bug)));
                Some((seed, history.failure?))
            });
            rows.lock().unwrap().push((*bug, caught));
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(bug, _)| *bug);
    println!("{:<24} {:>9}  by", "bug", "histories");
    for (bug, caught) in &rows {
        match caught {
            Some((seed, by)) => println!("{:<24} {:>9}  {by}", bug.name(), seed + 1),
            None => println!("{:<24} {:>9}", bug.name(), "never"),
        }
    }
    let missed: Vec<_> = rows.iter().filter(|(_, caught)| caught.is_none()).collect();
    assert!(
        missed.is_empty(),
        "not caught within {BOUND} histories: {missed:?}"
    );
}
