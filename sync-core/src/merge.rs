//! What concurrent edits amount to: pure rules, nothing lost, nothing dangerous settled silently.
//!
//! [`view`] joins the changes of one entry; [`review`] looks across the entries one viewer may
//! see. Neither depends on the order in which changes arrived. Two edits of one entry are
//! concurrent when neither has the other among its dependencies; two facts in different entries,
//! when neither author had seen the other's ([`Stamp::had_seen`]).
//!
//! A *clinician* is a physician, midwife or dentist within competence, and a pharmacist or nurse in
//! what is theirs ([`confirmers`]); everybody else edits what nobody of them confirmed, and proposes
//! otherwise. Each rule has a name ([`Rule`]); test vectors in `vectors/merge` show each at work.

mod across;
mod assigned;
mod authority;
mod card;
mod condition;
mod decided;
mod destroyed;
mod ended;
mod flag;
mod held;
mod history;
mod pregnancy;
mod resolve;
mod review;
mod rights;
mod rule;
mod rules;
mod shown;
mod treatment;
mod view;
mod vital;
mod waiting;

#[cfg(test)]
pub(crate) mod support;
#[cfg(test)]
mod tests;

pub use across::{Directives, DocumentGroup, cross_flags};
pub use assigned::{Assignment, about, assigned_unseen, decisions_to_hide};
pub use authority::{confirmers, proposes, proposes_any};
pub use card::{Card, NOT_FOR_TRANSFUSION, card};
pub use condition::condition_is_over;
pub use destroyed::{destroyers, destroys};
pub use flag::{Danger, Flag, FlagCode};
pub use held::HeldForReview;
pub use resolve::{Choice, Resolution, resolve};
pub use review::{Inherited, ReviewClaim, ReviewItem, Viewer, review};
pub use rights::{discards, right_fact};
pub use rule::{Rule, Rules};
pub use shown::shown;
pub use view::{EntryView, FieldClaim, FieldView, RunOut, Stamp, Standing, TakenUp, Written};
pub use vital::{
    AllergyFact, BloodGroupFact, ConditionFact, ContactFact, DeviceFact, PregnancyFact,
    TreatmentFact, VitalFacts, vital,
};

use std::collections::BTreeMap;

use crate::change::Provenance;
use crate::entry::{self, EntryClass, EntryState, HIDDEN_FROM_PROFESSIONALS, STATUS, Visibility};
use crate::kind::contact::PHONE;
use crate::kind::{self, JsonScalar as _, Kind, Phone};
use crate::{ChangeHash, EntryId, PersonId};

use history::{Certainty, Field, History, is_bookkeeping};

