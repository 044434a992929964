//! Checks once all faults are over and everybody has synced.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::replica::{AsideReason, SetAside};
use sync_core::sync::{HoldReason, Refusal, Verdict};
use sync_core::{ChangeHash, EntryId, Tick, guard, merge};

use super::Checks;
use super::at_server::{log_verifies, short};
use crate::cast::Who;
use crate::device::Device;
use crate::disk::Disk;
use crate::keeper::{Books, Keeper};
use crate::oracle::Moment;

/// Whether nobody has anything to send.
pub fn settled(devices: &[Device]) -> bool {
    devices
        .iter()
        .all(|device| device.disk.unsent.is_empty() && !device.again)
}

/// Whether a device knows of an edit that it is held, and not what was decided, and can still hand
/// it in: what was never permitted goes under a key of the device that signed it, or not at all.
fn still_held(device: &Device, change: &ChangeHash) -> bool {
    let Disk { aside, held, .. } = &device.disk;
    let settled = held.get(change).is_some_and(|held| held.settled.is_some());
    let keys = &device.disk.head.signed_as;
    let goes = |aside: &SetAside| {
        let (AsideReason::Held(reason), Ok(origin)) = (aside.why, aside.edit.origin.read()) else {
            return false;
        };
        let asked = reason != HoldReason::NotPermitted && origin.seen.is_some();
        asked || aside.lost.is_some() || keys.contains(&origin.device)
    };
    !settled && aside.get(change).is_some_and(goes)
}

/// What others wrote and the server holds is theirs and the holder's to be told of: where it was
/// handed back nothing of it stays, but what something of its own there follows.
fn keeps_nothing_for_others(device: &Device) -> Result<(), String> {
    let Disk { aside, .. } = &device.disk;
    let held = |aside: &&SetAside| matches!(aside.why, AsideReason::Held(_));
    let is_own = |aside: &&SetAside| {
        let origin = aside.edit.origin.read();
        origin.is_ok_and(|origin| origin.author == device.profile.author.person)
    };
    let (own, others): (Vec<_>, Vec<_>) = aside.values().filter(held).partition(is_own);
    let own: BTreeSet<EntryId> = own.iter().map(|aside| aside.edit.entry).collect();
    match others.iter().find(|aside| !own.contains(&aside.edit.entry)) {
        Some(kept) => {
            let (name, short) = (device.profile.name, short(&kept.change));
            Err(format!(
                "{name} keeps {short}, which another wrote and the server holds"
            ))
        }
        None => Ok(()),
    }
}

/// What is held because it follows what is held does follow something that is.
fn none_is_stuck(books: &Books) -> Result<(), String> {
    let accepted: BTreeSet<ChangeHash> = books.log.iter().map(|row| row.change).collect();
    let stuck = books.held.iter().find(|(_, row)| {
        let waits = row.settlement.is_none() && row.reason == HoldReason::FollowsHeld;
        waits && row.follows.iter().all(|dep| accepted.contains(dep))
    });
    match stuck {
        Some((change, _)) => Err(format!(
            "{} is stuck: held because it follows what is held, and all of that is in the record",
            short(change)
        )),
        None => Ok(()),
    }
}

