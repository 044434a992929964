//! What of the queue goes into one request. A *wrong patient* mark goes with the later edits of its
//! entry, if they fit one request at all: one of them may take it back, and a mark whose request
//! does not take it back destroys.

use std::collections::BTreeSet;

use super::{Entries, Unsent};
use crate::ChangeHash;
use crate::entry::STATUS;
use crate::guard;
use crate::kind::{JsonScalar as _, Status, StatusCode};
use crate::sync::Item;
use crate::sync::limits::{MAX_EDITS, REQUEST};

#[cfg(test)]
mod tests;

/// How many edits have to be looked at to know what goes.
pub(super) const LOOKED_AT: usize = MAX_EDITS + 1;

/// As many of the first edits of the queue as fit `room` bytes, one at least if there is one; more,
/// as far as a request carries them, where a mark and what may take it back need it. `queue` holds
/// the first [`LOOKED_AT`].
pub(super) fn first_of<E: Entries>(
    entries: &mut E,
    mut queue: Vec<Unsent>,
    room: usize,
) -> Result<Vec<Item>, E::Error> {
    let size = |unsent: &Unsent| {
        let edit = &unsent.edit;
        edit.change.len() + edit.origin.0.payload.len()
    };
    let sizes = || queue.iter().map(size);
    let fit = fitting(sizes(), (MAX_EDITS, room));
    let most = fitting(sizes(), (MAX_EDITS, REQUEST));
    if fit < queue.len() {
        let spans = spans(entries, &queue[..most])?;
        queue.truncate(cut(&spans, fit, most));
    }
    let item = |unsent: Unsent| Item {
        edit: unsent.edit,
        accepted: unsent.lost,
    };
    Ok(queue.into_iter().map(item).collect())
}

/// How many of the first edits, of these sizes, fit one request: one at least.
fn fitting(sizes: impl Iterator<Item = usize>, (edits, bytes): (usize, usize)) -> usize {
    let mut taken = 0;
    let fits = |(place, size): &(usize, usize)| {
        taken += size;
        *place == 0 || taken <= bytes
    };
    sizes.take(edits).enumerate().take_while(fits).count()
}

/// From which place to which each mark of these edits and the later edits of its entry reach;
/// without an end, if some are not among these.
fn spans<E: Entries>(
    entries: &mut E,
    first: &[Unsent],
) -> Result<Vec<(usize, Option<usize>)>, E::Error> {
    let here: BTreeSet<ChangeHash> = first.iter().map(|unsent| unsent.change).collect();
    let mut spans = Vec::new();
    for (place, unsent) in first.iter().enumerate().filter(|(_, u)| is_mark(u)) {
        let entry = unsent.edit.entry;
        let local = entries.load(&entry)?.unwrap_or_default();
        let pending = local.pending(&entry);
        let all_here = pending.iter().all(|(change, _)| here.contains(change));
        let last = first.iter().rposition(|other| other.edit.entry == entry);
        spans.push((place, last.filter(|_| all_here)));
    }
    Ok(spans)
}

fn is_mark(unsent: &Unsent) -> bool {
    let inspected = guard::inspect(&unsent.edit.change);
    let status = inspected.ok().and_then(|inspected| {
        let written = inspected.past.wrote(STATUS).flatten();
        written.and_then(Status::from_value)
    });
    status.is_some_and(|status| status.status == StatusCode::WrongPatient)
}

/// After how many edits to end, so that no span is torn: `fit` or fewer, else `most` at the most, and
/// after `fit` if one is torn anyhow.
fn cut(spans: &[(usize, Option<usize>)], fit: usize, most: usize) -> usize {
    let torn = |end: usize| {
        let torn =
            |(from, to): &(usize, Option<usize>)| *from < end && to.is_none_or(|to| end <= to);
        spans.iter().any(torn)
    };
    let fewer = (1..=fit).rev();
    let ends = fewer.chain(fit + 1..=most);
    ends.into_iter().find(|end| !torn(*end)).unwrap_or(fit)
}
