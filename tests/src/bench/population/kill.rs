//! Devices write as fast as they are acknowledged, and the server is killed under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use sync_core::{ChangeHash, EntryId};
use tokio::sync::Notify;

use super::line::Line;
use super::people::{Phone, enrol};
use crate::bench::device::new_entry;
use crate::bench::durable::note;
use crate::bench::world::World;
use crate::support::SupportError;

/// Devices, each with a record of its own.
const DEVICES: usize = 64;

/// How long they may take to be acknowledged so many edits.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a kill left.
#[derive(Clone, Debug, Serialize)]
pub(in crate::bench) struct Kill {
    /// Devices that wrote.
    pub devices: usize,
    /// Edits that were acknowledged before the server was killed.
    pub acknowledged: usize,
    /// Of these, those that are not there afterwards.
    pub lost: usize,
    /// Edits that were on their way when it was killed.
    pub unanswered: usize,
    /// Of these, those that are there afterwards.
    pub unanswered_kept: usize,
    /// Edits a second before.
    pub per_second: f64,
}

type Edit = (EntryId, ChangeHash);

/// Counts what is acknowledged, until it is enough.
struct Enough {
    so_far: AtomicUsize,
    most: usize,
    /// It is, or a device failed.
    reached: Notify,
    /// From here on a device may fail.
    killed: AtomicBool,
}

/// Measures it on a server of its own.
pub(super) fn measure(
    runtime: &tokio::runtime::Runtime,
    edits: usize,
) -> Result<Kill, SupportError> {
    let world = World::new()?;
    let opened = world.records(DEVICES)?;
    let phones = runtime.block_on(enrol(world.server.url(), opened, &[0; DEVICES]))?;
    let enough = Arc::new(Enough {
        so_far: AtomicUsize::new(0),
        most: edits,
        reached: Notify::new(),
        killed: AtomicBool::new(false),
    });
    let started = Instant::now();
    let running = phones.into_iter().map(|phone| {
        let (url, enough) = (world.server.url().to_owned(), enough.clone());
        runtime.spawn(async move {
            let left = write(phone, url, &enough).await;
            if left.is_err() {
                enough.reached.notify_one();
            }
            left
        })
    });
    let running: Vec<_> = running.collect();
    let reached =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, enough.reached.notified()).await });
    reached.map_err(|_| SupportError::Missing("so many acknowledged edits"))?;
    let so_far = enough.so_far.load(Ordering::Relaxed);
    let per_second = so_far as f64 / started.elapsed().as_secs_f64();
    enough.killed.store(true, Ordering::Relaxed);
    let world = world.killed()?;
    runtime.block_on(async {
        let mut kill = Kill {
            devices: DEVICES,
            acknowledged: 0,
            lost: 0,
            unanswered: 0,
            unanswered_kept: 0,
            per_second,
        };
        for one in running {
            let ended = one.await;
            let left = ended.map_err(|_| SupportError::Missing("a device that ended"))??;
            kill.add(left, world.server.url()).await?;
        }
        Ok(kill)
    })
}

/// What a device knows when the server is gone.
struct Left {
    phone: Phone,
    acknowledged: Vec<Edit>,
    unanswered: Option<Edit>,
}

/// Writes until the server is killed.
async fn write(mut phone: Phone, url: String, enough: &Enough) -> Result<Left, SupportError> {
    let mut line = Line::open(&url).await?;
    let mut acknowledged = Vec::new();
    loop {
        let entry = new_entry();
        let change = phone.device.edit(entry, &note(acknowledged.len())?)?;
        let mut unanswered = Some((entry, change));
        let mut more = true;
        while more {
            let body = phone.device.request()?;
            let (record, token) = (phone.device.record(), phone.device.token());
            let answer = line.sync(record, token, body).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(_) if enough.killed.load(Ordering::Relaxed) => {
                    return Ok(Left {
                        phone,
                        acknowledged,
                        unanswered,
                    });
                }
                Err(error) => return Err(error),
            };
            more = phone.device.take(&answer)?.more || phone.device.unsent() > 0;
            if phone.device.unsent() == 0 {
                // It counts from this answer on, whatever is still to be fetched.
                if let Some(edit) = unanswered.take() {
                    acknowledged.push(edit);
                    if enough.so_far.fetch_add(1, Ordering::Relaxed) + 1 == enough.most {
                        enough.reached.notify_one();
                    }
                }
            }
        }
    }
}

impl Kill {
    /// Counts what of a device's edits a device that knew nothing finds.
    async fn add(&mut self, left: Left, url: &str) -> Result<(), SupportError> {
        let mut line = Line::open(url).await?;
        let mut fresh = left.phone;
        fresh.device = fresh.device.emptied();
        fresh.sync(&mut line).await?;
        let found = |(entry, change): &&Edit| fresh.device.has(entry, change);
        self.acknowledged += left.acknowledged.len();
        self.lost += left.acknowledged.len() - left.acknowledged.iter().filter(found).count();
        self.unanswered += usize::from(left.unanswered.is_some());
        self.unanswered_kept += left.unanswered.iter().filter(found).count();
        Ok(())
    }
}
