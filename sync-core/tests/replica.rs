//! A replica alone: what it asks, what it takes, and how it goes on under another key.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use sync_core::change::{Actor, Edit, Origin, SignedOrigin};
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::entry::{EntryError, Value, Write};
use sync_core::guard;
use sync_core::policy::Role;
use sync_core::replica::{
    AnswerError, AsideReason, Author, EditError, LocalEntry, Memory, ReplicaHead, Report,
};
use sync_core::sign::PublicKey;
use sync_core::sync::{
    CursorDigest, Frame, HeldEdit, HoldReason, Item, Outcome, PROTOCOL, Refusal, Settlement,
    SyncAnswer, SyncRequest, Verdict,
};
use sync_core::{
    Bytes, ChangeHash, DeviceId, DeviceTime, Digest32, EntryId, Epoch, Incarnation, LogIncarnation,
    PersonId, RecordId, Tick,
};
use uuid::Uuid;

const RECORD: RecordId = RecordId(Uuid::from_u128(1));

fn server() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn entry(number: u128) -> EntryId {
    EntryId(Uuid::from_u128(100 + number))
}

/// A phone with its replica.
struct Phone {
    head: ReplicaHead,
    store: Memory,
    author: Author,
    clock: i64,
}

impl Phone {
    fn new() -> Self {
        let author = Author {
            person: PersonId(Uuid::from_u128(10)),
            role: Role::Holder,
            on_behalf_of: None,
            key: SigningKey::from_bytes(&[1; 32]),
        };
        let server_keys = vec![PublicKey::of(&server())];
        Phone {
            head: ReplicaHead::new(RECORD, server_keys, Incarnation([1; 16])),
            store: Memory::default(),
            author,
            clock: 0,
        }
    }

    fn device(&self) -> DeviceId {
        DeviceId::of(&PublicKey::of(&self.author.key))
    }

    fn write(&mut self, entry: EntryId, writes: &[Write]) -> ChangeHash {
        self.clock += 1_000;
        let at = DeviceTime(self.clock);
        let Phone { head, store, .. } = self;
        head.edit(store, &self.author, entry, writes, Vec::new(), at)
            .expect("it changes something")
    }

    fn note(&mut self, number: u128, text: &str) -> ChangeHash {
        let writes = [Write::set("kind", "own-note"), Write::set("text", text)];
        self.write(entry(number), &writes)
    }

    fn request(&mut self) -> SyncRequest {
        self.head
            .request(&mut self.store, &self.author, None)
            .expect("a request")
    }

    fn sent(&mut self) -> Vec<Edit> {
        let frame = self.request().edits;
        let items = frame.map(|frame| frame.unpack(&RECORD).expect("a frame"));
        let items = items.unwrap_or_default().into_iter();
        items.map(|item| item.edit).collect()
    }

    fn receive(
        &mut self,
        answer: &SyncAnswer,
    ) -> Result<Report, AnswerError<std::convert::Infallible>> {
        let fresh = Incarnation([7; 16]);
        self.head.receive(
            &mut self.store,
            &self.author,
            answer,
            fresh,
            DeviceTime(900_000),
        )
    }

    fn texts(&self, number: u128) -> BTreeSet<String> {
        let state = self.store.entries[&entry(number)].state();
        let texts = state.values("text").filter_map(Value::as_text);
        texts.map(str::to_owned).collect()
    }
}

/// An answer to a request that accepts whatever it hands in.
fn answer(request: &SyncRequest, tick: u64) -> SyncAnswer {
    let items = request.edits.as_ref();
    let items = items.map(|frame| frame.unpack(&RECORD).expect("a frame"));
    let accepted = |item: Item| Outcome {
        change: hash_of(&item.edit),
        verdict: Verdict::Accepted(Tick(tick)),
    };
    let checkpoint = Checkpoint {
        record: RECORD,
        viewer: PersonId(Uuid::from_u128(10)),
        log: LogIncarnation([3; 16]),
        tick: Tick(tick),
        epoch: Epoch([4; 8]),
        access_log: Digest32([5; 32]),
    };
    SyncAnswer {
        v: PROTOCOL,
        outcomes: items
            .unwrap_or_default()
            .into_iter()
            .map(accepted)
            .collect(),
        reset: false,
        news: None,
        forget: Vec::new(),
        destroyed: Vec::new(),
        held: Vec::new(),
        more: false,
        after: request.cursor.as_ref().map(|at| CursorDigest::of(at)),
        cursor: Bytes::from(&tick.to_le_bytes()[..]),
        checkpoint: SignedCheckpoint::new(&server(), &checkpoint),
    }
}

