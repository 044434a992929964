//! Pregnancies by the day's date: one long past its due date is to be confirmed.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::ended::is_ended_by;
use super::{EntryView, FlagCode, Rule, Rules};
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

/// Whether somebody said that it is over by a day, and nothing speaks against it.
pub(super) fn is_over(rules: Rules, view: &EntryView, today: Date) -> bool {
    [OUTCOME, ENDED]
        .iter()
        .any(|key| is_ended_by(rules, view, key, today))
}

/// Whether every due date is long past: off the card.
pub(super) fn is_long_past(rules: Rules, view: &EntryView, today: Date) -> bool {
    let last = due(view).into_iter().max();
    let until = last.and_then(|due| due.checked_add(DAYS_PAST_DUE.days()).ok());
    rules.has(Rule::PregnancyToConfirm) && until.is_some_and(|until| today > until)
}

/// Whether it counts, nobody said that it is over, and every due date is long past.
fn to_confirm(rules: Rules, view: &EntryView, today: Date) -> bool {
    view.kind == Kind::Pregnancy
        && view.counts()
        && !is_over(rules, view, today)
        && is_long_past(rules, view, today)
}

/// The pregnancies that are to be confirmed on a day.
pub(super) fn all_to_confirm(
    rules: Rules,
    views: &[EntryView],
    today: Date,
) -> impl Iterator<Item = (FlagCode, &EntryView)> {
    let long_past = move |view: &&EntryView| to_confirm(rules, view, today);
    let views = views.iter().filter(long_past);
    views.map(|view| (FlagCode::PregnancyToConfirm, view))
}
