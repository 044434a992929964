//! Handing back what the server lost.
//!
//! A server that was put back from an older copy begins a record's log anew, and sends each viewer
//! all they may see of what it still has. What a replica knows to have been accepted before, and is
//! not told again, may be gone everywhere else. So it is not dropped but handed back, as it was
//! signed, whoever wrote it; the server says of each edit whether it was there after all, and what
//! the viewer must forget.

use super::{AnswerError, Entries, ReplicaHead, Unsent};

impl ReplicaHead {
    /// The log was begun anew: nothing here is known to be in it.
    pub(super) fn doubt_all<E: Entries>(
        &mut self,
        entries: &mut E,
    ) -> Result<(), AnswerError<E::Error>> {
        self.handing_back = true;
        for entry in entries.older_than(u64::MAX).map_err(AnswerError::Store)? {
            if let Some(mut local) = entries.load(&entry).map_err(AnswerError::Store)? {
                local.doubt();
                entries.store(&entry, &local).map_err(AnswerError::Store)?;
            }
        }
        Ok(())
    }

    /// Puts what the resend did not name into the queue, in the order in which it was accepted, and
    /// before own edits, which may follow it. Whether there was any.
    pub(super) fn hand_back<E: Entries>(
        &mut self,
        entries: &mut E,
    ) -> Result<bool, AnswerError<E::Error>> {
        self.handing_back = false;
        let mut lost: Vec<Unsent> = Vec::new();
        for entry in entries.older_than(u64::MAX).map_err(AnswerError::Store)? {
            let Some(mut local) = entries.load(&entry).map_err(AnswerError::Store)? else {
                continue;
            };
            let of_entry = local.lost(&entry);
            if !of_entry.is_empty() && local.generation < self.generation {
                local.generation = self.generation;
                entries.store(&entry, &local).map_err(AnswerError::Store)?;
            }
            lost.extend(of_entry);
        }
        if lost.is_empty() {
            return Ok(false);
        }
        lost.sort_by_key(|unsent| unsent.lost);
        let own = entries.queue(usize::MAX).map_err(AnswerError::Store)?;
        let own = own.into_iter().filter(|unsent| unsent.lost.is_none());
        let own: Vec<Unsent> = own.collect();
        for unsent in own.iter().chain(&lost) {
            entries
                .dequeue(&unsent.change)
                .map_err(AnswerError::Store)?;
        }
        for unsent in lost.iter().chain(&own) {
            entries.enqueue(unsent).map_err(AnswerError::Store)?;
        }
        Ok(true)
    }
}
