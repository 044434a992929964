//! What a history may hold, and that the work follows its size: it is counted, in steps, for
//! histories as wide as somebody can make them who takes a fresh incarnation for every change.

use automerge::ScalarValue;

use super::*;

fn actor(of: usize) -> Actor {
    let mut bytes = [0xee; 16];
    bytes[..8].copy_from_slice(&(of as u64).to_le_bytes());
    Actor(bytes)
}

fn nulls(keys: usize) -> Vec<Write> {
    let key = |at| Write::set(format!("of-tomorrow/{at}"), Value::Null);
    (0..keys).map(key).collect()
}

/// A change of `base` by somebody who knows nothing of the others.
fn beside(base: &EntryDocument, of: usize, writes: &[Write]) -> Bytes {
    let mut document = base.clone();
    document.edit(actor(of), writes, AT).unwrap().1
}

/// An entry which so many people wrote who did not know of each other, each these keys.
fn wide(people: usize, keys: usize) -> EntryDocument {
    let (base, _) = creation();
    let mut document = base.clone();
    for of in 0..people {
        let change = inspect(&beside(&base, of, &nulls(keys))).unwrap();
        document.apply(change.into_change()).unwrap();
    }
    document
}

/// A document as whoever had seen only these changes and what they follow had it.
fn at(document: &EntryDocument, heads: &[ChangeHash]) -> EntryDocument {
    let seen = document.state().closure(heads.iter().copied());
    let mut then = EntryDocument::new();
    let changes = document.changes().into_iter();
    for (_, change) in changes.filter(|(hash, _)| seen.contains(hash)) {
        then.apply(inspect(&change).unwrap().into_change()).unwrap();
    }
    then
}

/// Those branches joined by people who each saw some, until one has seen them all.
fn join(mut document: EntryDocument, mut of: usize) -> EntryDocument {
    while document.heads().len() > 1 {
        let mut changes = Vec::new();
        for heads in document.heads().chunks(MAX_DEPENDENCIES) {
            let part = at(&document, heads);
            changes.push(beside(&part, of, &[Write::set("notes", format!("{of}"))]));
            of += 1;
        }
        for change in changes {
            document
                .apply(inspect(&change).unwrap().into_change())
                .unwrap();
        }
    }
    document
}

fn parts(state: &EntryState) -> usize {
    let each = state.history.iter();
    each.map(|past| past.writes.len() + past.deps.len()).sum()
}

/// However wide the history: no more than a step an operation and dependency and word of a set of
/// changes, for each of the few times that it is gone through.
#[test]
fn the_work_follows_the_parts_of_a_history_and_not_their_pairs() {
    for people in [50, 100, 200, 400] {
        let document = wide(people, 8);
        let state = document.state();
        let words = people / 64 + 2;
        let once = (parts(&state) * words) as u64;
        let (_, steps) = work::of(|| state.as_of(|_| true));
        assert!(steps <= once, "{people}: {steps} of {once}");

        let (base, _) = creation();
        let late = inspect(&beside(&base, people, &nulls(8))).unwrap();
        let (_, steps) = work::of(|| admit(&document, &state, &late));
        assert!(steps <= 4 * once, "{people}: {steps} of {once}");

        // Somebody who saw them all writes over them all.
        let document = join(document, people + 1);
        let state = document.state();
        let once = (parts(&state) * (words + 1)) as u64;
        let last = inspect(&beside(&document, 9_999, &nulls(8))).unwrap();
        let (admitted, steps) = work::of(|| admit(&document, &state, &last));
        assert!(admitted.is_ok());
        assert!(steps <= 4 * once, "{people}: {steps} of {once}");
    }
}

