//! Treatments by the day's date: one whose regimen ended long enough ago is history.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::history::{Field, History, Said, is_apart};
use super::rules::beside;
use super::shown::settled_of;
use super::{EntryView, Rule, Rules, RunOut, Standing, decided};
use crate::EntryId;
use crate::entry::{STATUS, Value};
use crate::kind::medication::REGIMEN;
use crate::kind::{JsonScalar as _, Kind, Regimen, Status, same_value};

/// Whether a treatment has certainly ended by its regimen's last day: that day is over wherever the
/// person is, the whole month or year of a partial date too. Not while two regimens stand or one is
/// proposed, and not when it is to be reconciled: then it stays, with that doubt. Nor when somebody
/// who knew of that day said once it had come that it goes on.
pub(super) fn is_over(rules: Rules, shown: &EntryView, today: Date) -> bool {
    ran_out(rules, shown, today) == Some(RunOut::Ends)
}

/// What comes on a day of the treatments that ran out by the last day of their regimen, of each as
/// it is shown: a proposal that was left out holds nothing up, and no doubt back.
pub(super) fn all_ran_out(
    rules: Rules,
    views: &[EntryView],
    today: Date,
) -> BTreeMap<EntryId, RunOut> {
    let decisions = decided::decisions(rules, views);
    let asked: BTreeSet<&str> = decisions.iter().map(|one| one.item).collect();
    let treatments = views
        .iter()
        .filter(|view| view.kind == Kind::MedicationTaken);
    let comes = treatments.filter_map(|view| {
        let settled = settled_of(rules, view, &decisions, &asked);
        let shown = settled.as_ref().unwrap_or(view);
        Some((view.id, ran_out(rules, shown, today)?))
    });
    comes.collect()
}

/// What comes of a treatment, as it is shown, that ran out by the last day of its regimen; nothing
/// while that may not be over, or which regimen holds is open. As long as somebody proposes that it
/// is active, whether they knew of that day or not, nobody knows whether it is taken.
fn ran_out(rules: Rules, shown: &EntryView, today: Date) -> Option<RunOut> {
    let proposed = shown.proposals().any(|(key, claim)| {
        let status = Status::from_value(&claim.value);
        // Without a status it is active.
        let active = match status {
            Some(status) => status.status.is_active(),
            None => claim.value == Value::Null,
        };
        key == STATUS && active && rules.has(Rule::EndedAgainstEdit)
    });
    let comes = match shown.run_out {
        RunOut::Ends if proposed => RunOut::Doubted,
        comes => comes,
    };
    has_run_out(rules, shown, today).then_some(comes)
}

/// The last day of a treatment by the regimens that stand.
struct Last<'h, 'a> {
    history: &'h History<'a>,
    regimens: &'h [Said<'a>],
    day: Date,
}

impl<'h, 'a> Last<'h, 'a> {
    /// Nothing of what is no treatment or has no last day.
    fn of(history: &'h History<'a>, regimens: &'h [Said<'a>]) -> Option<Self> {
        let read = regimens
            .iter()
            .filter_map(|said| Regimen::from_value(said.value?));
        let day = read
            .filter_map(|regimen| Some(regimen.ends?.last_day()))
            .max();
        let kept =
            history.kind == Kind::MedicationTaken && history.rules.has(Rule::EndedAgainstEdit);
        let day = day.filter(|_| kept)?;
        Some(Last {
            history,
            regimens,
            day,
        })
    }

    /// Whether somebody who knew of that day says once it has come that the treatment goes on: on
    /// the person's own day, where theirs is ahead, the next has begun.
    fn is_outlived(&self, said: &Said<'_>) -> bool {
        is_active(said) && self.is_known(said) && self.is_late(said)
    }

    fn is_late(&self, said: &Said<'_>) -> bool {
        let day = self.history.day(said.change);
        day.is_none_or(|day| day >= self.day)
    }

    fn is_known(&self, said: &Said<'_>) -> bool {
        let mut all = self.regimens.iter();
        all.all(|regimen| self.history.saw(said.change, regimen.change))
    }
}

fn is_active(said: &Said<'_>) -> bool {
    let status = said.value.and_then(Status::from_value);
    status.is_some_and(|status| status.status.is_active())
}

/// Whether somebody who proposes of a treatment the very status that stands says more than that:
/// that it is active, without knowing of the last day of its regimen nor being known of, or once
/// that day had come, where nobody whose word stands says so.
pub(super) fn says_more(
    history: &History<'_>,
    regimens: &[Said<'_>],
    statuses: &[Said<'_>],
    proposal: &Said<'_>,
) -> bool {
    Last::of(history, regimens).is_some_and(|last| {
        let was_known = |regimen: &Said<'_>| history.saw(regimen.change, proposal.change);
        let early = last.is_known(proposal) && !last.is_late(proposal);
        is_active(proposal)
            && !early
            && !regimens.iter().all(was_known)
            && !statuses.iter().any(|said| last.is_outlived(said))
    })
}

/// What comes of a treatment once the last day of its regimen has passed, whatever is proposed.
pub(super) fn run_out(history: &History<'_>, written: &BTreeMap<&str, Field<'_>>) -> RunOut {
    let stands = |key| written.get(key).map_or(&[][..], |field| &field.standing);
    let regimens = stands(REGIMEN);
    let Some(last) = Last::of(history, regimens) else {
        return RunOut::Ends;
    };
    if stands(STATUS).iter().any(|said| last.is_outlived(said)) {
        return RunOut::GoesOn;
    }
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
    let doubted = regimens.iter().any(|regimen| {
        let beside = beside(history, regimen.change, false);
        beside.iter().any(says)
    });
    match doubted {
        true => RunOut::Doubted,
        false => RunOut::Ends,
    }
}

/// Whether the last day of the one regimen that stands is over for certain.
fn has_run_out(rules: Rules, shown: &EntryView, today: Date) -> bool {
    let undisputed = rules.has(Rule::TreatmentEnded)
        && shown.standing == Standing::Active
        && shown
            .field(REGIMEN)
            .is_some_and(|field| field.current.len() == 1 && field.proposals.is_empty());
    let regimen: Option<Regimen> = shown.all(REGIMEN).into_iter().next();
    let last = regimen.and_then(|regimen| Some(regimen.ends?.last_day()));
    // A day ends up to half a day later than in UTC.
    let over = last.and_then(|last| last.checked_add(1.day()).ok());
    shown.kind == Kind::MedicationTaken && undisputed && over.is_some_and(|over| over < today)
}
