//! Going on under another device key.
//!
//! A device that its person revoked signs in again with a fresh key. What waits under the old one
//! goes as it was signed: whoever signs in vouches for what another device of theirs signed, so that
//! it has one name, whoever hands it in and however often. Only what a server does not take because
//! it does not know that device, as after a restore, is signed anew.

use std::collections::{BTreeMap, BTreeSet};

use super::{AnswerError, Author, Entries, LocalEntry, ReplicaHead, SetAside, Unsent};
use crate::change::{Actor, Edit, Origin};
use crate::entry::EntryError;
use crate::sign::PublicKey;
use crate::sync::{Refusal, Verdict};
use crate::{ChangeHash, DeviceId, EntryId, Incarnation};

/// What edits that are not in their entries became.
type Renewed = BTreeMap<ChangeHash, ChangeHash>;

/// Whether this device key signed an edit.
pub(super) fn is_signed_by(unsent: &Unsent, device: DeviceId) -> bool {
    let origin = unsent.edit.origin.read();
    origin.is_ok_and(|origin| origin.device == device)
}

impl ReplicaHead {
    /// Whether an edit is refused because the server does not know the other key of this device
    /// that signed it, or a checkpoint that it named under that.
    pub(super) fn is_to_be_renewed(
        &self,
        author: &Author,
        unsent: &Unsent,
        verdict: &Verdict,
    ) -> bool {
        let device = DeviceId::of(&PublicKey::of(&author.key));
        let unknown = match verdict {
            Verdict::Refused(Refusal::NotAuthentic) => {
                unsent.lost.is_none() || self.is_signed_here(unsent)
            }
            Verdict::Refused(Refusal::UnknownCheckpoint) => unsent.lost.is_none(),
            _ => false,
        };
        unknown && !is_signed_by(unsent, device)
    }

