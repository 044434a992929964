//! Handing back what the server lost.
//!
//! A server that was put back from an older copy begins a record's log anew, and sends each viewer
//! all they may see of what it still has. What a replica knows to have been accepted before, and is
//! not told again, may be gone everywhere else. So it is not dropped but handed back, as it was
//! signed or with the server's word for it, whoever wrote it; the server says of each edit whether it was there after all, and what
//! the viewer must forget.
//!
//! What the server had held, and no decision is known of, goes again too. What somebody signed whom
//! the server does not know any more goes again once it gives something that their device signed;
//! what this person signed under another key is signed anew.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::renew::is_signed_by;
use super::{AnswerError, AsideReason, Author, Entries, LocalEntry, ReplicaHead, SetAside, Unsent};
use crate::sign::PublicKey;
use crate::sync::{Attestation, AttestationId, HoldReason, Item, Proofs, Refusal};
use crate::{ChangeHash, DeviceId, EntryId, Tick, guard};

impl ReplicaHead {
    /// The log was begun anew: nothing here is known to be in it.
    pub(super) fn doubt_all<E: Entries>(
        &mut self,
        entries: &mut E,
    ) -> Result<(), AnswerError<E::Error>> {
        self.handing_back = true;
        self.still_held.clear();
        // That is another cause to try again.
        self.unknown.append(&mut self.tried);
        for entry in entries.older_than(u64::MAX).map_err(AnswerError::Store)? {
            if let Some(mut local) = entries.load(&entry).map_err(AnswerError::Store)? {
                local.doubt();
                entries.store(&entry, &local).map_err(AnswerError::Store)?;
            }
        }
        Ok(())
    }

    /// Puts what the resend did not name into the queue, in the order in which it was accepted, and
    /// before own edits, which may follow it; between them what was held. Whether there was any.
    pub(super) fn hand_back<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
    ) -> Result<bool, AnswerError<E::Error>> {
        self.handing_back = false;
        let still_held = std::mem::take(&mut self.still_held);
        let mut lost: Vec<Unsent> = Vec::new();
        let mut proofs = Kept::default();
        for entry in entries.older_than(u64::MAX).map_err(AnswerError::Store)? {
            let Some(mut local) = entries.load(&entry).map_err(AnswerError::Store)? else {
                continue;
            };
            let proven = proofs.prove(entries, &entry, &mut local);
            proven.map_err(AnswerError::Store)?;
            let of_entry = local.lost(&entry);
            // What is known to be there and was not named is not for this person any more: it stays
            // until its edits are answered, out of sight.
            let unnamed = local.generation < self.generation && !local.is_in_record();
            if !of_entry.is_empty() && unnamed {
                local.generation = self.generation;
                entries.store(&entry, &local).map_err(AnswerError::Store)?;
            }
            lost.extend(of_entry);
        }
        lost.sort_by_key(|unsent| unsent.lost);
        let queue = entries.queue(usize::MAX).map_err(AnswerError::Store)?;
        let (before, own): (Vec<Unsent>, Vec<Unsent>) =
            queue.into_iter().partition(|unsent| unsent.lost.is_some());
        // What was handed back before, and follows what was held then, is in no entry.
        let mut held = self.held_once(entries, author, &still_held)?;
        let known = lost.iter().chain(&held).map(|unsent| unsent.change);
        let known: BTreeSet<ChangeHash> = known.collect();
        held.extend(before.into_iter().filter(|u| !known.contains(&u.change)));
        lost.extend(in_order(held));
        if lost.is_empty() {
            return Ok(false);
        }
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

    /// The edits that the server held, unless a decision is known or it said that it still holds them.
    /// What was made in good faith is handed back, for the holder to decide; the rest goes as it
    /// went at first.
    fn held_once<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        still_held: &BTreeSet<ChangeHash>,
    ) -> Result<Vec<Unsent>, AnswerError<E::Error>> {
        let device = DeviceId::of(&PublicKey::of(&author.key));
        let mut held = Vec::new();
        let asides = entries.aside().map_err(AnswerError::Store)?;
        let known: BTreeSet<ChangeHash> = asides.iter().map(|aside| aside.change).collect();
        // Who handed in what another wrote keeps nothing of it: the holder, who is asked, does.
        for told in entries.held().map_err(AnswerError::Store)? {
            let change = told.change()?;
            let is_known = known.contains(&change) || still_held.contains(&change);
            if told.yours || told.settled.is_some() || is_known {
                continue;
            }
            let local = entries.load(&told.edit.entry).map_err(AnswerError::Store)?;
            if !local.is_some_and(|local| local.has(&change)) {
                held.push(Unsent {
                    edit: told.edit,
                    change,
                    lost: Some(told.received),
                });
            }
        }
        for aside in asides {
            let AsideReason::Held(reason) = aside.why else {
                continue;
            };
            let settled = entries.is_settled(&aside.change);
            let known = still_held.contains(&aside.change);
            if settled.map_err(AnswerError::Store)? || known || is_here(entries, &aside)? {
                continue;
            }
            let seen = aside.edit.origin.read().ok().and_then(|origin| origin.seen);
            let asked = (reason != HoldReason::NotPermitted).then(|| seen.map(|seen| seen.tick));
            let lost = aside.lost.or(asked.flatten());
            let unsent = again(&aside, lost);
            let own = is_signed_by(&unsent, device) || self.is_signed_here(&unsent);
            if lost.is_some() || own {
                let shown = aside
                    .checkpoint
                    .filter(|shown| !self.earlier.contains(shown));
                self.earlier.extend(shown);
                held.push(unsent);
            }
        }
        Ok(held)
    }

    /// Notes the device that signed what was handed back, which the server does not know.
    pub(super) fn note_unknown(&mut self, unsent: &Unsent) {
        let origin = unsent.edit.origin.read();
        let device = origin.map(|origin| origin.device);
        let device = device.ok().filter(|device| !self.tried.contains(device));
        self.unknown.extend(device);
    }

    /// The devices that signed some of the news, of those that the server did not know.
    pub(super) fn signers(&self, news: &[Item]) -> BTreeSet<DeviceId> {
        if self.unknown.is_empty() {
            return BTreeSet::new();
        }
        let signed = |item: &Item| Some(item.edit.origin.read().ok()?.device);
        let signers = news.iter().filter_map(signed);
        signers
            .filter(|device| self.unknown.contains(device))
            .collect()
    }

    /// Hands back again what these devices signed, which the server knows by now: it gave something
    /// that they signed. Once: what is refused then is not theirs to mend. Whether there was any.
    pub(super) fn try_again<E: Entries>(
        &mut self,
        entries: &mut E,
        known: &BTreeSet<DeviceId>,
    ) -> Result<bool, AnswerError<E::Error>> {
        if known.is_empty() {
            return Ok(false);
        }
        self.unknown.retain(|device| !known.contains(device));
        self.tried.extend(known);
        let asides = entries.aside().map_err(AnswerError::Store)?;
        let refused = AsideReason::Refused(Refusal::NotAuthentic);
        let theirs = |aside: &&SetAside| {
            let origin = aside.edit.origin.read();
            aside.why == refused && origin.is_ok_and(|origin| known.contains(&origin.device))
        };
        let of: BTreeSet<EntryId> = asides.iter().filter(theirs).map(|a| a.edit.entry).collect();
        let follows = AsideReason::Refused(Refusal::Incomplete);
        let goes = |aside: &&SetAside| {
            let follows = aside.why == follows && of.contains(&aside.edit.entry);
            aside.lost.is_some() && (theirs(aside) || follows)
        };
        let mut unsent = Vec::new();
        for aside in asides.iter().filter(goes) {
            if !is_here(entries, aside)? {
                unsent.push(again(aside, aside.lost));
            }
        }
        for unsent in in_order(unsent) {
            let waits = entries.unsent(&unsent.change);
            if waits.map_err(AnswerError::Store)?.is_none() {
                entries.enqueue(&unsent).map_err(AnswerError::Store)?;
            }
        }
        Ok(true)
    }
}

