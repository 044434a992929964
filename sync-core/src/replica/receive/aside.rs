//! Entries without what did not become part of the record.

use std::collections::{BTreeMap, BTreeSet};

use super::{AnswerError, Report};
use crate::change::{Actor, Edit, Origin};
use crate::entry::EntryError;
use crate::replica::hand_back::Kept;
use crate::replica::{AsideReason, Author, Entries, LocalEntry, ReplicaHead, SetAside, Unsent};
use crate::sign::PublicKey;
use crate::sync::{Item, Refusal};
use crate::{ChangeHash, DeviceId, EntryId};

/// An edit that was not answered.
struct Waiting {
    /// Its actor and number.
    name: (Actor, u64),
    change: ChangeHash,
    edit: Edit,
}

/// The edits of an entry that were not answered.
fn numbered(local: &LocalEntry, entry: &EntryId) -> Vec<Waiting> {
    let pending = local.pending(entry).into_iter();
    let numbered = pending.filter_map(|(change, edit)| {
        let inspected = crate::guard::inspect(&edit.change).ok()?;
        let name = (inspected.actor(), inspected.past.seq);
        Some(Waiting { name, change, edit })
    });
    numbered.collect()
}

impl ReplicaHead {
    /// Rebuilds the entries of edits set aside; own edits that followed them and were not sent yet
    /// are made again on what is left. Where that leaves nothing to say, they follow what is held
    /// to the server as they are, so that whoever decides has the last word of their author. So
    /// does what is handed back and followed them, out of the entry.
    pub(super) fn set_aside<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let mut by_entry: BTreeMap<EntryId, BTreeSet<ChangeHash>> = BTreeMap::new();
        for aside in &report.aside {
            entries.set_aside(aside).map_err(AnswerError::Store)?;
            let changes = by_entry.entry(aside.edit.entry).or_default();
            changes.insert(aside.change);
        }
        for (entry, out) in by_entry {
            let Some(mut local) = entries.load(&entry).map_err(AnswerError::Store)? else {
                continue;
            };
            // What goes on without its entry takes the server's word for it along.
            let proven = Kept::default().prove(entries, &entry, &mut local);
            proven.map_err(AnswerError::Store)?;
            let lost = local.lost(&entry).into_iter();
            let mut lost: BTreeMap<ChangeHash, Unsent> =
                lost.map(|lost| (lost.change, lost)).collect();
            let removed = local.without(&entry, &out)?;
            let gone_with_it = local.is_empty();
            // What an edit that is gone followed, or what it became.
            let mut left: BTreeMap<ChangeHash, BTreeSet<ChangeHash>> = BTreeMap::new();
            // As they are they can follow only what is held and what follows it.
            let mut may_follow = report
                .aside
                .iter()
                .filter(|aside| out.contains(&aside.change))
                .all(|aside| matches!(aside.why, AsideReason::Held(_)));
            for (hash, edit) in removed {
                let follows = crate::guard::inspect(&edit.change);
                let follows = follows.into_iter().flat_map(|change| change.past.deps);
                let follows = follows.flat_map(|dep| match left.get(&dep) {
                    Some(left) => left.clone(),
                    None => BTreeSet::from([dep]),
                });
                let follows: BTreeSet<ChangeHash> = follows.collect();
                left.insert(hash, follows.clone());
                if out.contains(&hash) {
                    continue;
                }
                let waits = entries.unsent(&hash).map_err(AnswerError::Store)?;
                if waits.as_ref().is_some_and(|unsent| unsent.lost.is_some()) {
                    report.more = true;
                    continue;
                }
                if let Some(lost) = lost.remove(&hash) {
                    // Out of the entry it is not found when all is handed back.
                    if waits.is_none() {
                        entries.enqueue(&lost).map_err(AnswerError::Store)?;
                    }
                    report.more = true;
                    continue;
                }
                let again = match gone_with_it {
                    true => None,
                    false => self.make_again(&mut local, author, (&edit, &follows))?,
                };
                if again.is_none() && may_follow {
                    report.more = true;
                    continue;
                }
                may_follow = false;
                entries.dequeue(&hash).map_err(AnswerError::Store)?;
                if let Some(again) = again {
                    left.insert(hash, BTreeSet::from([again.change]));
                    entries.enqueue(&again).map_err(AnswerError::Store)?;
                } else {
                    let aside = self.stays_here(entries, edit, hash)?;
                    report.aside.push(aside);
                }
            }
            if local.is_empty() || local.forgotten && !local.is_pending() {
                // What the entry held of this device's own is set aside by now.
                entries.remove(&entry).map_err(AnswerError::Store)?;
                report.changed.remove(&entry);
                report.gone.insert(entry);
            } else {
                report.changed.insert(entry);
                entries.store(&entry, &local).map_err(AnswerError::Store)?;
            }
        }
        Ok(())
    }

    /// Lets go of what somebody else wrote and this device handed back, once the server holds it. What
    /// becomes of it is told to its author and to the holder, and never here: of what is discarded or
    /// destroyed then a copy would stay. What this person wrote in the entry, or is still to be sent of
    /// it, may follow it, and keeps it.
    pub(super) fn let_go<E: Entries>(
        &self,
        entries: &mut E,
        author: &Author,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let (own, others): (Vec<_>, Vec<_>) = entries
            .aside()
            .map_err(AnswerError::Store)?
            .into_iter()
            .filter(|aside| matches!(aside.why, AsideReason::Held(_)))
            .partition(|aside| {
                let origin = aside.edit.origin.read();
                origin.is_ok_and(|origin| origin.author == author.person)
            });
        if others.is_empty() {
            return Ok(());
        }
        let waiting = entries.queue(usize::MAX).map_err(AnswerError::Store)?;
        let waiting = waiting.iter().map(|unsent| unsent.edit.entry);
        let own = own.iter().map(|aside| aside.edit.entry);
        let needed: BTreeSet<EntryId> = waiting.chain(own).collect();
        for SetAside { change, edit, .. } in others {
            if needed.contains(&edit.entry) {
                continue;
            }
            entries.take_up(&change).map_err(AnswerError::Store)?;
            let told = report.aside.len();
            report.aside.retain(|aside| aside.change != change);
            report.handed_back += told - report.aside.len();
        }
        Ok(())
    }

    /// Sets aside what follows something that the server does not have, and cannot be made again:
    /// it is not sent.
    pub(in crate::replica) fn stays_here<E: Entries>(
        &self,
        entries: &mut E,
        edit: Edit,
        change: ChangeHash,
    ) -> Result<SetAside, AnswerError<E::Error>> {
        let aside = SetAside {
            change,
            why: AsideReason::Refused(Refusal::Incomplete),
            checkpoint: self.shown(&edit),
            edit,
            lost: None,
            kind: None,
        };
        entries.set_aside(&aside).map_err(AnswerError::Store)?;
        Ok(aside)
    }

    /// The same edit on what is left of what it followed, so that what was concurrent with it still
    /// is, made when it was made and by who had seen the same; nothing when it would change nothing
    /// there, or cannot be made again.
    fn make_again(
        &self,
        local: &mut LocalEntry,
        author: &Author,
        (edit, follows): (&Edit, &BTreeSet<ChangeHash>),
    ) -> Result<Option<Unsent>, EntryError> {
        let Ok(inspected) = crate::guard::inspect(&edit.change) else {
            return Ok(None);
        };
        let said = edit.origin.read().map_err(|_| EntryError::Unfit)?;
        // Nobody signs in another's name.
        if said.author != author.person {
            return Ok(None);
        }
        let public = PublicKey::of(&author.key);
        // In the role it was made in, whatever the person acts in now.
        let incarnation = self.incarnation.again(&inspected.hash());
        let origin = Origin {
            author: author.person,
            device: DeviceId::of(&public),
            incarnation,
            seen: said.seen.filter(|_| self.shown(edit).is_some()),
            ..said
        };
        let entry = edit.entry;
        let actor = Actor::of(&public, &incarnation, &entry);
        let mut then = local.as_of(&entry, follows)?;
        let writes = &inspected.past.writes;
        let again = then.write(entry, actor, writes, origin.at, |change| {
            self.sign(author, &entry, change, &origin)
        });
        match again {
            // What cannot be taken in stays on this device.
            Ok(again) => {
                let taken = local.take(&again.edit.change, again.edit.origin.clone(), None, None);
                Ok(taken.is_ok().then_some(again))
            }
            Err(EntryError::Nothing | EntryError::TooLarge | EntryError::Unfit) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets aside what was not answered and bears the actor and number of something else that is in
    /// the record: a copy of this store wrote that, and this can never get there.
    pub(super) fn give_way<E: Entries>(
        &mut self,
        entries: &mut E,
        news: &[Item],
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let waits = !entries.queue(1).map_err(AnswerError::Store)?.is_empty();
        if !waits && !self.handing_back {
            return Ok(());
        }
        let mut waiting: BTreeMap<EntryId, Vec<Waiting>> = BTreeMap::new();
        for item in news {
            let entry = item.edit.entry;
            if let std::collections::btree_map::Entry::Vacant(vacant) = waiting.entry(entry) {
                let local = entries.load(&entry).map_err(AnswerError::Store)?;
                vacant.insert(local.map_or_else(Vec::new, |local| numbered(&local, &entry)));
            }
            let of_entry = waiting.entry(entry).or_default();
            if of_entry.is_empty() {
                continue;
            }
            let inspected = crate::guard::inspect(&item.edit.change);
            let inspected = inspected.map_err(|_| EntryError::Unfit)?;
            let (name, change) = ((inspected.actor(), inspected.past.seq), inspected.hash());
            let rival = |one: &Waiting| one.name == name && one.change != change;
            for Waiting { change, edit, .. } in of_entry.extract_if(.., |one| rival(one)) {
                entries.dequeue(&change).map_err(AnswerError::Store)?;
                let why = AsideReason::Refused(Refusal::Equivocation);
                report.aside.push(SetAside {
                    edit,
                    change,
                    why,
                    checkpoint: None,
                    lost: None,
                    kind: None,
                });
            }
        }
        Ok(())
    }
}
