//! The rules across entries, over the views one viewer may see: whatever is not among them cannot
//! be betrayed.

mod allergies;
mod blood_groups;
mod compared;
mod documents;
mod immunizations;
mod pairs;
mod people;
mod treatments;
mod wishes;

pub(super) use allergies::{kept_from, states_none, states_none_at_all};
pub(super) use blood_groups::blood_groups;
pub(super) use compared::compared;
pub use documents::DocumentGroup;
pub(super) use documents::documents;
pub(super) use people::trusted_persons;
pub use wishes::Directives;
pub(super) use wishes::{directives, directives_as_shown};

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::review::of_link;
use super::{EntryView, Flag, FlagCode, Rule, Rules, RunOut, decided, treatment};
use crate::EntryId;

/// Entries that say something together which none says alone.
pub(super) struct Link<'v> {
    pub code: FlagCode,
    /// In the order of their identifiers; for a contradiction, the contradicted statement first.
    pub entries: Vec<&'v EntryView>,
    /// Of advance directives: those of the entries that are in force.
    pub in_force: Vec<EntryId>,
}

impl Link<'_> {
    /// The entries beside which one of them cannot be trusted: all others, but of a contradicted
    /// statement the statement.
    fn others(&self, entry: EntryId) -> Vec<EntryId> {
        let ids = self.entries.iter().map(|view| view.id);
        let statement = self.code == FlagCode::NoKnownAllergyContradicted;
        let most = match ids.clone().next() {
            Some(first) if statement && first != entry => 1,
            _ => self.entries.len(),
        };
        let mut others: Vec<EntryId> = ids.take(most).filter(|other| *other != entry).collect();
        others.sort();
        others
    }
}

impl<'v> Link<'v> {
    /// What one entry says that cannot be left alone.
    pub fn alone(code: FlagCode, view: &'v EntryView) -> Self {
        Link::among(code, vec![view])
    }

    fn of(code: FlagCode, (one, other): (&'v EntryView, &'v EntryView)) -> Self {
        Link::among(code, vec![one, other])
    }

    fn among(code: FlagCode, entries: Vec<&'v EntryView>) -> Self {
        Link {
            code,
            entries,
            in_force: Vec::new(),
        }
    }

    /// Among advance directives, some of which are `in_force`.
    fn of_wishes(
        code: FlagCode,
        entries: Vec<&'v EntryView>,
        in_force: &BTreeSet<EntryId>,
    ) -> Self {
        let ids = entries.iter().map(|view| view.id);
        let in_force = ids.filter(|id| in_force.contains(id)).collect();
        Link {
            in_force,
            ..Link::among(code, entries)
        }
    }
}

/// All links among the given views. On a day (UTC), not of treatments that are over by then.
pub(super) fn links(rules: Rules, views: &[EntryView], today: Option<Date>) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let ran_out = today.map(|today| treatment::all_ran_out(rules, views, today));
    let ran_out = ran_out.unwrap_or_default();
    let comes = |view: &EntryView| ran_out.get(&view.id).copied();
    if rules.has(Rule::BloodGroupDiscordant) {
        links.extend(blood_groups::discordant(views));
    }
    if rules.has(Rule::NoneKnownContradicted) {
        links.extend(allergies::contradicted(rules, views));
    }
    if rules.has(Rule::SameSubstanceLinked) {
        links.extend(allergies::of_one_substance(views));
    }
    if rules.has(Rule::SubstanceTwice) {
        let goes_on = |view: &EntryView| comes(view) != Some(RunOut::Ends);
        links.extend(treatments::of_one_substance(views, goes_on));
    }
    let doubted = views
        .iter()
        .filter(|view| comes(view) == Some(RunOut::Doubted));
    links.extend(doubted.map(|view| Link::alone(FlagCode::ToReconcile, view)));
    if rules.has(Rule::ImmunizationLinked) {
        links.extend(immunizations::of_one_dose(views));
    }
    if rules.has(Rule::TrustedPersonConfirmed) {
        links.extend(people::disputed(rules, views));
    }
    links.extend(wishes::links(rules, views));
    if rules.has(Rule::DocumentBothCurrent) {
        links.extend(documents::replaced_twice(rules, views));
    }
    links
}

/// What is flagged on entries because of other entries among the given ones, and of the day (UTC). Of
/// two that were told apart, their likeness is not; nor what was confirmed as it stands, but for
/// directives of one date: which of them counts nobody can tell.
pub fn cross_flags(views: &[EntryView], today: Date) -> Vec<(EntryId, Flag)> {
    flags_on(Rules::ALL, views, today)
}

/// [`cross_flags`] by some of the rules.
pub(super) fn flags_on(rules: Rules, views: &[EntryView], today: Date) -> Vec<(EntryId, Flag)> {
    let mut flags = Vec::new();
    let decisions = decided::decisions(rules, views);
    let told_apart = |link: &Link<'_>| {
        let answered = matches!(
            link.code,
            FlagCode::DirectiveRevived
                | FlagCode::DirectiveWithdrawn
                | FlagCode::DirectiveUndated
                | FlagCode::ReplacedTwice
        );
        (answered || compared(link).is_some())
            && decided::settled(rules, &of_link(link), &decisions)
    };
    for link in links(rules, views, Some(today)) {
        if told_apart(&link) {
            continue;
        }
        for view in &link.entries {
            let flag = Flag {
                entries: link.others(view.id),
                ..Flag::new(link.code, None, [])
            };
            flags.push((view.id, flag));
        }
    }
    flags.sort();
    flags
}