/// The proofs of what frames brought, each worked out once.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<AttestationId, Option<Rc<Proofs>>>);

impl Kept {
    /// Puts the server's own proof to the changes of an entry that need it, and keeps the entry.
    pub(super) fn prove<E: Entries>(
        &mut self,
        entries: &mut E,
        entry: &EntryId,
        local: &mut LocalEntry,
    ) -> Result<(), E::Error> {
        let any = local.prove(|id| {
            if let Entry::Vacant(new) = self.0.entry(*id) {
                let kept = entries.attestation(id)?;
                new.insert(kept.map(Attestation::proofs).map(Rc::new));
            }
            Ok(self.0.get(id).cloned().flatten())
        })?;
        match any {
            true => entries.store(entry, local),
            false => Ok(()),
        }
    }
}

/// Whether an edit that was set aside came back meanwhile: somebody else handed it back. It is not
/// aside then.
fn is_here<E: Entries>(entries: &mut E, aside: &SetAside) -> Result<bool, AnswerError<E::Error>> {
    let local = entries.load(&aside.edit.entry);
    let local = local.map_err(AnswerError::Store)?;
    let here = local.is_some_and(|local| local.has(&aside.change));
    if here {
        entries.take_up(&aside.change).map_err(AnswerError::Store)?;
    }
    Ok(here)
}

fn again(aside: &SetAside, lost: Option<Tick>) -> Unsent {
    Unsent {
        edit: aside.edit.clone(),
        change: aside.change,
        lost,
    }
}

/// Edits, each after those of them that it follows.
fn in_order(mut edits: Vec<Unsent>) -> Vec<Unsent> {
    let mut sorted = Vec::with_capacity(edits.len());
    while !edits.is_empty() {
        let left: BTreeSet<ChangeHash> = edits.iter().map(|unsent| unsent.change).collect();
        let waits = |unsent: &Unsent| {
            let inspected = guard::inspect(&unsent.edit.change);
            inspected.is_ok_and(|inspected| inspected.past.deps.iter().any(|d| left.contains(d)))
        };
        let (later, next) = edits.into_iter().partition(waits);
        sorted.extend::<Vec<Unsent>>(next);
        edits = later;
    }
    sorted
}
