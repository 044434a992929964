//! What became of it: what converged, what is in doubt and why, what was held and why.

use sync_core::change::Origin;
use sync_core::entry::Value;
use sync_core::kind::contact::{PHONE, RELATIONSHIP};
use sync_core::kind::{JsonScalar as _, Kind, Label, Phone};
use sync_core::merge::{Danger, EntryView, FlagCode, ReviewClaim, ReviewItem, Stamp};
use sync_core::replica::AsideReason;
use sync_core::sync::HoldReason;

use super::opening::Scene;
use super::screen::{Screen, Tone, bytes, count, pad};
use super::stage::Stage;
use super::syncing::Synced;
use crate::support::SupportError;

/// Shows it all, as the patient sees it on her new phone.
pub(super) fn show(screen: &Screen, stage: &Stage<'_>, scene: &Scene) -> Result<(), SupportError> {
    let views = stage.new.copy.views()?;
    screen.chapter("6  What converged");
    converged(screen, &views, scene);
    screen.chapter("7  What is in doubt, most dangerous first: nothing was settled silently");
    for item in stage.new.copy.to_review()?.iter().take(14) {
        doubt(screen, stage, &views, item);
    }
    screen.chapter("8  What was held");
    held(screen, stage)
}

/// Shows what syncing cost.
pub(super) fn cost(
    screen: &Screen,
    stage: &Stage<'_>,
    synced: &Synced,
) -> Result<(), SupportError> {
    let entries = stage.new.copy.views()?.len();
    screen.chapter("11  What it cost");
    let trips: u32 = synced.rounds.iter().map(|(_, done)| done.round_trips).sum();
    let up: u64 = synced.rounds.iter().map(|(_, done)| done.bytes_up).sum();
    let down: u64 = synced.rounds.iter().map(|(_, done)| done.bytes_down).sum();
    screen.say(&format!(
        "{} in {}: {} up, {} down, bodies as they travelled; the record has {}.",
        count(synced.rounds.len(), "sync", "syncs"),
        count(trips as usize, "round trip", "round trips"),
        bytes(up),
        bytes(down),
        count(entries, "entry", "entries"),
    ));
    Ok(())
}

fn converged(screen: &Screen, views: &[EntryView], scene: &Scene) {
    let allergies = views
        .iter()
        .filter(|view| view.kind == Kind::Allergy && view.counts());
    let mut latest: Vec<&EntryView> = allergies.collect();
    latest.sort_by_key(|view| view.recorded);
    let names = latest.iter().rev().take(3).map(|view| view.label.as_str());
    let names: Vec<&str> = names.collect();
    screen.line(
        "allergies",
        &format!("{}, the last three: {}", latest.len(), names.join("; ")),
    );
    let Some(neighbour) = views.iter().find(|view| view.id == scene.neighbour) else {
        return;
    };
    let phones = neighbour.members(PHONE).flat_map(|field| &field.current);
    let phones = phones.filter_map(Phone::from_value);
    let phones: Vec<String> = phones
        .filter(|phone| phone.removed.is_none())
        .map(|phone| phone.number)
        .collect();
    screen.line(
        "Nadia Benali",
        &format!("all numbers kept, in order: {}", phones.join("; ")),
    );
    let said = neighbour.claims(RELATIONSHIP).iter();
    let said: Vec<&str> = said.filter_map(|claim| claim.value.as_text()).collect();
    screen.more(&format!(
        "both relationships kept and flagged: « {} »",
        said.join(" », « ")
    ));
}

fn doubt(screen: &Screen, stage: &Stage<'_>, views: &[EntryView], item: &ReviewItem) {
    let tone = if item.danger >= Danger::High {
        Tone::Bad
    } else {
        Tone::Warning
    };
    let danger = format!("{:?}", item.danger).to_lowercase();
    screen.say(&format!(
        "{} {}",
        screen.paint(tone, &pad(&danger, 9)),
        screen.paint(Tone::Strong, item.words().en)
    ));
    let mut told = Vec::new();
    for side in &item.claims {
        let Some(said) = said(views, item, side) else {
            continue;
        };
        let line = format!("{said}{}", by(stage, side.claim.by.as_ref()));
        if !told.contains(&line) {
            told.push(line);
        }
    }
    for line in told.iter().take(4) {
        screen.say(&format!("{}   {line}", pad("", 9)));
    }
}

/// A value in words; nothing for one that only a program reads.
fn said(views: &[EntryView], item: &ReviewItem, side: &ReviewClaim) -> Option<String> {
    use sync_core::kind::{BloodGroup, Regimen, Status};
    let value: &Value = &side.claim.value;
    let text = value.as_text()?;
    if let Some(group) = BloodGroup::from_value(value) {
        let word = |words: Option<sync_core::kind::Words>| words.map_or("?", |words| words.en);
        return Some(format!(
            "{} {} ({})",
            word(group.abo.words()),
            word(group.rhd.words()),
            word(group.source.words())
        ));
    }
    if let Some(regimen) = Regimen::from_value(value) {
        let how = regimen.frequency.unwrap_or_default();
        let dose = [regimen.dose, regimen.unit].map(Option::unwrap_or_default);
        let dose = dose.join(" ");
        return Some(format!("{}, {}, {how}", regimen.product.text, dose.trim()));
    }
    if let Some(status) = Status::from_value(value) {
        let what = status.status.words().map_or("?", |words| words.en);
        let why = status.reason.map(|why| format!(" ({why})"));
        return Some(format!("{what}{}", why.unwrap_or_default()));
    }
    if let Some(label) = Label::from_value(value) {
        return Some(label.text);
    }
    let known = views.iter().find(|view| view.id == side.entry);
    if text.starts_with('{') {
        let spec = known?.kind.field(&side.field)?;
        return spec.say(value).map(|said| said.en);
    }
    let plain = item.code != FlagCode::HeldEdit;
    plain.then(|| match known {
        Some(view) if !view.label.is_empty() => format!("{}: « {text} »", view.label),
        _ => format!("« {text} »"),
    })
}

fn by(stage: &Stage<'_>, stamp: Option<&Stamp>) -> String {
    let Some(stamp) = stamp else {
        return String::new();
    };
    let author = stage
        .actors()
        .into_iter()
        .find(|actor| actor.subject.person == stamp.author);
    let name = author.map_or("somebody", |actor| actor.name);
    format!("  – {name}, {}", stamp.role)
}

fn held(screen: &Screen, stage: &Stage<'_>) -> Result<(), SupportError> {
    for actor in stage.actors() {
        for aside in actor.copy.aside()? {
            let why = match aside.why {
                AsideReason::Held(HoldReason::NoLongerPermitted) => {
                    "made in good faith: his phone had seen the right, which is gone since"
                }
                AsideReason::Held(HoldReason::NotPermitted) => "without the right",
                AsideReason::Held(HoldReason::FollowsHeld) => "follows a held edit",
                AsideReason::Held(HoldReason::Other) => "held",
                AsideReason::Refused(_) => "refused",
            };
            let role = aside.edit.origin.read().map(|origin: Origin| origin.role);
            let role = role.map_or_else(|_| String::new(), |role| role.to_string());
            screen.line(actor.name, &format!("one edit, as {role}: {why}"));
            screen.more("kept on his phone and at the server, out of the record");
        }
    }
    let waiting = stage.new.copy.held()?;
    screen.line(
        "Jeanne Martin",
        &format!(
            "finds {} to accept or discard on her list",
            count(waiting.len(), "held edit", "held edits")
        ),
    );
    Ok(())
}
