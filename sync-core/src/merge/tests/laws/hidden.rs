//! What is hidden: to those from whom it is kept it does not exist.

use std::collections::BTreeSet;

use super::super::random::{DEVICES, Device, Edited, Raw, TREATING, person, role};
use super::ended::must_count;
use super::look::Look;
use super::*;
use crate::entry::{
    HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, Value,
};
use crate::merge::across::directives;
use crate::merge::vital::vital_by;
use crate::policy::Role;
use crate::views;

/// The edits that wrote a flag and count: of those that nobody wrote over who knew them; of a
/// decision all, which nobody shows again.
fn counting<'w>(raw: &Raw<'w>, flag: &str) -> Vec<&'w Edited> {
    match raw.kind == "review-decision" {
        true => raw.wrote(flag),
        false => raw.last(flag),
    }
}

/// The edits that hide an entry by this flag.
fn raised<'w>(raw: &Raw<'w>, flag: &str) -> Vec<&'w Edited> {
    let mut last = counting(raw, flag);
    last.retain(|edit| edit.wrote(flag) == Some(Some(&Value::Bool(true))));
    last
}

fn delay(raw: &Raw<'_>) -> Option<u64> {
    let last = counting(raw, HIDDEN_FROM_PATIENT_UNTIL).into_iter();
    let ticks = last.filter_map(|edit| match edit.wrote(HIDDEN_FROM_PATIENT_UNTIL)?? {
        Value::Uint(tick) => Some(*tick),
        _ => None,
    });
    ticks.max()
}

fn is_delegate(device: Device) -> bool {
    matches!(role(device), Role::Caregiver | Role::Representative)
}

/// By which flags an entry is kept from somebody: hidden from all but the holder, its author and
/// the treating physician, or from caregivers and representatives.
fn keeping(raw: &Raw<'_>, device: Device) -> Vec<&'static str> {
    let own = raw.first().person() == person(device);
    let sees_hidden = own || role(device) == Role::Holder || device == TREATING;
    let flags = [
        (HIDDEN_FROM_PROFESSIONALS, !sees_hidden),
        (HIDDEN_FROM_REPRESENTATIVES, is_delegate(device)),
    ];
    let keep = flags
        .into_iter()
        .filter(|(flag, minds)| *minds && !raised(raw, flag).is_empty());
    keep.map(|(flag, _)| flag).collect()
}

/// Whether it does not show yet to the patient, nor to whoever acts for them.
fn is_delayed(look: &Look<'_>, raw: &Raw<'_>) -> bool {
    let minds = role(look.device) == Role::Holder || is_delegate(look.device);
    minds && delay(raw).is_some_and(|until| look.world.now().0 < until)
}

/// A decision that names an entry which its maker did not know to be hidden; that it must be hidden
/// too is for the holder's devices to say, which may not have heard.
fn is_excused(raw: &Raw<'_>, kept: &Raw<'_>, flags: &[&str]) -> bool {
    let mut hides = flags.iter().flat_map(|flag| raised(kept, flag));
    raw.kind == "review-decision" && !hides.any(|hide| raw.first().saw(hide))
}

/// Nothing that is shown of the record holds the name of a hidden entry, the name of one of its
/// changes, or a word that was written in it alone.
pub fn hidden_entries_leave_no_trace(look: &Look<'_>) -> Option<String> {
    let all = look.raws.iter().chain(&look.unseen);
    all.filter(|raw| !raw.is_right()).find_map(|kept| {
        let flags = keeping(kept, look.device);
        if flags.is_empty() && !is_delayed(look, kept) {
            return None;
        }
        let name = kept.entry.to_string();
        // What people refer to by their own hand is theirs to say.
        let refers = |raw: &Raw<'_>| {
            let mut keys = ["revokes", "replaces", "for-prescription"].into_iter();
            keys.any(|key| raw.first().wrote_text(key) == Some(&name))
        };
        let excused = look
            .raws
            .iter()
            .filter(|raw| refers(raw) || is_excused(raw, kept, &flags));
        let excused: BTreeSet<EntryId> = excused.map(|raw| raw.entry).collect();
        let told = told(look, &excused);
        let tokens = kept.edits.iter().map(|edit| format!("§{}§", edit.place));
        let changes = kept.edits.iter().map(|edit| edit.hash.to_string());
        let mut traces = tokens.chain(changes).chain([name.clone()]);
        let trace = traces.find(|trace| told.contains(trace));
        trace.map(|trace| format!("{trace} of {} {name} shows", kept.kind))
    })
}

/// All that is shown of a record, as text, but for some entries.
fn told(look: &Look<'_>, but: &BTreeSet<EntryId>) -> String {
    let Look { vital, card, .. } = look;
    let shown = look.views.iter().filter(|view| !but.contains(&view.id));
    let shown: Vec<EntryView> = shown.cloned().collect();
    let screens = (
        views::treatments(&shown, vital, TODAY),
        views::problems(&shown, TODAY),
        views::timeline(&shown),
        views::professionals_seen(&shown),
    );
    let directives = directives(look.rules, &shown);
    let across = (&look.flags, &look.documents, directives);
    let all = (&shown, vital, card, &look.review, across);
    format!("{} {screens:?}", serde_json::to_string(&all).expect("JSON"))
}

