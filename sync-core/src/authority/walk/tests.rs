use std::convert::Infallible;
use std::sync::LazyLock;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::authority::MetHeld;
use crate::authority::{Found, HeldFacts, Place, stands};
use crate::change::{Edit, SignedOrigin, Voucher};
use crate::entry::Visibility;
use crate::policy::{Context, Rights, Subject};
use crate::reconcile::{Compare, Compared, Differences, Inventory, ItemId, Version};
use crate::sync::HoldReason;
use crate::sync::limits::MAX_PAGE;
use crate::{LogIncarnation, PersonId};

const HOLDER: PersonId = PersonId(Uuid::from_u128(10));
const LOG: LogIncarnation = LogIncarnation([1; 16]);
const EPOCH: Epoch = Epoch([2; 8]);

static MATRIX: LazyLock<Matrix> = LazyLock::new(Matrix::default);

/// A log in memory: of each change its tick, its entry, and until when it keeps the entry from the
/// holder. How many entries were met in it. And when entries were destroyed.
#[derive(Clone, Debug, Default)]
struct Rows(
    Vec<(Tick, EntryId, Option<Tick>)>,
    usize,
    BTreeMap<EntryId, Tick>,
    /// How much a page may carry, beyond one entry.
    usize,
);

fn entry(name: u64) -> EntryId {
    EntryId(Uuid::from_u128(name.into()))
}

/// From this name on entries are of no vital kind.
const OTHERS: u64 = 100;

/// From this name on changes are so large that a page has room for one only.
const HEAVY: u64 = 1_000;

fn class(of: EntryId, due: Option<Tick>) -> EntryClass {
    let kind = if of < entry(OTHERS) {
        "allergy"
    } else {
        "consultation"
    };
    EntryClass {
        kind: kind.to_owned(),
        visibility: Visibility {
            hidden_from_patient_until: due,
            ..Visibility::default()
        },
        author: PersonId(Uuid::from_u128(11)),
        concerns: None,
        about: String::new(),
    }
}

const CHANGE: ChangeHash = ChangeHash([1; 32]);

impl Rows {
    fn touch(&mut self, at: u64, name: u64, due: Option<u64>) {
        self.0.push((Tick(at), entry(name), due.map(Tick)));
    }

    fn of(&self, entry: EntryId) -> impl DoubleEndedIterator<Item = (Tick, Option<Tick>)> {
        let rows = self.0.iter().filter(move |(_, of, _)| *of == entry);
        rows.map(|(at, _, due)| (*at, *due))
    }

    fn names(&self) -> BTreeSet<EntryId> {
        self.0.iter().map(|(_, entry, _)| *entry).collect()
    }

    /// The next page for the holder, as small as there are.
    fn page(&mut self, cursor: Option<Cursor>, until: u64) -> Page {
        self.page_to(cursor, until, &BTreeSet::new())
    }

    /// The same, in answer to edits of these entries that are in the record.
    fn page_to(
        &mut self,
        cursor: Option<Cursor>,
        until: u64,
        answered: &BTreeSet<EntryId>,
    ) -> Page {
        self.page_for(cursor, until, answered, None)
    }

    fn page_for(
        &mut self,
        cursor: Option<Cursor>,
        until: u64,
        answered: &BTreeSet<EntryId>,
        compare: Option<&Compare>,
    ) -> Page {
        let rights = Rights::new(HOLDER, []);
        let context = Context {
            rights: &rights,
            matrix: &MATRIX,
            now: Tick(until),
        };
        let subject = Subject {
            person: HOLDER,
            profession: None,
        };
        let viewer = Viewer {
            standing: &context.standing(&subject),
            matrix: context.matrix,
            epoch: EPOCH,
            holder: true,
        };
        let since = Since {
            log: LOG,
            until: Tick(until),
            cursor,
            floor: Tick(0),
            own: &BTreeSet::new(),
            answered,
            held: &BTreeSet::new(),
            budget: 1 + self.3,
            returning: cursor.is_some(),
            most: MAX_PAGE,
            at_once: 0,
            compare,
        };
        let Ok(page) = walk(self, viewer, &since);
        page
    }

    /// Pages until there is no more.
    fn pages(&mut self, mut cursor: Option<Cursor>, until: u64) -> Vec<Page> {
        let mut pages = Vec::new();
        loop {
            let page = self.page(cursor, until);
            let more = page.more;
            cursor = Some(page.cursor);
            pages.push(page);
            if !more {
                return pages;
            }
        }
    }
}

fn versioned(rows: &mut Rows, id: EntryId) -> (EntryId, Version) {
    let Ok(version) = rows.version(&id);
    (id, version)
}

