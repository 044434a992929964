//! Devices that hold a WebSocket and wait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _};
use rustls::ClientConfig;
use serde::Serialize;

use super::people::{Phone, WIDTH};
use super::socket::{Met, Socket, Waiting, tls};
use crate::bench::figures::{Spread, millis};
use crate::bench::world::World;
use crate::support::SupportError;
use crate::wire_client::Wire;

/// How long the sockets are held before anything is asked of them: the server asks each whether it is
/// there every 30 seconds.
pub(super) const HELD: Duration = Duration::from_secs(35);

/// How long after the last of what is pushed nothing more is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The certificate that the server shows.
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/tls/cert.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/tls/key.pem");

/// What sockets cost that are held.
#[derive(Clone, Debug, Serialize)]
pub(in crate::bench) struct Idle {
    /// Whether over TLS.
    pub tls: bool,
    /// Sockets.
    pub sockets: usize,
    /// Records they are on.
    pub records: usize,
    /// Memory of the server just started, in bytes.
    pub resident: u64,
    /// Memory of the server a socket more, in bytes, when all are open.
    pub each: f64,
    /// The same after they were held.
    pub each_held: f64,
    /// The most memory it held, in bytes.
    pub peak: Option<u64>,
    /// The server's processor time to open one, its first answer with it, milliseconds.
    pub opening_cpu: f64,
    /// The server's processor time to hold one for a minute, milliseconds.
    pub holding_cpu: f64,
    /// Sockets that were closed while they were held.
    pub closed: usize,
    /// Sockets that were pushed an answer when somebody edited their record afterwards.
    pub pushed: usize,
    /// From the request with the edit to the pushed answer.
    pub elapsed: Spread,
}

/// Measures it on a server that is started again for it, of people over HTTP or over TLS.
pub(super) fn measure(
    world: World,
    runtime: &tokio::runtime::Runtime,
    phones: &mut [Phone],
    (sockets, secure): (usize, bool),
) -> Result<(World, Idle), SupportError> {
    let arguments = ["--tls-cert", CERTIFICATE, "--tls-key", KEY];
    let world = world.started_again(if secure { &arguments[..] } else { &[] })?;
    let wire = Wire::new(world.server.url());
    for phone in &mut *phones {
        phone.signed.wire = wire.clone();
    }
    let idle = runtime.block_on(held(&world, phones, sockets, secure))?;
    Ok((world, idle))
}

async fn held(
    world: &World,
    phones: &mut [Phone],
    sockets: usize,
    secure: bool,
) -> Result<Idle, SupportError> {
    let server = &world.server;
    let unknown = SupportError::Missing("the server's memory");
    let tls = tls()?;
    // Whatever the first of anything costs.
    drop(Waiting::open(server.url(), phones, 1, &tls).await?);
    let resident = server.resident().ok_or(unknown)?;
    let each = |now: u64| now.saturating_sub(resident) as f64 / sockets as f64;
    let before = server.cpu()?;
    let mut waiting = Waiting::open(server.url(), phones, sockets, &tls).await?;
    let opening = server.cpu_since(before)?;
    let open = before + opening;
    let mut idle = Idle {
        tls: secure,
        sockets: waiting.count,
        records: phones.len().min(sockets),
        resident,
        each: each(server.resident().unwrap_or(0)),
        each_held: 0.0,
        peak: None,
        opening_cpu: millis(opening) / sockets as f64,
        holding_cpu: 0.0,
        closed: 0,
        pushed: 0,
        elapsed: Spread::default(),
    };
    tokio::time::sleep(HELD).await;
    let holding = millis(server.cpu_since(open)?);
    idle.holding_cpu = holding / sockets as f64 * (60.0 / HELD.as_secs_f64());
    idle.each_held = each(server.resident().unwrap_or(0));
    idle.closed = waiting.closed();
    push((world, &tls), phones, &mut waiting, &mut idle).await?;
    idle.peak = server.peak();
    Ok(idle)
}

/// Somebody edits each record; whoever holds a socket on it is told.
async fn push(
    (world, tls): (&World, &Arc<ClientConfig>),
    phones: &mut [Phone],
    waiting: &mut Waiting,
    idle: &mut Idle,
) -> Result<(), SupportError> {
    let url = world.server.url();
    let records = phones.len().min(waiting.count);
    let edits = phones.iter_mut().take(records).map(|phone| async move {
        phone.edit()?;
        let (record, token) = (phone.device.record(), phone.device.token().to_owned());
        let mut socket = Socket::open(url, record, &token, tls.clone()).await?;
        let started = Instant::now();
        phone.sync_over(&mut socket).await?;
        Ok::<_, SupportError>(started)
    });
    let edits = futures_util::stream::iter(edits).buffered(WIDTH);
    let started: Vec<Instant> = edits.try_collect().await?;
    let (mut told, mut elapsed) = (BTreeSet::new(), Vec::new());
    while told.len() + idle.closed < waiting.count {
        match waiting.next(PATIENCE).await {
            Some(Met::Pushed(socket, phone, at)) => {
                if told.insert(socket) {
                    elapsed.push(at.saturating_duration_since(started[phone]));
                }
            }
            Some(Met::Closed) => idle.closed += 1,
            None => break,
        }
    }
    idle.pushed = told.len();
    idle.elapsed = Spread::of(&elapsed);
    Ok(())
}
