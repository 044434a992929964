//! Conditions by the day's date: one that was over by a past date is history.

use jiff::civil::Date;

use super::ended::is_ended_by;
use super::{EntryView, Rules};
use crate::kind::Kind;
use crate::kind::condition::ENDED;

/// Whether a condition is said to have been over on or before a day, by everybody whose word on it
/// stands, and against nobody's edit who did not know. A partial date counts from its last day on.
/// Asked of the entry as it is and as it is `shown` ([`super::shown`]).
pub fn condition_is_over(view: &EntryView, shown: &EntryView, today: Date) -> bool {
    is_over(Rules::ALL, (view, shown), today)
}

/// [`condition_is_over`] by some of the rules.
pub(super) fn is_over(rules: Rules, told: (&EntryView, &EntryView), today: Date) -> bool {
    told.0.kind == Kind::Condition && is_ended_by(rules, told, ENDED, today)
}