fn hash_of(edit: &Edit) -> ChangeHash {
    guard::inspect(&edit.change).expect("a change").hash()
}

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

/// A change of somebody else's on what a device has sent of an entry.
fn elsewhere(mine: &Edit, text: &str, tick: u64) -> Item {
    let key = SigningKey::from_bytes(&[5; 32]);
    let (public, incarnation) = (PublicKey::of(&key), Incarnation([5; 16]));
    let (entry, at) = (mine.entry, DeviceTime(1));
    let mut local = LocalEntry::default();
    local
        .take(&mine.change, mine.origin.clone(), None)
        .expect("fits");
    let origin = Origin {
        author: PersonId(Uuid::from_u128(10)),
        role: Role::Holder,
        on_behalf_of: None,
        device: DeviceId::of(&public),
        incarnation,
        seen: None,
        at,
        cites: Vec::new(),
    };
    let actor = Actor::of(&public, &incarnation, &entry);
    let made = local.write(entry, actor, &[Write::set("text", text)], at, |hash| {
        SignedOrigin::new(&key, &RECORD, &entry, hash, &origin)
    });
    Item {
        edit: made.expect("it changes something").edit,
        accepted: Some(Tick(tick)),
    }
}

/// Whoever signs in again has what waits taken under the name it has: nothing of it is said twice.
#[test]
fn what_another_key_signed_goes_as_it_was_signed() {
    let mut phone = Phone::new();
    let (first, second) = (phone.note(1, "ten"), phone.note(2, "elsewhere"));
    phone.author.key = SigningKey::from_bytes(&[2; 32]);
    let third = phone.write(entry(1), &[Write::set("text", "twenty")]);
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [first, second, third]);
    let request = phone.request();
    let verdicts = [HELD, Verdict::Duplicate(Tick(5)), FOLLOWS];
    let report = phone
        .receive(&judged(&request, 10, &verdicts))
        .expect("its answer");
    assert_eq!(report.accepted, [second]);
    let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [first, third]);
    assert!(phone.sent().is_empty());
}

/// The answer that said so was lost, and the holder has decided: it is known from what is told of
/// the decision, and does not go again under any name.
#[test]
fn what_was_held_and_decided_on_before_its_author_heard_does_not_go_again() {
    for settled in [
        None,
        Some(Settlement::Released),
        Some(Settlement::Discarded),
    ] {
        let mut phone = Phone::new();
        let change = phone.note(1, "ten");
        let edit = phone.sent().remove(0);
        phone.author.key = SigningKey::from_bytes(&[2; 32]);
        // Told unasked, as on a line: no verdict of an edit.
        let mut told = answer(&phone.request(), 10);
        told.outcomes.clear();
        told.held = vec![HeldEdit {
            edit,
            reason: HoldReason::NoLongerPermitted,
            received: Tick(4),
            settled,
            yours: settled.is_none(),
        }];
        let report = phone.receive(&told).expect("its answer");
        let aside: Vec<ChangeHash> = report.aside.iter().map(|aside| aside.change).collect();
        assert_eq!(
            (aside, phone.sent().len()),
            (vec![change], 0),
            "{settled:?}"
        );
        let known = phone.store.held.first().and_then(|held| held.settled);
        assert_eq!(known, settled);
    }
}

