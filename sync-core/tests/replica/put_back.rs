//! A server that was put back from an older copy.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use sync_core::authority::VerifiedEdit;
use sync_core::change::Edit;
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::entry::Write;
use sync_core::guard;
use sync_core::replica::{AnswerError, AsideReason};
use sync_core::sign::PublicKey;
use sync_core::sync::{Frame, Item, Refusal, SyncAnswer, SyncRequest, Verdict};
use sync_core::{ChangeHash, DeviceId, Digest32, Epoch, LogIncarnation, PersonId, Tick};
use uuid::Uuid;

use super::{
    FOLLOWS, HELD, Phone, RECORD, answer, attested, by, elsewhere, entry, hash_of, judged, server,
};

/// An answer of a server that was put back: another life of the log, sent again from its start.
pub(super) fn anew(request: &SyncRequest, tick: u64) -> SyncAnswer {
    let checkpoint = Checkpoint {
        record: RECORD,
        viewer: PersonId(Uuid::from_u128(10)),
        log: LogIncarnation([8; 16]),
        tick: Tick(tick),
        epoch: Epoch([4; 8]),
        access_log: Digest32([6; 32]),
    };
    SyncAnswer {
        outcomes: Vec::new(),
        reset: true,
        checkpoint: SignedCheckpoint::new(&server(), &checkpoint),
        ..answer(request, tick)
    }
}

/// Leaves only the first edits in a request.
fn first_edits(request: &mut SyncRequest, count: usize) {
    let items = request.edits.as_ref().expect("edits");
    let items = items.unpack(&RECORD).expect("a frame");
    request.edits = Some(Frame::pack(&RECORD, &items[..count]).expect("a frame"));
}

/// A server put back to before entry 2, and to before the last change of entry 1: what it does not
/// name is handed back, also what others wrote, before what was never sent.
#[test]
fn what_a_server_lost_is_handed_back() {
    let mut phone = Phone::new();
    let first = phone.note(1, "at first");
    let base = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");

    let theirs = elsewhere(&base, "theirs", 11);
    let their_change = hash_of(&theirs.edit);
    let mine = phone.note(2, "lost");
    let request = phone.request();
    let mut told = answer(&request, 12);
    told.news = attested(&told, &[theirs]);
    phone.receive(&told).expect("an answer");
    let follows = phone.write(entry(2), &[Write::set("text", "not sent yet")]);
    assert_eq!(phone.sent().len(), 1);

    // It only names what it has, in pages; nothing is sent before all of them are here.
    let request = phone.request();
    let first_item = Item {
        edit: base,
        accepted: Some(Tick(10)),
    };
    let mut page = anew(&request, 50);
    page.more = true;
    phone.receive(&page).expect("a page");
    assert!(phone.sent().is_empty(), "they may follow what is not there");
    let request = phone.request();
    let mut page = anew(&request, 51);
    page.reset = false;
    page.news = attested(&page, &[first_item]);
    let report = phone.receive(&page).expect("a page");
    assert!(report.more && report.gone.is_empty());

    let frame = phone.request().edits.expect("edits");
    let items = frame.unpack(&RECORD).expect("a frame");
    let sent: Vec<_> = items
        .iter()
        .map(|i| (hash_of(&i.edit), i.accepted))
        .collect();
    let expected = [
        (their_change, Some(Tick(11))),
        (mine, Some(Tick(12))),
        (follows, None),
    ];
    assert_eq!(sent, expected);
    assert!(!sent.iter().any(|(change, _)| *change == first));

    let request = phone.request();
    let mut done = answer(&request, 60);
    done.checkpoint = anew(&request, 60).checkpoint;
    let report = phone.receive(&done).expect("an answer");
    assert_eq!((report.handed_back, report.accepted), (2, vec![follows]));
    assert!(phone.sent().is_empty());
    assert_eq!(phone.texts(1), BTreeSet::from(["theirs".to_owned()]));
    let local = &phone.store.entries[&entry(2)];
    assert!(!local.is_pending());
}

/// Somebody else may have handed it back first, and what the viewer may no longer see goes.
#[test]
fn what_turns_out_to_be_there_is_not_handed_back_twice() {
    let mut phone = Phone::new();
    phone.note(1, "mine");
    phone.note(2, "kept from me by now");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let request = phone.request();
    phone.receive(&anew(&request, 50)).expect("an answer");
    let sent = phone.sent();
    assert_eq!(sent.len(), 2);

    let request = phone.request();
    let mut told = answer(&request, 60);
    told.checkpoint = anew(&request, 60).checkpoint;
    told.outcomes.remove(0);
    for outcome in &mut told.outcomes {
        outcome.verdict = Verdict::Duplicate(Tick(9));
    }
    let first = Item {
        edit: sent[0].clone(),
        accepted: Some(Tick(55)),
    };
    told.news = attested(&told, &[first]);
    told.forget = vec![entry(2)];
    phone.receive(&told).expect("an answer");
    assert!(phone.sent().is_empty());
    assert!(phone.store.entries.contains_key(&entry(1)));
    assert!(!phone.store.entries.contains_key(&entry(2)));
}