impl Checks {
    /// All queues are empty, and who may see the same sees the same as the server: at a moment, or
    /// when each was told last.
    pub fn converged(
        &mut self,
        keeper: &Keeper,
        devices: &[Device],
        at: Option<Tick>,
    ) -> Result<(), String> {
        let books = keeper.durable();
        let mut kept = BTreeMap::new();
        for device in devices {
            self.holds_nothing_destroyed(keeper, device)?;
            keeps_nothing_for_others(device)?;
            let name = device.profile.name;
            let pending = device.disk.unsent.len();
            if pending > 0 {
                return Err(format!("{name} still has {pending} edits to send"));
            }
            log_verifies(&self.cast.record(), books, device)?;
            let told = device.disk.head.seen_until().unwrap_or(Tick(0));
            let until = at.unwrap_or(told);
            let person = device.profile.author.person;
            let readable = self.oracle.readable(
                person,
                Moment {
                    log: Tick(u64::MAX),
                    time: until,
                },
            );
            let held: BTreeSet<EntryId> = device.disk.entries.keys().copied().collect();
            if let Some(missing) = readable.difference(&held).next() {
                return Err(format!("{name} never got {missing}"));
            }
            if let Some(unseen) = held.difference(&readable).next() {
                return Err(format!(
                    "{name} keeps {unseen}, which its person may not see"
                ));
            }
            for (entry, local) in &device.disk.entries {
                let Some(at_server) = books.entries.get(entry) else {
                    return Err(format!("{name} has {entry}, the server has not"));
                };
                let (kept_state, kept_view) = kept.entry(*entry).or_insert_with(|| {
                    let state = at_server.document.state();
                    let view = merge::view(*entry, &state, &at_server.provenance);
                    (state, view)
                });
                let (state, provenance) = (local.state(), local.provenance());
                if state != *kept_state {
                    return Err(format!("{name} reads {entry} otherwise than the server"));
                }
                if provenance != at_server.provenance {
                    return Err(format!(
                        "{name} has other authors for {entry} than the server"
                    ));
                }
                if merge::view(*entry, &state, &provenance) != *kept_view {
                    return Err(format!("{name} shows {entry} otherwise than the server"));
                }
            }
            self.told_of_held(keeper, device)?;
        }
        self.held_once(books)?;
        none_is_stuck(books)?;
        self.decided(books)?;
        let settled = books.held.values().filter(|row| row.settlement.is_some());
        self.counts.settled += settled.count() as u64;
        Ok(())
    }

    /// Everybody has met the server: nobody holds anything of what was destroyed, but what they
    /// themselves wrote into somebody else's entry and was not taken. (What a server
    /// refused before it was put back, it cannot know to be there. Nor can it answer otherwise than
    /// as if nothing were there, when the checkpoint of an edit does not show that its author could
    /// read the entry.)
    fn holds_nothing_destroyed(&self, keeper: &Keeper, device: &Device) -> Result<(), String> {
        let books = keeper.durable();
        let Disk {
            entries,
            unsent,
            aside,
            held,
            ..
        } = &device.disk;
        let person = device.profile.author.person;
        let shown = |aside: &SetAside| {
            let seen = aside.edit.origin.read().ok().and_then(|origin| origin.seen);
            seen.is_some_and(|seen| {
                let then = self.oracle.readable(person, Moment::at(seen.tick));
                then.contains(&aside.edit.entry)
            })
        };
        let knows = |aside: &&SetAside| match aside.why {
            AsideReason::Held(_) => true,
            AsideReason::Refused(Refusal::Incomplete) => self.log.is_none() && shown(aside),
            // What was written into another's entry is its author's to drop; and so is what a device
            // does not know any more to be in an entry of theirs.
            AsideReason::Refused(Refusal::Destroyed) => {
                let entry = &aside.edit.entry;
                !device.diary.dropped.contains(entry) && self.oracle.is_author(entry, person)
            }
            AsideReason::Refused(_) => self.log.is_none(),
        };
        for entry in books.destroyed.keys() {
            let kept = entries.contains_key(entry)
                || unsent.iter().any(|unsent| unsent.edit.entry == *entry)
                || held.values().any(|held| held.edit.entry == *entry)
                || aside
                    .values()
                    .filter(knows)
                    .any(|aside| aside.edit.entry == *entry);
            if kept {
                let name = device.profile.name;
                return Err(format!(
                    "{name} holds something of {entry}, which was destroyed"
                ));
            }
        }
        let left = books
            .log
            .iter()
            .any(|row| books.destroyed.contains_key(&row.entry) && !row.edit.change.is_empty());
        match left {
            true => Err("the server holds something of what was destroyed".to_owned()),
            false => Ok(()),
        }
    }

    /// All faults are over: what the server lost and one of these still has is owed.
    pub fn owed_by(&mut self, devices: &[Device]) {
        let has = |change: &&ChangeHash| {
            let mut entries = devices
                .iter()
                .flat_map(|device| device.disk.entries.values());
            let mut devices = devices.iter();
            entries.any(|local| local.has(change))
                || devices.any(|device| device.disk.sends(change) || still_held(device, change))
        };
        self.owed = self.lost.iter().filter(has).copied().collect();
    }

