//! What a decision on an item of the to-review list inherits.

use super::super::{EntryView, FlagCode, assigned};
use super::{Inherited, ReviewItem};
use crate::entry::{HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES, Value, Visibility};
use crate::kind::Kind;
use crate::policy::Role;

/// Whoever may not see one of the entries an item is about must not learn of it from a decision.
pub fn inherited(item: &ReviewItem, views: &[EntryView], role: &Role) -> Inherited {
    let about = || views.iter().filter(|view| item.entries.contains(&view.id));
    // A decision that another one crossed is named as well, and a held edit may hide what it makes.
    let named = |view: &&EntryView| item.claims.iter().any(|side| side.entry == view.id);
    let touched = views
        .iter()
        .filter(|view| item.entries.contains(&view.id) || named(view));
    let strictest = |all: Visibility, view: &EntryView| all.strictest(&view.visibility);
    let mut visibility = touched.fold(written(item), strictest);
    // Whoever minds a delay has the entry only once it is over.
    if *role == Role::Holder || role.is_delegate() {
        visibility.hidden_from_patient_until = None;
    }
    let mut kinds: Vec<&str> = about().map(|view| view.kind.code()).collect();
    kinds.extend(item.kind.as_ref().map(Kind::code));
    let crossed = views.iter().filter(named).map(assigned::about);
    kinds.extend(crossed.flat_map(str::split_whitespace));
    if kinds.is_empty() {
        // Of a kind nobody knows here: as narrow as one of a newer version.
        kinds.push("-");
    }
    kinds.sort_unstable();
    kinds.dedup();
    let about = kinds.join(" ");
    Inherited { visibility, about }
}

/// What a held edit says of who may see what it writes.
fn written(item: &ReviewItem) -> Visibility {
    let held = |key: &str| {
        let sides = item.claims.iter().filter(move |side| side.field == key);
        item.code == FlagCode::HeldEdit
            && sides
                .map(|side| &side.claim.value)
                .any(|value| *value == Value::Bool(true))
    };
    Visibility {
        hidden_from_professionals: held(HIDDEN_FROM_PROFESSIONALS),
        hidden_from_representatives: held(HIDDEN_FROM_REPRESENTATIVES),
        hidden_from_patient_until: None,
    }
}
