//! Devices that write and read as fast as they are answered, until the server is gone, and keep what
//! they were told: what must be there afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};

use carnet_tests::faults::Layer;
use carnet_tests::support::{Opened, Server};
use carnet_tests::wire_client::{ChangeHash, Verdict, Wire, WireDevice, WireLive, WireRecord};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sync_core::entry::Write;
use uuid::Uuid;

use super::stage::{GENEROUS, Stage, allergy, now, program};

/// Where the seed of a story's faults is found, to play it again.
const SEED: &str = "CARNET_FAULTS_SEED";

/// What decides where faults strike: another one each time, and printed, so that a test that fails
/// tells it.
pub fn seed() -> u64 {
    let given = std::env::var(SEED).ok().map(|seed| seed.parse());
    let seed = given.map_or_else(rand::random, |seed| seed.expect("a seed is a number"));
    println!("again: {SEED}={seed}");
    seed
}

/// Randomness of a seed, for one of several uses.
pub fn random(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

/// Changes that the server said it has, each with how far the journal beneath it had come when that
/// was heard.
#[derive(Clone, Debug, Default)]
pub struct Told(BTreeMap<(Uuid, ChangeHash), u64>);

impl Told {
    /// The server said it has a change.
    pub fn add(&mut self, change: (Uuid, ChangeHash), position: u64) {
        self.0.entry(change).or_insert(position);
    }

    /// All that a copy was sent.
    pub fn add_all(&mut self, record: &WireRecord, position: u64) {
        for (entry, kept) in &record.entries {
            let sent = kept.changes.iter().filter(|(_, kept)| kept.tick.is_some());
            sent.for_each(|(hash, _)| self.add((*entry, *hash), position));
        }
    }

    /// With what another was told.
    pub fn extend(&mut self, other: Told) {
        for (change, position) in other.0 {
            self.add(change, position);
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that the server had said it has when the journal had come so far.
    pub fn until(&self, position: u64) -> Told {
        let told = self.0.iter().filter(|(_, at)| **at <= position);
        Told(told.map(|(change, at)| (*change, *at)).collect())
    }

    /// The same, from before the journal that is kept now.
    pub fn of_before(self) -> Told {
        Told(self.0.into_keys().map(|change| (change, 0)).collect())
    }

    /// The first that a copy does not have.
    fn missing(&self, copy: &WireRecord) -> Option<ChangeHash> {
        let has = |entry: &Uuid, hash: &ChangeHash| {
            let kept = copy.entries.get(entry);
            kept.is_some_and(|kept| kept.changes.contains_key(hash))
        };
        let mut told = self.0.keys();
        told.find(|(entry, hash)| !has(entry, hash))
            .map(|(_, hash)| *hash)
    }
}

/// A holder's devices on one record.
pub struct Crowd {
    /// One each.
    pub devices: Vec<WireRecord>,
    /// Whose answers are pushed.
    listener: WireRecord,
    /// What the server said it has.
    pub told: Told,
    rounds: u64,
}

/// How far a round of load is.
#[derive(Default)]
struct Progress {
    /// Edits that were taken in.
    done: usize,
    /// Devices that stopped.
    stopped: usize,
}

/// How a round of load goes.
struct Load<'l> {
    progress: Mutex<Progress>,
    changed: Condvar,
    over: AtomicBool,
    layer: Option<&'l Layer>,
}

impl Load<'_> {
    fn position(&self) -> u64 {
        self.layer.map_or(0, Layer::position)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn had(&self, work: impl FnOnce(&mut Progress)) {
        work(&mut self.progress.lock().expect("no device failed"));
        self.changed.notify_all();
    }

    /// Waits until so many edits were taken in; not if so many devices stop before.
    fn wait(&self, enough: usize, devices: usize) -> bool {
        let progress = self.progress.lock().expect("no device failed");
        let waits = |progress: &mut Progress| progress.done < enough && progress.stopped < devices;
        let waited = self.changed.wait_while(progress, waits);
        waited.expect("no device failed").done >= enough
    }
}

/// Says that a device stopped, however it did.
struct Stops<'l>(&'l Load<'l>);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.had(|progress| progress.stopped += 1);
    }
}

