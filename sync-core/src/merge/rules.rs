//! The rules within one entry.

use std::cell::LazyCell;

use super::destroyed::{can_be_destroyed, is_destroyed_by};
use super::ended::{dated_ends, ends, last_apart};
use super::history::{Field, History, Said, is_member};
use super::{EntryView, FieldClaim, FieldView, Flag, FlagCode, Rule, Rules, Standing, authority};
use crate::entry::{PERSON, STATUS, Value};
use crate::kind::allergy::{CRITICALITY, CRITICALITY_ORDER, REACTION};
use crate::kind::blood_group::BLOOD_GROUP;
use crate::kind::common::is_visibility;
use crate::kind::medication::REGIMEN;
use crate::kind::right::{ENDS, STARTS};
use crate::kind::{
    BloodGroup, Join, JsonScalar, Kind, Reaction, Severity, Status, StatusCode, same_value,
};
use crate::policy::RightKind;

/// One field joined by its rule, with the flag that says so.
pub(super) fn join(history: &History<'_>, key: &str, field: &Field<'_>) -> (FieldView, Vec<Flag>) {
    let claims = told(history, &field.standing);
    let proposals = told(history, &field.proposals);
    let rule = history.field(key).map_or(Join::Both, |spec| spec.join);
    let mut flags = Vec::new();
    let distinct = distinct(claims.iter().map(|claim| &claim.value));
    let said = || claims.iter().map(|claim| claim.change);
    let mut flag = |code| flags.push(Flag::new(code, Some(key), said()));
    let named = named(history, key, rule);
    let current = match rule {
        _ if named.is_some_and(|rule| !history.rules.has(rule)) => {
            without_nulls(distinct.into_iter().rev().take(1).collect())
        }
        Join::Both | Join::Union | Join::Status => {
            if distinct.len() > 1 && rule != Join::Status {
                flag(FlagCode::ConcurrentValues);
            }
            without_nulls(distinct)
        }
        Join::Highest(order) => {
            if distinct.len() > 1 {
                flag(FlagCode::CriticalityDisputed);
            }
            highest(order, without_nulls(distinct), &proposals)
        }
        Join::NeverMixed => {
            if distinct.len() > 1 {
                flag(never_mixed(key, &claims));
                Vec::new()
            } else {
                without_nulls(distinct)
            }
        }
        Join::YesWins | Join::NoWins | Join::Earlier | Join::Later => {
            if distinct.len() > 1 {
                flag(restricted(key));
            }
            // A block is without limit as soon as anybody says so.
            let open = history.kind == Kind::Block && distinct.contains(&Value::Null);
            match is_visibility(key) {
                // From whom a decision was ever kept, it stays kept.
                true if history.kind == Kind::ReviewDecision => {
                    let wrote = history.changes.iter();
                    let ever = wrote.filter_map(|past| past.wrote(key).flatten());
                    most_restrictive(rule, self::distinct(ever))
                }
                false if open => Vec::new(),
                _ => most_restrictive(rule, distinct),
            }
        }
    };
    if !proposals.is_empty() {
        let changes = proposals.iter().map(|claim| claim.change);
        flags.push(Flag::new(FlagCode::Proposal, Some(key), changes));
    }
    let view = FieldView {
        key: key.to_owned(),
        current,
        claims,
        proposals,
        written: field.written,
    };
    (view, flags)
}

/// The rule behind a join, by its name.
fn named(history: &History<'_>, key: &str, join: Join) -> Option<Rule> {
    Some(match join {
        Join::Both | Join::Union => Rule::BothKept,
        Join::Status => return None,
        Join::Highest(_) => Rule::HighestCriticality,
        Join::NeverMixed if key == REGIMEN => Rule::DoseDisputed,
        Join::NeverMixed if key == BLOOD_GROUP => Rule::BloodGroupNeverMerged,
        Join::NeverMixed => Rule::BothKept,
        _ if is_visibility(key) => Rule::StrictestVisibility,
        _ if history.kind.right().is_some() => Rule::StrictestRight,
        _ => return None,
    })
}

fn told(history: &History<'_>, said: &[Said<'_>]) -> Vec<FieldClaim> {
    let claim = |said: &Said<'_>| FieldClaim {
        value: said.value.cloned().unwrap_or(Value::Null),
        change: history.hash(said.change),
        by: history.stamp(said.change),
    };
    said.iter().map(claim).collect()
}

fn distinct<'v>(values: impl Iterator<Item = &'v Value>) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::new();
    for value in values {
        if !distinct.iter().any(|known| same_value(known, value)) {
            distinct.push(value.clone());
        }
    }
    distinct
}

