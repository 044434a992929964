//! Feeds hostile input to everything that reads what comes from outside: `cargo fuzz-carnet`.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use carnet_mobile::terminal::print_line;
use carnet_tests::fuzz::{Memory, Target, play};
use clap::Parser;
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

struct Counted;

impl Memory for Counted {
    fn reset(&self) -> usize {
        COUNTED.reset_peak_usage();
        COUNTED.current_usage()
    }

    fn peak(&self) -> usize {
        COUNTED.peak_usage()
    }
}

/// How long one input may be under way before the run is given up.
const HANG: Duration = Duration::from_secs(20);

/// Makes hostile input by taking valid input apart, and reads it as a server or a phone would.
#[derive(Parser)]
struct Arguments {
    /// How many inputs a target.
    #[arg(long, default_value_t = 100_000)]
    inputs: u64,
    /// The number of the first.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Decides what is done to them.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Which readers; all, if none is named.
    #[arg(long)]
    target: Vec<Target>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let targets = match arguments.target.as_slice() {
        [] => Target::all(),
        some => some,
    };
    // Automerge panics on many of them; the guard takes that for an answer.
    std::panic::set_hook(Box::new(|_| {}));
    print_line(format_args!(
        "{:<13}{:>10} {:>9} {:>7} {:>6} {:>7} {:>12} {:>12} {:>10}",
        "", "inputs", "passed", "panics", "slow", "poison", "longest ms", "peak KiB", "a second"
    ));
    let mut clean = true;
    for target in targets {
        clean &= feed(*target, &arguments);
    }
    match clean {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn feed(target: Target, arguments: &Arguments) -> bool {
    let at = AtomicU64::new(arguments.from);
    let numbers = arguments.from..arguments.from.saturating_add(arguments.inputs);
    let started = Instant::now();
    let tally = std::thread::scope(|scope| {
        let (done, is_done) = mpsc::channel::<()>();
        let at = &at;
        let work = scope.spawn(move || {
            let _done = done;
            play(target, arguments.seed, numbers, &Counted, at)
        });
        let mut last = u64::MAX;
        while is_done.recv_timeout(HANG) == Err(RecvTimeoutError::Timeout) {
            let now = at.load(Ordering::Relaxed);
            if now == last {
                print_line(format_args!("{target:?}: input {now} hangs"));
                std::process::exit(2);
            }
            last = now;
        }
        work.join().expect("what an input panics with is caught")
    });
    let rate = tally.inputs as f64 / started.elapsed().as_secs_f64();
    print_line(format_args!(
        "{:<13}{:>10} {:>9} {:>7} {:>6} {:>7} {:>12.1} {:>12} {:>10.0}",
        format!("{target:?}"),
        tally.inputs,
        tally.passed,
        tally.panics,
        tally.slow,
        tally.poison,
        tally.longest.as_secs_f64() * 1e3,
        tally.peak / 1024,
        rate,
    ));
    for finding in &tally.findings {
        let hex: String = finding.bytes.iter().map(|b| format!("{b:02x}")).collect();
        let hex: String = hex.chars().take(4_000).collect();
        print_line(format_args!("  {} {}: {hex}", finding.number, finding.what));
    }
    tally.is_clean()
}