/// What is held or refused of what is handed back stays on the device, and nobody signs others'
/// edits anew; but what was made there, under a key that nobody knows any more, is.
#[test]
fn what_is_not_taken_back_is_set_aside() {
    let mut phone = Phone::new();
    phone.note(1, "mine");
    let base = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let theirs = elsewhere(&base, "theirs", 11);
    let their_change = hash_of(&theirs.edit);
    let request = phone.request();
    let mut told = answer(&request, 12);
    told.news = attested(&told, &[theirs]);
    phone.receive(&told).expect("an answer");
    let request = phone.request();
    phone.receive(&anew(&request, 50)).expect("an answer");
    // Under another key of this device, too.
    phone.author.key = SigningKey::from_bytes(&[2; 32]);
    let request = phone.request();
    let mut told = answer(&request, 60);
    told.checkpoint = anew(&request, 60).checkpoint;
    for outcome in &mut told.outcomes {
        outcome.verdict = Verdict::Refused(Refusal::NotAuthentic);
    }
    let report = phone.receive(&told).expect("an answer");
    assert_eq!(report.aside.len(), 1);
    assert_eq!(phone.store.aside[0].change, their_change);
    let sent = phone.sent();
    assert_eq!(sent.len(), 1, "nothing is signed in their name");
    let origin = sent[0].origin.read().expect("an origin");
    let device = DeviceId::of(&PublicKey::of(&phone.author.key));
    assert_eq!((origin.device, origin.seen), (device, None));
    let writes = guard::inspect(&sent[0].change)
        .expect("a change")
        .past
        .writes;
    assert!(writes.contains(&Write::set("text", "mine")));
}

/// In one life the log does not go back, and none begins without a resend.
#[test]
fn a_new_life_of_the_log_begins_with_a_resend() {
    let mut phone = Phone::new();
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let request = phone.request();
    let mut quiet = anew(&request, 50);
    quiet.reset = false;
    assert!(matches!(phone.receive(&quiet), Err(AnswerError::WentBack)));
    let mut other = answer(&request, 20);
    let said = Checkpoint {
        viewer: PersonId(Uuid::from_u128(11)),
        ..other
            .checkpoint
            .open(&[PublicKey::of(&server())])
            .expect("a checkpoint")
    };
    other.checkpoint = SignedCheckpoint::new(&server(), &said);
    assert!(matches!(
        phone.receive(&other),
        Err(AnswerError::OtherViewer)
    ));
}

/// A server that was put back again, to before the life that this replica is in, goes on in a former
/// one until somebody shows it a cursor. Whoever forgot theirs takes that, and what is missing there
/// is handed back.
#[test]
fn a_former_life_may_go_on_for_whoever_shows_no_cursor() {
    let mut phone = Phone::new();
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let request = phone.request();
    phone.receive(&anew(&request, 50)).expect("another life");
    let mine = phone.note(1, "of the later life");
    let request = phone.request();
    let mut told = answer(&request, 60);
    told.checkpoint = anew(&request, 60).checkpoint;
    phone.receive(&told).expect("accepted");
    assert!(phone.sent().is_empty());

    phone.head.forget_cursor();
    let request = phone.request();
    let former = SyncAnswer {
        reset: true,
        ..answer(&request, 12)
    };
    phone.receive(&former).expect("the former life");
    assert_eq!(
        phone.texts(1),
        BTreeSet::from(["of the later life".to_owned()])
    );
    let again: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(again, [mine]);
}

