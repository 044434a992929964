//! What a replica asks, and which answers it takes.

use std::collections::BTreeSet;

use sync_core::entry::{EntryError, Write};
use sync_core::guard;
use sync_core::replica::{AnswerError, EditError};
use sync_core::sync::{Outcome, Refusal, SyncAnswer, SyncRequest, Verdict};
use sync_core::{Bytes, ChangeHash, DeviceTime, Digest32, Tick};

use super::{Phone, answer, entry, judged};

#[test]
fn a_long_queue_goes_out_in_its_order_a_request_at_a_time() {
    let mut phone = Phone::new();
    let mut made = vec![phone.note(0, "first")];
    // Hardly to be compressed, and now and then an edit of the first note.
    for number in 1..40 {
        let text: String = (0..1_400_u64)
            .map(|n| Digest32::of(&[&n.to_le_bytes(), &[number as u8]]))
            .map(|digest| format!("{digest}")[..40].to_owned())
            .collect();
        made.push(phone.note(number, &text));
        made.push(phone.write(entry(0), &[Write::set("text", format!("{number}"))]));
    }
    let (mut told, mut requests) = (Vec::new(), 0);
    loop {
        let request = phone.request();
        let Some(frame) = &request.edits else { break };
        assert!(frame.0.len() < 2 << 20, "{}", frame.0.len());
        requests += 1;
        let answer = answer(&request, requests);
        told.extend(answer.outcomes.iter().map(|outcome| outcome.change));
        phone.receive(&answer).expect("its answer");
    }
    assert!(requests > 1, "it does not fit one request");
    assert_eq!(told, made, "in the order they were made");
}

#[test]
fn only_an_answer_that_goes_on_from_here_is_taken() {
    let mut phone = Phone::new();
    let first = answer(&phone.request(), 10);
    phone.receive(&first).expect("its answer");
    let request = phone.request();
    let (second, mut over) = (answer(&request, 20), answer(&request, 21));
    over.reset = true;
    phone.receive(&second).expect("its answer");
    let (head, entries) = (phone.head.clone(), phone.store.entries.len());
    // A late one, one given out twice, one that starts over: all go on from elsewhere.
    for stale in [&first, &second, &over] {
        let taken = phone.receive(stale);
        assert!(matches!(taken, Err(AnswerError::OutOfTurn)), "{taken:?}");
    }
    // One that was made for a device without a cursor, or for one whose edits are not here.
    let mut other = answer(&phone.request(), 30);
    other.after = None;
    assert!(matches!(phone.receive(&other), Err(AnswerError::OutOfTurn)));
    let mut other = answer(&phone.request(), 30);
    other.outcomes.push(Outcome {
        change: ChangeHash([8; 32]),
        verdict: Verdict::Accepted(Tick(30)),
    });
    assert!(matches!(phone.receive(&other), Err(AnswerError::OutOfTurn)));
    assert_eq!(
        (phone.head.clone(), phone.store.entries.len()),
        (head, entries)
    );
    let next = answer(&phone.request(), 30);
    phone.receive(&next).expect("its answer");
}

#[test]
fn what_no_server_takes_is_not_written() {
    let mut phone = Phone::new();
    phone.note(1, "before");
    let Phone {
        head,
        store,
        author,
        ..
    } = &mut phone;
    let mut noise = 1_u64;
    let long: String = std::iter::repeat_with(|| {
        noise = noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + (noise >> 60) as u8)
    })
    .take(guard::MAX_CHANGE)
    .collect();
    let writes = [Write::set("text", long.as_str())];
    let made = head.edit(store, author, entry(1), &writes, Vec::new(), DeviceTime(1));
    let Err(EditError::Entry(EntryError::TooLarge)) = made else {
        panic!("written")
    };
    assert_eq!(phone.texts(1), BTreeSet::from(["before".to_owned()]));
    assert_eq!(phone.sent().len(), 1);
}

