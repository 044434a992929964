//! Treatments by the day's date: one whose regimen ended long enough ago is history.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::history::is_apart;
use super::{EntryView, FieldClaim, Rule, Rules, Stamp, Standing};
use crate::entry::STATUS;
use crate::kind::medication::REGIMEN;
use crate::kind::{Kind, Regimen};

/// Whether a treatment is over on a day (UTC) by the last day of its regimen: then the same
/// substance in another is not there twice.
pub fn treatment_is_over(view: &EntryView, today: Date) -> bool {
    is_over(Rules::ALL, view, today)
}

/// Whether a treatment has certainly ended by its regimen's last day: that day is over wherever the
/// person is, the whole month or year of a partial date too. Not while two regimens stand or one is
/// proposed, and not when it is to be reconciled: then it stays, with that doubt. Nor when somebody
/// who knew of that day says that it goes on.
pub(super) fn is_over(rules: Rules, view: &EntryView, today: Date) -> bool {
    has_run_out(rules, view, today) && said_beside(rules, view) == Beside::Nothing
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
        out && said_beside(rules, view) == Beside::Edits
    })
}

/// What stands beside a regimen's last day.
#[derive(PartialEq, Eq)]
enum Beside {
    Nothing,
    /// What was written by somebody who did not know of it, nor was known of.
    Edits,
    /// Somebody who knew all of that says that it goes on.
    Active,
}

fn said_beside(rules: Rules, view: &EntryView) -> Beside {
    let by = |claim: &FieldClaim| claim.by.clone();
    let [regimen] = view.claims(REGIMEN) else {
        return Beside::Nothing;
    };
    let Some(regimen) = by(regimen).filter(|_| rules.has(Rule::EndedAgainstEdit)) else {
        return Beside::Nothing;
    };
    let said = view.fields.iter().filter(|field| !is_apart(&field.key));
    let said = said.flat_map(|field| &field.claims).filter_map(by);
    let beside: Vec<Stamp> = said.filter(|by| regimen.is_apart(by)).collect();
    let knows = |status: &Stamp| {
        let mut all = beside.iter().filter(|by| *by != status);
        status.had_seen(&regimen) && all.all(|by| status.had_seen(by))
    };
    match view.claims(STATUS) {
        [status] if by(status).as_ref().is_some_and(knows) => Beside::Active,
        _ if beside.is_empty() => Beside::Nothing,
        _ => Beside::Edits,
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
