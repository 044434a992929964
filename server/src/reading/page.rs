//! One page of what is new to a visitor. Reads, decrypts and packs; writes nothing.

use diesel::SqliteConnection;
use sync_core::authority::{self, Since, Viewer, walk};
use sync_core::sync::limits::{ANSWER, AT_ONCE, LEAST_ANSWER, MAX_PAGE};
use sync_core::sync::{Frame, Stripped};
use sync_core::{PersonId, RecordId};

use super::answer::Start;
use super::log::{Named, StoredLog};
use crate::fault::Fault;
use crate::records::{AccessError, AtHand, Records};

/// What is new, as far as one answer goes.
pub struct Page {
    /// Changes, signed.
    pub news: Option<Frame>,
    /// All else; the changes are in the frame.
    pub rest: authority::Page<Stripped>,
    /// The rights and shelves by which it was worked out.
    pub(super) at_hand: Option<AtHand>,
}

/// Works a page out, as the record stands in this snapshot.
///
/// # Errors
/// [`AccessError::NotYours`] for strangers.
pub fn page(
    records: &Records,
    connection: &mut SqliteConnection,
    record: RecordId,
    person: PersonId,
    start: &Start,
) -> Result<Page, AccessError> {
    let admitted = records.admit(connection, record, person)?;
    records.remember(
        &admitted.row,
        admitted.known.clone(),
        admitted.shelves.clone(),
    );
    let limit = start.limit.map_or(ANSWER, |limit| limit as usize);
    let since = Since {
        log: admitted.row.log,
        until: admitted.row.clock.last,
        cursor: start.cursor,
        floor: start.floor,
        own: &start.own,
        answered: &start.answered,
        held: &start.held,
        budget: limit.clamp(LEAST_ANSWER, ANSWER),
        returning: start.returning,
        most: MAX_PAGE,
        at_once: AT_ONCE,
        compare: start.compare.as_ref(),
    };
    let viewer = Viewer {
        standing: &admitted.standing,
        matrix: &records.matrix,
        epoch: admitted.epoch,
        holder: admitted.is_holder(),
    };
    let standing = (viewer.standing, viewer.epoch);
    let mut log = StoredLog {
        connection,
        admitted: &admitted,
        shelves: records.shelves_of(&admitted.row, &admitted.shelves, standing),
        named: Named::default(),
    };
    let mut page = walk(&mut log, viewer, &since)?;
    let Named { people, is_partial } = log.named;
    let is_all = page.reset && !page.more && start.cursor.is_none() && since.compare.is_none();
    if is_all && !start.returning && !is_partial && start.own.is_empty() {
        records.just_gave(&admitted, since.until, people);
    }
    let items = std::mem::take(&mut page.items);
    let key = &records.keys.server_signing_key().signing;
    let news = match items.as_slice() {
        [] => None,
        items => Some(
            Frame::attest_stripped(&record, admitted.row.log, items, key)
                .map_err(|_| Fault::malformed("an entry too large for a frame"))?,
        ),
    };
    let at_hand = AtHand::new(&admitted.row, &admitted.known, &admitted.shelves);
    Ok(Page {
        news,
        rest: page,
        at_hand: Some(at_hand),
    })
}
