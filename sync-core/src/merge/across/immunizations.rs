//! Doses of vaccines beside each other.

use std::cmp::Reverse;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::super::{EntryView, FlagCode};
use super::Link;
use super::pairs::pairs;
use crate::kind::immunization::IMMUNIZATION;
use crate::kind::{Immunization, Kind};

/// The same vaccine twice within a day.
pub(super) fn of_one_dose(views: &[EntryView]) -> impl Iterator<Item = Link<'_>> {
    let given = |view: &&EntryView| view.kind == Kind::Immunization && view.counts();
    let vaccines = |view: &EntryView| doses(view).map(|dose| dose.vaccine).collect();
    pairs(views.iter().filter(given), vaccines, by_date)
        .into_iter()
        .filter(|(one, other)| {
            doses(one).any(|one| doses(other).any(|other| within_a_day(&one, &other)))
        })
        .map(|pair| Link::of(FlagCode::PossibleDuplicate, pair))
}

pub(super) fn doses(view: &EntryView) -> impl Iterator<Item = Immunization> {
    view.all::<Immunization>(IMMUNIZATION).into_iter()
}

/// Links each dose with the one before it that may have been given last. Of many doses of a
/// vaccine, whichever may be no more than a day from another is so from one it is linked with.
fn by_date<'v>(group: &[&'v EntryView]) -> Vec<(&'v EntryView, &'v EntryView)> {
    let dated = group.iter().flat_map(|view| {
        let dates = doses(view).map(|dose| dose.date);
        dates.map(|date| (date.first_day(), date.last_day(), *view))
    });
    let mut dated: Vec<(Date, Date, &EntryView)> = dated.collect();
    dated.sort_by_key(|(first, last, view)| (*first, *last, view.id));
    let mut pairs = Vec::new();
    // The two entries that reach furthest: one of them is another than the next dose's.
    let mut furthest: Vec<(Date, &EntryView)> = Vec::new();
    for (_, last, view) in dated {
        let before = furthest.iter().find(|(_, before)| before.id != view.id);
        pairs.extend(before.map(|(_, before)| (*before, view)));
        match furthest.iter_mut().find(|(_, known)| known.id == view.id) {
            Some((reach, _)) => *reach = last.max(*reach),
            None => furthest.push((last, view)),
        }
        furthest.sort_by_key(|(reach, view)| (Reverse(*reach), view.id));
        furthest.truncate(2);
    }
    pairs
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
