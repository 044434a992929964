//! Items of the to-review list that are flagged on one entry.

use jiff::civil::Date;

use super::super::{Danger, EntryView, FieldClaim, Flag, FlagCode, Rules, authority, ended};
use super::{Inherited, ReviewClaim, ReviewItem};
use crate::Digest32;
use crate::entry::STATUS;
use crate::kind::medication::REGIMEN;
use crate::kind::{JsonScalar as _, Kind, Regimen};

pub(in super::super) fn of_flag(view: &EntryView, flag: &Flag) -> Option<ReviewItem> {
    // What is withdrawn as an error needs no more care than the edits it overtook, a danger that was
    // noted after all, and whether it was one.
    let asked = match flag.code {
        FlagCode::EditedWhileInError | FlagCode::DangerAfterEnding => true,
        FlagCode::Proposal => flag.field.as_deref() == Some(STATUS),
        _ => false,
    };
    if view.in_error() && !asked {
        return None;
    }
    let hashes: Vec<&[u8]> = flag.changes.iter().map(|change| &change.0[..]).collect();
    let about = Digest32::of(&hashes).to_string();
    let field = flag.field.as_deref().unwrap_or("-");
    let topic = format!("{}/{}/{field}", flag.code.code(), view.id);
    Some(ReviewItem {
        key: format!("{topic}/{}", &about[..16]),
        topic,
        danger: danger(view, flag),
        code: flag.code,
        entries: vec![view.id],
        in_force: Vec::new(),
        kind: Some(view.kind.clone()),
        by_nurse: view.is_by_nurse(),
        crosses_holder: false,
        field: flag.field.clone(),
        claims: sides(view, flag),
        unseen: Vec::new(),
        edited: view.edited.as_ref().and_then(|stamp| stamp.accepted),
        verdicts: Vec::new(),
        assigned: Vec::new(),
        inherited: Inherited::default(),
    })
}

/// A contact or a note in doubt harms less than a treatment; a proposal to withdraw more than one
/// to rename; one clinician's word against another's more than a lay person's.
fn danger(view: &EntryView, flag: &Flag) -> Danger {
    let usual = flag.code.danger();
    match flag.code {
        FlagCode::RefutedAgainstEdit if is_of_clinicians(view, flag) => usual.max(Danger::High),
        FlagCode::Proposal if proposes_an_end(view, flag) => Danger::High,
        FlagCode::ConcurrentValues if view.kind == Kind::Allergy => Danger::High,
        // Whether a directive counts decides what is done to somebody who cannot say it.
        _ if flag.field.as_deref() == Some(STATUS) && view.kind == Kind::AdvanceDirective => {
            usual.max(Danger::High)
        }
        _ if view.kind.is_clinical() => usual,
        _ => usual.min(Danger::Low),
    }
}

/// Whether a clinician wrote something other than a status with a change behind a flag.
fn is_of_clinicians(view: &EntryView, flag: &Flag) -> bool {
    let fields = view.fields.iter().filter(|field| field.key != STATUS);
    let said = fields.flat_map(|field| &field.claims);
    let mut behind = said.filter(|claim| flag.changes.contains(&claim.change));
    behind.any(|claim| {
        let by = claim.by.as_ref();
        by.is_some_and(|by| {
            authority::confirms(Rules::ALL, &view.kind, view.is_by_nurse(), &by.role)
        })
    })
}

/// Whether a proposal would end the entry, or say what became of it: by its status, by a field, or
/// by an earlier end of a treatment.
fn proposes_an_end(view: &EntryView, flag: &Flag) -> bool {
    let Some(key) = flag.field.as_deref() else {
        return false;
    };
    let field = view.field(key);
    let proposals = field.map_or(&[][..], |field| &field.proposals).iter();
    let mut proposed = proposals.map(|claim| &claim.value);
    if key == REGIMEN {
        let end = |regimen: Regimen| regimen.ends.map(|ends| ends.last_day());
        let stands: Vec<Option<Date>> = view.all(REGIMEN).into_iter().map(end).collect();
        let earlier = |ends: Date| {
            stands
                .iter()
                .all(|stands| stands.is_none_or(|day| ends < day))
        };
        return proposed
            .filter_map(|value| end(Regimen::from_value(value)?))
            .any(earlier);
    }
    key == STATUS || proposed.any(|value| ended::ends(&view.kind, key, Some(value)))
}

/// What the changes behind a flag said and what stands beside it.
fn sides(view: &EntryView, flag: &Flag) -> Vec<ReviewClaim> {
    let mut sides = Vec::new();
    for field in &view.fields {
        let about = flag.field.as_deref() == Some(&field.key);
        let named = |claim: &&FieldClaim| about || flag.changes.contains(&claim.change);
        let proposals = field
            .proposals
            .iter()
            .filter(|claim| flag.changes.contains(&claim.change));
        let standing = field
            .claims
            .iter()
            .filter(named)
            .map(|claim| (claim, false));
        let proposed = proposals.map(|claim| (claim, about));
        for (claim, proposed) in standing.chain(proposed) {
            sides.push(ReviewClaim {
                entry: view.id,
                field: field.key.clone(),
                claim: claim.clone(),
                proposed,
            });
        }
    }
    sides
}
