//! What goes wrong besides messages.

use ed25519_dalek::SigningKey;
use std::collections::BTreeSet;

use sync_core::entry::Write;
use sync_core::{DeviceId, Digest32, EntryId, Incarnation, LogIncarnation};

use super::server::Job;
use super::{DAY, HOUR, World};
use crate::bug::Bug;
use crate::cast::UNITS;
use crate::keeper::Left;

/// What meets a piece of hardware or the server, and so all their records.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// A piece of hardware is without a connection, or has one again.
    Connection(usize),
    /// This hardware is without a connection, and all other has one.
    Partition(BTreeSet<usize>),
    /// A piece of hardware goes off and on again.
    Restart(usize),
    /// Its clock goes so many days ahead, or back.
    Clock(usize, i64),
    /// The clock of the server's machine is wrong by so many microseconds.
    ServerClock(i64),
    /// A process of the server crashes, or all of them.
    Crash(Option<usize>),
    /// Somebody copies the server's store.
    Copy,
    /// The server's store is put back from its copy.
    PutBack,
    /// A device is revoked, and its person signs in there with another key.
    Revoked(DeviceId, Box<SigningKey>),
}

impl World {
    pub(super) fn something_fails(&mut self) -> Result<(), String> {
        let unit = |world: &mut World| world.dice.below(UNITS as u64) as usize;
        let fault = match self.dice.below(20) {
            0..3 => Fault::Connection(unit(self)),
            3..5 => self.any_crash(),
            5..7 => Fault::Restart(unit(self)),
            7 => {
                self.copy();
                return Ok(());
            }
            8..10 => return self.restore(),
            10 => Fault::Copy,
            11 => {
                let device = self.any_device();
                let before = self.devices[device].profile.submitter().device;
                let key = SigningKey::from_bytes(&self.dice.bytes());
                Fault::Revoked(before, Box::new(key))
            }
            12 => {
                self.line_fails();
                return Ok(());
            }
            13 => Fault::Clock(unit(self), self.dice.below(40) as i64 - 20),
            14 => {
                let units = 0..UNITS;
                Fault::Partition(units.filter(|_| self.dice.percent(50)).collect())
            }
            15 => return self.device_rots(),
            16 => return self.server_rots(),
            17 => return self.unsynced(),
            18 => Fault::ServerClock(match self.dice.below(3) {
                0 => 0,
                1 => self.dice.below(HOUR) as i64,
                _ => -(self.dice.below(3 * DAY) as i64),
            }),
            _ => Fault::PutBack,
        };
        self.meets(fault)
    }

    /// A fault, of which the other records are told that it meets too.
    fn meets(&mut self, fault: Fault) -> Result<(), String> {
        self.suffers(&fault)?;
        self.met.push(fault);
        Ok(())
    }

    /// A fault happens here.
    pub(super) fn suffers(&mut self, fault: &Fault) -> Result<(), String> {
        match fault {
            Fault::Connection(unit) => {
                let unit = *unit;
                if !self.network.cut_off.remove(&unit) {
                    self.network.cut_off.insert(unit);
                }
                let cut = self.network.cut_off.contains(&unit);
                self.break_lines(|device| device.profile.unit == unit);
                let names = self.names_on(unit);
                self.say(|| format!("{names} {}", if cut { "offline" } else { "online" }));
                Ok(())
            }
            Fault::Partition(cut) => {
                self.checks.counts.partitions += 1;
                self.say(|| "half of the hardware is cut off".to_owned());
                self.break_lines(|device| cut.contains(&device.profile.unit));
                self.network.cut_off.clone_from(cut);
                Ok(())
            }
            Fault::Restart(unit) => self.restarts(*unit),
            Fault::Clock(unit, days) => {
                self.checks.counts.jumps += 1;
                let names = self.names_on(*unit);
                self.say(|| format!("the clock of {names} jumps by {days} days"));
                self.clocks[*unit] += days * 86_400_000;
                Ok(())
            }
            Fault::ServerClock(wrong) => {
                self.checks.counts.server_jumps += 1;
                let minutes = wrong / 60_000_000;
                self.say(|| format!("the server's clock is wrong by {minutes} minutes"));
                self.server_clock = *wrong;
                Ok(())
            }
            Fault::Crash(None) => self.server_crashes(),
            Fault::Crash(Some(process)) => self.process_crashes(*process),
            Fault::Copy => {
                self.say(|| "somebody copies the server's store".to_owned());
                self.keeper.copy();
                Ok(())
            }
            Fault::PutBack => self.put_back(),
            Fault::Revoked(before, key) => {
                self.revoked(*before, key);
                Ok(())
            }
        }
    }

