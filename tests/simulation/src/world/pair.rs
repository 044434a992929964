//! Two records of one server, with the same people and devices: what belongs to one strays to the
//! other, and gives nothing there.

use std::collections::BTreeSet;

use sync_core::EntryId;

use super::astray::Passing;
use super::{Acts, BESIDE, World, pause};
use crate::bug::Bug;
use crate::checks::Counts;
use crate::dice::Dice;
use crate::trace::Trace;

/// Both, on one clock.
pub struct Pair {
    seed: u64,
    dice: Dice,
    worlds: [World; 2],
}

impl Pair {
    /// Two new records.
    pub fn new(seed: u64, bug: Option<Bug>, trace: Trace) -> Self {
        let mut one = World::new(seed, bug, trace);
        let other = one.beside();
        one.passing = Some(Passing::default());
        Pair {
            seed,
            dice: Dice::new(seed),
            worlds: [one, other],
        }
    }

    /// Plays these steps of a history, lets everything heal, and checks both records.
    ///
    /// # Errors
    /// The first check that does not hold.
    pub fn play(&mut self, acts: &Acts) -> Result<(), String> {
        self.play_all(acts).map_err(|failure| {
            let [one, other] = &self.worlds;
            other.named(one.named(failure))
        })
    }

    fn play_all(&mut self, acts: &Acts) -> Result<(), String> {
        for world in &mut self.worlds {
            world.first_rights()?;
        }
        self.meet()?;
        for step in acts.numbers() {
            self.dice = Dice::of(self.seed, step);
            let pause = pause(&mut self.dice);
            for (world, seed) in self.worlds.iter_mut().zip([0, BESIDE]) {
                world.dice = Dice::of(!self.seed ^ seed, step);
                world.trace.step(Some(step));
                world.run_until(world.now + pause)?;
            }
            self.meet()?;
            let at = self.dice.below(2) as usize;
            match self.dice.below(100) {
                0..22 => self.something_strays(at)?,
                _ => self.worlds[at].something_happens()?,
            }
            self.meet()?;
        }
        for (world, seed) in self.worlds.iter_mut().zip([0, BESIDE]) {
            world.dice = Dice::of(!self.seed ^ seed, u64::MAX - 1);
            world.trace.step(None);
            world.heal()?;
        }
        self.apart()
    }

    /// What met hardware or server in one record meets the other too, and what was answered astray
    /// comes to whom it was for.
    fn meet(&mut self) -> Result<(), String> {
        let [one, other] = &mut self.worlds;
        one.keeper.is_beside(&other.keeper);
        other.keeper.is_beside(&one.keeper);
        let (here, there) = (std::mem::take(&mut one.met), std::mem::take(&mut other.met));
        for fault in here {
            other.suffers(&fault)?;
        }
        for fault in there {
            one.suffers(&fault)?;
        }
        for at in 0..2 {
            for (device, answer) in self.worlds[at].answers_astray() {
                let [from, to] = self.from(at);
                if let Some(device) = to.device_of(&from.devices[device].profile) {
                    to.hears_astray(device, &answer)?;
                }
            }
        }
        self.apart()
    }

    /// The world at a place, and the other.
    fn from(&mut self, at: usize) -> [&mut World; 2] {
        let [one, other] = &mut self.worlds;
        match at {
            0 => [one, other],
            _ => [other, one],
        }
    }

    fn something_strays(&mut self, at: usize) -> Result<(), String> {
        let which = self.dice.below(11);
        let [from, to] = self.from(at);
        let to_device =
            |from: &World, to: &World, device: usize| to.device_of(&from.devices[device].profile);
        match which {
            0..5 => {
                let Some((sender, request)) = from.passed_request() else {
                    return Ok(());
                };
                let Some(device) = to_device(from, to, sender) else {
                    return Ok(());
                };
                let anew = (which > 0).then(|| to.packed_anew(device, &request, from));
                match anew.flatten() {
                    Some(request) => to.gets_astray(device, &request),
                    None => to.gets_astray(device, &request),
                }
            }
            5..8 => {
                let Some((receiver, answer)) = from.passed_answer() else {
                    return Ok(());
                };
                let Some(device) = to_device(from, to, receiver) else {
                    return Ok(());
                };
                let log = answer.checkpoint.seen().ok().map(|seen| seen.log);
                match answer.news.as_ref().zip(log).filter(|_| which > 5) {
                    Some(frame) => to.hears_stray_frame(device, frame, from),
                    None => to.hears_astray(device, &answer),
                }
            }
            8 => {
                let sender = from.any_device();
                let Some(device) = to_device(from, to, sender) else {
                    return Ok(());
                };
                let request = from.hands_all_back(sender)?;
                match to.packed_anew(device, &request, from) {
                    Some(request) => to.gets_astray(device, &request),
                    None => Ok(()),
                }
            }
            _ => {
                let shows = from.any_device();
                let device = to_device(from, to, shows);
                match device.zip(from.shown_by(shows)) {
                    Some((device, shown)) => to.shows_astray(device, shown),
                    None => Ok(()),
                }
            }
        }
    }

    /// Nothing of one record is in the other.
    fn apart(&self) -> Result<(), String> {
        let [one, other] = &self.worlds;
        let known = |world: &World| -> BTreeSet<EntryId> {
            let books = world.keeper.books();
            let held = books.held.values().map(|row| row.edit.entry);
            let devices = world.devices.iter();
            let devices = devices.flat_map(|device| device.disk.entries.keys().copied());
            let known = books.entries.keys().copied().chain(held);
            known.chain(devices).collect()
        };
        let (here, there) = (known(one), known(other));
        match here.intersection(&there).next() {
            Some(entry) => Err(format!("{entry} is in two records")),
            None => Ok(()),
        }
    }

    /// What happened in both, and how often.
    pub fn into_parts(self) -> (Counts, Trace) {
        let [one, other] = self.worlds.map(World::into_parts);
        let (mut counts, mut trace) = (one.0.counts, one.1);
        counts.add(other.0.counts);
        trace.join(other.1);
        (counts, trace)
    }
}
