//! Entries as they are shown: what people settled is no doubt any more, and what two of them
//! settled in two ways is one.

use std::collections::{BTreeMap, BTreeSet};

use super::review::{found, of_flag};
use super::rules::leave_out;
use super::{EntryView, Flag, FlagCode, Rule, Rules, decided};
use crate::EntryId;

/// Of the entries one viewer may see, those that look otherwise for what people decided on them:
/// without the flags that were settled by whoever may, without the proposals that were left out,
/// and flagged where a decision was crossed. All others are shown as they are.
///
/// The to-review list is made of the entries as they are.
pub fn shown(views: &[EntryView]) -> BTreeMap<EntryId, EntryView> {
    shown_by(Rules::ALL, views)
}

/// [`shown`] by some of the rules.
pub(super) fn shown_by(rules: Rules, views: &[EntryView]) -> BTreeMap<EntryId, EntryView> {
    let mut shown = BTreeMap::new();
    let decisions = decided::decisions(rules, views);
    if decisions.is_empty() {
        return shown;
    }
    let asked: BTreeSet<&str> = decisions.iter().map(|one| one.item).collect();
    for view in views {
        if let Some(otherwise) = settled_of(rules, view, &decisions, &asked) {
            shown.insert(view.id, otherwise);
        }
    }
    for entry in contested(rules, views, &decisions) {
        let view = views.iter().find(|view| view.id == entry);
        if let Some(view) = view {
            let otherwise = shown.entry(entry).or_insert_with(|| view.clone());
            otherwise
                .flags
                .push(Flag::new(FlagCode::DecidedDifferently, None, []));
            otherwise.flags.sort();
        }
    }
    shown
}

/// An entry without the flags and proposals of its own that these decisions on the items that are
/// `asked` settled; nothing when they settled none.
pub(super) fn settled_of(
    rules: Rules,
    view: &EntryView,
    decisions: &[decided::Decision<'_>],
    asked: &BTreeSet<&str>,
) -> Option<EntryView> {
    if decisions.is_empty() || !rules.has(Rule::SettledNoDoubt) {
        return None;
    }
    let settled = |flag: &&Flag| {
        let item = of_flag(view, flag).filter(|item| asked.contains(item.key.as_str()));
        item.is_some_and(|item| decided::settled(rules, &item, decisions))
    };
    let settled: Vec<&Flag> = view.flags.iter().filter(settled).collect();
    if settled.is_empty() {
        return None;
    }
    let mut otherwise = view.clone();
    otherwise.flags.retain(|flag| !settled.contains(&flag));
    let proposals = settled
        .iter()
        .filter(|flag| flag.code == FlagCode::Proposal);
    for flag in proposals {
        leave_out(rules, &mut otherwise, flag);
    }
    Some(otherwise)
}

/// The entries on which two people decided differently, and nobody settled that.
fn contested(
    rules: Rules,
    views: &[EntryView],
    decisions: &[decided::Decision<'_>],
) -> BTreeSet<EntryId> {
    if !rules.has(Rule::DecisionsDiffer) {
        return BTreeSet::new();
    }
    let crossed = decided::differently(rules, views, decisions, &found(rules, views, None));
    let open = crossed
        .into_iter()
        .filter(|item| !decided::settled(rules, item, decisions));
    open.flat_map(|item| item.entries).collect()
}
