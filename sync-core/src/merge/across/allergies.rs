//! Allergies beside each other, and beside the statement that none is known.

use std::collections::BTreeSet;

use super::super::{EntryView, FieldClaim, FlagCode, Rule, Rules, Stamp, Standing};
use super::Link;
use super::pairs::of_one_name;
use crate::entry::{STATUS, Value, Visibility};
use crate::kind::Kind;
use crate::kind::allergy::{CATEGORY, CRITICALITY, NO_KNOWN_ALLERGY, REACTION};
use crate::policy::Role;

/// Two allergies to one substance; one of them counts.
pub(super) fn of_one_substance(views: &[EntryView]) -> impl Iterator<Item = Link<'_>> {
    let allergies =
        |view: &&EntryView| view.kind == Kind::Allergy && !states_none(view) && !view.in_error();
    of_one_name(views.iter().filter(allergies), EntryView::labels)
        .into_iter()
        .filter(|(one, other)| one.counts() || other.counts())
        .map(|pair| Link::of(FlagCode::PossibleDuplicate, pair))
}

/// Whether an allergy entry states that none is known. One that tells of a danger does not,
/// whatever else it says.
pub(in super::super) fn states_none(view: &EntryView) -> bool {
    let claims = view.claims(NO_KNOWN_ALLERGY);
    let says = !claims.is_empty() && claims.iter().all(|claim| claim.value == Value::Bool(true));
    let nothing = |claim: &FieldClaim| claim.value == Value::Null;
    let danger = !view.claims(CRITICALITY).iter().all(nothing);
    says && !danger && view.members(REACTION).next().is_none()
}

/// Whether an allergy entry states that none of any category is known. One that anybody says is of
/// a category tells nothing of the others.
pub(in super::super) fn states_none_at_all(view: &EntryView) -> bool {
    let all = |claim: &FieldClaim| claim.value == Value::Null;
    states_none(view) && view.claims(CATEGORY).iter().all(all)
}

/// Of how many allergies at most one contradiction tells: an assignment names them all.
const CONTRADICTING: usize = 100;

/// "No known allergy" against all active allergies together that its author had not seen; a later
/// one they cannot have seen.
pub(super) fn contradicted(rules: Rules, views: &[EntryView]) -> Vec<Link<'_>> {
    let active =
        |view: &&EntryView| view.kind == Kind::Allergy && view.standing == Standing::Active;
    let (none, some): (Vec<&EntryView>, Vec<&EntryView>) = views
        .iter()
        .filter(active)
        .partition(|view| states_none(view));
    let mut some = some;
    some.sort_by_key(|allergy| allergy.id);
    let mut links = Vec::new();
    for statement in none {
        let contradicts = |allergy: &&EntryView| {
            let seen = rules.has(Rule::SeenNoConflict) && had_seen(statement, allergy);
            same_category(statement, allergy) && !seen
        };
        let against: Vec<&EntryView> = some.iter().copied().filter(contradicts).collect();
        links.extend(against.chunks(CONTRADICTING).map(|against| Link {
            code: FlagCode::NoKnownAllergyContradicted,
            entries: [&[statement], against].concat(),
            in_force: Vec::new(),
        }));
    }
    links
}

/// A statement about one category says nothing of allergies known to be of another.
fn same_category(statement: &EntryView, allergy: &EntryView) -> bool {
    let categories = |view: &EntryView| -> BTreeSet<Value> {
        let field = view.field(CATEGORY);
        field
            .map_or(&[][..], |field| &field.current)
            .iter()
            .cloned()
            .collect()
    };
    let (of, other) = (categories(statement), categories(allergy));
    of.is_empty() || other.is_empty() || !of.is_disjoint(&other)
}

/// Whether somebody who had seen the allergy as it stands said, or said again, that none is known.
/// Whoever it was ever kept from counts as not having seen it.
fn had_seen(statement: &EntryView, allergy: &EntryView) -> bool {
    let stamps = |claims: &[FieldClaim]| -> Vec<Stamp> {
        claims.iter().filter_map(|claim| claim.by.clone()).collect()
    };
    let said = [
        stamps(statement.claims(NO_KNOWN_ALLERGY)),
        stamps(statement.claims(STATUS)),
    ];
    let mut stood = stamps(allergy.claims(STATUS));
    stood.extend(allergy.created.clone());
    let mut said = said.concat().into_iter();
    let author = allergy.created.as_ref().map(|stamp| stamp.author);
    let seen = |said: &Stamp, stood: &Stamp| {
        let own = author == Some(said.author) || said.device == stood.device;
        said.had_seen(stood) && (own || !kept_from(&allergy.withheld, &said.role))
    };
    !stood.is_empty() && said.any(|said| stood.iter().all(|stood| seen(&said, stood)))
}

/// Whether an entry with these flags may not have been there for somebody in a role. A treating
/// physician may see what is hidden, but no stamp tells who was one.
pub(in super::super) fn kept_from(flags: &Visibility, role: &Role) -> bool {
    let holder = *role == Role::Holder;
    let delegate = role.is_delegate();
    (flags.hidden_from_professionals && !holder)
        || (flags.hidden_from_patient_until.is_some() && (holder || delegate))
        || (flags.hidden_from_representatives && delegate)
}
