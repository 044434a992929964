//! Conditions by the day's date: one that was over by a past date is history.

use jiff::civil::Date;

use super::EntryView;
use super::ended::is_ended_by;
use crate::kind::condition::ENDED;
use crate::kind::{Kind, Occurred};

/// Whether a condition is said to have been over on or before a day, by everybody whose word on it
/// stands, and against nobody's edit who did not know. A partial date counts from its first day on.
pub fn condition_is_over(view: &EntryView, today: Date) -> bool {
    let said = |text: &str| text.parse::<Occurred>().ok();
    let past = |ended: Occurred| ended.first_day() <= today;
    let ended = view.claims(ENDED);
    view.kind == Kind::Condition
        && is_ended_by(view, ENDED)
        && ended
            .iter()
            .all(|claim| claim.value.as_text().and_then(said).is_some_and(past))
}
