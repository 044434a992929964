//! What another patient's entry leaves on a device: that it was destroyed, and nothing of it.

use std::collections::BTreeSet;

use super::{AnswerError, Author, Destroyed, Entries, ReplicaHead, Report};
use crate::change::Edit;
use crate::sync::SyncAnswer;
use crate::{ChangeHash, DeviceTime, EntryId};

impl ReplicaHead {
    /// Drops entries that were destroyed, with all edits of them: those that wait, those that were
    /// set aside and those that are held. What other entries have is not touched.
    pub(super) fn drop_destroyed<E: Entries>(
        &self,
        entries: &mut E,
        author: &Author,
        answer: &SyncAnswer,
        now: DeviceTime,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let refused = std::mem::take(&mut report.destroyed);
        let all: BTreeSet<EntryId> = answer.destroyed.iter().copied().chain(refused).collect();
        for entry in all {
            let mut here = entries.load(&entry).map_err(AnswerError::Store)?.is_some();
            let mut not_kept: BTreeSet<ChangeHash> = BTreeSet::new();
            let mut dropped = |edit: &Edit, change, lost: bool| {
                here = true;
                let origin = edit.origin.read();
                if !lost && origin.is_ok_and(|origin| origin.author == author.person) {
                    not_kept.insert(change);
                }
            };
            for unsent in entries.queue(usize::MAX).map_err(AnswerError::Store)? {
                if unsent.edit.entry == entry {
                    let change = unsent.change;
                    entries.dequeue(&change).map_err(AnswerError::Store)?;
                    dropped(&unsent.edit, change, unsent.lost.is_some());
                }
            }
            for aside in entries.aside().map_err(AnswerError::Store)? {
                if aside.edit.entry == entry {
                    let change = aside.change;
                    entries.take_up(&change).map_err(AnswerError::Store)?;
                    dropped(&aside.edit, change, aside.lost.is_some());
                }
            }
            entries.remove(&entry).map_err(AnswerError::Store)?;
            entries.forget_held(&entry).map_err(AnswerError::Store)?;
            report.aside.retain(|aside| aside.edit.entry != entry);
            report.changed.remove(&entry);
            if !here {
                continue;
            }
            let destroyed = Destroyed {
                entry,
                told: now,
                not_kept: not_kept.len(),
            };
            let noted = entries.note_destroyed(&destroyed);
            noted.map_err(AnswerError::Store)?;
            report.gone.insert(entry);
            report.destroyed.insert(entry);
            report.not_kept += not_kept.len();
        }
        Ok(())
    }
}
