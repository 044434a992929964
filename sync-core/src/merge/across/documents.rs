//! Documents beside each other: the same bytes, replacements, and which are current.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::super::{EntryView, FlagCode, Rule, Rules};
use super::Link;
use super::pairs::{LINKED_PAIRWISE, each_with_each};
use crate::kind::document::{CONTENT, REPLACES};
use crate::kind::{Content, Kind, Read};
use crate::{EntryId, Tick};

/// One document of a record, however often it was deposited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentGroup {
    /// The entries that hold these bytes, the first deposited first.
    pub entries: Vec<EntryId>,
    /// Whether no other document replaces it.
    pub current: bool,
}

fn is_document(view: &EntryView) -> bool {
    matches!(view.kind, Kind::Document(_)) && view.counts()
}

fn replaces(view: &EntryView) -> Option<EntryId> {
    let from: &dyn Read = view;
    from.text(REPLACES)?.parse().ok()
}

/// The documents among the given entries, the latest recorded first.
pub(in super::super) fn documents(rules: Rules, views: &[EntryView]) -> Vec<DocumentGroup> {
    let mut groups: BTreeMap<String, Vec<&EntryView>> = BTreeMap::new();
    for view in views.iter().filter(|view| is_document(view)) {
        let from: &dyn Read = view;
        let hash = from.json::<Content>(CONTENT).map(|content| content.hash);
        let hash = hash.filter(|_| rules.has(Rule::DocumentDeduplicated));
        // A type is part of what a document is: the same bytes may be deposited as two things.
        let name = hash.map(|hash| format!("{}|{hash}", view.kind.code()));
        groups
            .entry(name.unwrap_or_else(|| view.id.to_string()))
            .or_default()
            .push(view);
    }
    let mut groups: Vec<Vec<&EntryView>> = groups.into_values().collect();
    let recorded = |view: &EntryView| view.recorded.map_or(u64::MAX, |tick| tick.0);
    for group in &mut groups {
        group.sort_by_key(|view| (recorded(view), view.id));
    }
    groups.sort_by_key(|group| std::cmp::Reverse((recorded(group[0]), group[0].id)));
    let all = groups.iter().flatten();
    let all: BTreeMap<EntryId, &EntryView> = all.map(|view| (view.id, *view)).collect();
    let replaced: BTreeSet<EntryId> = all
        .values()
        .filter(|_| rules.has(Rule::DocumentChain))
        .filter_map(|view| {
            let parent = replaces(view)?;
            let parent = all.get(&parent)?;
            let seen = view.created.as_ref()?.had_seen(parent.created.as_ref()?);
            seen.then_some(parent.id)
        })
        .collect();
    groups
        .into_iter()
        .map(|group| DocumentGroup {
            current: !group.iter().any(|view| replaced.contains(&view.id)),
            entries: group.iter().map(|view| view.id).collect(),
        })
        .collect()
}

/// Documents that replace the same one, neither of whose authors had seen the other's.
pub(super) fn replaced_twice(rules: Rules, views: &[EntryView]) -> Vec<Link<'_>> {
    let mut children: BTreeMap<EntryId, Vec<&EntryView>> = BTreeMap::new();
    for view in views.iter().filter(|view| is_document(view)) {
        if let Some(parent) = replaces(view) {
            children.entry(parent).or_default().push(view);
        }
    }
    let mut links = Vec::new();
    for mut siblings in children.into_values() {
        siblings.sort_by_key(|view| view.id);
        let pairs = match siblings.len() {
            many if many > LINKED_PAIRWISE => nearest_unseen(&siblings),
            _ => each_with_each(&siblings),
        };
        for (one, other) in pairs {
            if !rules.has(Rule::SeenNoConflict) || !seen(one, other) {
                links.push(Link::of(FlagCode::ReplacedTwice, (one, other)));
            }
        }
    }
    links
}

/// Whether the author of one of two documents had seen the other.
fn seen(one: &EntryView, other: &EntryView) -> bool {
    match (&one.created, &other.created) {
        (Some(one), Some(other)) => one.had_seen(other) || other.had_seen(one),
        _ => false,
    }
}

/// Of many, pairs enough to name each whose author had not seen another's, nor was seen by it: the
/// last before it, and of those after it the one whose author had seen least, each of another
/// device. They come in the order of their identifiers.
fn nearest_unseen<'v>(siblings: &[&'v EntryView]) -> Vec<(&'v EntryView, &'v EntryView)> {
    let stamp = |view: &'v EntryView| view.created.as_ref();
    let mut told = siblings.to_vec();
    told.sort_by_key(|view| {
        let by = stamp(view);
        let accepted = by
            .and_then(|by| by.accepted)
            .map_or(u64::MAX, |tick| tick.0);
        (accepted, by.map(|by| by.at), view.id)
    });
    let apart = |one: &EntryView, other: &EntryView| match (&one.created, &other.created) {
        (Some(one), Some(other)) => one.device != other.device,
        _ => true,
    };
    let mut pairs: BTreeMap<(EntryId, EntryId), (&EntryView, &EntryView)> = BTreeMap::new();
    let mut link = |one: &'v EntryView, other: Option<&&'v EntryView>| {
        if let Some(other) = other.filter(|other| !seen(one, other)) {
            let (first, second) = if one.id < other.id {
                (one, *other)
            } else {
                (*other, one)
            };
            pairs.insert((first.id, second.id), (first, second));
        }
    };
    // The nearest, and the nearest of another device than that one's.
    let mut near: Vec<&EntryView> = Vec::new();
    for view in &told {
        link(view, near.iter().find(|other| apart(view, other)));
        near.retain(|other| apart(view, other));
        near.insert(0, view);
        near.truncate(2);
    }
    near.clear();
    for view in told.iter().rev() {
        link(view, near.iter().find(|other| apart(view, other)));
        let of_device = near.iter().position(|other| !apart(view, other));
        match of_device {
            Some(at) if seen_until(near[at]) <= seen_until(view) => {}
            Some(at) => near[at] = view,
            None => near.push(view),
        }
        near.sort_by_key(|view| (seen_until(view), view.id));
        near.truncate(2);
    }
    pairs.into_values().collect()
}

/// How far the author of a document had seen the record.
fn seen_until(view: &EntryView) -> Option<Tick> {
    view.created.as_ref()?.seen
}
