//! How often the rights of records are read where that keeps everybody waiting.

use std::pin::pin;
use std::sync::{Arc, mpsc};

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection as _;
use futures_util::poll;
use sync_core::authority::Cursor;
use sync_core::entry::Write;
use sync_core::policy::{RightKind, Role};
use sync_core::sync::{Outcome, SyncAnswer};
use sync_core::{EntryId, PersonId};
use uuid::Uuid;

use super::cursor;
use crate::fault::Fault;
use crate::ingest::Submission;
use crate::load::Turn;
use crate::records::world::{Phone, World, random};
use crate::records::{AccessError, Records};
use crate::settings;
use crate::storage::met;

/// What the thread that writes met in the stores so far.
async fn met(world: &World) -> u64 {
    let count = |_: &mut SqliteConnection| Ok::<_, Fault>(met::all());
    world.records.db.write(count).await.expect("counted")
}

fn somebody() -> PersonId {
    PersonId(Uuid::from_bytes(random()))
}

/// A holder's phone, in whose record there are so many rights, and these.
async fn with_rights(world: &World, holder: u32, count: usize) -> (Phone, Vec<EntryId>) {
    let mut phone = world.holder(holder).await;
    let right = |_| phone.right(RightKind::Grant, somebody());
    let rights = (0..count).map(right).collect();
    phone.sync().await;
    (phone, rights)
}

/// One round trip with these records.
async fn round(records: &Arc<Records>, phone: &mut Phone) -> SyncAnswer {
    let (record, request) = (phone.head.record, phone.request());
    let answer = records.sync(record, phone.visitor, request, Turn::default());
    let answer = answer.await.expect("answers");
    phone.receive(&answer);
    answer
}

fn all_taken(outcomes: &[Outcome]) -> bool {
    let mut outcomes = outcomes.iter();
    outcomes.all(|outcome| outcome.verdict.accepted().is_some())
}

/// A server that was just started, and ten edits that each have a turn of their own.
async fn work_of_ten_turns(rights: usize) -> u64 {
    let world = World::new();
    let (mut phone, rights) = with_rights(&world, 1, rights).await;
    for n in 0..10 {
        phone.write(rights[0], &[Write::set("notes", format!("{n}"))]);
    }
    let started = world.slowed();
    let before = met(&world).await;
    let answer = round(&started, &mut phone).await;
    assert!(answer.outcomes.len() == 10 && all_taken(&answer.outcomes));
    met(&world).await - before
}

#[tokio::test]
async fn the_writer_reads_no_rights_anew_however_many_turns_change_some() {
    assert_eq!(work_of_ten_turns(2).await, work_of_ten_turns(30).await);
}

/// What a phone's next request hands in, made ready for the writer.
async fn ready(world: &World, phone: &mut Phone) -> (Submission, Option<Cursor>) {
    let (record, request) = (phone.head.record, phone.request());
    let sealed = request.cursor.as_deref();
    let open = |sealed| cursor::open(&world.records.keys, record, phone.author.person, sealed);
    let cursor = sealed.and_then(open);
    let turn = Arc::new(Turn::default());
    let verified = world
        .records
        .verify(record, phone.visitor, request, cursor, &turn);
    (verified.await.expect("verified"), cursor)
}

/// Keeps the writer until something is sent; it is there when this answers.
async fn keep_writer(world: &World) -> mpsc::Sender<()> {
    let (reach, reached) = tokio::sync::oneshot::channel();
    let (open, opened) = mpsc::channel();
    let db = world.records.db.clone();
    tokio::spawn(async move {
        let wait = move |_: &mut SqliteConnection| {
            reach.send(()).expect("awaited");
            opened.recv().expect("opened");
            Ok::<_, Fault>(())
        };
        db.write(wait).await.expect("ran");
    });
    reached.await.expect("there");
    open
}

/// Two phones of the holder, each with an edit of another right and a new one, whose jobs share a
/// group of writes.
async fn work_of_one_group(rights: usize) -> u64 {
    let world = World::new();
    let (mut one, rights) = with_rights(&world, 1, rights).await;
    let (record, holder) = (one.head.record, one.author.person);
    let mut other = world.phone(record, holder, Role::Holder, holder);
    other.sync().await;
    one.write(rights[0], &[Write::set("notes", "one")]);
    one.right(RightKind::Grant, somebody());
    other.write(rights[1], &[Write::set("notes", "other")]);
    other.right(RightKind::Grant, somebody());
    let (first, second) = (
        ready(&world, &mut one).await,
        ready(&world, &mut other).await,
    );
    let before = met(&world).await;
    let open = keep_writer(&world).await;
    let pass = |visitor, (submission, cursor)| {
        let records = world.records.clone();
        records.passes(record, visitor, submission, (cursor, None))
    };
    let mut first = pin!(pass(one.visitor, first));
    let mut second = pin!(pass(other.visitor, second));
    // Asked once, each has its job in the queue.
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    open.send(()).expect("somebody waits");
    for passed in [first.await, second.await] {
        assert!(all_taken(&passed.expect("kept").taken.outcomes));
    }
    met(&world).await - before
}

