//! Durable edits: many devices, each with a record of its own, one edit a push, as fast as they
//! are acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use carnet_mobile::driver::{Body, Call, HttpTransport, Method, Transport as _};
use carnet_mobile::error::CarnetError;
use carnet_mobile::store::fresh_incarnation;
use serde::Serialize;
use sync_core::codec::{self, Encoding};
use sync_core::entry::Write;
use sync_core::kind::OwnNoteDraft;
use sync_core::policy::Role;
use sync_core::replica::{Author, Memory, ReplicaHead};
use sync_core::sync::SyncAnswer;
use sync_core::{DeviceTime, EntryId};

use super::bare;
use super::figures::Spread;
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
}

/// A device that keeps nothing: what it costs is small beside the server.
struct Device {
    author: Author,
    head: ReplicaHead,
    entries: Memory,
    server: String,
    token: String,
    edits: Vec<(EntryId, Vec<Write>)>,
}

/// Measures it on a server of its own.
pub(super) fn measure(devices: usize, edits: usize) -> Result<Durable, SupportError> {
    let world = World::new()?;
    let made = (0..devices).map(|number| {
        let holder = world.holder(&world.in_memory(&format!("writer-{number}")))?;
        Device::of(&world, &holder, edits)
    });
    let made: Vec<Device> = made.collect::<Result<_, _>>()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(SupportError::io("a runtime"))?;
    let before = Groups::of(&world)?;
    let (taken, elapsed) = runtime.block_on(write(made))?;
    let group = Groups::of(&world)?.since(&before);
    let edits = taken.len();
    let per_second = edits as f64 / elapsed.as_secs_f64();
    let bare_per_second = bare::write(world.server.data(), edits, group)?;
    Ok(Durable {
        devices,
        edits,
        per_second,
        acknowledged: Spread::of(&taken),
        group,
        bare_per_second,
        ratio: per_second / bare_per_second,
    })
}

async fn write(devices: Vec<Device>) -> Result<(Vec<Duration>, Duration), SupportError> {
    let transport = Arc::new(HttpTransport::new());
    let started = Instant::now();
    let mut running = Vec::new();
    for device in devices {
        running.push(tokio::spawn(device.run(transport.clone())));
    }
    let mut taken = Vec::new();
    for device in running {
        let ended = device.await;
        taken.extend(ended.map_err(|_| SupportError::Missing("a device that ended"))??);
    }
    Ok((taken, started.elapsed()))
}

impl Device {
    fn of(world: &World, holder: &Holder, edits: usize) -> Result<Self, SupportError> {
        let (server_keys, key, token) = holder.copy.credentials()?;
        let record = holder.copy.record.id();
        let incarnation = fresh_incarnation();
        let incarnation = incarnation.map_err(carnet_mobile::error::Error::from);
        let incarnation = incarnation.map_err(CarnetError::from)?;
        let edits = (0..edits).map(|number| {
            let draft = OwnNoteDraft {
                title: "Tension prise à la maison".into(),
                text: Some(format!("13/8 le matin, 12/7 le soir ({number}).")),
                ..OwnNoteDraft::default()
            };
            let name = holder.phone.carnet().device().new_entry_id();
            Ok((name.map_err(CarnetError::from)?, draft.writes()?))
        });
        Ok(Device {
            author: Author {
                person: holder.copy.person,
                role: Role::Holder,
                on_behalf_of: None,
                key,
            },
            head: ReplicaHead::new(record, server_keys, incarnation),
            entries: Memory::default(),
            server: world.server.url().to_owned(),
            token,
            edits: edits.collect::<Result<_, SupportError>>()?,
        })
    }

    async fn run(mut self, transport: Arc<HttpTransport>) -> Result<Vec<Duration>, SupportError> {
        let unfit = || SupportError::Missing("an answer that the replica takes");
        let mut taken = Vec::new();
        self.push(&transport).await?;
        for (number, (entry, writes)) in std::mem::take(&mut self.edits).iter().enumerate() {
            let at = DeviceTime(i64::try_from(number).unwrap_or(0));
            let edited = self.head.edit(
                &mut self.entries,
                &self.author,
                *entry,
                writes,
                Vec::new(),
                at,
            );
            edited.map_err(|_| unfit())?;
            let started = Instant::now();
            self.push(&transport).await?;
            taken.push(started.elapsed());
            if !self.entries.unsent.is_empty() {
                return Err(SupportError::Missing("an edit that was acknowledged"));
            }
        }
        Ok(taken)
    }

    async fn push(&mut self, transport: &HttpTransport) -> Result<(), SupportError> {
        let unfit = || SupportError::Missing("an answer that the replica takes");
        let request = self.head.request(&mut self.entries, &self.author, None);
        let body = Body {
            encoding: Encoding::Cbor,
            bytes: codec::to_cbor(&request.map_err(|_| unfit())?),
        };
        let call = Call {
            method: Method::Post,
            server: self.server.clone(),
            path: format!("/v1/records/{}/sync", self.head.record),
            token: Some(self.token.clone()),
            body: Some(body),
            accept: Encoding::Cbor,
        };
        let reply = transport.call(call).await;
        let reply = reply.map_err(|_| SupportError::Missing("an answer"))?;
        let reply = reply.success().map_err(CarnetError::from)?;
        let answer: SyncAnswer = codec::from_cbor(&reply.body).map_err(|_| unfit())?;
        let (fresh, now) = (self.head.incarnation, DeviceTime(0));
        let received = self
            .head
            .receive(&mut self.entries, &self.author, &answer, fresh, now);
        received.map(drop).map_err(|_| unfit())
    }
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
