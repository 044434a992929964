//! Conditions by the day's date: one that was over by a past date is history.

use jiff::civil::Date;

use super::EntryView;
use super::ended::is_ended_by;
use crate::kind::Kind;
use crate::kind::condition::ENDED;

/// Whether a condition is said to have been over on or before a day, by everybody whose word on it
/// stands, and against nobody's edit who did not know. A partial date counts from its first day on.
pub fn condition_is_over(view: &EntryView, today: Date) -> bool {
    view.kind == Kind::Condition && is_ended_by(view, ENDED, today)
}
