//! Checks of what a device holds.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::change::Voucher;
use sync_core::checkpoint::Checkpoint;
use sync_core::entry::{PastChange, Write};
use sync_core::guard;
use sync_core::replica::{AsideReason, LocalEntry, Unsent};
use sync_core::sync::{CursorDigest, SyncAnswer, SyncRequest, Verdict};
use sync_core::{ChangeHash, EntryId};

use super::at_server::short;
use super::{Checks, Diary, Promise};
use crate::device::Device;
use crate::oracle::Moment;

impl Checks {
    /// Before an answer is taken in: it names nothing to forget that was never there.
    pub fn arriving(&mut self, device: &Device, answer: &SyncAnswer) -> Result<(), String> {
        // What was hidden and destroyed before they heard of either they may never have had.
        let never = |entry: &&EntryId| {
            !self.oracle.is_destroyed(entry)
                && device.entry(entry).is_none()
                && !device.diary.ever_held.contains(*entry)
                && !self.given.contains(&(device.profile.name, **entry))
        };
        self.counts.forgotten += answer.forget.len() as u64;
        match answer.forget.iter().find(never) {
            Some(entry) => Err(format!(
                "{} must forget {entry}, and so learns of it",
                device.profile.name
            )),
            None => Ok(()),
        }
    }

    /// An answer was taken in and is durable.
    pub fn received(&mut self, device: &mut Device, answer: &SyncAnswer) -> Result<(), String> {
        let Device { disk, diary, .. } = &mut *device;
        diary.ever_held.extend(disk.entries.keys());
        let here =
            |entry: &&EntryId| disk.entries.contains_key(entry) || disk.destroyed.contains(entry);
        let gone = diary.ever_held.iter().filter(|entry| !here(entry));
        diary.dropped.extend(gone);
        // What somebody else wrote is the server's to keep once it says that it holds it.
        for outcome in &answer.outcomes {
            let is_own = diary.wrote.contains(&outcome.change);
            if matches!(outcome.verdict, Verdict::Held(_)) && !is_own {
                diary.owes_only(|_, change| *change != outcome.change);
            }
        }
        let name = CursorDigest::of(&answer.cursor);
        let told = self.told.get(&name).copied();
        let told = told.ok_or("an answer that the server did not give")?;
        self.forward(device)?;
        // Of a record that was closed all comes anew, while the checkpoint stays.
        device.diary.closed &= answer.more || device.disk.head.resending;
        self.complete(device, told)?;
        // By what is known now nobody can say what was right before the store was put back.
        let outdated = self.outdated.contains(&name);
        if !outdated && self.is_of_this_life(device) {
            self.told_taken(device);
        }
        if !answer.more && !device.disk.head.resending && !outdated {
            self.nothing_unseen(device, answer, told)?;
        }
        self.nothing_lost(device)
    }

    /// What its person wrote is shown as being in the record: that was promised, also where the outcome
    /// of the edit never came.
    fn told_taken(&mut self, device: &Device) {
        let made = &device.diary.made;
        let taken = device.disk.accepted();
        let taken = taken.filter(|change| made.contains_key(change));
        let taken = taken.map(|change| (change, Promise::Accepted));
        self.promised.extend(taken);
    }

    /// Somebody vouches for each edit that a device hands in.
    pub fn vouched(&self, device: &Device, request: &SyncRequest) -> Result<(), String> {
        let frame = request.edits.as_ref();
        let items = frame.and_then(|frame| frame.unpack(&self.cast.record()).ok());
        let mut items = items.into_iter().flatten();
        let bare = items.find(|item| item.edit.origin.voucher == Voucher::Frame);
        match bare.and_then(|item| guard::inspect(&item.edit.change).ok()) {
            Some(change) => Err(format!(
                "{} hands {} in with nobody's word for it",
                device.profile.name,
                short(&change.hash())
            )),
            None => Ok(()),
        }
    }

    /// The checkpoint a device holds never goes back.
    fn forward(&self, device: &mut Device) -> Result<(), String> {
        let Some(held) = &device.disk.head.checkpoint else {
            return Ok(());
        };
        let held: Checkpoint = held.0.read().map_err(|error| error.to_string())?;
        let before = device.diary.checkpoint.replace((held.log, held.tick));
        match before {
            Some((log, tick)) if log == held.log && held.tick < tick => {
                let name = device.profile.name;
                Err(format!("the checkpoint of {name} goes back"))
            }
            _ => Ok(()),
        }
    }