/// What its viewer may not see any more is here only for what waits to be answered, and no resend
/// names it again: so the server's own proof stays with what others wrote, and goes with it when the
/// server has lost that. Once all is answered nothing of it is here.
#[test]
fn what_is_forgotten_keeps_its_proofs_until_all_of_it_is_answered() {
    let mut phone = Phone::new();
    phone.note(1, "mine");
    let base = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let theirs = elsewhere(&base, "theirs", 11);
    let their_change = hash_of(&theirs.edit);
    let request = phone.request();
    let mut told = answer(&request, 12);
    told.news = attested(&told, &[theirs]);
    phone.receive(&told).expect("an answer");
    phone.write(entry(1), &[Write::set("text", "waits")]);

    // It is hidden, and a full resend comes to its end: what proved earlier frames goes.
    let request = phone.request();
    let mut told = answer(&request, 13);
    (told.outcomes, told.forget) = (Vec::new(), vec![entry(1)]);
    phone.receive(&told).expect("an answer");
    let request = phone.request();
    let mut whole = answer(&request, 14);
    (whole.outcomes, whole.reset) = (Vec::new(), true);
    phone.receive(&whole).expect("an answer");
    assert!(phone.store.attestations.is_empty());
    assert!(phone.store.entries[&entry(1)].forgotten);

    let request = phone.request();
    phone.receive(&anew(&request, 50)).expect("an answer");
    let request = phone.request();
    let items = request.edits.as_ref().expect("edits");
    let items = items.unpack(&RECORD).expect("a frame");
    let their = items
        .iter()
        .find(|item| hash_of(&item.edit) == their_change);
    let their = their.expect("it is handed back").edit.clone();
    let keys = [PublicKey::of(&server())];
    let proven = VerifiedEdit::proven(&RECORD, &keys, their);
    assert!(proven.is_ok_and(|edit| edit.was_in() == Some(LogIncarnation([3; 16]))));

    let mut told = answer(&request, 60);
    told.checkpoint = anew(&request, 60).checkpoint;
    assert_eq!(told.outcomes.len(), 3);
    phone.receive(&told).expect("an answer");
    let store = &phone.store;
    assert!(store.entries.is_empty() && store.unsent.is_empty() && store.aside.is_empty());
    assert!(store.attestations.is_empty());
}

/// What follows something that was handed back and is held goes to the server, too: others' as it is,
/// out of its entry. A server that is put back again meanwhile has it after that.
#[test]
fn what_follows_what_is_held_of_what_was_handed_back_is_handed_back() {
    let mut phone = Phone::new();
    phone.note(1, "mine");
    let base = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let theirs = elsewhere(&base, "theirs", 11);
    let then = phone.write(entry(1), &[Write::set("text", "after it")]);
    let request = phone.request();
    let mut told = answer(&request, 12);
    told.news = attested(&told, &[theirs]);
    phone.receive(&told).expect("an answer");
    let last = phone.write(entry(1), &[Write::set("text", "after both")]);
    let request = phone.request();
    phone.receive(&answer(&request, 13)).expect("an answer");
    let request = phone.request();
    phone.receive(&anew(&request, 50)).expect("an answer");

    // The first goes alone, and is held.
    let mut request = phone.request();
    let items = request.edits.as_ref().expect("edits");
    let items = items.unpack(&RECORD).expect("a frame");
    let first = hash_of(&items[0].edit);
    request.edits = Some(Frame::pack(&RECORD, &items[..1]).expect("a frame"));
    let mut told = judged(&request, 60, &[HELD]);
    told.checkpoint = anew(&request, 60).checkpoint;
    let report = phone.receive(&told).expect("an answer");
    let aside: Vec<ChangeHash> = report.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [first]);
    assert!(report.more);
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert!(sent.len() == 3 && sent.contains(&then) && sent.contains(&last));

    // Put back again: what was held goes first.
    let request = phone.request();
    let mut whole = anew(&request, 70);
    let mut checkpoint: Checkpoint = whole.checkpoint.0.read().expect("made here");
    checkpoint.log = LogIncarnation([9; 16]);
    whole.checkpoint = SignedCheckpoint::new(&server(), &checkpoint);
    phone.receive(&whole).expect("an answer");
    let all: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!((all.len(), all[0]), (4, first));
}

