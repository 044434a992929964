//! What of the queue goes into one request, which is in its order. A *wrong patient* mark goes with
//! the later edits up to the last that writes the status of its entry, if they fit one request at
//! all: that one may take it back, and a mark whose request does not take it back destroys.
//!
//! What this takes follows what goes; only where a mark would go is the queue looked at further, by
//! what one request can carry.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use super::{Entries, SetAside, Unsent};
use crate::change::Edit;
use crate::entry::{STATUS, work};
use crate::guard;
use crate::kind::{JsonScalar as _, Status, StatusCode};
use crate::sync::Item;
use crate::sync::limits::{MAX_EDITS, REQUEST};
use crate::{ChangeHash, EntryId};

#[cfg(test)]
mod tests;

/// How many edits have to be looked at to know what goes, if a mark does.
const LOOKED_AT: usize = MAX_EDITS + 1;

/// How many edits are read at first; twice as many as long as they all fit.
const READ_AT_FIRST: usize = 64;

/// From which place to which a mark reaches, and what may take it back.
type Span = (usize, usize);

/// What an edit writes of the status: nothing, or what can be read of it.
type Written = Option<Option<StatusCode>>;

/// As many of the first edits of the queue as fit `room` bytes, one at least if there is one; fewer,
/// or as many more as a request carries, where that keeps together a mark and what may take it back.
pub(super) fn first_of<E: Entries>(entries: &mut E, room: usize) -> Result<Vec<Item>, E::Error> {
    let (mut queue, fit) = fitting_of(entries, room)?;
    if fit < queue.len() {
        let looked = Looked::at(&queue[..fit]);
        let end = if (0..fit).any(|place| looked.is_mark(place)) {
            queue = read(entries, LOOKED_AT)?;
            end_of(entries, &queue, fit)?
        } else {
            fit
        };
        queue.truncate(end);
    }
    let item = |unsent: Unsent| Item {
        edit: unsent.edit,
        accepted: unsent.lost,
    };
    Ok(queue.into_iter().map(item).collect())
}

/// The first edits of the queue, one more than fit so many bytes if there are more, and how many
/// fit.
fn fitting_of<E: Entries>(entries: &mut E, room: usize) -> Result<(Vec<Unsent>, usize), E::Error> {
    let mut most = READ_AT_FIRST;
    loop {
        let queue = read(entries, most)?;
        let fit = fitting(&queue, room);
        if fit < queue.len() || queue.len() < most || most == LOOKED_AT {
            return Ok((queue, fit));
        }
        most = (2 * most).min(LOOKED_AT);
    }
}

fn read<E: Entries>(entries: &mut E, most: usize) -> Result<Vec<Unsent>, E::Error> {
    let queue = entries.queue(most)?;
    work::steps(queue.len());
    Ok(queue)
}

/// How many of the first edits fit so many bytes: one at least, if there is one.
fn fitting(queue: &[Unsent], room: usize) -> usize {
    let mut taken = 0;
    let fits = |(place, unsent): &(usize, &Unsent)| {
        taken += unsent.edit.bytes();
        *place == 0 || taken <= room
    };
    let first = queue.iter().take(MAX_EDITS).enumerate();
    first.take_while(fits).count()
}

/// After how many edits to end, so that no span is torn: `fit` or fewer, else more, as many as a
/// request carries at most. Where that cannot be, spans that reach further than a request count for
/// nothing.
fn end_of<E: Entries>(entries: &mut E, queue: &[Unsent], fit: usize) -> Result<usize, E::Error> {
    let looked = Looked::at(queue);
    let mut beyond = Beyond::default();
    let most = fitting(queue, REQUEST);
    let mut spans = looked.spans(entries, &mut beyond, 0..fit)?;
    let whole = |spans: &[Span], end: usize| !spans.iter().any(|span| tears(end, span));
    if let Some(end) = (1..=fit).rev().find(|end| whole(&spans, *end)) {
        return Ok(end);
    }
    spans.extend(looked.spans(entries, &mut beyond, fit..most)?);
    if let Some(end) = (fit + 1..=most).find(|end| whole(&spans, *end)) {
        return Ok(end);
    }
    spans.retain(|(_, to)| *to < most);
    let mut ends = (1..=fit).rev().chain(fit + 1..=most);
    Ok(ends.find(|end| whole(&spans, *end)).unwrap_or(fit))
}

