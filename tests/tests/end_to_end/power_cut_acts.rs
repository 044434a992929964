//! The power is cut while people sign in, revoke and destroy: both stores tell what they were told.

use carnet_tests::faults::{Disk, Flushes};
use carnet_tests::support::Server;
use carnet_tests::wire_client::{Encoding, Problem, Wire, WireDevice, WireRecord, flat};
use serde_json::json;
use uuid::Uuid;

use super::load::{random, seed};
use super::power_cut::{journal, moments};
use super::stage::{GENEROUS, Stage, allergy, now, program};

const CUTS: usize = 24;

/// What somebody was told.
enum Fact {
    SignedIn(WireDevice),
    SessionEnded(WireDevice),
    DeviceRevoked(WireDevice),
    PasskeyRevoked(WireDevice),
    Destroyed(Uuid),
}

/// Facts, with how far the journal had come when somebody was told, and when they asked for it to be
/// otherwise.
#[derive(Default)]
struct Facts(Vec<(Fact, u64, Option<u64>)>);

impl Facts {
    fn told(&mut self, stage: &Stage, fact: Fact) {
        self.0.push((fact, stage.position(), None));
    }

    /// The device is about to be signed out.
    fn ends(&mut self, stage: &Stage, device: &WireDevice) {
        let session = device.session.session;
        let is_its =
            |fact: &Fact| matches!(fact, Fact::SignedIn(one) if one.session.session == session);
        for (_, _, until) in self.0.iter_mut().filter(|(fact, ..)| is_its(fact)) {
            *until = Some(stage.position());
        }
    }

    fn at(&self, moment: u64) -> impl Iterator<Item = &Fact> {
        let stands = move |from: u64, until: Option<u64>| {
            from <= moment && until.is_none_or(|until| moment < until)
        };
        let facts = self.0.iter();
        let facts = facts.filter(move |(_, from, until)| stands(*from, *until));
        facts.map(|(fact, ..)| fact)
    }
}

fn me(device: &WireDevice) -> Result<(), Problem> {
    let wire = device.wire.speaking(Encoding::Json);
    let me: Result<serde_json::Value, Problem> = now(wire.get("/v1/me", device.token()));
    me.map(drop)
}

fn delete(by: &WireDevice, path: &str) {
    now(by.wire.delete(path, by.token())).expect("revoked");
}

/// What people do, and are told.
fn acts(stage: &Stage, first: &WireDevice, record: &mut WireRecord, entry: Uuid) -> Facts {
    let mut facts = Facts::default();
    facts.told(stage, Fact::SignedIn(first.clone()));
    let json = first.wire.speaking(Encoding::Json);
    let passkeys: serde_json::Value =
        now(json.get("/v1/me/passkeys", first.token())).expect("listed");
    let passkey = passkeys[0]["id"].as_str().expect("a name");
    let invitation: serde_json::Value =
        now(json.post("/v1/me/invitations", first.token(), &json!({}))).expect("an invitation");
    let code = invitation["code"].as_str().expect("a code");
    let second = now(WireDevice::enrol(&first.wire, code)).expect("enrols");
    facts.told(stage, Fact::SignedIn(second.clone()));

    let third = now(second.sign_in_elsewhere()).expect("signs in");
    facts.told(stage, Fact::SignedIn(third.clone()));
    facts.ends(stage, &third);
    delete(&second, &format!("/v1/me/devices/{}", third.device()));
    facts.told(stage, Fact::DeviceRevoked(third));

    let fourth = now(second.sign_in()).expect("signs in");
    facts.told(stage, Fact::SignedIn(fourth.clone()));
    facts.ends(stage, &fourth);
    let session = fourth.session.session;
    delete(&second, &format!("/v1/me/sessions/{session}"));
    facts.told(stage, Fact::SessionEnded(fourth));

    let status = json!({ "status": "wrong-patient", "reason": "dossier de sa sœur" });
    record.edit(entry, flat(&json!({ "status": status.to_string() })));
    let told = now(record.sync()).expect("an answer");
    assert_eq!(told.answer.destroyed, [entry]);
    facts.told(stage, Fact::Destroyed(entry));

    facts.ends(stage, first);
    delete(&second, &format!("/v1/me/passkeys/{passkey}"));
    facts.told(stage, Fact::PasskeyRevoked(first.clone()));
    facts
}

/// The session is none any more.
fn is_out(device: &WireDevice) {
    let refused = me(device).expect_err("signed out");
    assert_eq!(refused.slug(), "not-signed-in");
}

/// Neither does it sign in again.
fn is_refused(device: &WireDevice, why: &str) {
    let refused = now(device.sign_in()).map(drop).expect_err("it was revoked");
    assert_eq!(refused.slug(), why);
}

/// Whether a server knows of what somebody was told.
fn knows(server: &Server, fact: &Fact, record: Uuid, signed_in: Option<&WireDevice>) {
    let there = |device: &WireDevice| WireDevice {
        wire: Wire::new(server.url()),
        ..device.clone()
    };
    match fact {
        Fact::SignedIn(device) => {
            me(&there(device)).expect("still signed in");
            now(there(device).sign_in()).expect("signs in again");
        }
        Fact::SessionEnded(device) => is_out(&there(device)),
        Fact::DeviceRevoked(device) => {
            is_out(&there(device));
            is_refused(&there(device), "device-refused");
        }
        Fact::PasskeyRevoked(device) => {
            is_out(&there(device));
            is_refused(&there(device), "ceremony-refused");
        }
        Fact::Destroyed(entry) => {
            let device = there(signed_in.expect("somebody is"));
            let mut copy = WireRecord::new(&device, record, "holder");
            now(copy.sync()).expect("an answer");
            assert!(!copy.entries.contains_key(entry), "it was destroyed");
        }
    }
}

#[test]
fn what_people_were_told_is_so_after_a_power_cut() {
    let mut random = random(seed(), 0);
    let mut stage = Stage::new();
    let opened = stage.desk("Durand");
    let first = stage.wire_device(&opened.code);
    let mut record = WireRecord::new(&first, opened.record.0, "holder");
    let entry = record.create(&allergy("Latex").writes().expect("stands"));
    record.create(&allergy("Iode").writes().expect("stands"));
    now(record.sync()).expect("an answer");
    stage.stop();
    stage.lay_under();
    let mut disk = Disk::holding(&stage.data(), Flushes::Kept).expect("the data directory");
    stage.start();
    let facts = acts(&stage, &first, &mut record, entry);
    stage.kill();

    let journal = journal(&stage);
    for (number, moment) in moments(&journal, CUTS, &mut random).into_iter().enumerate() {
        disk.play(&journal, moment);
        let left = stage.place(&format!("left-{number}"));
        disk.leave(&mut random, &left).expect("made");
        let server = Server::start_with(&program(), &left, GENEROUS)
            .unwrap_or_else(|error| panic!("byte {moment}: {error}"));
        let signed_in = facts.at(moment).find_map(|fact| match fact {
            Fact::SignedIn(device) => Some(device),
            _ => None,
        });
        for fact in facts.at(moment) {
            knows(&server, fact, record.record, signed_in);
        }
        let verified = server
            .carnet(&["verify"])
            .unwrap_or_else(|error| panic!("byte {moment}: {error}"));
        assert_eq!(verified["wrong"], json!([]), "byte {moment}");
    }
}
