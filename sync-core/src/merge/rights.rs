//! What rights entries and review decisions say to those who enforce them.

use std::collections::BTreeMap;

use super::{EntryView, Standing};
use crate::change::Provenance;
use crate::entry::{EntryState, PERSON, STATUS, Value};
use crate::kind::decision::{CHANGE, DECISION};
use crate::kind::right::{ENDS, STARTS, TYPE, WRITE};
use crate::kind::{JsonScalar as _, Kind, Status, Verdict};
use crate::policy::{DelegationType, RightFact, RightKind, Role};
use crate::{ChangeHash, PersonId, Tick};

/// What a rights entry says, concurrent edits settled: the most restrictive stands, a revocation
/// beats a grant, and a block outlasts its lifting by somebody who did not see who is blocked or
/// when changed, or that it was made again.
///
/// Nothing for an entry that is no right, or of which two people were named at once.
pub fn right_fact(view: &EntryView) -> Option<RightFact> {
    let kind = view.kind.right()?;
    let block = kind == RightKind::Block;
    let claims = |key| view.claims(key).iter().map(|claim| &claim.value);
    let people = claims(PERSON).filter_map(|value| value.as_text()?.parse::<PersonId>().ok());
    let mut people: Vec<PersonId> = people.collect();
    people.sort();
    people.dedup();
    let person = match people.as_slice() {
        [one] => *one,
        [one, ..] if block => *one,
        _ => return None,
    };
    let ticks = |key| {
        let ticks = claims(key).map(|value| match value {
            Value::Uint(tick) => Some(Tick(*tick)),
            _ => None,
        });
        ticks.collect::<Vec<Option<Tick>>>()
    };
    // Absent is the earliest start and the latest end.
    let earliest_start = ticks(STARTS).into_iter().min().flatten();
    let latest_start = ticks(STARTS).into_iter().max().flatten();
    let earliest_end = ticks(ENDS).into_iter().flatten().min();
    let open = ticks(ENDS).contains(&None);
    let latest_end = ticks(ENDS).into_iter().flatten().max().filter(|_| !open);
    let types = claims(TYPE).filter_map(|value| value.as_text());
    let types: Vec<DelegationType> = types.map(|text| text.to_owned().into()).collect();
    let least = types
        .iter()
        .find(|delegation| **delegation == DelegationType::Caregiver);
    let mut statuses = claims(STATUS).filter_map(Status::from_value);
    let ended = !matches!(view.standing, Standing::Active);
    // A status that only a newer version understands takes a right away, never gives one.
    let obscure = statuses.any(|status| !status.status.is_known());
    Some(RightFact {
        accepted: view.recorded.unwrap_or(Tick(u64::MAX)),
        entry: view.id,
        kind,
        person,
        delegation_type: least.or(types.first()).cloned(),
        starts: if block { earliest_start } else { latest_start },
        ends: if block { latest_end } else { earliest_end },
        write: claims(WRITE).count() > 0 && claims(WRITE).all(|value| *value == Value::Bool(true)),
        revoked: ended || (obscure && !block),
    })
}

/// The held changes that a review decision leaves out whose changes have these provenances: none
/// unless it says so without dispute, and the holder made it.
pub fn discards(
    state: &EntryState,
    provenance: &BTreeMap<ChangeHash, Provenance>,
) -> Vec<ChangeHash> {
    let made = state.creation().and_then(|past| provenance.get(&past.hash));
    if made.is_none_or(|made| made.origin.role != Role::Holder) {
        return Vec::new();
    }
    let discard = Value::from(Verdict::Discard.code());
    let mut decisions = state.values(DECISION).peekable();
    let mut statuses = state.values(STATUS).filter_map(Status::from_value);
    let decided = Kind::of(state) == Some(Kind::ReviewDecision)
        && decisions.peek().is_some()
        && decisions.all(|decision| *decision == discard)
        && statuses.all(|status| status.status.is_active());
    if !decided {
        return Vec::new();
    }
    let named = state.values(CHANGE).filter_map(Value::as_text);
    named.filter_map(change_hash).collect()
}

/// Reads a change's name from hexadecimal text.
pub(super) fn change_hash(text: &str) -> Option<ChangeHash> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(ChangeHash(hash))
}
