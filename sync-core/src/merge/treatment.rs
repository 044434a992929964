//! Treatments by the day's date: one whose regimen ended long enough ago is history.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::history::{Field, History, Said, is_apart};
use super::rules::beside;
use super::{EntryView, Rule, Rules, RunOut, Standing};
use crate::entry::{STATUS, Value};
use crate::kind::medication::REGIMEN;
use crate::kind::{JsonScalar as _, Kind, Regimen, Status, same_value};

/// Whether a treatment is over on a day (UTC) by the last day of its regimen: then the same
/// substance in another is not there twice.
pub fn treatment_is_over(view: &EntryView, today: Date) -> bool {
    is_over(Rules::ALL, view, today)
}

/// Whether a treatment has certainly ended by its regimen's last day: that day is over wherever the
/// person is, the whole month or year of a partial date too. Not while two regimens stand or one is
/// proposed, and not when it is to be reconciled: then it stays, with that doubt. Nor when somebody
/// who knew of that day said once it had come that it goes on.
pub(super) fn is_over(rules: Rules, view: &EntryView, today: Date) -> bool {
    has_run_out(rules, view, today) && view.run_out == RunOut::Ends
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
        out && view.run_out == RunOut::Doubted
    })
}

/// What comes of a treatment once the last day of its regimen has passed.
pub(super) fn run_out(history: &History<'_>, written: &BTreeMap<&str, Field<'_>>) -> RunOut {
    let stands = |key| written.get(key).map_or(&[][..], |field| &field.standing);
    let regimens = stands(REGIMEN);
    let read = |said: &Said<'_>| said.value.and_then(Regimen::from_value);
    let last = regimens.iter().filter_map(read);
    let last = last
        .filter_map(|regimen| Some(regimen.ends?.last_day()))
        .max();
    let kept = history.kind == Kind::MedicationTaken && history.rules.has(Rule::EndedAgainstEdit);
    let Some(last) = last.filter(|_| kept) else {
        return RunOut::Ends;
    };
    let active = |said: &&Said<'_>| {
        let status = said.value.and_then(Status::from_value);
        status.is_some_and(|status| status.status.is_active())
    };
    // On the person's own day: where theirs is ahead, the next has begun.
    let late = |said: &&Said<'_>| {
        let at = history.stamp(said.change).map(|stamp| stamp.at.0);
        let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
        at.is_none_or(|at| at.to_zoned(TimeZone::UTC).date() >= last)
    };
    let knows = |said: &&Said<'_>| {
        let mut all = regimens.iter();
        all.all(|regimen| history.saw(said.change, regimen.change))
    };
    let statuses = stands(STATUS).iter().filter(active);
    if statuses.filter(late).any(|said| knows(&said)) {
        return RunOut::GoesOn;
    }
    let proposed = written
        .get(STATUS)
        .map_or(&[][..], |field| &field.proposals);
    let doubted = proposed.iter().filter(active).any(|said| knows(&said));
    // What is only proposed is on the list by itself.
    let counts = |edit: usize, key: &str| history.taken(key).iter().any(|said| said.change == edit);
    let same = |value: Option<&Value>| {
        let mut all = regimens.iter().filter_map(|regimen| regimen.value);
        value.is_some_and(|value| all.any(|regimen| same_value(regimen, value)))
    };
    let says = |edit: &usize| {
        let mut writes = history
            .says(*edit)
            .filter(|write| counts(*edit, &write.key));
        writes.any(|write| match write.key.as_str() {
            REGIMEN => !same(write.value.as_ref()),
            key => !is_apart(key),
        })
    };
    let beside = regimens.iter().any(|regimen| {
        let beside = beside(history, regimen.change, false);
        beside.iter().any(says)
    });
    match doubted || beside {
        true => RunOut::Doubted,
        false => RunOut::Ends,
    }
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