#[test]
fn a_key_has_so_many_values_and_whoever_saw_them_can_always_settle_it() {
    let (base, _) = creation();
    let say = |of: usize| Write::set("criticality", format!("{of}"));
    let mut document = base.clone();
    for of in 0..MAX_VALUES {
        let change = beside(&base, of, &[say(of)]);
        let inspected = inspect(&change).unwrap();
        (document, ..) = admit(&document, &document.state(), &inspected).unwrap();
    }
    // Two of the changes are joined by a third that leaves both values, so that there is room for
    // another change apart, though not for another value.
    let two = at(&document, &document.heads()[..2]);
    let joined = inspect(&beside(&two, 7_000, &[Write::set("source", "…")])).unwrap();
    let (document, state, _) = admit(&document, &document.state(), &joined).unwrap();
    assert_eq!(state.claims("criticality").len(), MAX_VALUES);
    assert!(document.heads().len() < MAX_DEPENDENCIES);
    let late = beside(&base, MAX_VALUES, &[say(MAX_VALUES)]);
    assert_eq!(admitted(&document, &late), Err(Unsafe::Full));
    // Another key of the entry is not concerned.
    let one = at(&document, &document.heads()[..1]);
    let other = beside(&one, MAX_VALUES, &[Write::set("notes", "…")]);
    assert!(admitted(&document, &other).is_ok());
    // Who saw some of the values writes in their place.
    let mut some = base.clone();
    for of in 0..2 {
        let change = inspect(&beside(&base, of, &[say(of)])).unwrap();
        some.apply(change.into_change()).unwrap();
    }
    let fewer = beside(&some, MAX_VALUES, &[say(MAX_VALUES)]);
    let state = admitted(&document, &fewer).unwrap();
    assert_eq!(state.claims("criticality").len(), MAX_VALUES - 1);
    // Who saw all of them settles it, by a value or by none.
    let settled = beside(&document, MAX_VALUES + 1, &[say(0)]);
    let inspected = inspect(&settled).unwrap();
    let (after, state, _) = admit(&document, &document.state(), &inspected).unwrap();
    assert_eq!(state.claims("criticality").len(), 1);
    let removed = beside(&document, MAX_VALUES + 1, &[Write::remove("criticality")]);
    let state = admitted(&document, &removed).unwrap();
    assert!(state.claims("criticality").is_empty());
    // And then there is room for who did not know.
    let state = admitted(&after, &late).unwrap();
    assert_eq!(state.claims("criticality").len(), 2);
}

/// Otherwise nobody could write in the entry any more, who has them all to follow.
#[test]
fn no_more_changes_stand_apart_than_an_edit_can_follow() {
    let (base, _) = creation();
    let key = |of: usize| Write::set(format!("of-tomorrow/{of}"), Value::Null);
    let mut document = base.clone();
    for of in 0..MAX_DEPENDENCIES {
        let inspected = inspect(&beside(&base, of, &[key(of)])).unwrap();
        (document, ..) = admit(&document, &document.state(), &inspected).unwrap();
    }
    let late = beside(&base, MAX_DEPENDENCIES, &[key(MAX_DEPENDENCIES)]);
    assert_eq!(admitted(&document, &late), Err(Unsafe::Full));
    // Whoever has them all in front of them goes on, and then there is room again.
    let joined = inspect(&beside(&document, 5_000, &[Write::set("notes", "…")])).unwrap();
    let (after, ..) = admit(&document, &document.state(), &joined).unwrap();
    assert!(admitted(&after, &late).is_ok());
}

/// An entry of before the bound, in which more values stand than may: it can be written.
#[test]
fn an_edit_that_adds_no_value_is_taken_however_many_stand() {
    let mut many = wide(MAX_VALUES + 6, 1);
    for of in 0..8 {
        let two = at(&many, &many.heads()[..2]);
        let joined = beside(&two, 7_000 + of, &[Write::set("notes", format!("{of}"))]);
        many.apply(inspect(&joined).unwrap().into_change()).unwrap();
    }
    assert!(many.heads().len() < MAX_DEPENDENCIES);
    let heads = many.heads();
    let some = at(&many, &heads[..1]);
    let same = beside(&some, 5_000, &[Write::set("of-tomorrow/0", "mine")]);
    let state = admitted(&many, &same).unwrap();
    assert_eq!(state.claims("of-tomorrow/0").len(), MAX_VALUES + 6);
    let (base, _) = creation();
    let more = beside(&base, 5_001, &nulls(1));
    assert_eq!(admitted(&many, &more), Err(Unsafe::Full));
}

#[test]
fn a_history_has_so_many_parts() {
    let (base, _) = creation();
    let made = parts(&base.state());
    let each = MAX_OPERATIONS + 1;
    let whole = (MAX_PARTS - made) / each;
    let left = (MAX_PARTS - made) % each;
    let full = wide(whole, MAX_OPERATIONS);
    let state = full.state();
    assert_eq!(parts(&state) + left, MAX_PARTS);
    let fits = beside(&base, whole, &nulls(left - 1));
    assert!(admitted(&full, &fits).is_ok());
    let beyond = beside(&base, whole, &nulls(left));
    assert_eq!(admitted(&full, &beyond), Err(Unsafe::Full));
}

/// A value named twice does not stand for another that is left out.
#[test]
fn what_is_overwritten_is_named_once_each() {
    let document = wide(2, 1);
    let state = document.state();
    let change = inspect(&beside(&document, 7, &nulls(1))).unwrap();
    let mut expanded = change.change.decode();
    assert_eq!(check_references(&state, &expanded), Ok(()));
    let op = &mut expanded.operations[0];
    op.action = OpType::Put(ScalarValue::Null);
    let first = op.pred.iter().next().cloned().expect("one");
    op.pred = vec![first.clone(), first].into();
    assert_eq!(check_references(&state, &expanded), Err(Unsafe::Dangling));
}
