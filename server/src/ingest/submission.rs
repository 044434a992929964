use std::collections::{BTreeMap, BTreeSet};

use sync_core::authority::{Cursor, Former, Unverified, VerifiedEdit};
use sync_core::checkpoint::{Seen, SignedCheckpoint};
use sync_core::sign::PublicKey;
use sync_core::sync::limits::MAX_EDITS;
use sync_core::sync::{FrameError, Item, SyncRequest};
use sync_core::{ChangeHash, DeviceId, EntryId, PersonId, RecordId, Tick};

use super::{Trials, Tried};
use crate::devices::Signer;
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
    /// The edits that say they were accepted in another life of the log.
    pub handed_back: BTreeSet<ChangeHash>,
    /// The devices that signed edits, other than the one that brings them, as far as the server
    /// knows them; and of what is handed back all.
    pub authors: BTreeMap<DeviceId, Signer>,
    /// What came of trying the changes, where that is done in other processes.
    pub trials: Option<Trials>,
}

impl Submission {
    /// Verifies edits that a device with this key brings. `cursor` is the request's, opened: it
    /// proves the checkpoint it came with. `authors` are the devices that signed what it brings
    /// ([`HandedIn::authors`]): others than its own count for what is handed back, and for what
    /// their person brings. A damaged edit in a whole frame is refused by itself.
    pub fn new(
        record: RecordId,
        handed_in: HandedIn,
        (visitor, device): (PersonId, &PublicKey),
        cursor: Option<&Cursor>,
        server: &[PublicKey],
        authors: BTreeMap<DeviceId, Signer>,
    ) -> Self {
        let HandedIn {
            items,
            checkpoints,
            tried,
        } = handed_in;
        let refused = tried.as_ref().map(|tried| tried.refused.clone());
        let refused = refused.unwrap_or_default();
        let mut proven: Vec<Seen> = cursor.map(Cursor::seen).into_iter().collect();
        for checkpoint in checkpoints.iter().take(MAX_EDITS) {
            let theirs = checkpoint
                .open(server)
                .is_ok_and(|said| (said.record, said.viewer) == (record, visitor));
            if theirs && let Ok(seen) = checkpoint.seen() {
                proven.push(seen);
            }
        }
        let key = |item: &Item| {
            let origin = item.edit.origin.read().ok();
            let author = origin.and_then(|origin| authors.get(&origin.device));
            let counts = |author: &&Signer| item.accepted.is_some() || author.person == visitor;
            let author = author.filter(counts);
            author.map_or(*device, |author| author.public_key)
        };
        let mut handed_back = BTreeSet::new();
        let mut verify = |(number, item): (usize, Item)| {
            // What was refused elsewhere is not looked at here.
            if refused.contains(&number) {
                return Err(Unverified::malformed(&item.edit));
            }
            let (key, again) = (key(&item), item.accepted.is_some());
            let edit = VerifiedEdit::of(&record, (&key, server), item.edit)?;
            if again {
                handed_back.insert(edit.change());
            }
            Ok(edit)
        };
        let edits: Vec<_> = items.into_iter().enumerate().map(&mut verify).collect();
        let starts = |edit: &&VerifiedEdit| edit.past().deps.is_empty();
        let creations = edits.iter().flatten().filter(starts).count();
        let mut marked = BTreeMap::new();
        for edit in edits.iter().flatten() {
            if let Some(until) = edit.marked_until() {
                let latest: &mut Tick = marked.entry(edit.entry()).or_default();
                *latest = until.max(*latest);
            }
        }
        Submission {
            edits,
            proven,
            creations,
            marked,
            handed_back,
            authors,
            trials: tried.map(|tried| tried.trials),
        }
    }

    /// Whether an edit, which says that it was accepted once, is taken for one of a former life of
    /// the log.
    pub fn hands_back(&self, edit: &VerifiedEdit, former: Former<'_>, now: Tick) -> bool {
        let signer = self.authors.get(&edit.origin().device);
        let registered = signer.map_or(Tick(u64::MAX), |signer| signer.registered);
        self.handed_back.contains(&edit.change()) && former.takes_back(edit, registered, now)
    }
}

/// What a request brings, as it came.
pub struct HandedIn {
    pub(super) items: Vec<Item>,
    checkpoints: Vec<SignedCheckpoint>,
    /// What came of trying them, where that is done in other processes.
    pub tried: Option<Tried>,
}

impl HandedIn {
    /// Unpacks the edits of a request.
    ///
    /// # Errors
    /// When the frame is damaged or holds too much.
    pub fn unpack(record: RecordId, request: SyncRequest) -> Result<Self, AccessError> {
        let items = match &request.edits {
            Some(frame) => frame.unpack(&record).map_err(|error| match error {
                FrameError::TooLarge => AccessError::TooLarge,
                FrameError::Version(_) => {
                    AccessError::Request("the frame of edits is of a version not known here")
                }
                _ => AccessError::Request("the frame of edits is damaged"),
            })?,
            None => Vec::new(),
        };
        if items.len() > MAX_EDITS {
            return Err(AccessError::TooLarge);
        }
        Ok(HandedIn {
            items,
            checkpoints: request.checkpoints,
            tried: None,
        })
    }

    /// The devices that say they signed what is handed back, or what another than `device` signed.
    pub fn authors(&self, device: DeviceId) -> BTreeSet<DeviceId> {
        let signed = self.items.iter().filter_map(|item| {
            let signer = item.edit.origin.read().ok()?.device;
            (item.accepted.is_some() || signer != device).then_some(signer)
        });
        signed.collect()
    }
}
