use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entry::Write;
use crate::policy::Role;
use crate::replica::{Author, Memory, ReplicaHead};
use crate::{ChangeHash, DeviceTime, EntryId, Incarnation, PersonId, RecordId};

const RECORD: RecordId = RecordId(Uuid::from_u128(1));

/// A phone with a queue of its own edits.
struct Phone {
    head: ReplicaHead,
    store: Memory,
    author: Author,
}

/// One request that left it: what each edit is of, and what it is.
type Request = Vec<(EntryId, ChangeHash)>;

impl Phone {
    fn new() -> Self {
        Phone {
            head: ReplicaHead::new(RECORD, Vec::new(), Incarnation([1; 16])),
            store: Memory::default(),
            author: Author {
                person: PersonId(Uuid::from_u128(10)),
                role: Role::Holder,
                on_behalf_of: None,
                key: SigningKey::from_bytes(&[1; 32]),
            },
        }
    }

    fn write(&mut self, entry: u128, writes: &[Write]) -> ChangeHash {
        let entry = EntryId(Uuid::from_u128(entry));
        let (cites, at) = (Vec::new(), DeviceTime(0));
        let head = &mut self.head;
        let written = head.edit(&mut self.store, &self.author, entry, writes, cites, at);
        written.expect("it changes something")
    }

    fn note(&mut self, entry: u128, text: &str) -> ChangeHash {
        let writes = [Write::set("kind", "own-note"), Write::set("text", text)];
        self.write(entry, &writes)
    }

    fn status(&mut self, entry: u128, code: &str) -> ChangeHash {
        let status = format!(r#"{{"status":"{code}","reason":"…"}}"#);
        self.write(entry, &[Write::set("status", status)])
    }

    /// All requests that carry its queue away, where so many bytes go at once.
    fn requests(mut self, room: Option<u32>) -> Vec<Request> {
        let mut requests = Vec::new();
        while !self.store.unsent.is_empty() {
            let request = self.head.request(&mut self.store, &self.author, room);
            let frame = request.expect("a request").edits.expect("some");
            let named = |item: Item| {
                let hash = guard::inspect(&item.edit.change).expect("fit").hash();
                (item.edit.entry, hash)
            };
            let items = frame.unpack(&RECORD).expect("a frame");
            let request: Request = items.into_iter().map(named).collect();
            for (_, change) in &request {
                self.store.dequeue(change).expect("kept");
            }
            requests.push(request);
        }
        requests
    }
}

fn carries(requests: &[Request], change: ChangeHash) -> Option<usize> {
    let has = |request: &Request| request.iter().any(|(_, other)| *other == change);
    requests.iter().position(has)
}

/// What is done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Note,
    Mark,
    TakeBack,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn a_mark_goes_with_what_may_take_it_back(
        acts in prop::collection::vec((1u128..6, prop_oneof![
            3 => Just(Act::Note), 1 => Just(Act::Mark), 1 => Just(Act::TakeBack)
        ]), 1..40),
        room in 1u32..3_000,
    ) {
        let mut phone = Phone::new();
        let mut done: Vec<(u128, Act, ChangeHash)> = Vec::new();
        for (number, (entry, act)) in acts.into_iter().enumerate() {
            let last = done.iter().rfind(|(of, last, _)| *of == entry && *last != Act::Note);
            // The first of an entry makes it, and a status is not written again.
            let act = match done.iter().any(|(of, ..)| *of == entry) {
                true if last.is_none_or(|(_, last, _)| *last != act) => act,
                _ => Act::Note,
            };
            let change = match act {
                Act::Note => phone.note(entry, &format!("{number}")),
                Act::Mark => phone.status(entry, "wrong-patient"),
                Act::TakeBack => phone.status(entry, "active"),
            };
            done.push((entry, act, change));
        }
        let requests = phone.requests(Some(room));
        // All goes, in its order.
        let gone: Vec<_> = requests.iter().flatten().map(|(_, change)| *change).collect();
        prop_assert_eq!(gone, done.iter().map(|(.., change)| *change).collect::<Vec<_>>());
        prop_assert!(requests.iter().all(|request| !request.is_empty()));
        for entry in 1..6 {
            let of = |(other, ..): &&(u128, Act, ChangeHash)| *other == entry;
            let status = done.iter().filter(of).filter(|(_, act, _)| *act != Act::Note);
            let status: Vec<_> = status.collect();
            let marked = status.iter().filter(|(_, act, _)| *act == Act::Mark);
            for (.., mark) in marked {
                let last = status.last().expect("a status").2;
                prop_assert_eq!(carries(&requests, *mark), carries(&requests, last));
            }
        }
    }
}

/// A queue larger than any request, and lines that take less: what takes a mark back goes with it
/// where a request carries both, whatever is written into the entry afterwards.
#[test]
fn a_mark_and_its_taking_back_leave_a_phone_together() {
    for (before, room) in [
        (0, None),
        (1, None),
        (998, None),
        (999, None),
        (1_000, None),
        (0, Some(1 << 14)),
        (500, Some(1 << 14)),
    ] {
        let mut phone = Phone::new();
        for entry in 0..before {
            phone.note(100 + entry, "…");
        }
        phone.note(1, "…");
        let mark = phone.status(1, "wrong-patient");
        for entry in 0..400 {
            phone.note(10_000 + entry, "…");
        }
        let taken_back = phone.status(1, "active");
        for entry in 0..1_200 {
            phone.note(20_000 + entry, "…");
        }
        let late = phone.note(1, "later");
        let requests = phone.requests(room);
        assert_eq!(
            carries(&requests, mark),
            carries(&requests, taken_back),
            "{before}"
        );
        assert!(carries(&requests, late) > carries(&requests, mark));
        assert_eq!(
            requests.iter().map(Vec::len).sum::<usize>(),
            usize::try_from(before).expect("few") + 1_604
        );
        assert!(requests.iter().all(|request| request.len() <= MAX_EDITS));
    }
}

/// One entry's edits that no request carries go as they are, and nothing waits for ever.
#[test]
fn what_no_request_carries_is_not_kept_together() {
    let mut phone = Phone::new();
    phone.note(1, "…");
    phone.status(1, "wrong-patient");
    for number in 0..MAX_EDITS {
        phone.note(1, &number.to_string());
    }
    phone.status(1, "active");
    let requests = phone.requests(None);
    assert_eq!(requests.iter().map(Vec::len).sum::<usize>(), MAX_EDITS + 3);
}
