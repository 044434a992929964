use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::entry::Write;
use crate::policy::Role;
use crate::replica::{Author, Memory, ReplicaHead};
use crate::{DeviceTime, EntryId, Incarnation, PersonId, RecordId};

/// What one request takes in these histories.
const EDITS: usize = 8;
const BYTES: usize = 100;

/// An edit: of which entry, whether it is a mark, and how large it is.
type Queued = (u8, bool, usize);

/// The requests that carry a queue away where so many bytes go at once: each the places of its edits.
fn requests(queue: &[Queued], room: usize) -> Vec<std::ops::Range<usize>> {
    let mut requests = Vec::new();
    let mut from = 0;
    while from < queue.len() {
        let left = &queue[from..];
        let fitting = |room| fitting(left.iter().map(|(.., size)| *size), (EDITS, room));
        let (fit, most) = (fitting(room), fitting(BYTES));
        let mut spans = Vec::new();
        for (place, (entry, ..)) in left[..most]
            .iter()
            .enumerate()
            .filter(|(_, (_, mark, _))| *mark)
        {
            let last = left.iter().rposition(|(other, ..)| other == entry);
            spans.push((place, last.filter(|last| *last < most)));
        }
        let end = if fit < left.len() {
            cut(&spans, fit, most)
        } else {
            fit
        };
        requests.push(from..from + end);
        from += end;
    }
    requests
}

fn fits(edits: &[Queued]) -> bool {
    let bytes: usize = edits.iter().map(|(.., size)| size).sum();
    edits.len() == 1 || edits.len() <= EDITS && bytes <= BYTES
}

/// The places from a mark to the last edit of its entry, with those of marks that it reaches into.
fn belongs_together(queue: &[Queued], mark: usize) -> std::ops::Range<usize> {
    let marks = || queue.iter().enumerate().filter(|(_, (_, mark, _))| *mark);
    let last = |of: u8| queue.iter().rposition(|(entry, ..)| *entry == of).unwrap();
    let (mut from, mut to) = (mark, last(queue[mark].0));
    loop {
        let before = (from, to);
        for (place, (entry, ..)) in marks() {
            let end = last(*entry);
            if place <= to && end >= from {
                (from, to) = (from.min(place), to.max(end));
            }
        }
        if (from, to) == before {
            return from..to + 1;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn a_mark_goes_with_the_later_edits_of_its_entry(
        queue in prop::collection::vec((0u8..6, prop::bool::weighted(0.2), 1usize..40), 1..40),
        room in 1usize..=BYTES,
    ) {
        let requests = requests(&queue, room);
        // All goes, in order, and nothing waits for ever.
        let gone: Vec<usize> = requests.iter().cloned().flatten().collect();
        prop_assert_eq!(gone, (0..queue.len()).collect::<Vec<_>>());
        for request in &requests {
            prop_assert!(!request.is_empty() && fits(&queue[request.clone()]));
        }
        for (place, (_, mark, _)) in queue.iter().enumerate() {
            let together = belongs_together(&queue, place);
            if *mark && fits(&queue[together.clone()]) {
                let with = requests.iter().find(|request| request.contains(&place)).unwrap();
                prop_assert!(with.contains(&(together.end - 1)), "{place}: {requests:?}");
            }
        }
    }

    /// Where no mark is concerned, requests are as full as they can be.
    #[test]
    fn without_marks_requests_are_full(
        queue in prop::collection::vec((0u8..6, Just(false), 1usize..40), 1..40),
        room in 1usize..=BYTES,
    ) {
        let requests = requests(&queue, room);
        let within = |edits: &[Queued]| {
            let bytes: usize = edits.iter().map(|(.., size)| size).sum();
            fits(edits) && (edits.len() == 1 || bytes <= room)
        };
        for request in &requests {
            prop_assert!(within(&queue[request.clone()]));
        }
        for request in &requests[..requests.len() - 1] {
            prop_assert!(!within(&queue[request.start..request.end + 1]));
        }
    }
}

/// A phone's real queue, in which a mark falls on the end of a request.
#[test]
fn a_mark_and_its_taking_back_leave_a_phone_together() {
    let author = Author {
        person: PersonId(Uuid::from_u128(10)),
        role: Role::Holder,
        on_behalf_of: None,
        key: SigningKey::from_bytes(&[1; 32]),
    };
    let record = RecordId(Uuid::from_u128(1));
    for before in [0, 1, 998, 999, 1_000] {
        let mut head = ReplicaHead::new(record, Vec::new(), Incarnation([1; 16]));
        let mut store = Memory::default();
        let mut write = |entry: u128, writes: &[Write]| {
            let entry = EntryId(Uuid::from_u128(entry));
            let written = head.edit(
                &mut store,
                &author,
                entry,
                writes,
                Vec::new(),
                DeviceTime(0),
            );
            written.expect("it changes something")
        };
        let note = [Write::set("kind", "own-note"), Write::set("text", "…")];
        let status = |code: &str| [Write::set("status", format!(r#"{{"status":"{code}"}}"#))];
        for entry in 0..before {
            write(100 + entry, &note);
        }
        let marked = [write(1, &note), write(1, &status("wrong-patient"))];
        for entry in before..MAX_EDITS as u128 - 3 {
            write(10_000 + entry, &note);
        }
        let taken_back = write(1, &status("active"));
        write(2, &note);
        let mut requests: Vec<Vec<ChangeHash>> = Vec::new();
        while !store.unsent.is_empty() {
            let request = head.request(&mut store, &author, None).expect("a request");
            let items = request
                .edits
                .expect("some")
                .unpack(&record)
                .expect("a frame");
            let hash = |item: &Item| guard::inspect(&item.edit.change).expect("fit").hash();
            let changes: Vec<ChangeHash> = items.iter().map(hash).collect();
            for change in &changes {
                store.dequeue(change).expect("kept");
            }
            requests.push(changes);
        }
        let of = |change: &ChangeHash| requests.iter().position(|r| r.contains(change));
        assert_eq!(of(&marked[1]), of(&taken_back), "after {before}");
        assert_eq!(
            requests.iter().map(Vec::len).sum::<usize>(),
            store_size(before)
        );
        assert!(requests.iter().all(|request| request.len() <= MAX_EDITS));
    }
}

/// How many edits that history has.
fn store_size(before: u128) -> usize {
    let others = (MAX_EDITS as u128 - 3).max(before);
    usize::try_from(others).expect("few") + 4
}
