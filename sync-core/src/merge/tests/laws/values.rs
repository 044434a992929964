//! Values: all that was written last is there, whole, and shown for what it is.

use std::collections::BTreeSet;

use super::super::random::{Edited, HOLDER, Place, Raw};
use super::look::Look;
use super::*;
use crate::ChangeHash;
use crate::entry::Value;

fn is_bookkeeping(key: &str) -> bool {
    key == "kind" || key == "schema" || key.starts_with("accepts/")
}

/// Whether anybody who had an edit in front of them wrote the key again, or took something up.
fn is_followed(raw: &Raw<'_>, edit: &Edited, key: &str) -> bool {
    let mut later = raw.edits.iter().filter(|later| later.saw(edit));
    later.any(|later| later.wrote(key).is_some() || later.accepts_any())
}

/// Whether whoever confirms had an edit in front of them: they may have answered it.
fn may_be_answered(raw: &Raw<'_>, edit: &Edited) -> bool {
    raw.confirming().any(|later| later.saw(edit))
}

/// Whether somebody left an edit out whom the viewer knows of, its author or one who confirms.
fn is_left_out(look: &Look<'_>, raw: &Raw<'_>, edit: &Edited) -> bool {
    let name = edit.hash.to_string();
    let mut decisions = look.of_kind("review-decision").flat_map(|raw| &raw.edits);
    decisions.any(|decision| {
        decision.wrote_text("decision") == Some("discard")
            && decision.wrote_text("change") == Some(&name)
            && (decision.person() == edit.person() || raw.confirms(decision))
    })
}

/// What somebody wrote, and nobody wrote over who knew it, is there: as what stands or as what is
/// proposed; a clinician's word always stands.
pub fn nothing_is_lost(look: &Look<'_>) -> Option<String> {
    look.raws.iter().find_map(|raw| {
        let view = look.view(raw.entry);
        raw.edits.iter().find_map(|edit| {
            let lost = edit.writes.iter().find(|write| {
                let Some(value) = &write.value else {
                    return false;
                };
                let key = write.key.as_str();
                if is_bookkeeping(key) || is_followed(raw, edit, key) {
                    return false;
                }
                let field = view.field(key);
                let claims = field.map_or(&[][..], |field| &field.claims);
                let proposals = field.map_or(&[][..], |field| &field.proposals);
                // Of a wish that the holder closed anybody else only proposes.
                let wish = raw.kind == "advance-directive" && key == "status";
                if !wish && raw.confirms(edit) {
                    return !claims.iter().any(|claim| claim.change == edit.hash);
                }
                let shown = claims
                    .iter()
                    .chain(proposals)
                    .any(|claim| claim.value == *value);
                !shown && !may_be_answered(raw, edit)
            });
            let key = &lost?.key;
            Some(format!(
                "{key} of edit {} in {} is lost",
                edit.place, raw.entry
            ))
        })
    })
}

/// Where nothing is proposed, because no professional wrote or it is no clinical fact, exactly what
/// was written last stands; nowhere does anything that nobody wrote.
pub fn what_was_written_last_stands(look: &Look<'_>) -> Option<String> {
    look.raws.iter().find_map(|raw| {
        let view = look.view(raw.entry);
        let made_up = view.fields.iter().find(|field| {
            let mut all = field.claims.iter().chain(&field.proposals);
            all.any(|claim| !was_written(raw, &field.key, &claim.value))
        });
        if let Some(field) = made_up {
            return Some(format!("nobody wrote {} of {}", field.key, raw.entry));
        }
        let plain = raw.is_lay() || !raw.is_clinical();
        let mut keys = raw.keys().into_iter();
        let wrong = keys.find(|key| {
            // Whoever removed a value says that there is none.
            let last = raw.last(key).into_iter();
            let last = last.filter_map(|edit| {
                let value = edit.wrote(key)?.unwrap_or(&Value::Null);
                Some((edit.hash, value))
            });
            let last: BTreeSet<(ChangeHash, &Value)> = last.collect();
            let claims = view.claims(key).iter();
            let stands: BTreeSet<(ChangeHash, &Value)> =
                claims.map(|claim| (claim.change, &claim.value)).collect();
            let none = last.iter().all(|(_, value)| **value == Value::Null);
            let as_written = last == stands || (none && stands.is_empty());
            plain && !is_bookkeeping(key) && *key != "status" && !as_written
        });
        wrong.map(|key| format!("{key} of {} is not what was written last", raw.entry))
    })
}

fn was_written(raw: &Raw<'_>, key: &str, value: &Value) -> bool {
    let mut all = raw.edits.iter().filter_map(|edit| edit.wrote(key));
    all.any(|written| written.unwrap_or(&Value::Null) == value)
}

