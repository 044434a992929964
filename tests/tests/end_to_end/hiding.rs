//! Hiding an entry: to those who may not see it, it does not exist.

use carnet_tests::support::{Copy, add_caregiver};
use carnet_tests::wire_client::{Encoding, Refusal, SyncAnswer, Verdict, WireLive, WireRecord};
use sync_core::EntryId;
use sync_core::entry::{HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, Write};
use sync_core::kind::{AllergyDraft, AllergyPatch, RightDraft};
use sync_core::policy::{Profession, RightKind};

use super::stage::{
    Stage, allergy, condition, flags, labels, now, set, sync, sync_all, to_review, view,
};

fn has(copy: &Copy, entry: &EntryId) -> bool {
    copy.entry(entry).expect("the store is whole").is_some()
}

#[test]
fn a_hidden_entry_is_forgotten_by_all_but_those_who_may_see_it() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let awa = stage.caregiver("Diallo");
    let granted = stage.on_phone("Morel", Profession::Physician);
    let treating = stage.on_phone("Petit", Profession::Physician);
    let sharing = &mine.record;
    sharing
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    sharing.grant(granted.id(), true, None).expect("grants");
    sharing
        .set_treating_physician(treating.id())
        .expect("names her doctor");
    let none = AllergyDraft::none_known("Aucune allergie connue");
    mine.add(none).expect("added");
    sync(&mine);
    // Written without knowing of the first, on another phone.
    let tablet = camille.invite(&stage, "tablet");
    let other = tablet.copy(record);
    let secret = other.add(allergy("Latex")).expect("added");
    other.add(condition("Asthme")).expect("added");
    sync(&other);
    sync(&mine);

    let [of_awa, of_granted, of_treating] =
        [&awa, &granted, &treating].map(|who| who.synced(record));
    for copy in [&mine, &of_awa, &of_granted, &of_treating] {
        assert!(labels(copy).contains("Latex"));
        assert!(to_review(copy).contains("no-known-allergy-contradicted"));
    }

    mine.record.hide(secret.to_string()).expect("hides");
    sync(&mine);
    for copy in [&of_awa, &of_granted] {
        let told = sync(copy);
        assert_eq!(told.gone, 1);
        assert_eq!(labels(copy), set(["Asthme", "Aucune allergie connue"]));
        assert!(!has(copy, &secret), "not in the store either");
        assert!(flags(copy).is_empty(), "no flag betrays it");
        assert!(to_review(copy).is_empty(), "nor the list");
        let seen = copy.record.state().expect("a state").entries;
        // Two clinical entries, and the right that names this person.
        assert_eq!(seen, 3, "nor a count");
    }
    sync(&of_treating);
    for copy in [&mine, &of_treating] {
        assert!(labels(copy).contains("Latex"));
        assert!(view(copy, "Latex").visibility.hidden_from_professionals);
        assert!(to_review(copy).contains("no-known-allergy-contradicted"));
    }

    // Edits of it go on unseen; shown again, it is as everybody else has it.
    let patch = AllergyPatch {
        substance: Some("Latex naturel".into()),
        ..AllergyPatch::default()
    };
    of_treating.edit(secret, patch).expect("the doctor edits");
    sync_all(&[&of_treating, &mine]);
    for copy in [&of_awa, &of_granted] {
        let told = sync(copy);
        assert_eq!((told.received, told.changed, told.gone), (0, 0, 0));
    }
    mine.record.unhide(secret.to_string()).expect("shows");
    sync_all(&[&mine, &of_awa, &of_granted]);
    for copy in [&mine, &of_awa, &of_granted] {
        assert!(labels(copy).contains("Latex naturel"));
    }
    assert_eq!(flags(&of_awa), flags(&mine));
}

