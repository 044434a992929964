//! Treatments beside each other.

use jiff::civil::Date;

use super::super::treatment::is_over;
use super::super::{EntryView, FlagCode, Rules};
use super::Link;
use super::pairs::of_one_name;
use crate::kind::medication::REGIMEN;
use crate::kind::{Kind, Label, Regimen};

/// Two treatments with one active substance, neither of which is over on a day (UTC).
pub(super) fn of_one_substance(
    rules: Rules,
    views: &[EntryView],
    today: Option<Date>,
) -> impl Iterator<Item = Link<'_>> {
    let over = move |view: &EntryView| today.is_some_and(|today| is_over(rules, view, today));
    let treatments =
        move |view: &&EntryView| view.kind == Kind::MedicationTaken && view.counts() && !over(view);
    of_one_name(views.iter().filter(treatments), taken)
        .into_iter()
        .map(|pair| Link::of(FlagCode::SubstanceTwice, pair))
}

pub(super) fn taken(view: &EntryView) -> Vec<Label> {
    let regimens: Vec<Regimen> = view.all(REGIMEN);
    let substances = regimens.iter().flat_map(Regimen::substances_or_product);
    substances.cloned().collect()
}
