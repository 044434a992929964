//! Treatments by the day's date: one whose regimen ended long enough ago is history.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::history::{Field, History, Said};
use super::rules::beside;
use super::{EntryView, Rule, Rules, Standing};
use crate::Tick;
use crate::entry::STATUS;
use crate::kind::medication::REGIMEN;
use crate::kind::{JsonScalar as _, Kind, Regimen, Status};

/// Whether a treatment is over on a day (UTC) by the last day of its regimen: then the same
/// substance in another is not there twice.
pub fn treatment_is_over(view: &EntryView, today: Date) -> bool {
    is_over(Rules::ALL, view, today)
}

/// Whether a treatment has certainly ended by its regimen's last day: that day is over wherever the
/// person is, the whole month or year of a partial date too. Not while two regimens stand or one is
/// proposed, and not when it is to be reconciled: then it stays, with that doubt. Nor when somebody
/// who knew of that day said after it that it goes on.
pub(super) fn is_over(rules: Rules, view: &EntryView, today: Date) -> bool {
    has_run_out(rules, view, today) && !view.beside_regimen && !goes_on(view)
}

/// The treatments that ran out by the last day of their regimen while somebody wrote in them who did
/// not know of it: nobody knows whether they are taken.
pub(super) fn all_to_reconcile(
    rules: Rules,
    views: &[EntryView],
    today: Option<Date>,
) -> impl Iterator<Item = &EntryView> {
    views.iter().filter(move |view| {
        let out = today.is_some_and(|today| has_run_out(rules, view, today));
        out && view.beside_regimen && !goes_on(view)
    })
}

/// Whether somebody wrote in a treatment beside a regimen with a last day, neither having known of
/// the other, and nobody who knew of all that said a status since.
pub(super) fn is_written_beside(
    history: &History<'_>,
    written: &BTreeMap<&str, Field<'_>>,
) -> bool {
    if history.kind != Kind::MedicationTaken || !history.rules.has(Rule::EndedAgainstEdit) {
        return false;
    }
    let standing = written
        .get(REGIMEN)
        .map_or(&[][..], |field| &field.standing);
    let regimen = |said: &Said<'_>| said.value.and_then(Regimen::from_value);
    let mut ends = standing
        .iter()
        .filter(|said| regimen(said).is_some_and(|regimen| regimen.ends.is_some()));
    ends.any(|said| {
        let beside = beside(history, said.change, false);
        let knows = |status: &Said<'_>| {
            let mut all = beside.iter().chain([&said.change]);
            all.all(|edit| *edit == status.change || history.saw(status.change, *edit))
        };
        let settled = || history.taken(STATUS).iter().any(knows);
        !beside.is_empty() && !settled()
    })
}

/// Whether somebody who knew of the regimen's last day said after it that the treatment goes on.
fn goes_on(view: &EntryView) -> bool {
    let ([regimen], [status]) = (view.claims(REGIMEN), view.claims(STATUS)) else {
        return false;
    };
    let (Some(until), Some(said)) = (&regimen.by, &status.by) else {
        return false;
    };
    let last =
        Regimen::from_value(&regimen.value).and_then(|regimen| Some(regimen.ends?.last_day()));
    let active = Status::from_value(&status.value).is_some_and(|said| said.status.is_active());
    let at = said.accepted.map_or(said.at.0, Tick::millis);
    let day = Timestamp::from_millisecond(at).map(|at| at.to_zoned(TimeZone::UTC).date());
    active && said.had_seen(until) && day.is_ok_and(|day| Some(day) > last)
}

/// Whether the last day of the one regimen that stands is over for certain.
fn has_run_out(rules: Rules, view: &EntryView, today: Date) -> bool {
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
