//! Plays simulated histories: `cargo simulate --seed 7 --trace`, or many of them, or for an hour.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use carnet_simulation::{Acts, Bug, Many, Options, Until, canary, play, report};
use clap::Parser;

/// Plays simulated histories of devices and servers, and checks each of them.
#[derive(Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many histories, one a seed.
    #[arg(long, default_value_t = 1)]
    histories: u64,
    /// How many steps each.
    #[arg(long, default_value_t = 60)]
    steps: u64,
    /// Of these steps only some, as `0-3,7`.
    #[arg(long)]
    only: Option<Acts>,
    /// Two records with the same people and devices, between which messages stray. In a soak every
    /// third history has two.
    #[arg(long)]
    two: bool,
    /// Tell each story.
    #[arg(long)]
    trace: bool,
    /// Switch a known bug on, to see it caught.
    #[arg(long)]
    bug: Option<Bug>,
    /// Play for an hour, or for so long, as `90s`, `30m` or `2h`; then tell what it came to, play each
    /// known bug, and tell by what it was caught.
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "1h",
        value_parser = duration,
        conflicts_with_all = ["histories", "only", "trace", "bug", "two"]
    )]
    soak: Option<Duration>,
    /// On how many threads many histories are played; as many as there are cores, if nothing is said.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        seed: arguments.seed,
        steps: arguments.steps,
        only: arguments.only,
        two: arguments.two,
        bug: arguments.bug,
        trace: arguments.trace,
    };
    if arguments.soak.is_none() && arguments.histories == 1 {
        return one(&options);
    }
    let threads = arguments.threads.unwrap_or_else(|| {
        let cores = std::thread::available_parallelism();
        cores.map_or(2, usize::from)
    });
    let until = match arguments.soak {
        Some(time) => Until::Time(time),
        None => Until::Histories(arguments.histories),
    };
    let many = Many {
        first: arguments.seed,
        until,
        threads,
    };
    let soak = arguments.soak.is_some();
    let of = |seed: u64| Options {
        seed,
        two: options.two || soak && seed.is_multiple_of(3),
        ..options.clone()
    };
    let played = many.play(of, |progress| print_line(format_args!("{progress}")));
    for (options, failure) in &played.failed {
        print_line(format_args!("{}", report(options, failure)));
    }
    print_line(format_args!("{}", played.summary()));
    let mut passed = played.failed.is_empty();
    if soak {
        let table = canary(threads, 800, arguments.steps);
        print_line(format_args!("{table}"));
        passed &= table.missed().is_empty();
    }
    match passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn one(options: &Options) -> ExitCode {
    let history = play(options);
    let story = history.story.join("\n");
    match history.failure {
        Some(failure) if options.trace => {
            let seed = options.seed;
            print_line(format_args!("{story}\nseed {seed}: {failure}"));
            ExitCode::FAILURE
        }
        Some(failure) => {
            print_line(format_args!("{}", report(options, &failure)));
            ExitCode::FAILURE
        }
        None => {
            let seed = options.seed;
            print_line(format_args!("{story}\nseed {seed}: all checks hold"));
            ExitCode::SUCCESS
        }
    }
}

/// A number of seconds, minutes or hours.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, seconds) = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "s")) => (number, 1),
        Some((number, "m")) => (number, 60),
        Some((number, "h")) => (number, 3600),
        _ => return Err("say it as 90s, 30m or 1h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "say it as 90s, 30m or 1h")?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

/// Writes to standard output, whoever still reads there.
fn print_line(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