    /// Whoever carried an edit, and showed it, has heard what became of it as its author has.
    pub fn relay_tells(
        &mut self,
        keeper: &Keeper,
        shown: &BTreeMap<ChangeHash, Option<Verdict>>,
        unsaid: &BTreeSet<ChangeHash>,
    ) -> Result<(), String> {
        let books = keeper.durable();
        let mut held = books.held.keys();
        if let Some(change) = held.find(|change| unsaid.contains(change)) {
            let short = short(change);
            return Err(format!(
                "{short} is held, and the relay that showed it was not told"
            ));
        }
        let accepted: BTreeSet<ChangeHash> = books.log.iter().map(|row| row.change).collect();
        for (change, told) in shown {
            let in_record = accepted.contains(change);
            let gone = self.lost.contains(change);
            let held = books.held.contains_key(change);
            let short = short(change);
            match told {
                Some(Verdict::Held(_)) => {
                    self.counts.shown_held += 1;
                    if !held && !in_record && !gone {
                        return Err(format!("the relay shows {short} as held, which is not"));
                    }
                }
                Some(Verdict::Accepted(_) | Verdict::Duplicate(_)) if !in_record && !gone => {
                    return Err(format!("the relay shows {short} as taken, which is not"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What was owed is in the record or held, or was refused to the one who has it still.
    pub fn handed_back(&mut self, keeper: &Keeper, devices: &[Device]) -> Result<(), String> {
        let books = keeper.durable();
        let accepted: BTreeSet<ChangeHash> = books.log.iter().map(|row| row.change).collect();
        let aside = |change: &ChangeHash| {
            let mut devices = devices.iter();
            devices.any(|device| {
                device.diary.renewed.contains(change)
                    || device.disk.aside.contains_key(change) && !still_held(device, change)
            })
        };
        let gone: BTreeSet<ChangeHash> = devices
            .iter()
            .flat_map(|device| device.diary.named())
            .filter(|(entry, _)| books.destroyed.contains_key(entry))
            .map(|(_, change)| change)
            .collect();
        for change in self.owed.difference(&gone) {
            let there = accepted.contains(change) || books.held.contains_key(change);
            self.counts.handed_back += u64::from(there);
            if !there && !aside(change) {
                let short = short(change);
                return Err(format!(
                    "{short} was acknowledged, lost, and not handed back"
                ));
            }
        }
        Ok(())
    }

    /// What one key signed and another signed anew is not held under both.
    fn held_once(&self, books: &Books) -> Result<(), String> {
        let mut signed = BTreeMap::new();
        for (change, row) in &books.held {
            let Ok(inspected) = guard::inspect(&row.edit.change) else {
                continue;
            };
            let origin = row.edit.origin.read().map_err(|_| "a held origin")?;
            let said = format!("{:?}", inspected.past.writes);
            let said = (row.edit.entry, row.author, origin.at, said);
            let now = (origin.device, *change);
            let (device, first) = *signed.entry(said).or_insert(now);
            if device != origin.device {
                let (first, second) = (short(&first), short(change));
                return Err(format!("{first} is held, and signed anew as {second}"));
            }
        }
        Ok(())
    }

    /// An author knows what was decided of the edits that are held, and the holder those to decide.
    fn told_of_held(&self, keeper: &Keeper, device: &Device) -> Result<(), String> {
        let Device { profile, disk, .. } = device;
        let books = keeper.durable();
        let until = disk.head.seen_until().unwrap_or(Tick(0));
        for (change, row) in &books.held {
            if books.destroyed.contains_key(&row.edit.entry) {
                continue;
            }
            let told = disk.held.get(change).map(|held| held.settled);
            let up_to_date = told == Some(row.settlement);
            let own = row.author == profile.author.person;
            if own && row.settlement.is_none() && disk.unsent.iter().any(|u| u.change == *change) {
                let (name, short) = (profile.name, short(change));
                return Err(format!("{name} still sends {short}, which is held"));
            }
            if own && row.settlement.is_some() && !up_to_date {
                let name = profile.name;
                return Err(format!("{name} does not know what became of its held edit"));
            }
            let in_good_faith = books.is_for_holder(change);
            let due = row.due.is_none_or(|due| due <= until);
            if profile.who == Who::Holder && in_good_faith && due && !up_to_date {
                let name = profile.name;
                return Err(format!(
                    "{name} does not know how the held {} stands",
                    short(change)
                ));
            }
        }
        Ok(())
    }
}