#[test]
fn what_a_key_signed_that_the_server_does_not_know_is_signed_anew() {
    let mut phone = Phone::new();
    phone.note(1, "before");
    let known = phone.sent().remove(0);
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    // One arrives without an answer; two others of that entry and one new entry never do.
    let arrived = phone.note(2, "arrived");
    let lost = phone.sent().remove(0);
    phone.write(entry(1), &[Write::set("text", "mine")]);
    phone.write(entry(1), &[Write::set("text", "mine again")]);
    phone.note(3, "never sent");
    let old = phone.device();

    phone.author.key = SigningKey::from_bytes(&[2; 32]);
    phone.write(entry(3), &[Write::set("text", "under the new key")]);
    assert_eq!(phone.sent().len(), 5, "as they were signed");
    let not = Verdict::Refused(Refusal::NotAuthentic);
    let incomplete = Verdict::Refused(Refusal::Incomplete);
    let verdicts = [
        Verdict::Duplicate(Tick(15)),
        not.clone(),
        not.clone(),
        not,
        incomplete,
    ];
    let mut told = judged(&phone.request(), 20, &verdicts);
    let accepted = Some(Tick(15));
    let items = [
        Item {
            edit: lost,
            accepted,
        },
        elsewhere(&known, "theirs", 16),
    ];
    told.news = Some(Frame::pack(&RECORD, &items, Some(&server())).expect("a frame"));
    let report = phone.receive(&told).expect("its answer");
    assert!(report.more);

    let sent = phone.sent();
    let public = PublicKey::of(&phone.author.key);
    let mut times = Vec::new();
    for edit in &sent {
        let origin = edit.origin.read().expect("an origin");
        assert_eq!(origin.device, DeviceId::of(&public));
        let hash = hash_of(edit);
        assert!(edit.origin.verifies(&public, &RECORD, &edit.entry, &hash));
        let inspected = guard::inspect(&edit.change).expect("a change");
        let actor = Actor::of(&public, &origin.incarnation, &edit.entry);
        assert_eq!(inspected.past.actor, actor);
        assert_eq!(origin.seen.expect("a checkpoint").tick, Tick(10));
        times.push(origin.at.0);
    }
    // The times at which they were made; the first two were sent before.
    assert_eq!(times, [3_000, 4_000, 5_000, 6_000]);
    let named = phone.request().checkpoints;
    assert_eq!(named.len(), 1, "the one they name is shown");
    assert!(!sent.iter().any(|edit| hash_of(edit) == arrived));

    // What was concurrent still is: nothing of theirs is written over unseen.
    let both = ["mine again", "theirs"].map(str::to_owned);
    assert_eq!(phone.texts(1), BTreeSet::from(both));
    assert_eq!(
        phone.texts(3),
        BTreeSet::from(["under the new key".to_owned()])
    );
    let origins = phone.store.entries.values();
    let mut origins = origins.flat_map(|local| local.provenance().into_values());
    assert!(!origins.any(|p| p.accepted.is_none() && p.origin.device == old));
    let request = phone.request();
    phone.receive(&answer(&request, 30)).expect("its answer");
    assert!(phone.sent().is_empty() && phone.store.aside.is_empty());
}

