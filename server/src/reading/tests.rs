use sync_core::audit::{AccessAction, AccessEvent};
use sync_core::entry::{
    HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, STATUS,
    Value, Write,
};
use sync_core::policy::{Profession, RightKind, Role};
use sync_core::replica::Lacks;
use sync_core::sync::limits::LEAST_ANSWER;
use sync_core::sync::{HoldReason, Outcome, Settlement, SyncAnswer, Verdict};
use sync_core::{Bytes, EntryId, PersonId, RecordId};
use uuid::Uuid;

use super::cursor;
use crate::audit;
use crate::clock::Clock as _;
use crate::load::Turn;
use crate::records::vault::Vault;
use crate::records::world::{Phone, World};
use crate::records::{AccessError, Visitor};
use crate::storage::records::{RecordRow, RecordStore as _};

pub(super) fn says_nothing(answer: &SyncAnswer) -> bool {
    let SyncAnswer {
        reset,
        news,
        forget,
        held,
        more,
        ..
    } = answer;
    !reset && news.is_none() && forget.is_empty() && held.is_empty() && !more
}

pub(super) async fn events(world: &World, phone: &Phone) -> Vec<AccessEvent> {
    let (keys, id) = (world.records.keys.clone(), phone.head.record);
    let job = move |c: &mut diesel::SqliteConnection| {
        audit::page(c, &Vault::new(&keys, id)?, 0, u32::MAX)
    };
    let chained = world.records.db.read(job).await.expect("reads");
    let decoded = chained.iter().map(|c| AccessEvent::decode(&c.event));
    decoded.collect::<Result<_, _>>().expect("events")
}

#[tokio::test]
async fn an_edit_reaches_the_holders_other_phone() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    let holder = phone.author.person;
    let mut tablet = world.phone(phone.head.record, holder, Role::Holder, holder);
    tablet.sync().await;
    let note = phone.note("Vaccins à demander");
    let (answer, report) = phone.round().await;
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    assert!(answer.reset && report.accepted.len() == 1);
    let (answer, report) = tablet.round().await;
    assert_eq!(report.received, 1);
    assert!(!answer.reset && !answer.more);
    let (there, here) = (&tablet.kept.entries[&note], &phone.kept.entries[&note]);
    assert_eq!(there.state(), here.state());
    let (answer, _) = tablet.round().await;
    assert!(says_nothing(&answer));
}

#[tokio::test]
async fn a_reconnect_with_an_edit_and_no_news_stays_in_the_writer() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    phone.sync().await;
    phone.note("One");
    let (answer, _) = phone.round().await;
    assert!(says_nothing(&answer));
    // Its own edit does not come back later either.
    let (answer, _) = phone.round().await;
    assert!(says_nothing(&answer));
}

#[tokio::test]
async fn what_is_hidden_is_forgotten_and_comes_back_whole() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let allergy = holder.allergy("Penicilline");
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    assert!(caregiver.has(allergy));
    holder.write(allergy, &[Write::set(HIDDEN_FROM_REPRESENTATIVES, true)]);
    holder.sync().await;
    let (answer, report) = caregiver.round().await;
    assert_eq!(answer.forget, [allergy]);
    assert!(report.gone.contains(&allergy) && !caregiver.has(allergy));
    let (answer, _) = caregiver.round().await;
    assert!(says_nothing(&answer));
    holder.write(allergy, &[Write::set(HIDDEN_FROM_REPRESENTATIVES, false)]);
    holder.sync().await;
    let report = caregiver.sync().await;
    assert_eq!(report.received, 3);
    let (there, here) = (
        &caregiver.kept.entries[&allergy],
        &holder.kept.entries[&allergy],
    );
    assert_eq!(there.state(), here.state());
}

