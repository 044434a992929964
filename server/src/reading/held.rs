//! Telling of held edits: to the holder those that wait for a decision, to their author what was
//! decided.

use diesel::SqliteConnection;
use sync_core::Tick;
use sync_core::sync::{HeldEdit, HoldReason};

use crate::fault::Fault;
use crate::records::Admitted;
use crate::records::vault::Held;
use crate::storage::records::{HeldRow, RecordStore as _};

/// What there is to tell.
pub(super) struct Told {
    pub(super) edits: Vec<HeldEdit>,
    /// How far this goes.
    pub(super) upto: Tick,
    /// When the last of them changed.
    pub(super) reached: Tick,
    pub(super) more: bool,
}

pub(super) fn tell(
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    (after, until): (Tick, Tick),
    mut budget: usize,
) -> Result<Told, Fault> {
    let mut told = Told {
        edits: Vec::new(),
        upto: until,
        reached: Tick(0),
        more: false,
    };
    let record = admitted.row.record;
    let rows = connection.held_changed(record, after, until)?.into_iter();
    let mut rows: Vec<(Tick, HeldRow)> = rows
        .filter_map(|row| Some((told_since(admitted, &row)?, row)))
        .filter(|(since, _)| after < *since && *since <= until)
        .collect();
    rows.sort_by_key(|(since, _)| *since);
    let mut last = after;
    for (since, row) in rows {
        // Several may change at one tick; a page ends between two ticks.
        if budget == 0 && since > last {
            told.more = true;
            told.upto = last;
            break;
        }
        let held = admitted.vault.open_held(&row)?;
        if !settled_mine(admitted, &row) && !for_holder(connection, admitted, &row, &held)? {
            continue;
        }
        last = since;
        told.reached = since;
        budget = budget.saturating_sub(held.edit.change.len() + 256);
        told.edits.push(HeldEdit {
            edit: held.edit,
            reason: held.reason,
            received: row.received,
            settled: row.settlement,
        });
    }
    Ok(told)
}

/// Since when there is something to tell the visitor of a held edit, if they may be told at all:
/// an author when it was settled, the holder when it came, but not before they may know of it.
fn told_since(admitted: &Admitted<'_>, row: &HeldRow) -> Option<Tick> {
    if settled_mine(admitted, row) {
        Some(row.changed)
    } else {
        let since = row.due.map_or(row.changed, |due| due.max(row.changed));
        admitted.is_holder().then_some(since)
    }
}

fn settled_mine(admitted: &Admitted<'_>, row: &HeldRow) -> bool {
    let me = admitted.vault.author_blind(admitted.subject.person);
    row.author_blind == me && row.settlement.is_some()
}

/// Whether the holder decides on a held edit: it was made in good faith, or follows one that was.
fn for_holder(
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    row: &HeldRow,
    held: &Held,
) -> Result<bool, Fault> {
    match held.reason {
        HoldReason::NoLongerPermitted => Ok(true),
        HoldReason::FollowsHeld => {
            for other in connection.held_of_entry(admitted.row.record, row.entry)? {
                let reason = admitted.vault.open_held(&other)?.reason;
                if other.author_blind == row.author_blind && reason == HoldReason::NoLongerPermitted
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        HoldReason::NotPermitted => Ok(false),
    }
}