/// Whether a request that ends there tears a mark from what may take it back.
fn tears(end: usize, (from, to): &Span) -> bool {
    *from < end && end <= *to
}

/// The first edits of a queue, each inspected once at most.
struct Looked<'q> {
    queue: &'q [Unsent],
    written: Vec<OnceCell<Written>>,
}

impl<'q> Looked<'q> {
    fn at(queue: &'q [Unsent]) -> Self {
        let written = queue.iter().map(|_| OnceCell::new()).collect();
        Looked { queue, written }
    }

    fn written(&self, place: usize) -> &Written {
        self.written[place].get_or_init(|| status(&self.queue[place].edit))
    }

    fn is_mark(&self, place: usize) -> bool {
        *self.written(place) == Some(Some(StatusCode::WrongPatient))
    }

    /// The spans of the marks in a part of the queue that something later may take back; what is not
    /// looked at is as far as can be.
    fn spans<E: Entries>(
        &self,
        entries: &mut E,
        beyond: &mut Beyond,
        part: Range<usize>,
    ) -> Result<Vec<Span>, E::Error> {
        let mut spans = Vec::new();
        for from in part.filter(|place| self.is_mark(*place)) {
            let entry = self.queue[from].edit.entry;
            let is_later = |place: &usize| {
                self.queue[*place].edit.entry == entry && self.written(*place).is_some()
            };
            let to = (from + 1..self.queue.len()).rev().find(is_later);
            spans.extend(to.map(|to| (from, to)));
            // What one request that begins with the mark carries is all here.
            let may_be_beyond = from > 0 && self.queue.len() == LOOKED_AT;
            if may_be_beyond && beyond.writes_status(entries, self.queue, entry)? {
                spans.push((from, usize::MAX));
            }
        }
        Ok(spans)
    }
}

/// What waits behind the part of the queue that is looked at.
#[derive(Default)]
struct Beyond {
    known: BTreeMap<EntryId, bool>,
    aside: Option<Vec<SetAside>>,
}

impl Beyond {
    /// Whether an edit behind this part of the queue writes the status of an entry: of those that
    /// are in it and wait, and those that were held and go again, which are not.
    fn writes_status<E: Entries>(
        &mut self,
        entries: &mut E,
        queue: &[Unsent],
        entry: EntryId,
    ) -> Result<bool, E::Error> {
        let known = match self.known.entry(entry) {
            Entry::Occupied(known) => return Ok(*known.get()),
            Entry::Vacant(new) => new,
        };
        let local = entries.load(&entry)?.unwrap_or_default();
        let aside = match &mut self.aside {
            Some(aside) => aside,
            none => none.insert(entries.aside()?),
        };
        work::steps(1 + aside.len());
        let again = aside.iter().filter(|aside| aside.edit.entry == entry);
        let again = again.map(|aside| (aside.change, aside.edit.clone()));
        let of_entry = queue.iter().filter(|unsent| unsent.edit.entry == entry);
        let here: Vec<ChangeHash> = of_entry.map(|unsent| unsent.change).collect();
        let mut found = false;
        for (change, edit) in local.pending(&entry).into_iter().chain(again) {
            let waits = !here.contains(&change) && entries.unsent(&change)?.is_some();
            if waits && status(&edit).is_some() {
                found = true;
                break;
            }
        }
        known.insert(found);
        Ok(found)
    }
}

/// What an edit writes of the status.
fn status(edit: &Edit) -> Written {
    work::steps(1);
    let inspected = guard::inspect(&edit.change).ok()?;
    let written = inspected.past.wrote(STATUS)?;
    let read = written.and_then(Status::from_value);
    Some(read.map(|status| status.status))
}