    /// Who holds a checkpoint holds every change they may see that was accepted before it.
    fn complete(&self, device: &Device, told: Moment) -> Result<(), String> {
        let Some(until) = device.disk.head.seen_until() else {
            return Ok(());
        };
        // What it was given of a life of the log that is lost, nobody knows any more.
        if !self.is_of_this_life(device) || device.diary.closed {
            return Ok(());
        }
        let person = device.profile.author.person;
        let then = self.oracle.readable(person, Moment::at(until));
        let mut still = self.oracle.readable(person, told);
        // What they could not see for a while went meanwhile; pages that are still to come bring it
        // again.
        if device.disk.head.resending || device.disk.head.page.is_some() {
            for at in self.oracle.ticks(until, told.log) {
                let readable = self.oracle.readable(person, Moment::at(at));
                still.retain(|entry| readable.contains(entry));
            }
        }
        for entry in then.intersection(&still) {
            let local = device.entry(entry);
            let mut changes = self.oracle.changes(entry, until);
            let missing = changes.find(|c| !local.is_some_and(|local| local.has(c)));
            if let Some(missing) = missing {
                return Err(format!(
                    "{} holds a checkpoint that covers {}, and has not got it",
                    device.profile.name,
                    short(&missing)
                ));
            }
        }
        Ok(())
    }

    /// Nothing stays that its person may not see, but what they wrote and nobody answered yet.
    fn nothing_unseen(
        &self,
        device: &Device,
        answer: &SyncAnswer,
        told: Moment,
    ) -> Result<(), String> {
        let person = device.profile.author.person;
        let readable = self.oracle.readable(person, told);
        // A longer queue goes in several requests: of the rest nothing was said yet.
        let queue = &device.disk.unsent;
        let said = |change: &ChangeHash| answer.outcomes.iter().any(|one| one.change == *change);
        let waiting = |change: &ChangeHash| {
            !said(change) && queue.iter().any(|unsent| unsent.change == *change)
        };
        let accepted = |entry: &EntryId, local: &LocalEntry| {
            let mut changes = self.oracle.changes(entry, told.log);
            changes.any(|change| local.has(&change) && !waiting(&change))
        };
        let mut entries = device.disk.entries.iter();
        // What is handed back is kept until the server has said what became of it; and own edits, of
        // which an answer in another life of the log says nothing yet.
        let unanswered = self.log.is_some() && answer.outcomes.is_empty();
        let waits = |entry: &EntryId| {
            let mut unsent = device.disk.unsent.iter();
            let waits = |lost: bool| lost || unanswered;
            unsent.any(|unsent| waits(unsent.lost.is_some()) && unsent.edit.entry == *entry)
        };
        let unseen = entries.find(|(entry, local)| {
            !local.forgotten && !readable.contains(entry) && accepted(entry, local) && !waits(entry)
        });
        match unseen {
            Some((entry, _)) => Err(format!(
                "{} still shows {entry}, which its person may not see",
                device.profile.name
            )),
            None => Ok(()),
        }
    }

    /// Whether a device has not heard yet that the log was begun anew.
    fn is_unaware(&self, device: &Device) -> bool {
        !self.is_of_this_life(device) && !device.disk.head.handing_back
    }

    /// Whether the checkpoint that a device holds is of the log as it is now.
    fn is_of_this_life(&self, device: &Device) -> bool {
        let held = device.disk.head.checkpoint.as_ref();
        let held = held.and_then(|held| held.seen().ok());
        held.is_none_or(|held| self.log.is_none_or(|log| log == held.log))
    }

