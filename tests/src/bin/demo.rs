//! `cargo demo`: the main job on realistic input, through the real network, passkeys and stores.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    carnet_tests::support::be_carnet().unwrap_or_else(carnet_tests::demo::main)
}
