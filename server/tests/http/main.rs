//! The server over HTTP, in this process, with an authenticator this project did not write.

mod accounts;
mod admin;
mod authenticator;
mod ceremonies;
mod codes;
mod devices;
mod face;
mod sessions;
mod start;
mod stores;
mod tls;
mod world;
