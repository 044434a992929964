//! Plays simulated histories: `cargo simulate --seed 7 --trace`, or many of them.

use carnet_mobile::terminal::print_line;
use carnet_tests::simulation::{Bug, Counts, Options, play, report};
use clap::Parser;

/// Plays simulated histories of devices and a server, and checks each of them.
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
    /// Tell each story.
    #[arg(long)]
    trace: bool,
    /// Switch a known bug on, to see it caught.
    #[arg(long)]
    bug: Option<Bug>,
}

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let mut counts = Counts::default();
    let started = std::time::Instant::now();
    for seed in (arguments.seed..).take(arguments.histories as usize) {
        let options = Options {
            seed,
            steps: arguments.steps,
            bug: arguments.bug,
            trace: arguments.trace,
        };
        let history = play(options);
        counts.add(history.counts);
        if let Some(failure) = history.failure {
            print_line(format_args!("{}", report(options, &failure)));
            return std::process::ExitCode::FAILURE;
        }
        if arguments.trace {
            let story = history.story.join("\n");
            print_line(format_args!("{story}\nseed {seed}: all checks hold"));
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let rate = arguments.histories as f64 / seconds;
    let played = arguments.histories;
    print_line(format_args!(
        "{played} histories, {rate:.1} a second\n{counts:#?}"
    ));
    std::process::ExitCode::SUCCESS
}