/// An answer of a server that was put back: another life of the log, sent again from its start.
fn anew(request: &SyncRequest, tick: u64) -> SyncAnswer {
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
    told.news = Some(Frame::pack(&RECORD, &[theirs], Some(&server())).expect("a frame"));
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
    page.news = Some(Frame::pack(&RECORD, &[first_item], Some(&server())).expect("a frame"));
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
    told.news = Some(Frame::pack(&RECORD, &[first], Some(&server())).expect("a frame"));
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
    told.news = Some(Frame::pack(&RECORD, &[theirs], Some(&server())).expect("a frame"));
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

/// Two copies of one store wrote under one actor and number, and the other's is in the record: this
/// one's gives way, and the device goes on.
#[test]
fn what_a_copy_of_the_store_wrote_first_stands() {
    let mut phone = Phone::new();
    phone.note(1, "at first");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("an answer");
    let mut copy = Phone {
        head: phone.head.clone(),
        store: phone.store.clone(),
        author: phone.author.clone(),
        clock: phone.clock,
    };
    let mine = phone.write(entry(1), &[Write::set("text", "mine")]);
    copy.write(entry(1), &[Write::set("text", "the copy's")]);
    let first = Item {
        edit: copy.sent().remove(0),
        accepted: Some(Tick(11)),
    };

    let request = phone.request();
    let mut told = answer(&request, 20);
    told.outcomes.clear();
    told.news = Some(Frame::pack(&RECORD, &[first], Some(&server())).expect("a frame"));
    let report = phone.receive(&told).expect("it fits");
    let aside: Vec<_> = report.aside.iter().map(|a| (a.change, a.why)).collect();
    let why = AsideReason::Refused(Refusal::Equivocation);
    assert_eq!(aside, [(mine, why)]);
    assert_eq!(phone.texts(1), BTreeSet::from(["the copy's".to_owned()]));
    assert!(phone.sent().is_empty());
    assert_ne!(phone.head.incarnation, copy.head.incarnation);
}

/// An answer that holds or refuses what it is handed in, in this order.
fn judged(request: &SyncRequest, tick: u64, verdicts: &[Verdict]) -> SyncAnswer {
    let mut told = answer(request, tick);
    assert_eq!(told.outcomes.len(), verdicts.len());
    for (outcome, verdict) in told.outcomes.iter_mut().zip(verdicts) {
        outcome.verdict = verdict.clone();
    }
    told
}

const HELD: Verdict = Verdict::Held(HoldReason::NoLongerPermitted);
const FOLLOWS: Verdict = Verdict::Held(HoldReason::FollowsHeld);

#[test]
fn the_last_word_follows_what_is_held_even_if_it_takes_it_back() {
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let request = phone.request();
    phone.receive(&answer(&request, 10)).expect("its answer");
    let first = phone.write(entry(1), &[Write::set("text", "twenty")]);
    let request = phone.request();
    let last = phone.write(entry(1), &[Write::set("text", "ten")]);

    let mut told = judged(&request, 20, &[HELD]);
    told.forget = vec![entry(1)];
    let report = phone.receive(&told).expect("its answer");
    assert!(report.more && report.gone.contains(&entry(1)));
    assert!(!phone.store.entries.contains_key(&entry(1)));
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [last], "as it was signed");

    let request = phone.request();
    phone
        .receive(&judged(&request, 30, &[FOLLOWS]))
        .expect("its answer");
    let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [first, last]);
    assert!(phone.sent().is_empty());
}

#[test]
fn what_follows_a_held_beginning_is_handed_in_after_it() {
    let mut phone = Phone::new();
    let beginning = phone.note(1, "ten");
    let request = phone.request();
    let then = phone.write(entry(1), &[Write::set("text", "twenty")]);
    phone
        .receive(&judged(&request, 20, &[HELD]))
        .expect("its answer");
    let sent: Vec<ChangeHash> = phone.sent().iter().map(hash_of).collect();
    assert_eq!(sent, [then]);
    let request = phone.request();
    phone
        .receive(&judged(&request, 30, &[FOLLOWS]))
        .expect("its answer");
    let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|aside| aside.change).collect();
    assert_eq!(aside, [beginning, then]);

    // What follows something refused cannot get there, and stays.
    let mut phone = Phone::new();
    phone.note(1, "ten");
    let request = phone.request();
    phone.write(entry(1), &[Write::set("text", "twenty")]);
    let refused = judged(&request, 20, &[Verdict::Refused(Refusal::Invalid)]);
    phone.receive(&refused).expect("its answer");
    assert!(phone.sent().is_empty());
    assert_eq!(phone.store.aside.len(), 2);
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

