//! A replica alone: what it asks, what it takes, and how it goes on under another key.

mod another_key;
mod asking;
mod comparing;
mod put_back;
mod set_aside;

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use sync_core::change::{Actor, Edit, Origin, SignedOrigin};
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::entry::{Value, Write};
use sync_core::guard;
use sync_core::policy::Role;
use sync_core::replica::{AnswerError, Author, LocalEntry, Memory, ReplicaHead, Report};
use sync_core::sign::PublicKey;
use sync_core::sync::{
    CursorDigest, Frame, HoldReason, Item, Outcome, PROTOCOL, SyncAnswer, SyncRequest, Verdict,
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
/// Changes in a frame that the server signs for the life of the log that an answer speaks of.
fn attested(told: &SyncAnswer, items: &[Item]) -> Option<Frame> {
    let log = told.checkpoint.seen().expect("a checkpoint").log;
    Some(Frame::attest(&RECORD, log, items, &server()).expect("a frame"))
}

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
        vital: false,
        after: request.cursor.as_ref().map(|at| CursorDigest::of(at)),
        cursor: Bytes::from(&tick.to_le_bytes()[..]),
        checkpoint: SignedCheckpoint::new(&server(), &checkpoint),
        reconcile: None,
    }
}

fn hash_of(edit: &Edit) -> ChangeHash {
    guard::inspect(&edit.change).expect("a change").hash()
}

/// A change of somebody else's on what a device has sent of an entry.
fn elsewhere(mine: &Edit, text: &str, tick: u64) -> Item {
    by(PersonId(Uuid::from_u128(10)), mine, text, tick)
}

/// The same, by this person.
fn by(author: PersonId, mine: &Edit, text: &str, tick: u64) -> Item {
    let key = SigningKey::from_bytes(&[5; 32]);
    let (public, incarnation) = (PublicKey::of(&key), Incarnation([5; 16]));
    let (entry, at) = (mine.entry, DeviceTime(1));
    let mut local = LocalEntry::default();
    local
        .take(&mine.change, mine.origin.clone(), None, None)
        .expect("fits");
    let origin = Origin {
        author,
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
