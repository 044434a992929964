//! What every backend must do. A backend's tests run [`record_store_contract`] with a fixture.

mod destroying;

use sync_core::sync::Settlement;
use sync_core::{Digest32, EntryId, LogIncarnation, PersonId, RecordId, Tick};
use uuid::Uuid;

use super::{
    ApartRow, AuditRow, Blind, DestroyedRow, EntryRow, GivenUpRow, HeldAboutRow, HeldRow, HeldSum,
    Life, LogRow, Move, RecordClock, RecordRow, RecordStore, WholeEntry,
};
use crate::keys::EntryKeyId;
use crate::storage::StorageError;

/// An empty store, and a way to put people into it.
pub trait Fixture {
    /// The backend.
    type Store: RecordStore;
    /// The store.
    fn store(&mut self) -> &mut Self::Store;
    /// Adds a person that a record can have as its holder.
    fn add_person(&mut self, person: PersonId);
}

/// Makes one test of every case, each with a fixture of its own, and `CASES`, all of them.
macro_rules! record_store_contract {
    ($type:ty, $fixture:expr) => {
        record_store_contract!($type, $fixture;
            records_are_found_by_name_and_holder,
            a_holder_has_one_record,
            a_clock_never_goes_back,
            a_life_that_ended_never_begins_again,
            an_entrys_view_is_replaced,
            entries_come_by_name,
            only_what_is_on_the_shelves_asked_for_is_met,
            what_is_destroyed_stays_destroyed,
            what_is_to_be_destroyed_is_noted_mark_by_mark,
            what_is_given_up_leaves_a_note_and_may_come_again,
            what_was_released_can_be_taken_out_of_what_is_held,
            the_log_is_in_order,
            the_log_takes_nothing_twice,
            the_log_only_grows_at_its_end,
            the_log_names_entries_that_exist,
            what_is_said_of_an_entry_at_a_tick,
            rights_name_their_parties,
            held_edits_are_settled_once,
            held_edits_may_be_held_for_another_reason,
            held_edits_fall_due,
            what_is_kept_apart_is_told_once,
            the_access_log_has_no_gaps,
        );
    };
    ($type:ty, $fixture:expr; $($case:ident),* $(,)?) => {
        const CASES: &[fn(&mut $type)] =
            &[$($crate::storage::records::contract::$case),*];
        $(
            #[test]
            fn $case() {
                $crate::storage::records::contract::$case(&mut $fixture);
            }
        )*
    };
}
pub(crate) use record_store_contract;

type Result<T> = std::result::Result<T, StorageError>;

fn record_id(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(n))
}

fn entry_id(n: u128) -> EntryId {
    EntryId(Uuid::from_u128(n))
}

fn row(n: u128) -> RecordRow {
    RecordRow {
        record: record_id(n),
        holder: PersonId(Uuid::from_u128(n)),
        log: LogIncarnation([1; 16]),
        clock: RecordClock {
            last: Tick(10),
            rights: Tick(10),
            audit_len: 0,
            audit_head: Digest32([0; 32]),
            apart_len: 0,
            apart_head: None,
            shelves: 0,
            bytes: 0,
        },
        open: true,
        opening: vec![1, 2],
        created: Tick(10),
    }
}

fn record<F: Fixture>(f: &mut F, n: u128) -> RecordId {
    f.add_person(PersonId(Uuid::from_u128(n)));
    f.store().add_record(&row(n)).expect("added");
    record_id(n)
}

fn entry(n: u128, touched: u64) -> EntryRow {
    EntryRow {
        entry: entry_id(n),
        key: EntryKeyId([7; 16]),
        touched: Tick(touched),
        due: None,
        is_right: false,
        changes: 1,
        bytes: 5,
        class: vec![3],
    }
}

fn change(n: u128, tick: u64) -> LogRow {
    let mut blind = [0; 16];
    blind[..8].copy_from_slice(&tick.to_be_bytes());
    LogRow {
        tick: Tick(tick),
        entry: entry_id(n),
        change_blind: Blind(blind),
        actor_blind: Blind([9; 16]),
        seq: tick,
        about: tick.to_be_bytes().to_vec(),
        change: vec![5],
    }
}

