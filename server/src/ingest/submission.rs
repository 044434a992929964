use std::collections::BTreeMap;

use sync_core::authority::{Unverified, VerifiedEdit};
use sync_core::checkpoint::Seen;
use sync_core::sign::PublicKey;
use sync_core::sync::SyncRequest;
use sync_core::sync::limits::MAX_EDITS;
use sync_core::{EntryId, RecordId, Tick};

use crate::reading::Cursor;
use crate::records::AccessError;

/// What a device hands in, checked as far as that needs no store.
#[derive(Default)]
pub struct Submission {
    /// The edits, verified.
    pub edits: Vec<Result<VerifiedEdit, Unverified>>,
    /// The checkpoints that the device proved to have held.
    pub proven: Vec<Seen>,
    /// How many of the edits start an entry.
    pub creations: usize,
    /// The entries that edits mark as not to be known to the holder yet, and until when.
    pub marked: BTreeMap<EntryId, Tick>,
}

impl Submission {
    /// Unpacks and verifies what a request from the device with this key brings. `cursor` is the
    /// request's, opened: it proves the checkpoint it came with.
    ///
    /// # Errors
    /// When the frame is damaged or holds too many edits. A damaged edit in a whole frame is
    /// refused by itself.
    pub fn new(
        record: RecordId,
        request: &SyncRequest,
        device: &PublicKey,
        cursor: Option<&Cursor>,
        server: &[PublicKey],
    ) -> Result<Self, AccessError> {
        let Some(frame) = &request.edits else {
            return Ok(Self::default());
        };
        let items = frame
            .unpack(&record)
            .map_err(|_| AccessError::Request("the frame of edits is damaged"))?;
        if items.len() > MAX_EDITS {
            return Err(AccessError::Request("too many edits at once"));
        }
        let mut proven: Vec<Seen> = cursor.map(Cursor::seen).into_iter().collect();
        for checkpoint in request.checkpoints.iter().take(MAX_EDITS) {
            let of_this_record = checkpoint
                .open(server)
                .is_ok_and(|said| said.record == record);
            if of_this_record && let Ok(seen) = checkpoint.seen() {
                proven.push(seen);
            }
        }
        let edits: Vec<_> = items
            .into_iter()
            .map(|item| VerifiedEdit::new(&record, device, item.edit))
            .collect();
        let starts = |edit: &&VerifiedEdit| edit.past().deps.is_empty();
        let creations = edits.iter().flatten().filter(starts).count();
        let mut marked = BTreeMap::new();
        for edit in edits.iter().flatten() {
            if let Some(until) = edit.marked_until() {
                let latest: &mut Tick = marked.entry(edit.entry()).or_default();
                *latest = until.max(*latest);
            }
        }
        Ok(Submission {
            edits,
            proven,
            creations,
            marked,
        })
    }
}