fn inventory(rows: &mut Rows) -> Inventory {
    let names = rows.names().into_iter();
    names.map(|id| versioned(rows, id)).collect()
}

/// What a device asks that has this copy of a log, and wants some entries as they stand there.
fn comparing(copy: &mut Rows, wanted: &[u64], of: &mut Rows) -> Compare {
    let wanted = wanted.iter().map(|name| versioned(of, entry(*name)));
    Compare {
        wanted: wanted
            .map(|(id, version)| ItemId::of(&id, &version))
            .collect(),
        message: inventory(copy).first().unwrap().into(),
    }
}

fn given(page: &Page) -> Vec<(EntryId, u64)> {
    page.entries.iter().map(|(e, n)| (*e, *n)).collect()
}

impl Log for Rows {
    type Error = Infallible;
    type Row = EntryId;
    type Entry = EntryId;
    type Held = ();
    type Change = Item;

    const CHUNK: usize = 2;

    fn met(
        &mut self,
        among: Among,
        after: Tick,
        left_after: Tick,
        until: Tick,
    ) -> Result<Found<EntryId>, Infallible> {
        let rights = Rights::new(HOLDER, []);
        let subject = Subject {
            person: HOLDER,
            profession: None,
        };
        let standing = rights.standing(&subject, until);
        let mut found = Vec::new();
        for entry in self.names() {
            let Ok(touches) = self.classes(&entry, Tick(u64::MAX));
            let (mut present, mut left) = stands(&touches);
            let (touched, now) = touches.last().expect("it is there");
            let gone = self.2.get(&entry).copied();
            if let Some(at) = gone {
                left.extend(present.drain(..).map(|(shelf, _)| (shelf, at)));
            }
            let on = |places: Vec<Place>, after: Tick| {
                let mut places = places;
                places.retain(|(shelf, at)| {
                    after < *at
                        && *at <= until
                        && shelf.is_among(among)
                        && shelf.is_for(&standing, &MATRIX)
                });
                places
            };
            for (_, at) in [on(present, after), on(left, left_after)].concat() {
                let met = Met {
                    entry,
                    touched: gone.unwrap_or(*touched),
                    due: now.visibility.hidden_from_patient_until,
                    destroyed: gone.and(touches.first().map(|(made, _)| *made)),
                    row: entry,
                };
                self.1 += 1;
                found.push((at, met));
            }
        }
        found.sort_by_key(|(at, met)| (*at, met.entry));
        if let Some((last, _)) = found.get(Self::CHUNK - 1) {
            let last = *last;
            found.retain(|(at, _)| *at <= last);
        }
        Ok(found)
    }

    fn open(&mut self, rows: Vec<EntryId>) -> Result<Vec<Option<EntryId>>, Infallible> {
        Ok(rows.into_iter().map(Some).collect())
    }

    fn class(&mut self, entry: &EntryId) -> Result<EntryClass, Infallible> {
        Ok(class(
            *entry,
            self.of(*entry).next_back().and_then(|(_, due)| due),
        ))
    }

    fn class_at(&mut self, entry: &EntryId, at: Tick) -> Result<Option<EntryClass>, Infallible> {
        let row = self.of(*entry).rfind(|(tick, _)| *tick <= at);
        Ok(row.map(|(_, due)| class(*entry, due)))
    }

    fn classes(
        &mut self,
        entry: &EntryId,
        until: Tick,
    ) -> Result<Vec<(Tick, EntryClass)>, Infallible> {
        let rows = self.of(*entry).filter(|(tick, _)| *tick <= until);
        Ok(rows.map(|(tick, due)| (tick, class(*entry, due))).collect())
    }

    fn changes(
        &mut self,
        entry: &EntryId,
        after: Tick,
        but: &BTreeSet<Tick>,
    ) -> Result<Vec<Item>, Infallible> {
        let rows = self.of(*entry).map(|(tick, _)| tick);
        let new = rows.filter(|tick| after < *tick && !but.contains(tick));
        let bytes = if *entry < self::entry(HEAVY) {
            1
        } else {
            MAX_PAGE
        };
        let item = |tick| Item {
            edit: Edit {
                entry: *entry,
                change: vec![0; bytes].into(),
                origin: SignedOrigin {
                    payload: Vec::new().into(),
                    voucher: Voucher::Frame,
                },
            },
            accepted: Some(tick),
        };
        Ok(new.map(item).collect())
    }

