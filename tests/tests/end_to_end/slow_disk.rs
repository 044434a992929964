//! A disk that takes long: whoever writes shares its syncs, or is told that it takes too long, and loses
//! nothing.

use std::time::Duration;

use carnet_tests::wire_client::{Verdict, Wire, WireRecord};
use reqwest::Method;

use super::load::{Crowd, seed};
use super::stage::{Stage, allergy, now};

const DEVICES: usize = 8;

/// A figure of the server's.
fn figure(wire: &Wire, name: &str) -> f64 {
    let answer = now(wire.send(wire.request(Method::GET, "/metrics"))).expect("answers");
    let text = String::from_utf8(answer.body).expect("text");
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let value = lines.next().expect("it is counted");
    value.trim().parse().expect("a number")
}

#[test]
fn on_a_slow_disk_edits_share_their_syncs_and_none_is_lost() {
    let seed = seed();
    let mut stage = Stage::new();
    let mut crowd = Crowd::new(&stage, DEVICES);
    stage.stop();
    stage.lay_under();
    stage.start();
    let layer = stage.layer();
    layer.slow_down(Duration::from_millis(20));
    let (mut jobs, mut groups) = (0.0, 0.0);
    crowd.load((Some(&layer), seed), 100, || {
        let wire = stage.wire();
        jobs = figure(&wire, "carnet_store_group_size_sum");
        groups = figure(&wire, "carnet_store_group_size_count");
        stage.kill();
    });
    assert!(jobs > groups, "{jobs} jobs in {groups} groups");
    layer.slow_down(Duration::ZERO);
    stage.start();
    crowd.check(&stage);
}

#[test]
fn whoever_is_told_that_it_took_too_long_has_lost_nothing() {
    let mut stage = Stage::new();
    let opened = stage.desk("Durand");
    let device = stage.wire_device(&opened.code);
    let mut record = WireRecord::new(&device, opened.record.0, "holder");
    now(record.sync()).expect("an answer");
    stage.stop();
    let address = device.wire.base().trim_start_matches("http://").to_owned();
    // Only now: on a slow machine what comes before may take longer.
    stage.set_arguments(&["--listen", &address, "--request-seconds", "1"]);
    stage.lay_under();
    stage.start();
    record.create(&allergy("Latex").writes().expect("stands"));
    stage.layer().slow_down(Duration::from_secs(3));
    let problem = now(record.sync()).expect_err("the disk takes longer than a request may");
    assert_eq!(problem.slug(), "too-slow", "{problem:?}");
    stage.layer().slow_down(Duration::ZERO);
    // What it had begun it finishes before it stops.
    stage.stop();
    stage.set_arguments(&["--listen", &address]);
    stage.start();
    let told = now(record.sync()).expect("an answer");
    // Whether its edit had its turn, nobody can tell; it is there once.
    assert!(
        matches!(
            told.verdicts[..],
            [Verdict::Accepted(_) | Verdict::Duplicate(_)]
        ),
        "{told:?}"
    );
    let verified = stage.server().carnet(&["verify"]).expect("verifies");
    assert_eq!(verified["wrong"], serde_json::json!([]));
    assert_eq!(verified["entries"], 1);
}
