//! What an edit costs whoever takes it in, if it is only asked for, checked, and written durably: less
//! than the sum of these a server cannot spend while it does them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde::Serialize;
use sync_core::sign::{self, PublicKey};

use super::figures::{millis, used};
use super::world::World;
use super::{bare, guard};
use crate::support::SupportError;

/// Processor time, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Floor {
    /// A request that asks for nothing, on a connection that stands.
    pub request: f64,
    /// An author's signature verified, and a checkpoint signed.
    pub signatures: f64,
    /// The change inspected and added to its entry, which had four.
    pub step: f64,
    /// The rows of an edit written and made durable by a bare loop.
    pub commit: f64,
}

impl Floor {
    /// All of it.
    pub fn sum(&self) -> f64 {
        self.request + self.signatures + self.step + self.commit
    }
}

/// Measures it, so many times each, on a server to which edits were sent before.
pub(super) fn measure(world: &World, times: usize) -> Result<Floor, SupportError> {
    let each = |taken: Duration| millis(taken) / times as f64;
    let (stepped, step) = used(|| guard::step(times))?;
    stepped?;
    let ((), signatures) = used(|| sign_and_verify(times))?;
    Ok(Floor {
        request: each(requests(world, times)?),
        signatures: each(signatures),
        step: each(step),
        commit: bare::write(world.server.data(), times, 1.0)?.cpu,
    })
}

fn sign_and_verify(times: usize) {
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let public = PublicKey::of(&key);
    let said = [7; 120];
    for _ in 0..times {
        let signature = sign::sign(&key, &[&said]);
        std::hint::black_box(public.verifies(&[&said], &signature));
    }
}

fn requests(world: &World, times: usize) -> Result<Duration, SupportError> {
    let io = || SupportError::io("a request");
    let address = world.server.url().trim_start_matches("http://");
    let address = address.trim_end_matches('/');
    let mut stream = TcpStream::connect(address).map_err(io())?;
    stream.set_nodelay(true).map_err(io())?;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let mut answer = [0; 4_096];
    let before = world.server.cpu()?;
    for _ in 0..times {
        stream.write_all(request.as_bytes()).map_err(io())?;
        let read = stream.read(&mut answer).map_err(io())?;
        if !answer[..read].starts_with(b"HTTP/1.1 200") {
            return Err(SupportError::Missing("a healthy server"));
        }
    }
    world.server.cpu_since(before)
}
