//! What the answer brings and takes away.

use std::collections::{BTreeMap, BTreeSet};

use super::answered::rejoin;
use super::{AnswerError, Report};
use crate::change::Edit;
use crate::replica::hand_back::Kept;
use crate::replica::{AttestedBy, Entries, LocalEntry, ReplicaHead, Taken};
use crate::sync::{Attestation, Item, SyncAnswer};
use crate::{ChangeHash, EntryId, LogIncarnation};

impl ReplicaHead {
    /// The changes that the answer brings, if the server signed for them, and its word for them.
    pub(super) fn attested<E: std::fmt::Debug>(
        &self,
        answer: &SyncAnswer,
        log: LogIncarnation,
    ) -> Result<(Vec<Item>, Option<Attestation>), AnswerError<E>> {
        let Some(frame) = &answer.news else {
            return Ok((Vec::new(), None));
        };
        let attested = frame.unpack_attested(&self.record, log, &self.server_keys)?;
        Ok((attested.items, Some(attested.attestation)))
    }

    pub(super) fn news<E: Entries>(
        &mut self,
        entries: &mut E,
        (news, attestation): (Vec<Item>, Option<Attestation>),
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        if let Some(attestation) = &attestation {
            let kept = entries.keep_attestation(attestation, self.generation);
            kept.map_err(AnswerError::Store)?;
        }
        let attestation = attestation.map(|attestation| attestation.id());
        // What was set aside is in the record after all, if its author came with it.
        let aside = match news.is_empty() {
            true => Vec::new(),
            false => entries.aside().map_err(AnswerError::Store)?,
        };
        let aside: BTreeSet<ChangeHash> = aside.iter().map(|aside| aside.change).collect();
        let queued = !entries.queue(1).map_err(AnswerError::Store)?.is_empty();
        let mut rejoined: BTreeSet<EntryId> = BTreeSet::new();
        let mut open: BTreeMap<EntryId, LocalEntry> = BTreeMap::new();
        for (at, item) in (0..).zip(news) {
            let entry = item.edit.entry;
            let attested = attestation.zip(item.accepted);
            let attested = attested.map(|(attestation, tick)| AttestedBy {
                attestation,
                at,
                tick,
            });
            if let std::collections::btree_map::Entry::Vacant(vacant) = open.entry(entry) {
                let local = entries.load(&entry).map_err(AnswerError::Store)?;
                vacant.insert(local.unwrap_or_default());
            }
            let local = open.entry(entry).or_default();
            let Edit { change, origin, .. } = item.edit;
            match local.take(&change, origin, item.accepted, attested)? {
                Taken::New(hash) => {
                    report.received += 1;
                    // It waited out of its entry, and is in the record by now.
                    if queued && entries.unsent(&hash).map_err(AnswerError::Store)?.is_some() {
                        entries.dequeue(&hash).map_err(AnswerError::Store)?;
                        rejoined.insert(entry);
                    }
                }
                Taken::Answered(hash) => entries.dequeue(&hash).map_err(AnswerError::Store)?,
                Taken::Known => {}
            }
        }
        for change in aside {
            if let Some((entry, _)) = open.iter().find(|(_, local)| local.has(&change)) {
                entries.take_up(&change).map_err(AnswerError::Store)?;
                rejoined.insert(*entry);
            }
        }
        for (entry, local) in open.iter_mut().filter(|(e, _)| rejoined.contains(*e)) {
            rejoin(entries, entry, local)?;
        }
        for (entry, mut local) in open {
            local.generation = self.generation;
            local.forgotten = false;
            entries.store(&entry, &local).map_err(AnswerError::Store)?;
            report.gone.remove(&entry);
            report.changed.insert(entry);
        }
        Ok(())
    }

    /// Drops an entry that a full resend did not name, unless the server does not know of it yet.
    pub(super) fn sweep<E: Entries>(
        &mut self,
        entries: &mut E,
        entry: &EntryId,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        match entries.load(entry).map_err(AnswerError::Store)? {
            Some(mut local) if local.is_own_and_unsent() => {
                local.generation = self.generation;
                entries.store(entry, &local).map_err(AnswerError::Store)
            }
            _ => self.drop_entry(entries, entry, report),
        }
    }

    /// Drops an entry. One with edits that nobody answered yet only goes out of sight: they must
    /// reach the server first, where they may be held for the holder.
    pub(super) fn drop_entry<E: Entries>(
        &mut self,
        entries: &mut E,
        entry: &EntryId,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let local = entries.load(entry).map_err(AnswerError::Store)?;
        match local.filter(LocalEntry::is_pending) {
            Some(mut local) => {
                local.forgotten = true;
                // No resend will name it again: what proves its changes must stay with them.
                let proven = Kept::default().prove(entries, entry, &mut local);
                proven.map_err(AnswerError::Store)?;
                entries.store(entry, &local).map_err(AnswerError::Store)?;
            }
            None => entries.remove(entry).map_err(AnswerError::Store)?,
        }
        report.changed.remove(entry);
        report.gone.insert(*entry);
        Ok(())
    }
}
