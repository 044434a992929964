//! What goes wrong besides messages.

use ed25519_dalek::SigningKey;
use std::collections::BTreeSet;

use sync_core::entry::{EntryDocument, Write};
use sync_core::{Digest32, EntryId, Incarnation, LogIncarnation};

use super::World;
use super::server::Job;
use crate::bug::Bug;
use crate::cast::UNITS;

impl World {
    pub(super) fn something_fails(&mut self) -> Result<(), String> {
        match self.dice.below(19) {
            0..3 => {
                let unit = self.dice.below(UNITS as u64) as usize;
                if !self.network.cut_off.remove(&unit) {
                    self.network.cut_off.insert(unit);
                }
                let cut = self.network.cut_off.contains(&unit);
                self.break_lines(|device| device.profile.unit == unit);
                let names = self.names_on(unit);
                self.say(|| format!("{names} {}", if cut { "offline" } else { "online" }));
                Ok(())
            }
            3..5 => self.server_crashes(),
            5..7 => {
                let unit = self.dice.below(UNITS as u64) as usize;
                let names = self.names_on(unit);
                self.say(|| format!("{names} restarts"));
                self.checks.counts.crashes += 1;
                self.break_lines(|device| device.profile.unit == unit);
                let mut on_unit = self.devices.iter_mut();
                on_unit.try_for_each(|device| match device.profile.unit == unit {
                    true => device.restart(&mut None),
                    false => Ok(()),
                })
            }
            7 => {
                self.copy();
                Ok(())
            }
            8..10 => self.restore(),
            10 => {
                self.say(|| "somebody copies the server's store".to_owned());
                self.keeper.copy();
                Ok(())
            }
            11 => {
                self.revoke();
                Ok(())
            }
            12 => {
                let devices: Vec<usize> = self.lines.keys().copied().collect();
                if let Some(device) = self.dice.pick(&devices).copied() {
                    if self.dice.percent(50) {
                        self.say_of(device, "has a half-open line");
                        self.checks.counts.half_open += 1;
                        let line = self.lines.get_mut(&device);
                        line.into_iter().for_each(|line| line.half_open = true);
                    } else {
                        self.say_of(device, "loses its line");
                        self.lines.remove(&device);
                    }
                }
                Ok(())
            }
            13 => {
                self.clock_jumps();
                Ok(())
            }
            14 => {
                self.partition();
                Ok(())
            }
            15 => self.device_rots(),
            16 => self.server_rots(),
            17 => self.unsynced(),
            _ => self.put_back(),
        }
    }

    /// The clock of a piece of hardware goes days ahead or back.
    fn clock_jumps(&mut self) {
        let unit = self.dice.below(UNITS as u64) as usize;
        let days = self.dice.below(40) as i64 - 20;
        self.checks.counts.jumps += 1;
        let names = self.names_on(unit);
        self.say(|| format!("the clock of {names} jumps by {days} days"));
        self.clocks[unit] += days * 86_400_000;
    }

    /// Half of the hardware is without a connection.
    fn partition(&mut self) {
        let mut cut = BTreeSet::new();
        for unit in 0..UNITS {
            if self.dice.percent(50) {
                cut.insert(unit);
            }
        }
        self.checks.counts.partitions += 1;
        self.say(|| "half of the hardware is cut off".to_owned());
        self.break_lines(|device| cut.contains(&device.profile.unit));
        self.network.cut_off = cut;
    }

    /// A bit of a device's store turns over. It is noticed when the store is read again, and the
    /// device begins anew, with nothing.
    fn device_rots(&mut self) -> Result<(), String> {
        let device = self.any_device();
        let entries = &self.devices[device].disk.entries;
        let entries: Vec<EntryId> = entries.keys().copied().collect();
        let Some(entry) = self.dice.pick(&entries).copied() else {
            return Ok(());
        };
        let bytes = self.devices[device].disk.entries[&entry].to_bytes();
        let seal = Digest32::of(&[&bytes]);
        let rotten = self.turned_over(bytes);
        self.checks.counts.rotten += 1;
        let name = self.devices[device].profile.name;
        if Digest32::of(&[&rotten]) == seal {
            return Err(format!("{name} does not notice that its store is damaged"));
        }
        self.lines.remove(&device);
        if self.bug == Some(Bug::RottenEntrySkipped) {
            self.devices[device].disk.entries.remove(&entry);
            return Ok(());
        }
        self.say_of(device, "finds its store damaged, and begins anew");
        let fresh = Incarnation(self.dice.bytes());
        let server = self.keeper.public_key();
        self.devices[device].begin_anew(server, fresh);
        Ok(())
    }

    /// A bit of the server's store turns over. A document says so when it is read again, and the
    /// store is put back from its copy.
    fn server_rots(&mut self) -> Result<(), String> {
        let entries = &self.keeper.durable().entries;
        let here = entries.iter().filter(|(_, kept)| kept.destroyed.is_none());
        let entries: Vec<EntryId> = here.map(|(entry, _)| *entry).collect();
        let Some(entry) = self.dice.pick(&entries).copied() else {
            return Ok(());
        };
        let document = &self.keeper.durable().entries[&entry].document;
        let (bytes, state) = (document.save(), document.state());
        let rotten = self.turned_over(bytes);
        self.checks.counts.rotten += 1;
        match EntryDocument::load(&rotten) {
            Ok(read) if read.state() != state => {
                Err(format!("{entry} is read from a damaged store as another"))
            }
            _ => {
                self.say(|| "the server finds its store damaged".to_owned());
                self.put_back()
            }
        }
    }

