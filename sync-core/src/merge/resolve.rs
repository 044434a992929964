//! From a choice on the to-review list to the edits that carry it out.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ended::ends;
use super::{FlagCode, Inherited, ReviewClaim, ReviewItem, Rule, Rules};
use crate::entry::{STATUS, Value, Write};
use crate::kind::common::{ACCEPTS, BESIDE, is_visibility};
use crate::kind::{
    Common, JsonScalar as _, ReviewDecisionDraft, Status, StatusCode, Verdict, same_value,
};
use crate::{ChangeHash, EntryId, PersonId};

/// What a person chooses on an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The side this change said.
    Take(ChangeHash),
    /// A verdict on the item as it stands.
    Decide(Verdict),
    /// Somebody looks after the item from now on; nobody, when left out.
    Assign(Option<PersonId>),
}

/// What carries a choice out: both sides stay in the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Edits of entries, to be made one after the other.
    pub edits: Vec<(EntryId, Vec<Write>)>,
    /// Held changes those edits take up, to be cited in their origin.
    pub cites: Vec<ChangeHash>,
    /// A decision to be written as an entry.
    pub decision: Option<ReviewDecisionDraft>,
}

/// Carries out a choice; nothing when the item does not offer it, or is assigned so already.
///
/// A decision inherits the strictest visibility of the entries it is about.
pub fn resolve(item: &ReviewItem, choice: &Choice) -> Option<Resolution> {
    resolve_by(Rules::ALL, item, choice)
}

/// [`resolve`] by some of the rules.
pub(super) fn resolve_by(rules: Rules, item: &ReviewItem, choice: &Choice) -> Option<Resolution> {
    match choice {
        Choice::Take(change) => take(item, *change),
        Choice::Decide(verdict) => decide(rules, item, verdict),
        Choice::Assign(to) => assign(rules, item, *to),
    }
}

fn assign(rules: Rules, item: &ReviewItem, to: Option<PersonId>) -> Option<Resolution> {
    if item.is_assigned_to(to) {
        return None;
    }
    let assignment = ReviewDecisionDraft {
        assignee: to,
        ..decision(rules, item, &item.topic, Verdict::Assign)
    };
    Some(Resolution {
        decision: Some(assignment),
        ..Resolution::default()
    })
}

/// A decision that those may know of who may know of what it touches.
fn decision(rules: Rules, item: &ReviewItem, key: &str, decision: Verdict) -> ReviewDecisionDraft {
    let inherited = match rules.has(Rule::DecisionHidden) {
        true => item.inherited.clone(),
        false => Inherited::default(),
    };
    let about = Some(inherited.about);
    // Whoever hides one of them later hides the decision with it.
    let sides = item.claims.iter().map(|side| side.entry);
    let touched: BTreeSet<EntryId> = item.entries.iter().copied().chain(sides).collect();
    let touched: Vec<String> = touched.iter().map(EntryId::to_string).collect();
    ReviewDecisionDraft {
        about: about.filter(|about| !about.is_empty()),
        on: Some(touched.join(" ")).filter(|on| !on.is_empty()),
        common: Common {
            visibility: inherited.visibility,
            ..Common::default()
        },
        ..ReviewDecisionDraft::new(key, decision)
    }
}

