//! What is taken in where there is no room.

use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl as _, SqliteConnection};
use sync_core::EntryId;
use sync_core::entry::{HIDDEN_FROM_REPRESENTATIVES, Write};
use sync_core::policy::{RightKind, Role};
use sync_core::sync::{HoldReason, Refusal, SyncAnswer, Verdict};

use crate::disk::Disk;
use crate::fault::Fault;
use crate::http::{Problem, ProblemType};
use crate::records::world::{Phone, World, fresh_entry, random};
use crate::records::{AccessError, RECORD_BYTES};
use crate::storage::records::{RecordClock, RecordStore as _};

async fn clock(world: &World, phone: &Phone) -> RecordClock {
    let record = phone.head.record;
    let read = move |c: &mut SqliteConnection| -> Result<_, Fault> { Ok(c.record(record)?) };
    let row = world.records.db.read(read).await.expect("reads");
    row.expect("there").clock
}

fn verdicts(answer: &SyncAnswer) -> Vec<Verdict> {
    let outcomes = answer.outcomes.iter();
    outcomes.map(|outcome| outcome.verdict.clone()).collect()
}

fn revoked() -> Write {
    Write::set("status", r#"{"status":"revoked"}"#)
}

fn closed() -> Write {
    Write::set(
        "status",
        r#"{"status":"entered-in-error","reason":"of another day"}"#,
    )
}

fn wrong_patient() -> Write {
    Write::set(
        "status",
        r#"{"status":"wrong-patient","reason":"of her sister"}"#,
    )
}

/// A text by chance, so that it is not compressed to nothing.
fn long() -> String {
    let ideograph = |two: &[u8]| {
        let chance = u32::from(two[0]) << 4 | u32::from(two[1] & 0xf);
        char::from_u32(0x4e00 + chance).expect("a character")
    };
    random::<8_000>().chunks(2).map(ideograph).collect()
}

/// A disk that never has room enough.
fn full_disk(world: &World) -> Disk {
    Disk::new(vec![world.dir().to_owned()], u64::MAX)
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

#[tokio::test]
async fn a_record_knows_how_much_its_changes_take_accepted_and_held() {
    let world = World::new();
    let mut holder = world.holder(1).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let entry = holder.note("One");
    holder.write(entry, &[Write::set("text", long())]);
    holder.sync().await;
    caregiver.note("Not mine to write");
    let (answer, _) = caregiver.round().await;
    assert_eq!(verdicts(&answer), [Verdict::Held(HoldReason::NotPermitted)]);
    let sum = |c: &mut SqliteConnection| -> Result<_, Fault> {
        let sum = "SELECT (SELECT sum(length(change) + length(about)) FROM log)
            + (SELECT sum(length(sealed) + length(about)) FROM held) AS bytes";
        Ok(diesel::sql_query(sum).get_result::<Sum>(c)?.bytes)
    };
    let sum = world.records.db.read(sum).await.expect("reads");
    assert_eq!(clock(&world, &holder).await.bytes, sum.cast_unsigned());
}

/// A holder's phone with rights and entries, whose changes take up some room.
async fn furnished(world: &World) -> (Phone, [EntryId; 4]) {
    let mut holder = world.holder(1).await;
    let right = holder.right(RightKind::Grant, world.person(None).await);
    let entries = [(); 3].map(|()| holder.allergy("Latex"));
    for _ in 0..8 {
        let note = holder.note("Long");
        holder.write(note, &[Write::set("text", long())]);
    }
    holder.sync().await;
    let [one, two, three] = entries;
    (holder, [right, one, two, three])
}

#[tokio::test]
async fn a_full_record_takes_what_takes_something_back_and_says_so_of_the_rest() {
    let mut world = World::new();
    let (mut holder, [right, one, two, three]) = furnished(&world).await;
    let (mut caregiver, given) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    holder.write(given, &[revoked()]);
    holder.sync().await;
    let allergy = caregiver.allergy("Arachide");
    let (answer, _) = caregiver.round().await;
    let held = Verdict::Held(HoldReason::NoLongerPermitted);
    assert_eq!(verdicts(&answer), [held]);
    holder.sync().await;
    let waits = holder.kept.held.last().expect("told").clone();
    assert_eq!(waits.edit.entry, allergy);
    let waiting = sync_core::guard::inspect(&waits.edit.change).expect("sound");

    let most = clock(&world, &holder).await.bytes;
    world.with_room(most, Disk::default(), &mut [&mut holder, &mut caregiver]);
    holder.note("New");
    holder.right(RightKind::Grant, world.person(None).await);
    holder.write(right, &[revoked(), Write::set("notes", "no more")]);
    let hide = Write::set(HIDDEN_FROM_REPRESENTATIVES, true);
    holder.write(one, &[hide]);
    holder.write(one, &[Write::set(HIDDEN_FROM_REPRESENTATIVES, false)]);
    holder.write(two, &[closed()]);
    holder.write(three, &[closed(), Write::set("notes", long())]);
    holder.write(three, &[Write::set("notes", "more")]);
    holder.write_citing(fresh_entry(), &waiting.past.writes, vec![waiting.hash()]);
    let request = holder.request();
    let first = holder.ask(request.clone()).await.expect("answers");
    let full = Verdict::Refused(Refusal::RecordFull);
    let told = verdicts(&first);
    let taken = |at: &usize| matches!(told[*at], Verdict::Accepted(_));
    assert_eq!((0..9).filter(taken).collect::<Vec<_>>(), [2, 3, 5, 8]);
    let refused = |at: &usize| told[*at] == full;
    assert_eq!((0..9).filter(refused).collect::<Vec<_>>(), [0, 1, 4, 6]);
    // It follows one that was not taken.
    assert_eq!(told[7], Verdict::Refused(Refusal::Incomplete));
    // What was taken is told again, and what was not is not.
    let again = holder.ask(request).await.expect("answers");
    for (first, again) in told.iter().zip(verdicts(&again)) {
        match first {
            Verdict::Accepted(tick) => assert_eq!(again, Verdict::Duplicate(*tick)),
            refused => assert_eq!(again, *refused),
        }
    }
    // The device keeps it; what only followed something goes again, on what is left.
    let report = holder.receive(&again);
    assert_eq!(report.aside.len(), 4);
    let (answer, report) = holder.round().await;
    assert_eq!(verdicts(&answer), std::slice::from_ref(&full));
    assert_eq!(report.aside.len(), 1);

    // Nothing more is held.
    caregiver.allergy("Latex");
    let (answer, _) = caregiver.round().await;
    assert_eq!(verdicts(&answer), std::slice::from_ref(&full));
    // Nor is a mark that destroys taken.
    holder.write(two, &[wrong_patient()]);
    let (answer, _) = holder.round().await;
    assert_eq!(verdicts(&answer), [Verdict::Refused(Refusal::RecordFull)]);

    // And with room again it goes on.
    world.with_room(2 * most, Disk::default(), &mut [&mut holder]);
    holder.note("New");
    let (answer, _) = holder.round().await;
    assert!(matches!(verdicts(&answer)[..], [Verdict::Accepted(_)]));
}

/// What is between a mark and what takes it back may fill the record.
#[tokio::test]
async fn a_mark_is_taken_back_though_the_record_filled_up_since() {
    let mut world = World::new();
    let (mut holder, [_, one, ..]) = furnished(&world).await;
    let most = clock(&world, &holder).await.bytes + 4_000;
    world.with_room(most, Disk::default(), &mut [&mut holder]);
    holder.write(one, &[wrong_patient()]);
    for _ in 0..40 {
        holder.note("Short");
    }
    holder.write(one, &[Write::set("notes", "hers after all")]);
    holder.write(one, &[Write::set("status", r#"{"status":"active"}"#)]);
    let (answer, _) = holder.round().await;
    let told = verdicts(&answer);
    let taken = |verdict: &Verdict| verdict.accepted().is_some();
    assert!(taken(&told[0]) && told.iter().any(|told| !taken(told)));
    assert!(told[told.len() - 2..].iter().all(taken));
    holder.sync().await;
    let patient = holder.author.person;
    let mut other = world.phone(holder.head.record, patient, Role::Holder, patient);
    other.sync().await;
    assert!(holder.has(one) && other.has(one));
}

/// It was in the record before.
#[tokio::test]
async fn what_is_handed_back_finds_room_in_a_full_record() {
    let mut world = World::new();
    let (mut holder, _) = furnished(&world).await;
    let copy = world.copy();
    let lost: Vec<_> = (0..4).map(|_| holder.note("Since")).collect();
    holder.sync().await;
    world.put_back(&copy, &mut [&mut holder]);
    let most = clock(&world, &holder).await.bytes;
    world.with_room(most, Disk::default(), &mut [&mut holder]);
    let report = holder.sync().await;
    assert!(report.aside.is_empty());
    let patient = holder.author.person;
    let mut other = world.phone(holder.head.record, patient, Role::Holder, patient);
    other.sync().await;
    assert!(lost.iter().all(|entry| other.has(*entry)));
}

#[tokio::test]
async fn what_takes_something_back_has_an_eighth_more_and_no_more() {
    let mut world = World::new();
    let (mut holder, _) = furnished(&world).await;
    let entries: Vec<_> = (0..60).map(|_| holder.note("Short")).collect();
    holder.sync().await;
    let most = clock(&world, &holder).await.bytes;
    world.with_room(most, Disk::default(), &mut [&mut holder]);
    for entry in &entries {
        let closed = [closed(), Write::set("text", "é".repeat(300))];
        holder.write(*entry, &closed);
    }
    let (answer, _) = holder.round().await;
    let told = verdicts(&answer);
    let taken = |told: &Verdict| matches!(told, Verdict::Accepted(_));
    let first = told.iter().take_while(|told| taken(told)).count();
    assert!((1..60).contains(&first), "{first}");
    let full = Verdict::Refused(Refusal::RecordFull);
    assert!(told[first..].iter().all(|told| *told == full));
    let bytes = clock(&world, &holder).await.bytes;
    // What is said about the last comes on top.
    let reserve = most + most / super::room::RESERVE;
    assert!(
        (reserve - 2_000..reserve + 2_000).contains(&bytes),
        "{bytes} of {reserve}"
    );
}

#[tokio::test]
async fn a_full_disk_makes_edits_wait_but_for_what_takes_something_back() {
    let mut world = World::new();
    let (mut holder, [right, one, ..]) = furnished(&world).await;
    let full = full_disk(&world);
    world.with_room(RECORD_BYTES, full, &mut [&mut holder]);
    // Whoever only looks is answered.
    assert!(holder.sync().await.aside.is_empty());

    let note = holder.note("New");
    holder.write(note, &[Write::set("text", "more")]);
    let before = clock(&world, &holder).await;
    let request = holder.request();
    let refused = holder.ask(request).await.expect_err("no room");
    assert!(matches!(refused, AccessError::NoRoom));
    assert_eq!(Problem::from(refused).kind(), ProblemType::NoRoom);
    assert_eq!(clock(&world, &holder).await, before);

    holder.write(right, &[revoked()]);
    holder.write(one, &[Write::set(HIDDEN_FROM_REPRESENTATIVES, true)]);
    holder.write(one, &[Write::set("notes", "later")]);
    let (answer, report) = holder.round().await;
    let taken = |told: &Verdict| matches!(told, Verdict::Accepted(_));
    let told = verdicts(&answer);
    assert!(told.len() == 2 && told.iter().all(taken), "{told:?}");
    // The rest is not given up, and not refused for following what waits.
    assert!(report.aside.is_empty());
    assert_eq!(holder.kept.unsent.len(), 3);
    let request = holder.request();
    let refused = holder.ask(request).await;
    assert!(matches!(refused, Err(AccessError::NoRoom)));

    world.with_room(RECORD_BYTES, Disk::default(), &mut [&mut holder]);
    let (answer, _) = holder.round().await;
    let told = verdicts(&answer);
    assert!(told.len() == 3 && told.iter().all(taken), "{told:?}");
    assert!(holder.kept.unsent.is_empty());
}

/// What waits is judged anew once there is room, as if it had not been.
#[tokio::test]
async fn on_a_full_disk_nothing_is_held_or_refused_either() {
    let mut world = World::new();
    let (mut holder, _) = furnished(&world).await;
    let (mut caregiver, _) = world.caregiver(&mut holder).await;
    caregiver.sync().await;
    let full = full_disk(&world);
    world.with_room(RECORD_BYTES, full, &mut [&mut caregiver]);
    let note = caregiver.note("Not mine to write");
    caregiver.write(note, &[Write::set("text", "more")]);
    let request = caregiver.request();
    let refused = caregiver.ask(request).await;
    assert!(matches!(refused, Err(AccessError::NoRoom)));
    world.with_room(RECORD_BYTES, Disk::default(), &mut [&mut caregiver]);
    let (answer, _) = caregiver.round().await;
    let expected = [HoldReason::NotPermitted, HoldReason::FollowsHeld];
    assert_eq!(verdicts(&answer), expected.map(Verdict::Held));
}