/// What people see of an entry whose changes have these provenances.
///
/// Pure and total: a change without provenance counts as a lay person's.
pub fn view(
    entry: EntryId,
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> EntryView {
    view_by(Rules::ALL, entry, state, provenance)
}

/// [`view`] by some of the rules, or by the tables of another version.
pub fn view_by(
    rules: Rules,
    entry: EntryId,
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> EntryView {
    let history = History::new(rules, state, provenance);
    let written = history.fields();
    let empty = Field::default();
    let statuses = written.get(STATUS).unwrap_or(&empty);
    let (standing, status, mut flags) = rules::standing(&history, &statuses.standing);
    if standing == Standing::Active {
        flags.extend(ended::against_edits(&history, &written));
    }
    let mut fields = Vec::new();
    for (key, field) in &written {
        let bookkeeping = [entry::KIND, entry::SCHEMA].contains(key);
        if bookkeeping || is_bookkeeping(key) {
            continue;
        }
        let (mut field, found) = rules::join(&history, key, field);
        flags.extend(found);
        if *key == STATUS {
            field.current = rules::current_status(standing, &status, &field);
        }
        fields.push(field);
    }
    fields.sort_by_cached_key(|field| place(&history, field));
    let visibility = EntryClass::of(state, PersonId(uuid::Uuid::nil())).visibility;
    let hidden_danger = history.kind == Kind::Allergy
        && visibility.hidden_from_professionals
        && standing == Standing::Active
        && !kind::allergy::states_none(state);
    if hidden_danger && rules.has(Rule::HidingAllergyWarns) {
        let hides = fields
            .iter()
            .find(|field| field.key == HIDDEN_FROM_PROFESSIONALS);
        let changes = hides.into_iter().flat_map(|field| &field.claims);
        let changes = changes.map(|claim| claim.change);
        let key = Some(HIDDEN_FROM_PROFESSIONALS);
        flags.push(Flag::new(FlagCode::HiddenAllergy, key, changes));
    }
    flags.sort();
    let all = 0..history.changes.len();
    let latest = all.clone().max_by_key(|change| {
        let stamp = history.stamp(*change);
        let at = stamp.as_ref().map(|stamp| stamp.at);
        let unsent = stamp.is_some_and(|stamp| stamp.accepted.is_none());
        // Among those not sent yet the device's own clock tells the later one.
        (
            history.order(*change).0,
            unsent.then_some(at),
            history.hash(*change),
        )
    });
    let created = history.creation().and_then(|change| history.stamp(change));
    EntryView {
        id: entry,
        label: label(&history.kind, &fields),
        schema: kind::schema(state),
        standing,
        status,
        visibility,
        withheld: Visibility::ever(state),
        flags,
        taken_up: history.taken_up(),
        confirmed: history.is_certain(Certainty::Confirmed),
        doubted: history.is_certain(Certainty::Doubted),
        clinicians: history.has_clinicians_content(),
        run_out: treatment::run_out(&history, &written),
        other_ends: ended::other_ends(&history, &written),
        recorded: created.as_ref().and_then(|stamp| stamp.accepted),
        created,
        edited: latest.and_then(|change| history.stamp(change)),
        unsent: all.filter(|change| history.is_unsent(*change)).count(),
        fields,
        kind: history.kind,
    }
}

/// The documents among the given entries, the latest first: the same bytes once, and which are
/// current.
pub fn documents(views: &[EntryView]) -> Vec<DocumentGroup> {
    across::documents(Rules::ALL, views)
}

/// Which advance directives are in force among the given entries.
pub fn directives(views: &[EntryView]) -> Directives {
    across::directives(Rules::ALL, views)
}

/// Where a field is shown: by its kind's table, telephone numbers by rank and then as the record
/// got them, then by key.
fn place(history: &History<'_>, field: &FieldView) -> (usize, u32, u64, String) {
    let tables = history.rules.tables;
    let name = field.key.split('/').next().unwrap_or_default();
    let known = history.field(&field.key).is_some();
    let table = tables
        .own_fields(&history.kind)
        .iter()
        .chain(kind::common::FIELDS);
    let row = table.clone().position(|spec| known && spec.key == name);
    let row = row.unwrap_or(table.count());
    let first = field.claims.first();
    // A number that one took back and another keeps is called as the other says.
    let phones = field.claims.iter();
    let phones = phones
        .filter(|_| name == PHONE && history.rules.has(Rule::PhonesInOrder))
        .filter_map(|claim| Phone::from_value(&claim.value));
    let phone = phones.min_by_key(|phone| (phone.removed.is_some(), phone.rank));
    let accepted = first.and_then(|claim| claim.by.as_ref()?.accepted);
    (
        row,
        phone.map_or(0, |phone| phone.rank),
        accepted.map_or(u64::MAX, |tick| tick.0),
        field.key.clone(),
    )
}

/// What an entry is called: by what it is about, else by its label; several that stand are all
/// named.
fn label(kind: &Kind, fields: &[FieldView]) -> String {
    let names = |key: &str| {
        let field = fields.iter().find(|field| field.key == key);
        let claims = field.map_or(&[][..], |field| &field.claims).iter();
        let named = claims.filter_map(|claim| kind.called(key, &claim.value));
        named.collect::<Vec<String>>()
    };
    let mut names = match names(kind::main_field(kind)) {
        none if none.is_empty() => names(kind::common::LABEL),
        names => names,
    };
    names.sort();
    names.dedup();
    names.join(" / ")
}