/// Every regimen that is shown is what some one edit made whole.
pub fn regimens_are_whole(look: &Look<'_>) -> Option<String> {
    let mut treatments = look
        .vital
        .treatments
        .iter()
        .chain(&look.card.facts.treatments);
    let mixed = treatments.find(|fact| {
        let mut raws = look.raws.iter();
        let Some(raw) = raws.find(|raw| raw.entry == fact.entry) else {
            return false;
        };
        let mut shown = fact.regimens.iter().chain(&fact.current);
        shown.any(|regimen| !was_written(raw, "regimen", &regimen.to_value()))
            || (fact.current.is_some() && fact.regimens.len() != 1)
    });
    mixed.map(|fact| format!("{fact:?}"))
}

/// Of two regimens by people of equal standing who did not know of each other, and that nobody
/// wrote over, both are shown and neither is current. A lone one of a clinician's is current.
pub fn two_regimens_are_disputed(look: &Look<'_>) -> Option<String> {
    look.of_kind("medication-taken").find_map(|raw| {
        let fact = look
            .vital
            .treatments
            .iter()
            .find(|fact| fact.entry == raw.entry)?;
        let equals = |edit: &&Edited| raw.confirms(edit) || raw.is_lay();
        let stands = |edit: &&Edited| equals(edit) && !is_followed(raw, edit, "regimen");
        let all = raw.wrote("regimen");
        let standing: Vec<&Edited> = all.iter().copied().filter(stands).collect();
        let said: BTreeSet<&str> = standing
            .iter()
            .filter_map(|edit| edit.wrote_text("regimen"))
            .collect();
        let shown: BTreeSet<String> = fact
            .regimens
            .iter()
            .filter_map(|regimen| Some(regimen.to_value().as_text()?.to_owned()))
            .collect();
        let told = said.iter().all(|regimen| shown.contains(*regimen));
        let disputed = said.len() > 1;
        let asked = look.asks(FlagCode::DoseDisputed, &[raw.entry]);
        let wrong = !told || (disputed && (fact.current.is_some() || !asked));
        wrong.then(|| format!("{said:?} beside {fact:?}"))
    })
}

/// Understating an allergy is the danger: what anybody called high is shown as high as long as
/// nobody wrote over it who knew, or a clinician may have answered.
pub fn the_highest_criticality_is_shown(look: &Look<'_>) -> Option<String> {
    look.of_kind("allergy").find_map(|raw| {
        let facts = &mut look.vital.allergies.iter();
        let fact = facts.find(|fact| fact.entry == raw.entry)?;
        let high = raw.edits.iter().find(|edit| {
            edit.wrote_text("criticality") == Some("high")
                && !is_followed(raw, edit, "criticality")
                && !is_left_out(look, raw, edit)
                && (raw.confirms(edit) || !may_be_answered(raw, edit))
        })?;
        let shown = fact.criticality == Some(Criticality::High);
        (!shown).then(|| format!("edit {} calls {} high", high.place, raw.entry))
    })
}

/// A reaction that nobody knew of before is shown as long as nobody wrote it anew who knew it.
pub fn reactions_are_all_there(look: &Look<'_>) -> Option<String> {
    look.of_kind("allergy").find_map(|raw| {
        let facts = &mut look.vital.allergies.iter();
        let fact = facts.find(|fact| fact.entry == raw.entry)?;
        let shown: Vec<Value> = fact.reactions.iter().map(JsonScalar::to_value).collect();
        raw.edits.iter().find_map(|edit| {
            let missing = edit.writes.iter().find(|write| {
                let new = !raw.wrote(&write.key).iter().any(|known| edit.saw(known));
                let Some(value) = write.value.as_ref() else {
                    return false;
                };
                let text = value.as_text().unwrap_or_default();
                write.key.starts_with("reaction/")
                    && new
                    && !text.contains("removed")
                    && !is_followed(raw, edit, &write.key)
                    && !shown.contains(value)
            });
            missing.map(|_| format!("a reaction of edit {} of {}", edit.place, raw.entry))
        })
    })
}

/// What is shown of an entry is the same in whatever order its changes arrived.
pub fn the_order_of_arrival_does_not_matter(look: &Look<'_>) -> Option<String> {
    // Most entries are the holder's to see: one looks for all.
    if look.device != HOLDER {
        return None;
    }
    let backwards: Vec<Place> = look.known.iter().rev().copied().collect();
    let others = look.world.views(look.rules, &look.world.states(&backwards));
    let mut wrong = look.views.iter().filter(|view| !others.contains(view));
    wrong
        .next()
        .map(|view| format!("the view of {} does", view.id))
}
