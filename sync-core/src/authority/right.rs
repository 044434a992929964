//! What a rights entry says: between concurrent edits the most restrictive stands.

use crate::entry::{EntryState, PERSON, STATUS, Value};
use crate::kind::right::{ENDS, STARTS, TYPE, WRITE};
use crate::kind::{Status, StatusCode};
use crate::policy::{DelegationType, RightFact, RightKind};
use crate::{EntryId, Tick};

/// What a rights entry that the server accepted at `accepted` says; nothing when it is no right or
/// names nobody. Whom it names was said once, by the change that created it.
pub fn right_fact(entry: EntryId, accepted: Tick, state: &EntryState) -> Option<RightFact> {
    let kind = RightKind::parse(state.kind()?)?;
    let person = state.creation()?.wrote(PERSON)??.as_text()?.parse().ok()?;
    let ticks = |key| {
        state.values(key).filter_map(|value| match value {
            Value::Uint(tick) => Some(Tick(*tick)),
            _ => None,
        })
    };
    let mut types = state.values(TYPE).filter_map(Value::as_text);
    let delegation_type = match (types.next(), types.next()) {
        (Some(one), None) => Some(DelegationType::from(one.to_owned())),
        _ => None,
    };
    let block = kind == RightKind::Block;
    let mut statuses = state.values(STATUS).map(takes_back);
    // Lifting a block gives something: it counts only when nobody said otherwise meanwhile.
    let revoked = if block {
        !state.claims(STATUS).is_empty() && statuses.all(|revoked| revoked)
    } else {
        statuses.any(|revoked| revoked)
    };
    // A right is shortest where edits disagree, a block longest.
    let (starts, ends) = if block {
        (ticks(STARTS).min(), ticks(ENDS).max())
    } else {
        (ticks(STARTS).max(), ticks(ENDS).min())
    };
    Some(RightFact {
        accepted,
        entry,
        kind,
        person,
        delegation_type,
        starts,
        ends,
        write: !state.claims(WRITE).is_empty()
            && state.values(WRITE).all(|value| *value == Value::Bool(true)),
        revoked,
    })
}

/// Whether a status takes the right back; one that cannot be read does.
fn takes_back(status: &Value) -> bool {
    let status = status.as_text().map(serde_json::from_str::<Status>);
    !matches!(status, Some(Ok(status)) if status.status == StatusCode::Active)
}