    fn version(&mut self, entry: &EntryId) -> Result<Version, Infallible> {
        let changes = self.of(*entry).map(|(tick, _)| tick);
        Ok(Version::of(changes.map(|tick| (tick, &CHANGE))))
    }

    fn find(&mut self, entry: EntryId) -> Result<Option<EntryId>, Infallible> {
        Ok(Some(entry))
    }

    fn is_destroyed(&mut self, entry: EntryId) -> Result<bool, Infallible> {
        Ok(self.2.contains_key(&entry))
    }

    fn held_changed(&mut self, _: Tick, _: Tick) -> Result<Vec<MetHeld<()>>, Infallible> {
        Ok(Vec::new())
    }

    fn open_held(&mut self, (): &()) -> Result<(Edit, HoldReason), Infallible> {
        unreachable!("nothing is held")
    }

    fn held_facts(&mut self, (): &()) -> Result<HeldFacts, Infallible> {
        unreachable!("nothing is held")
    }
}

#[test]
fn what_an_earlier_page_took_away_comes_back_whole() {
    let mut rows = Rows::default();
    rows.touch(1, 1, None);
    rows.touch(2, 2, None);
    let all = rows.pages(None, 3);
    assert_eq!(all.len(), 2);
    let rests = Some(all[1].cursor);
    rows.touch(4, 1, Some(20));
    rows.touch(5, 2, None);
    rows.touch(6, 3, None);
    let first = rows.page(rests, 7);
    assert!(first.more && first.forget.contains(&entry(1)));
    assert_eq!(given(&first), [(entry(2), 1)]);
    rows.touch(8, 1, Some(7));
    let rest = rows.pages(Some(first.cursor), 9);
    assert_eq!(given(&rest[0]), [(entry(3), 1)]);
    assert_eq!(given(&rest[1]), [(entry(1), 3)]);
}

#[test]
fn what_falls_due_at_once_is_given_page_by_page() {
    let mut rows = Rows::default();
    for (at, name) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)] {
        rows.touch(at, name, Some(10));
    }
    let rests = rows.page(None, 6).cursor;
    assert!(rests.rests());
    let pages = rows.pages(Some(rests), 11);
    let all: Vec<_> = pages.iter().map(given).collect();
    let each: Vec<_> = (1..6).map(|name| vec![(entry(name), 1)]).collect();
    assert_eq!(all, each);

    // What is put off while they come is not given, or goes again.
    let first = rows.page(Some(rests), 11);
    let second = rows.page(Some(first.cursor), 11);
    assert!(second.more && !second.cursor.rests());
    rows.touch(12, 1, Some(30));
    rows.touch(13, 5, Some(30));
    let rest = rows.pages(Some(second.cursor), 14);
    let told: Vec<_> = rest.iter().flat_map(given).collect();
    assert_eq!(told, [(entry(3), 1), (entry(4), 1)]);
    assert!(rest.iter().any(|page| page.forget.contains(&entry(1))));
}

/// A page that ends within a tick has not told of the rest of it.
#[test]
fn what_no_page_gave_is_not_forgotten() {
    let mut rows = Rows::default();
    for (at, name) in [(1, 1), (2, 2), (3, 3)] {
        rows.touch(at, name, Some(10));
    }
    let rests = rows.page(None, 6).cursor;
    let first = rows.page(Some(rests), 11);
    assert_eq!(given(&first), [(entry(1), 1)]);
    // The others are put off before a page came to them: the device never hears of them.
    rows.touch(12, 2, Some(30));
    rows.touch(13, 3, Some(30));
    for page in rows.pages(Some(first.cursor), 14) {
        assert_eq!(page.forget, BTreeSet::new());
        assert!(!page.gives());
    }
}

#[test]
fn what_falls_due_while_all_is_sent_again_is_not_missed() {
    let mut rows = Rows::default();
    rows.touch(1, 1, Some(10));
    rows.touch(2, 2, None);
    rows.touch(3, 3, None);
    let first = rows.page(None, 5);
    assert!(first.more);
    assert_eq!(given(&first), [(entry(2), 1)]);
    let rest = rows.pages(Some(first.cursor), 11);
    assert_eq!(given(&rest[0]), [(entry(3), 1)]);
    assert_eq!(given(&rest[1]), [(entry(1), 1)]);
    // Put off again once it was given, it must go.
    let before_the_end = Some(rest[0].cursor);
    rows.touch(12, 4, None);
    let third = rows.page(before_the_end, 13);
    assert!(third.more && third.entries.contains_key(&entry(1)));
    rows.touch(14, 1, Some(30));
    let last = rows.pages(Some(third.cursor), 15);
    assert!(last.iter().any(|page| page.forget.contains(&entry(1))));
}

