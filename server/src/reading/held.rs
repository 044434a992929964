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
    let me = admitted.vault.author_blind(admitted.subject.person);
    let mut last = after;
    for row in connection.held_changed(record, after, until)? {
        let settled_mine = row.author_blind == me && row.settlement.is_some();
        if !settled_mine && !admitted.is_holder() {
            continue;
        }
        // Several may change at one tick; a page ends between two ticks.
        if budget == 0 && row.changed > last {
            told.more = true;
            told.upto = last;
            break;
        }
        let held = admitted.vault.open_held(&row)?;
        if !settled_mine && !for_holder(connection, admitted, &row, &held)? {
            continue;
        }
        last = row.changed;
        told.reached = row.changed;
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
