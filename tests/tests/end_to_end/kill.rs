//! `kill -9` under load: what was acknowledged is there afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use carnet_tests::wire_client::{ChangeHash, Verdict, Wire, WireRecord};
use rand::{RngExt as _, SeedableRng as _};
use sync_core::entry::Write;
use uuid::Uuid;

use super::stage::{Stage, allergy, now};

const SEED: u64 = 20_261_121;
const DEVICES: usize = 4;
const ROUNDS: usize = 4;

/// What the server said it had taken.
type Acknowledged = BTreeSet<(Uuid, ChangeHash)>;

/// Edits and syncs until the server is gone; a device's loss of its answer is its own to bear.
async fn work(record: &mut WireRecord, acknowledged: &mut Acknowledged, load: &Load, seed: u64) {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut number = 0;
    while !load.over.load(Ordering::Relaxed) {
        for _ in 0..random.random_range(1..4) {
            number += 1;
            let known: Vec<Uuid> = record.entries.keys().copied().collect();
            if known.is_empty() || random.random_bool(0.5) {
                let label = format!("Allergène {seed}-{number}");
                record.create(&allergy(&label).writes().expect("stands"));
            } else {
                let entry = known[random.random_range(0..known.len())];
                let notes = format!("note {seed}-{number}");
                record.edit(entry, &[Write::set("notes", notes)]);
            }
        }
        let request = record.request();
        let Some(answer) = record.try_exchange(&request).await else {
            return;
        };
        for outcome in &answer.outcomes {
            let entry = record
                .pending
                .iter()
                .find(|(_, hash)| *hash == outcome.change);
            match outcome.verdict {
                Verdict::Accepted(_) | Verdict::Duplicate(_) => {
                    let (entry, hash) = entry.expect("it was sent");
                    acknowledged.insert((*entry, *hash));
                    load.done.fetch_add(1, Ordering::Relaxed);
                }
                ref other => panic!("seed {SEED}: {other:?}"),
            }
        }
        record.take(answer);
    }
}

#[derive(Default)]
struct Load {
    done: AtomicUsize,
    over: AtomicBool,
}

/// What a copy holds, to be compared with another.
fn content(record: &WireRecord) -> BTreeMap<Uuid, BTreeSet<ChangeHash>> {
    let entries = record.entries.iter();
    entries
        .map(|(entry, kept)| (*entry, kept.changes.keys().copied().collect()))
        .collect()
}

#[test]
fn no_acknowledged_edit_is_lost() {
    let mut stage = Stage::new();
    let opened = stage.desk("Durand");
    let first = stage.wire_device(&opened.code);
    let mut devices = vec![WireRecord::new(&first, opened.record.0, "holder")];
    for _ in 1..DEVICES {
        let device = now(first.sign_in_elsewhere()).expect("signs in");
        devices.push(WireRecord::new(&device, opened.record.0, "holder"));
    }
    let mut acknowledged = Acknowledged::new();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(SEED);
    for round in 0..ROUNDS {
        let enough = random.random_range(5..60);
        let load = Load::default();
        let kills = std::thread::scope(|scope| {
            let workers: Vec<_> = devices
                .iter_mut()
                .enumerate()
                .map(|(number, record)| {
                    let load = &load;
                    let seed = (round * DEVICES + number) as u64;
                    scope.spawn(move || {
                        let mut mine = Acknowledged::new();
                        now(work(record, &mut mine, load, seed));
                        mine
                    })
                })
                .collect();
            while load.done.load(Ordering::Relaxed) < enough {
                assert!(!workers.iter().all(|w| w.is_finished()), "they work on");
                std::thread::yield_now();
            }
            stage.kill();
            load.over.store(true, Ordering::Relaxed);
            let joined = workers.into_iter().map(|worker| worker.join());
            joined
                .map(|mine| mine.expect("no device failed"))
                .collect::<Vec<_>>()
        });
        acknowledged.extend(kills.into_iter().flatten());
        stage.start();
        check(&stage, &mut devices, &acknowledged);
    }
    assert!(acknowledged.len() > ROUNDS * 5);
}

/// After a restart: all that was acknowledged is there, the copies converge, the store verifies.
fn check(stage: &Stage, devices: &mut [WireRecord], acknowledged: &Acknowledged) {
    let verified = stage
        .server()
        .carnet(&["verify"])
        .expect("the store verifies");
    assert_eq!(verified["wrong"], serde_json::json!([]), "seed {SEED}");
    now(async {
        for record in devices.iter_mut() {
            record.device.wire = Wire::new(stage.server().url());
        }
        let device = devices[0]
            .device
            .sign_in_elsewhere()
            .await
            .expect("signs in");
        let mut fresh = WireRecord::new(&device, devices[0].record, "holder");
        fresh.sync().await.expect("an answer");
        for (entry, hash) in acknowledged {
            let kept = fresh.entries.get(entry);
            let there = kept.is_some_and(|kept| kept.changes.contains_key(hash));
            assert!(there, "seed {SEED}: {hash} was acknowledged and is gone");
        }
        // What was not answered goes out again, once.
        for _ in 0..2 {
            for record in devices.iter_mut() {
                let told = record.sync().await.expect("an answer");
                for verdict in told.verdicts {
                    let taken = matches!(verdict, Verdict::Accepted(_) | Verdict::Duplicate(_));
                    assert!(taken, "seed {SEED}: {verdict:?}");
                }
                assert!(record.pending.is_empty());
            }
        }
        fresh.sync().await.expect("an answer");
        for record in devices.iter() {
            assert_eq!(content(record), content(&fresh), "seed {SEED}");
        }
    });
}
