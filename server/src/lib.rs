//! The Carnet server, as a library: the binary `carnet` is a thin shell over it, and tests start
//! it in their own process.
#![forbid(unsafe_code)]

pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod destruction;
pub mod devices;
pub mod disk;
pub mod fault;
pub mod giving_up;
pub mod guard;
pub mod http;
pub mod ingest;
pub mod keys;
pub mod live;
pub mod load;
pub mod people;
pub mod reading;
pub mod records;
pub mod revocations;
pub mod sessions;
pub mod settings;
pub mod storage;
pub mod telemetry;
pub mod verify;
pub mod webauthn;
