//! Edits that the server holds. In these histories nobody loses a right: the law takes an edit out
//! of the record that nobody followed, as if its author had.

use std::collections::BTreeSet;

use super::super::random::{CAREGIVER, Edited, Raw, role};
use super::look::Look;
use super::*;
use crate::merge::HeldForReview;
use crate::merge::review::review_by;
use crate::sync::HoldReason;

/// The last edit of the caregiver's that nobody had in front of them who wrote into the entry after.
fn unfollowed<'l, 'w>(look: &'l Look<'w>) -> Option<(&'l Raw<'w>, &'w Edited)> {
    let edits = look.raws.iter().flat_map(|raw| {
        let own = raw.edits.iter().skip(1);
        let own = own.filter(|edit| edit.device == CAREGIVER);
        own.map(move |edit| (raw, *edit))
    });
    edits
        .filter(|(raw, edit)| {
            raw.kind != "review-decision" && !raw.is_right() && is_last(raw, edit)
        })
        .max_by_key(|(_, edit)| edit.place)
}

fn is_last(raw: &Raw<'_>, edit: &Edited) -> bool {
    !raw.edits.iter().any(|later| later.saw(edit))
}

/// An edit made in good faith that is held asks the holder, and nobody else decides on it. It is
/// shown with everything that stands there whose author did not know of it.
pub fn held_edits_ask_the_holder(look: &Look<'_>) -> Option<String> {
    let (raw, edit) = unfollowed(look)?;
    let known: Vec<usize> = look
        .known
        .iter()
        .copied()
        .filter(|at| *at != edit.place)
        .collect();
    let states = look.world.states(&known);
    let all = look.world.views(look.rules, &states);
    let seen = |view: &EntryView| look.raws.iter().any(|raw| raw.entry == view.id);
    let views: Vec<EntryView> = all.into_iter().filter(seen).collect();
    let view = views.iter().find(|view| view.id == raw.entry)?;
    let by = look.world.stamp(edit);
    let follows = raw.edits.iter().filter(|known| edit.saw(known));
    let held = HeldForReview {
        entry: raw.entry,
        change: edit.hash,
        reason: HoldReason::NoLongerPermitted,
        received: crate::Tick(1),
        writes: edit.writes.clone(),
        follows: follows.map(|known| known.hash).collect(),
        by,
    };
    let viewer = look.world.viewer(look.device);
    let list = review_by(look.rules, &views, &[held], &viewer, TODAY);
    let asked = list.iter().find(|item| item.code == FlagCode::HeldEdit);
    let Some(item) = asked.filter(|item| item.entries == [raw.entry]) else {
        return Some(format!("edit {} is held in silence", edit.place));
    };
    let decides = role(look.device) == crate::policy::Role::Holder;
    if item.verdicts.is_empty() == decides {
        return Some(format!("{:?} decide on edit {}", item.verdicts, edit.place));
    }
    // All that stands where it writes, and whose author it did not know, is told as such.
    let apart: BTreeSet<ChangeHash> = raw
        .edits
        .iter()
        .filter(|other| other.apart(edit))
        .map(|other| other.hash)
        .collect();
    let stands = view
        .fields
        .iter()
        .filter(|field| edit.wrote(&field.key).is_some() && field.key != "schema");
    let mut stands = stands.flat_map(|field| &field.claims);
    let untold = stands.find(|claim| {
        let told = item.claims.iter().any(|side| side.claim == **claim);
        !told || apart.contains(&claim.change) != item.unseen.contains(&claim.change)
    });
    untold.map(|claim| format!("{:?} is not told beside edit {}", claim.value, edit.place))
}
