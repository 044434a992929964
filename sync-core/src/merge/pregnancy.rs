//! Pregnancies by the day's date: one long past its due date is to be confirmed.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::ended::is_ended_by;
use super::shown::settled_of;
use super::{EntryView, FlagCode, Rule, Rules, decided};
use crate::kind::Kind;
use crate::kind::pregnancy::{DUE, ENDED, OUTCOME};

/// How many days past the due date a pregnancy is taken for one: six weeks, as long as the
/// *suites de couches*.
const DAYS_PAST_DUE: i64 = 42;

/// All due dates that stand.
pub(super) fn due(view: &EntryView) -> Vec<Date> {
    let texts = view.claims(DUE).iter().filter_map(|c| c.value.as_text());
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// Whether somebody said that it is over by a day, and nothing speaks against it. Asked of the entry
/// as it is and as it is shown.
pub(super) fn is_over(rules: Rules, told: (&EntryView, &EntryView), today: Date) -> bool {
    [OUTCOME, ENDED]
        .iter()
        .any(|key| is_ended_by(rules, told, key, today))
}

/// Whether every due date is long past: off the card.
pub(super) fn is_long_past(rules: Rules, view: &EntryView, today: Date) -> bool {
    let last = due(view).into_iter().max();
    let until = last.and_then(|due| due.checked_add(DAYS_PAST_DUE.days()).ok());
    rules.has(Rule::PregnancyToConfirm) && until.is_some_and(|until| today > until)
}

/// Whether it counts, nobody said that it is over, and every due date is long past.
fn to_confirm(rules: Rules, (view, shown): (&EntryView, &EntryView), today: Date) -> bool {
    view.counts() && !is_over(rules, (view, shown), today) && is_long_past(rules, view, today)
}

/// The pregnancies that are to be confirmed on a day.
pub(super) fn all_to_confirm(
    rules: Rules,
    views: &[EntryView],
    today: Date,
) -> Vec<(FlagCode, &EntryView)> {
    let decisions = decided::decisions(rules, views);
    let asked: BTreeSet<&str> = decisions.iter().map(|one| one.item).collect();
    let long_past = |view: &&EntryView| {
        let settled = settled_of(rules, view, &decisions, &asked);
        to_confirm(rules, (view, settled.as_ref().unwrap_or(view)), today)
    };
    let pregnancies = views.iter().filter(|view| view.kind == Kind::Pregnancy);
    let late = pregnancies.filter(long_past);
    late.map(|view| (FlagCode::PregnancyToConfirm, view))
        .collect()
}
