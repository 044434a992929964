//! The rules as laws of random histories.
//!
//! Each law is judged by the book of the history (who wrote what, with what in front of them) and
//! never by the code that merges. Most laws say what must be or must not be shown where the book
//! leaves no doubt, and nothing elsewhere; each is shown to fail, by a rule switched off or a fault
//! planted in what is shown.
//!
//! An ordinary run plays two hundred histories. To play others, or one again:
//!
//! ```text
//! CARNET_LAWS=20000 CARNET_LAWS_SEED=1 cargo test -p sync-core every_law_holds -- --nocapture
//! ```

mod confirmed;
mod counting;
mod decided;
mod ended;
mod faults;
mod groups;
mod held;
mod hidden;
mod links;
mod listed;
mod look;
mod papers;
mod rights;
mod table;
mod values;
mod wishes;

use std::collections::BTreeMap;

use proptest::strategy::{Strategy as _, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::random::{DEVICES, History, VIEWERS, World, histories};
use super::*;
use look::{Look, Record};
use table::{LAWS, Law};

/// The history of a seed, and what makes it smaller.
fn history(seed: u64) -> impl ValueTree<Value = History> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    histories().new_tree(&mut runner).expect("a history")
}

/// The first of these laws that a history breaks, and for whom: on one of the devices while not
/// everything was sent, or for somebody in the end.
fn broken<'l>(history: &History, laws: &'l [Law]) -> Option<(&'l Law, String)> {
    let mut world = World::new(history);
    let judge = |look: &Look<'_>, whose: String| {
        laws.iter().find_map(|law| {
            let wrong = (law.judge)(look)?;
            Some((law, format!("{whose}: {wrong}")))
        })
    };
    let device = history.1.len() % DEVICES.len();
    let record = Record::on(&world, device, Rules::ALL);
    let there = judge(&record.look(device), format!("on device {device}"));
    drop(record);
    if there.is_some() {
        return there;
    }
    world.settle();
    let record = Record::of(&world, Rules::ALL);
    let mut viewers = VIEWERS.iter();
    viewers.find_map(|viewer| judge(&record.look(*viewer), format!("for viewer {viewer}")))
}

/// The smallest history found that breaks a law as the one of a seed does, told.
fn smallest(seed: u64, law: &Law) -> String {
    let law = std::slice::from_ref(law);
    let mut tree = history(seed);
    let mut found = tree.current();
    while tree.simplify() {
        while broken(&tree.current(), law).is_none() && tree.complicate() {}
        if broken(&tree.current(), law).is_some() {
            found = tree.current();
        }
    }
    let wrong = broken(&found, law).map(|(_, wrong)| wrong);
    let world = World::new(&found);
    let edits: Vec<String> = world.book.iter().map(look::told).collect();
    format!("{}\n{}", wrong.unwrap_or_default(), edits.join("\n"))
}

fn number(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => usual,
    }
}

#[test]
fn every_law_holds_of_every_history() {
    let first = number("CARNET_LAWS_SEED", 1);
    let histories = number("CARNET_LAWS", 200);
    println!("the histories of {histories} seeds from {first} on");
    let mut wrong: BTreeMap<&str, (&Law, Vec<u64>)> = BTreeMap::new();
    for seed in first..first + histories {
        if let Some((law, _)) = broken(&history(seed).current(), LAWS) {
            let seeds = wrong.entry(law.name).or_insert((law, Vec::new()));
            seeds.1.push(seed);
        }
    }
    for (law, seeds) in wrong.values() {
        println!(
            "{} is broken by {} histories: {seeds:?}",
            law.name,
            seeds.len()
        );
        let smallest = smallest(seeds[0], law);
        println!("CARNET_LAWS=1 CARNET_LAWS_SEED={} {smallest}\n", seeds[0]);
    }
    assert!(wrong.is_empty(), "broken: {:?}", wrong.keys());
}
