//! People, each with a passkey, a record of their own and a phone that has all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use sync_core::entry::Write;
use sync_core::kind::{CommonPatch, Edit, Patch};
use sync_core::{ChangeHash, EntryId};

use super::line::Line;
use super::socket::Socket;
use crate::bench::device::{Device, new_entry};
use crate::life::{Deed, Life, Plan};
use crate::support::{Opened, SupportError};
use crate::wire_client::{Problem, Wire, WireDevice};

/// How many people do the same at once while the stage is set.
pub(super) const WIDTH: usize = 8;

/// How many lives are told of each length: others have the same again.
const LIVES: usize = 20;

/// Somebody with a record, and their phone.
pub(super) struct Phone {
    /// Their sign-in, which lets more devices in.
    pub signed: WireDevice,
    /// The phone's copy.
    pub device: Device,
    /// The entries of the record.
    pub names: Vec<EntryId>,
    edits: usize,
}

/// What one sync took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trips {
    /// Bytes of request bodies.
    pub up: u64,
    /// Bytes of answer bodies.
    pub down: u64,
    /// Round trips.
    pub count: u64,
}

impl Trips {
    /// With those of another sync.
    pub fn and(self, other: Trips) -> Trips {
        Trips {
            up: self.up + other.up,
            down: self.down + other.down,
            count: self.count + other.count,
        }
    }
}

/// Enrols so many people, by a ceremony each, with records of so many entries.
pub(super) async fn enrol(
    server: &str,
    opened: Vec<Opened>,
    sizes: &[usize],
) -> Result<Vec<Phone>, SupportError> {
    let wire = Wire::new(server);
    let lengths: BTreeSet<usize> = sizes.iter().copied().collect();
    let lives = lengths.into_iter().map(|size| (size, Lives::of(size)));
    let lives: BTreeMap<usize, Lives> = lives.collect();
    let lives = Arc::new(lives);
    let jobs = opened.into_iter().zip(sizes).enumerate();
    let jobs = jobs.map(|(number, (opened, size))| {
        let (wire, size, lives) = (wire.clone(), *size, lives.clone());
        async move {
            let mut phone = Phone::enrol(&wire, &opened).await?;
            let filled = async move {
                phone.fill(lives[&size].of_person(number)).await?;
                Ok::<_, SupportError>(phone)
            };
            joined(filled).await
        }
    });
    futures_util::stream::iter(jobs)
        .buffered(WIDTH)
        .try_collect()
        .await
}

/// Does something in a task of its own.
async fn joined<T: Send + 'static>(
    work: impl Future<Output = Result<T, SupportError>> + Send + 'static,
) -> Result<T, SupportError> {
    let ended = tokio::spawn(work).await;
    ended.map_err(|_| SupportError::Missing("a task that ended"))?
}

impl Phone {
    async fn enrol(wire: &Wire, opened: &Opened) -> Result<Self, SupportError> {
        let signed = WireDevice::enrol(wire, &opened.code).await;
        let signed = signed.map_err(refused)?;
        Ok(Phone {
            device: Device::signed_in(&signed, opened.record)?,
            signed,
            names: Vec::new(),
            edits: 0,
        })
    }

    /// Writes a life into the record and hands it in, in requests as large as they may be.
    async fn fill(&mut self, life: &[Vec<Write>]) -> Result<(), SupportError> {
        let mut line = Line::open(self.signed.wire.base()).await?;
        // The first checkpoint, which edits name.
        self.sync(&mut line).await?;
        for some in life.chunks(Device::AT_ONCE) {
            for writes in some {
                let entry = new_entry();
                self.device.edit(entry, writes)?;
                self.names.push(entry);
            }
            self.sync(&mut line).await?;
        }
        Ok(())
    }

    /// Another device of the same person, signed in by a ceremony, that knows nothing yet.
    pub async fn another(&self) -> Result<Phone, SupportError> {
        let signed = self.signed.sign_in_elsewhere().await.map_err(refused)?;
        Ok(Phone {
            device: Device::signed_in(&signed, self.device.record())?,
            signed,
            names: self.names.clone(),
            edits: 0,
        })
    }

    /// Edits one entry after the other, offline; says which, and the change.
    pub fn edit(&mut self) -> Result<(EntryId, ChangeHash), SupportError> {
        self.edits += 1;
        let place = self.edits * 7_919 % self.names.len();
        let entry = *self
            .names
            .get(place)
            .ok_or(SupportError::Missing("an entry"))?;
        let notes = Edit::Set(format!("Contrôle numéro {} : stable.", self.edits));
        let patch = Patch::from(CommonPatch {
            notes,
            ..CommonPatch::default()
        });
        Ok((entry, self.device.edit(entry, &patch.writes()?)?))
    }

    /// Syncs until nothing is left to send or to fetch.
    pub async fn sync(&mut self, line: &mut Line) -> Result<Trips, SupportError> {
        let mut trips = Trips::default();
        loop {
            let body = self.device.request()?;
            let (record, sent) = (self.device.record(), body.len());
            let answer = line.sync(record, self.device.token(), body).await?;
            trips = trips.and(Trips {
                up: sent as u64,
                down: answer.len() as u64,
                count: 1,
            });
            let more = self.device.take(&answer)?.more;
            if !more && self.device.unsent() == 0 {
                return Ok(trips);
            }
        }
    }

    /// The same over a WebSocket.
    pub async fn sync_over(&mut self, socket: &mut Socket) -> Result<(), SupportError> {
        loop {
            socket.send(self.device.request()?).await?;
            let more = self.device.take(&socket.answer().await?)?.more;
            if !more && self.device.unsent() == 0 {
                return Ok(());
            }
        }
    }
}

fn refused(problem: Problem) -> SupportError {
    SupportError::Server {
        command: "a ceremony".to_owned(),
        said: format!("{problem:?}"),
    }
}

/// Lives of one length, as what is written of each entry.
struct Lives(Vec<Vec<Vec<Write>>>);

impl Lives {
    /// Long lives are told once: one record has one.
    fn of(entries: usize) -> Self {
        let count = if entries <= 200 { LIVES } else { 1 };
        let lives = (0..count as u64).map(|seed| {
            let life = Life::generate(&Plan {
                seed,
                entries,
                changes: entries,
            });
            let written = life.acts.iter().filter_map(|act| match &act.deed {
                Deed::Create(draft) => Some(draft.writes().expect("a life's drafts stand")),
                Deed::Change(_) => None,
            });
            written.collect()
        });
        Lives(lives.collect())
    }

    fn of_person(&self, number: usize) -> &[Vec<Write>] {
        &self.0[number % self.0.len()]
    }
}