fn without_nulls(mut values: Vec<Value>) -> Vec<Value> {
    values.retain(|value| *value != Value::Null);
    values
}

/// The highest of what stands and of what is proposed beyond it: understating an allergy is the
/// danger. Where nothing stands, only the highest code of all is shown on a proposal's word.
fn highest(order: &[&str], stands: Vec<Value>, proposals: &[FieldClaim]) -> Vec<Value> {
    let level = |value: &Value| rank(order, value);
    let base = stands.iter().map(level).max();
    let base = base.unwrap_or(2 * order.len().saturating_sub(1));
    let proposed = proposals.iter().map(|claim| claim.value.clone());
    let more = proposed.filter(|value| level(value) > base);
    let all = stands.iter().cloned().chain(more);
    let highest = all.max_by_key(|value| (level(value), value.clone()));
    highest.into_iter().collect()
}

/// Leaves the proposals behind a flag out of the field it is about.
pub(super) fn leave_out(rules: Rules, view: &mut EntryView, flag: &Flag) {
    let kind = view.kind.clone();
    let mut fields = view.fields.iter_mut();
    let field = fields.find(|field| flag.field.as_deref() == Some(&field.key));
    let Some(field) = field else {
        return;
    };
    field
        .proposals
        .retain(|claim| !flag.changes.contains(&claim.change));
    let join = rules.tables.field(&kind, &field.key).map(|spec| spec.join);
    if let Some(Join::Highest(order)) = join {
        let stands = distinct(field.claims.iter().map(|claim| &claim.value));
        field.current = highest(order, without_nulls(stands), &field.proposals);
    }
}

/// The place of a code in an order from least to most; a code of a newer version comes just below
/// the most, because nobody here can tell.
fn rank(order: &[&str], value: &Value) -> usize {
    let Some(code) = value.as_text() else {
        return 0;
    };
    let known = order.iter().position(|known| *known == code);
    known.map_or(2 * order.len() - 1, |place| 2 * (place + 1))
}

fn never_mixed(key: &str, claims: &[FieldClaim]) -> FlagCode {
    match key {
        REGIMEN => return FlagCode::DoseDisputed,
        BLOOD_GROUP => {}
        _ => return FlagCode::ConcurrentValues,
    }
    let groups = claims
        .iter()
        .map(|claim| BloodGroup::from_value(&claim.value));
    let groups: Vec<Option<BloodGroup>> = groups.collect();
    let agree = groups.windows(2).all(|pair| match pair {
        [Some(one), Some(other)] => one.agrees(other),
        _ => false,
    });
    if agree {
        FlagCode::ConcurrentValues
    } else {
        FlagCode::DiscordantBloodGroup
    }
}

fn restricted(key: &str) -> FlagCode {
    if is_visibility(key) {
        FlagCode::VisibilityRestricted
    } else {
        FlagCode::RightRestricted
    }
}

fn most_restrictive(rule: Join, values: Vec<Value>) -> Vec<Value> {
    let ticks = values
        .iter()
        .filter(|value| matches!(value, Value::Uint(_)));
    let winner = match rule {
        Join::YesWins => values
            .iter()
            .max_by_key(|value| **value == Value::Bool(true)),
        Join::NoWins => values
            .iter()
            .min_by_key(|value| **value == Value::Bool(true)),
        Join::Earlier => ticks.min(),
        _ => ticks.max(),
    };
    without_nulls(winner.cloned().into_iter().collect())
}