#[tokio::test]
async fn what_was_hidden_before_its_author_had_the_answer_is_forgotten() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    for ended in [false, true] {
        let allergy = caregiver.allergy("Penicilline");
        let request = caregiver.request();
        let lost = caregiver.ask(request).await.expect("answers");
        assert!(matches!(lost.outcomes[0].verdict, Verdict::Accepted(_)));
        holder.sync().await;
        let revoked = serde_json::json!({ "status": "revoked" }).to_string();
        if ended {
            holder.write(right, &[Write::set(STATUS, revoked)]);
        } else {
            holder.write(allergy, &[Write::set(HIDDEN_FROM_REPRESENTATIVES, true)]);
        }
        holder.sync().await;
        let (answer, report) = caregiver.round().await;
        assert!(matches!(answer.outcomes[0].verdict, Verdict::Duplicate(_)));
        assert_eq!(answer.forget, [allergy]);
        assert_eq!(answer.reset, ended);
        assert!(answer.news.is_none());
        assert!(report.gone.contains(&allergy) && !caregiver.has(allergy));
        assert!(holder.has(allergy));
    }
    // To be made to forget is not to be given something to read.
    let log = events(&world, &holder).await;
    let last = log.iter().rfind(|e| e.person == caregiver.author.person);
    assert_eq!(last.map(|e| &e.action), Some(&AccessAction::Write));
}

#[tokio::test]
async fn what_one_may_not_see_leaves_no_trace() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let (before, _) = caregiver.round().await;
    holder.note("Rien que pour moi");
    let (hidden, _) = holder.round().await;
    let Verdict::Accepted(tick) = hidden.outcomes[0].verdict else {
        panic!("{:?}", hidden.outcomes);
    };
    let (after, report) = caregiver.round().await;
    assert!(says_nothing(&before) && says_nothing(&after));
    assert_eq!(report.received, 0);
    assert_eq!(before.cursor.len(), after.cursor.len());
    let seen = caregiver.head.seen_until().expect("a checkpoint");
    assert!(seen > tick);
    let live = world.records.news(
        caregiver.head.record,
        caregiver.visitor,
        &before.cursor,
        None,
        Turn::default(),
    );
    assert!(live.await.expect("reads").is_none());
}

#[tokio::test]
async fn cursors_are_good_for_one_person_and_one_record() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut other = world.holder(2).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    for phone in [&mut holder, &mut other, &mut caregiver] {
        phone.sync().await;
    }
    let mine = holder.head.cursor.clone().expect("a cursor");
    let (record, person) = (holder.head.record, holder.author.person);
    let keys = &world.records.keys;
    assert!(cursor::open(keys, record, person, &mine).is_some());
    assert!(cursor::open(keys, record, caregiver.author.person, &mine).is_none());
    assert!(cursor::open(keys, other.head.record, person, &mine).is_none());
    for at in 0..mine.len() {
        let mut changed = mine.clone();
        changed.0[at] ^= 1;
        assert!(cursor::open(keys, record, person, &changed).is_none());
    }
    for cursor in [
        other.head.cursor.clone(),
        caregiver.head.cursor.clone(),
        Some(Bytes(vec![0; mine.len()])),
        None,
    ] {
        holder.head.cursor = cursor;
        let (answer, _) = holder.round().await;
        assert!(answer.reset);
    }
}

#[tokio::test]
async fn a_long_record_comes_in_pages_and_can_be_taken_up_again() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let allergies: Vec<EntryId> = (0..60)
        .map(|n| {
            let entry = holder.allergy(&format!("Substance {n}"));
            let text: String = (0..900)
                .map(|i| char::from(b'a' + (i * n % 26) as u8))
                .collect();
            holder.write(entry, &[Write::set("notes", text)]);
            entry
        })
        .collect();
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let small = u32::try_from(LEAST_ANSWER).expect("small");
    let mut pages = 0;
    loop {
        let mut request = caregiver.request();
        request.limit = Some(small);
        let lost = caregiver.ask(request.clone()).await.expect("answers");
        let answer = caregiver.ask(request).await.expect("answers again");
        assert_eq!(lost.reset, answer.reset);
        assert_eq!(answer.reset, pages == 0);
        pages += 1;
        caregiver.receive(&answer);
        if pages == 2 {
            // While the walk goes on: one that was given is hidden, one not yet given is touched.
            let hidden = Write::set(HIDDEN_FROM_REPRESENTATIVES, true);
            holder.write(allergies[0], &[hidden]);
            holder.write(allergies[50], &[Write::set("notes", "kürzer")]);
            holder.sync().await;
            assert!(caregiver.has(allergies[0]));
        }
        if !answer.more {
            break;
        }
    }
    assert!(pages > 3, "{pages}");
    assert!(!caregiver.has(allergies[0]));
    for entry in &allergies[1..] {
        let (there, here) = (&caregiver.kept.entries[entry], &holder.kept.entries[entry]);
        assert_eq!(there.state(), here.state());
    }
    let (answer, _) = caregiver.round().await;
    assert!(says_nothing(&answer));
}