#[tokio::test]
async fn the_writer_reads_no_rights_anew_for_the_next_request_of_a_group() {
    assert_eq!(work_of_one_group(2).await, work_of_one_group(30).await);
}

/// What one request worked out in a group that is undone is forgotten: what is in memory of the
/// rights is what the store has, also when their next change takes the same tick.
#[tokio::test]
async fn nothing_is_left_of_the_rights_of_a_group_that_was_undone() {
    let world = World::new();
    let (mut one, rights) = with_rights(&world, 1, 2).await;
    let (record, holder) = (one.head.record, one.author.person);
    let mut other = world.phone(record, holder, Role::Holder, holder);
    other.sync().await;
    let lost = one.right(RightKind::Grant, somebody());
    let (submission, cursor) = ready(&world, &mut one).await;
    let open = keep_writer(&world).await;
    let records = world.records.clone();
    let mut undone = pin!(records.passes(record, one.visitor, submission, (cursor, None)));
    assert!(poll!(&mut undone).is_pending());
    // SQLite undoes the whole transaction when there is no room.
    let no_room = |c: &mut SqliteConnection| -> Result<(), Fault> {
        c.batch_execute("PRAGMA max_page_count = 1")?;
        Ok(settings::note(c, settings::ROOM, &"0".repeat(1 << 20))?)
    };
    let mut breaks = pin!(world.records.db.write(no_room));
    assert!(poll!(&mut breaks).is_pending());
    open.send(()).expect("somebody waits");
    assert!(matches!(undone.await, Err(AccessError::Fault(_))));
    assert!(breaks.await.is_err());
    let room = |c: &mut SqliteConnection| -> Result<(), Fault> {
        Ok(c.batch_execute("PRAGMA max_page_count = 1073741823")?)
    };
    world.records.db.write(room).await.expect("room again");

    other.write(rights[1], &[Write::set("notes", "other")]);
    let (answer, _) = other.round().await;
    assert!(all_taken(&answer.outcomes));
    let counted = |records: Arc<Records>| async move {
        let db = records.db.clone();
        let count = move |c: &mut SqliteConnection| -> Result<_, AccessError> {
            let admitted = records.admit(c, record, holder)?;
            let ledger = &admitted.known.ledger;
            Ok((ledger.count(), ledger.bytes(), ledger.is_over(&lost)))
        };
        db.read(count).await.expect("reads")
    };
    let kept = counted(world.records.clone()).await;
    assert_eq!(kept, counted(world.slowed()).await);
    assert!(kept.0 == 2 && kept.2);
    // What was undone goes again, and is taken.
    let (answer, _) = one.round().await;
    assert!(all_taken(&answer.outcomes));
    assert_eq!(counted(world.records.clone()).await.0, 3);
}

/// Another record delegates to somebody, and has so many rights besides.
async fn work_of_a_second_delegation(rights: usize) -> u64 {
    let world = World::new();
    let helper = world.person(None).await;
    let (mut elsewhere, _) = with_rights(&world, 2, rights).await;
    elsewhere.right(RightKind::Delegation, helper);
    elsewhere.sync().await;
    let mut phone = world.holder(1).await;
    let started = world.slowed();
    let given = phone.right(RightKind::Delegation, helper);
    assert!(all_taken(&round(&started, &mut phone).await.outcomes));
    phone.write(given, &[Write::set("status", r#"{"status":"revoked"}"#)]);
    assert!(all_taken(&round(&started, &mut phone).await.outcomes));
    phone.right(RightKind::Delegation, helper);
    let before = met(&world).await;
    assert!(all_taken(&round(&started, &mut phone).await.outcomes));
    met(&world).await - before
}

#[tokio::test]
async fn the_writer_reads_the_rights_of_other_records_once() {
    let few = work_of_a_second_delegation(2).await;
    assert_eq!(few, work_of_a_second_delegation(30).await);
}
