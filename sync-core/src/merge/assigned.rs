//! Who looks after an item of the to-review list. An assignment is a decision that is kept as an
//! entry of its own; taking it back is another one, to nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::across::kept_from;
use super::decided::{Decision, named};
use super::{EntryView, FlagCode, ReviewItem, Rule, Rules, Stamp, Viewer, right_fact};
use crate::entry::{EntryClass, Visibility};
use crate::kind::decision::{ABOUT, ASSIGNEE, ITEM, ON};
use crate::kind::{Kind, Scalar as _, Verdict};
use crate::policy::{Matrix, Profession, Rights, Role, Subject};
use crate::{EntryId, PersonId, Tick};

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

/// The assignments among the decisions.
pub(super) fn assignments<'v>(decisions: &[Decision<'v>]) -> Vec<Assigned<'v>> {
    let assigns = decisions
        .iter()
        .filter(|one| one.verdict == Verdict::Assign);
    let all = assigns.map(|one| Assigned {
        view: one.view,
        topic: one.item,
        to: one.says(ASSIGNEE).and_then(PersonId::from_scalar),
        by: one.by,
    });
    all.collect()
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

/// Of those an item is assigned to, who may not see all that it is about, by the rights that the
/// holder has in front of them at `now`. Nobody else knows what others may see: to them it says
/// nothing. A profession is known of whoever wrote here; of anybody else any is thought possible.
pub fn assigned_unseen(
    item: &ReviewItem,
    views: &[EntryView],
    viewer: &Viewer,
    matrix: &Matrix,
    now: Tick,
) -> Vec<PersonId> {
    if viewer.role != Role::Holder {
        return Vec::new();
    }
    let rights = Rights::new(viewer.person, views.iter().filter_map(right_fact));
    let about = views.iter().filter(|view| item.entries.contains(&view.id));
    let about: Vec<EntryClass> = about.map(EntryView::class).collect();
    let sees = |person: &PersonId| {
        let mut may_be = professions(views, *person);
        if may_be.is_empty() {
            may_be = Profession::ALL.into_iter().map(Some).collect();
            may_be.insert(None);
        }
        may_be.into_iter().any(|profession| {
            let person = *person;
            let standing = rights.standing(&Subject { person, profession }, now);
            let mut about = about.iter();
            about.all(|class| standing.may_read(class, matrix, now))
        })
    };
    let to = item.assigned.iter().map(|assignment| assignment.to);
    to.filter(|person| !sees(person)).collect()
}

/// In which professions somebody wrote here; as none where they wrote in another role.
fn professions(views: &[EntryView], person: PersonId) -> BTreeSet<Option<Profession>> {
    let fields = views.iter().flat_map(|view| &view.fields);
    let claims = fields.flat_map(|field| field.claims.iter().chain(&field.proposals));
    let said = claims.filter_map(|claim| claim.by.as_ref());
    let made = views.iter().filter_map(|view| view.created.as_ref());
    let by = said.chain(made).filter(|stamp| stamp.author == person);
    by.map(|stamp| match stamp.role {
        Role::Professional(profession) => Some(profession),
        _ => None,
    })
    .collect()
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
    let text = |view: &'v EntryView, key: &str| {
        let claims = view.claims(key).iter();
        claims.filter_map(|claim| claim.value.as_text())
    };
    let named = |decision: &'v EntryView| {
        let listed = text(decision, ON).flat_map(|listed| named("", listed));
        let items = text(decision, ITEM).flat_map(|item| match item {
            item if item == FlagCode::DiscordantBloodGroup.code() => groups.clone(),
            item => named(item, "").into_iter().collect(),
        });
        items.chain(listed).collect::<Vec<EntryId>>()
    };
    let decisions = views.filter(|view| view.kind == Kind::ReviewDecision);
    let as_strict = decisions.map(|decision| {
        let named = named(decision).into_iter();
        let named = named.filter_map(|entry| kept.get(&entry));
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
