//! Who looks after an item of the to-review list. An assignment is a decision that is kept as an
//! entry of its own; taking it back is another one, to nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::across::kept_from;
use super::{EntryView, FlagCode, Rule, Rules, Stamp};
use crate::entry::Visibility;
use crate::kind::decision::{ABOUT, ASSIGNEE, DECISION, ITEM};
use crate::kind::{Kind, Read, Verdict};
use crate::{EntryId, PersonId};

/// To whom an item is assigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Who looks after it.
    pub to: PersonId,
    /// Who said so, and when.
    pub by: Stamp,
}

/// What an assignment says.
pub(super) struct Assigned<'v> {
    view: &'v EntryView,
    topic: &'v str,
    to: Option<PersonId>,
    by: &'v Stamp,
}

/// The assignments among the views that count.
pub(super) fn assignments(views: &[EntryView]) -> Vec<Assigned<'_>> {
    let assigns = |view: &&EntryView| {
        view.kind == Kind::ReviewDecision
            && view.counts()
            && says(view, DECISION) == Some(Verdict::Assign.code())
    };
    let all = views.iter().filter(assigns).filter_map(|view| {
        let from: &dyn Read = view;
        Some(Assigned {
            view,
            topic: says(view, ITEM)?,
            to: from.scalar(ASSIGNEE),
            by: view.created.as_ref()?,
        })
    });
    all.collect()
}

/// The one text that stands for a key.
fn says<'v>(view: &'v EntryView, key: &str) -> Option<&'v str> {
    match view.field(key)?.current.as_slice() {
        [one] => one.as_text(),
        _ => None,
    }
}

/// To whom an item is assigned: by those that nobody had in front of them who assigned it after.
/// The first assigned come first.
pub(super) fn stand(rules: Rules, topic: &str, all: &[Assigned<'_>]) -> Vec<Assignment> {
    let about: Vec<&Assigned<'_>> = all.iter().filter(|one| one.topic == topic).collect();
    let replaced = |one: &Assigned<'_>| {
        about.iter().any(|other| {
            other.by.had_seen(one.by) && !kept_from(&one.view.withheld, &other.by.role)
        })
    };
    let order = |one: &Assigned<'_>| {
        let accepted = one.by.accepted.map_or(u64::MAX, |tick| tick.0);
        (accepted, one.by.at, one.view.id)
    };
    let mut standing: Vec<&Assigned<'_>> =
        about.iter().copied().filter(|one| !replaced(one)).collect();
    standing.sort_by_key(|one| order(one));
    if !rules.has(Rule::AssignedApart) {
        standing = standing.into_iter().rev().take(1).collect();
    }
    let mut found: Vec<Assignment> = Vec::new();
    for one in standing {
        let known = |to: &PersonId| found.iter().any(|known| known.to == *to);
        if let Some(to) = one.to.filter(|to| !known(to)) {
            let by = one.by.clone();
            found.push(Assignment { to, by });
        }
    }
    found
}

/// The kinds of entry that a decision is about, as written; empty of any other entry.
pub fn about(view: &EntryView) -> &str {
    let decision = view.kind == Kind::ReviewDecision;
    let claims = view.claims(ABOUT).iter().filter(|_| decision);
    claims
        .into_iter()
        .find_map(|claim| claim.value.as_text())
        .unwrap_or_default()
}

/// The decisions and assignments that somebody may know of from whom an entry they name is kept,
/// each with the visibility that would keep it from all of them. One that names all blood groups
/// names each of them.
pub fn decisions_to_hide<'v>(
    views: impl Iterator<Item = &'v EntryView> + Clone,
) -> Vec<(EntryId, Visibility)> {
    let open = Visibility::default();
    let kept: BTreeMap<EntryId, &EntryView> = views
        .clone()
        .filter(|view| view.visibility != open)
        .map(|view| (view.id, view))
        .collect();
    let groups: Vec<EntryId> = kept
        .values()
        .filter(|view| view.kind == Kind::BloodGroup)
        .map(|view| view.id)
        .collect();
    let named = |item: &str| match item == FlagCode::DiscordantBloodGroup.code() {
        true => groups.clone(),
        false => item.split('/').filter_map(|id| id.parse().ok()).collect(),
    };
    let decisions = views.filter(|view| view.kind == Kind::ReviewDecision);
    let as_strict = decisions.map(|decision| {
        let items = decision.claims(ITEM).iter();
        let items = items.filter_map(|claim| claim.value.as_text());
        let named = items.flat_map(named).filter_map(|entry| kept.get(&entry));
        let strictest = named.fold(decision.visibility.clone(), |all, view| {
            all.strictest(&view.visibility)
        });
        (decision, strictest)
    });
    as_strict
        .filter(|(decision, strictest)| decision.visibility != *strictest)
        .map(|(decision, strictest)| (decision.id, strictest))
        .collect()
}