#[tokio::test]
async fn a_new_phone_has_what_is_vital_after_its_first_answer() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let text = |n: usize| -> String {
        let letters = (0..450).map(|i| char::from(b'a' + (i * (n + 1) % 26) as u8));
        letters.collect()
    };
    let notes: Vec<EntryId> = (0..60).map(|n| holder.note(&text(n))).collect();
    let allergy = holder.allergy("Penicilline");
    holder.sync().await;
    let person = holder.author.person;
    let mut tablet = world.phone(holder.head.record, person, Role::Holder, person);
    assert_eq!(tablet.head.lacks, Some(Lacks::Vital));
    let mut pages = 0;
    while tablet.head.lacks.is_some() {
        let mut request = tablet.request();
        request.limit = Some(u32::try_from(LEAST_ANSWER).expect("small"));
        let answer = tablet.ask(request).await.expect("answers");
        tablet.receive(&answer);
        pages += 1;
        assert!(tablet.has(allergy));
        assert_eq!(answer.vital, answer.more);
        let lacks = answer.more.then_some(Lacks::Others);
        assert_eq!(tablet.head.lacks, lacks);
        let missing = notes.iter().any(|note| !tablet.has(*note));
        assert_eq!(missing, answer.more);
    }
    assert!(pages > 2, "{pages}");
    let (answer, _) = tablet.round().await;
    assert!(says_nothing(&answer));
    // Its copy was forgotten, or is in doubt: until all is there again it may lack something.
    tablet.head.forget_cursor();
    assert_eq!(tablet.head.lacks, Some(Lacks::Vital));
    tablet.sync().await;
    assert_eq!(tablet.head.lacks, None);
}

#[tokio::test]
async fn who_lost_their_right_loses_the_record_and_their_late_edits_are_held() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let allergy = holder.allergy("Latex");
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let revoked = serde_json::json!({ "status": "revoked" }).to_string();
    holder.write(right, &[Write::set(STATUS, revoked)]);
    holder.sync().await;
    let late = caregiver.allergy("Arachide");
    let (answer, report) = caregiver.round().await;
    let held = Verdict::Held(HoldReason::NoLongerPermitted);
    assert_eq!(answer.outcomes[0].verdict, held);
    assert!(answer.reset && answer.news.is_none());
    assert!(report.gone.contains(&allergy) && caregiver.kept.entries.is_empty());
    assert_eq!(caregiver.kept.aside.len(), 1);

    // The holder is told, takes it up, and its author is told that.
    holder.sync().await;
    assert!(!holder.has(late));
    let told = holder.kept.held.last().expect("told").clone();
    assert_eq!((told.edit.entry, told.settled), (late, None));
    let change = caregiver.kept.aside[0].change;
    let writes = sync_core::guard::inspect(&told.edit.change)
        .expect("sound")
        .past
        .writes;
    holder.write_citing(fresh(), &writes, vec![change]);
    let (answer, _) = holder.round().await;
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    caregiver.sync().await;
    let settled = caregiver.kept.held.last().expect("told").settled;
    assert_eq!(settled, Some(Settlement::Released));
}

pub(super) fn fresh() -> EntryId {
    crate::records::world::fresh_entry()
}

