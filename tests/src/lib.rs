//! Carnet as a whole: a generated life, the demo, benchmarks and stories, with what they stand on.
#![forbid(unsafe_code)]

pub mod bench;
pub mod demo;
pub mod faults;
pub mod fuzz;
pub mod life;
pub mod support;
pub mod wire_client;
