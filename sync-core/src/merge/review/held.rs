//! Items of the to-review list of what is held.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{EntryView, FieldClaim, FlagCode, HeldForReview, Rule, Rules};
use super::{Inherited, ReviewClaim, ReviewItem};
use crate::ChangeHash;
use crate::entry::{KIND, SCHEMA, Value};
use crate::kind::Kind;
use crate::kind::common::is_visibility;
use crate::sync::HoldReason;

/// A held edit asks for a decision when it was made in good faith, or follows what is held: the
/// holder is told of such only as follow what was made in good faith. What it says comes first, then
/// what stands.
pub fn of_held(rules: Rules, views: &[EntryView], held: &HeldForReview) -> Option<ReviewItem> {
    match held.reason {
        HoldReason::NoLongerPermitted | HoldReason::FollowsHeld => {}
        HoldReason::NotPermitted | HoldReason::Other => return None,
    }
    let claims = held.writes.iter().map(|write| ReviewClaim {
        entry: held.entry,
        field: write.key.clone(),
        claim: FieldClaim {
            value: write.value.clone().unwrap_or(Value::Null),
            change: held.change,
            by: Some(held.by.clone()),
        },
        proposed: false,
    });
    let written = held.writes.iter().find(|write| write.key == KIND);
    let written = written.and_then(|write| Some(Kind::from(write.value.as_ref()?.as_text()?)));
    let known = views.iter().find(|view| view.id == held.entry);
    let known_here = known.filter(|_| rules.has(Rule::HeldBeside));
    let (standing, unseen) =
        known_here.map_or_else(Default::default, |view| beside_held(view, held));
    let key = key(held);
    Some(ReviewItem {
        topic: key.clone(),
        key,
        danger: FlagCode::HeldEdit.danger(),
        code: FlagCode::HeldEdit,
        entries: vec![held.entry],
        in_force: Vec::new(),
        kind: known.map(|view| view.kind.clone()).or(written),
        by_nurse: known.is_some_and(EntryView::is_by_nurse),
        crosses_holder: false,
        field: None,
        claims: claims.chain(standing).collect(),
        unseen,
        edited: None,
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    })
}

/// Leaves out what follows an edit of which nothing is decided yet: it may say nothing without that,
/// so the holder is asked of one after the other, as they were made.
pub fn ask_in_order(held: &[HeldForReview], items: &mut Vec<ReviewItem>) {
    let asks = |held: &&HeldForReview| items.iter().any(|item| item.key == key(held));
    let asked: BTreeMap<ChangeHash, &HeldForReview> = held
        .iter()
        .filter(asks)
        .map(|held| (held.change, held))
        .collect();
    let waits = |held: &&&HeldForReview| {
        let mut follows = held.follows.iter();
        held.reason == HoldReason::FollowsHeld && follows.any(|dep| asked.contains_key(dep))
    };
    let waiting: BTreeSet<String> = asked.values().filter(waits).map(|held| key(held)).collect();
    items.retain(|item| !waiting.contains(&item.key));
}

/// What names the item of a held edit.
fn key(held: &HeldForReview) -> String {
    format!("{}/{}", FlagCode::HeldEdit.code(), held.change)
}

/// What stands, or is proposed, where a held edit writes, and what else its author had not seen;
/// then the changes they had not seen.
fn beside_held(view: &EntryView, held: &HeldForReview) -> (Vec<ReviewClaim>, Vec<ChangeHash>) {
    let is_unseen = |claim: &FieldClaim| !held.follows.contains(&claim.change);
    let mut standing = Vec::new();
    let mut unseen = BTreeSet::new();
    for field in view.fields.iter().filter(|field| field.key != SCHEMA) {
        let writes = held.writes.iter().any(|write| write.key == field.key);
        for claim in field.claims.iter().chain(&field.proposals) {
            if !writes && (is_visibility(&field.key) || !is_unseen(claim)) {
                continue;
            }
            if is_unseen(claim) {
                unseen.insert(claim.change);
            }
            standing.push(ReviewClaim {
                entry: view.id,
                field: field.key.clone(),
                claim: claim.clone(),
                proposed: false,
            });
        }
    }
    (standing, unseen.into_iter().collect())
}
