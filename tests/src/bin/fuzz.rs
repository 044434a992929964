//! Feeds hostile input to everything that reads what comes from outside: `cargo fuzz-carnet`.
//!
//! The inputs are read in processes of their own, a batch each, as many at once as there are
//! processors: so the memory of one input is counted by itself, and what ends a process is found.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::ops::Range;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use carnet_mobile::terminal::print_line;
use carnet_tests::fuzz::{Memory, Tally, Target, play, share_out};
use clap::{Parser, ValueEnum as _};
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

/// How long one input may be under way before its batch is given up.
const HANG: Duration = Duration::from_secs(20);

/// How many inputs one process reads.
const BATCH: u64 = 50_000;

/// So many inputs of a batch that end their process are enough to know.
const MOST_ENDED: u64 = 8;

/// Makes hostile input by taking valid input apart, and reads it as a server or a phone would.
#[derive(Parser)]
struct Arguments {
    /// How many inputs a target.
    #[arg(long, default_value_t = 100_000)]
    inputs: u64,
    /// How many inputs in all, shared out among the targets by what each is worth.
    #[arg(long, conflicts_with = "inputs")]
    total: Option<u64>,
    /// The number of the first.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Decides what is done to them.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Which readers; all, if none is named.
    #[arg(long)]
    target: Vec<Target>,
    /// How many processes read at once; as many as there are processors, if nothing is said.
    #[arg(long)]
    processes: Option<usize>,
    /// Reads one batch in this process, and tells what became of it for a program to read.
    #[arg(long, hide = true)]
    batch: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.batch {
        return read_batch(&arguments);
    }
    match read_all(&arguments) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Reads a batch here, and writes its tally to the standard output.
fn read_batch(arguments: &Arguments) -> ExitCode {
    let Some(target) = arguments.target.first().copied() else {
        return ExitCode::FAILURE;
    };
    let at = AtomicU64::new(arguments.from);
    // What goes wrong before the first input is told.
    play(target, arguments.seed, 0..0, &Counted, &at);
    // Automerge panics on many of them; the guard takes that for an answer.
    std::panic::set_hook(Box::new(|_| {}));
    let numbers = arguments.from..arguments.from.saturating_add(arguments.inputs);
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
                std::process::exit(2);
            }
            last = now;
        }
        work.join().expect("what an input panics with is caught")
    });
    print_line(format_args!("{}", serde_json::json!(tally)));
    ExitCode::SUCCESS
}

/// A batch that is to be read.
type Batch = (Target, Range<u64>);

/// What the batches of one target came to.
#[derive(Default)]
struct Sum {
    tally: Tally,
    /// Inputs that ended their process, or that it never came to the end of.
    ended: u64,
    took: Duration,
}

fn read_all(arguments: &Arguments) -> bool {
    let targets = match arguments.target.as_slice() {
        [] => Target::all(),
        some => some,
    };
    let shares = match arguments.total {
        Some(total) => share_out(total, targets),
        None => targets
            .iter()
            .map(|target| (*target, arguments.inputs))
            .collect(),
    };
    let started = Instant::now();
    print_line(format_args!(
        "{:<13}{:>10} {:>9} {:>7} {:>6} {:>7} {:>6} {:>12} {:>12} {:>10}",
        "",
        "inputs",
        "passed",
        "panics",
        "slow",
        "poison",
        "ended",
        "longest ms",
        "peak KiB",
        "a second"
    ));
    let mut all = Sum::default();
    for (target, inputs) in shares {
        let end = arguments.from.saturating_add(inputs);
        let batches = (arguments.from..end).step_by(BATCH as usize);
        let batches = batches.map(|from| (target, from..end.min(from + BATCH)));
        let sum = read_target(batches.collect(), arguments);
        tell(&format!("{target:?}"), &sum);
        for finding in &sum.tally.findings {
            let hex: String = finding.bytes.iter().map(|b| format!("{b:02x}")).collect();
            let hex: String = hex.chars().take(4_000).collect();
            print_line(format_args!("  {} {}: {hex}", finding.number, finding.what));
        }
        all.tally.add(sum.tally);
        all.ended += sum.ended;
        all.took += sum.took;
    }
    tell("all", &all);
    let Sum { tally, ended, .. } = &all;
    print_line(format_args!(
        "inputs                       {}",
        tally.inputs
    ));
    print_line(format_args!(
        "crashes                      {}",
        tally.panics + ended
    ));
    print_line(format_args!("inputs over 50 ms of CPU     {}", tally.slow));
    print_line(format_args!(
        "poison accepted              {}",
        tally.poison
    ));
    print_line(format_args!(
        "peak memory of one input     {:.1} MiB",
        tally.peak as f64 / 1024.0 / 1024.0
    ));
    print_line(format_args!(
        "minutes                      {:.0}",
        started.elapsed().as_secs_f64() / 60.0
    ));
    tally.is_clean() && *ended == 0
}

/// Has the batches of a target read, several at once.
fn read_target(batches: VecDeque<Batch>, arguments: &Arguments) -> Sum {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processes = arguments.processes.unwrap_or(cores).max(1);
    let (batches, sum) = (Mutex::new(batches), Mutex::new(Sum::default()));
    let next = || {
        batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    std::thread::scope(|scope| {
        for _ in 0..processes {
            scope.spawn(|| {
                while let Some((target, numbers)) = next() {
                    let started = Instant::now();
                    let read = elsewhere(target, numbers, arguments.seed);
                    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                    sum.tally.add(read.tally);
                    sum.ended += read.ended;
                    sum.took += started.elapsed();
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Reads inputs in a process of their own. If one ends it, it is found by halving them, and the
/// others are read without it.
fn elsewhere(target: Target, numbers: Range<u64>, seed: u64) -> Sum {
    let mut sum = Sum::default();
    let mut left = vec![numbers];
    while let Some(numbers) = left.pop() {
        if let Some(tally) = in_process(target, &numbers, seed) {
            sum.tally.add(tally);
            continue;
        }
        if numbers.end - numbers.start <= 1 {
            sum.ended += 1;
            sum.tally.inputs += 1;
            print_line(format_args!(
                "{target:?}: input {} ends the process",
                numbers.start
            ));
            if sum.ended == MOST_ENDED {
                break;
            }
            continue;
        }
        let middle = numbers.start + (numbers.end - numbers.start) / 2;
        left.push(middle..numbers.end);
        left.push(numbers.start..middle);
    }
    sum
}

/// What became of them; nothing if the process did not come to its end.
fn in_process(target: Target, numbers: &Range<u64>, seed: u64) -> Option<Tally> {
    let name = target.to_possible_value()?;
    let ended = Command::new(std::env::current_exe().ok()?)
        .args(["--batch", "--target", name.get_name()])
        .args(["--from", &numbers.start.to_string()])
        .args(["--inputs", &(numbers.end - numbers.start).to_string()])
        .args(["--seed", &seed.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be started again");
    let told = ended.status.success().then_some(ended.stdout)?;
    serde_json::from_slice(&told).ok()
}

fn tell(name: &str, Sum { tally, ended, took }: &Sum) {
    print_line(format_args!(
        "{name:<13}{:>10} {:>9} {:>7} {:>6} {:>7} {:>6} {:>12.1} {:>12} {:>10.0}",
        tally.inputs,
        tally.passed,
        tally.panics,
        tally.slow,
        tally.poison,
        ended,
        tally.longest.as_secs_f64() * 1e3,
        tally.peak / 1024,
        tally.inputs as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE),
    ));
}
