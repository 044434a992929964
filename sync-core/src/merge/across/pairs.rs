//! Entries that go by one name.

use std::collections::{BTreeMap, BTreeSet};

use super::super::EntryView;
use crate::EntryId;
use crate::kind::{Label, normalise};

/// Up to so many entries of one name are linked each with each, more of them in a chain.
pub(super) const LINKED_PAIRWISE: usize = 16;

/// The pairs of views that share a name: a code in one terminology, or the same normalised text.
pub(super) fn of_one_name<'v>(
    views: impl Iterator<Item = &'v EntryView>,
    names: impl Fn(&EntryView) -> Vec<Label>,
) -> Vec<(&'v EntryView, &'v EntryView)> {
    pairs(views, names, |group| {
        let next = group.iter().zip(group.iter().skip(1));
        next.map(|(one, other)| (*one, *other)).collect()
    })
}

/// [`of_one_name`], with what links the entries of a name that are too many to be linked each with
/// each. They come in the order of their identifiers.
pub(super) fn pairs<'v>(
    views: impl Iterator<Item = &'v EntryView>,
    names: impl Fn(&EntryView) -> Vec<Label>,
    chain: impl Fn(&[&'v EntryView]) -> Vec<(&'v EntryView, &'v EntryView)>,
) -> Vec<(&'v EntryView, &'v EntryView)> {
    let mut by_name: BTreeMap<String, BTreeMap<EntryId, &EntryView>> = BTreeMap::new();
    for view in views {
        for label in names(view) {
            let text = normalise(&label.text);
            let code = label.system.zip(label.code);
            let code = code.map(|(system, code)| format!("{system}|{code}"));
            // A text never holds a bar, so texts and codes cannot meet.
            for name in code.into_iter().chain((!text.is_empty()).then_some(text)) {
                by_name.entry(name).or_default().insert(view.id, view);
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::new();
    for group in by_name.into_values() {
        let group: Vec<_> = group.into_values().collect();
        let linked = if group.len() <= LINKED_PAIRWISE {
            each_with_each(&group)
        } else {
            chain(&group)
        };
        for (one, other) in linked {
            let pair = if one.id < other.id {
                (one, other)
            } else {
                (other, one)
            };
            if seen.insert((pair.0.id, pair.1.id)) {
                pairs.push(pair);
            }
        }
    }
    pairs
}

/// All pairs.
pub(super) fn each_with_each<'v>(group: &[&'v EntryView]) -> Vec<(&'v EntryView, &'v EntryView)> {
    let places = group.iter().enumerate();
    let pairs = places.flat_map(|(place, one)| {
        let later = group.iter().skip(place + 1);
        later.map(|other| (*one, *other))
    });
    pairs.collect()
}
