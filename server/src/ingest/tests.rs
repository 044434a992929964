mod bounds;

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::{RunQueryDsl as _, SqliteConnection};
use futures_util::future::join_all;
use sync_core::audit::{AccessAction, AccessEvent};
use sync_core::authority::RightEntry;
use sync_core::change::{Edit, SignedOrigin};
use sync_core::entry::{EntryState, HIDDEN_FROM_PATIENT_UNTIL, Value, Write};
use sync_core::kind::RightDraft;
use sync_core::policy::{RightKind, Role};
use sync_core::sync::limits::{LEAST_ANSWER, MAX_EDITS, MAX_ENTRY, MAX_REQUEST};
use sync_core::sync::{Frame, HoldReason, Item, Outcome, Refusal, Verdict};
use sync_core::{ChangeHash, EntryId, Incarnation, Tick, guard};

use crate::audit;
use crate::clock::Clock as _;
use crate::fault::Fault;
use crate::load::Turn;
use crate::records::vault::Vault;
use crate::records::world::{Phone, World, fresh_entry, random};
use crate::records::{AccessError, KnownRights};
use crate::storage::records::RecordStore as _;
use crate::storage::sqlite::open_connection;

/// The edits of a phone's next request, to be tampered with.
fn edits(phone: &mut Phone) -> Vec<Edit> {
    let frame = phone.request().edits.expect("edits");
    let items = frame.unpack(&phone.head.record).expect("a frame");
    items.into_iter().map(|item| item.edit).collect()
}

async fn hand_in(phone: &mut Phone, edits: &[Edit]) -> Vec<Verdict> {
    let items: Vec<Item> = edits
        .iter()
        .map(|edit| Item {
            edit: edit.clone(),
            accepted: None,
        })
        .collect();
    let mut request = phone.request();
    request.edits = Some(Frame::pack(&phone.head.record, &items).expect("packs"));
    let answer = phone.ask(request).await.expect("answers");
    let verdicts = answer
        .outcomes
        .iter()
        .map(|outcome| outcome.verdict.clone());
    verdicts.collect()
}

async fn verdict(phone: &mut Phone) -> Verdict {
    let (answer, _) = phone.round().await;
    answer.outcomes[0].verdict.clone()
}

/// Few bytes that unpack to too many are refused by what they say, and nothing of them is taken.
#[tokio::test]
async fn a_frame_that_unpacks_to_too_much_is_too_large() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    phone.note("One");
    let edit = edits(&mut phone).remove(0);
    let item = Item {
        edit,
        accepted: None,
    };
    let pack = |copies: usize| {
        let items = vec![item.clone(); copies];
        Frame::pack(&phone.head.record, &items).expect("packs")
    };
    let mut large = item.clone();
    large.edit.change = vec![0; MAX_REQUEST].into();
    let large = Frame::pack(&phone.head.record, &[large]).expect("packs");
    assert!(large.0.len() < 1 << 12 && large.unpacked() > MAX_REQUEST);
    for frame in [large, pack(MAX_EDITS + 1)] {
        let mut request = phone.request();
        request.edits = Some(frame);
        let refused = phone.ask(request).await;
        assert!(matches!(refused, Err(AccessError::TooLarge)));
    }
    phone.sync().await;
    assert!(phone.kept.unsent.is_empty());
}

#[tokio::test]
async fn an_edit_is_taken_once() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    phone.note("One");
    let request = phone.request();
    let first = phone.ask(request.clone()).await.expect("answers");
    let again = phone.ask(request).await.expect("answers");
    let Verdict::Accepted(tick) = first.outcomes[0].verdict else {
        panic!("{:?}", first.outcomes);
    };
    assert_eq!(again.outcomes[0].verdict, Verdict::Duplicate(tick));
}

#[tokio::test]
async fn a_device_whose_turn_is_over_waits_for_its_next_and_loses_nothing() {
    let world = World::slow();
    let mut phone = world.holder(1).await;
    phone.sync().await;
    let record = phone.head.record;
    let told = || async {
        let read = move |c: &mut SqliteConnection| c.record(record);
        let row = world.records.db.read(read).await.expect("reads");
        row.expect("there").clock.audit_len
    };
    let before = told().await;
    let entry = phone.note("One");
    for text in ["a", "b", "c", "d"] {
        phone.write(entry, &[Write::set("text", text)]);
    }
    let (answer, report) = phone.round().await;
    assert_eq!(answer.outcomes.len(), 5);
    let taken = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Accepted(_));
    assert!(answer.outcomes.iter().all(taken), "{:?}", answer.outcomes);
    assert!(answer.news.is_none() && !report.more);
    // Each edit had a turn of its own, and its own line in the access log.
    assert_eq!(told().await - before, 5);
}