#[test]
fn an_edit_of_what_was_hidden_meanwhile_is_not_lost() {
    let stage = Stage::new();
    let (camille, record) = stage.holder("Durand");
    let mine = camille.synced(record);
    let awa = stage.caregiver("Diallo");
    mine.record
        .delegate(awa.id(), "caregiver".to_owned(), None, None)
        .expect("delegates");
    let entry = mine.add(allergy("Latex")).expect("added");
    sync(&mine);
    let theirs = awa.synced(record);
    awa.phone.set_offline(true).expect("in the country");
    let patch = AllergyPatch {
        substance: Some("Latex naturel".into()),
        ..AllergyPatch::default()
    };
    theirs.edit(entry, patch).expect("edits");
    mine.record.hide(entry.to_string()).expect("hides");
    sync(&mine);
    awa.phone.set_offline(false).expect("back");
    let told = sync(&theirs);
    assert_eq!((told.accepted, told.held), (0, 1));
    assert!(labels(&theirs).is_empty());
    sync(&mine);
    assert_eq!(labels(&mine), set(["Latex"]));
    assert!(to_review(&mine).contains("held-edit"));
}

/// The edit arrived, its answer did not, and no cursor of the phone knows of the entry.
#[test]
fn an_entry_hidden_before_its_author_had_the_answer_is_forgotten() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let awa = add_caregiver(stage.server(), "Diallo", "Awa").expect("entered");
    let mut mine = WireRecord::new(&stage.wire_device(&opened.code), opened.record.0, "holder");
    let device = stage.wire_device(&awa.code);
    let mut theirs = WireRecord::new(&device, opened.record.0, "caregiver");
    theirs.on_behalf_of = Some(mine.device.person());
    now(async {
        let delegation = RightDraft::new(RightKind::Delegation, awa.person);
        mine.create(&delegation.writes().expect("stands"));
        mine.sync().await.expect("an answer");
        theirs.sync().await.expect("an answer");

        let entry = theirs.create(&allergy("Latex").writes().expect("stands"));
        let lost = theirs.exchange(&theirs.request()).await;
        let lost = lost.expect("an answer that does not arrive");
        assert!(matches!(lost.outcomes[0].verdict, Verdict::Accepted(_)));
        mine.sync().await.expect("an answer");
        mine.edit(entry, &[Write::set(HIDDEN_FROM_REPRESENTATIVES, true)]);
        mine.sync().await.expect("an answer");

        let told = theirs.sync().await.expect("an answer");
        assert!(matches!(told.verdicts[..], [Verdict::Duplicate(_)]));
        assert_eq!(told.answer.forget, [entry]);
        assert!(!theirs.entries.contains_key(&entry));
        assert!(mine.entries.contains_key(&entry));
        let quiet = theirs.sync().await.expect("an answer");
        assert!(quiet.answer.forget.is_empty() && quiet.news.is_empty());
    });
}

