//! The wire as `docs/wire.md` describes it, spoken by a client that was written from that page.

use carnet_tests::wire_client::{
    Encoding, FrameChange, HoldReason, Problem, Refusal, Signed, SyncAnswer, SyncRequest, Verdict,
    WireDevice, WireLive, WireRecord, Write, event_member, flat, read_log,
};
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value as Json, json};
use sync_core::policy::Profession;
use uuid::Uuid;

use super::stage::{Stage, now, set};

/// The page that says which keys an entry has.
const KINDS: &str = include_str!("../../../docs/kinds.md");

fn entry(kind: &str, members: Json) -> Vec<Write> {
    let mut map = json!({ "kind": kind, "schema": 1, "status": r#"{"status":"active"}"# });
    let all = map.as_object_mut().expect("a map");
    all.extend(members.as_object().expect("a map").clone());
    flat(&map)
}

fn label(text: &str) -> String {
    json!({ "text": text }).to_string()
}

fn allergy(substance: &str) -> Vec<Write> {
    entry(
        "allergy",
        json!({ "label": label(substance), "criticality": "high" }),
    )
}

fn condition(name: &str) -> Vec<Write> {
    entry("condition", json!({ "label": label(name) }))
}

fn grant(person: Uuid, write: bool) -> Vec<Write> {
    entry(
        "grant",
        json!({ "person": person.to_string(), "write": write }),
    )
}

fn notes(text: &str) -> Vec<Write> {
    flat(&json!({ "notes": text }))
}

/// The page's examples, the people in them replaced by `person`.
fn examples(person: Uuid) -> Vec<Json> {
    let blocks = KINDS.split("```json\n").skip(1);
    blocks
        .map(|block| {
            let text = block.split("```").next().expect("the block ends");
            let mut map: Json = serde_json::from_str(text).expect("an example is JSON");
            if map.get("person").is_some() {
                map["person"] = json!(person.to_string());
            }
            map
        })
        .collect()
}

fn stage_with_holder() -> (Stage, WireRecord) {
    with_holder(Stage::new())
}

fn with_holder(stage: Stage) -> (Stage, WireRecord) {
    let opened = stage.desk("Durand");
    let device = stage.wire_device(&opened.code);
    let record = WireRecord::new(&device, opened.record.0, "holder");
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
        let entry = mine.create(allergy("Latex"));
        let told = mine.step().await.expect("an answer");
        assert!(matches!(told.verdicts[..], [Verdict::Accepted(_)]));
        assert!(told.answer.news.is_none(), "own edits do not come back");
        assert!(!told.answer.more && !told.answer.reset);

        let mut theirs = another(&mine).await;
        theirs.sync().await.expect("an answer");
        assert_eq!(theirs.labels(), set(["Latex"]));
        theirs.edit(entry, notes("gants"));
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
        let entry = mine.create(allergy("Latex"));
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
        mine.create(allergy("Latex"));
        mine.sync().await.expect("an answer");
        let mut readable = another(&mine).await;
        readable.device.wire = readable.device.wire.speaking(Encoding::Json);
        readable.create(condition("Asthme"));
        readable.sync().await.expect("an answer");
        mine.sync().await.expect("an answer");
        assert_eq!(mine.labels(), set(["Latex", "Asthme"]));
        assert_eq!(readable.labels(), mine.labels());

        let path = format!("/v1/records/{}/sync", mine.record);
        let plain = Encoding::Cbor.write(&mine.request());
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
            let text = format!("{number} {words}");
            let title = label(&format!("Note {number}"));
            mine.create(entry("own-note", json!({ "label": title, "text": text })));
        }
        let told = mine.sync().await.expect("an answer");
        assert_eq!(told.verdicts.len(), 60);
        let mut small = another(&mine).await;
        let mut pages = 0;
        loop {
            let request = SyncRequest {
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
        let entry = mine.create(allergy("Latex"));
        mine.edit(entry, notes("gants"));
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
        mine.create(grant(doctor.person.0, false));
        mine.create(allergy("Latex"));
        mine.sync().await.expect("an answer");
        let mut theirs = WireRecord::new(&device, mine.record, "physician");
        theirs.sync().await.expect("open to them");
        assert_eq!(theirs.labels(), set(["Latex"]));
        let entry = theirs.create(condition("Asthme"));
        theirs.edit(entry, notes("à revoir"));
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
            mine.create(allergy(&label));
            mine.sync().await.expect("an answer");
            let answer = line.next().await.expect("unasked");
            assert!(answer.outcomes.is_empty());
            theirs.take(answer);
            assert!(theirs.labels().contains(&label));

            // Edits go in requests, as over HTTP.
            let own = format!("Asthme {encoding:?}");
            theirs.create(condition(&own));
            line.send(&theirs.request()).await;
            let told = theirs.take(line.next().await.expect("an answer"));
            assert!(matches!(told.verdicts[..], [Verdict::Accepted(_)]));
            mine.sync().await.expect("an answer");
            assert!(mine.labels().contains(&own));
        }
    });
}

