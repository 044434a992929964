//! The wire as `docs/wire.md` describes it, spoken by a client that was written from that page.

use carnet_tests::wire_client::{Problem, WireDevice, WireLive, WireRecord};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use sync_core::RecordId;
use sync_core::codec::Encoding;
use sync_core::entry::Write;
use sync_core::kind::RightDraft;
use sync_core::policy::{Profession, RightKind};
use sync_core::sync::{HoldReason, Refusal, SyncAnswer, Verdict};

use super::stage::{Stage, allergy, condition, note, now, set};

fn stage_with_holder() -> (Stage, WireRecord) {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let device = stage.wire_device(&opened.code);
    let record = WireRecord::new(&device, opened.record, "holder");
    (stage, record)
}

async fn another(record: &WireRecord) -> WireRecord {
    let device = record.device.sign_in_elsewhere().await.expect("signs in");
    WireRecord::new(&device, record.record, "holder")
}

#[test]
fn an_edit_reaches_another_device_in_one_round_trip() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        let told = mine.sync().await.expect("an answer");
        assert!(told.answer.reset, "a new device is told all there is");
        let entry = mine.create(&allergy("Latex").writes().expect("stands"));
        let told = mine.step().await.expect("an answer");
        assert!(matches!(told.verdicts[..], [Verdict::Accepted(_)]));
        assert!(told.answer.news.is_none(), "own edits do not come back");
        assert!(!told.answer.more && !told.answer.reset);

        let mut theirs = another(&mine).await;
        theirs.sync().await.expect("an answer");
        assert_eq!(theirs.labels(), set(["Latex"]));
        theirs.edit(entry, &[Write::set("notes", "gants")]);
        theirs.step().await.expect("an answer");
        let told = mine.step().await.expect("an answer");
        assert_eq!(told.news.into_iter().collect::<Vec<_>>(), [entry]);
        assert!(mine.entries[&entry].texts("notes").contains("gants"));
        let told = mine.step().await.expect("an answer");
        assert!(told.answer.news.is_none(), "told once");
    });
}

#[test]
fn requests_and_answers_may_be_lost_and_repeated() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        mine.sync().await.expect("an answer");
        let before = mine.clone();
        let entry = mine.create(&allergy("Latex").writes().expect("stands"));
        let request = mine.request();
        // The answer is lost; the same request is sent again, twice.
        let first = mine.exchange(&request).await.expect("an answer");
        let second = mine.exchange(&request).await.expect("an answer");
        let Verdict::Accepted(tick) = first.outcomes[0].verdict else {
            panic!("{:?}", first.outcomes);
        };
        assert_eq!(second.outcomes[0].verdict, Verdict::Duplicate(tick));
        mine.take(second.clone());
        assert_eq!(mine.entries[&entry].unsent(), 0);
        // Neither goes on from where the copy stands now.
        assert!(!mine.is_next(&first) && !mine.is_next(&second));

        // An old cursor brings what came after it a second time.
        let mut old = before;
        old.sync().await.expect("an answer");
        assert_eq!(old.labels(), set(["Latex"]));
    });
}

#[test]
fn both_encodings_and_all_codings_say_the_same() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        mine.create(&allergy("Latex").writes().expect("stands"));
        mine.sync().await.expect("an answer");
        let mut readable = another(&mine).await;
        readable.device.wire = readable.device.wire.speaking(Encoding::Json);
        readable.create(&condition("Asthme").writes().expect("stands"));
        readable.sync().await.expect("an answer");
        mine.sync().await.expect("an answer");
        assert_eq!(mine.labels(), set(["Latex", "Asthme"]));
        assert_eq!(readable.labels(), mine.labels());

        let path = format!("/v1/records/{}/sync", mine.record);
        let plain = sync_core::codec::to_cbor(&mine.request());
        for (coding, body) in [
            ("identity", plain.clone()),
            ("zstd", zstd::bulk::compress(&plain, 3).expect("packs")),
        ] {
            // Sent as CBOR, answered as JSON.
            let request = mine
                .device
                .wire
                .request(Method::POST, &path)
                .bearer_auth(&mine.device.session.token)
                .header(CONTENT_TYPE, "application/cbor")
                .header(CONTENT_ENCODING, coding)
                .header(ACCEPT, "application/json")
                .body(body);
            let answer = mine.device.wire.send(request).await.expect(coding);
            assert_eq!(answer.media_type, "application/json");
            let answer: SyncAnswer = serde_json::from_slice(&answer.body).expect("an answer");
            assert!(answer.outcomes.is_empty() && answer.news.is_none());
        }
    });
}

