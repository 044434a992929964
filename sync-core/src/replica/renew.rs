//! Going on under another device key.
//!
//! A device that its person revoked signs in again with a fresh key, and nobody takes any more what
//! the old one signed. What was sent under it and accepted comes back as news; what is left then
//! never reached the record, and is signed anew.

use std::collections::{BTreeMap, BTreeSet};

use super::{AnswerError, Author, Entries, LocalEntry, ReplicaHead, Unsent};
use crate::change::{Actor, Origin};
use crate::entry::EntryError;
use crate::sign::PublicKey;
use crate::sync::limits::MAX_EDITS;
use crate::{ChangeHash, DeviceId, EntryId, Incarnation};

/// Whether this device key signed an edit.
pub(super) fn is_signed_by(unsent: &Unsent, device: DeviceId) -> bool {
    let origin = unsent.edit.origin.read();
    origin.is_ok_and(|origin| origin.device == device)
}

impl ReplicaHead {
    /// Signs unsent edits anew that another key of this device signed; whether there were any.
    /// `fresh` becomes the store's incarnation then.
    ///
    /// They say what they said: in the same role, at the same device time, having seen the same
    /// checkpoint, if it can be shown, and following the same changes, so that what was concurrent
    /// with them still is.
    pub(super) fn renew<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        fresh: Incarnation,
    ) -> Result<bool, AnswerError<E::Error>> {
        let device = DeviceId::of(&PublicKey::of(&author.key));
        let queue = entries.queue(MAX_EDITS).map_err(AnswerError::Store)?;
        let own = queue.into_iter().filter(|unsent| unsent.lost.is_none());
        let old = own.filter(|unsent| !is_signed_by(unsent, device));
        let old: Vec<Unsent> = old.collect();
        if old.is_empty() {
            return Ok(false);
        }
        self.incarnation = fresh;
        let signed = old
            .iter()
            .filter_map(|unsent| unsent.edit.origin.read().ok());
        self.signed_as.extend(signed.map(|origin| origin.device));
        self.signed_as.insert(device);
        for unsent in &old {
            let change = unsent.change;
            // What follows an edit is made again with it.
            let left = entries.unsent(&change).map_err(AnswerError::Store)?;
            let entry = unsent.edit.entry;
            let local = entries.load(&entry).map_err(AnswerError::Store)?;
            match (left, local.filter(|local| local.has(&change))) {
                (None, _) => {}
                (Some(_), Some(local)) => {
                    self.renew_entry(entries, author, local, (entry, change))?;
                }
                // It was left in the queue to follow something held.
                (Some(Unsent { edit, change, .. }), None) => {
                    entries.dequeue(&change).map_err(AnswerError::Store)?;
                    self.follow_aside(entries, edit, change, None)?;
                }
            }
        }
        Ok(true)
    }

    /// Signs one edit anew, and whatever follows it.
    fn renew_entry<E: Entries>(
        &self,
        entries: &mut E,
        author: &Author,
        mut local: LocalEntry,
        (entry, first): (EntryId, ChangeHash),
    ) -> Result<(), AnswerError<E::Error>> {
        let mut renewed: BTreeMap<ChangeHash, BTreeSet<ChangeHash>> = BTreeMap::new();
        // What cannot be signed anew is set aside, and what follows it.
        let mut out: BTreeSet<ChangeHash> = BTreeSet::new();
        for (hash, edit) in local.without(&entry, &BTreeSet::from([first]))? {
            entries.dequeue(&hash).map_err(AnswerError::Store)?;
            let past = match crate::guard::inspect(&edit.change) {
                Ok(inspected) if !inspected.past.deps.iter().any(|dep| out.contains(dep)) => {
                    inspected.past
                }
                _ => {
                    out.insert(hash);
                    self.follow_aside(entries, edit, hash, None)?;
                    continue;
                }
            };
            let same = |dep: &ChangeHash| BTreeSet::from([*dep]);
            let deps = past.deps.iter();
            let deps: BTreeSet<ChangeHash> = deps
                .flat_map(|dep| renewed.get(dep).cloned().unwrap_or_else(|| same(dep)))
                .collect();
            let public = PublicKey::of(&author.key);
            let said = edit.origin.read()?;
            if !self.signed_as.contains(&said.device) {
                // What another device signed, and the server had lost, follows it.
                out.insert(hash);
                self.follow_aside(entries, edit, hash, None)?;
                continue;
            }
            let origin = Origin {
                device: DeviceId::of(&public),
                incarnation: self.incarnation,
                seen: said.seen.filter(|_| self.shown(&edit).is_some()),
                ..said
            };
            let actor = Actor::of(&public, &self.incarnation, &entry);
            let mut then = local.as_of(&entry, &deps)?;
            let signed = then.write(entry, actor, &past.writes, origin.at, |change| {
                self.sign(author, &entry, change, &origin)
            });
            match signed {
                Ok(unsent) => {
                    let edit = &unsent.edit;
                    local.take(&edit.change, edit.origin.clone(), None)?;
                    entries.enqueue(&unsent).map_err(AnswerError::Store)?;
                    renewed.insert(hash, same(&unsent.change));
                }
                Err(EntryError::Nothing) => {
                    renewed.insert(hash, deps);
                }
                Err(EntryError::TooLarge | EntryError::Unfit) => {
                    out.insert(hash);
                    self.follow_aside(entries, edit, hash, None)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        entries.store(&entry, &local).map_err(AnswerError::Store)
    }
}