async fn open(device: &WireDevice, record: Uuid) -> WireLive {
    WireLive::open(device, &record)
        .await
        .expect("the line opens")
}

/// What the server says to a device that asks for part of a record.
async fn answer_to(device: &WireDevice, record: Uuid, what: &str) -> Problem {
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
        mine.create(allergy("Latex"));
        for (kind, whom) in [
            ("block", &blocked),
            ("grant", &granted),
            ("block", &granted),
        ] {
            let person = whom.person().to_string();
            mine.create(entry(kind, json!({ "person": person })));
        }
        mine.sync().await.expect("an answer");
        let nowhere = Uuid::now_v7();
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

#[test]
fn an_entry_of_each_kind_is_taken_as_the_page_shows_it() {
    let (stage, mut mine) = stage_with_holder();
    let doctor = stage.professional("Lefèvre", Profession::Physician);
    now(async {
        mine.sync().await.expect("an answer");
        let examples = examples(doctor.person.0);
        assert!(examples.len() >= 12, "{} examples", examples.len());
        for example in &examples {
            let entry = mine.create(flat(example));
            mine.edit(entry, notes("relu"));
        }
        let told = mine.sync().await.expect("an answer");
        assert_eq!(told.verdicts.len(), 2 * examples.len());
        for verdict in &told.verdicts {
            assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        }
        let mut theirs = another(&mine).await;
        theirs.sync().await.expect("an answer");
        assert_eq!(theirs.entries.len(), mine.entries.len());
        for (id, entry) in &mine.entries {
            assert_eq!(theirs.entries[id].values(), entry.values());
        }
    });
}

#[test]
fn other_rights_start_a_full_resend() {
    let (stage, mut mine) = stage_with_holder();
    let doctor = stage.professional("Lefèvre", Profession::Physician);
    let device = stage.wire_device(&doctor.code);
    now(async {
        let right = mine.create(grant(doctor.person.0, true));
        mine.create(allergy("Latex"));
        let hidden = mine.create(allergy("Iode"));
        mine.edit(hidden, flat(&json!({ "hidden-from-professionals": true })));
        mine.sync().await.expect("an answer");
        let mut theirs = WireRecord::new(&device, mine.record, "physician");
        theirs.sync().await.expect("open to them");
        assert_eq!(theirs.labels(), set(["Latex"]));
        assert!(!theirs.step().await.expect("an answer").answer.reset);

        let person = doctor.person.to_string();
        let treating = mine.create(entry("treating-physician", json!({ "person": person })));
        mine.sync().await.expect("an answer");
        let told = theirs.step().await.expect("an answer");
        assert!(told.answer.reset, "other rights");
        assert_eq!(theirs.labels(), set(["Latex", "Iode"]));

        let revoked = flat(&json!({ "status": r#"{"status":"revoked"}"# }));
        mine.edit(treating, revoked);
        mine.sync().await.expect("an answer");
        let told = theirs.step().await.expect("an answer");
        assert!(told.answer.reset && told.answer.forget.is_empty());
        assert_eq!(theirs.labels(), set(["Latex"]), "the rest is dropped");
        assert!(
            theirs.entries.contains_key(&right),
            "whom it names knows of it"
        );

        // The same rights, less to see: it is listed.
        let labelled = |id: &&Uuid| theirs.entries[*id].label().is_some();
        let latex = *told.news.iter().find(labelled).expect("sent again");
        mine.edit(latex, flat(&json!({ "hidden-from-professionals": true })));
        mine.sync().await.expect("an answer");
        let told = theirs.step().await.expect("an answer");
        assert!(!told.answer.reset);
        assert_eq!(told.answer.forget, [latex]);
        assert!(theirs.labels().is_empty());
    });
}

/// A doctor who wrote in good faith, and a holder who meanwhile lets them only read.
#[test]
fn an_edit_made_in_good_faith_is_told_to_the_holder_and_its_decision_to_the_author() {
    let (stage, mut mine) = stage_with_holder();
    let doctor = stage.professional("Lefèvre", Profession::Physician);
    let device = stage.wire_device(&doctor.code);
    now(async {
        let right = mine.create(grant(doctor.person.0, true));
        mine.sync().await.expect("an answer");
        let mut theirs = WireRecord::new(&device, mine.record, "physician");
        theirs.sync().await.expect("open to them");
        let asthma = theirs.create(condition("Asthme"));
        let (_, change) = theirs.pending[0];
        mine.edit(right, flat(&json!({ "write": false })));
        mine.sync().await.expect("an answer");

        let told = theirs.sync().await.expect("an answer");
        let held = Verdict::Held(HoldReason::NoLongerPermitted);
        assert_eq!(told.verdicts, [held]);
        assert!(theirs.labels().is_empty(), "out of the record");

        mine.sync().await.expect("an answer");
        let told = mine.held.last().expect("the holder is told").clone();
        assert_eq!((told.edit.entry, told.settled), (asthma, None));
        assert_eq!(told.reason, HoldReason::NoLongerPermitted);
        let author = told.edit.origin.member("p").into_bytes();
        assert_eq!(author.expect("bytes"), doctor.person.0.as_bytes());
        mine.create(entry(
            "review-decision",
            json!({
                "item": format!("held-edit/{change}"),
                "decision": "discard",
                "change": change.to_string(),
            }),
        ));
        mine.sync().await.expect("an answer");
        theirs.sync().await.expect("an answer");
        let told = theirs.held.last().expect("the author is told");
        assert_eq!(told.edit.entry, asthma);
        assert_eq!(told.settled.as_deref(), Some("discarded"));
    });
}

/// One edit, or several of which the last is judged.
async fn refused(record: &WireRecord, changes: &[FrameChange]) -> Refusal {
    let answer = record.exchange(&record.request_with(changes)).await;
    let mut outcomes = answer.expect("an answer").outcomes;
    match outcomes.pop().expect("an outcome").verdict {
        Verdict::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_refusal_has_its_code() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        let latex = mine.create(allergy("Latex"));
        mine.sync().await.expect("an answer");
        let good = mine.make(latex, notes("gants"));

        let mut cut = good.clone();
        cut.change.truncate(40);
        assert_eq!(refused(&mine, &[cut]).await, Refusal::Malformed);

        let mut unsigned = good.clone();
        unsigned.signature[0] ^= 1;
        assert_eq!(refused(&mine, &[unsigned]).await, Refusal::NotAuthentic);

        let mut ahead = mine.clone();
        ahead.edit(latex, notes("gants"));
        let follows = ahead.make(latex, notes("gants, masque"));
        assert_eq!(refused(&mine, &[follows]).await, Refusal::Incomplete);

        let invalid = mine.make(latex, flat(&json!({ "criticality": "utterly" })));
        assert_eq!(refused(&mine, &[invalid]).await, Refusal::Invalid);

        let twin = mine.make(latex, notes("masque"));
        let twins = [good.clone(), twin];
        assert_eq!(refused(&mine, &twins).await, Refusal::Equivocation);

        let mut forged = mine.clone();
        let seen = forged.checkpoint.as_mut().expect("a checkpoint");
        *seen = Signed {
            payload: seen.payload.iter().copied().chain([0]).collect::<Vec<_>>()[..].into(),
            ..seen.clone()
        };
        let unknown = forged.make(latex, notes("vu"));
        assert_eq!(refused(&mine, &[unknown]).await, Refusal::UnknownCheckpoint);
    });
}

/// Frames of before and of after this version look alike up to their third byte.
#[test]
fn a_frame_of_another_version_is_named_as_such_and_nothing_of_it_is_kept() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        mine.create(allergy("Latex"));
        for version in [1, 3] {
            let mut request = mine.request();
            request.edits.as_mut().expect("an edit").0[2] = version;
            let problem = mine.exchange(&request).await.expect_err("not taken");
            assert_eq!((problem.status, problem.slug()), (400, "malformed"));
            let detail = problem.detail.expect("it says why");
            assert!(detail.contains("version"), "{detail}");
        }
        let verdicts = mine.sync().await.expect("an answer").verdicts;
        let taken = matches!(verdicts[..], [Verdict::Accepted(_)]);
        assert!(taken, "for the first time: {verdicts:?}");
    });
}

