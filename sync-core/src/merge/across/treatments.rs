//! Treatments beside each other.

use super::super::{EntryView, FlagCode};
use super::Link;
use super::pairs::of_one_name;
use crate::kind::medication::REGIMEN;
use crate::kind::{Kind, Label, Regimen};

/// Two treatments with one active substance, both of which go on.
pub(super) fn of_one_substance(
    views: &[EntryView],
    goes_on: impl Fn(&EntryView) -> bool,
) -> impl Iterator<Item = Link<'_>> {
    let treatments =
        |view: &&EntryView| view.kind == Kind::MedicationTaken && view.counts() && goes_on(view);
    of_one_name(views.iter().filter(treatments), taken)
        .into_iter()
        .map(|pair| Link::of(FlagCode::SubstanceTwice, pair))
}

pub(super) fn taken(view: &EntryView) -> Vec<Label> {
    let regimens: Vec<Regimen> = view.all(REGIMEN);
    let substances = regimens.iter().flat_map(Regimen::substances_or_product);
    substances.cloned().collect()
}