#[tokio::test]
async fn a_delayed_result_shows_by_itself() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let doctor = world
        .person(Some(("10101010105", Profession::Physician)))
        .await;
    holder.right(RightKind::Grant, doctor);
    holder.sync().await;
    let role = Role::Professional(Profession::Physician);
    let mut doctor = world.phone(holder.head.record, doctor, role, holder.author.person);
    doctor.sync().await;
    let result = doctor.allergy("À annoncer de vive voix");
    let until = world.clock.now().plus_days(2);
    let flag = Write::set(HIDDEN_FROM_PATIENT_UNTIL, Value::Uint(until.0));
    doctor.write(result, &[flag]);
    let (answer, _) = doctor.round().await;
    for outcome in &answer.outcomes {
        assert!(matches!(outcome.verdict, Verdict::Accepted(_)));
    }
    // The first change was accepted before the flag was: both came in one transaction, so the
    // holder never saw it.
    let report = holder.sync().await;
    assert_eq!(report.received, 0);
    assert!(!holder.has(result));
    world.clock.advance_seconds(2 * 86_400 + 1);
    let report = holder.sync().await;
    assert_eq!(report.received, 2);
    let (answer, _) = holder.round().await;
    assert!(says_nothing(&answer) && holder.has(result));
}

#[tokio::test]
async fn strangers_and_unknown_records_get_the_same_answer() {
    let world = World::new();
    let holder = world.holder(1).await;
    let stranger = world.holder(2).await.visitor;
    for record in [holder.head.record, RecordId(Uuid::from_u128(7))] {
        let mut phone = holder.clone();
        let mut request = phone.request();
        request.device = stranger.device.expect("a device").id;
        let refused = world
            .records
            .sync(record, stranger, request, Turn::default())
            .await;
        assert!(matches!(refused, Err(AccessError::NotYours)));
        let live = world
            .records
            .news(record, stranger, &[], None, Turn::default())
            .await;
        assert!(matches!(live, Err(AccessError::NotYours)));
    }
}

/// Such as one of another store: its device has to ask by itself.
#[tokio::test]
async fn of_a_cursor_that_cannot_be_read_there_is_no_news_and_nothing_is_logged() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    holder.note("Known");
    holder.sync().await;
    let record = holder.head.record;
    let logged = || async {
        let read = move |c: &mut diesel::SqliteConnection| c.record(record);
        let row: Option<RecordRow> = world.records.db.read(read).await.expect("reads");
        row.expect("there").clock.audit_len
    };
    let before = logged().await;
    let news = world
        .records
        .news(record, holder.visitor, b"torn", None, Turn::default());
    assert!(news.await.expect("theirs").is_none());
    assert_eq!(logged().await, before);
}

#[tokio::test]
async fn what_comes_after_the_session_ended_is_not_taken_nor_answered() {
    let (world, running) = World::serving().await;
    let mut holder = world.holder(1).await;
    holder.sync().await;
    let record = holder.head.record;

    // Sent while it stood, and arriving when it stands no more.
    holder.note("Too late");
    let (with_edits, visitor) = (holder.request(), holder.visitor);
    let mut to_read = world.phone(
        record,
        holder.author.person,
        Role::Holder,
        holder.author.person,
    );
    world.sign_out(&holder).await;
    let refused = world
        .records
        .sync(record, visitor, with_edits, Turn::default())
        .await;
    assert!(matches!(refused, Err(AccessError::SignedOut)));
    let visitor = Visitor {
        session: visitor.session,
        ..to_read.visitor
    };
    let refused = world
        .records
        .sync(record, visitor, to_read.request(), Turn::default())
        .await;
    assert!(matches!(refused, Err(AccessError::SignedOut)));
    running.stop().await;
}

#[tokio::test]
async fn one_syncs_from_the_device_that_signed_in() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    holder.note("One");
    let other = world.holder(2).await.visitor.device;
    for device in [other, None] {
        let visitor = Visitor {
            device,
            ..holder.visitor
        };
        let request = holder.request();
        let refused = world
            .records
            .sync(holder.head.record, visitor, request, Turn::default())
            .await;
        assert!(matches!(refused, Err(AccessError::Device)));
    }
}