#[test]
fn an_entry_that_is_full_takes_no_more() {
    let (_stage, mut mine) = stage_with_holder();
    now(async {
        let entry = mine.create(allergy("Latex"));
        mine.sync().await.expect("an answer");
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        // Each change adds what does not compress, under a key that no table names.
        let mut taken = 0;
        let refused = loop {
            let text: String = (0..60_000)
                .map(|_| char::from(random.random_range(b' '..=b'~')))
                .collect();
            let mut map = serde_json::Map::new();
            map.insert(format!("x-{taken}"), text.into());
            mine.edit(entry, flat(&Json::Object(map)));
            match mine.step().await.expect("an answer").verdicts.remove(0) {
                Verdict::Accepted(_) => taken += 1,
                other => break other,
            }
            assert!(taken < 40, "1 MiB is passed");
        };
        assert_eq!(refused, Verdict::Refused(Refusal::EntryFull));
        assert!(taken > 10, "{taken}");
    });
}

#[test]
fn a_record_that_is_full_takes_what_hides_something_and_nothing_new() {
    let (_stage, mut mine) = with_holder(Stage::with(&["--record-bytes", "1"]));
    now(async {
        let first = mine.create(allergy("Latex"));
        mine.sync().await.expect("an answer");
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        let mut taken = 0;
        let refused = loop {
            let text: String = (0..60_000)
                .map(|_| char::from(random.random_range(b' '..=b'~')))
                .collect();
            let mut map = serde_json::Map::new();
            map.insert("x-long".to_owned(), text.into());
            let entry = mine.create(allergy("Iode"));
            mine.edit(entry, flat(&Json::Object(map)));
            let told = mine.step().await.expect("an answer").verdicts.pop();
            match told.expect("a verdict") {
                Verdict::Accepted(_) => taken += 1,
                other => break other,
            }
            assert!(taken < 40, "1 MiB is passed");
        };
        assert_eq!(refused, Verdict::Refused(Refusal::RecordFull));
        assert!(taken > 10, "{taken}");
        mine.edit(first, flat(&json!({ "hidden-from-professionals": true })));
        let told = mine.step().await.expect("an answer").verdicts.pop();
        assert!(matches!(told, Some(Verdict::Accepted(_))), "{told:?}");
    });
}