#[tokio::test]
async fn ticks_go_up_though_the_clock_stands() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    for n in 0..5 {
        phone.note(&format!("{n}"));
    }
    let (answer, _) = phone.round().await;
    let ticks: Vec<_> = answer
        .outcomes
        .iter()
        .map(|outcome| match &outcome.verdict {
            Verdict::Accepted(tick) => *tick,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(ticks.is_sorted_by(|a, b| a < b), "{ticks:?}");
    let seen = phone.head.seen_until().expect("a checkpoint");
    assert!(seen > ticks[4]);
}

#[tokio::test]
async fn two_changes_under_one_number_are_not_both_taken() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    let note = phone.note("One");
    phone.sync().await;
    let mut twin = phone.clone();
    let set = |text: &str| [sync_core::entry::Write::set("text", text)];
    phone.write(note, &set("left"));
    twin.write(note, &set("right"));
    let (answer, _) = phone.round().await;
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    let (answer, _) = twin.round().await;
    let refused = Verdict::Refused(Refusal::Equivocation);
    assert_eq!(answer.outcomes[0].verdict, refused);
}

#[tokio::test]
async fn damaged_and_forged_edits_are_refused_alone() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    for text in ["damaged", "moved", "forged", "good"] {
        phone.note(text);
    }
    let mut edits = edits(&mut phone);
    let last = edits[0].change.0.len() - 1;
    edits[0].change.0[last] ^= 1;
    edits[1].entry = fresh_entry();
    let origin = edits[2].origin.read().expect("an origin");
    let change = sync_core::guard::inspect(&edits[2].change)
        .expect("sound")
        .hash();
    let forger = ed25519_dalek::SigningKey::from_bytes(&random());
    let (record, entry) = (phone.head.record, edits[2].entry);
    edits[2].origin = SignedOrigin::new(&forger, &record, &entry, &change, &origin);
    let verdicts = hand_in(&mut phone, &edits).await;
    let not_authentic = Verdict::Refused(Refusal::NotAuthentic);
    assert_eq!(verdicts[0], Verdict::Refused(Refusal::Malformed));
    assert_eq!(verdicts[1..3], [not_authentic.clone(), not_authentic]);
    assert!(matches!(verdicts[3], Verdict::Accepted(_)));
}

/// However many entries somebody makes up, the log names few of them and counts all.
#[tokio::test]
async fn what_is_refused_does_not_fill_the_log() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    for number in 0..50 {
        phone.note(&number.to_string());
    }
    let mut edits = edits(&mut phone);
    for edit in &mut edits {
        edit.entry = fresh_entry();
    }
    let count = edits.len();
    let verdicts = hand_in(&mut phone, &edits).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Refused(_))));
    let (keys, record) = (world.records.keys.clone(), phone.head.record);
    let log = move |c: &mut SqliteConnection| audit::page(c, &Vault::new(&keys, record)?, 0, 100);
    let log = world.records.db.read(log).await.expect("reads");
    let events = log.iter().map(|one| AccessEvent::decode(&one.event));
    let mut events = events.map(|event| event.expect("an event"));
    let refused = events.find(|event| event.action == AccessAction::Refuse);
    let refused = refused.expect("told");
    assert_eq!(refused.entries.len(), 32);
    assert_eq!(refused.changes, count as u64);
}

/// What the log tells of refused edits: the entries, of the holder and apart, and how many edits the
/// holder is told of.
async fn told_refused(world: &World, phone: &Phone) -> (Vec<EntryId>, Vec<EntryId>, u64) {
    let (keys, record) = (world.records.keys.clone(), phone.head.record);
    let job = move |c: &mut SqliteConnection| -> Result<_, Fault> {
        let vault = Vault::new(&keys, record)?;
        let known = audit::page(c, &vault, 0, u32::MAX)?;
        let mut events: Vec<Vec<u8>> = Vec::new();
        for row in c.apart_after(record, 0, u32::MAX)? {
            events.push(vault.open_apart(row.seq, &row.sealed)?);
        }
        Ok((known, events))
    };
    let (known, apart) = world.records.db.read(job).await.expect("reads");
    let refused = |event: &[u8]| {
        let event = AccessEvent::decode(event).expect("an event");
        (event.action == AccessAction::Refuse).then_some(event)
    };
    let known: Vec<_> = known.iter().filter_map(|one| refused(&one.event)).collect();
    let apart: Vec<_> = apart.iter().filter_map(|one| refused(one)).collect();
    let counted = known.iter().map(|event| event.changes).sum();
    let named = |events: Vec<AccessEvent>| events.into_iter().flat_map(|e| e.entries).collect();
    (named(known), named(apart), counted)
}