fn take(item: &ReviewItem, change: ChangeHash) -> Option<Resolution> {
    let mut sides = item
        .claims
        .iter()
        .filter(|side| side.claim.change == change);
    let entry = sides.clone().next()?.entry;
    if item.code == FlagCode::Proposal {
        return take_one_proposal(item, change);
    }
    // What ran out by its regimen has no side to be taken: somebody says what holds.
    if item.field.is_none() && item.code == FlagCode::ToReconcile {
        return None;
    }
    if item.field.as_deref() != Some(STATUS) && item.code == FlagCode::StatusAgainstEdit {
        let edits = take_or_leave_ending(item, change)?.into_iter();
        return Some(Resolution {
            edits: edits.map(|writes| (entry, writes)).collect(),
            ..Resolution::default()
        });
    }
    let value = match item.code {
        FlagCode::DoseDisputed
        | FlagCode::ConcurrentValues
        | FlagCode::CriticalityDisputed
        | FlagCode::RightRestricted
        | FlagCode::VisibilityRestricted
            if item.field.as_deref() != Some(STATUS) =>
        {
            let field = item.field.as_deref()?;
            let side = sides.find(|side| side.field == field)?;
            return Some(Resolution {
                edits: vec![(entry, vec![Write::set(field, side.claim.value.clone())])],
                ..Resolution::default()
            });
        }
        FlagCode::ToReconcile
        | FlagCode::ConcurrentValues
        | FlagCode::RightRestricted
        | FlagCode::StatusAgainstEdit
        | FlagCode::RefutationAgainstDanger
        | FlagCode::RefutedAgainstEdit
        | FlagCode::DangerAfterEnding
        | FlagCode::EditedWhileInError => {
            let status = sides.find(|side| side.field == STATUS);
            let status = status.and_then(|side| Status::from_value(&side.claim.value));
            again(item, change, status.unwrap_or(StatusCode::Active.into()))
        }
        _ => return None,
    };
    Some(Resolution {
        edits: vec![(entry, vec![Write::set(STATUS, value.to_value())])],
        ..Resolution::default()
    })
}

/// Of proposals made apart, one is taken up by whoever may; the others are left out by that.
fn take_one_proposal(item: &ReviewItem, change: ChangeHash) -> Option<Resolution> {
    let proposed = proposals(item);
    let one = proposed.iter().any(|side| side.claim.change == change);
    if !one || proposes_one_value(&proposed) || !item.verdicts.contains(&Verdict::Accept) {
        return None;
    }
    take_up(item, [change])
}

/// What an item of a proposal proposes.
fn proposals(item: &ReviewItem) -> Vec<&ReviewClaim> {
    item.claims.iter().filter(|side| side.proposed).collect()
}

/// Whether all proposals are of one value: taking them up together leaves no doubt.
fn proposes_one_value(proposed: &[&ReviewClaim]) -> bool {
    let mut values = proposed.iter().map(|side| &side.claim.value);
    let first = values.next();
    values.all(|value| first.is_some_and(|first| same_value(first, value)))
}

/// Takes up the field that an item is about of these proposals. The item is named with it, and when
/// the record got the entry's last edit: somebody may have taken up the field to no effect before,
/// also to keep others from it, and the very same value says nothing new.
fn take_up(
    item: &ReviewItem,
    proposals: impl IntoIterator<Item = ChangeHash>,
) -> Option<Resolution> {
    let field = item.field.as_deref()?;
    let names = proposals.into_iter();
    let about = item.key.rsplit('/').next().unwrap_or_default();
    let as_of = item.edited.map_or(0, |tick| tick.0);
    let value = format!("{field} {about}@{as_of}");
    let writes = names.map(|proposal| Write::set(format!("{ACCEPTS}/{proposal}"), value.as_str()));
    Some(Resolution {
        edits: vec![(*item.entries.first()?, writes.collect())],
        ..Resolution::default()
    })
}

/// An ending that is written as a field, or its absence. Writing the very same field would say
/// nothing new: the side that ends the entry is cleared first and then said again, so that a day
/// to come stays a day to come; the other side only clears what ended it.
fn take_or_leave_ending(item: &ReviewItem, change: ChangeHash) -> Option<Vec<Vec<Write>>> {
    let kind = item.kind.as_ref()?;
    let ending = |side: &&ReviewClaim| ends(kind, &side.field, Some(&side.claim.value));
    let endings: Vec<&ReviewClaim> = item.claims.iter().filter(ending).collect();
    let keys: BTreeSet<&str> = endings.iter().map(|side| side.field.as_str()).collect();
    let clear = |key: &str| Write::set(key, Value::Null);
    let mut edits = vec![keys.into_iter().map(clear).collect()];
    let taken = endings.iter().filter(|side| side.claim.change == change);
    let said = taken.map(|side| Write::set(side.field.as_str(), side.claim.value.clone()));
    let said: Vec<Write> = said.collect();
    if !said.is_empty() {
        edits.push(said);
    }
    Some(edits)
}

