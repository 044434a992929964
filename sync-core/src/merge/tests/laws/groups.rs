//! Blood groups: what differs is never one value.

use super::super::random::{Edited, Raw};
use super::ended::{may_be_in_error, sure_error};
use super::look::Look;
use super::*;

/// ABO and RhD as written.
fn group(edit: &Edited) -> Option<(String, String)> {
    let json: serde_json::Value = serde_json::from_str(edit.wrote_text("blood-group")?).ok()?;
    let part = |name: &str| Some(json.get(name)?.as_str()?.to_owned());
    Some((part("abo")?, part("rhd")?))
}

/// What for certain stands in an entry: written by a clinician, or where none wrote, and nobody
/// wrote over it who knew it, or took something up.
fn standing(raw: &Raw<'_>) -> Vec<(String, String)> {
    let stands = |edit: &&&Edited| {
        let mut later = raw.edits.iter().filter(|later| later.saw(edit));
        let followed = later.any(|later| group(later).is_some() || later.accepts_any());
        (raw.confirms(edit) || raw.is_lay()) && !followed
    };
    let all = raw.edits.iter().filter(stands);
    all.filter_map(|edit| group(edit)).collect()
}

/// Distinct groups among entries not in error are discordant, each shown; groups that nobody
/// contradicts are not.
pub fn discordant_groups_are_no_value(look: &Look<'_>) -> Option<String> {
    let sure = || {
        look.of_kind("blood-group")
            .filter(|raw| !may_be_in_error(raw))
    };
    let mut all: Vec<(String, String)> = sure().flat_map(standing).collect();
    all.sort();
    all.dedup();
    let there = look
        .of_kind("blood-group")
        .filter(|raw| sure_error(raw).is_none());
    let written = there.flat_map(|raw| raw.edits.iter().filter_map(|edit| group(edit)));
    let mut written: Vec<(String, String)> = written.collect();
    written.sort();
    written.dedup();
    let cards = &look.card.facts.blood_group;
    let wrong = match &look.vital.blood_group {
        BloodGroupFact::Discordant(told) => {
            let untold = sure().find(|raw| {
                !standing(raw).is_empty() && !told.iter().any(|(entry, _)| *entry == raw.entry)
            });
            written.len() < 2 || untold.is_some()
        }
        BloodGroupFact::Agreed(told) => {
            let one = told
                .windows(2)
                .all(|pair| (&pair[0].abo, &pair[0].rhd) == (&pair[1].abo, &pair[1].rhd));
            all.len() > 1 || !one
        }
        BloodGroupFact::Unknown => all.len() > 1,
    };
    let merged = sure().find(|raw| {
        let mut standing = standing(raw);
        standing.dedup();
        let field = look.view(raw.entry).field("blood-group");
        standing.len() > 1 && field.is_some_and(|field| !field.current.is_empty())
    });
    if let Some(raw) = merged {
        return Some(format!("one of several in {}", raw.entry));
    }
    let carded = all.len() > 1 && matches!(cards, BloodGroupFact::Agreed(_));
    let shown = &look.vital.blood_group;
    (wrong || carded).then(|| format!("{all:?} of {written:?} beside {shown:?}, card {cards:?}"))
}