/// Edits that follow something absent, so many of entries that are made up, and of each that is there.
fn absent(phone: &mut Phone, made_up: usize, there: &[EntryId], until: Option<Tick>) -> Vec<Edit> {
    let fresh: Vec<EntryId> = (0..made_up)
        .map(|n| phone.allergy(&n.to_string()))
        .collect();
    let mut wanted = Vec::new();
    for entry in there {
        phone.write(*entry, &[Write::set("notes", "absent")]);
    }
    for entry in fresh.iter().chain(there) {
        let mark = until.map(|until| Write::set(HIDDEN_FROM_PATIENT_UNTIL, Value::Uint(until.0)));
        let write = mark.unwrap_or_else(|| Write::set("notes", "follows"));
        wanted.push(phone.write(*entry, &[write]));
    }
    let mut all = edits(phone);
    all.retain(|edit| {
        let change = guard::inspect(&edit.change).expect("a change").hash();
        wanted.contains(&change)
    });
    assert_eq!(all.len(), wanted.len());
    all
}

/// A mark that the holder may not know of what is made up does not make the log longer either: one
/// whose time is over counts for nothing, and of others so many go apart. What is kept from the holder
/// in the record goes apart by name, and takes nobody's place.
#[tokio::test]
async fn what_is_refused_and_marked_does_not_fill_the_log() {
    let now = |world: &World| world.clock.now();
    // Marks that are over.
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let over = Some(Tick(now(&world).0 - 1));
    let edits = absent(&mut doctor, 40, &[], over);
    let verdicts = hand_in(&mut doctor, &edits).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Refused(_))));
    let (known, apart, counted) = told_refused(&world, &holder).await;
    assert_eq!((known.len(), apart.len(), counted), (32, 0, 40));
    // Marks in force, beside what is kept from the holder in the record, and what is not marked.
    let world = World::new();
    let mut holder = world.holder(1).await;
    let mut doctor = world.doctor(&mut holder).await;
    let until = now(&world).plus_days(3);
    let kept: Vec<EntryId> = (0..40)
        .map(|n| doctor.result(&n.to_string(), until))
        .collect();
    doctor.sync().await;
    let mut other = doctor.clone();
    let mut edits = absent(&mut doctor, 40, &[], Some(until));
    edits.extend(absent(&mut other, 35, &kept, None));
    let verdicts = hand_in(&mut doctor, &edits).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Refused(_))));
    let (known, apart, counted) = told_refused(&world, &holder).await;
    let of_record = apart.iter().filter(|entry| kept.contains(entry));
    assert_eq!((of_record.count(), apart.len()), (40, 72));
    // Three that are not marked are counted only; eight that are, where the holder cannot see it.
    assert_eq!((known.len(), counted), (32, 32 + 3));
}

#[tokio::test]
async fn what_follows_something_absent_waits_for_it() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    let note = phone.note("One");
    phone.write(note, &[sync_core::entry::Write::set("text", "two")]);
    let edits = edits(&mut phone);
    let verdicts = hand_in(&mut phone, &edits[1..]).await;
    assert_eq!(verdicts, [Verdict::Refused(Refusal::Incomplete)]);
    let verdicts = hand_in(&mut phone, &edits).await;
    assert!(verdicts.iter().all(|v| matches!(v, Verdict::Accepted(_))));
}

/// An entry and what its author wrote on it then go apart, and the right of their author ends between
/// the two. The checkpoint held is older than the entry; that they follow it says that they knew it.
#[tokio::test]
async fn what_somebody_wrote_on_what_they_had_just_made_is_held_once_their_right_has_ended() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let allergy = caregiver.allergy("Latex");
    caregiver.write(allergy, &[Write::set("notes", "grave")]);
    let edits = edits(&mut caregiver);
    let verdicts = hand_in(&mut caregiver, &edits[..1]).await;
    assert!(matches!(verdicts[..], [Verdict::Accepted(_)]));
    let revoked = serde_json::json!({ "status": "revoked" }).to_string();
    holder.write(right, &[Write::set("status", revoked)]);
    holder.sync().await;
    let verdicts = hand_in(&mut caregiver, &edits[1..]).await;
    assert_eq!(verdicts, [Verdict::Held(HoldReason::NoLongerPermitted)]);
    holder.sync().await;
    let asked: Vec<EntryId> = holder.kept.held.iter().map(|h| h.edit.entry).collect();
    assert_eq!(asked, [allergy]);
}

/// What came after somebody's right had ended is not there for them, also if others gave them a copy.
#[tokio::test]
async fn what_others_pass_on_tells_nothing_to_somebody_whose_right_had_ended() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, right) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let revoked = serde_json::json!({ "status": "revoked" }).to_string();
    holder.write(right, &[Write::set("status", revoked)]);
    holder.sync().await;
    let allergy = holder.allergy("Latex");
    holder.sync().await;
    let copy = holder.kept.entries[&allergy].clone();
    caregiver.kept.entries.insert(allergy, copy);
    caregiver.write(allergy, &[Write::set("notes", "grave")]);
    let edits = edits(&mut caregiver);
    let verdicts = hand_in(&mut caregiver, &edits).await;
    assert_eq!(verdicts, [Verdict::Refused(Refusal::Incomplete)]);
}