fn held(n: u128, tick: u64) -> HeldRow {
    HeldRow {
        change_blind: Blind([u8::try_from(tick).expect("small"); 16]),
        entry: entry_id(n),
        author_blind: Blind([4; 16]),
        received: Tick(tick),
        changed: Tick(tick),
        settlement: None,
        due: None,
        about: vec![7],
        sealed: vec![6],
    }
}

fn event(seq: u64, tick: u64) -> AuditRow {
    AuditRow {
        seq,
        tick: Tick(tick),
        hash: Digest32([8; 32]),
        sealed: vec![2],
    }
}

fn apart(seq: u64, tick: u64, due: u64) -> ApartRow {
    ApartRow {
        seq,
        tick: Tick(tick),
        hash: Digest32([8; 32]),
        entry: entry_id(1),
        due: Tick(due),
        told: None,
        sealed: vec![2],
    }
}

fn touched_names(rows: Result<Vec<EntryRow>>) -> Vec<u128> {
    let rows = rows.expect("reads");
    rows.iter().map(|row| row.entry.0.as_u128()).collect()
}

fn ticks(rows: Result<Vec<LogRow>>) -> Vec<u64> {
    let rows = rows.expect("reads");
    rows.iter().map(|row| row.tick.0).collect()
}

#[allow(missing_docs, reason = "each case is named for what it holds")]
mod cases {
    use super::*;

    pub fn records_are_found_by_name_and_holder<F: Fixture>(f: &mut F) {
        for n in [2, 1, 3] {
            record(f, n);
        }
        let store = f.store();
        assert_eq!(store.record(record_id(1)).expect("reads"), Some(row(1)));
        assert_eq!(store.record(record_id(9)).expect("reads"), None);
        let holder = PersonId(Uuid::from_u128(2));
        assert_eq!(store.record_of(holder).expect("reads"), Some(record_id(2)));
        let first = store.records_after(None, 2).expect("reads");
        assert_eq!(first, [record_id(1), record_id(2)]);
        let rest = store.records_after(Some(record_id(2)), 2).expect("reads");
        assert_eq!(rest, [record_id(3)]);
    }

    pub fn a_holder_has_one_record<F: Fixture>(f: &mut F) {
        record(f, 1);
        let another = RecordRow {
            record: record_id(2),
            ..row(1)
        };
        assert!(f.store().add_record(&another).is_err());
        // Nobody's record.
        assert!(f.store().add_record(&row(5)).is_err());
    }

