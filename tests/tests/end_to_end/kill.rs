//! `kill -9` under load: what anybody was told is there afterwards.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rustix::process::Pid;

use super::load::{Crowd, random, seed};
use super::stage::Stage;

const DEVICES: usize = 4;
const ROUNDS: usize = 5;

/// How long a process may take to end when the server has.
const ENDS: Duration = Duration::from_secs(30);

#[test]
fn no_acknowledged_edit_is_lost() {
    let ended = is_killed_and_loses_nothing(&[]);
    assert_eq!(ended, 0, "it has no other processes");
}

/// The same where changes are tried in processes of their own, which end with the server.
#[test]
fn no_acknowledged_edit_is_lost_where_changes_are_tried_apart() {
    let ended = is_killed_and_loses_nothing(&["--guard", "process"]);
    assert!(ended >= ROUNDS, "{ended} ended with the server");
}

/// Says how many processes of the server's ended with it.
fn is_killed_and_loses_nothing(arguments: &[&str]) -> usize {
    let seed = seed();
    let mut stage = Stage::with(arguments);
    let mut crowd = Crowd::new(&stage, DEVICES);
    let mut random = random(seed, 0);
    let mut ended = 0;
    for _ in 0..ROUNDS {
        let enough = random.random_range(5..60);
        crowd.load((None, seed), enough, || {
            let children = stage.server().children().expect("the system tells");
            stage.kill();
            ended += children.len();
            children.into_iter().for_each(ends);
        });
        stage.start();
        crowd.check(&stage);
    }
    assert!(crowd.told.len() > ROUNDS * 5);
    ended
}

/// Comes back once a process has ended.
fn ends(process: Pid) {
    let until = Instant::now() + ENDS;
    while runs(process) {
        assert!(Instant::now() < until, "it ends with the server");
        std::thread::yield_now();
    }
}

/// Whether it is there, and not only waits for somebody to ask how it ended.
fn runs(process: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_pid()));
    let stat = stat.unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|state| !state.starts_with('Z'))
}
