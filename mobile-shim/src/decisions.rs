//! What was decided or assigned on an entry is kept from whom the entry is kept from: in the same
//! step in which the entry is hidden, and after a sync, when it was said by somebody who did not
//! know of the hiding.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::entry::{
    EntryError, HIDDEN_FROM_PATIENT_UNTIL, HIDDEN_FROM_PROFESSIONALS, HIDDEN_FROM_REPRESENTATIVES,
    Value, Visibility, Write,
};
use sync_core::guard;
use sync_core::merge::{EntryView, decisions_to_hide};
use sync_core::policy::{Action, Flag};
use sync_core::replica::{AsideReason, Entries as _, LocalEntry, SetAside};
use sync_core::sync::Refusal;
use sync_core::{EntryId, RecordId};

use crate::device::{Device, Editing};
use crate::error::Error;
use crate::permits::Permits;
use crate::store::{Shelf, Unlocked, Views};

/// Whether one of these writes changes who may see an entry.
pub fn changes_who_sees<'w>(writes: impl IntoIterator<Item = &'w Write>) -> bool {
    let mut writes = writes.into_iter();
    writes.any(|write| Flag::of_key(&write.key).is_some())
}

/// Hides what was decided on entries as strictly as they are hidden now that `edited` were edited,
/// as far as the person may. `views` are those from before.
///
/// # Errors
/// When the store is broken.
pub fn hide(
    editing: &mut Editing<'_, '_>,
    permits: &Permits,
    views: &Views,
    edited: &[EntryId],
) -> Result<(), Error> {
    let mut now: BTreeMap<EntryId, EntryView> = BTreeMap::new();
    let mut edited = edited.to_vec();
    // A decision may name another one: until none follows from what was just hidden.
    while !edited.is_empty() {
        for entry in edited.drain(..) {
            now.insert(entry, editing.view(&entry)?);
        }
        let views = views.iter().map(|view| now.get(&view.id).unwrap_or(view));
        for (decision, strictest) in decisions_to_hide(views) {
            // It may have gone, or been hidden, since the views were read.
            let stands = match editing.view(&decision) {
                Err(Error::Absent) => continue,
                stands => stands?,
            };
            let writes = stricter(permits, &stands, &strictest);
            if !writes.is_empty() && write_if_it_can(editing, decision, &writes)? {
                edited.push(decision);
            }
        }
    }
    Ok(())
}

/// Hides what came with a sync, was decided on entries and does not know that they are hidden; the
/// answer says whether anything was. What the server would not take of it is not tried again; but a
/// decision that took no more is, once there is something in it that the edit before did not follow.
///
/// # Errors
/// When the store is broken.
pub fn hide_after_sync(
    device: &Device,
    profile: &Unlocked,
    record: &RecordId,
) -> Result<bool, Error> {
    let (permits, views) = Permits::of(device, profile, record)?;
    let mut todo = decisions_to_hide(views.iter());
    if todo.is_empty() {
        return Ok(false);
    }
    let named: BTreeSet<EntryId> = todo.iter().map(|(decision, _)| *decision).collect();
    let mut tried: BTreeSet<EntryId> = BTreeSet::new();
    {
        let mut store = device.store();
        let mut rows = store.rows(profile, record);
        let asides: Vec<SetAside> = rows.notes(Shelf::Aside)?;
        for aside in asides
            .iter()
            .filter(|aside| named.contains(&aside.edit.entry))
        {
            let entry = aside.edit.entry;
            if rows
                .load(&entry)?
                .is_none_or(|local| is_final(aside, &local))
            {
                tried.insert(entry);
            }
        }
    }
    todo.retain(|(decision, strictest)| {
        let stands = views.find(decision);
        let writes = stands.map(|stands| stricter(&permits, stands, strictest));
        !tried.contains(decision) && writes.is_some_and(|writes| !writes.is_empty())
    });
    if todo.is_empty() {
        return Ok(false);
    }
    device.edit(profile, record, |editing| {
        let mut hidden = false;
        for (decision, strictest) in &todo {
            let stands = match editing.view(decision) {
                Err(Error::Absent) => continue,
                stands => stands?,
            };
            let writes = stricter(&permits, &stands, strictest);
            if !writes.is_empty() {
                hidden |= write_if_it_can(editing, *decision, &writes)?;
            }
        }
        Ok(hidden)
    })
}

/// Whether an edit that the server would not take would not be taken now either, as far as is known
/// here. An entry that was full of changes made apart takes one that follows them all.
fn is_final(aside: &SetAside, local: &LocalEntry) -> bool {
    let Ok(inspected) = guard::inspect(&aside.edit.change) else {
        return true;
    };
    let state = local.state();
    let followed = state.closure(inspected.past.deps.iter().copied());
    let mut changes = state.history.iter().map(|past| past.hash);
    aside.why != AsideReason::Refused(Refusal::EntryFull)
        || changes.all(|change| followed.contains(&change))
}

/// Writes into a decision, unless that takes no more: an entry is hidden all the same.
fn write_if_it_can(
    editing: &mut Editing<'_, '_>,
    decision: EntryId,
    writes: &[Write],
) -> Result<bool, Error> {
    match editing.write(decision, writes, Vec::new()) {
        Err(Error::Entry(EntryError::Unfit | EntryError::TooLarge)) => Ok(false),
        written => written.map(|_| true),
    }
}

/// What makes a decision as strict, of that which the person may write.
fn stricter(permits: &Permits, stands: &EntryView, strictest: &Visibility) -> Vec<Write> {
    let (is, class) = (&stands.visibility, stands.class());
    let may = |flag| permits.may(Action::Hide(flag), &class).is_ok();
    let mut writes = Vec::new();
    let mut hide = |flag, key: &str, wanted: bool, is: bool| {
        if wanted && !is && may(flag) {
            writes.push(Write::set(key, true));
        }
    };
    hide(
        Flag::Professionals,
        HIDDEN_FROM_PROFESSIONALS,
        strictest.hidden_from_professionals,
        is.hidden_from_professionals,
    );
    hide(
        Flag::Representatives,
        HIDDEN_FROM_REPRESENTATIVES,
        strictest.hidden_from_representatives,
        is.hidden_from_representatives,
    );
    let until = strictest.hidden_from_patient_until;
    let until = until.filter(|until| *until > permits.now());
    match until {
        Some(until) if Some(until) > is.hidden_from_patient_until && may(Flag::Patient) => {
            writes.push(Write::set(HIDDEN_FROM_PATIENT_UNTIL, Value::Uint(until.0)));
        }
        _ => {}
    }
    writes
}