/// What another wrote and is held does not stay where it was handed back from, unless something of its
/// own follows it there.
#[test]
fn what_is_held_of_another_is_let_go() {
    for follows in [false, true] {
        let mut phone = Phone::new();
        phone.note(1, "mine");
        let base = phone.sent().remove(0);
        let request = phone.request();
        phone.receive(&answer(&request, 10)).expect("an answer");
        let theirs = by(PersonId(Uuid::from_u128(11)), &base, "theirs", 11);
        let their_change = hash_of(&theirs.edit);
        let request = phone.request();
        let mut told = answer(&request, 12);
        told.news = attested(&told, &[theirs]);
        phone.receive(&told).expect("an answer");
        let request = phone.request();
        phone.receive(&anew(&request, 50)).expect("an answer");
        let own = follows.then(|| phone.write(entry(1), &[Write::set("text", "after both")]));

        let mut request = phone.request();
        first_edits(&mut request, 2);
        let mut told = judged(&request, 60, &[Verdict::Accepted(Tick(60)), HELD]);
        told.checkpoint = anew(&request, 60).checkpoint;
        let report = phone.receive(&told).expect("an answer");
        if let Some(own) = own {
            assert_eq!(phone.store.aside[0].change, their_change);
            let request = phone.request();
            let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
            let again = !sent.contains(&own);
            let verdict = match again {
                true => Verdict::Accepted(Tick(70)),
                false => FOLLOWS,
            };
            let mut told = judged(&request, 70, &[verdict]);
            told.checkpoint = anew(&request, 70).checkpoint;
            phone.receive(&told).expect("an answer");
            assert_eq!(phone.store.aside.len(), if again { 0 } else { 2 });
        } else {
            assert!(report.aside.is_empty());
            assert_eq!(report.handed_back, 2);
            assert!(phone.store.aside.is_empty());
        }
        assert!(phone.sent().is_empty());
        assert!(!phone.store.entries[&entry(1)].has(&their_change));
    }
}

/// A copy of this store wrote something else under the name of what the server lost: that gives way,
/// and what followed it is handed back all the same.
#[test]
fn what_follows_what_gives_way_is_handed_back() {
    let mut phone = Phone::new();
    phone.note(1, "at first");
    let base = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let mut copy = Phone {
        head: phone.head.clone(),
        store: phone.store.clone(),
        author: phone.author.clone(),
        clock: phone.clock,
    };
    let mine = phone.write(entry(1), &[Write::set("text", "mine")]);
    let then = phone.write(entry(1), &[Write::set("text", "after it")]);
    let request = phone.request();
    phone.receive(&answer(&request, 11)).expect("an answer");
    copy.write(entry(1), &[Write::set("text", "the copy's")]);
    let item = |edit, tick| Item {
        edit,
        accepted: Some(Tick(tick)),
    };
    let news = [item(base, 10), item(copy.sent().remove(0), 12)];

    let request = phone.request();
    let mut told = anew(&request, 50);
    told.news = attested(&told, &news);
    let report = phone.receive(&told).expect("an answer");
    let aside: Vec<_> = report.aside.iter().map(|a| (a.change, a.why)).collect();
    let why = AsideReason::Refused(Refusal::Equivocation);
    assert_eq!(aside, [(mine, why)]);
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [then]);

    // Refused, for nobody has what it follows, it does not stand before what is written since, also
    // where a request has room for one edit only.
    let last = phone.write(entry(1), &[Write::set("text", "since")]);
    let mut request = phone.request();
    first_edits(&mut request, 1);
    let mut told = judged(&request, 60, &[Verdict::Refused(Refusal::Incomplete)]);
    told.checkpoint = anew(&request, 60).checkpoint;
    let report = phone.receive(&told).expect("an answer");
    let aside: Vec<ChangeHash> = report.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [then]);
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [last]);
}

/// What a server did not take because it did not know its author's device goes again once it does:
/// once, whatever becomes of it then.
#[test]
fn what_is_refused_a_second_time_does_not_go_again() {
    let mut phone = Phone::new();
    for number in 0..7 {
        phone.note(number, "mine");
    }
    let bases = phone.sent();
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let theirs = elsewhere(&bases[0], "theirs", 11);
    let their_change = hash_of(&theirs.edit);
    let request = phone.request();
    let mut told = answer(&request, 12);
    told.news = attested(&told, &[theirs]);
    phone.receive(&told).expect("an answer");
    let request = phone.request();
    let mut whole = anew(&request, 50);
    let kept = |edit: &Edit| Item {
        edit: edit.clone(),
        accepted: Some(Tick(10)),
    };
    let kept: Vec<Item> = bases.iter().map(kept).collect();
    whole.news = attested(&whole, &kept);
    phone.receive(&whole).expect("an answer");

    let mut goes = 0;
    for (tick, base) in (60..).zip(&bases[1..]) {
        let request = phone.request();
        let sent = phone.sent();
        goes += sent.iter().filter(|e| hash_of(e) == their_change).count();
        let mut told = answer(&request, tick);
        told.checkpoint = anew(&request, tick).checkpoint;
        for outcome in &mut told.outcomes {
            outcome.verdict = Verdict::Refused(Refusal::NotAuthentic);
        }
        // Their device writes something else.
        let news = elsewhere(base, "news", tick);
        told.news = attested(&told, &[news]);
        phone.receive(&told).expect("an answer");
    }
    assert_eq!(goes, 2, "as it was, and once more");
    assert!(phone.sent().is_empty());
}