#[tokio::test]
async fn the_access_log_says_who_wrote_and_who_was_given_what() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let allergy = holder.allergy("Latex");
    let note = holder.note("Pour moi");
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    caregiver.sync().await;
    let log = events(&world, &holder).await;
    let actions: Vec<&AccessAction> = log.iter().map(|event| &event.action).collect();
    let expected = [
        &AccessAction::Open,
        &AccessAction::Write,
        &AccessAction::Read,
        &AccessAction::Read,
    ];
    assert_eq!(actions, expected);
    let written = &log[1];
    assert_eq!(written.changes, 3);
    assert!(
        [allergy, note, right]
            .iter()
            .all(|e| written.entries.contains(e))
    );
    let given = &log[3];
    assert_eq!(given.person, caregiver.author.person);
    assert_eq!(given.role, Role::Caregiver);
    assert_eq!(given.on_behalf_of, Some(holder.author.person));
    assert_eq!(
        given.device,
        caregiver.visitor.device.map(|device| device.id)
    );
    assert!(given.entries.contains(&allergy) && given.entries.contains(&right));
    assert!(!given.entries.contains(&note));
}

/// Rights may be given before the server knows whom they name: it may have been put back from a copy
/// of before, and must not tell who is known. They count once it does, as they are.
#[tokio::test]
async fn a_right_waits_for_whom_it_names() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let allergy = holder.allergy("Latex");
    let hidden = holder.allergy("Iode");
    holder.write(hidden, &[Write::set(HIDDEN_FROM_PROFESSIONALS, true)]);
    let [doctor, nobody] = [1, 2].map(|n| PersonId(Uuid::from_u128(n)));
    for person in [doctor, nobody] {
        holder.right(RightKind::Grant, person);
    }
    let (answer, _) = holder.round().await;
    let accepted = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Accepted(_));
    assert!(answer.outcomes.iter().all(accepted));

    let physician = Profession::Physician;
    world
        .person_as(doctor, Some(("10101010105", physician)))
        .await;
    let other = world.person(Some(("10101010204", physician))).await;
    let (record, patient) = (holder.head.record, holder.author.person);
    let role = Role::Professional(physician);
    let mut phone = world.phone(record, doctor, role.clone(), patient);
    phone.sync().await;
    assert!(phone.has(allergy) && !phone.has(hidden));
    let found = phone.allergy("Amoxicilline");
    phone.sync().await;
    holder.sync().await;
    assert!(holder.has(found), "they write by it too");
    // Whom nothing names has none of it.
    let mut stranger = world.phone(record, other, role, patient);
    let request = stranger.request();
    let refused = stranger.ask(request).await;
    assert!(matches!(refused, Err(AccessError::NotYours)));
}

#[tokio::test]
async fn those_who_listen_are_given_what_is_new_to_them() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let record = caregiver.head.record;
    let mut listener = world.records.hub.listen(record);
    let allergy = holder.allergy("Latex");
    holder.sync().await;
    listener.changed().await;
    let cursor = caregiver.head.cursor.clone().expect("a cursor");
    let news = world
        .records
        .news(record, caregiver.visitor, &cursor, None, Turn::default());
    let answer = news.await.expect("answers").expect("news");
    assert!(answer.outcomes.is_empty());
    caregiver.receive(&answer);
    assert!(caregiver.has(allergy));

    // A right that ends ends what is given.
    let revoked = serde_json::json!({ "status": "revoked" }).to_string();
    holder.write(right, &[Write::set(STATUS, revoked)]);
    holder.sync().await;
    listener.changed().await;
    let cursor = caregiver.head.cursor.clone().expect("a cursor");
    let news = world
        .records
        .news(record, caregiver.visitor, &cursor, None, Turn::default());
    let answer = news.await.expect("answers").expect("a reset");
    assert!(answer.reset);
    caregiver.receive(&answer);
    assert!(caregiver.kept.entries.is_empty());
}
