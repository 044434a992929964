//! Trusted persons beside each other.

use super::super::{EntryView, FlagCode, Rule, Rules, Standing};
use super::Link;
use crate::entry::STATUS;
use crate::kind::Kind;

/// Several trusted persons, none of whom replaces another: named without knowing of each other.
pub(super) fn disputed(rules: Rules, views: &[EntryView]) -> Option<Link<'_>> {
    let entries = trusted_persons(rules, views);
    (entries.len() > 1).then(|| Link::among(FlagCode::TrustedPersonDisputed, entries))
}

/// The trusted person: whoever was named last by somebody who had seen the others; several when
/// none was.
///
/// Naming somebody revokes whoever was named before (Code de la santé publique, L. 1111-6). Nobody
/// comes back when that naming ends in its turn, unless it should never have been written.
pub(in super::super) fn trusted_persons(rules: Rules, views: &[EntryView]) -> Vec<&EntryView> {
    let for_good = rules.has(Rule::TrustedPersonReplaced);
    let written = |view: &&EntryView| {
        let named = view.standing == Standing::Active || (for_good && !view.in_error());
        view.kind == Kind::TrustedPerson && named
    };
    let all: Vec<&EntryView> = views.iter().filter(written).collect();
    let replaces = |other: &EntryView, one: &EntryView| match (&one.created, &other.created) {
        (Some(one_named), Some(named)) => {
            let mut said = one.claims(STATUS).iter();
            // Whoever was named again since is not replaced by that.
            named.had_seen(one_named)
                && said.all(|said| said.by.as_ref().is_none_or(|by| named.had_seen(by)))
        }
        _ => false,
    };
    let replaced = |one: &EntryView| {
        rules.has(Rule::SeenNoConflict) && all.iter().any(|other| replaces(other, one))
    };
    let stands = |one: &&EntryView| one.standing == Standing::Active && !replaced(one);
    let mut named: Vec<&EntryView> = all.iter().copied().filter(stands).collect();
    named.sort_by_key(|view| view.id);
    named
}
