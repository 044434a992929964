//! One history: what happens, in what order, and what goes wrong.

mod acts;
mod astray;
mod faults;
mod lines;
mod pair;
mod people;
mod relay;
mod server;
mod words;

use std::collections::BTreeMap;
use std::rc::Rc;

use ed25519_dalek::SigningKey;
use sync_core::sync::{SyncAnswer, SyncRequest};
use sync_core::{DeviceTime, EntryId, LogIncarnation, Tick};

use super::acts::Acts;
use super::bug::Bug;
use super::cast::{self, Cast, Keys, Profile, UNITS, Who};
use super::checks::{Checks, settled};
use super::device::{Device, Taken};
use super::dice::Dice;
use super::keeper::Keeper;
use super::network::{Message, Network, Parcel, Way};
use super::trace::Trace;
use astray::Passing;
use faults::Fault;
use lines::Line;
use relay::Relay;
use server::{Errand, Job};

pub use pair::Pair;

/// Microseconds.
const SECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// When every history starts, in microseconds since the Unix epoch.
const START: u64 = 1_790_000_000 * SECOND;
/// How long a driver waits for its answer.
const PATIENCE: u64 = 30 * SECOND;

/// What another record's seed differs by.
const BESIDE: u64 = 0x5851_f42d_4c95_7f2d;

/// Seconds, sometimes hours, now and then days.
fn pause(dice: &mut Dice) -> u64 {
    match dice.below(20) {
        0..15 => dice.below(2 * SECOND),
        15..18 => dice.below(120 * SECOND),
        18 => dice.below(DAY / 4),
        _ => dice.below(12 * DAY),
    }
}

/// How an answer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Taken,
    /// It goes on from where the device does not stand.
    Late,
    Refused,
}

/// Everything there is around one record.
pub struct World {
    seed: u64,
    cast: Cast,
    /// Of whoever plays, and of those who might have.
    keys: Keys,
    dice: Dice,
    now: u64,
    keeper: Keeper,
    devices: Vec<Device>,
    network: Network,
    checks: Checks,
    /// By how many milliseconds the clock of each piece of hardware is wrong.
    clocks: Vec<i64>,
    /// What the server is busy with.
    errands: BTreeMap<u64, Errand>,
    /// What waits for the writer, by when it has its turn.
    jobs: BTreeMap<(u64, u64), Job>,
    /// The jobs in the open transaction.
    open: Vec<Job>,
    /// Whose the open transaction is, or was last.
    writer: usize,
    /// By how many microseconds the clock of the second process is behind that of the first.
    skew: u64,
    /// By how many microseconds the clock of the server's machine is wrong.
    server_clock: i64,
    /// What met hardware or server since it was looked for: it meets all their records.
    met: Vec<Fault>,
    /// What passed by lately, if there is another record to which it may stray.
    passing: Option<Passing>,
    /// The record's last tick when the processes looked at the store last.
    looked_at: Tick,
    /// Who carries messages.
    relay: Relay,
    /// When the open transaction becomes durable.
    commit_at: Option<u64>,
    /// Something in the open transaction is to be told to those who are connected.
    heard: bool,
    /// The devices that are connected.
    lines: BTreeMap<usize, Line>,
    requests: u64,
    /// Counts errands, jobs and lines.
    counter: u64,
    /// Old answers, by device: what an intermediary may give out once more.
    cached: BTreeMap<usize, Rc<SyncAnswer>>,
    names: BTreeMap<EntryId, String>,
    trace: Trace,
    bug: Option<Bug>,
    /// How many bytes an answer carries once nothing goes wrong any more; as many as it likes, if
    /// nothing is said.
    page: Option<u32>,
}

impl World {
    /// A new record, its holder's rights not written yet.
    pub fn new(seed: u64, bug: Option<Bug>, trace: Trace) -> Self {
        let mut dice = Dice::new(seed);
        let key = SigningKey::from_bytes(&dice.bytes());
        let mut keys = Keys::new();
        let mut profiles = cast::profiles(Cast::One, &mut keys, &mut dice);
        // Not everybody plays in every history: that keeps them short, and different.
        let play = dice.pick(&[20, 40, 65]).copied().unwrap_or(65);
        profiles.retain(|profile| profile.who == Who::Holder || dice.percent(play));
        World::with(seed, (Cast::One, keys, profiles, key), dice, bug, trace)
    }

