//! Treatments by the day's date: one whose regimen ended long enough ago is history.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::{EntryView, Rule, Rules, Standing};
use crate::kind::medication::REGIMEN;
use crate::kind::{Kind, Regimen};

/// Whether a treatment is over on a day (UTC) by the last day of its regimen: then the same
/// substance in another is not there twice.
pub fn treatment_is_over(view: &EntryView, today: Date) -> bool {
    is_over(Rules::ALL, view, today)
}

/// Whether a treatment has certainly ended by its regimen's last day: that day is over wherever the
/// person is, the whole month or year of a partial date too. Not while two regimens stand or one is
/// proposed, and not when it is to be reconciled: then it stays, with that doubt.
pub(super) fn is_over(rules: Rules, view: &EntryView, today: Date) -> bool {
    let undisputed = rules.has(Rule::TreatmentEnded)
        && view.standing == Standing::Active
        && view
            .field(REGIMEN)
            .is_some_and(|field| field.current.len() == 1 && field.proposals.is_empty());
    let regimen: Option<Regimen> = view.all(REGIMEN).into_iter().next();
    let last = regimen.and_then(|regimen| Some(regimen.ends?.last_day()));
    // A day ends up to half a day later than in UTC.
    let over = last.and_then(|last| last.checked_add(1.day()).ok());
    view.kind == Kind::MedicationTaken && undisputed && over.is_some_and(|over| over < today)
}
