//! What a hostile client sends: it gets a problem, never a failure of the server, which stays up
//! and tells its log nothing of anybody.

use carnet_tests::wire_client::{
    Bytes, Encoding, Problem, Refusal, SyncRequest, Verdict, WireLive, WireRecord,
};
use ciborium::Value as Cbor;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use sync_core::entry::Write;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use super::stage::{Stage, allergy, now};

/// A holder's wire client, with one entry in the record.
fn stage_with_record() -> (Stage, WireRecord, Uuid) {
    let stage = Stage::new();
    let opened = stage.desk("Quatrefages");
    let device = stage.wire_device(&opened.code);
    let mut record = WireRecord::new(&device, opened.record.0, "holder");
    let entry = record.create(&allergy("Zylophénicilline").writes().expect("stands"));
    let told = now(record.sync()).expect("the server answers");
    assert!(matches!(told.verdicts[..], [Verdict::Accepted(_)]));
    (stage, record, entry)
}

/// Posts bytes to where the record is synced.
async fn post(
    record: &WireRecord,
    media_type: &str,
    coding: Option<&str>,
    body: Vec<u8>,
) -> Result<(), Problem> {
    let path = format!("/v1/records/{}/sync", record.record);
    let wire = &record.device.wire;
    let mut request = wire
        .request(Method::POST, &path)
        .header(
            AUTHORIZATION,
            format!("Bearer {}", record.device.session.token),
        )
        .header(CONTENT_TYPE, media_type)
        .body(body);
    if let Some(coding) = coding {
        request = request.header(CONTENT_ENCODING, coding);
    }
    wire.send(request).await.map(drop)
}

/// A copy of the record on a fresh sign-in sees what it should.
async fn still_serves(record: &WireRecord) {
    let device = record.device.sign_in_elsewhere().await.expect("signs in");
    let mut fresh = WireRecord::new(&device, record.record, "holder");
    fresh.sync().await.expect("the server answers");
    assert!(fresh.labels().contains("Zylophénicilline"));
}

/// What it is, its media type and coding, the bytes, and the problem that answers them.
type Case = (
    &'static str,
    &'static str,
    Option<&'static str>,
    Vec<u8>,
    &'static str,
);

#[test]
fn bodies_that_cannot_be_read_are_problems() {
    let (stage, record, _) = stage_with_record();
    let cbor = "application/cbor";
    let json = "application/json";
    let zeroes = vec![0; 256 << 20];
    let bomb = zstd::bulk::compress(&zeroes, 19).expect("packs");
    drop(zeroes);
    assert!(bomb.len() < 100_000);
    let good = Encoding::Cbor.write(&record.request());
    let mut trailing = good.clone();
    trailing.push(0);
    let nested = vec![0x81; 100_000];
    // An array that claims 2^60 members.
    let vast = [&[0x9b][..], &(1_u64 << 60).to_be_bytes()].concat();
    let cases: Vec<Case> = vec![
        ("oversized", cbor, None, vec![0; 9 << 20], "too-large"),
        ("a bomb", cbor, Some("zstd"), bomb, "too-large"),
        ("not zstd", cbor, Some("zstd"), good.clone(), "malformed"),
        ("not gzip", json, Some("gzip"), b"{}".to_vec(), "malformed"),
        ("not brotli", json, Some("br"), vec![0xff; 64], "malformed"),
        (
            "unknown coding",
            cbor,
            Some("lzma"),
            good.clone(),
            "unsupported-media",
        ),
        ("no body", cbor, None, Vec::new(), "malformed"),
        ("garbage", cbor, None, vec![0xff; 300], "malformed"),
        ("trailing bytes", cbor, None, trailing, "malformed"),
        ("deep nesting", cbor, None, nested, "malformed"),
        ("vast length", cbor, None, vast, "malformed"),
        ("not an object", json, None, b"[]".to_vec(), "malformed"),
        ("not JSON", json, None, b"{\"v\":".to_vec(), "malformed"),
        ("not UTF-8", json, None, vec![b'"', 0xff, b'"'], "malformed"),
        (
            "another type",
            "text/plain",
            None,
            good.clone(),
            "unsupported-media",
        ),
        (
            "a form",
            "application/x-www-form-urlencoded",
            None,
            good,
            "unsupported-media",
        ),
    ];
    now(async {
        for (what, media_type, coding, body, slug) in cases {
            let problem = post(&record, media_type, coding, body)
                .await
                .expect_err(what);
            assert_eq!(problem.slug(), slug, "{what}: {problem:?}");
        }
        still_serves(&record).await;
    });
    says_nothing(&stage);
}

