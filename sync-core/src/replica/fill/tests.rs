use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entry::Write;
use crate::policy::{Profession, Role};
use crate::replica::{AsideReason, Author, Memory, ReplicaHead};
use crate::sync::HoldReason;
use crate::{DeviceTime, Incarnation, PersonId, RecordId, Tick};

const RECORD: RecordId = RecordId(Uuid::from_u128(1));

/// How an entry's edits came into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// They were made here and never sent.
    Made,
    /// They were in a record that was put back, and are handed back.
    HandedBack,
    /// They were held, set aside and taken out of their entry, and go again.
    HeldAgain,
}

const WAYS: [Way; 3] = [Way::Made, Way::HandedBack, Way::HeldAgain];

/// A phone with a queue of edits.
struct Phone {
    head: ReplicaHead,
    store: Memory,
    /// Whoever is signed in, and others whose edits are here too.
    authors: [Author; 2],
}

/// One request that left it: what each edit is of, and what it is.
type Request = Vec<(EntryId, ChangeHash)>;

impl Phone {
    fn new() -> Self {
        let author = |number: u8, role| Author {
            person: PersonId(Uuid::from_u128(number.into())),
            role,
            on_behalf_of: None,
            key: SigningKey::from_bytes(&[number; 32]),
        };
        Phone {
            head: ReplicaHead::new(RECORD, Vec::new(), Incarnation([1; 16])),
            store: Memory::default(),
            authors: [
                author(10, Role::Holder),
                author(11, Role::Professional(Profession::Physician)),
            ],
        }
    }

    fn write_as(&mut self, author: usize, entry: u128, writes: &[Write]) -> ChangeHash {
        let entry = EntryId(Uuid::from_u128(entry));
        let (cites, at) = (Vec::new(), DeviceTime(0));
        let (head, author) = (&mut self.head, &self.authors[author]);
        let written = head.edit(&mut self.store, author, entry, writes, cites, at);
        written.expect("it changes something")
    }

    fn note(&mut self, entry: u128, text: &str) -> ChangeHash {
        let writes = [Write::set("kind", "own-note"), Write::set("text", text)];
        self.write_as(0, entry, &writes)
    }

    fn status(&mut self, entry: u128, code: &str) -> ChangeHash {
        self.write_as(0, entry, &[status_write(code)])
    }

    /// The edits of an entry have come into the queue so.
    fn came(&mut self, entry: u128, way: Way) {
        let entry = EntryId(Uuid::from_u128(entry));
        let of_entry = |unsent: &&mut Unsent| unsent.edit.entry == entry;
        for (number, unsent) in self.store.unsent.iter_mut().filter(of_entry).enumerate() {
            match way {
                Way::Made => {}
                Way::HandedBack => unsent.lost = Some(Tick(1 + number as u64)),
                Way::HeldAgain => self.store.aside.push(SetAside {
                    edit: unsent.edit.clone(),
                    change: unsent.change,
                    why: AsideReason::Held(HoldReason::NoLongerPermitted),
                    checkpoint: None,
                    lost: None,
                    kind: None,
                }),
            }
        }
        if way == Way::HeldAgain {
            self.store.entries.remove(&entry);
        }
    }

    /// The next request, whose edits leave the queue, and how many steps it took to find them.
    fn request(&mut self, room: Option<u32>) -> (Request, u64) {
        let author = &self.authors[0];
        let made = || self.head.request(&mut self.store, author, room);
        let (request, steps) = work::of(made);
        let frame = request.expect("a request").edits.expect("some");
        let named = |item: Item| {
            let hash = guard::inspect(&item.edit.change).expect("fit").hash();
            (item.edit.entry, hash)
        };
        let items = frame.unpack(&RECORD).expect("a frame");
        let request: Request = items.into_iter().map(named).collect();
        let gone: BTreeSet<ChangeHash> = request.iter().map(|(_, change)| *change).collect();
        self.store
            .unsent
            .retain(|unsent| !gone.contains(&unsent.change));
        (request, steps)
    }

    /// All requests that carry its queue away, where so many bytes go at once.
    fn requests(mut self, room: Option<u32>) -> Vec<Request> {
        let mut requests = Vec::new();
        while !self.store.unsent.is_empty() {
            requests.push(self.request(room).0);
        }
        requests
    }
}