    fn line_fails(&mut self) {
        let devices: Vec<usize> = self.lines.keys().copied().collect();
        let Some(device) = self.dice.pick(&devices).copied() else {
            return;
        };
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

    fn restarts(&mut self, unit: usize) -> Result<(), String> {
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

    /// A row of the server's store is not what was written there. That is noticed when it is read,
    /// and the store is put back from its copy.
    fn server_rots(&mut self) -> Result<(), String> {
        self.checks.counts.rotten_rows += 1;
        match self.keeper.rots(&mut self.dice)? {
            true => {
                self.say(|| "the server finds its store damaged".to_owned());
                self.meets(Fault::PutBack)
            }
            false => {
                self.say(|| "a row of the server's store is damaged".to_owned());
                Ok(())
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

    fn revoked(&mut self, before: DeviceId, key: &SigningKey) {
        let mut devices = self.devices.iter();
        let of_it = devices.position(|device| device.profile.submitter().device == before);
        let Some(device) = of_it else {
            return;
        };
        let name = self.devices[device].profile.name;
        self.say(|| format!("{name} is revoked, and its person signs in again"));
        self.checks.counts.revoked += 1;
        let now = self.tick();
        let profile = &mut self.devices[device].profile;
        let before = profile.submitter();
        profile.author.key = key.clone();
        self.keeper.revoke(before, profile.submitter(), now);
        self.devices[device].outstanding = None;
        self.lines.remove(&device);
    }

    fn names_on(&self, unit: usize) -> String {
        let on_unit = self.devices.iter().filter(|d| d.profile.unit == unit);
        let names: Vec<&str> = on_unit.map(|d| d.profile.name).collect();
        names.join(" and ")
    }

    /// Somewhere in the open transaction, if there is one.
    pub(super) fn crash(&mut self) -> Result<(), String> {
        let crash = self.any_crash();
        self.meets(crash)
    }

    fn any_crash(&mut self) -> Fault {
        let one = self.dice.percent(50);
        Fault::Crash(one.then(|| self.any_process()))
    }

    /// What was not durable is gone, and so are the answers that told of it.
    fn server_crashes(&mut self) -> Result<(), String> {
        let lost = self.errands.len();
        self.say(|| format!("the server crashes, and {lost} requests are not answered"));
        self.checks.counts.crashes += 1;
        self.checks.counts.cut_short += self.half_taken(None);
        self.end_errands();
        self.transaction_ends()?;
        self.checks.durable(self.keeper.durable())?;
        let now = self.tick_at(0);
        self.keeper.start(now)?;
        self.checks.destroyed(self.keeper.durable())?;
        self.checks.decided(self.keeper.durable())
    }

    /// The open transaction ends with whoever writes it.
    pub(super) fn transaction_ends(&mut self) -> Result<(), String> {
        let left = self.keeper.crash(&mut self.dice)?;
        let counts = &mut self.checks.counts;
        counts.torn += u64::from(left == Left::Nothing);
        counts.untold += u64::from(left == Left::All);
        match left {
            Left::NoneOpen => {}
            Left::Nothing => self.say(|| "nothing is left of its open transaction".to_owned()),
            Left::All => self.say(|| "all of its open transaction is there".to_owned()),
        }
        Ok(())
    }

    /// One process of the server crashes and starts again; the others go on. The marks that waited
    /// for the rest of its requests are decided on; those of others' requests wait.
    fn process_crashes(&mut self, process: usize) -> Result<(), String> {
        self.say(|| format!("process {process} of the server crashes"));
        self.checks.counts.crashes += 1;
        self.checks.counts.processes += 1;
        self.checks.counts.cut_short += self.half_taken(Some(process));
        let doomed = self.end_process(process)?;
        self.checks.durable(self.keeper.books())?;
        if self.bug != Some(Bug::MarkForgottenAtStart) && !doomed.is_empty() {
            self.queue(Job::Decide(doomed, process));
        }
        Ok(())
    }

    /// The server's store is replaced by an older copy: what came since is on devices only.
    fn put_back(&mut self) -> Result<(), String> {
        let log = LogIncarnation(self.dice.bytes());
        let now = self.tick_at(0);
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
        let fresh = fresh.filter(|_| self.bug != Some(Bug::IncarnationKept));
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