impl Crowd {
    /// So many devices of a record's holder.
    pub fn new(stage: &Stage, count: usize) -> Self {
        let opened: Opened = stage.desk("Durand");
        let first = stage.wire_device(&opened.code);
        let another = || now(first.sign_in_elsewhere()).expect("signs in");
        let copy = |device: &WireDevice| WireRecord::new(device, opened.record.0, "holder");
        let mut devices = vec![copy(&first)];
        devices.extend((1..count).map(|_| copy(&another())));
        Crowd {
            listener: copy(&another()),
            devices,
            told: Told::default(),
            rounds: 0,
        }
    }

    /// Writes and reads until about `enough` edits were taken in, lets `fault` strike, which ends the
    /// server, and waits until everybody noticed.
    pub fn load(
        &mut self,
        (layer, seed): (Option<&Layer>, u64),
        enough: usize,
        fault: impl FnOnce(),
    ) {
        self.rounds += 1;
        let load = Load {
            progress: Mutex::default(),
            changed: Condvar::new(),
            over: AtomicBool::new(false),
            layer,
        };
        let load = &load;
        let reader = self.devices[0].device.clone();
        let record = self.devices[0].record;
        let listener = &mut self.listener;
        now(listener.sync()).expect("the server answers");
        let live = now(WireLive::open(&listener.device, &record)).expect("opens");
        let (rounds, writers) = (self.rounds, self.devices.len());
        let told = std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for (number, device) in self.devices.iter_mut().enumerate() {
                let name = format!("{rounds}-{number}");
                let random = random(seed, rounds * 100 + number as u64);
                workers.push(scope.spawn(move || {
                    let _stops = Stops(load);
                    now(write(device, load, &name, random))
                }));
            }
            workers.push(scope.spawn(move || now(read(&reader, record, load))));
            workers.push(scope.spawn(move || now(listen(listener, live, load))));
            let worked = load.wait(enough, writers);
            fault();
            load.over.store(true, Ordering::Relaxed);
            let joined = workers.into_iter().map(|worker| worker.join());
            let told = joined
                .map(|told| told.expect("no device failed"))
                .collect::<Vec<_>>();
            assert!(worked, "they work on");
            told
        });
        told.into_iter().for_each(|told| self.told.extend(told));
    }

    /// Goes over to where the server is now.
    fn go_over(&mut self, stage: &Stage) {
        let wire = Wire::new(stage.server().url());
        for record in self.devices.iter_mut().chain([&mut self.listener]) {
            record.device.wire = wire.clone();
        }
    }

    /// After a restart: all that anybody was told is there, the store verifies, what was not answered
    /// goes out again, once, and the copies converge; and to nobody does the server seem to be an
    /// older one.
    pub fn check(&mut self, stage: &Stage) {
        self.go_over(stage);
        survives(stage.server(), &self.devices[0], &self.told).expect("all of it is there");
        now(async {
            for _ in 0..2 {
                for record in &mut self.devices {
                    let life = |record: &WireRecord| Some(record.checkpoint.as_ref()?.member("l"));
                    let before = life(record);
                    let told = record.sync().await.expect("an answer");
                    for verdict in told.verdicts {
                        let taken = matches!(verdict, Verdict::Accepted(_) | Verdict::Duplicate(_));
                        assert!(taken, "{verdict:?}");
                    }
                    assert!(record.pending.is_empty());
                    assert!(before.is_none() || life(record) == before, "another log");
                }
            }
            let mut fresh =
                WireRecord::new(&self.devices[0].device, self.devices[0].record, "holder");
            fresh.sync().await.expect("an answer");
            for record in &self.devices {
                assert_eq!(content(record), content(&fresh));
            }
            self.told.add_all(&fresh, stage.position());
        });
    }
}