#[test]
fn a_long_record_comes_in_pages() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        let words = "une note assez longue pour remplir une page ".repeat(20);
        for number in 0..60 {
            let note = note(&format!("Note {number}"), &format!("{number} {words}"));
            mine.create(&note.writes().expect("stands"));
        }
        let told = mine.sync().await.expect("an answer");
        assert_eq!(told.verdicts.len(), 60);
        let mut small = another(&mine).await;
        let mut pages = 0;
        loop {
            let request = sync_core::sync::SyncRequest {
                limit: Some(1),
                ..small.request()
            };
            let answer = small.exchange(&request).await.expect("an answer");
            assert_eq!(answer.reset, pages == 0, "the first page begins it");
            pages += 1;
            if !small.take(answer).answer.more {
                break;
            }
        }
        assert!(pages > 2, "{pages} pages");
        assert_eq!(small.labels(), mine.labels());
    });
}

#[test]
fn what_an_edit_follows_must_come_first() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        mine.sync().await.expect("an answer");
        let entry = mine.create(&allergy("Latex").writes().expect("stands"));
        mine.edit(entry, &[Write::set("notes", "gants")]);
        let whole = mine.pending.clone();
        let of = |at: usize| mine.entries[&entry].changes[&whole[at].1].clone();
        let early = mine.request_with(&[of(1)]);
        let answer = mine.exchange(&early).await.expect("an answer");
        let verdict = &answer.outcomes[0].verdict;
        assert_eq!(*verdict, Verdict::Refused(Refusal::Incomplete));
        let both = mine.request_with(&[of(0), of(1)]);
        let answer = mine.exchange(&both).await.expect("an answer");
        for outcome in &answer.outcomes {
            assert!(
                matches!(outcome.verdict, Verdict::Accepted(_)),
                "{outcome:?}"
            );
        }
    });
}

#[test]
fn a_professional_without_the_right_to_write_is_held() {
    let (stage, mut mine) = stage_with_holder();
    let doctor = stage.professional("Lefèvre", Profession::Physician);
    let device = stage.wire_device(&doctor.code);
    now(async {
        let reads = RightDraft {
            write: false,
            ..RightDraft::new(RightKind::Grant, doctor.person)
        };
        mine.create(&reads.writes().expect("stands"));
        mine.create(&allergy("Latex").writes().expect("stands"));
        mine.sync().await.expect("an answer");
        let mut theirs = WireRecord::new(&device, mine.record, "physician");
        theirs.sync().await.expect("open to them");
        assert_eq!(theirs.labels(), set(["Latex"]));
        let entry = theirs.create(&condition("Asthme").writes().expect("stands"));
        theirs.edit(entry, &[Write::set("notes", "à revoir")]);
        let told = theirs.sync().await.expect("an answer");
        assert_eq!(
            told.verdicts,
            [
                Verdict::Held(HoldReason::NotPermitted),
                Verdict::Held(HoldReason::FollowsHeld)
            ]
        );
        assert_eq!(theirs.labels(), set(["Latex"]), "out of the record");
        mine.sync().await.expect("an answer");
        assert_eq!(mine.labels(), set(["Latex"]));
    });
}

