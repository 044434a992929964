//! The machine's clock jumps, while the server runs and while it does not.

use carnet_tests::wire_client::{
    Problem, SigningIn, Verdict, WireDevice, WireRecord, event_member, read_log,
};
use reqwest::Method;
use sync_core::Tick;

use super::stage::{Stage, allergy, now};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A device that writes, and sees to it that time goes on in its record.
struct Diary {
    record: WireRecord,
    last: u64,
}

impl Diary {
    fn write(&mut self, label: &str) -> u64 {
        let record = &mut self.record;
        record.create(&allergy(label).writes().expect("stands"));
        let told = now(record.sync()).expect("an answer");
        let [Verdict::Accepted(tick)] = told.verdicts[..] else {
            panic!("{label}: {told:?}");
        };
        assert!(tick > self.last, "{label}: {tick} follows {}", self.last);
        self.last = tick;
        tick
    }

    /// Goes on after a sign-in.
    fn signed_in(&mut self, device: WireDevice) {
        self.record.device = device;
    }

    /// The log, from its beginning, in which time never goes back.
    fn log(&self) -> usize {
        let record = &self.record;
        let checkpoint = record.checkpoints.last().expect("it synced");
        let witness = checkpoint.member("a").into_bytes().expect("bytes");
        let log = now(read_log(&record.device, record.record, &witness, 1_000));
        let log = log.expect("the holder's own");
        assert!(log.iter().all(|event| event_member(event, "t").is_some()));
        log.len()
    }
}

/// A holder's device at a server whose clock can be moved.
fn laid_under() -> (Stage, Diary) {
    let mut stage = Stage::new();
    let opened = stage.desk("Durand");
    let device = stage.wire_device(&opened.code);
    stage.stop();
    stage.lay_under();
    stage.start();
    let record = WireRecord::new(&device, opened.record.0, "holder");
    (stage, Diary { record, last: 0 })
}

fn is_ready(stage: &Stage) -> Result<(), Problem> {
    let wire = stage.wire();
    now(wire.send(wire.request(Method::GET, "/readyz"))).map(drop)
}

fn begin(device: &WireDevice) -> SigningIn {
    now(SigningIn::start(device, device.wire.base())).expect("begins")
}

fn verifies(stage: &Stage, diary: &Diary, labels: usize) {
    let verified = stage.server().carnet(&["verify"]).expect("verifies");
    assert_eq!(verified["wrong"], serde_json::json!([]));
    let mut fresh = WireRecord::new(&diary.record.device, diary.record.record, "holder");
    now(fresh.sync()).expect("an answer");
    assert_eq!(fresh.labels().len(), labels);
    assert!(diary.log() >= labels);
}

#[test]
fn a_clock_that_jumps_while_the_server_runs_stops_neither_time_nor_anybody() {
    let (stage, mut diary) = laid_under();
    let device = diary.record.device.clone();
    let right = diary.write("à l’heure");
    let begun = begin(&device);

    stage.layer().set_clock(-3 * HOUR);
    let behind = diary.write("trois heures avant");
    assert!(behind < Tick(right).0 + 3_600_000_000, "it counts");
    let signed_in = now(begun.finish()).expect("no time has passed");
    diary.signed_in(signed_in);
    diary.write("toujours");
    let begun_behind = begin(&device);

    // Three hours pass for what was begun there.
    stage.layer().set_clock(0);
    let refused = now(begun_behind.finish()).map(drop).expect_err("too late");
    assert_eq!(refused.slug(), "ceremony-refused");
    diary.write("de nouveau à l’heure");
    diary.signed_in(now(device.sign_in()).expect("signs in"));

    // So far ahead at once it is not believed.
    is_ready(&stage).expect("ready");
    let begun = begin(&device);
    stage.layer().set_clock(5 * HOUR);
    assert_eq!(is_ready(&stage).expect_err("astray").slug(), "unavailable");
    let ahead = diary.write("cinq heures après");
    assert!(ahead < right + 3_600_000_000, "not followed");
    diary.signed_in(now(begun.finish()).expect("no time has passed"));
    stage.layer().set_clock(0);
    is_ready(&stage).expect("ready");
    diary.write("à la fin");
    verifies(&stage, &diary, 6);
}

#[test]
fn a_clock_that_jumps_over_a_restart_ends_sessions_and_loses_nothing() {
    let (mut stage, mut diary) = laid_under();
    let device = diary.record.device.clone();
    let right = diary.write("à l’heure");
    let begun = begin(&device);

    // Nobody can tell from a long stop.
    stage.layer().set_clock(40 * DAY);
    stage.stop();
    stage.start();
    diary
        .record
        .create(&allergy("plus tard").writes().expect("stands"));
    let idle = now(diary.record.sync())
        .map(drop)
        .expect_err("idle for long");
    assert_eq!(idle.slug(), "not-signed-in");
    let refused = now(begun.finish()).map(drop).expect_err("too late");
    assert_eq!(refused.slug(), "ceremony-refused");
    let ahead = now(device.sign_in()).expect("signs in");
    diary.signed_in(ahead);
    let told = now(diary.record.sync()).expect("an answer");
    let [Verdict::Accepted(later)] = told.verdicts[..] else {
        panic!("{told:?}");
    };
    assert!(later > right + 39 * 86_400_000_000);
    diary.last = later;

    // It was wrong: time goes on from where it had come, and whoever is signed in stays so.
    stage.layer().set_clock(0);
    stage.stop();
    stage.start();
    let back = diary.write("revenue");
    assert!(back < later + 3_600_000_000, "it counts");
    diary.signed_in(now(device.sign_in()).expect("signs in"));
    diary.write("à l’heure");
    verifies(&stage, &diary, 3);

    // A year and more is not believed at a start, and nothing is touched.
    stage.layer().set_clock(500 * DAY);
    stage.stop();
    let refused = stage.try_start().map(drop).expect_err("far ahead");
    assert!(refused.contains("clock"), "{refused}");
    stage.layer().set_clock(0);
    stage.start();
    diary.write("encore");
}