#[test]
fn a_cursor_is_read_as_it_was_written() {
    let mut stretches = Stretches::default();
    for (upto, at) in [(1, 3), (2, 3), (3, 4)] {
        let within = Some(entry(upto)).filter(|_| upto > 1);
        let (upto, at) = (Tick(upto), Tick(at));
        stretches.add(Stretch { upto, within, at });
    }
    assert_eq!(stretches.iter().count(), 2);
    let cursor = Cursor {
        log: LOG,
        base: Tick(1),
        upto: Tick(2),
        within: Some(entry(7)),
        started: Tick(3),
        held: Tick(4),
        held_within: Tick(8),
        told: Tick(5),
        epoch: EPOCH,
        digest: CheckpointDigest([6; 16]),
        resending: true,
        comparing: true,
        vital_first: true,
        vital: Tick(13),
        reached: Tick(14),
        compared: true,
        stretches,
        witness: Witness {
            log: 10,
            apart: 11,
            heads: [12; 8],
        },
    };
    let rests = Cursor {
        base: Tick(1),
        upto: Tick(1),
        within: None,
        held: Tick(1),
        held_within: Tick(0),
        started: Tick(0),
        resending: false,
        comparing: false,
        vital_first: false,
        vital: Tick(0),
        reached: Tick(0),
        compared: false,
        stretches: Stretches::default(),
        ..cursor
    };
    for (cursor, length) in [(cursor, 524), (rests, 75)] {
        let bytes = cursor.encode();
        assert_eq!(bytes.len(), length);
        assert_eq!(Cursor::decode(&bytes), Some(cursor));
        assert_eq!(Cursor::decode(&bytes[1..]), None);
        let other = [&[0], &bytes[1..]].concat();
        assert_eq!(Cursor::decode(&other), None);
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Cursor::decode(&longer), None);
    }
}

/// After a restore a device hands back what somebody else wrote. If it is hidden before a page gave
/// it, no cursor tells that the device has it.
#[test]
fn what_was_handed_back_while_pages_came_does_not_stay_once_it_is_hidden() {
    let mut rows = Rows::default();
    rows.touch(1, 1, None);
    rows.touch(2, 2, None);
    let rests = rows.page(None, 2);
    let rests = rows
        .pages(Some(rests.cursor), 2)
        .pop()
        .expect("a page")
        .cursor;
    assert!(rests.rests());
    rows.touch(3, 1, None);
    rows.touch(4, 2, None);
    rows.touch(5, 9, None);
    // What it had when the walk began, or what this page gives, is told anyhow.
    let known = rows.page_to(Some(rests), 5, &BTreeSet::from([entry(1), entry(2)]));
    assert!(known.more && !known.reset);
    // The rest begins anew, so that the device drops what is not named.
    let first = rows.page_to(Some(rests), 5, &BTreeSet::from([entry(9)]));
    assert!(first.more && first.reset && first.cursor.resending);
    assert!(first.cursor.told >= rests.told);
    rows.touch(6, 9, Some(30));
    let rest = rows.pages(Some(first.cursor), 7);
    let told: BTreeSet<EntryId> = rest.iter().flat_map(given).map(|(id, _)| id).collect();
    assert!(rest.iter().all(|page| !page.reset));
    assert_eq!(told, BTreeSet::from([entry(1), entry(2)]));
}

proptest! {
    /// To somebody who neither sees nor saw an entry, nothing of a page betrays it, nor how many
    /// pages there are.
    #[test]
    fn pages_do_not_depend_on_what_is_not_seen(
        touches in prop::collection::vec((0..6u64, any::<bool>()), 1..24),
        stop in 0..24usize,
    ) {
        // Entries below 3 are shown now and then, the others never.
        let row = |at: usize, name: u64, hidden: bool| {
            let due = (hidden || name >= 3).then_some(1_000);
            (at as u64 + 1, name, due)
        };
        let (mut all, mut shown) = (Rows::default(), Rows::default());
        let mut add = |(at, name, due): (u64, u64, Option<u64>)| {
            all.touch(at, name, due);
            if name < 3 {
                shown.touch(at, name, due);
            }
            (all.clone(), shown.clone())
        };
        let mut cursors = (None, None);
        for (at, (name, hidden)) in touches.iter().enumerate() {
            let (mut all, mut shown) = add(row(at, *name, *hidden));
            if at < stop {
                continue;
            }
            let now = at as u64 + 1;
            let pages = (all.page(cursors.0, now), shown.page(cursors.1, now));
            prop_assert_eq!(&pages.0.items, &pages.1.items);
            prop_assert_eq!(&pages.0.forget, &pages.1.forget);
            prop_assert_eq!(&pages.0.entries, &pages.1.entries);
            prop_assert_eq!(pages.0.more, pages.1.more);
            prop_assert_eq!(pages.0.cursor.told, pages.1.cursor.told);
            prop_assert_eq!(all.1, shown.1);
            cursors = (Some(pages.0.cursor), Some(pages.1.cursor));
        }
    }
}