#[test]
fn paths_and_methods_that_are_not_there_are_problems() {
    let (stage, record, _) = stage_with_record();
    let wire = record.device.wire.clone();
    let token = record.device.session.token.clone();
    now(async {
        for (method, path) in [
            (Method::GET, "/nothing"),
            (Method::GET, "/v1/records/not-a-uuid/log"),
            (
                Method::POST,
                "/v1/records/00000000-0000-0000-0000-000000000000/sync/x",
            ),
            (Method::DELETE, "/v1/me"),
            (Method::PUT, "/v1/me/devices/%00"),
            (Method::DELETE, "/v1/me/passkeys/%F0%9F%92%A9"),
            (Method::DELETE, "/v1/me/devices/AAAA"),
            (Method::POST, "/v1/professionals/search"),
            (Method::GET, "/v1/records/..%2f..%2fetc/log"),
        ] {
            let request = wire.request(method, path).bearer_auth(&token);
            let problem = wire.send(request).await.map(drop).expect_err(path);
            assert!(problem.status < 500, "{path}: {problem:?}");
        }
        for bearer in [
            "",
            "x",
            "Bearer",
            "Bearer \u{e9}",
            "Basic eDp5",
            &"A".repeat(5_000),
        ] {
            let request = wire.request(Method::GET, "/v1/me");
            let value = reqwest::header::HeaderValue::from_bytes(bearer.as_bytes());
            let request = request.header(AUTHORIZATION, value.expect("a header"));
            let problem = wire.send(request).await.map(drop).expect_err("nobody");
            assert_eq!(problem.slug(), "not-signed-in", "{bearer}");
        }
        still_serves(&record).await;
    });
    says_nothing(&stage);
}

/// The members of an origin.
type Stated = Vec<(Cbor, Cbor)>;

#[test]
fn forged_edits_are_refused_each_for_its_reason() {
    let (stage, record, entry) = stage_with_record();
    let writes = [Write::set("notes", "Kystalgie")];
    let good = record.make(entry, &writes);
    let other = now(record.device.sign_in_elsewhere()).expect("signs in");
    let stranger = stage.professional("Lefèvre", sync_core::policy::Profession::Physician);
    let set = |name: &'static str, value: Cbor| {
        move |stated: &mut Stated| {
            stated.retain(|(key, _)| key.as_text() != Some(name));
            stated.push((Cbor::from(name), value));
        }
    };
    let bytes = |bytes: &[u8]| Cbor::Bytes(bytes.to_vec());
    let vouch = |bend: Box<dyn FnOnce(&mut Stated)>| record.vouch(entry, good.change.clone(), bend);
    let mut damaged = good.clone();
    damaged.signature[5] ^= 1;
    let mut moved = good.clone();
    moved.entry = Uuid::now_v7();
    let mut cut = good.clone();
    cut.change.truncate(40);
    let mut unsummed = good.clone();
    unsummed.change[5] ^= 1;
    let mut elsewhere = WireRecord::new(&other, record.record, "holder");
    elsewhere.entries = record.entries.clone();
    let own = elsewhere.make(entry, &writes);
    let mut strange = WireRecord::new(
        &stage.wire_device(&stranger.code),
        record.record,
        "physician",
    );
    strange.entries = record.entries.clone();
    let theirs = strange.make(entry, &writes);
    let seen = Cbor::Map(vec![
        (Cbor::from("l"), bytes(&[7; 16])),
        (Cbor::from("t"), Cbor::from(u64::MAX)),
        (Cbor::from("d"), bytes(&[7; 16])),
    ]);
    let invalid = record.make(entry, &[Write::set("criticality", "utterly")]);
    let unkinded = record.make(
        Uuid::now_v7(),
        &[Write::set("label", "{\"text\":\"Kystalgie\"}")],
    );
    let cases = vec![
        ("a damaged signature", damaged, Refusal::NotAuthentic),
        ("another entry's", moved, Refusal::NotAuthentic),
        ("another person's", theirs, Refusal::NotAuthentic),
        (
            "another author",
            vouch(Box::new(set("p", bytes(stranger.person.as_bytes())))),
            Refusal::NotAuthentic,
        ),
        (
            "another device named",
            vouch(Box::new(set("d", bytes(&other.device())))),
            Refusal::NotAuthentic,
        ),
        (
            "another incarnation named",
            vouch(Box::new(set("i", bytes(&[9; 16])))),
            Refusal::NotAuthentic,
        ),
        (
            "on behalf of oneself",
            vouch(Box::new(set("o", bytes(record.device.person().as_bytes())))),
            Refusal::NotAuthentic,
        ),
        (
            "an origin that is none",
            vouch(Box::new(|stated: &mut Stated| stated.clear())),
            Refusal::NotAuthentic,
        ),
        (
            "a checkpoint of the future",
            vouch(Box::new(set("s", seen))),
            Refusal::UnknownCheckpoint,
        ),
        ("a piece of a change", cut, Refusal::Malformed),
        ("a wrong checksum", unsummed, Refusal::Malformed),
        ("a code that is none", invalid, Refusal::Invalid),
        ("an entry of no kind", unkinded, Refusal::Malformed),
    ];
    now(async {
        for (what, change, why) in cases {
            let request = record.request_with(std::slice::from_ref(&change));
            let answer = record.exchange(&request).await.expect("an answer");
            assert_eq!(answer.outcomes.len(), 1, "{what}");
            assert_eq!(answer.outcomes[0].verdict, Verdict::Refused(why), "{what}");
        }
        // For what another device of theirs signed whoever is signed in vouches.
        for taken in [own, good] {
            let answer = record.exchange(&record.request_with(&[taken])).await;
            let answer = answer.expect("an answer");
            let verdict = &answer.outcomes[0].verdict;
            assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        }
        still_serves(&record).await;
    });
    says_nothing(&stage);
}