/// What became of the entry, by the statuses that stand and the edits beside them.
pub(super) fn standing(
    history: &History<'_>,
    statuses: &[Said<'_>],
) -> (Standing, Status, Vec<Flag>) {
    let parsed = |said: &Said<'_>| said.value.and_then(Status::from_value);
    let mut said: Vec<(usize, Status)> = statuses
        .iter()
        .filter_map(|one| Some((one.change, parsed(one)?)))
        .collect();
    said.sort_by_key(|(change, _)| history.order(*change));
    let active = Status::from(StatusCode::Active);
    let is_error = |status: &Status| {
        let wrong = status.status == StatusCode::WrongPatient;
        status.status.is_error() && (!wrong || history.rules.has(Rule::WrongPatient))
    };
    let takes_out = history.rules.has(Rule::ErrorTakesOut);
    let error = said.iter().find(|(_, status)| is_error(status));
    if let Some((change, status)) = error.filter(|_| takes_out) {
        let mut beside = beside(history, *change, true);
        if !history.rules.has(Rule::ErrorEditsReviewed) {
            beside.clear();
        }
        // What is out of view for good, but not destroyed, is for a clinician to look at.
        if status.status == StatusCode::WrongPatient
            && can_be_destroyed(history)
            && !is_destroyed_by(history, statuses)
        {
            beside.extend(history.of_others(*change));
        }
        let dangers = dangers_after(history, *change);
        let flags = [
            conflict(history, FlagCode::EditedWhileInError, *change, &beside),
            conflict(history, FlagCode::DangerAfterEnding, *change, &dangers),
        ];
        return (
            Standing::InError,
            status.clone(),
            flags.into_iter().flatten().collect(),
        );
    }
    let mut flags = Vec::new();
    let mut holds: Option<Status> = None;
    let mut broken = false;
    let later = LazyCell::new(|| dated_ends(history));
    for (change, status) in said.iter().filter(|(_, status)| !status.status.is_active()) {
        let mut beside = beside(history, *change, false);
        // An end on a day after it says that until then the entry is not over.
        let day = history.day_at_most(*change);
        let later = last_apart(history, &later, *change).into_iter();
        let later = later.filter(|(_, last)| day.is_none_or(|day| *last > day));
        beside.extend(later.map(|(edit, _)| edit));
        beside.sort_unstable();
        beside.dedup();
        let (stands, code) = weigh(history, *change, status, &beside);
        flags.extend(conflict(history, code, *change, &beside));
        if stands {
            let after = dangers_after(history, *change);
            flags.extend(conflict(
                history,
                FlagCode::DangerAfterEnding,
                *change,
                &after,
            ));
            holds.get_or_insert_with(|| status.clone());
        } else {
            broken = true;
        }
    }
    if holds.is_some() {
        closed_after_all(&mut flags);
    }
    let codes = said.iter().map(|(_, status)| status.status.code());
    if flags.is_empty() && codes.clone().any(|code| Some(code) != codes.clone().next()) {
        let changes = said.iter().map(|(change, _)| history.hash(*change));
        flags.push(Flag::new(FlagCode::ConcurrentValues, Some(STATUS), changes));
    }
    if let Some(status) = holds {
        return (Standing::Ended, status, flags);
    }
    let standing = if broken && history.kind == Kind::MedicationTaken {
        Standing::ToReconcile
    } else {
        Standing::Active
    };
    let mut status = said.into_iter().map(|(_, status)| status);
    let status = status.rfind(|status| status.status.is_active());
    (standing, status.unwrap_or(active), flags)
}

/// Of the statuses that stand, what may be shown as so: all that agree with what became of the
/// entry; what counts in their stead when none does; none while it is to be reconciled.
pub(super) fn current_status(standing: Standing, status: &Status, field: &FieldView) -> Vec<Value> {
    let agrees = |value: &Value| {
        let said = Status::from_value(value);
        said.is_some_and(|said| match standing {
            Standing::Active => said.status.is_active(),
            Standing::Ended => !said.status.is_active(),
            Standing::InError => said.status.is_error(),
            Standing::ToReconcile => false,
        })
    };
    let mut current: Vec<Value> = field.current.clone();
    current.retain(agrees);
    if current.is_empty() && standing != Standing::ToReconcile && !field.claims.is_empty() {
        current.push(status.to_value());
    }
    current
}

/// What one ending left in doubt, another settled that was said with the edits in front: the entry
/// is closed. A danger that the first one had not seen stays to be looked at.
fn closed_after_all(flags: &mut Vec<Flag>) {
    let about_status = |flag: &Flag| flag.field.as_deref() == Some(STATUS);
    flags.retain(|flag| {
        !about_status(flag)
            || !matches!(
                flag.code,
                FlagCode::StatusAgainstEdit | FlagCode::ToReconcile
            )
    });
    for flag in flags.iter_mut().filter(|flag| about_status(flag)) {
        if flag.code == FlagCode::RefutationAgainstDanger {
            flag.code = FlagCode::DangerAfterEnding;
        }
    }
    flags.sort();
    flags.dedup();
}

/// The signs of danger written by those who had seen that the entry was ended.
fn dangers_after(history: &History<'_>, change: usize) -> Vec<usize> {
    let later = |edit: &usize| history.saw(*edit, change) && shows_danger(history, *edit);
    let asked = history.kind == Kind::Allergy && history.rules.has(Rule::DangerAfterEnding);
    let all = (0..history.changes.len()).filter(later);
    if asked { all.collect() } else { Vec::new() }
}

/// Whether a status that ends the entry stands against the edits beside it, and how that is
/// flagged.
fn weigh(
    history: &History<'_>,
    change: usize,
    status: &Status,
    beside: &[usize],
) -> (bool, FlagCode) {
    let rules = history.rules;
    let alone = beside.is_empty();
    let overridden = |rule| !rules.has(rule);
    match history.kind.right() {
        Some(RightKind::Block) => {
            let stands = alone || overridden(Rule::BlockStands);
            return (stands, FlagCode::RightRestricted);
        }
        Some(_) => {
            let stands = alone || rules.has(Rule::RevocationWins);
            return (stands, FlagCode::RightRestricted);
        }
        None => {}
    }
    if history.kind == Kind::MedicationTaken {
        let stands = alone || overridden(Rule::StopAgainstChange);
        return (stands, FlagCode::ToReconcile);
    }
    // A wish is not ruled out: the holder ends it, or nobody.
    let refutes = status.status == StatusCode::Refuted
        && history.has_authority(change)
        && !authority::is_holders(rules, &history.kind, STATUS);
    if !refutes || overridden(Rule::RefutationStands) {
        let stands = alone || overridden(Rule::EndedAgainstEdit);
        return (stands, FlagCode::StatusAgainstEdit);
    }
    let danger = beside.iter().any(|edit| shows_danger(history, *edit));
    if danger && rules.has(Rule::DangerOverRefutation) {
        (false, FlagCode::RefutationAgainstDanger)
    } else {
        (true, FlagCode::RefutedAgainstEdit)
    }
}

fn conflict(
    history: &History<'_>,
    code: FlagCode,
    change: usize,
    beside: &[usize],
) -> Option<Flag> {
    if beside.is_empty() {
        return None;
    }
    let all = beside.iter().chain([&change]).map(|c| history.hash(*c));
    Some(Flag::new(code, Some(STATUS), all))
}

/// The edits of content made without having seen a status, nor seen by its author; taking up a
/// proposal is an edit of what it takes up. Ending the entry in other words is not one of them,
/// unless `any` does.
pub(super) fn beside(history: &History<'_>, change: usize, any: bool) -> Vec<usize> {
    let edits = |other: &usize| {
        history.concurrent(change, *other)
            && history.says(*other).any(|write| match write.key.as_str() {
                STATUS => {
                    let status = write.value.as_ref().and_then(Status::from_value);
                    any || status.is_none_or(|status| status.status.is_active())
                }
                // Whom is blocked, and when: a remark is no reason to block somebody again.
                key if history.kind == Kind::Block => [PERSON, STARTS, ENDS].contains(&key),
                key if ends(&history.kind, key, write.value.as_ref()) => any,
                key => key != crate::entry::SCHEMA && !is_visibility(key),
            })
    };
    (0..history.changes.len()).filter(edits).collect()
}

/// Whether an edit adds a reaction or one taken back, makes one more severe, or raises criticality,
/// over what stood in front of its author. Taking up a proposal is such an edit.
fn shows_danger(history: &History<'_>, edit: usize) -> bool {
    let known = |key: &str| {
        let mut known: Vec<(usize, Option<&Value>)> = Vec::new();
        let taken = history.taken(key).iter();
        for said in taken.filter(|said| history.saw(edit, said.change)) {
            known.retain(|(earlier, _)| !history.saw(said.change, *earlier));
            known.push((said.change, said.value));
        }
        known.into_iter().filter_map(|(_, value)| value)
    };
    history.says(edit).any(|write| {
        let Some(value) = &write.value else {
            return false;
        };
        if is_member(&write.key, REACTION) {
            return is_worse(value, known(&write.key));
        }
        let level = |value: &Value| rank(CRITICALITY_ORDER, value);
        write.key == CRITICALITY && level(value) > known(CRITICALITY).map(level).max().unwrap_or(0)
    })
}

/// Whether a reaction is another one than those known, or a more severe one. What this version
/// cannot read is, unless nothing changed.
fn is_worse<'v>(value: &Value, known: impl Iterator<Item = &'v Value>) -> bool {
    let known: Vec<&Value> = known.collect();
    let Some(reaction) = Reaction::from_value(value) else {
        return !known.iter().any(|known| same_value(known, value));
    };
    let known = known.into_iter().filter_map(Reaction::from_value);
    let mut same = known
        .filter(|known| known.removed.is_none() && known.manifestation == reaction.manifestation);
    reaction.removed.is_none() && same.all(|known| severity(&reaction) > severity(&known))
}

/// How severe a reaction is said to be; nobody's word is no more than mild.
fn severity(reaction: &Reaction) -> u8 {
    match &reaction.severity {
        None | Some(Severity::Mild) => 0,
        Some(Severity::Moderate) => 1,
        Some(Severity::Other(_)) => 2,
        Some(Severity::Severe) => 3,
    }
}