#[test]
fn a_device_that_has_nothing_is_given_vital_entries_first() {
    let mut rows = Rows::default();
    for (at, name) in [(1, 101), (2, 1), (3, 102), (4, 2)] {
        rows.touch(at, name, None);
    }
    let first = rows.page(None, 5);
    assert_eq!(given(&first), [(entry(1), 1)]);
    assert!(first.reset && first.more && !first.vital_given());
    let second = rows.page(Some(first.cursor), 5);
    assert_eq!(given(&second), [(entry(2), 1)]);
    assert!(second.more && second.vital_given());
    // What happens to them meanwhile comes after the others, once.
    rows.touch(6, 2, None);
    rows.touch(7, 1, Some(20));
    rows.touch(8, 101, None);
    let rest = rows.pages(Some(second.cursor), 9);
    let all: Vec<_> = rest.iter().flat_map(given).collect();
    assert_eq!(all, [(entry(102), 1), (entry(2), 1), (entry(101), 2)]);
    let forgotten: BTreeSet<_> = rest.iter().flat_map(|page| page.forget.clone()).collect();
    assert_eq!(forgotten, BTreeSet::from([entry(1)]));
    assert!(rest.iter().all(|page| !page.more || page.vital_given()));
    let last = rest.last().expect("there are pages").cursor;
    assert!(last.rests() && last.has_all());
    assert_eq!(last.told, Tick(8));
}

#[test]
fn what_was_told_last_is_when_the_last_happened_in_whatever_order_it_was_told() {
    let mut rows = Rows::default();
    for (at, name) in [(1, 101), (2, 102), (3, 1)] {
        rows.touch(at, name, None);
    }
    let pages = rows.pages(None, 5);
    assert_eq!(given(&pages[0]), [(entry(1), 1)]);
    assert_eq!(pages.last().expect("there are pages").cursor.told, Tick(3));
}

/// What a frame might not hold comes with the next page, whether all is sent or what was compared.
#[test]
fn what_has_no_room_in_a_page_comes_with_the_next() {
    let mut rows = Rows(Vec::new(), 0, BTreeMap::new(), 1_000);
    let names = [OTHERS, OTHERS + 1, HEAVY];
    for (at, name) in (1..).zip(names) {
        rows.touch(at, name, None);
    }
    let pages = rows.pages(None, 5);
    let last = pages.last().expect("there are pages");
    assert_eq!(given(last), [(entry(HEAVY), 1)]);
    let before: Vec<_> = pages[..pages.len() - 1].iter().flat_map(given).collect();
    assert_eq!(before, [(entry(OTHERS), 1), (entry(OTHERS + 1), 1)]);

    let mut copy = Rows::default();
    copy.touch(1, OTHERS, None);
    let mut asked = comparing(&mut copy, &[OTHERS + 1, HEAVY], &mut rows);
    let first = rows.page_for(None, 5, &BTreeSet::new(), Some(&asked));
    asked.message = Vec::new().into();
    let second = rows.page_for(Some(first.cursor), 6, &BTreeSet::new(), Some(&asked));
    assert_eq!(given(&second), [(entry(OTHERS + 1), 1)]);
    assert!(second.more && second.compared.is_some_and(|said| said.given == 1));
    asked.wanted.remove(0);
    let third = rows.page_for(Some(second.cursor), 7, &BTreeSet::new(), Some(&asked));
    assert_eq!(given(&third), [(entry(HEAVY), 1)]);
}

/// The first answer had all vital entries and nothing else: what it gave is known all the same.
#[test]
fn a_vital_entry_that_is_destroyed_after_the_first_answer_is_to_be_forgotten() {
    let mut rows = Rows::default();
    rows.touch(1, 1, None);
    rows.touch(2, OTHERS, None);
    let first = rows.page(None, 5);
    assert!(first.vital_given() && given(&first) == [(entry(1), 1)]);
    rows.2.insert(entry(1), Tick(7));
    let rest = rows.pages(Some(first.cursor), 8);
    assert!(rest.iter().any(|page| page.destroyed.contains(&entry(1))));
}

mod comparing;
