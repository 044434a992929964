//! Professionals seen: derived from consultations, or added by hand.

use crate::EntryId;
use crate::entry::Value;
use crate::identity::Rpps;
use crate::kind::professional::PROFESSIONAL;
use crate::kind::{JsonScalar as _, Kind, Occurred, Professional, normalise};
use crate::merge::EntryView;

/// A professional whom the person has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfessionalSeen {
    /// Who, as the entry says that knows most of them.
    pub professional: Professional,
    /// The consultations with them, the latest first.
    pub consultations: Vec<EntryId>,
    /// When the latest was; nothing when none has a date.
    pub last: Option<Occurred>,
    /// The entries that add them by hand.
    pub added: Vec<EntryId>,
}

/// The professionals seen, the latest consulted first, by the entries that count among those a
/// viewer may see.
///
/// Two entries are about one professional when both give the same RPPS, or when one gives none and
/// name and profession are the same but for case, accents and punctuation.
pub fn professionals_seen(views: &[EntryView]) -> Vec<ProfessionalSeen> {
    let mut said: Vec<Said> = views.iter().flat_map(said).collect();
    // Those with a number first, so that one without joins them whatever the order of entries.
    said.sort_by_key(|one| (number(&one.who).is_none(), one.entry));
    let mut groups: Vec<Vec<Said>> = Vec::new();
    for one in said {
        let same = |group: &&mut Vec<Said>| group.iter().any(|other| is_same(&one.who, &other.who));
        match groups.iter_mut().find(same) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let mut seen: Vec<ProfessionalSeen> = groups.into_iter().filter_map(gathered).collect();
    seen.sort_by_key(|seen| {
        let day = seen.last.map(|last| last.last_day());
        (std::cmp::Reverse(day), normalise(&seen.professional.name))
    });
    seen
}

/// One entry's word.
struct Said {
    who: Professional,
    entry: EntryId,
    consultation: bool,
    when: Option<Occurred>,
}

fn said(view: &EntryView) -> Vec<Said> {
    let consultation = view.kind == Kind::Consultation;
    if !view.counts() || !(consultation || view.kind == Kind::ProfessionalSeen) {
        return Vec::new();
    }
    let values: Vec<&Value> = match view.field(PROFESSIONAL) {
        Some(field) => field.current.iter().collect(),
        None => Vec::new(),
    };
    let people = values.into_iter().filter_map(Professional::from_value);
    people
        .map(|who| Said {
            who,
            entry: view.id,
            consultation,
            when: view.kind.happened(view),
        })
        .collect()
}

fn number(who: &Professional) -> Option<Rpps> {
    Rpps::parse(who.rpps.as_deref()?).ok()
}

fn is_same(one: &Professional, other: &Professional) -> bool {
    if let (Some(one), Some(other)) = (number(one), number(other)) {
        return one == other;
    }
    let professions = one.profession.as_ref().zip(other.profession.as_ref());
    let compatible = professions.is_none_or(|(one, other)| one == other);
    let name = normalise(&one.name);
    compatible && !name.is_empty() && name == normalise(&other.name)
}

fn gathered(group: Vec<Said>) -> Option<ProfessionalSeen> {
    let known = |who: &Professional| {
        let parts = [
            who.rpps.is_some(),
            who.profession.is_some(),
            who.specialty.is_some(),
            who.organisation.is_some(),
        ];
        parts.into_iter().filter(|part| *part).count()
    };
    let best = group.iter().rev().max_by_key(|one| known(&one.who))?;
    let professional = best.who.clone();
    let (mut consultations, added): (Vec<Said>, Vec<Said>) =
        group.into_iter().partition(|one| one.consultation);
    let day = |one: &Said| one.when.map(|when| when.last_day());
    consultations.sort_by_key(|one| (std::cmp::Reverse(day(one)), one.entry));
    Some(ProfessionalSeen {
        professional,
        last: consultations.first().and_then(|one| one.when),
        consultations: consultations.iter().map(|one| one.entry).collect(),
        added: added.iter().map(|one| one.entry).collect(),
    })
}

#[cfg(test)]
mod tests;
