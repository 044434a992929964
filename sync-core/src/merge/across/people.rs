//! Trusted persons beside each other.

use super::super::{EntryView, FlagCode, Rule, Rules, Standing};
use super::Link;
use crate::kind::Kind;

/// Several trusted persons, none of whom replaces another: named without knowing of each other.
pub(super) fn disputed(rules: Rules, views: &[EntryView]) -> Option<Link<'_>> {
    let entries = trusted_persons(rules, views);
    (entries.len() > 1).then_some(Link {
        code: FlagCode::TrustedPersonDisputed,
        entries,
    })
}

/// The trusted person: whoever was named last by somebody who had seen the others; several when
/// none was.
pub(in super::super) fn trusted_persons(rules: Rules, views: &[EntryView]) -> Vec<&EntryView> {
    let named =
        |view: &&EntryView| view.kind == Kind::TrustedPerson && view.standing == Standing::Active;
    let all: Vec<&EntryView> = views.iter().filter(named).collect();
    let replaced = |one: &EntryView| {
        rules.has(Rule::SeenNoConflict)
            && all
                .iter()
                .any(|other| match (&one.created, &other.created) {
                    (Some(one), Some(other)) => other.had_seen(one),
                    _ => false,
                })
    };
    let mut named: Vec<&EntryView> = all.iter().copied().filter(|one| !replaced(one)).collect();
    named.sort_by_key(|view| view.id);
    named
}
