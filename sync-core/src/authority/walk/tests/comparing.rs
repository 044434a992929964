//! Devices that compare their copy.

use super::*;

/// A log of four entries, what a device asks that has the first and the last, and its first answer.
fn half_known() -> (Rows, Compare, Page) {
    let mut rows = Rows::default();
    for (at, name) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        rows.touch(at, name, None);
    }
    let mut copy = Rows::default();
    copy.touch(1, 1, None);
    copy.touch(4, 4, None);
    let asked = comparing(&mut copy, &[2, 3], &mut rows);
    let first = rows.page_for(None, 5, &BTreeSet::new(), Some(&asked));
    (rows, asked, first)
}

#[test]
fn a_device_with_a_copy_is_given_nothing_before_it_may_compare() {
    let mut rows = Rows::default();
    rows.touch(1, 1, None);
    rows.touch(2, 2, None);
    let rests = rows.pages(None, 3).pop().unwrap().cursor;
    let foreign = Cursor {
        epoch: Epoch([9; 8]),
        ..rests
    };
    let offer = rows.page(Some(foreign), 4);
    assert!(offer.reset && offer.more && offer.items.is_empty() && offer.cursor.comparing);
    // It may ask for all the same.
    let all = rows.pages(Some(offer.cursor), 4);
    let all: Vec<_> = all.iter().flat_map(given).collect();
    assert_eq!(all, [(entry(1), 1), (entry(2), 1)]);
    // A copy that is the same is given nothing, and has all.
    let mut copy = rows.clone();
    let mut same = comparing(&mut copy, &[], &mut rows);
    let listed = rows.page_for(Some(offer.cursor), 4, &BTreeSet::new(), Some(&same));
    assert!(listed.more && !listed.reset && listed.items.is_empty());
    let found = inventory(&mut copy).compare(&listed.compared.unwrap().message.unwrap(), 0);
    assert_eq!(found.unwrap(), Differences::default());
    same.message = Vec::new().into();
    let page = rows.page_for(Some(listed.cursor), 4, &BTreeSet::new(), Some(&same));
    assert!(!page.more && !page.reset && page.items.is_empty() && page.forget.is_empty());
    assert_eq!(page.compared, Some(Compared::default()));
    assert!(page.cursor.has_all());
}

#[test]
fn what_is_wanted_is_given_and_what_was_touched_meanwhile_comes_whole() {
    let (mut rows, mut asked, first) = half_known();
    let said = first.compared.clone().unwrap();
    assert!(first.reset && first.more && said.message.is_some());
    assert_eq!(said.given, 0);
    // Somebody writes before it asks for what it lacks.
    rows.touch(6, 3, None);
    asked.message = Vec::new().into();
    let second = rows.page_for(Some(first.cursor), 8, &BTreeSet::new(), Some(&asked));
    assert_eq!(given(&second), [(entry(2), 1)]);
    assert_eq!(second.compared.unwrap().given, 2);
    // What is hidden after that it has, and is told to forget.
    rows.touch(9, 4, Some(100));
    let third = rows.pages(Some(second.cursor), 10);
    assert_eq!(given(&third[0]), [(entry(3), 2)]);
    let forgotten = third.iter().any(|page| page.forget.contains(&entry(4)));
    assert!(forgotten && third.last().unwrap().cursor.has_all());
}

/// Nobody knows whether the device had it: it is not named, and all begins anew.
#[test]
fn what_is_hidden_while_copies_are_compared_is_not_named() {
    for hidden in [2, 4] {
        let (mut rows, first_asked, first) = half_known();
        rows.touch(6, hidden, Some(100));
        let mut asked = first_asked.clone();
        asked.message = Vec::new().into();
        let second = rows.page_for(Some(first.cursor), 8, &BTreeSet::new(), Some(&asked));
        assert!(second.reset && second.more && second.items.is_empty());
        assert!(second.forget.is_empty() && second.compared.is_none());
        let third = rows.page_for(Some(second.cursor), 8, &BTreeSet::new(), Some(&first_asked));
        let third = rows.page_for(Some(third.cursor), 8, &BTreeSet::new(), Some(&asked));
        assert!(!third.reset && third.forget.is_empty());
        assert!(!third.entries.contains_key(&entry(hidden)));
    }
}

#[test]
fn what_was_found_before_rights_changed_counts_for_nothing() {
    let mut rows = Rows::default();
    rows.touch(1, 1, None);
    rows.touch(2, 2, None);
    let mut copy = Rows::default();
    copy.touch(1, 1, None);
    let mut asked = comparing(&mut copy, &[2], &mut rows);
    asked.message = Vec::new().into();
    let begun = rows.page_for(None, 3, &BTreeSet::new(), Some(&asked));
    let foreign = Cursor {
        epoch: Epoch([9; 8]),
        ..begun.cursor
    };
    let again = rows.page_for(Some(foreign), 4, &BTreeSet::new(), Some(&asked));
    assert!(again.reset && again.more && again.items.is_empty());
    assert_eq!(again.compared, None);
}

