//! What is destroyed, or to be.

use std::collections::BTreeSet;

use super::*;

/// What is noted of an entry's marks is theirs alone.
pub fn what_is_to_be_destroyed_is_noted_mark_by_mark<F: Fixture>(f: &mut F) {
    let (one, other) = (record(f, 1), record(f, 2));
    let store = f.store();
    let marks = |marks: &[u64]| marks.iter().copied().map(Tick).collect::<BTreeSet<_>>();
    let notes: [(RecordId, u128, &[u64]); 4] = [
        (other, 1, &[11]),
        (one, 2, &[12]),
        (one, 1, &[13]),
        (one, 2, &[12, 14]),
    ];
    for (of, name, noted) in notes {
        store
            .doom(of, entry_id(name), &marks(noted))
            .expect("noted");
    }
    let all = [
        (one, entry_id(1), marks(&[13])),
        (one, entry_id(2), marks(&[12, 14])),
        (other, entry_id(1), marks(&[11])),
    ];
    assert_eq!(store.doomed().expect("reads"), all);
    for _ in 0..2 {
        let back = marks(&[13, 14]);
        store.undoom(one, entry_id(1), &back).expect("taken back");
    }
    assert_eq!(store.doomed().expect("reads"), all[1..]);
    for (of, name, noted) in [(one, 1, &[][..]), (one, 2, &[12, 14]), (other, 2, &[])] {
        let found = store.doomed_by(of, entry_id(name)).expect("reads");
        assert_eq!(found, marks(noted));
    }
}

/// Nothing brings it back, and its trace stays.
pub fn what_is_destroyed_stays_destroyed<F: Fixture>(f: &mut F) {
    let (one, other) = (record(f, 1), record(f, 2));
    let store = f.store();
    for (of, name, tick) in [(one, 1, 11), (one, 2, 12), (other, 1, 11)] {
        store
            .put_entry(of, &entry(name, tick), &[1], Some(&[2]))
            .expect("put");
        store.append_log(of, &change(name, tick)).expect("logged");
        store.hold(of, &held(name, tick + 10)).expect("held");
    }
    let row = |name: u128, at: u64| DestroyedRow {
        entry: entry_id(name),
        key: EntryKeyId([7; 16]),
        at: Tick(at),
        sealed: vec![8],
    };
    store.destroy(one, &row(1, 20)).expect("destroyed");
    // One that is not here, and may be brought again.
    store.destroy(one, &row(3, 21)).expect("destroyed");
    let (left, document) = store
        .entry(one, entry_id(1))
        .expect("reads")
        .expect("its trace");
    assert!(left.is_destroyed() && document.is_empty());
    assert_eq!(store.history(one, entry_id(1)).expect("reads"), None);
    let whole = store.whole_entry(one, entry_id(1)).expect("reads");
    let whole = whole.expect("its row stays");
    assert!(whole.row.is_destroyed() && whole.document.is_empty() && whole.history.is_none());
    assert_eq!((left.touched, left.changes), (Tick(20), 1));
    let log = store
        .log_of_entry(one, entry_id(1), Tick(0))
        .expect("reads");
    let wanted = LogRow {
        about: Vec::new(),
        change: Vec::new(),
        ..change(1, 11)
    };
    assert_eq!(log, [wanted]);
    for (of, name) in [(one, 2), (other, 1)] {
        let (row, _) = store
            .entry(of, entry_id(name))
            .expect("reads")
            .expect("there");
        assert!(!row.is_destroyed());
        let log = store
            .log_of_entry(of, entry_id(name), Tick(0))
            .expect("reads");
        assert_eq!(log[0].change, [5]);
    }
    assert_eq!(
        store.destroyed(one, entry_id(1)).expect("reads"),
        Some(row(1, 20))
    );
    assert_eq!(store.destroyed(other, entry_id(1)).expect("reads"), None);
    for (since, found) in [(19, vec![1, 3]), (20, vec![3]), (21, vec![])] {
        let mut gone = store.destroyed_since(one, Tick(since)).expect("reads");
        gone.sort();
        let found: Vec<EntryId> = found.into_iter().map(entry_id).collect();
        assert_eq!(gone, found);
    }
    assert_eq!(store.destroyed_since(other, Tick(0)).expect("reads"), []);
    let all = store.destroyed_after(None, 10).expect("reads");
    assert_eq!(all, [(one, row(1, 20)), (one, row(3, 21))]);
    let after = store.destroyed_after(Some((one, entry_id(1))), 10);
    assert_eq!(after.expect("reads"), [(one, row(3, 21))]);
    let of_entry = |store: &mut F::Store, name| store.held_of_entry(one, entry_id(name));
    let change = of_entry(store, 1).expect("reads")[0].change_blind;
    store
        .empty_held(one, change, (&[9], &[10]), Tick(22))
        .expect("emptied");
    let emptied = HeldRow {
        changed: Tick(22),
        settlement: Some(Settlement::Discarded),
        sealed: vec![9],
        about: vec![10],
        ..held(1, 21)
    };
    assert_eq!(of_entry(store, 1).expect("reads"), [emptied]);
    assert_eq!(of_entry(store, 2).expect("reads"), [held(2, 22)]);
    assert!(store.destroy(one, &row(1, 23)).is_err());
    assert!(store.put_entry(one, &entry(1, 24), &[1], None).is_err());
    assert!(store.put_entry(one, &entry(3, 24), &[1], None).is_err());
}

