//! Requests whose changes are tried in processes of their own.

use std::sync::Arc;

use sync_core::entry::Write;
use sync_core::policy::Role;
use sync_core::sync::{Refusal, Verdict};

use super::cursor;
use crate::guard::tests::{PATIENT, pool};
use crate::ingest::{MOST_EDITS, Passed};
use crate::load::Turn;
use crate::records::world::{Phone, World};
use crate::records::{AccessError, Records};

fn is_accepted(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Accepted(_))
}

async fn verdicts(phone: &mut Phone) -> Vec<Verdict> {
    let (answer, _) = phone.round().await;
    let outcomes = answer.outcomes.into_iter();
    outcomes.map(|outcome| outcome.verdict).collect()
}

/// A request that does harm loses that edit, and says so; its other edits, and other people's
/// requests beside it, are taken, and what was acknowledged is there.
#[tokio::test]
async fn harm_costs_one_edit_and_nothing_else() {
    let mut world = World::new();
    let mut phone = world.holder(1).await;
    let mut other = world.holder(2).await;
    world.with_guard(pool(2, PATIENT), &mut [&mut phone, &mut other]);
    let before = phone.note("One");
    for harm in ["!abort", "!hang", "!memory"] {
        phone.note(harm);
    }
    let after = phone.note("Two");
    other.note("Mine");
    let (harmed, beside) = futures_util::join!(verdicts(&mut phone), verdicts(&mut other));
    assert!(beside.iter().all(is_accepted), "{beside:?}");
    let refused = Verdict::Refused(Refusal::Malformed);
    let [one, bad @ .., two] = harmed.as_slice() else {
        panic!("{harmed:?}");
    };
    assert!(is_accepted(one) && is_accepted(two), "{harmed:?}");
    assert_eq!(bad, &[refused.clone(), refused.clone(), refused]);
    // Another phone of theirs has what was acknowledged.
    let (record, holder) = (phone.head.record, phone.author.person);
    let mut second = world.phone(record, holder, Role::Holder, holder);
    second.sync().await;
    for entry in [before, after] {
        assert!(second.kept.entries.contains_key(&entry));
    }
    assert_eq!(second.kept.entries.len(), 2);
    // They go on, apart.
    phone.write(before, &[Write::set("text", "three")]);
    assert!(verdicts(&mut phone).await.iter().all(is_accepted));
}

/// Edits that do harm are known once they did, however many there are: who comes again with them hears
/// that they are refused, and what is behind them is taken.
#[tokio::test]
async fn however_many_do_harm_what_is_behind_them_has_its_turn() {
    let mut world = World::new();
    let mut phone = world.holder(1).await;
    world.with_guard(pool(1, PATIENT), &mut [&mut phone]);
    for _ in 0..5 {
        phone.note("!abort");
    }
    phone.note("Behind");
    let (record, visitor) = (phone.head.record, phone.visitor);
    let first = world
        .records
        .sync(record, visitor, phone.request(), Turn::default());
    assert!(matches!(first.await, Err(AccessError::Harmful)));
    let told = verdicts(&mut phone).await;
    let [bad @ .., behind] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(bad, &[const { Verdict::Refused(Refusal::Malformed) }; 5]);
    assert!(is_accepted(behind), "{told:?}");
}

/// A request has more edits than one ask, of one entry and of many: all have their turn, in their
/// order, and harm costs the edit that does it wherever it stands.
#[tokio::test]
async fn a_request_of_more_edits_than_an_ask_is_taken_whole() {
    let mut world = World::new();
    let mut phone = world.holder(1).await;
    world.with_guard(pool(1, PATIENT), &mut [&mut phone]);
    let entry = phone.note("One");
    for number in 0..MOST_EDITS {
        phone.write(entry, &[Write::set("text", number.to_string())]);
    }
    for _ in 0..MOST_EDITS {
        phone.note("Another");
    }
    phone.note("!abort");
    phone.note("Last");
    let told = verdicts(&mut phone).await;
    assert_eq!(told.len(), 2 * MOST_EDITS + 3);
    let bad = 2 * MOST_EDITS + 1;
    for (number, verdict) in told.iter().enumerate() {
        assert_eq!(is_accepted(verdict), number != bad, "{number}: {verdict:?}");
    }
}

async fn passed(
    records: &Arc<Records>,
    phone: &mut Phone,
) -> impl Future<Output = Result<Passed, AccessError>> {
    let (record, visitor) = (phone.head.record, phone.visitor);
    let request = phone.request();
    let sealed = request.cursor.as_ref();
    let cursor =
        sealed.and_then(|sealed| cursor::open(&records.keys, record, visitor.person, sealed));
    let turn = Arc::new(Turn::default());
    let submission = records
        .verify(record, visitor, request, cursor, &turn)
        .await;
    let submission = submission.expect("verified");
    records
        .clone()
        .passes(record, visitor, submission, (cursor, None))
}

/// Two devices write in one entry at once. What came of trying the edits of the second does not
/// count any more when its turn comes, so they are tried again, and nothing is lost.
#[tokio::test]
async fn what_was_tried_on_an_entry_that_changed_meanwhile_is_tried_again() {
    let mut world = World::new();
    let mut phone = world.holder(1).await;
    let (record, holder) = (phone.head.record, phone.author.person);
    let mut second = world.phone(record, holder, Role::Holder, holder);
    world.with_guard(pool(1, PATIENT), &mut [&mut phone, &mut second]);
    let entry = phone.note("One");
    phone.sync().await;
    second.sync().await;
    for text in ["a", "b", "c", "d", "e"] {
        phone.write(entry, &[Write::set("text", text)]);
        second.write(entry, &[Write::set("notes", text)]);
    }
    second.note("Another");
    let first = passed(&world.records, &mut phone).await;
    let late = passed(&world.records, &mut second).await;
    for (pass, edits) in [(first.await, 5), (late.await, 6)] {
        let taken = pass.expect("passes").taken;
        let accepted = taken
            .outcomes
            .iter()
            .filter(|one| is_accepted(&one.verdict));
        assert_eq!(accepted.count(), edits, "{:?}", taken.outcomes);
    }
    phone.sync().await;
    second.sync().await;
    phone.sync().await;
    let state = |phone: &Phone| phone.kept.entries[&entry].state();
    assert_eq!(state(&phone), state(&second));
}