/// The same status, said again after the edits beside it: the value names them, because writing
/// the very same value says nothing new to Automerge.
fn again(item: &ReviewItem, taken: ChangeHash, status: Status) -> Status {
    let sides = item.claims.iter().map(|side| side.claim.change);
    after(sides.filter(|change| *change != taken), status)
}

/// A status that names some of the changes it is said after.
fn after(changes: impl Iterator<Item = ChangeHash>, mut status: Status) -> Status {
    let mut after: Vec<String> = changes.map(|change| change.to_string()).collect();
    after.sort();
    after.dedup();
    after.truncate(16);
    status.other.insert("after".to_owned(), after.into());
    status
}

fn decide(rules: Rules, item: &ReviewItem, verdict: &Verdict) -> Option<Resolution> {
    if !item.verdicts.contains(verdict) {
        return None;
    }
    match (item.code, verdict) {
        (FlagCode::Proposal, Verdict::Accept) => {
            let proposed = proposals(item);
            // Of several values one is taken by its side.
            if !proposes_one_value(&proposed) {
                return None;
            }
            take_up(item, proposed.iter().map(|side| side.claim.change))
        }
        (FlagCode::HeldEdit, Verdict::Accept) => take_up_held(item),
        _ => {
            let about = match item.code {
                FlagCode::HeldEdit => item.claims.first(),
                FlagCode::Proposal => item.claims.iter().find(|side| side.proposed),
                _ => None,
            };
            Some(Resolution {
                edits: match rules.has(Rule::HolderDecides) {
                    true => withdrawn(item),
                    false => Vec::new(),
                },
                decision: Some(ReviewDecisionDraft {
                    change: about.map(|side| side.claim.change.to_string()),
                    ..decision(rules, item, &item.key, verdict.clone())
                }),
                ..Resolution::default()
            })
        }
    }
}

/// What somebody else withdrew of the holder's wishes, and the holder confirms to be an error, is one
/// by their own word from then on: nobody else brings it back.
fn withdrawn(item: &ReviewItem) -> Vec<(EntryId, Vec<Write>)> {
    let mut withdrawn: BTreeMap<EntryId, Vec<Write>> = BTreeMap::new();
    if item.code != FlagCode::DirectiveWithdrawn {
        return Vec::new();
    }
    for side in item.claims.iter().filter(|side| side.field == STATUS) {
        let status = Status::from_value(&side.claim.value);
        if let Some(status) = status.filter(|status| status.status.is_error()) {
            // Of the entry's own changes only: who may see it may not know of the others.
            let own = item.claims.iter().filter(|own| own.entry == side.entry);
            let status = after(own.map(|own| own.claim.change), status);
            let write = Write::set(STATUS, status.to_value());
            withdrawn.entry(side.entry).or_insert_with(|| vec![write]);
        }
    }
    withdrawn.into_iter().collect()
}

/// Writes what a held edit says, and names what its author had not seen: that stands beside it, as
/// if the edit had arrived when it was made. Who may see the entry only ever becomes stricter.
fn take_up_held(item: &ReviewItem) -> Option<Resolution> {
    let (held, standing): (Vec<&ReviewClaim>, Vec<&ReviewClaim>) =
        item.claims.iter().partition(|side| is_held(item, side));
    let looser = |side: &ReviewClaim| {
        let mut others = standing.iter().filter(|other| other.field == side.field);
        let stricter = |other: &&ReviewClaim| {
            item.unseen.contains(&other.claim.change) && other.claim.value >= side.claim.value
        };
        is_visibility(&side.field) && others.any(stricter)
    };
    let says = held.iter().filter(|side| !looser(side));
    let says = says.map(|side| Write::set(&side.field, side.claim.value.clone()));
    let beside = item.unseen.iter();
    let beside = beside.map(|change| Write::set(format!("{BESIDE}/{change}"), true));
    Some(Resolution {
        edits: vec![(*item.entries.first()?, says.chain(beside).collect())],
        cites: vec![held.first()?.claim.change],
        decision: None,
    })
}

/// Whether a side of a held edit is what it says, rather than what stands in the entry.
fn is_held(item: &ReviewItem, side: &ReviewClaim) -> bool {
    let change = item.key.rsplit('/').next();
    change.is_some_and(|change| change == side.claim.change.to_string())
}
