//! `kill -9` under load: what anybody was told is there afterwards.

use rand::RngExt as _;

use super::load::{Crowd, random, seed};
use super::stage::Stage;

const DEVICES: usize = 4;
const ROUNDS: usize = 5;

#[test]
fn no_acknowledged_edit_is_lost() {
    is_killed_and_loses_nothing(&[]);
}

/// The same where changes are tried in processes of their own, which end with the server.
#[test]
fn no_acknowledged_edit_is_lost_where_changes_are_tried_apart() {
    is_killed_and_loses_nothing(&["--guard", "process"]);
}

fn is_killed_and_loses_nothing(arguments: &[&str]) {
    let seed = seed();
    let mut stage = Stage::with(arguments);
    let mut crowd = Crowd::new(&stage, DEVICES);
    let mut random = random(seed, 0);
    for _ in 0..ROUNDS {
        let enough = random.random_range(5..60);
        crowd.load((None, seed), enough, || stage.kill());
        stage.start();
        crowd.check(&stage);
    }
    assert!(crowd.told.len() > ROUNDS * 5);
}
