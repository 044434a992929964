//! Durable edits: many devices, each with a record of its own, one edit a push, as fast as they
//! are acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use carnet_mobile::driver::{Body, Call, HttpTransport, Method, Transport as _};
use carnet_mobile::error::CarnetError;
use serde::Serialize;
use sync_core::EntryId;
use sync_core::codec::Encoding;
use sync_core::entry::Write;
use sync_core::kind::OwnNoteDraft;

use super::bare;
use super::device::{Device, new_entry};
use super::figures::{Spread, millis, used_by_all};
use super::world::{Holder, World};
use crate::support::SupportError;

/// How many edits a second are acknowledged, each of them durable.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Durable {
    /// Devices.
    pub devices: usize,
    /// Edits of all devices.
    pub edits: usize,
    /// Edits a second.
    pub per_second: f64,
    /// From an edit to its acknowledgement.
    pub acknowledged: Spread,
    /// How many writes the server put into one transaction.
    pub group: f64,
    /// A bare loop's edits a second: the same rows in groups of the same size.
    pub bare_per_second: f64,
    /// Edits a second as a multiple of the bare loop's.
    pub ratio: f64,
    /// The server's processor time an edit, in milliseconds.
    pub server_cpu: f64,
    /// The devices', which run on the same cores.
    pub devices_cpu: f64,
    /// The bare loop's.
    pub bare_cpu: f64,
}

/// A device, and what it will write.
struct Writer {
    device: Device,
    server: String,
    edits: Vec<(EntryId, Vec<Write>)>,
}

/// Measures it on a server of its own.
pub(super) fn measure(devices: usize, edits: usize) -> Result<Durable, SupportError> {
    let world = World::new()?;
    let made = (0..devices).map(|number| {
        let holder = world.holder(&world.in_memory(&format!("writer-{number}")))?;
        Writer::of(&world, &holder, edits)
    });
    let made: Vec<Writer> = made.collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(SupportError::io("a runtime"))?;
    let before = Groups::of(&world)?;
    let cpu = world.server.cpu()?;
    let (written, devices_cpu) = used_by_all(|| runtime.block_on(write(made)))?;
    let server_cpu = world.server.cpu_since(cpu)?;
    let (taken, elapsed) = written?;
    let group = Groups::of(&world)?.since(&before);
    let edits = taken.len();
    let each = |cpu: Duration| millis(cpu) / edits.max(1) as f64;
    let per_second = edits as f64 / elapsed.as_secs_f64();
    let bare = bare::write(world.server.data(), edits, group)?;
    let bare_per_second = bare.per_second;
    Ok(Durable {
        devices,
        edits,
        per_second,
        acknowledged: Spread::of(&taken),
        group,
        bare_per_second,
        ratio: per_second / bare_per_second,
        server_cpu: each(server_cpu),
        devices_cpu: each(devices_cpu),
        bare_cpu: bare.cpu,
    })
}

async fn write(writers: Vec<Writer>) -> Result<(Vec<Duration>, Duration), SupportError> {
    let transport = Arc::new(HttpTransport::new());
    let started = Instant::now();
    let mut running = Vec::new();
    for writer in writers {
        running.push(tokio::spawn(writer.run(transport.clone())));
    }
    let mut taken = Vec::new();
    for writer in running {
        let ended = writer.await;
        taken.extend(ended.map_err(|_| SupportError::Missing("a device that ended"))??);
    }
    Ok((taken, started.elapsed()))
}

impl Writer {
    fn of(world: &World, holder: &Holder, edits: usize) -> Result<Self, SupportError> {
        let edits = (0..edits).map(|number| Ok((new_entry(), note(number)?)));
        Ok(Writer {
            device: Device::beside(&holder.copy)?,
            server: world.server.url().to_owned(),
            edits: edits.collect::<Result<_, SupportError>>()?,
        })
    }

    async fn run(mut self, transport: Arc<HttpTransport>) -> Result<Vec<Duration>, SupportError> {
        let mut taken = Vec::new();
        self.push(&transport).await?;
        for (entry, writes) in std::mem::take(&mut self.edits) {
            self.device.edit(entry, &writes)?;
            let started = Instant::now();
            self.push(&transport).await?;
            taken.push(started.elapsed());
            if self.device.unsent() > 0 {
                return Err(SupportError::Missing("an edit that was acknowledged"));
            }
        }
        Ok(taken)
    }

    async fn push(&mut self, transport: &HttpTransport) -> Result<(), SupportError> {
        let body = Body {
            encoding: Encoding::Cbor,
            bytes: self.device.request()?,
        };
        let call = Call {
            method: Method::Post,
            server: self.server.clone(),
            path: format!("/v1/records/{}/sync", self.device.record()),
            token: Some(self.device.token().to_owned()),
            body: Some(body),
            accept: Encoding::Cbor,
        };
        let reply = transport.call(call).await;
        let reply = reply.map_err(|_| SupportError::Missing("an answer"))?;
        let reply = reply.success().map_err(CarnetError::from)?;
        self.device.take(&reply.body).map(drop)
    }
}

/// What a writer writes each time: a new note.
pub(super) fn note(number: usize) -> Result<Vec<Write>, SupportError> {
    let draft = OwnNoteDraft {
        title: "Tension prise à la maison".into(),
        text: Some(format!("13/8 le matin, 12/7 le soir ({number}).")),
        ..OwnNoteDraft::default()
    };
    Ok(draft.writes()?)
}

/// How many groups the server's writer has committed, and how many writes were in them.
struct Groups {
    groups: f64,
    writes: f64,
}

impl Groups {
    fn of(world: &World) -> Result<Self, SupportError> {
        let metrics = world.metrics()?;
        let figure = |name: &str| {
            let mut lines = metrics.lines();
            let line = lines.find_map(|line| line.strip_prefix(name));
            line.and_then(|figure| figure.trim().parse().ok())
                .unwrap_or(0.0)
        };
        Ok(Groups {
            groups: figure("carnet_store_group_size_count "),
            writes: figure("carnet_store_group_size_sum "),
        })
    }

    /// The mean size since then.
    fn since(&self, before: &Groups) -> f64 {
        let groups = (self.groups - before.groups).max(1.0);
        ((self.writes - before.writes) / groups).max(1.0)
    }
}
