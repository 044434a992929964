//! The rules across entries, over the views one viewer may see: whatever is not among them cannot
//! be betrayed.

use std::collections::{BTreeMap, BTreeSet};

use super::{EntryView, FieldClaim, Flag, FlagCode, Rule, Rules, Stamp, Standing};
use crate::EntryId;
use crate::entry::{STATUS, Value, Visibility};
use crate::kind::allergy::{CATEGORY, CRITICALITY, NO_KNOWN_ALLERGY, REACTION};
use crate::kind::blood_group::BLOOD_GROUP;
use crate::kind::medication::REGIMEN;
use crate::kind::{BloodGroup, Kind, Label, Regimen, normalise};
use crate::policy::Role;

/// Up to so many entries of one name are linked each with each, more of them in a chain.
const LINKED_PAIRWISE: usize = 16;

/// Entries that say something together which none says alone.
pub(super) struct Link<'v> {
    pub code: FlagCode,
    /// In the order of their identifiers; for a contradiction, the contradicted statement first.
    pub entries: Vec<&'v EntryView>,
}

impl<'v> Link<'v> {
    fn of(code: FlagCode, (one, other): (&'v EntryView, &'v EntryView)) -> Self {
        Link {
            code,
            entries: vec![one, other],
        }
    }
}

/// All links among the given views.
pub(super) fn links(rules: Rules, views: &[EntryView]) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    if rules.has(Rule::BloodGroupDiscordant) {
        links.extend(discordant_blood_groups(views));
    }
    if rules.has(Rule::NoneKnownContradicted) {
        links.extend(contradicted(rules, views));
    }
    if rules.has(Rule::SameSubstanceLinked) {
        links.extend(same_allergies(views));
    }
    if rules.has(Rule::SubstanceTwice) {
        links.extend(substances_twice(views));
    }
    links
}

fn same_allergies(views: &[EntryView]) -> impl Iterator<Item = Link<'_>> {
    let allergies =
        |view: &&EntryView| view.kind == Kind::Allergy && !states_none(view) && !view.in_error();
    pairs(views.iter().filter(allergies), EntryView::labels)
        .into_iter()
        .filter(|(one, other)| one.counts() || other.counts())
        .map(|pair| Link::of(FlagCode::PossibleDuplicate, pair))
}

fn substances_twice(views: &[EntryView]) -> impl Iterator<Item = Link<'_>> {
    let treatments = |view: &&EntryView| view.kind == Kind::MedicationTaken && view.counts();
    pairs(views.iter().filter(treatments), taken)
        .into_iter()
        .map(|pair| Link::of(FlagCode::SubstanceTwice, pair))
}

/// What is flagged on entries because of other entries among the given ones.
pub fn cross_flags(views: &[EntryView]) -> Vec<(EntryId, Flag)> {
    flags_by(Rules::ALL, views)
}

/// [`cross_flags`] by some of the rules.
pub(super) fn flags_by(rules: Rules, views: &[EntryView]) -> Vec<(EntryId, Flag)> {
    let mut flags = Vec::new();
    for link in links(rules, views) {
        for view in &link.entries {
            let mut flag = Flag::new(link.code, None, []);
            let others = link.entries.iter().map(|other| other.id);
            flag.entries = others.filter(|other| *other != view.id).collect();
            flag.entries.sort();
            flags.push((view.id, flag));
        }
    }
    flags.sort();
    flags
}

/// Whether an allergy entry states that none is known. One that tells of a danger does not,
/// whatever else it says.
pub(super) fn states_none(view: &EntryView) -> bool {
    let claims = view.claims(NO_KNOWN_ALLERGY);
    let says = !claims.is_empty() && claims.iter().all(|claim| claim.value == Value::Bool(true));
    says && view.claims(CRITICALITY).is_empty() && view.members(REACTION).next().is_none()
}

fn taken(view: &EntryView) -> Vec<Label> {
    let regimens: Vec<Regimen> = view.all(REGIMEN);
    let substances = regimens.iter().flat_map(Regimen::substances_or_product);
    substances.cloned().collect()
}

/// The pairs of views that share a name: a code in one terminology, or the same normalised text.
fn pairs<'v>(
    views: impl Iterator<Item = &'v EntryView>,
    names: impl Fn(&EntryView) -> Vec<Label>,
) -> Vec<(&'v EntryView, &'v EntryView)> {
    let mut by_name: BTreeMap<String, BTreeMap<EntryId, &EntryView>> = BTreeMap::new();
    for view in views {
        for label in names(view) {
            let text = normalise(&label.text);
            let code = label.system.zip(label.code);
            let code = code.map(|(system, code)| format!("{system}|{code}"));
            // A text never holds a bar, so texts and codes cannot meet.
            for name in code.into_iter().chain((!text.is_empty()).then_some(text)) {
                by_name.entry(name).or_default().insert(view.id, view);
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::new();
    for group in by_name.into_values() {
        let group: Vec<_> = group.into_values().collect();
        for (place, one) in group.iter().enumerate() {
            let reach = if group.len() <= LINKED_PAIRWISE {
                group.len()
            } else {
                1
            };
            for other in group.iter().skip(place + 1).take(reach) {
                if seen.insert((one.id, other.id)) {
                    pairs.push((*one, *other));
                }
            }
        }
    }
    pairs
}

/// Every blood group that stands in entries not in error, with its source.
pub(super) fn blood_groups(views: &[EntryView]) -> Vec<(&EntryView, BloodGroup)> {
    let entries = views
        .iter()
        .filter(|view| view.kind == Kind::BloodGroup && !view.in_error());
    let all = entries.flat_map(|view| {
        view.all(BLOOD_GROUP)
            .into_iter()
            .map(move |group| (view, group))
    });
    all.collect()
}

fn discordant_blood_groups(views: &[EntryView]) -> Vec<Link<'_>> {
    let groups = blood_groups(views);
    let agree = groups.windows(2).all(|pair| pair[0].1.agrees(&pair[1].1));
    let entries: BTreeMap<EntryId, &EntryView> =
        groups.iter().map(|(view, _)| (view.id, *view)).collect();
    if agree || entries.len() < 2 {
        return Vec::new();
    }
    vec![Link {
        code: FlagCode::DiscordantBloodGroup,
        entries: entries.into_values().collect(),
    }]
}

/// "No known allergy" against every active allergy that its author had not seen; a later one they
/// cannot have seen.
fn contradicted(rules: Rules, views: &[EntryView]) -> Vec<Link<'_>> {
    let active =
        |view: &&EntryView| view.kind == Kind::Allergy && view.standing == Standing::Active;
    let (none, some): (Vec<&EntryView>, Vec<&EntryView>) = views
        .iter()
        .filter(active)
        .partition(|view| states_none(view));
    let mut links = Vec::new();
    for statement in none {
        for allergy in &some {
            let seen = rules.has(Rule::SeenNoConflict) && had_seen(statement, allergy);
            if same_category(statement, allergy) && !seen {
                let pair = (statement, *allergy);
                links.push(Link::of(FlagCode::NoKnownAllergyContradicted, pair));
            }
        }
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
fn kept_from(flags: &Visibility, role: &Role) -> bool {
    let holder = *role == Role::Holder;
    let delegate = role.is_delegate();
    (flags.hidden_from_professionals && !holder)
        || (flags.hidden_from_patient_until.is_some() && (holder || delegate))
        || (flags.hidden_from_representatives && delegate)
}
