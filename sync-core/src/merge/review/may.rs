//! Who settles an item of the to-review list.

use super::super::{FlagCode, Rule, Rules, authority};
use super::{ReviewClaim, ReviewItem};
use crate::entry::{HIDDEN_FROM_PATIENT_UNTIL, STATUS};
use crate::kind::Verdict;
use crate::policy::{Role, is_right};
use crate::{EntryId, PersonId};

/// Whether what is flagged so is the holder's to settle, of whatever kind it is.
pub(in super::super) fn asks_holder(code: FlagCode) -> bool {
    matches!(code, FlagCode::HeldEdit | FlagCode::HiddenAllergy)
}

/// Whether nobody but the holder settles an item: held edits, what is hidden, rights, and what is
/// theirs by its kind and field.
pub fn is_holders(rules: Rules, item: &ReviewItem) -> bool {
    // What asks of a whole entry asks whether it counts.
    let field = item.field.as_deref().unwrap_or(STATUS);
    let kind = item.kind.as_ref();
    let by_field = kind.is_some_and(|kind| authority::is_holders(rules, kind, field));
    let otherwise = asks_holder(item.code) || item.crosses_holder || is_of_right(item);
    by_field || (otherwise && rules.has(Rule::HolderDecides))
}

/// Whether an item is about a right. Whom it names sees how it stands, and learns of no decision on
/// it, so that nobody but the holder is asked.
pub(super) fn is_of_right(item: &ReviewItem) -> bool {
    let kind = item.kind.as_ref();
    kind.is_some_and(|kind| is_right(kind.code()))
}

/// Nothing is taken up in an entry that is not here. What is the holder's nobody else decides. Elsewhere, where a clinician's word is at stake a
/// clinician does, of possible duplicates where both are of clinicians. Whoever proposed may
/// withdraw.
pub(in super::super) fn may_decide(
    rules: Rules,
    item: &ReviewItem,
    verdict: &Verdict,
    role: &Role,
    person: PersonId,
) -> bool {
    // What was to be changed is not here, and what made it was left out.
    let nowhere = item.code == FlagCode::HeldEdit && item.kind.is_none();
    if nowhere && *verdict == Verdict::Accept {
        return false;
    }
    let confirms = |role: &Role| item.confirms(rules, role);
    let decides = match is_holders(rules, item) {
        true => *role == Role::Holder,
        false => match item.code {
            FlagCode::Proposal => confirms(role),
            // Who may see what is the holder's, and theirs who act for them.
            _ if is_of_who_sees(item) => *role == Role::Holder || role.is_delegate(),
            FlagCode::PossibleDuplicate => {
                let by_clinician = |entry: &EntryId| {
                    let sides = item.claims.iter().filter(|side| side.entry == *entry);
                    let mut by = sides.filter_map(|side| side.claim.by.as_ref());
                    by.any(|stamp| confirms(&stamp.role))
                };
                confirms(role) || !item.entries.iter().all(by_clinician)
            }
            _ => {
                let mut by = item.claims.iter().filter_map(|side| side.claim.by.as_ref());
                confirms(role) || !by.any(|stamp| confirms(&stamp.role))
            }
        },
    };
    decides || (*verdict == Verdict::Discard && is_own_proposal(item, person))
}

/// Whether an item is about who may see an entry; until when a result waits is its author's word.
fn is_of_who_sees(item: &ReviewItem) -> bool {
    let waits = item.field.as_deref() == Some(HIDDEN_FROM_PATIENT_UNTIL);
    item.code == FlagCode::VisibilityRestricted && !waits
}

/// Whether all that an item proposes is of one person.
fn is_own_proposal(item: &ReviewItem, person: PersonId) -> bool {
    let theirs = |side: &ReviewClaim| {
        let by = side.claim.by.as_ref();
        by.is_some_and(|stamp| stamp.author == person)
    };
    let mut proposed = item.claims.iter().filter(|side| side.proposed).peekable();
    item.code == FlagCode::Proposal && proposed.peek().is_some() && proposed.all(theirs)
}