#[test]
fn two_changes_with_one_number_are_not_both_taken() {
    let (stage, mut record, entry) = stage_with_record();
    // The store was put back after its edit had gone out: it numbers another edit the same.
    let first = record.make(entry, &[Write::set("notes", "Kystalgie")]);
    let second = record.make(entry, &[Write::set("notes", "Rhumarthrose")]);
    now(async {
        let both = record.request_with(&[first.clone(), second.clone()]);
        let answer = record.exchange(&both).await.expect("an answer");
        let verdicts: Vec<_> = answer.outcomes.iter().map(|o| &o.verdict).collect();
        assert!(matches!(verdicts[0], Verdict::Accepted(_)), "{verdicts:?}");
        assert_eq!(*verdicts[1], Verdict::Refused(Refusal::Equivocation));
        // Said again, alone: the first is there already, the second still is not.
        let again = record.exchange(&record.request_with(&[first])).await;
        let again = again.expect("an answer");
        assert!(matches!(again.outcomes[0].verdict, Verdict::Duplicate(_)));
        let again = record.exchange(&record.request_with(&[second])).await;
        let verdict = again.expect("an answer").outcomes.remove(0).verdict;
        assert_eq!(verdict, Verdict::Refused(Refusal::Equivocation));
        record.sync().await.expect("the server answers");
        assert_eq!(
            record.entries[&entry]
                .texts("notes")
                .into_iter()
                .collect::<Vec<_>>(),
            ["Kystalgie"]
        );
    });
    says_nothing(&stage);
}