/// Whoever lost their right while copies are compared drops all at once, and is asked nothing more.
#[test]
fn who_may_see_nothing_any_more_is_not_asked_to_compare() {
    let (_, asked, first) = half_known();
    let mut nothing = Rows::default();
    let foreign = Cursor {
        epoch: Epoch([9; 8]),
        ..first.cursor
    };
    let page = nothing.page_for(Some(foreign), 8, &BTreeSet::new(), Some(&asked));
    assert!(page.reset && !page.more && page.items.is_empty());
}

/// What was touched meanwhile and may still be read comes whole with the rest: nothing begins anew.
#[test]
fn what_moves_to_another_shelf_and_is_shown_there_does_not_begin_all_anew() {
    let (mut rows, mut asked, first) = half_known();
    rows.touch(6, 2, Some(100));
    rows.touch(7, 2, None);
    asked.message = Vec::new().into();
    let second = rows.page_for(Some(first.cursor), 8, &BTreeSet::new(), Some(&asked));
    assert!(!second.reset && second.forget.is_empty());
    assert_eq!(given(&second)[0].0, entry(3));
    let third = rows.pages(Some(second.cursor), 10);
    assert!(
        third
            .iter()
            .any(|page| page.entries.contains_key(&entry(2)))
    );
}

/// A device to which some of what differs was given asks for pages. What it was given and may not see
/// any more no page would tell it to forget: all begins anew.
#[test]
fn what_was_given_before_a_device_turned_to_pages_does_not_stay_once_it_is_hidden() {
    let (mut rows, mut asked, first) = half_known();
    asked.message = Vec::new().into();
    let second = rows.page_for(Some(first.cursor), 6, &BTreeSet::new(), Some(&asked));
    assert!(second.more && given(&second) == [(entry(2), 1)]);
    // Hidden before it turns, or between the pages: it is not named once all has begun anew.
    for early in [true, false] {
        let mut rows = rows.clone();
        if early {
            rows.touch(7, 2, Some(100));
        }
        let third = rows.page(Some(second.cursor), 8);
        assert!(third.reset && third.more && !third.items.is_empty());
        if !early {
            assert!(!third.entries.contains_key(&entry(2)));
            rows.touch(9, 2, Some(100));
        }
        let rest = rows.pages(Some(third.cursor), 10);
        for page in rest.iter().chain([&third]) {
            assert!(!page.entries.contains_key(&entry(2)), "{early}");
        }
        assert!(rest.iter().all(|page| !page.reset));
    }
    // If it was not told all that differs, it was given nothing, and goes on.
    let early = Cursor {
        compared: false,
        ..first.cursor
    };
    assert!(!rows.page(Some(early), 8).reset);
}

/// Whoever says that nothing is left to compare, and was not told of all that differs, is not told that
/// they have all; nor whoever asks nothing.
#[test]
fn who_ends_a_comparison_before_all_is_named_has_not_seen_all() {
    let mut rows = Rows::default();
    for name in 1..200 {
        rows.touch(name, name, None);
    }
    let mut copy = Rows::default();
    for name in 100..300 {
        copy.touch(name, name, None);
    }
    let first = comparing(&mut copy, &[], &mut rows);
    let mut nothing = first.clone();
    nothing.message = vec![0x61].into();
    let mut end = first.clone();
    end.message = Vec::new().into();
    for asked in [&first, &nothing] {
        let begun = rows.page_for(None, 500, &BTreeSet::new(), Some(asked));
        assert!(begun.more && !begun.cursor.compared);
        let early = rows.page_for(Some(begun.cursor), 500, &BTreeSet::new(), Some(&end));
        assert!(early.reset && early.more && early.cursor.told == Tick(0));
    }
    let begun = rows.page_for(None, 500, &BTreeSet::new(), Some(&first));
    let more = rows.page_for(Some(begun.cursor), 500, &BTreeSet::new(), Some(&nothing));
    assert!(more.more && !more.cursor.compared && more.cursor.told == Tick(0));

    // To its end.
    let (mut page, mut asked) = (begun, first);
    let copy = inventory(&mut copy);
    while let Some(said) = page
        .compared
        .as_ref()
        .and_then(|said| said.message.as_ref())
    {
        let found = copy.compare(said, 0).expect("it reads");
        asked.wanted.extend(found.need);
        asked.message = found.next.unwrap_or_default().into();
        page = rows.page_for(Some(page.cursor), 500, &BTreeSet::new(), Some(&asked));
    }
    assert!(!page.reset && page.compared.is_some_and(|said| said.given > 0));
}