    /// Every edit made here waits to be sent, or is set aside, or is in the record, or was made
    /// again in other words.
    pub fn nothing_lost(&self, device: &mut Device) -> Result<(), String> {
        let waiting = waiting(device);
        let unaware = self.is_unaware(device);
        let Device {
            disk,
            diary,
            profile,
            ..
        } = device;
        if unaware {
            diary.owes_only(|entry, change| disk.has(entry, change));
        }
        let gone = |(entry, change): &&(EntryId, ChangeHash)| {
            let kept = disk.has(entry, change) || disk.aside.contains_key(change);
            !disk.destroyed.contains(entry) && !kept && !self.oracle.has(entry, change)
        };
        let renewed = |(entry, change): &&(EntryId, ChangeHash)| {
            let local = disk.entries.get(entry);
            let history = local.map(|local| local.state().history).unwrap_or_default();
            let aside = disk.aside.values().map(|aside| &aside.edit);
            let apart = aside.chain(disk.unsent.iter().map(|unsent| &unsent.edit));
            let apart = apart.filter(|edit| edit.entry == *entry);
            let apart = apart.filter_map(|edit| guard::inspect(&edit.change).ok());
            let mut all = history.into_iter().chain(apart.map(|change| change.past));
            let made = diary.made.get(change);
            made.is_some_and(|(_, writes)| all.any(|past| says_no_less(&past, writes)))
        };
        let gone: Vec<(EntryId, ChangeHash)> = diary.owes.iter().filter(gone).copied().collect();
        // The server may have lost what it had taken, before this device heard of it.
        let made = diary
            .made
            .iter()
            .map(|(change, (entry, _))| (*entry, *change));
        let unheard =
            made.filter(|(entry, change)| self.lost.contains(change) && !disk.has(entry, change));
        let all: Vec<(EntryId, ChangeHash)> = unheard.chain(gone.iter().copied()).collect();
        let again = all.iter().filter(renewed).map(|(_, change)| *change);
        let again: BTreeSet<ChangeHash> = again.collect();
        diary.renewed.extend(again);
        let lost = gone
            .iter()
            .find(|(_, change)| !diary.renewed.contains(change));
        if let Some((_, change)) = lost {
            let (name, short) = (profile.name, short(change));
            return Err(format!("{name} lost {short}, which the server had lost"));
        }
        let mut again: Vec<(ChangeHash, EntryId, PastChange)> = waiting
            .iter()
            .filter(|(hash, ..)| !diary.made.contains_key(hash))
            .cloned()
            .collect();
        let lost: Vec<(ChangeHash, EntryId, Vec<Write>)> = diary
            .made
            .iter()
            .filter(|(hash, (entry, _))| {
                !waiting.iter().any(|(waits, ..)| waits == *hash)
                    && !disk.aside.contains_key(*hash)
                    && !disk.destroyed.contains(entry)
                    && !self.oracle.has(entry, hash)
                    && !self.lost.contains(*hash)
            })
            .map(|(hash, (entry, writes))| (*hash, *entry, writes.clone()))
            .collect();
        for (hash, entry, writes) in lost {
            let same = |(_, other, past): &(ChangeHash, EntryId, PastChange)| {
                *other == entry && says_no_less(past, &writes)
            };
            let made_again = again.iter().position(same);
            let stands = disk.entries.get(&entry).is_some_and(|local| {
                let state = local.state();
                let stands =
                    |write: &Write| state.values(&write.key).next() == write.value.as_ref();
                writes.iter().all(stands)
            });
            match made_again {
                Some(at) => {
                    let (new, entry, past) = again.remove(at);
                    diary.made.remove(&hash);
                    diary.made.insert(new, (entry, past.writes));
                }
                None if stands => {
                    diary.made.remove(&hash);
                }
                None => {
                    return Err(format!(
                        "{} lost its edit {}",
                        device.profile.name,
                        short(&hash)
                    ));
                }
            }
        }
        for (hash, entry, past) in again {
            diary.made.insert(hash, (entry, past.writes));
        }
        Ok(())
    }
}

/// Whether a change writes all of these; a write that would change nothing is left out of one.
fn says_no_less(past: &PastChange, writes: &[Write]) -> bool {
    past.writes.iter().all(|write| writes.contains(write))
}

/// The edits that wait to be sent. Each is in its entry too, or follows one that is held.
fn waiting(device: &Device) -> Vec<(ChangeHash, EntryId, PastChange)> {
    let disk = &device.disk;
    let mut waiting = Vec::new();
    let mut following = BTreeSet::new();
    for Unsent { edit, change, .. } in &disk.unsent {
        let Ok(inspected) = guard::inspect(&edit.change) else {
            continue;
        };
        let here = device.entry(&edit.entry).is_some_and(|local| {
            let mut pending = local.pending(&edit.entry).into_iter();
            pending.any(|(hash, in_entry)| hash == *change && in_entry == *edit)
        });
        let held = |dep: &ChangeHash| {
            let aside = disk.aside.get(dep);
            aside.is_some_and(|aside| matches!(aside.why, AsideReason::Held(_)))
        };
        let mut deps = inspected.past.deps.iter();
        let follows = deps.any(|dep| following.contains(dep) || held(dep));
        if follows {
            following.insert(*change);
        }
        if here || follows {
            waiting.push((*change, edit.entry, inspected.past));
        }
    }
    waiting
}

impl Diary {
    /// The edits that were made here, and those that this device had when the server lost them.
    pub fn named(&self) -> impl Iterator<Item = (EntryId, ChangeHash)> {
        let made = self
            .made
            .iter()
            .map(|(change, (entry, _))| (*entry, *change));
        self.owes.iter().copied().chain(made)
    }

    /// The edits made here, and the entry of each.
    pub fn edits(&self) -> BTreeMap<ChangeHash, EntryId> {
        let made = self.made.iter();
        made.map(|(change, (entry, _))| (*change, *entry)).collect()
    }
}