    pub fn a_life_that_ended_never_begins_again<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        let (first, second) = (LogIncarnation([1; 16]), LogIncarnation([2; 16]));
        assert!(
            store.begin_life(record, second).is_err(),
            "the first did not end"
        );
        let life = |ended, kept, had| Life {
            ended: Tick(ended),
            kept,
            had,
        };
        let ended = store.end_life(record, first, life(20, Some(3), 5));
        ended.expect("ended");
        store.begin_life(record, second).expect("another life");
        let row = store.record(record).expect("reads").expect("the record");
        assert_eq!(row.log, second);
        assert!(store.begin_life(record, first).is_err());
        // It ended no earlier than anybody was told.
        for known in [life(30, None, 4), life(25, Some(9), 7)] {
            store.end_life(record, first, known).expect("known");
        }
        let lives = store.lives(record).expect("reads");
        assert_eq!(
            lives.into_iter().collect::<Vec<_>>(),
            [(first, life(30, Some(3), 7))]
        );
    }

    pub fn a_clock_never_goes_back<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        let later = RecordClock {
            last: Tick(20),
            rights: Tick(15),
            audit_len: 1,
            audit_head: Digest32([1; 32]),
            apart_len: 1,
            apart_head: Some(Digest32([2; 32])),
            shelves: 2,
            bytes: 500,
        };
        store.move_clock(record, &later).expect("forward");
        assert_eq!(
            store.record(record).expect("reads").map(|r| r.clock),
            Some(later)
        );
        let earlier = RecordClock {
            last: Tick(19),
            ..later
        };
        assert!(store.move_clock(record, &earlier).is_err());
        let shorter = RecordClock {
            audit_len: 0,
            ..later
        };
        assert!(store.move_clock(record, &shorter).is_err());
        let smaller = RecordClock {
            bytes: 499,
            ..later
        };
        assert!(store.move_clock(record, &smaller).is_err());
    }

    pub fn an_entrys_view_is_replaced<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        assert_eq!(store.entry(record, entry_id(1)).expect("reads"), None);
        store
            .put_entry(record, &entry(1, 11), b"one", None)
            .expect("put");
        let next = EntryRow {
            due: Some(Tick(99)),
            is_right: true,
            changes: 2,
            bytes: 9,
            class: vec![4],
            ..entry(1, 12)
        };
        store.put_entry(record, &next, b"two", None).expect("put");
        let found = store.entry(record, entry_id(1)).expect("reads");
        assert_eq!(found, Some((next.clone(), b"two".to_vec())));
        let history = |store: &mut F::Store, n| store.history(record, entry_id(n)).expect("reads");
        assert_eq!(history(store, 1), None);
        store
            .put_entry(record, &next, b"two", Some(b"both"))
            .expect("put");
        assert_eq!(history(store, 1), Some(b"both".to_vec()));
        assert_eq!(history(store, 7), None);
        let whole = store.whole_entry(record, entry_id(1)).expect("reads");
        let content = WholeEntry {
            row: next.clone(),
            document: b"two".to_vec(),
            history: Some(b"both".to_vec()),
        };
        assert_eq!(whole, Some(content));
        assert_eq!(store.whole_entry(record, entry_id(7)).expect("reads"), None);
        store
            .put_entry(record, &entry(2, 13), b"", None)
            .expect("put");
        let rights = store.rights(record).expect("reads");
        assert_eq!(rights, [(next, b"two".to_vec())]);
        assert!(
            store
                .put_entry(record_id(5), &entry(1, 1), b"", None)
                .is_err()
        );
    }

    pub fn entries_come_by_name<F: Fixture>(f: &mut F) {
        let (record, other) = (record(f, 1), record(f, 2));
        let store = f.store();
        for (n, tick) in [(1, 30), (3, 20), (2, 40)] {
            store
                .put_entry(record, &entry(n, tick), b"", None)
                .expect("put");
        }
        store
            .put_entry(other, &entry(9, 25), b"", None)
            .expect("put");
        let all = store.entries_after(record, None, 10);
        assert_eq!(touched_names(all), [1, 2, 3]);
        let some = store.entries_after(record, Some(entry_id(1)), 1);
        assert_eq!(touched_names(some), [2]);
    }

    pub fn only_what_is_on_the_shelves_asked_for_is_met<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        for n in 1..=5 {
            let touched = 10 + u64::try_from(n).expect("small");
            store
                .put_entry(record, &entry(n, touched), b"", None)
                .expect("put");
        }
        let to = |shelf, since| Move {
            to: vec![(shelf, Tick(since))],
            ..Move::default()
        };
        let one = entry_id(1);
        assert!(store.move_entry(record, one, &to(7, 11)).is_err());
        for shelf in [7, 7, 8] {
            store.add_shelf(record, shelf, b"sealed").expect("added");
        }
        let sealed = |shelf| (shelf, b"sealed".to_vec());
        assert_eq!(store.shelves(record).expect("reads"), [7, 8].map(sealed));
        for (n, shelf, since) in [(1, 7, 11), (2, 8, 12), (3, 7, 30), (4, 7, 30), (5, 7, 40)] {
            let moved = to(shelf, since);
            store.move_entry(record, entry_id(n), &moved).expect("put");
        }
        let names = |found: Result<Vec<(Tick, EntryRow)>>| -> Vec<(u64, EntryId)> {
            let found = found.expect("reads").into_iter();
            found.map(|(at, row)| (at.0, row.entry)).collect()
        };
        let placed = |store: &mut F::Store, shelves: &[i64], limit| {
            names(store.placed(record, shelves, Tick(0), Tick(39), limit))
        };
        let due = [(30, entry_id(3)), (30, entry_id(4))];
        let all = [[(11, one), (12, entry_id(2))], due].concat();
        assert_eq!(placed(store, &[8, 7], 9), all);
        assert_eq!(placed(store, &[7], 2), [&all[..1], &due].concat());
        assert_eq!(placed(store, &[8], 9), all[1..2]);
        assert_eq!(placed(store, &[], 9), []);
        let moved = Move {
            from: vec![(7, Tick(11))],
            left: vec![(7, Tick(20))],
            ..to(8, 20)
        };
        store.move_entry(record, one, &moved).expect("moved");
        let departed = |store: &mut F::Store, shelf, after| {
            names(store.departed(record, &[shelf], Tick(after), Tick(39)))
        };
        assert_eq!(departed(store, 7, 19), [(20, one)]);
        assert_eq!(departed(store, 7, 20), []);
        assert_eq!(departed(store, 8, 0), []);
        let on = store.standing_on(record, 7).expect("reads");
        assert_eq!(on.left, [(one, Tick(20))]);
        let left = |entry: EntryId, store: &mut F::Store| store.left_by(record, entry);
        assert_eq!(left(one, store).expect("reads"), [(7, Tick(20))]);
        assert_eq!(left(entry_id(9), store).expect("reads"), []);
        assert_eq!(on.stand.len(), 3);
    }

    fn logged<F: Fixture>(f: &mut F) -> RecordId {
        let record = record(f, 1);
        let store = f.store();
        for (n, tick) in [(1, 101), (2, 102)] {
            store
                .put_entry(record, &entry(n, tick), b"", None)
                .expect("put");
        }
        for (n, tick) in [(1, 11), (2, 12), (1, 13)] {
            store
                .append_log(record, &change(n, tick))
                .expect("appended");
        }
        record
    }

    pub fn the_log_is_in_order<F: Fixture>(f: &mut F) {
        let record = logged(f);
        let store = f.store();
        assert_eq!(ticks(store.log_after(record, Tick(0), 10)), [11, 12, 13]);
        assert_eq!(ticks(store.log_after(record, Tick(11), 1)), [12]);
        let of_one = store.log_of_entry(record, entry_id(1), Tick(0));
        assert_eq!(of_one.expect("reads"), [change(1, 11), change(1, 13)]);
        let since = store.log_of_entry(record, entry_id(1), Tick(11));
        assert_eq!(ticks(since), [13]);
        let after = store.ticks_after(record, Tick(11), 5).expect("reads");
        assert_eq!(after, [Tick(12), Tick(13)]);
        let known = store.accepted(record, change(2, 12).change_blind);
        assert_eq!(known.expect("reads"), Some(Tick(12)));
        let unknown = store.accepted(record, Blind([0; 16]));
        assert_eq!(unknown.expect("reads"), None);
    }

    pub fn the_log_takes_nothing_twice<F: Fixture>(f: &mut F) {
        let record = logged(f);
        let same_change = LogRow {
            change_blind: change(1, 13).change_blind,
            ..change(2, 14)
        };
        assert!(f.store().append_log(record, &same_change).is_err());
        let same_number = LogRow {
            seq: 13,
            ..change(1, 14)
        };
        assert!(f.store().append_log(record, &same_number).is_err());
        // The same number in another entry is another change.
        let elsewhere = LogRow {
            seq: 13,
            ..change(2, 14)
        };
        f.store().append_log(record, &elsewhere).expect("appended");
    }

    pub fn the_log_only_grows_at_its_end<F: Fixture>(f: &mut F) {
        let record = logged(f);
        assert!(f.store().append_log(record, &change(2, 10)).is_err());
        assert!(f.store().append_log(record, &change(2, 13)).is_err());
    }

    pub fn the_log_names_entries_that_exist<F: Fixture>(f: &mut F) {
        let record = logged(f);
        assert!(f.store().append_log(record, &change(3, 14)).is_err());
    }

    pub fn what_is_said_of_an_entry_at_a_tick<F: Fixture>(f: &mut F) {
        let record = logged(f);
        let store = f.store();
        let mut at = |tick| {
            let found = store.about_at(record, entry_id(1), Tick(tick));
            found.expect("reads").map(|(tick, _)| tick.0)
        };
        assert_eq!(at(10), None);
        assert_eq!(at(11), Some(11));
        assert_eq!(at(12), Some(11));
        assert_eq!(at(99), Some(13));
        let all = store.about_entry(record, entry_id(1)).expect("reads");
        let about = |tick: u64| (Tick(tick), tick.to_be_bytes().to_vec());
        assert_eq!(all, [about(11), about(13)]);
    }

    pub fn rights_name_their_parties<F: Fixture>(f: &mut F) {
        let (one, two) = (record(f, 1), record(f, 2));
        let store = f.store();
        let (me, you) = (Blind([1; 16]), Blind([2; 16]));
        for record in [one, two] {
            for n in [1, 2] {
                let tick = 10 + u64::try_from(n).expect("small");
                store
                    .put_entry(record, &entry(n, tick), b"", None)
                    .expect("put");
                store.put_parties(record, entry_id(n), &[me]).expect("put");
            }
            store
                .put_parties(record, entry_id(1), &[me])
                .expect("again");
        }
        assert!(store.names(one, me).expect("reads"));
        assert!(!store.names(one, you).expect("reads"));
        let all = store.records_naming(me, None, 10).expect("reads");
        assert_eq!(all, [one, two]);
        let rest = store.records_naming(me, Some(one), 10).expect("reads");
        assert_eq!(rest, [two]);
        assert!(store.put_parties(one, entry_id(9), &[me]).is_err());
        store.put_parties(one, entry_id(2), &[you]).expect("put");
        let mut both = vec![me, you];
        both.sort();
        assert_eq!(store.parties(one, entry_id(1)).expect("reads"), [me]);
        assert_eq!(store.parties(one, entry_id(2)).expect("reads"), both);
        assert_eq!(store.parties(two, entry_id(2)).expect("reads"), [me]);
        assert_eq!(store.parties(one, entry_id(9)).expect("reads"), []);
    }

    pub fn held_edits_are_settled_once<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        for tick in [11, 12] {
            store.hold(record, &held(1, tick)).expect("held");
        }
        assert!(store.hold(record, &held(1, 12)).is_err());
        let author = held(1, 11).author_blind;
        let sum = |edits, bytes| HeldSum { edits, bytes };
        let held_now = store.sum_held(record, author);
        assert_eq!(held_now.expect("reads"), sum(2, 2));
        let mut open = |who, after, until| {
            let open = store.held_open(record, who, Tick(after), Tick(until));
            open.expect("reads")
        };
        assert_eq!(open(author, 0, 12), [held(1, 11), held(1, 12)]);
        assert_eq!(open(author, 11, 12), [held(1, 12)]);
        assert_eq!(open(author, 0, 11), [held(1, 11)]);
        assert_eq!(open(Blind([0; 16]), 0, 12), []);
        let first = held(1, 11).change_blind;
        let mut settle = |change, at| {
            let settled = store.settle(record, change, Settlement::Discarded, Tick(at));
            settled.expect("settles")
        };
        assert!(settle(first, 20));
        assert!(!settle(first, 21));
        assert!(!settle(Blind([0; 16]), 21));
        let held_now = store.sum_held(record, author);
        assert_eq!(held_now.expect("reads"), sum(1, 1));
        let open = store.held_open(record, author, Tick(0), Tick(20));
        assert_eq!(open.expect("reads"), [held(1, 12)]);
        let settled = HeldRow {
            changed: Tick(20),
            settlement: Some(Settlement::Discarded),
            ..held(1, 11)
        };
        let shown = store.held_shown(record, Tick(11), Tick(20)).expect("reads");
        assert_eq!(shown, [held(1, 12), settled.clone()]);
        let mut told = |who, after| store.held_settled(record, who, Tick(after), Tick(20));
        let mine = told(author, 19).expect("reads");
        assert_eq!(mine, std::slice::from_ref(&settled));
        assert_eq!(told(author, 20).expect("reads"), []);
        assert_eq!(told(Blind([0; 16]), 0).expect("reads"), []);
        let of_entry = store.held_of_entry(record, entry_id(1)).expect("reads");
        assert_eq!(of_entry, [settled, held(1, 12)]);
        let about = store.held_about_entry(record, entry_id(1));
        let said = |tick, open| HeldAboutRow {
            author_blind: author,
            received: Tick(tick),
            due: None,
            open,
            about: vec![7],
        };
        assert_eq!(about.expect("reads"), [said(11, false), said(12, true)]);
    }

    pub fn held_edits_may_be_held_for_another_reason<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        for tick in [11, 12] {
            store.hold(record, &held(1, tick)).expect("held");
        }
        let now = HeldRow {
            changed: Tick(20),
            about: vec![8],
            sealed: vec![9],
            ..held(1, 11)
        };
        store.hold_otherwise(record, &now).expect("held");
        let of_entry = store.held_of_entry(record, entry_id(1)).expect("reads");
        assert_eq!(of_entry, [now.clone(), held(1, 12)]);
        let shown = store.held_shown(record, Tick(12), Tick(20)).expect("reads");
        assert_eq!(shown, std::slice::from_ref(&now));

        // What was decided stays so.
        let settled = store.settle(record, now.change_blind, Settlement::Released, Tick(21));
        assert!(settled.expect("settles"));
        let late = HeldRow {
            changed: Tick(22),
            ..held(1, 11)
        };
        store.hold_otherwise(record, &late).expect("nothing to do");
        let settled = HeldRow {
            changed: Tick(21),
            settlement: Some(Settlement::Released),
            ..now
        };
        let of_entry = store.held_of_entry(record, entry_id(1)).expect("reads");
        assert_eq!(of_entry, [settled, held(1, 12)]);
    }

    pub fn held_edits_fall_due<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        let delayed = HeldRow {
            due: Some(Tick(30)),
            ..held(1, 11)
        };
        store.hold(record, &delayed).expect("held");
        let changed = |store: &mut F::Store, after, until| {
            let found = store.held_shown(record, Tick(after), Tick(until));
            found.expect("reads")
        };
        assert!(changed(store, 10, 29).is_empty());
        assert_eq!(changed(store, 29, 30), std::slice::from_ref(&delayed));
        let one = entry_id(1);
        store
            .put_off_held(record, one, Some(Tick(40)), Tick(20))
            .expect("put off");
        let put_off = HeldRow {
            due: Some(Tick(40)),
            changed: Tick(20),
            ..delayed.clone()
        };
        assert!(changed(store, 11, 39).is_empty());
        assert_eq!(changed(store, 39, 40), [put_off]);
        let change = delayed.change_blind;
        let settled = store.settle(record, change, Settlement::Released, Tick(41));
        assert!(settled.expect("settles"));
        store
            .put_off_held(record, one, None, Tick(50))
            .expect("nothing to put off");
        assert!(changed(store, 41, 60).is_empty());
    }

    pub fn what_is_kept_apart_is_told_once<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        assert!(store.append_apart(record, &apart(2, 11, 20)).is_err());
        for (seq, due) in [(1, 30), (2, 20)] {
            let row = apart(seq, 11, due);
            store.append_apart(record, &row).expect("appended");
        }
        assert!(store.append_apart(record, &apart(3, 10, 20)).is_err());
        let due = |store: &mut F::Store, until| store.apart_due(record, Tick(until));
        assert!(due(store, 19).expect("reads").is_empty());
        assert_eq!(due(store, 20).expect("reads"), [apart(2, 11, 20)]);
        store.tell_apart(record, 2, Tick(21)).expect("told");
        assert!(due(store, 29).expect("reads").is_empty());
        assert!(store.tell_apart(record, 2, Tick(22)).is_err());
        store
            .put_off_apart(record, entry_id(1), Tick(25))
            .expect("brought forward");
        assert_eq!(due(store, 25).expect("reads"), [apart(1, 11, 25)]);
        let told = ApartRow {
            told: Some(Tick(21)),
            ..apart(2, 11, 20)
        };
        assert_eq!(
            store.apart_after(record, 0, 9).expect("reads"),
            [apart(1, 11, 25), told.clone()]
        );
        assert_eq!(store.apart_after(record, 1, 9).expect("reads"), [told]);
    }

    pub fn the_access_log_has_no_gaps<F: Fixture>(f: &mut F) {
        let record = record(f, 1);
        let store = f.store();
        assert!(store.append_audit(record, &event(2, 10)).is_err());
        for seq in 1..=3 {
            store
                .append_audit(record, &event(seq, 10 + seq))
                .expect("appended");
        }
        assert!(store.append_audit(record, &event(3, 20)).is_err());
        assert!(store.append_audit(record, &event(5, 20)).is_err());
        assert!(store.append_audit(record, &event(4, 12)).is_err());
        let page = store.audit_after(record, 1, 1).expect("reads");
        assert_eq!(page, [event(2, 12)]);
    }
}
pub use cases::*;
pub use destroying::*;
