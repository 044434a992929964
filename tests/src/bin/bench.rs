//! `cargo bench-carnet`: what syncing costs.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    carnet_tests::support::be_carnet().unwrap_or_else(carnet_tests::bench::main)
}