    /// Signs edits of the queue anew that the server does not take under the other key that signed
    /// them; whether there were any. `fresh` becomes the store's incarnation then.
    ///
    /// They say what they said: in the same role, at the same device time, having seen the same
    /// checkpoint, if it can be shown, and following the same changes, so that what was concurrent
    /// with them still is.
    pub(super) fn renew<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        unknown: &BTreeSet<ChangeHash>,
        fresh: Incarnation,
    ) -> Result<bool, AnswerError<E::Error>> {
        if unknown.is_empty() {
            return Ok(false);
        }
        let device = DeviceId::of(&PublicKey::of(&author.key));
        let queue = entries.queue(usize::MAX).map_err(AnswerError::Store)?;
        let mut old = queue
            .iter()
            .filter(|unsent| unknown.contains(&unsent.change))
            .peekable();
        // Meanwhile it may have come as news, or its entry may be gone.
        if old.peek().is_none() {
            return Ok(false);
        }
        self.incarnation = fresh;
        let signed = old.filter_map(|unsent| unsent.edit.origin.read().ok());
        self.signed_as.extend(signed.map(|origin| origin.device));
        self.signed_as.insert(device);
        let mut renewed = Renewed::new();
        for unsent in &queue {
            let change = unsent.change;
            // What follows an edit is made again with it.
            let left = entries.unsent(&change).map_err(AnswerError::Store)?;
            let Some(left) = left.filter(|left| self.is_renewed(left, unknown, &renewed)) else {
                continue;
            };
            let entry = unsent.edit.entry;
            let local = entries.load(&entry).map_err(AnswerError::Store)?;
            match local.filter(|local| local.has(&change)) {
                Some(local) => self.renew_entry(entries, author, local, (entry, change))?,
                // It was left in the queue to follow something held, or put there after a restore.
                None => self.renew_apart(entries, author, left, &mut renewed)?,
            }
        }
        Ok(true)
    }

    /// Whether one of the keys of this device, that it had or has, signed an edit.
    pub(super) fn is_signed_here(&self, unsent: &Unsent) -> bool {
        let origin = unsent.edit.origin.read();
        origin.is_ok_and(|origin| self.signed_as.contains(&origin.device))
    }

    /// Whether an edit of the queue must be signed anew: the server does not know the key that
    /// signed it, or it follows one that was.
    fn is_renewed(
        &self,
        unsent: &Unsent,
        unknown: &BTreeSet<ChangeHash>,
        renewed: &Renewed,
    ) -> bool {
        let follows = || {
            let inspected = crate::guard::inspect(&unsent.edit.change);
            let mut deps = inspected.into_iter().flat_map(|change| change.past.deps);
            deps.any(|dep| renewed.contains_key(&dep))
        };
        unknown.contains(&unsent.change) || self.is_signed_here(unsent) && follows()
    }

    /// Signs an edit anew that is not in its entry: what it follows is held, or it was held itself
    /// by a server that has lost it. So it stays out of the entry until it is accepted.
    fn renew_apart<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        unsent: Unsent,
        renewed: &mut Renewed,
    ) -> Result<(), AnswerError<E::Error>> {
        let Unsent { edit, change, .. } = unsent;
        let entry = edit.entry;
        let mut whole = entries.load(&entry).map_err(AnswerError::Store)?;
        let whole = whole.get_or_insert_default();
        let aside = entries.aside().map_err(AnswerError::Store)?;
        let queue = entries.queue(usize::MAX).map_err(AnswerError::Store)?;
        entries.dequeue(&change).map_err(AnswerError::Store)?;
        let known = aside.iter().find(|aside| aside.change == change);
        let apart = aside.iter().map(|aside| (&aside.edit, aside.change));
        let apart = apart.chain(queue.iter().map(|unsent| (&unsent.edit, unsent.change)));
        let mut apart: Vec<(&Edit, ChangeHash)> =
            apart.filter(|(edit, _)| edit.entry == entry).collect();
        // What it follows, each after what that follows.
        while let Some(fits) = apart.iter().position(|(edit, hash)| {
            !whole.has(hash)
                && whole
                    .take(&edit.change, edit.origin.clone(), None, None)
                    .is_ok()
        }) {
            apart.remove(fits);
        }
        let said = edit.origin.read()?;
        let past = match crate::guard::inspect(&edit.change) {
            Ok(inspected) if self.signed_as.contains(&said.device) => inspected.past,
            _ => {
                self.stays_here(entries, edit, change)?;
                return Ok(());
            }
        };
        let deps = past.deps.iter();
        let deps: BTreeSet<ChangeHash> = deps
            .map(|dep| renewed.get(dep).copied().unwrap_or(*dep))
            .collect();
        let public = PublicKey::of(&author.key);
        let incarnation = self.incarnation.again(&change);
        let origin = Origin {
            device: DeviceId::of(&public),
            incarnation,
            seen: said.seen.filter(|_| self.shown(&edit).is_some()),
            ..said
        };
        let actor = Actor::of(&public, &incarnation, &entry);
        let here = deps.iter().all(|dep| whole.has(dep));
        let then = if here {
            whole.as_of(&entry, &deps)
        } else {
            Err(EntryError::Unfit)
        };
        let signed = then.and_then(|mut then| {
            then.write(entry, actor, &past.writes, origin.at, |change| {
                self.sign(author, &entry, change, &origin)
            })
        });
        match signed {
            Ok(signed) => {
                renewed.insert(change, signed.change);
                entries.enqueue(&signed).map_err(AnswerError::Store)?;
                if let Some(known) = known {
                    let again = SetAside {
                        edit: signed.edit,
                        change: signed.change,
                        ..known.clone()
                    };
                    entries.take_up(&change).map_err(AnswerError::Store)?;
                    entries.set_aside(&again).map_err(AnswerError::Store)?;
                }
                Ok(())
            }
            // It cannot be made again, or what it follows is not here: it stays on this device.
            Err(_) => {
                self.stays_here(entries, edit, change)?;
                Ok(())
            }
        }
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
                    self.stays_here(entries, edit, hash)?;
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
                self.stays_here(entries, edit, hash)?;
                continue;
            }
            let incarnation = self.incarnation.again(&hash);
            let origin = Origin {
                device: DeviceId::of(&public),
                incarnation,
                seen: said.seen.filter(|_| self.shown(&edit).is_some()),
                ..said
            };
            let actor = Actor::of(&public, &incarnation, &entry);
            let mut then = local.as_of(&entry, &deps)?;
            let signed = then.write(entry, actor, &past.writes, origin.at, |change| {
                self.sign(author, &entry, change, &origin)
            });
            match signed {
                Ok(unsent) => {
                    let again = &unsent.edit;
                    if local
                        .take(&again.change, again.origin.clone(), None, None)
                        .is_err()
                    {
                        out.insert(hash);
                        self.stays_here(entries, edit, hash)?;
                        continue;
                    }
                    entries.enqueue(&unsent).map_err(AnswerError::Store)?;
                    renewed.insert(hash, same(&unsent.change));
                }
                Err(EntryError::Nothing) => {
                    renewed.insert(hash, deps);
                }
                Err(EntryError::TooLarge | EntryError::Unfit) => {
                    out.insert(hash);
                    self.stays_here(entries, edit, hash)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        entries.store(&entry, &local).map_err(AnswerError::Store)
    }
}