/// What a granted doctor's client gets, byte for byte, does not depend on what is hidden.
#[test]
fn the_wire_tells_nothing_of_it() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let doctor = stage.professional("Morel", Profession::Physician);
    let mut mine = WireRecord::new(&stage.wire_device(&opened.code), opened.record.0, "holder");
    let device = stage.wire_device(&doctor.code);
    let mut theirs = WireRecord::new(&device, opened.record.0, "physician");
    let hide = [Write::set(HIDDEN_FROM_PROFESSIONALS, true)];
    now(async {
        let grant = RightDraft::new(RightKind::Grant, doctor.person);
        mine.create(&grant.writes().expect("stands"));
        let secret = mine.create(&allergy("Latex").writes().expect("stands"));
        mine.sync().await.expect("an answer");
        theirs.sync().await.expect("an answer");
        let seen = theirs.entries[&secret].clone();

        mine.edit(secret, &hide);
        mine.sync().await.expect("an answer");
        let told = theirs.sync().await.expect("an answer");
        assert_eq!(told.answer.forget, [secret]);
        assert!(!told.answer.reset && told.answer.news.is_none());

        // Nothing happens, as far as they are told, while it is edited and others are hidden.
        let quiet = theirs.step().await.expect("an answer").answer;
        let born_hidden = mine.create(&{
            let mut hidden = allergy("Iode");
            hidden.common.visibility.hidden_from_professionals = true;
            hidden.writes().expect("stands")
        });
        for number in 0..3 {
            mine.edit(secret, &[Write::set("notes", format!("note {number}"))]);
            mine.sync().await.expect("an answer");
        }
        let after = theirs.step().await.expect("an answer").answer;
        assert_eq!(
            (after.outcomes.len(), after.reset, after.more),
            (0, false, false)
        );
        assert!(after.news.is_none() && after.forget.is_empty() && after.held.is_empty());
        assert_eq!(after.cursor.len(), quiet.cursor.len());
        let epoch = |answer: &SyncAnswer| answer.checkpoint.member("e");
        assert_eq!(epoch(&after), epoch(&quiet));
        let size = |answer: &SyncAnswer| Encoding::Cbor.write(answer).len();
        assert_eq!(size(&after), size(&quiet));

        // To write to it is to write to what is not there.
        let mut knowing = theirs.clone();
        knowing.entries.insert(secret, seen.clone());
        let guess = knowing.make(secret, &[Write::set("notes", "je sais")]);
        let elsewhere = {
            let mut copy = theirs.clone();
            let nowhere = uuid::Uuid::now_v7();
            copy.entries.insert(nowhere, seen);
            copy.make(nowhere, &[Write::set("notes", "je sais")])
        };
        let request = theirs.request_with(&[elsewhere, guess]);
        let answer = theirs.exchange(&request).await.expect("an answer");
        // The first names an entry that never was. The second was seen once, in good faith before
        // it was hidden; so it is held, and tells no more than its author knew.
        assert_eq!(
            answer.outcomes[0].verdict,
            Verdict::Refused(Refusal::Incomplete)
        );
        let mut fresh = WireRecord::new(
            &device.sign_in_elsewhere().await.expect("signs in"),
            opened.record.0,
            "physician",
        );
        fresh.sync().await.expect("an answer");
        assert!(!fresh.entries.contains_key(&secret));
        assert!(!fresh.entries.contains_key(&born_hidden));
        let squat = fresh.make(born_hidden, &allergy("Iode").writes().expect("stands"));
        let vacant = fresh.make(uuid::Uuid::now_v7(), &[Write::set("notes", "rien")]);
        let request = fresh.request_with(&[squat, vacant]);
        let answer = fresh.exchange(&request).await.expect("an answer");
        let refused = |at: usize| matches!(answer.outcomes[at].verdict, Verdict::Refused(_));
        assert!(refused(0) && refused(1), "{:?}", answer.outcomes);

        let people: serde_json::Value = device
            .wire
            .speaking(Encoding::Json)
            .get(
                &format!("/v1/records/{}/people", opened.record),
                device.token(),
            )
            .await
            .expect("names");
        // The holder is known by the grant; of whom hidden things speak, nothing.
        let listed = people["people"].as_array().expect("a list");
        assert!(listed.len() <= 2, "{people}");
    });
}

#[test]
fn the_live_line_is_silent_about_it() {
    let stage = Stage::new();
    let opened = stage.desk("Durand");
    let doctor = stage.professional("Morel", Profession::Physician);
    let mut mine = WireRecord::new(&stage.wire_device(&opened.code), opened.record.0, "holder");
    let device = stage.wire_device(&doctor.code);
    let mut theirs = WireRecord::new(&device, opened.record.0, "physician");
    now(async {
        let grant = RightDraft::new(RightKind::Grant, doctor.person);
        mine.create(&grant.writes().expect("stands"));
        let mut hidden = allergy("Latex");
        hidden.common.visibility.hidden_from_professionals = true;
        let secret = mine.create(&hidden.writes().expect("stands"));
        mine.sync().await.expect("an answer");
        let mut line = WireLive::open(&device, &opened.record.0)
            .await
            .expect("opens");
        line.send(&theirs.request()).await;
        theirs.take(line.next().await.expect("an answer"));
        mine.edit(secret, &[Write::set("notes", "gants")]);
        mine.sync().await.expect("an answer");
        mine.create(&condition("Asthme").writes().expect("stands"));
        mine.sync().await.expect("an answer");
        // The next message, and no other before it, is about what they may see.
        let told = theirs.take(line.next().await.expect("unasked"));
        assert_eq!(told.news.len(), 1);
        assert_eq!(theirs.labels(), set(["Asthme"]));
    });
}