#[test]
fn what_was_destroyed_leaves_nothing_and_takes_nothing_else_along() {
    let mut phone = Phone::new();
    for number in [0, 1] {
        phone.note(number, "first");
    }
    let request = phone.request();
    phone.receive(&answer(&request, 1)).expect("its answer");
    for number in [0, 1] {
        phone.write(entry(number), &[Write::set("text", "second")]);
    }
    // Told of it in news, with an edit of each under way.
    let request = phone.request();
    let mut told = answer(&request, 2);
    told.outcomes[0].verdict = Verdict::Refused(sync_core::sync::Refusal::Destroyed);
    (told.forget, told.destroyed) = (vec![entry(0)], vec![entry(0)]);
    let report = phone.receive(&told).expect("its answer");
    assert_eq!((report.destroyed.len(), report.not_kept), (1, 1));
    assert_eq!((report.accepted.len(), report.aside.len()), (1, 0));
    assert!(!phone.store.entries.contains_key(&entry(0)));
    assert!(phone.store.unsent.is_empty() && phone.store.aside.is_empty());
    assert_eq!(phone.texts(1), BTreeSet::from(["second".to_owned()]));
    assert_eq!(phone.store.destroyed[&entry(0)].not_kept, 1);
    // Told again, it changes nothing.
    let request = phone.request();
    let mut again = answer(&request, 3);
    (again.forget, again.destroyed) = (vec![entry(0)], vec![entry(0)]);
    let report = phone.receive(&again).expect("its answer");
    assert!(report.destroyed.is_empty());
    assert_eq!(phone.store.destroyed[&entry(0)].not_kept, 1);
}

