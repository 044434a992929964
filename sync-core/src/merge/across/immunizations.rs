//! Doses of vaccines beside each other.

use jiff::ToSpan as _;

use super::super::{EntryView, FlagCode};
use super::Link;
use super::pairs::of_one_name;
use crate::kind::immunization::IMMUNIZATION;
use crate::kind::{Immunization, Kind};

/// The same vaccine twice within a day.
pub(super) fn of_one_dose(views: &[EntryView]) -> impl Iterator<Item = Link<'_>> {
    let given = |view: &&EntryView| view.kind == Kind::Immunization && view.counts();
    let vaccines = |view: &EntryView| doses(view).map(|dose| dose.vaccine).collect();
    of_one_name(views.iter().filter(given), vaccines)
        .into_iter()
        .filter(|(one, other)| {
            doses(one).any(|one| doses(other).any(|other| within_a_day(&one, &other)))
        })
        .map(|pair| Link::of(FlagCode::PossibleDuplicate, pair))
}

pub(super) fn doses(view: &EntryView) -> impl Iterator<Item = Immunization> {
    view.all::<Immunization>(IMMUNIZATION).into_iter()
}

/// Whether two dates, as exactly as they are known, may be no more than a day apart.
fn within_a_day(one: &Immunization, other: &Immunization) -> bool {
    let (earlier, later) = if one.date.first_day() <= other.date.first_day() {
        (one, other)
    } else {
        (other, one)
    };
    let next = earlier.date.last_day().checked_add(1.day());
    next.is_ok_and(|next| later.date.first_day() <= next)
}
