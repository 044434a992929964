//! What a submission's *wrong patient* marks come to. Each is decided on when the last edit of its
//! entry has had its turn, and not before: those who made it may have taken it back before they sent
//! it. What a turn ends amidst is noted, so that it is found if the rest never comes; and a mark that
//! another request may take back yet is left to that request.

use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use sync_core::authority::{Unverified, VerifiedEdit};
use sync_core::sync::{Refusal, Verdict};
use sync_core::{EntryId, Tick};

use super::entry_of;
use super::gather::Gathered;
use super::write::Writing;
use crate::fault::Fault;
use crate::records::{Admitted, Records};
use crate::storage::records::RecordStore as _;

/// Marks that their own request may take back yet: when each was accepted.
pub type OpenMarks = BTreeMap<EntryId, BTreeSet<Tick>>;

/// The entries that edits of one turn name.
pub(super) struct Marks {
    /// Which edit of each entry is the last.
    last: BTreeMap<EntryId, usize>,
    /// Those of which an edit is in the record, and that are not decided on.
    touched: BTreeSet<EntryId>,
    /// What earlier turns left, or an earlier request of which this is the rest.
    open: OpenMarks,
}

impl Marks {
    pub(super) fn new(edits: &[Result<VerifiedEdit, Unverified>], open: OpenMarks) -> Self {
        let places = edits.iter().enumerate();
        Marks {
            last: places.map(|(at, edit)| (entry_of(edit), at)).collect(),
            touched: BTreeSet::new(),
            open,
        }
    }

    /// An edit has had its turn, and this verdict: says whether the visitor is told that the entry
    /// is gone, and destroys it if that must be.
    pub(super) fn had(
        &mut self,
        (records, connection): (&Records, &mut SqliteConnection),
        admitted: &Admitted<'_>,
        (writing, gathered): (&mut Writing<'_>, &mut Gathered),
        (at, entry, verdict): (usize, EntryId, &Verdict),
    ) -> Result<(), Fault> {
        let kept = gathered.kept.get(&entry);
        let gone = kept.and_then(|kept| kept.destroyed.as_ref());
        if let Some(gone) = gone {
            let (standing, matrix) = (&admitted.standing, &records.matrix);
            let told = *verdict == Verdict::Refused(Refusal::Destroyed)
                || gone.stood.is_empty()
                || gone.stood.iter().any(|on| on.is_for(standing, matrix));
            writing.missed.extend(told.then_some(entry));
        } else if kept.is_some() && verdict.accepted().is_some() {
            self.touched.insert(entry);
            if let Verdict::Duplicate(accepted) = verdict {
                // It comes again with what was cut short.
                self.open.entry(entry).or_default().insert(*accepted);
            }
        }
        if self.last.get(&entry) != Some(&at) {
            return Ok(());
        }
        let open = self.open.remove(&entry);
        if self.touched.remove(&entry) || open.is_some() {
            let open = open.unwrap_or_default();
            decide(connection, admitted, (writing, gathered), (entry, &open))?;
        }
        Ok(())
    }

    /// The turn ends: notes the marks of the entries that it touched and whose last edit is still to
    /// come. Those that earlier turns left are not looked at again before that edit.
    pub(super) fn leave(
        self,
        connection: &mut SqliteConnection,
        admitted: &Admitted<'_>,
        (writing, gathered): (&Writing<'_>, &mut Gathered),
    ) -> Result<OpenMarks, Fault> {
        let record = admitted.row.record;
        let Marks {
            touched,
            open: mut left,
            ..
        } = self;
        for entry in touched {
            let before = left.remove(&entry).unwrap_or_default();
            let mut marks = standing(connection, admitted, (writing, gathered), entry)?;
            marks.retain(|mark, own| *own || before.contains(mark));
            let marks: BTreeSet<Tick> = marks.into_keys().collect();
            connection.undoom(record, entry, &(&before - &marks))?;
            connection.doom(record, entry, &marks)?;
            if !marks.is_empty() {
                left.insert(entry, marks);
            }
        }
        Ok(left)
    }
}

/// Destroys an entry if a mark stands that nobody may take back any more.
fn decide(
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    (writing, gathered): (&mut Writing<'_>, &mut Gathered),
    (entry, open): (EntryId, &BTreeSet<Tick>),
) -> Result<(), Fault> {
    let record = admitted.row.record;
    let marks = standing(connection, admitted, (writing, gathered), entry)?;
    if marks.is_empty() {
        return Ok(connection.undoom(record, entry, open)?);
    }
    let noted = connection.doomed_by(record, entry)?;
    let decided =
        |(mark, own): (&Tick, &bool)| *own || open.contains(mark) || !noted.contains(mark);
    if marks.iter().any(decided) {
        writing.destroy(connection, gathered, entry)?;
        connection.undoom(record, entry, &noted)?;
    } else {
        connection.undoom(record, entry, open)?;
    }
    Ok(())
}

/// The marks that stand and must destroy an entry, and whether each is of this request, or of an
/// earlier one of its device, which comes again with what was cut short.
fn standing(
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    (writing, gathered): (&Writing<'_>, &mut Gathered),
    entry: EntryId,
) -> Result<BTreeMap<Tick, bool>, Fault> {
    gathered.load(connection, &admitted.vault, entry)?;
    let Some(kept) = gathered.kept.get_mut(&entry) else {
        return Ok(BTreeMap::new());
    };
    if kept.destroyed.is_some() {
        return Ok(BTreeMap::new());
    }
    let device = writing.device();
    let marks = kept.destroyers().into_iter();
    let marks = marks.filter_map(|mark| {
        let tick = mark.accepted?;
        let here = writing.own.contains(&tick) || writing.freed.contains(&tick);
        let own = here || Some(mark.origin.device) == device;
        Some((tick, own))
    });
    Ok(marks.collect())
}
