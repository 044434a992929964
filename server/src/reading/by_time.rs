//! What time alone makes new: a result falls due, a right begins or ends, and nobody writes.

use std::sync::Arc;

use diesel::SqliteConnection;
use sync_core::RecordId;
use sync_core::authority::Cursor;

use super::cursor;
use crate::records::{AccessError, Records, Visitor};
use crate::storage::records::RecordStore as _;

/// What time made new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    Nothing,
    /// Their rights are others; an answer sees that by itself.
    Rights,
    /// Something fell due after the record's last tick: it counts once the record has a later one.
    Due,
}

impl Records {
    /// Whether time alone brought something that a visitor who stands at this cursor must be told
    /// of. If it is something that fell due, the record's time goes on, and all who listen are told.
    ///
    /// # Errors
    /// As [`Records::sync`].
    pub async fn turns_by_time(
        self: &Arc<Self>,
        record: RecordId,
        visitor: Visitor,
        cursor: &[u8],
    ) -> Result<bool, AccessError> {
        let Some(cursor) = cursor::open(&self.keys, record, visitor.person, cursor) else {
            return Ok(false);
        };
        let records = self.clone();
        let look = move |c: &mut SqliteConnection| records.turned(c, record, visitor, &cursor);
        match self.db.read(look).await? {
            Turned::Nothing => return Ok(false),
            Turned::Rights => return Ok(true),
            Turned::Due => {}
        }
        let records = self.clone();
        let go_on = move |c: &mut SqliteConnection| -> Result<(), AccessError> {
            // Another who is connected may have been first.
            if records.turned(c, record, visitor, &cursor)? == Turned::Due
                && let Some(row) = c.record(record)?
            {
                let mut clock = row.clock;
                clock.last = clock.last.next(records.clock.now());
                c.move_clock(record, &clock)?;
            }
            Ok(())
        };
        let records = self.clone();
        let tell = move |(): &()| records.hub.changed(record);
        self.db.write_then(go_on, tell).await?;
        Ok(true)
    }

    fn turned(
        &self,
        connection: &mut SqliteConnection,
        record: RecordId,
        visitor: Visitor,
        cursor: &Cursor,
    ) -> Result<Turned, AccessError> {
        let admitted = self.admit(connection, record, visitor.person)?;
        let (last, now) = (admitted.row.clock.last, self.clock.now());
        let standing = (&admitted.standing, admitted.epoch);
        let shelves = self.shelves_of(&admitted.row, &admitted.shelves, standing);
        let due = last < now
            && (!connection
                .placed(record, &shelves, last, now, 1)?
                .is_empty()
                || admitted.is_holder() && !connection.held_shown(record, last, now)?.is_empty());
        Ok(match () {
            () if due => Turned::Due,
            () if admitted.epoch != cursor.epoch => Turned::Rights,
            () => Turned::Nothing,
        })
    }
}

#[cfg(test)]
mod tests;