    fn turned_over(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.dice.below(bytes.len().max(1) as u64) as usize;
        let bit = self.dice.below(8);
        bytes
            .iter_mut()
            .skip(at)
            .take(1)
            .for_each(|b| *b ^= 1 << bit);
        bytes
    }

    /// The power goes, and what was written last is gone though the device took it for durable.
    fn unsynced(&mut self) -> Result<(), String> {
        let device = self.any_device();
        let Some((disk, diary)) = self.devices[device].before.take() else {
            return Ok(());
        };
        self.say_of(device, "loses what it wrote last, which was not synced");
        self.checks.counts.unsynced += 1;
        self.checks.counts.crashes += 1;
        self.lines.remove(&device);
        self.devices[device].diary.cloned = true;
        self.devices[device].put_in_place(disk, diary, None)
    }

    /// Somebody revokes a device of theirs and signs in again there: with a fresh key.
    fn revoke(&mut self) {
        let device = self.any_device();
        let name = self.devices[device].profile.name;
        self.say(|| format!("{name} is revoked, and its person signs in again"));
        self.checks.counts.revoked += 1;
        let key = SigningKey::from_bytes(&self.dice.bytes());
        let now = self.tick();
        let profile = &mut self.devices[device].profile;
        let before = profile.submitter();
        profile.author.key = key;
        self.keeper.revoke(before, profile.submitter(), now);
        self.devices[device].outstanding = None;
        self.lines.remove(&device);
    }

    fn names_on(&self, unit: usize) -> String {
        let on_unit = self.devices.iter().filter(|d| d.profile.unit == unit);
        let names: Vec<&str> = on_unit.map(|d| d.profile.name).collect();
        names.join(" and ")
    }

    /// What was not durable is gone, and so are the answers that told of it.
    pub(super) fn server_crashes(&mut self) -> Result<(), String> {
        if !self.network.healed && self.dice.percent(50) {
            let process = self.any_process();
            return self.process_crashes(process);
        }
        let lost = self.errands.len();
        self.say(|| format!("the server crashes, and {lost} requests are not answered"));
        self.checks.counts.crashes += 1;
        self.checks.counts.cut_short += self.half_taken(None);
        self.end_errands();
        self.keeper.crash();
        self.checks.durable(self.keeper.durable())?;
        let now = self.tick();
        self.keeper.start(now)?;
        self.checks.destroyed(self.keeper.durable())?;
        self.checks.decided(self.keeper.durable())
    }

    /// One process of the server crashes and starts again; the others go on. The marks that waited
    /// for the rest of its requests are decided on; those of others' requests wait.
    fn process_crashes(&mut self, process: usize) -> Result<(), String> {
        self.say(|| format!("process {process} of the server crashes"));
        self.checks.counts.crashes += 1;
        self.checks.counts.processes += 1;
        self.checks.counts.cut_short += self.half_taken(Some(process));
        let doomed = self.end_process(process);
        self.checks.durable(self.keeper.books())?;
        if self.bug != Some(Bug::MarkForgottenAtStart) && !doomed.is_empty() {
            self.queue(Job::Decide(doomed, process));
        }
        Ok(())
    }

    /// The server's store is replaced by an older copy: what came since is on devices only.
    fn put_back(&mut self) -> Result<(), String> {
        let log = LogIncarnation(self.dice.bytes());
        let now = self.tick();
        let Some(kept) = self.keeper.put_back(log, now)? else {
            self.keeper.copy();
            return Ok(());
        };
        self.say(|| "the server's store is put back from its copy".to_owned());
        self.end_errands();
        self.checks.put_back(&self.keeper, kept, &mut self.devices)
    }

    fn copy(&mut self) {
        // Those of the holder have most to lose.
        let device = if self.dice.percent(60) {
            self.dice.below(2) as usize
        } else {
            self.any_device()
        };
        let name = self.devices[device].profile.name;
        self.say(|| format!("somebody copies the store of {name}"));
        self.devices[device].copy_store();
    }

    /// A device comes back from a copy: mostly it knows, and takes a fresh incarnation. Its person
    /// may do again what is gone.
    fn restore(&mut self) -> Result<(), String> {
        let copied: Vec<usize> = (0..self.devices.len())
            .filter(|device| self.devices[*device].copy.is_some())
            .collect();
        let Some(device) = self.dice.pick(&copied).copied() else {
            self.copy();
            return Ok(());
        };
        let before = self.devices[device].diary.edits();
        let noticed = self.dice.percent(40);
        let fresh = noticed.then(|| Incarnation(self.dice.bytes()));
        let name = self.devices[device].profile.name;
        let how = if noticed { "and knows it" } else { "unnoticed" };
        self.say(|| format!("{name} is restored from its copy, {how}"));
        self.devices[device].diary.cloned |= !noticed;
        self.lines.remove(&device);
        self.devices[device].restore(fresh)?;
        let after = self.devices[device].diary.edits();
        let gone = before
            .into_iter()
            .filter(|(change, _)| !after.contains_key(change));
        let there = |entry: &EntryId| self.devices[device].entry(entry).is_some();
        let gone: Vec<EntryId> = gone.map(|(_, entry)| entry).filter(there).collect();
        match self.dice.pick(&gone).copied() {
            Some(entry) => {
                let again = [Write::set("notes", "once more")];
                self.write(device, entry, &again, Vec::new())
            }
            None => Ok(()),
        }
    }
}
