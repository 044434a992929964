//! What of the queue goes into one request, which is in its order. A *wrong patient* mark goes with
//! the later edits up to the last that writes the status of its entry, if they fit one request at
//! all: that one may take it back, and a mark whose request does not take it back destroys.

use super::{Entries, Unsent};
use crate::change::Edit;
use crate::entry::STATUS;
use crate::guard;
use crate::kind::{JsonScalar as _, Status, StatusCode};
use crate::sync::Item;
use crate::sync::limits::{MAX_EDITS, REQUEST};

#[cfg(test)]
mod tests;

/// How many edits have to be looked at to know what goes.
pub(super) const LOOKED_AT: usize = MAX_EDITS + 1;

/// From which place to which a mark reaches, and what may take it back.
type Span = (usize, usize);

/// As many of the first edits of the queue as fit `room` bytes, one at least if there is one; fewer,
/// or as many more as a request carries, where that keeps together a mark and what may take it back.
/// `queue` holds the first [`LOOKED_AT`].
pub(super) fn first_of<E: Entries>(
    entries: &mut E,
    mut queue: Vec<Unsent>,
    room: usize,
) -> Result<Vec<Item>, E::Error> {
    let fit = fitting(&queue, room);
    if fit < queue.len() {
        let most = fitting(&queue, REQUEST);
        let spans = spans(entries, &queue)?;
        queue.truncate(cut(&spans, fit, most));
    }
    let item = |unsent: Unsent| Item {
        edit: unsent.edit,
        accepted: unsent.lost,
    };
    Ok(queue.into_iter().map(item).collect())
}

/// How many of the first edits fit so many bytes: one at least, if there is one.
fn fitting(queue: &[Unsent], room: usize) -> usize {
    let mut taken = 0;
    let fits = |(place, unsent): &(usize, &Unsent)| {
        taken += unsent.edit.change.len() + unsent.edit.origin.0.payload.len();
        *place == 0 || taken <= room
    };
    let first = queue.iter().take(MAX_EDITS).enumerate();
    first.take_while(fits).count()
}

/// The spans of all marks that something later may take back; one that is not looked at is as far as
/// can be.
fn spans<E: Entries>(entries: &mut E, queue: &[Unsent]) -> Result<Vec<Span>, E::Error> {
    let written: Vec<_> = queue.iter().map(|unsent| status(&unsent.edit)).collect();
    let mut spans = Vec::new();
    for from in 0..queue.len() {
        if written[from] != Some(Some(StatusCode::WrongPatient)) {
            continue;
        }
        let entry = queue[from].edit.entry;
        let of = |place: &usize| queue[*place].edit.entry == entry && written[*place].is_some();
        let mut to = (from + 1..queue.len()).rev().find(of);
        if queue.len() == LOOKED_AT {
            let local = entries.load(&entry)?.unwrap_or_default();
            for (change, edit) in local.pending(&entry) {
                let here = queue.iter().any(|unsent| unsent.change == change);
                if !here && status(&edit).is_some() && entries.unsent(&change)?.is_some() {
                    to = Some(usize::MAX);
                }
            }
        }
        spans.extend(to.map(|to| (from, to)));
    }
    Ok(spans)
}

/// Whether an edit writes the status, and if it can be read, which.
fn status(edit: &Edit) -> Option<Option<StatusCode>> {
    let inspected = guard::inspect(&edit.change).ok()?;
    let written = inspected.past.wrote(STATUS)?;
    let read = written.and_then(Status::from_value);
    Some(read.map(|status| status.status))
}

/// After how many edits to end, so that no span is torn: `fit` or fewer, else more, of at most `most`.
/// Where that cannot be, spans that reach further than a request count for nothing.
fn cut(spans: &[Span], fit: usize, most: usize) -> usize {
    let ends = || (1..=fit).rev().chain(fit + 1..=most);
    let whole = |end: usize, further: bool| {
        let torn = |(from, to): &Span| *from < end && end <= *to && (further || *to < most);
        !spans.iter().any(torn)
    };
    let all = ends().find(|end| whole(*end, true));
    let some = all.or_else(|| ends().find(|end| whole(*end, false)));
    some.unwrap_or(fit)
}
