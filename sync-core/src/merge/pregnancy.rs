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
pub(super) fn is_over(view: &EntryView, today: Date) -> bool {
    is_ended_by(view, OUTCOME, today) || is_ended_by(view, ENDED, today)
}

/// Whether it counts, nobody said that it is over, and every due date is long past.
pub(super) fn to_confirm(rules: Rules, view: &EntryView, today: Date) -> bool {
    let last = due(view).into_iter().max();
    let until = last.and_then(|due| due.checked_add(DAYS_PAST_DUE.days()).ok());
    rules.has(Rule::PregnancyToConfirm)
        && view.kind == Kind::Pregnancy
        && view.counts()
        && !is_over(view, today)
        && until.is_some_and(|until| today > until)
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