/// Whoever shows no cursor that the server can read is told of no time before all is given; but
/// all that is given must not end behind what was told once.
#[test]
fn the_pages_of_a_full_resend_may_be_behind_the_checkpoint_but_not_its_end() {
    let pages = |request: &SyncRequest, reset: bool, more: bool, tick: u64| SyncAnswer {
        reset,
        more,
        vital: false,
        cursor: Bytes::from([tick.to_le_bytes(), [u8::from(more); 8]].concat()),
        ..answer(request, tick)
    };
    let mut phone = Phone::new();
    phone.note(1, "mine");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    let held = phone.head.checkpoint.clone();
    // Its right was renewed, or the server cannot read its cursor.
    for forgotten in [true, false] {
        if forgotten {
            phone.head.forget_cursor();
        }
        let request = phone.request();
        let whole = phone.receive(&pages(&request, true, false, 9));
        assert!(matches!(whole, Err(AnswerError::WentBack)), "{whole:?}");
        phone
            .receive(&pages(&request, true, true, 0))
            .expect("a page");
        assert_eq!(phone.head.checkpoint, held, "edits name it still");
        let request = phone.request();
        let rest = phone.receive(&pages(&request, false, false, 9));
        assert!(matches!(rest, Err(AnswerError::WentBack)), "{rest:?}");
        // It may start over meanwhile.
        phone
            .receive(&pages(&request, true, true, 0))
            .expect("a page");
    }
    let request = phone.request();
    phone
        .receive(&pages(&request, false, false, 10))
        .expect("the last page");
    assert_eq!(phone.head.seen_until(), Some(Tick(10)));
    // What goes on from here is no resend.
    let request = phone.request();
    let page = phone.receive(&pages(&request, false, true, 9));
    assert!(matches!(page, Err(AnswerError::WentBack)), "{page:?}");
}

/// An edit is refused for the checkpoint that it names. If the next request shows it the edit goes
/// again, once; if it is not here any more there is nothing to show, and the edit is set aside.
#[test]
fn what_is_refused_for_its_checkpoint_goes_again_if_that_can_be_shown() {
    let unknown = [Verdict::Refused(Refusal::UnknownCheckpoint)];
    for is_here in [true, false] {
        let mut phone = Phone::new();
        let first = answer(&phone.request(), 10);
        phone.receive(&first).expect("its answer");
        let named = phone.note(1, "having seen the first");
        if !is_here {
            // As a store of before checkpoints were kept.
            phone.head.checkpoint = None;
        }
        let mut tick = 20;
        let mut refused = || {
            let request = phone.request();
            assert_eq!(request.edits.is_some(), !phone.store.unsent.is_empty());
            let shows = request.checkpoints.len();
            let told = judged(&request, tick, &unknown);
            tick += 10;
            let report = phone.receive(&told).expect("its answer");
            (shows, report.more, report.aside.len())
        };
        if is_here {
            assert_eq!(refused(), (0, true, 0));
            assert_eq!(refused(), (1, false, 1));
        } else {
            assert_eq!(refused(), (0, false, 1));
        }
        assert!(phone.sent().is_empty());
        assert_eq!(phone.store.aside[0].change, named);
    }
}

/// Edits that wait for long, while what is new is asked for without them, keep the checkpoints that
/// they name, and no others.
#[test]
fn what_waits_keeps_the_checkpoints_that_it_names() {
    let mut phone = Phone::new();
    let first = answer(&phone.request(), 10);
    phone.receive(&first).expect("its answer");
    phone.note(1, "having seen the first");
    let mut named = vec![first.checkpoint];
    for tick in 11..60 {
        let request = SyncRequest {
            edits: None,
            ..phone.request()
        };
        let told = answer(&request, tick);
        phone.receive(&told).expect("its answer");
        if tick % 20 == 0 {
            phone.note(u128::from(tick), "having seen another");
            named.push(told.checkpoint);
        }
    }
    assert_eq!(phone.head.earlier, named);
    assert_eq!(phone.request().checkpoints, named);
    let request = phone.request();
    phone.receive(&answer(&request, 60)).expect("its answer");
    assert!(phone.head.earlier.is_empty() && phone.sent().is_empty());
}

/// What a cursor proves is the last thing given, be it a page: an edit that names the checkpoint from
/// before the pages goes with it, whether it was made before the first page or after.
#[test]
fn what_is_written_between_pages_shows_the_checkpoint_that_it_names() {
    for before in [true, false] {
        let mut phone = Phone::new();
        let whole = answer(&phone.request(), 10);
        phone.receive(&whole).expect("its answer");
        if before {
            phone.note(1, "before the page");
        }
        let page = SyncAnswer {
            more: true,
            vital: false,
            ..answer(
                &SyncRequest {
                    edits: None,
                    ..phone.request()
                },
                20,
            )
        };
        phone.receive(&page).expect("a page");
        phone.note(2, "before the next");
        let named = [whole.checkpoint];
        assert_eq!(phone.request().checkpoints, named);
        phone.head.forget_cursor();
        assert_eq!(phone.request().checkpoints, named);
        // Once it was shown and is refused, it is set aside.
        let request = phone.request();
        let verdicts = vec![Verdict::Refused(Refusal::UnknownCheckpoint); phone.sent().len()];
        let mut told = judged(&request, 30, &verdicts);
        let mut rounds = 0;
        while phone.receive(&told).expect("its answer").aside.is_empty() {
            rounds += 1;
            assert!(rounds < 3, "it goes again and again");
            let request = phone.request();
            told = judged(&request, 30 + rounds, &verdicts);
        }
        assert!(phone.sent().is_empty());
    }
}