#[test]
fn requests_that_lie_about_themselves_are_refused() {
    let (stage, record, _) = stage_with_record();
    let other = now(record.device.sign_in_elsewhere()).expect("signs in");
    let honest = record.request();
    let slug = |request: SyncRequest| {
        let problem = now(record.exchange(&request)).map(drop);
        problem.expect_err("it is refused").slug().to_owned()
    };
    let foreign_device = SyncRequest {
        device: other.device(),
        ..honest.clone()
    };
    assert_eq!(slug(foreign_device), "device-refused");
    let damaged = |at: usize| {
        let edit = record.make(
            Uuid::now_v7(),
            &allergy("Kystalgie").writes().expect("stands"),
        );
        let mut request = record.request_with(&[edit]);
        let mut frame = request.edits.take().expect("a frame").0;
        let at = at.min(frame.len() - 1);
        frame[at] ^= 0x40;
        request.edits = Some(Bytes(frame));
        request
    };
    for at in [0, 2, 3, 4, 8, 20, usize::MAX] {
        assert_eq!(slug(damaged(at)), "malformed", "byte {at}");
    }
    // The last bytes of both lengths.
    for at in [7, 11] {
        assert_eq!(slug(damaged(at)), "too-large", "byte {at}");
    }

    // A cursor that is not this device's own, or nothing at all, only costs a full resend.
    let mut elsewhere = WireRecord::new(&other, record.record, "holder");
    now(elsewhere.sync()).expect("the server answers");
    for cursor in [
        Bytes(vec![0; 7]),
        Bytes(vec![0xa5; 4_000]),
        Bytes(
            honest
                .cursor
                .as_ref()
                .expect("a cursor")
                .iter()
                .rev()
                .copied()
                .collect(),
        ),
    ] {
        let cursor = Some(cursor);
        let request = SyncRequest {
            cursor,
            ..honest.clone()
        };
        let answer = now(record.exchange(&request)).expect("an answer");
        assert!(answer.reset && answer.news.is_some(), "starts over");
    }
    let request = SyncRequest { v: 2, ..honest };
    let answer = now(record.exchange(&request));
    assert_eq!(
        answer.map(drop).expect_err("not spoken here").slug(),
        "malformed"
    );
    now(still_serves(&record));
    says_nothing(&stage);
}

#[test]
fn a_cursor_of_another_person_tells_nothing() {
    let (stage, mut record, _) = stage_with_record();
    let doctor = stage.professional("Lefèvre", sync_core::policy::Profession::Physician);
    let right =
        sync_core::kind::RightDraft::new(sync_core::policy::RightKind::Grant, doctor.person);
    record.create(&right.writes().expect("stands"));
    let mut hidden = allergy("Kystalgie");
    hidden.common.visibility.hidden_from_professionals = true;
    record.create(&hidden.writes().expect("stands"));
    now(record.sync()).expect("the server answers");
    let device = stage.wire_device(&doctor.code);
    let mut theirs = WireRecord::new(&device, record.record, "physician");
    theirs.cursor = record.cursor.clone();
    theirs.checkpoint = None;
    let told = now(theirs.sync()).expect("an answer");
    assert!(told.answer.reset, "not theirs: starts over");
    assert!(theirs.labels().contains("Zylophénicilline"));
    assert!(!theirs.labels().contains("Kystalgie"));
}

#[test]
fn nonsense_on_the_live_line_ends_it_and_nothing_else() {
    let (stage, record, _) = stage_with_record();
    now(async {
        for message in [
            Message::Binary(vec![0xff; 100].into()),
            Message::Text("{\"v\":".into()),
            Message::Binary(vec![0; 5 << 20].into()),
        ] {
            let mut live = WireLive::open(&record.device, &record.record)
                .await
                .expect("opens");
            // The server may close before it has all of it.
            live.try_send(message).await;
            assert!(live.next().await.is_none(), "closed");
        }
        still_serves(&record).await;
    });
    says_nothing(&stage);
}

#[test]
fn a_crowd_of_half_requests_does_not_stop_the_others() {
    use std::io::Write as _;
    let (stage, record, _) = stage_with_record();
    let address = stage
        .server()
        .url()
        .trim_start_matches("http://")
        .to_owned();
    let crowd: Vec<std::net::TcpStream> = (0..50)
        .map(|number| {
            let mut stream = std::net::TcpStream::connect(&address).expect("connects");
            let sent = write!(
                stream,
                "POST /v1/sign-in/start HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{{",
                100 + number
            );
            sent.expect("sent");
            stream
        })
        .collect();
    now(still_serves(&record));
    drop(crowd);
    now(still_serves(&record));
    says_nothing(&stage);
}

/// Neither content nor identity is in the log, nor did anything fail or panic.
fn says_nothing(stage: &Stage) {
    let logs = stage.logs();
    for planted in [
        "Zylophénicilline",
        "Kystalgie",
        "Rhumarthrose",
        "Quatrefages",
        "Lefèvre",
    ] {
        assert!(!logs.contains(planted), "{planted} is in the log");
    }
    for failure in ["panicked", "ERROR"] {
        assert!(!logs.contains(failure), "{logs}");
    }
}