fn status_write(code: &str) -> Write {
    Write::set("status", format!(r#"{{"status":"{code}","reason":"…"}}"#))
}

fn carries(requests: &[Request], change: ChangeHash) -> Option<usize> {
    let has = |request: &Request| request.iter().any(|(_, other)| *other == change);
    requests.iter().position(has)
}

/// What is done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Write,
    Mark,
    TakeBack,
}

/// Notes, and a right: whoever made their edits, and however these came into the queue.
const ENTRIES: u128 = 6;
const RIGHT: u128 = 5;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_mark_goes_with_what_may_take_it_back(
        acts in prop::collection::vec((1..ENTRIES, 0..2_usize, prop_oneof![
            3 => Just(Act::Write), 1 => Just(Act::Mark), 1 => Just(Act::TakeBack)
        ]), 1..40),
        ways in prop::collection::vec(prop::sample::select(&WAYS[..]), 5),
        room in 1u32..3_000,
    ) {
        let mut phone = Phone::new();
        let mut done: Vec<(u128, Act, ChangeHash)> = Vec::new();
        for (number, (entry, author, act)) in acts.into_iter().enumerate() {
            let last = done.iter().rfind(|(of, last, _)| *of == entry && *last != Act::Write);
            // The first of an entry makes it, and a status is not written again.
            let act = match done.iter().any(|(of, ..)| *of == entry) {
                true if last.is_none_or(|(_, last, _)| *last != act) => act,
                _ => Act::Write,
            };
            let kind = if entry == RIGHT { "grant" } else { "own-note" };
            let written = [Write::set("kind", kind), Write::set("text", number.to_string())];
            let change = match act {
                Act::Write => phone.write_as(author, entry, &written),
                Act::Mark => phone.write_as(author, entry, &[status_write("wrong-patient")]),
                Act::TakeBack => phone.write_as(author, entry, &[status_write("active")]),
            };
            done.push((entry, act, change));
        }
        for (entry, way) in (1..ENTRIES).zip(ways) {
            phone.came(entry, way);
        }
        let requests = phone.requests(Some(room));
        // All goes, in its order.
        let gone: Vec<_> = requests.iter().flatten().map(|(_, change)| *change).collect();
        prop_assert_eq!(gone, done.iter().map(|(.., change)| *change).collect::<Vec<_>>());
        prop_assert!(requests.iter().all(|request| !request.is_empty()));
        for entry in 1..ENTRIES {
            let of = |(other, ..): &&(u128, Act, ChangeHash)| *other == entry;
            let status = done.iter().filter(of).filter(|(_, act, _)| *act != Act::Write);
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
/// where a request carries both, whatever is written into the entry afterwards, and however its
/// edits came into the queue.
#[test]
fn a_mark_and_its_taking_back_leave_a_phone_together() {
    let cases = [
        (0, None),
        (1, None),
        (998, None),
        (999, None),
        (1_000, None),
        (0, Some(1 << 14)),
        (500, Some(1 << 14)),
    ];
    for ((before, room), way) in cases
        .into_iter()
        .flat_map(|case| WAYS.map(|way| (case, way)))
    {
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
        phone.came(1, way);
        let requests = phone.requests(room);
        assert_eq!(
            carries(&requests, mark),
            carries(&requests, taken_back),
            "{before} before, {way:?}"
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

/// A queue of so many edits, and more than these for each mark among them, each with what takes it
/// back right behind it.
fn long_queue(notes: u128, marks: u128) -> Phone {
    let mut phone = Phone::new();
    let every = notes.checked_div(marks).unwrap_or(u128::MAX);
    for entry in 0..notes {
        phone.note(1_000 + entry, "…");
        if entry % every == every - 1 {
            phone.status(1_000 + entry, "wrong-patient");
            phone.status(1_000 + entry, "active");
        }
    }
    phone
}

/// The next three requests of a queue: how much each carries, and the steps that it takes.
fn three(mut phone: Phone, room: u32) -> [(usize, u64); 3] {
    [(); 3].map(|()| {
        let (request, steps) = phone.request(Some(room));
        (request.len(), steps)
    })
}

/// On a slow line a long queue goes in many requests: what each of them takes follows what it
/// carries, and not how much waits.
#[test]
fn a_request_of_a_long_queue_takes_what_it_carries() {
    for room in [1, 1 << 12, 1 << 14, 1 << 15] {
        let (long, longer) = (long_queue(1_400, 0), long_queue(2_000, 0));
        let (long, longer) = (three(long, room), three(longer, room));
        assert_eq!(long, longer, "{room}");
        for (carried, steps) in long {
            // Read at most four times over, as twice as many each time, and inspected once.
            let most = (READ_AT_FIRST + 5 * carried + 5) as u64;
            assert!(
                steps <= most,
                "{carried} edits of {room} bytes: {steps} steps"
            );
        }
    }
}

/// Where marks go, it looks as far as a request reaches, once, whatever waits behind that.
#[test]
fn a_request_with_marks_takes_what_a_request_can_carry_at_most() {
    let room = 1 << 14;
    let (long, longer) = (long_queue(1_200, 300), long_queue(1_600, 400));
    let (long, longer) = (three(long, room), three(longer, room));
    let most = (3 * LOOKED_AT) as u64;
    for (carried, steps) in long.into_iter().chain(longer) {
        assert!(carried > 10);
        assert!(steps <= most, "{carried} edits: {steps} steps");
    }
}