/// Of two people who change a flag apart, whoever hides more prevails.
pub fn the_strictest_visibility_stands(look: &Look<'_>) -> Option<String> {
    let wrong = look.raws.iter().find(|raw| {
        let told = &look.view(raw.entry).visibility;
        let until = told.hidden_from_patient_until.map(|until| until.0);
        let up = |flag: &str| !raised(raw, flag).is_empty();
        told.hidden_from_professionals != up(HIDDEN_FROM_PROFESSIONALS)
            || told.hidden_from_representatives != up(HIDDEN_FROM_REPRESENTATIVES)
            || until != delay(raw)
    });
    wrong.map(|raw| raw.entry.to_string())
}

/// A card names nothing that is hidden from professionals or representatives, since the holder
/// chose nothing, and bears its warning.
pub fn cards_show_nothing_hidden(look: &Look<'_>) -> Option<String> {
    let card = serde_json::to_string(&look.card).expect("JSON");
    let flags = [HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES];
    let hidden = |raw: &&Raw<'_>| flags.iter().any(|flag| !raised(raw, flag).is_empty());
    let mut hidden = look.raws.iter().filter(hidden);
    let shown = hidden.find(|raw| card.contains(&raw.entry.to_string()));
    let bare = !look.card.not_for_transfusion;
    bare.then(|| "no warning".to_owned())
        .or(shown.map(|raw| format!("{} {}", raw.kind, raw.entry)))
}

/// The facts of a card are what they would be if nothing hidden were there, nor anything that was
/// decided on it: a doubt tells as much as a name.
pub fn cards_are_the_same_without_what_is_hidden(look: &Look<'_>) -> Option<String> {
    let flags = [HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES];
    let is_hidden = |raw: &&Raw<'_>| flags.iter().any(|flag| !raised(raw, flag).is_empty());
    let is_decision = |raw: &Raw<'_>| raw.kind == "review-decision";
    let hidden = look.raws.iter().filter(is_hidden);
    let names = hidden.filter(|raw| !is_decision(raw));
    let names: Vec<String> = names.map(|raw| raw.entry.to_string()).collect();
    let says = |raw: &Raw<'_>, key: &str| {
        let text = raw.first().wrote_text(key).unwrap_or_default();
        names.iter().any(|name| text.contains(name.as_str()))
    };
    let tells = |raw: &&Raw<'_>| is_decision(raw) && (says(raw, "item") || says(raw, "on"));
    // A hidden decision on nothing but what is on the card tells of nothing else.
    let shown: BTreeSet<String> = look.views.iter().map(|view| view.id.to_string()).collect();
    let is_of_shown = |raw: &Raw<'_>| {
        let on = raw.first().wrote_text("on").unwrap_or_default();
        !on.is_empty() && on.split(' ').all(|name| shown.contains(name))
    };
    let kept_back = |raw: &&Raw<'_>| is_hidden(raw) && !(is_decision(raw) && is_of_shown(raw));
    let out = look.raws.iter().filter(|raw| kept_back(raw) || tells(raw));
    let out: BTreeSet<EntryId> = out.map(|raw| raw.entry).collect();
    let mut left = look.views.clone();
    left.retain(|view| !out.contains(&view.id));
    let facts = |facts: &VitalFacts| {
        let mut pregnancies = facts.pregnancies.clone();
        pregnancies.retain(|one| !one.to_confirm);
        let illness = (facts.allergies.clone(), facts.conditions.clone());
        let care = (facts.treatments.clone(), facts.devices.clone());
        (illness, care, pregnancies, facts.contacts.clone())
    };
    let wanted = facts(&vital_by(look.rules, &left, TODAY));
    let told = facts(&look.card.facts);
    (told != wanted).then(|| format!("{told:?}, not {wanted:?}"))
}

/// Whoever sees an allergy that counts and is hidden from professionals is warned.
pub fn hiding_an_allergy_warns(look: &Look<'_>) -> Option<String> {
    let mut hidden = look.of_kind("allergy").filter(|raw| {
        let hidden = !raised(raw, HIDDEN_FROM_PROFESSIONALS).is_empty();
        hidden && !raw.states_none() && must_count(raw)
    });
    hidden
        .find(|raw| !look.asks(FlagCode::HiddenAllergy, &[raw.entry]))
        .map(|raw| raw.entry.to_string())
}

#[test]
fn everybody_has_one_device_but_the_holder() {
    let people: BTreeSet<PersonId> = (0..DEVICES.len()).map(person).collect();
    let viewers: BTreeSet<PersonId> = VIEWERS.iter().copied().map(person).collect();
    assert_eq!(people, viewers);
}