/// Its changes are out of the log, and can be accepted anew. What is not given up stays.
pub fn what_is_given_up_leaves_a_note_and_may_come_again<F: Fixture>(f: &mut F) {
    let (one, other) = (record(f, 1), record(f, 2));
    let store = f.store();
    for (of, name, tick) in [(one, 1, 11), (one, 2, 12), (other, 1, 11)] {
        store
            .put_entry(of, &entry(name, tick), &[1], None)
            .expect("put");
        store.append_log(of, &change(name, tick)).expect("logged");
        store.hold(of, &held(name, tick + 10)).expect("held");
        let named = [Blind([3; 16])];
        store.put_parties(of, entry_id(name), &named).expect("put");
    }
    let row = |name: u128, at: u64| GivenUpRow {
        entry: entry_id(name),
        key: EntryKeyId([7; 16]),
        at: Tick(at),
        changes: 1,
        held: 3,
    };
    store.give_up(one, &row(1, 20)).expect("given up");
    assert_eq!(store.given_up(one).expect("reads"), [row(1, 20)]);
    assert_eq!(store.given_up(other).expect("reads"), []);
    assert_eq!(store.entry(one, entry_id(1)).expect("reads"), None);
    assert_eq!(store.parties(one, entry_id(1)).expect("reads"), []);
    let ticks = store.ticks_after(one, Tick(0), 10).expect("reads");
    assert_eq!(ticks, [Tick(12)]);
    // What is held of it is sealed by the record's key.
    let held_of = store.held_of_entry(one, entry_id(1)).expect("reads");
    assert_eq!(held_of, [held(1, 21)]);
    for (of, name) in [(one, 2), (other, 1)] {
        assert!(store.entry(of, entry_id(name)).expect("reads").is_some());
    }
    // Handed back, it is there with another key, and stays.
    let again = EntryRow {
        key: EntryKeyId([8; 16]),
        ..entry(1, 21)
    };
    store.put_entry(one, &again, &[1], None).expect("put");
    let back = LogRow {
        tick: Tick(21),
        ..change(1, 11)
    };
    store.append_log(one, &back).expect("logged");
    let other_key = GivenUpRow {
        key: EntryKeyId([9; 16]),
        ..row(1, 22)
    };
    // Not with a key that it has not, and not what came later.
    for wrong in [other_key, row(2, 12)] {
        store.give_up(one, &wrong).expect_err("the log has it");
    }
    let ticks = store.ticks_after(one, Tick(0), 10).expect("reads");
    assert_eq!(ticks, [Tick(12), Tick(21)]);
}

/// Only what was released, and nothing else of the entry.
pub fn what_was_released_can_be_taken_out_of_what_is_held<F: Fixture>(f: &mut F) {
    let one = record(f, 1);
    let store = f.store();
    let rows = [held(1, 11), held(1, 12), held(1, 13)];
    for row in &rows {
        store.hold(one, row).expect("held");
    }
    let changes = rows.map(|row| row.change_blind);
    for (change, settlement) in [
        (changes[0], Settlement::Released),
        (changes[1], Settlement::Discarded),
    ] {
        let settled = store.settle(one, change, settlement, Tick(20));
        assert!(settled.expect("settled"));
    }
    for change in changes {
        store.unhold(one, change).expect("done");
    }
    let left = store.held_of_entry(one, entry_id(1)).expect("reads");
    let left = left.iter().map(|row| row.change_blind);
    assert_eq!(left.collect::<Vec<_>>(), changes[1..]);
}