    /// Another record of the same server, with the same people, devices and clocks.
    fn beside(&self) -> Self {
        let seed = self.seed ^ BESIDE;
        let mut dice = Dice::new(seed);
        let cast = Cast::Other;
        let mut keys = self.keys.clone();
        let mut profiles = cast::profiles(cast, &mut keys, &mut dice);
        let plays = |profile: &Profile| {
            let person = profile.author.person;
            let mut others = self.devices.iter().map(|device| &device.profile);
            others.any(|other| (other.author.person, other.unit) == (person, profile.unit))
        };
        profiles.retain(|profile| plays(profile) || profile.who == Who::Holder || dice.percent(20));
        let key = self.keeper.key().clone();
        let trace = self.trace.beside("in the other record: ");
        let beside = World::with(seed, (cast, keys, profiles, key), dice, self.bug, trace);
        World {
            clocks: self.clocks.clone(),
            skew: self.skew,
            passing: Some(Passing::default()),
            ..beside
        }
    }

    fn with(
        seed: u64,
        (cast, keys, profiles, key): (Cast, Keys, Vec<Profile>, SigningKey),
        mut dice: Dice,
        bug: Option<Bug>,
        trace: Trace,
    ) -> Self {
        let people = profiles.iter().map(Profile::submitter);
        let keeper = Keeper::new(
            cast.record(),
            cast.id(Who::Holder),
            key,
            LogIncarnation(dice.bytes()),
            people,
            bug,
        );
        let server = keeper.public_key();
        let devices = profiles
            .into_iter()
            .map(|profile| Device::new(profile, cast.record(), server, &mut dice))
            .collect();
        let clock = |dice: &mut Dice| match dice.below(4) {
            0 => 0,
            1 => dice.below(2_000) as i64 - 1_000,
            2 => dice.below(7_200_000) as i64 - 3_600_000,
            _ => dice.below(200_000_000_000) as i64 - 100_000_000_000,
        };
        let clocks = (0..UNITS).map(|_| clock(&mut dice)).collect();
        let page = dice.percent(40).then(|| dice.between(1_000, 4_000) as u32);
        let skew = dice.below(90 * SECOND);
        World {
            seed,
            cast,
            keys,
            dice,
            now: START,
            keeper,
            devices,
            network: Network::default(),
            checks: Checks::new(cast),
            clocks,
            errands: BTreeMap::new(),
            jobs: BTreeMap::new(),
            open: Vec::new(),
            writer: 0,
            skew,
            server_clock: 0,
            met: Vec::new(),
            passing: None,
            looked_at: Tick(0),
            relay: Relay::default(),
            commit_at: None,
            heard: false,
            lines: BTreeMap::new(),
            requests: 0,
            counter: 0,
            cached: BTreeMap::new(),
            names: BTreeMap::new(),
            trace,
            bug,
            page,
        }
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Plays these steps of a history, lets everything heal, and checks it all.
    ///
    /// # Errors
    /// The first check that does not hold.
    pub fn play(&mut self, acts: &Acts) -> Result<(), String> {
        self.play_all(acts).map_err(|failure| self.named(failure))
    }

    /// A failure, with entries called what the history calls them.
    fn named(&self, failure: String) -> String {
        let named = self.names.iter();
        named.fold(failure, |told, (entry, name)| {
            told.replace(&entry.to_string(), name)
        })
    }

    fn play_all(&mut self, acts: &Acts) -> Result<(), String> {
        self.first_rights()?;
        for step in acts.numbers() {
            self.dice = Dice::of(self.seed, step);
            self.trace.step(Some(step));
            let pause = pause(&mut self.dice);
            self.run_until(self.now + pause)?;
            self.something_happens()?;
            self.met.clear();
        }
        self.dice = Dice::of(self.seed, u64::MAX - 1);
        self.trace.step(None);
        self.heal()
    }

    fn something_happens(&mut self) -> Result<(), String> {
        match self.dice.below(100) {
            0..46 => self.somebody_acts(),
            46..50 => {
                let device = self.any_device();
                self.connect(device)
            }
            50..82 => {
                let device = self.any_device();
                self.sync(device)
            }
            82..88 => self.relay_goes_round(),
            _ => self.something_fails(),
        }
    }

    /// What happened, and how often.
    pub fn into_parts(mut self) -> (Checks, Trace) {
        let edits = self
            .devices
            .iter()
            .map(|device| device.diary.edits().len() as u64);
        let counts = &mut self.checks.counts;
        counts.edits = edits.sum();
        let met = self.network.met;
        (counts.lost, counts.damaged) = (met.lost, met.damaged);
        (counts.delayed, counts.doubled) = (met.delayed, met.doubled);
        counts.overtaken = met.overtaken;
        (self.checks, self.trace)
    }

    fn any_device(&mut self) -> usize {
        self.dice.below(self.devices.len() as u64) as usize
    }

    fn tick(&self) -> Tick {
        Tick(self.now)
    }

    /// What the clock of a device says.
    fn clock(&self, device: usize) -> DeviceTime {
        let unit = self.devices[device].profile.unit;
        let right = i64::try_from(self.now / 1_000).unwrap_or(i64::MAX);
        DeviceTime(right + self.clocks[unit])
    }

    fn say(&mut self, what: impl FnOnce() -> String) {
        self.trace.say(self.now - START, what);
    }

    fn run_until(&mut self, until: u64) -> Result<(), String> {
        loop {
            let commit = self.commit_at;
            let turn = self.jobs.keys().next().map(|(at, _)| *at);
            let arrives = self.network.next_due();
            let all = [commit, turn, arrives];
            let Some(next) = all.into_iter().flatten().min().filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(next);
            if commit == Some(next) {
                self.commit()?;
            } else if turn == Some(next) {
                if let Some((_, job)) = self.jobs.pop_first() {
                    self.work(job)?;
                }
            } else if let Some((_, parcel)) = self.network.next(next) {
                self.deliver(parcel)?;
            }
        }
        self.now = self.now.max(until);
        self.beat()
    }

    /// A driver sends what it has, unless a request is under way that it has not given up: mostly
    /// over its line, if it has one.
    fn sync(&mut self, device: usize) -> Result<(), String> {
        let on_line =
            self.lines.contains_key(&device) && (self.network.healed || self.dice.percent(70));
        if on_line && !self.gives_line_up(device) {
            return self.ask_on_line(device);
        }
        // Now and then the list of records is asked for first.
        if self.dice.percent(10) {
            self.close_if_ended(device)?;
        }
        let clock = self.patience_clock(device);
        let waits = self.devices[device].outstanding;
        if waits.is_some_and(|(_, until)| clock < until) {
            return Ok(());
        }
        let (id, request) = self.make_request(device)?;
        self.devices[device].outstanding = Some((id, clock + PATIENCE));
        let unit = self.devices[device].profile.unit;
        if self.bug == Some(Bug::CutOffTakenForSent) && self.network.cut_off.contains(&unit) {
            self.devices[device].disk.unsent.clear();
        }
        let parcel = Parcel {
            device,
            unit: self.devices[device].profile.unit,
            id,
            way: Way::Loose,
            message: Message::Request(request),
        };
        self.network.send(&mut self.dice, self.now, parcel);
        Ok(())
    }

    /// The clock by which a driver waits: one that nobody sets.
    fn patience_clock(&self, device: usize) -> u64 {
        match self.bug {
            Some(Bug::PatienceByClock) => {
                u64::try_from(self.clock(device).0).unwrap_or_default() * 1_000
            }
            _ => self.now,
        }
    }

    fn make_request(&mut self, device: usize) -> Result<(u64, Rc<SyncRequest>), String> {
        let small = !self.network.healed && self.dice.percent(50);
        let limit = small.then(|| self.dice.between(1, 400) as u32);
        let limit = limit.or(self.page.filter(|_| self.network.healed));
        let request = Rc::new(self.devices[device].request(limit)?);
        self.requests += 1;
        let id = self.requests;
        self.devices[device].again = false;
        if let Some(passing) = &mut self.passing {
            passing.request(device, &request);
        }
        let Device { profile, disk, .. } = &self.devices[device];
        let (name, sends) = (profile.name, disk.unsent.len());
        if !self.network.healed || sends > 0 {
            self.say(|| format!("{name} asks (request {id}), with {sends} edits"));
        }
        Ok((id, request))
    }

    fn deliver(&mut self, parcel: Parcel) -> Result<(), String> {
        if self.network.cut_off.contains(&parcel.unit) {
            return Ok(());
        }
        let Parcel {
            device,
            id,
            way,
            message,
            ..
        } = parcel;
        match (message, way) {
            (Message::Request(request), Way::Loose) => self.begin(device, id, &request, Way::Loose),
            (Message::Answer(answer), Way::Loose) => self.arrive(device, id, &answer),
            (message, Way::Line(line)) => self.on_line((device, line), id, message),
            // They do not go by the network.
            (_, Way::Relay | Way::Astray(_)) => Ok(()),
        }
    }

    fn arrive(&mut self, device: usize, id: u64, answer: &SyncAnswer) -> Result<(), String> {
        let name = self.devices[device].profile.name;
        let expected = self.devices[device].outstanding.map(|(id, _)| id);
        // As over HTTP: an answer belongs to the request under way, or to none.
        if expected != Some(id) {
            self.say(|| format!("{name} has given up request {id}, whose answer comes now"));
            return Ok(());
        }
        self.devices[device].outstanding = None;
        self.take(device, id, answer)?;
        Ok(())
    }

    /// A device takes an answer in, asked for or not; how that went.
    fn take(&mut self, device: usize, id: u64, answer: &SyncAnswer) -> Result<How, String> {
        let name = self.devices[device].profile.name;
        self.checks.arriving(&self.devices[device], answer)?;
        let fails = !self.network.healed && self.dice.percent(5);
        let fuse = fails.then(|| self.dice.below(12));
        let at = self.clock(device);
        let taken = self.devices[device].receive(answer, &mut self.dice, at, fuse, self.bug)?;
        match taken {
            Taken::Yes(report) => {
                let said = words::taken(answer, &report, &self.names);
                if !self.network.healed || said != words::NOTHING {
                    self.say(|| format!("{name} takes the answer to request {id}: {said}"));
                }
                self.checks.received(&mut self.devices[device], answer)?;
                self.close_if_ended(device)?;
                if self.devices[device].again && self.dice.percent(40) {
                    self.sync(device)?;
                }
                Ok(How::Taken)
            }
            Taken::Refused(why) => {
                let late = why.contains("does not stand");
                self.checks.counts.late += u64::from(late);
                self.say(|| format!("{name} refuses the answer to request {id}: {why}"));
                Ok(if late { How::Late } else { How::Refused })
            }
            Taken::PowerCut => {
                self.checks.counts.crashes += 1;
                self.say(|| format!("{name} loses power over the answer to request {id}"));
                self.lines.remove(&device);
                Ok(How::Refused)
            }
        }
    }

    /// Somebody who may not open the record any more hears of it, and their device forgets it.
    fn close_if_ended(&mut self, device: usize) -> Result<(), String> {
        let Device { profile, disk, .. } = &self.devices[device];
        let subject = profile.submitter().subject;
        let now = self.keeper.books().last.next(self.tick_at(0));
        if self.network.healed || disk.head.cursor.is_none() || self.keeper.may_open(&subject, now)
        {
            return Ok(());
        }
        let name = profile.name;
        self.say(|| format!("the record is closed to {name}, which forgets it"));
        self.checks.counts.closed += 1;
        self.devices[device].close_record(self.bug);
        // What it keeps it may have to hand back, and it will not get the server's word again.
        let request = self.hands_all_back(device)?;
        self.checks.vouched(&self.devices[device], &request)
    }

    /// The faults end; after some rounds everybody has what they may have.
    fn heal(&mut self) -> Result<(), String> {
        self.say(|| "all faults end".to_owned());
        self.network.healed = true;
        self.network.cut_off.clear();
        self.cached.clear();
        self.server_clock = 0;
        // Longer than any driver's patience and any message's way.
        self.run_until(self.now + 2 * PATIENCE)?;
        self.relay_comes_last()?;
        if self.lines.values().any(|line| line.half_open) {
            // Whoever hears nothing on their line finds that out.
            self.everybody_syncs()?;
        }
        self.checks.owed_by(&self.devices);
        // Twice: the last to send has told nobody yet.
        for _ in 0..2 {
            for _ in 0..40 {
                self.everybody_syncs()?;
                if settled(&self.devices) {
                    break;
                }
            }
        }
        for device in &mut self.devices {
            self.checks.nothing_lost(device)?;
        }
        self.checks.durable(self.keeper.durable())?;
        let Relay { shown, unsaid, .. } = &self.relay;
        self.checks.relay_tells(&self.keeper, shown, unsaid)?;
        self.checks.handed_back(&self.keeper, &self.devices)?;
        self.checks.converged(&self.keeper, &self.devices, None)?;
        match self.dice.percent(40) {
            true => self.nobody_has_to_ask(),
            false => Ok(()),
        }
    }

    pub(super) fn everybody_syncs(&mut self) -> Result<(), String> {
        for device in 0..self.devices.len() {
            self.sync(device)?;
        }
        self.run_until(self.now + 2 * PATIENCE)
    }
}