#[tokio::test]
async fn a_checkpoint_has_to_be_proved() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    phone.sync().await;
    phone.note("One");
    let mut request = phone.request();
    request.cursor = None;
    request.checkpoints = Vec::new();
    let answer = phone.ask(request.clone()).await.expect("answers");
    let unknown = Verdict::Refused(Refusal::UnknownCheckpoint);
    assert_eq!(answer.outcomes[0].verdict, unknown);
    request.checkpoints = phone.head.checkpoint.clone().into_iter().collect();
    let answer = phone.ask(request).await.expect("answers");
    assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
}

#[tokio::test]
async fn a_held_edit_is_held_once_and_so_is_what_follows_it() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    // Own notes are the holder's.
    let note = caregiver.note("Not mine to write");
    caregiver.write(note, &[sync_core::entry::Write::set("text", "more")]);
    let edits = edits(&mut caregiver);
    let expected = [
        Verdict::Held(HoldReason::NotPermitted),
        Verdict::Held(HoldReason::FollowsHeld),
    ];
    assert_eq!(hand_in(&mut caregiver, &edits).await, expected);
    assert_eq!(hand_in(&mut caregiver, &edits).await, expected);
    // Without good faith it is not the holder's to decide.
    holder.sync().await;
    assert!(holder.kept.held.is_empty() && !holder.has(note));
}

#[tokio::test]
async fn a_push_that_fails_costs_its_group_nothing() {
    let world = World::new();
    let mut phones = Vec::new();
    for n in 0..8 {
        let mut phone = world.holder(n).await;
        phone.sync().await;
        phone.note("One");
        phones.push(phone);
    }
    let stranger = phones[0].visitor;
    let elsewhere = phones[1].head.record;
    let mut foreign = phones[0].clone();
    let request = foreign.request();
    let bad = world
        .records
        .sync(elsewhere, stranger, request, Turn::default());
    let good = join_all(phones.iter_mut().map(Phone::round));
    let (bad, good) = tokio::join!(bad, good);
    assert!(bad.is_err());
    for (answer, _) in good {
        assert!(matches!(answer.outcomes[0].verdict, Verdict::Accepted(_)));
    }
}

/// What an entry may still take is told to nobody from whom it is hidden.
#[tokio::test]
async fn an_entry_whose_changes_take_all_they_may_takes_no_more() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    let allergy = holder.allergy("Latex");
    holder.sync().await;
    caregiver.sync().await;
    let hide = Write::set("hidden-from-representatives", true);
    holder.write(allergy, &[hide]);
    holder.sync().await;
    let mut store = open_connection(world.records.db.path()).expect("opens");
    for (left, wanted) in [(60_000, None), (10, Some(Refusal::EntryFull))] {
        let taken = i64::try_from(MAX_ENTRY - left).expect("a number");
        let filled = diesel::sql_query("UPDATE entries SET bytes = ? WHERE is_right = 0")
            .bind::<diesel::sql_types::BigInt, _>(taken)
            .execute(&mut store);
        assert_eq!(filled, Ok(1));
        // They saw it once, but show no checkpoint of that time.
        let mut stranger = caregiver.clone();
        stranger.head.checkpoint = None;
        for (phone, wanted) in [
            (&mut stranger, Some(Refusal::Incomplete)),
            (&mut holder, wanted),
        ] {
            phone.write(allergy, &[Write::set("notes", format!("{left}"))]);
            let refused = match verdict(phone).await {
                Verdict::Refused(refusal) => Some(refusal),
                Verdict::Accepted(_) => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(refused, wanted, "{left}");
        }
    }
}

#[tokio::test]
async fn a_restored_phone_goes_on_under_another_actor() {
    let world = World::new();
    let mut phone = world.holder(1).await;
    let note = phone.note("One");
    phone.sync().await;
    let mut restored = phone.clone();
    let actor = restored.actor(&note);
    restored.head.incarnation = Incarnation(random());
    assert_ne!(restored.actor(&note), actor);
    let set = |text: &str| [sync_core::entry::Write::set("text", text)];
    phone.write(note, &set("left"));
    restored.write(note, &set("right"));
    phone.sync().await;
    restored.sync().await;
    phone.sync().await;
    let (one, other) = (&phone.kept.entries[&note], &restored.kept.entries[&note]);
    assert_eq!(one.state().fields, other.state().fields);
    assert_eq!(one.state().claims("text").len(), 2);
}