#[test]
fn the_holder_verifies_the_access_log() {
    let (stage, mut mine) = stage_with_holder();
    let doctor = stage.professional("Lefèvre", Profession::Physician);
    let device = stage.wire_device(&doctor.code);
    now(async {
        mine.create(grant(doctor.person.0, true));
        mine.create(allergy("Latex"));
        mine.sync().await.expect("an answer");
        let mut theirs = WireRecord::new(&device, mine.record, "physician");
        theirs.sync().await.expect("open to them");
        theirs.create(condition("Asthme"));
        theirs.sync().await.expect("an answer");
        mine.sync().await.expect("an answer");

        let witnesses: Vec<Vec<u8>> = mine
            .checkpoints
            .iter()
            .map(|checkpoint| checkpoint.member("a").into_bytes().expect("bytes"))
            .collect();
        for (encoding, limit) in [(Encoding::Cbor, 1_000), (Encoding::Json, 3)] {
            let mut device = mine.device.clone();
            device.wire = device.wire.speaking(encoding);
            for witness in &witnesses {
                let log = read_log(&device, mine.record, witness, limit).await;
                let log = log.expect("the holder's own");
                let by_doctor = log.iter().filter(|event| {
                    let person = event_member(event, "p").and_then(|person| person.as_bytes());
                    person.map(Vec::as_slice) == Some(&doctor.person.0.as_bytes()[..])
                });
                let acts: Vec<&str> = by_doctor
                    .filter_map(|event| event_member(event, "a")?.as_text())
                    .collect();
                assert!(
                    acts.contains(&"read") && acts.contains(&"write"),
                    "{acts:?}"
                );
            }
        }
        // To others the checkpoint names something else, from which nothing can be told.
        let theirs = theirs.checkpoints.last().expect("a checkpoint").member("a");
        assert!(!witnesses.contains(&theirs.into_bytes().expect("bytes")));
    });
}

#[test]
fn the_wire_client_shares_no_code_with_what_it_tests() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folder = std::fs::read_dir(source.join("wire_client")).expect("its folder");
    let inside = folder.map(|file| file.expect("a file").path());
    let files: Vec<_> = inside.chain([source.join("wire_client.rs")]).collect();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("source is text");
        for shared in ["sync_core", "carnet_mobile", "server::", "crate::"] {
            assert!(!text.contains(shared), "{} uses {shared}", file.display());
        }
    }
}