#[test]
fn what_was_written_into_anothers_entry_is_kept_of_what_was_destroyed() {
    let mut phone = Phone::new();
    phone.note(0, "first");
    let request = phone.request();
    phone.receive(&answer(&request, 1)).expect("its answer");
    // Somebody else uses the copy: to them the entry is another's.
    let own = std::mem::replace(&mut phone.author.person, PersonId(Uuid::from_u128(11)));
    let status = Write::set("status", r#"{"status":"wrong-patient"}"#);
    phone.write(entry(0), &[status]);
    let said = phone.write(entry(0), &[Write::set("text", "mine")]);
    phone.author.person = own;
    let Phone { head, store, .. } = &mut phone;
    let author = Author {
        person: PersonId(Uuid::from_u128(11)),
        role: Role::Caregiver,
        on_behalf_of: Some(own),
        key: SigningKey::from_bytes(&[1; 32]),
    };
    let request = head.request(store, &author, None).expect("a request");
    let mut told = answer(&request, 2);
    let mut checkpoint: Checkpoint = told.checkpoint.0.read().expect("made here");
    checkpoint.viewer = author.person;
    told.checkpoint = SignedCheckpoint::new(&server(), &checkpoint);
    for outcome in &mut told.outcomes {
        outcome.verdict = Verdict::Refused(Refusal::Destroyed);
    }
    told.destroyed = vec![entry(0)];
    let fresh = Incarnation([7; 16]);
    let report = head.receive(store, &author, &told, fresh, DeviceTime(900_000));
    let report = report.expect("its answer");
    assert_eq!(report.not_kept, 1, "the mark says nothing by itself");
    let [aside] = &store.aside[..] else {
        panic!("one edit: {:?}", store.aside);
    };
    assert_eq!(aside.change, said);
    assert_eq!(aside.why, AsideReason::Refused(Refusal::Destroyed));
    assert!(store.unsent.is_empty() && !store.entries.contains_key(&entry(0)));
}

/// Whoever shows no cursor that the server can read is told of no time before all is given; but
/// all that is given must not end behind what was told once.
#[test]
fn the_pages_of_a_full_resend_may_be_behind_the_checkpoint_but_not_its_end() {
    let pages = |request: &SyncRequest, reset: bool, more: bool, tick: u64| SyncAnswer {
        reset,
        more,
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

/// What a server had held and lost goes to it again, also if its device signs in anew before that;
/// and if the server does not know the old key any more, under the new one, and what follows it too.
#[test]
fn what_was_held_and_lost_goes_again_under_another_key() {
    const NOT: Verdict = Verdict::Held(HoldReason::NotPermitted);
    for noticed_first in [true, false] {
        let mut phone = Phone::new();
        phone.note(9, "elsewhere");
        let request = phone.request();
        phone.receive(&answer(&request, 10)).expect("its answer");
        phone.note(1, "ten");
        phone.write(entry(1), &[Write::set("text", "twenty")]);
        let request = phone.request();
        let told = judged(&request, 20, &[NOT, FOLLOWS]);
        phone.receive(&told).expect("its answer");
        let old: Vec<ChangeHash> = phone.store.aside.iter().map(|a| a.change).collect();

        let request = phone.request();
        let renew = |phone: &mut Phone| phone.author.key = SigningKey::from_bytes(&[2; 32]);
        if noticed_first {
            phone.receive(&anew(&request, 50)).expect("an answer");
            renew(&mut phone);
        } else {
            renew(&mut phone);
            phone.receive(&anew(&request, 50)).expect("an answer");
        }
        // It learns what arrived, and hands back what was accepted.
        let mut rounds = 0;
        let of_entry = |edit: &Edit| edit.entry == entry(1);
        let (all, sent) = loop {
            let all = phone.sent();
            let sent: Vec<Edit> = all.iter().filter(|e| of_entry(e)).cloned().collect();
            let new = phone.device();
            let known = |edit: &Edit| edit.origin.read().is_ok_and(|origin| origin.device == new);
            if sent.len() == 2 && sent.iter().all(known) {
                break (all, sent);
            }
            rounds += 1;
            let (queue, aside) = (&phone.store.unsent, &phone.store.aside);
            assert!(rounds < 4, "it does not go again: {queue:#?} {aside:#?}");
            let request = phone.request();
            let mut told = answer(&request, 60 + rounds);
            told.checkpoint = anew(&request, 60 + rounds).checkpoint;
            for (outcome, edit) in told.outcomes.iter_mut().zip(&all) {
                // Of the others it knows who they are.
                if of_entry(edit) && !known(edit) {
                    outcome.verdict = Verdict::Refused(Refusal::NotAuthentic);
                }
            }
            phone.receive(&told).expect("an answer");
        };
        let said = |change: &Edit| guard::inspect(&change.change).expect("a change").past;
        let (beginning, then) = (said(&sent[0]), said(&sent[1]));
        let texts = |past: &sync_core::entry::PastChange| past.wrote("text").flatten().cloned();
        assert_eq!(texts(&beginning), Some(Value::from("ten")));
        assert_eq!(texts(&then), Some(Value::from("twenty")));
        assert_eq!(then.deps, [beginning.hash]);
        for edit in &sent {
            let origin = edit.origin.read().expect("an origin");
            assert_eq!(origin.device, phone.device());
        }
        let request = phone.request();
        let mut held = [NOT, FOLLOWS].into_iter();
        let verdict = |edit: &Edit| match of_entry(edit) {
            true => held.next().expect("two of them"),
            false => Verdict::Accepted(Tick(70)),
        };
        let verdicts: Vec<Verdict> = all.iter().map(verdict).collect();
        let mut told = judged(&request, 70, &verdicts);
        told.checkpoint = anew(&request, 70).checkpoint;
        phone.receive(&told).expect("an answer");
        let aside: Vec<ChangeHash> = phone.store.aside.iter().map(|a| a.change).collect();
        assert_eq!(
            aside,
            [beginning.hash, then.hash],
            "and nothing twice: {old:?}"
        );
        assert!(phone.sent().is_empty());
    }
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
    told.news = Some(Frame::pack(&RECORD, &[theirs], Some(&server())).expect("a frame"));
    phone.receive(&told).expect("an answer");
    let request = phone.request();
    let mut whole = anew(&request, 50);
    let kept = |edit: &Edit| Item {
        edit: edit.clone(),
        accepted: Some(Tick(10)),
    };
    let kept: Vec<Item> = bases.iter().map(kept).collect();
    whole.news = Some(Frame::pack(&RECORD, &kept, Some(&server())).expect("a frame"));
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
        told.news = Some(Frame::pack(&RECORD, &[news], Some(&server())).expect("a frame"));
        phone.receive(&told).expect("an answer");
    }
    assert_eq!(goes, 2, "as it was, and once more");
    assert!(phone.sent().is_empty());
}