/// What a copy holds, to be compared with another.
fn content(record: &WireRecord) -> BTreeMap<Uuid, BTreeSet<ChangeHash>> {
    let entries = record.entries.iter();
    entries
        .map(|(entry, kept)| (*entry, kept.changes.keys().copied().collect()))
        .collect()
}

/// Whether a server has all that somebody was told, by a device it did not know before, and its store
/// verifies; or what is wrong.
pub fn survives(server: &Server, of: &WireRecord, told: &Told) -> Result<(), String> {
    let verified = server.carnet(&["verify"]).map_err(|e| e.to_string())?;
    if verified["wrong"] != serde_json::json!([]) {
        return Err(verified.to_string());
    }
    let mut device = of.device.clone();
    device.wire = Wire::new(server.url());
    now(async {
        let problem = |what| move |problem| format!("{what}: {problem:?}");
        let device = device
            .sign_in_elsewhere()
            .await
            .map_err(problem("sign-in"))?;
        let mut fresh = WireRecord::new(&device, of.record, "holder");
        fresh.sync().await.map_err(problem("sync"))?;
        match told.missing(&fresh) {
            Some(hash) => Err(format!("{hash} was acknowledged and is gone")),
            None => Ok(()),
        }
    })
}

/// Whether a server starts on a data directory and has all that somebody was told, its store verifies,
/// or what is wrong.
pub fn opens(data: &Path, of: &WireRecord, told: &Told) -> Result<(), String> {
    let server = Server::start_with(&program(), data, GENEROUS).map_err(|e| e.to_string())?;
    survives(&server, of, told)
}

/// Edits and syncs until the server is gone; a device's loss of its answer is its own to bear.
async fn write(
    record: &mut WireRecord,
    load: &Load<'_>,
    name: &str,
    mut random: ChaCha8Rng,
) -> Told {
    let mut mine = Told::default();
    let mut number = 0;
    while !load.is_over() {
        for _ in 0..random.random_range(1..4) {
            number += 1;
            let known: Vec<Uuid> = record.entries.keys().copied().collect();
            if known.is_empty() || random.random_bool(0.5) {
                let label = format!("Allergène {name}-{number}");
                record.create(&allergy(&label).writes().expect("stands"));
            } else {
                let entry = known[random.random_range(0..known.len())];
                let notes = format!("note {name}-{number}");
                record.edit(entry, &[Write::set("notes", notes)]);
            }
        }
        let request = record.request();
        let Some(answer) = record.try_exchange(&request).await else {
            return mine;
        };
        let position = load.position();
        for outcome in &answer.outcomes {
            let sent = record.pending.iter();
            let mut sent = sent.filter(|(_, hash)| *hash == outcome.change);
            match outcome.verdict {
                Verdict::Accepted(_) | Verdict::Duplicate(_) => {
                    mine.add(*sent.next().expect("it was sent"), position);
                    load.had(|progress| progress.done += 1);
                }
                ref other => panic!("{other:?}"),
            }
        }
        record.take(answer);
        mine.add_all(record, position);
    }
    mine
}

/// Reads all there is, again and again, until the server is gone. What somebody read is as good as
/// acknowledged.
async fn read(device: &WireDevice, record: Uuid, load: &Load<'_>) -> Told {
    let mut seen = Told::default();
    while !load.is_over() {
        let mut copy = WireRecord::new(device, record, "holder");
        loop {
            let Some(answer) = copy.try_exchange(&copy.request()).await else {
                return seen;
            };
            let position = load.position();
            let more = answer.more;
            copy.take(answer);
            seen.add_all(&copy, position);
            if !more {
                break;
            }
        }
    }
    seen
}

/// Takes what is pushed, until the server is gone.
async fn listen(record: &mut WireRecord, mut live: WireLive, load: &Load<'_>) -> Told {
    let mut seen = Told::default();
    live.send(&record.request()).await;
    while let Some(answer) = live.next().await {
        let position = load.position();
        record.take(answer);
        seen.add_all(record, position);
    }
    seen
}
