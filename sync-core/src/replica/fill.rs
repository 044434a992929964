//! What of the queue goes into one request. A *wrong patient* mark goes with the later edits of its
//! entry up to the last that writes its status, if they fit one request at all: that one may take it
//! back, and a mark whose request does not take it back destroys.

use std::collections::BTreeSet;

use super::{Entries, Unsent};
use crate::ChangeHash;
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

/// As many of the first edits of the queue as fit `room` bytes, one at least if there is one, and with
/// a mark what may take it back, as far as a request carries that. `queue` holds the first
/// [`LOOKED_AT`]; what goes with a mark may come from behind them.
pub(super) fn first_of<E: Entries>(
    entries: &mut E,
    mut queue: Vec<Unsent>,
    room: usize,
) -> Result<Vec<Item>, E::Error> {
    if fitting(&queue, room) < queue.len() {
        let spans;
        (queue, spans) = with_marks(entries, queue)?;
        let (fit, most) = (fitting(&queue, room), fitting(&queue, REQUEST));
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

/// From which place to which a mark reaches, and what goes with it.
type Span = (usize, usize);

/// The queue with what goes with each mark right behind it, and from which place to which that
/// reaches. Edits of an entry stay in their order.
fn with_marks<E: Entries>(
    entries: &mut E,
    queue: Vec<Unsent>,
) -> Result<(Vec<Unsent>, Vec<Span>), E::Error> {
    let (mut first, mut spans) = (Vec::with_capacity(queue.len()), Vec::new());
    let mut gone: BTreeSet<ChangeHash> = BTreeSet::new();
    for unsent in queue {
        if !gone.insert(unsent.change) {
            continue;
        }
        let later = match is_mark(&unsent) {
            true => later_status(entries, &unsent)?,
            false => Vec::new(),
        };
        if !later.is_empty() {
            spans.push((first.len(), first.len() + later.len()));
            gone.extend(later.iter().map(|unsent| unsent.change));
        }
        first.push(unsent);
        first.extend(later);
    }
    Ok((first, spans))
}

/// The unsent edits of a mark's entry after it, up to the last that writes the status.
fn later_status<E: Entries>(entries: &mut E, mark: &Unsent) -> Result<Vec<Unsent>, E::Error> {
    let entry = mark.edit.entry;
    let local = entries.load(&entry)?.unwrap_or_default();
    let pending = local.pending(&entry);
    let after = pending
        .iter()
        .skip_while(|(change, _)| *change != mark.change);
    let after: Vec<_> = after.skip(1).collect();
    let last = after.iter().rposition(|(_, edit)| status(edit).is_some());
    let mut later = Vec::new();
    for (change, _) in after.into_iter().take(last.map_or(0, |last| last + 1)) {
        later.extend(entries.unsent(change)?);
    }
    Ok(later)
}

fn is_mark(unsent: &Unsent) -> bool {
    status(&unsent.edit).is_some_and(|status| status == Some(StatusCode::WrongPatient))
}

/// Whether an edit writes the status, and if it can be read, which.
fn status(edit: &Edit) -> Option<Option<StatusCode>> {
    let inspected = guard::inspect(&edit.change).ok()?;
    let written = inspected.past.wrote(STATUS)?;
    Some(
        written
            .and_then(Status::from_value)
            .map(|status| status.status),
    )
}

/// After how many edits to end, so that no span is torn: `fit` or fewer, else more, of at most `most`.
/// A span that no request carries counts for nothing once it comes first.
fn cut(spans: &[Span], fit: usize, most: usize) -> usize {
    let torn = |end: usize| {
        let torn = |(from, to): &Span| {
            let hopeless = *from == 0 && *to >= most;
            *from < end && end <= *to && !hopeless
        };
        spans.iter().any(torn)
    };
    let fewer = (1..=fit).rev();
    let mut ends = fewer.chain(fit + 1..=most);
    ends.find(|end| !torn(*end)).unwrap_or(fit)
}
