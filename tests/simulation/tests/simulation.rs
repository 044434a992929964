//! Ten thousand simulated histories, and the proof that the checks catch what they must.

use carnet_simulation::{
    Acts, Bug, Caught, Many, Options, Until, canary, check_of, minimise, play, report, with_bug,
};

/// How many histories.
const HISTORIES: u64 = 10_000;

/// Most histories are short, every twentieth is as long as those of `cargo simulate`; about every tenth
/// is of two records.
fn history(seed: u64) -> Options {
    let long = seed.is_multiple_of(20);
    Options {
        two: if long {
            seed.is_multiple_of(100)
        } else {
            seed % 10 == 1
        },
        ..options(seed, if long { LONG } else { 10 })
    }
}

const LONG: u64 = 60;
const LONGER: u64 = 120;

/// Seeds at which once a check did not hold, and how long their histories are. Whenever the
/// simulation learns to do more, a seed plays another history.
const ONCE_FAILED: [(u64, u64); 34] = [
    (5_000_957, LONG),
    (5_005_385, LONG),
    (3_003_490, LONG),
    (3_047_126, LONG),
    (3_050_402, LONG),
    (535_801, LONG),
    (500_898, LONG),
    (502_150, LONG),
    (902_221, LONG),
    (813_037, LONG),
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
const BOUND: u64 = 800;

fn options(seed: u64, steps: u64) -> Options {
    Options {
        seed,
        steps,
        ..Options::default()
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

#[test]
fn ten_thousand_histories_pass_all_checks() {
    let many = Many {
        first: 0,
        until: Until::Histories(HISTORIES),
        threads: cores(),
    };
    let played = many.play(history, |_| {});
    if let Some((options, failure)) = played.failed.first() {
        panic!("{}", report(options, failure));
    }
    println!("{}", played.summary());
    // A simulation in which nothing of this happens would pass whatever it checks.
    let counts = played.counts;
    for (what, count) in counts.faults().chain(counts.happened()) {
        assert!(count > 0, "never: {what}");
    }
}

#[test]
fn histories_that_once_failed_pass_all_checks() {
    for (seed, steps) in ONCE_FAILED {
        let played = options(seed, steps);
        if let Some(failure) = play(&played).failure {
            panic!("{}", report(&played, &failure));
        }
    }
}

#[test]
fn a_seed_plays_the_same_history_again() {
    for seed in 0..5 {
        let told = Options {
            trace: true,
            ..options(seed, 80)
        };
        let (one, other) = (play(&told), play(&told));
        assert_eq!(one.story, other.story);
        assert_eq!(one.counts, other.counts);
        let all = Options {
            only: Some(Acts::first(80)),
            ..told
        };
        assert_eq!(play(&all).story, one.story);
    }
    let two = Options {
        two: true,
        trace: true,
        ..options(0, 80)
    };
    assert_eq!(play(&two).story, play(&two).story);
}

#[test]
fn steps_are_read_as_they_are_written() {
    let acts: Acts = [0, 1, 2, 5, 7, 8].into_iter().collect();
    assert_eq!(acts.to_string(), "0-2,5,7-8");
    assert_eq!(acts.to_string().parse(), Ok(acts));
    assert_eq!("".parse(), Ok(Acts::default()));
    assert!("1-x".parse::<Acts>().is_err());
}

/// Each known bug, switched on alone, is caught within a bounded number of histories.
#[test]
fn known_bugs_are_caught() {
    let table = canary(cores(), BOUND, LONG);
    println!("{table}");
    let missed = table.missed();
    assert!(
        missed.is_empty(),
        "not caught within {BOUND} histories: {missed:?}"
    );
}

/// A history that fails, shortened, fails by the same check, and no step of it can be spared.
#[test]
fn a_failing_history_is_shortened() {
    let bugs = [
        Bug::CursorBeforeEntries,
        Bug::HeldNotKept,
        Bug::SweepDropsPending,
        Bug::DestroyedUntold,
        Bug::StrayEditTaken,
    ];
    for bug in bugs {
        let caught = (0..BOUND).find_map(|seed| {
            let options = with_bug(bug, seed, LONG);
            let failure = play(&options).failure?;
            Some(Caught {
                bug,
                by: Some((options, failure)),
            })
        });
        let (options, failure) = caught.and_then(|caught| caught.by).expect("it is caught");
        let shortened = minimise(&options, &failure);
        let again = play(&shortened.options).failure;
        assert_eq!(again.as_ref(), Some(&shortened.failure));
        assert_eq!(check_of(&shortened.failure), check_of(&failure));
        let (long, short) = (options.acts(), shortened.options.acts());
        assert!(short.len() <= long.len());
        println!(
            "{}: from {} steps to {}, by {} histories: {}",
            bug.name(),
            long.len(),
            short.len(),
            shortened.played,
            shortened.options.command()
        );
        for spared in short.numbers() {
            let fewer = Options {
                only: Some(short.numbers().filter(|step| *step != spared).collect()),
                ..shortened.options.clone()
            };
            let fails = play(&fewer).failure;
            let same = fails.is_some_and(|f| check_of(&f) == check_of(&failure));
            assert!(!same, "{}: step {spared} can be spared", bug.name());
        }
    }
}