#[test]
fn the_live_line_carries_the_same_messages() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        for encoding in [Encoding::Cbor, Encoding::Json] {
            mine.sync().await.expect("an answer");
            let mut theirs = another(&mine).await;
            theirs.device.wire = theirs.device.wire.speaking(encoding);
            let mut line = open(&theirs.device, mine.record).await;
            line.send(&theirs.request()).await;
            theirs.take(line.next().await.expect("an answer"));
            assert_eq!(theirs.labels(), mine.labels());

            // Unasked: what another device writes.
            let label = format!("Latex {encoding:?}");
            mine.create(&allergy(&label).writes().expect("stands"));
            mine.sync().await.expect("an answer");
            let answer = line.next().await.expect("unasked");
            assert!(answer.outcomes.is_empty());
            theirs.take(answer);
            assert!(theirs.labels().contains(&label));

            // Edits go in requests, as over HTTP.
            let own = format!("Asthme {encoding:?}");
            theirs.create(&condition(&own).writes().expect("stands"));
            line.send(&theirs.request()).await;
            let told = theirs.take(line.next().await.expect("an answer"));
            assert!(matches!(told.verdicts[..], [Verdict::Accepted(_)]));
            mine.sync().await.expect("an answer");
            assert!(mine.labels().contains(&own));
        }
    });
}

async fn open(device: &WireDevice, record: RecordId) -> WireLive {
    WireLive::open(device, &record)
        .await
        .expect("the line opens")
}

/// What the server says to a device that asks for part of a record.
async fn answer_to(device: &WireDevice, record: RecordId, what: &str) -> Problem {
    if what == "sync" {
        let answer = WireRecord::new(device, record, "physician").sync().await;
        return answer.map(drop).expect_err("not for them");
    }
    let path = format!("/v1/records/{record}/{what}");
    let wire = device.wire.speaking(Encoding::Json);
    let answer = wire.get::<serde_json::Value>(&path, device.token()).await;
    answer.expect_err("not for them")
}

#[test]
fn to_whoever_holds_nothing_a_record_is_as_one_that_is_not_there() {
    let (stage, mut mine) = stage_with_holder();
    let people =
        ["Lefèvre", "Morel", "Petit"].map(|name| stage.professional(name, Profession::Physician));
    let [stranger, blocked, granted] = people
        .each_ref()
        .map(|entered| stage.wire_device(&entered.code));
    now(async {
        mine.create(&allergy("Latex").writes().expect("stands"));
        for (kind, whom) in [
            (RightKind::Block, &blocked),
            (RightKind::Grant, &granted),
            (RightKind::Block, &granted),
        ] {
            let right = RightDraft::new(kind, whom.person());
            mine.create(&right.writes().expect("stands"));
        }
        mine.sync().await.expect("an answer");
        let nowhere = RecordId(uuid::Uuid::now_v7());
        for what in ["sync", "live", "log", "people"] {
            let missing = answer_to(&stranger, nowhere, what).await;
            assert_eq!((missing.slug(), missing.status), ("not-found", 404));
            // Who was kept out beforehand does not learn that there is a block.
            for device in [&stranger, &blocked] {
                assert_eq!(
                    answer_to(device, mine.record, what).await,
                    missing,
                    "{what}"
                );
            }
        }
        // Who once had a right hears that it has ended, and gets nothing, whatever grant there is.
        for what in ["log", "people"] {
            let missing = answer_to(&stranger, nowhere, what).await;
            assert_eq!(
                answer_to(&granted, mine.record, what).await,
                missing,
                "{what}"
            );
        }
        let mut theirs = WireRecord::new(&granted, mine.record, "physician");
        if let Ok(told) = theirs.sync().await {
            assert!(told.news.is_empty() && theirs.entries.is_empty());
        }
        for device in [&stranger, &blocked, &granted] {
            let wire = device.wire.speaking(Encoding::Json);
            let listed = wire.get("/v1/records", device.token()).await;
            let listed: serde_json::Value = listed.expect("a list");
            assert_eq!(listed["records"], serde_json::json!([]));
        }
    });
}
