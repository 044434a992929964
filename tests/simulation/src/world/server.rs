//! What the server is busy with: requests at their turns with the writer, and answers that wait until
//! the access log tells of them.

use std::rc::Rc;

use sync_core::Tick;
use sync_core::sync::{SyncAnswer, SyncRequest};

use super::{HOUR, SECOND, World, words};
use crate::bug::Bug;
use crate::keeper::{OpenMarks, PROCESSES, Read, SignedOut, Start, Visit};
use crate::network::{Message, Parcel, Way};

/// How often an answer is begun anew because rights changed while it was made.
const TRIES: usize = 4;

/// A request that is taken in and answered, or news for somebody who is connected.
pub(super) struct Errand {
    pub device: usize,
    pub id: u64,
    /// How the answer goes.
    pub way: Way,
    /// Which process of the server is at it.
    pub process: usize,
    stage: Stage,
    /// Nobody waits for the answer any more.
    dropped: bool,
    tries: usize,
}

enum Stage {
    Taking(Box<Visit>),
    Giving(Box<Start>, Option<Box<Read>>),
}

/// What waits for the writer.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// The next turn of a request.
    Turn(u64),
    /// The access log is told what an answer gives.
    Note(u64),
    /// Marks whose request will not be taken in to its end are decided on.
    Decide(OpenMarks, usize),
    /// Something falls due: the record's time goes on.
    GoOn(usize),
}

impl World {
    /// A request arrives.
    pub(super) fn begin(
        &mut self,
        device: usize,
        id: u64,
        request: &SyncRequest,
        way: Way,
    ) -> Result<(), String> {
        let process = match way.line().and_then(|line| self.process_of_line(line)) {
            Some(process) => process,
            None => self.any_process(),
        };
        let now = self.tick_at(process);
        self.keeper.sign_in_again(request.device, now);
        let visit = self.keeper.visit(request);
        if visit.is_some() && self.keeper.is_revoked(request.device) {
            return Err("a device that was revoked is let in".to_owned());
        }
        let Some(visit) = visit else {
            let name = self.devices[device].profile.name;
            self.say(|| format!("the server cannot read request {id} of {name}"));
            self.end_line(way.line());
            return Ok(());
        };
        // The connection may break while the request is taken in, which goes on then.
        let dropped = way == Way::Loose && !self.network.healed && self.dice.percent(3);
        let errand = Errand {
            device,
            id,
            way,
            process,
            stage: Stage::Taking(Box::new(visit)),
            dropped,
            tries: 0,
        };
        let number = self.count();
        self.errands.insert(number, errand);
        self.work(Job::Turn(number))
    }

    /// News for somebody who is connected, from a cursor of theirs on.
    pub(super) fn begin_news(
        &mut self,
        (device, line): (usize, u64),
        start: Start,
    ) -> Result<(), String> {
        let process = self.process_of_line(line).unwrap_or_default();
        let errand = Errand {
            device,
            id: 0,
            way: Way::Line(line),
            process,
            stage: Stage::Giving(Box::new(start), None),
            dropped: false,
            tries: 0,
        };
        let number = self.count();
        self.errands.insert(number, errand);
        self.read(number)
    }

    /// Puts a job before the writer, behind others or at once.
    pub(super) fn queue(&mut self, job: Job) {
        let pause = match self.dice.below(4) {
            _ if self.network.healed => 0,
            0 => self.dice.below(2 * SECOND),
            _ => 0,
        };
        let number = self.count();
        self.jobs.insert((self.now + pause, number), job);
    }

    /// The writer does a job, in the open transaction.
    pub(super) fn work(&mut self, job: Job) -> Result<(), String> {
        let Some(process) = self.process_of(&job) else {
            return Ok(());
        };
        // One transaction at a time: that of another process must end first.
        if let Some(at) = self.commit_at.filter(|_| self.writer != process) {
            let number = self.count();
            self.jobs.insert((at + 1, number), job);
            return Ok(());
        }
        self.writer = process;
        let done = match &job {
            Job::Turn(number) => self.turn(*number)?,
            Job::Note(number) => self.note(*number)?,
            Job::Decide(doomed, _) => {
                let now = self.tick_at(process);
                self.keeper.decide(Some(doomed), now);
                self.checks.destroyed(self.keeper.books())?;
                self.heard = true;
                true
            }
            Job::GoOn(_) => {
                let now = self.tick_at(process);
                self.keeper.go_on(now);
                self.heard = true;
                true
            }
        };
        if done {
            self.open.push(job);
            let pause = self.dice.below(4) * 5_000;
            self.commit_at = self.commit_at.or(Some(self.now + pause));
            if self.bug == Some(Bug::AnswerBeforeCommit) {
                self.go_on()?;
            }
        }
        Ok(())
    }

    /// A request's turn.
    fn turn(&mut self, number: u64) -> Result<bool, String> {
        let (now, process) = (self.tick_at(self.writer), self.writer);
        let parts = !self.network.healed && self.dice.percent(40);
        let most = if parts {
            self.dice.between(1, 3) as usize
        } else {
            usize::MAX
        };
        let Some(Errand {
            device,
            id,
            way,
            stage: Stage::Taking(visit),
            ..
        }) = self.errands.get_mut(&number)
        else {
            return Ok(false);
        };
        let (device, id, astray) = (*device, *id, matches!(way, Way::Astray(_)));
        match self.keeper.pass(process, visit, most, now) {
            Ok(passed) => {
                self.heard |= passed.heard;
                let judged = &visit.judged[passed.from..];
                let said = words::judged(judged, &self.names);
                let profile = &self.devices[device].profile;
                let name = profile.name;
                let done = visit.is_done();
                let later = if done { "" } else { ", in part" };
                if astray {
                    self.checks.astray(judged)?;
                    return Ok(true);
                }
                let device = &self.devices[device];
                let turn = (judged, &visit.freed[passed.freed_from..]);
                self.checks
                    .passed(&self.keeper, device, turn, &visit.to_come())?;
                self.checks.counts.turns += u64::from(!done);
                self.checks.counts.doomed += u64::from(!visit.doomed().is_empty());
                if said != words::NOTHING {
                    self.say(|| {
                        format!("the server takes request {id} of {name} in{later}: {said}")
                    });
                }
                Ok(true)
            }
            Err(SignedOut) => {
                let doomed = visit.doomed().clone();
                self.say(|| {
                    format!("request {id} is not taken in further: its device is signed out")
                });
                self.end(number);
                if !doomed.is_empty() {
                    self.queue(Job::Decide(doomed, process));
                }
                Ok(false)
            }
        }
    }

    /// The open transaction becomes durable, and those who waited for it go on; unless the power goes
    /// first.
    pub(super) fn commit(&mut self) -> Result<(), String> {
        let marks_wait = !self.keeper.durable().doomed.is_empty();
        let risk = match (marks_wait, self.half_taken(None)) {
            (true, _) => 50,
            (false, 1..) => 25,
            (false, 0) => 4,
        };
        if !self.network.healed && self.dice.percent(risk) {
            return self.crash();
        }
        self.commit_at = None;
        self.keeper.commit(self.writer);
        if self.keeper.durable().last.0 > self.now + HOUR + SECOND {
            return Err("the server's time is ahead of its clock".to_owned());
        }
        self.checks.durable(self.keeper.durable())?;
        self.go_on()?;
        match std::mem::take(&mut self.heard) {
            true => self.tell_lines(self.writer),
            false => Ok(()),
        }
    }

    /// Which process does a job; none does what was for an errand that is over.
    fn process_of(&self, job: &Job) -> Option<usize> {
        match job {
            Job::Turn(number) | Job::Note(number) => Some(self.errands.get(number)?.process),
            Job::Decide(_, process) | Job::GoOn(process) => Some(*process),
        }
    }

    pub(super) fn any_process(&mut self) -> usize {
        self.dice.below(PROCESSES as u64) as usize
    }

    /// What the clock of a process says: they are not quite the same.
    pub(super) fn tick_at(&self, process: usize) -> Tick {
        let behind = [0, self.skew][process.min(1)];
        match self.network.healed {
            true => self.tick(),
            false => Tick((self.now - behind).saturating_add_signed(self.server_clock)),
        }
    }

    fn go_on(&mut self) -> Result<(), String> {
        for job in std::mem::take(&mut self.open) {
            match job {
                Job::Turn(number) => self.after_turn(number)?,
                Job::Note(number) => self.send(number)?,
                Job::Decide(..) | Job::GoOn(_) => {}
            }
        }
        Ok(())
    }

    fn after_turn(&mut self, number: u64) -> Result<(), String> {
        let Some(errand) = self.errands.get_mut(&number) else {
            return Ok(());
        };
        let Stage::Taking(visit) = &errand.stage else {
            return Ok(());
        };
        if !visit.is_done() {
            self.queue(Job::Turn(number));
            return Ok(());
        }
        self.checks.taken_in(self.keeper.books(), &visit.judged)?;
        if errand.dropped {
            self.errands.remove(&number);
            return Ok(());
        }
        errand.stage = Stage::Giving(Box::new(visit.start(self.bug)), None);
        self.read(number)
    }

    /// Works out what an answer gives, from what is durable.
    fn read(&mut self, number: u64) -> Result<(), String> {
        let process = self.errands.get(&number).map(|errand| errand.process);
        let process = process.unwrap_or_default();
        let now = self.tick_at(process);
        let Some(Errand {
            way,
            stage: Stage::Giving(start, read),
            ..
        }) = self.errands.get_mut(&number)
        else {
            return Ok(());
        };
        let worked_out = self.keeper.read(process, start, now);
        let news = start.is_news();
        if news && !worked_out.page.tells() {
            let line = way.line();
            self.errands.remove(&number);
            return self.line_is_free(line);
        }
        let noted = worked_out.is_noted(&self.keeper);
        *read = Some(Box::new(worked_out));
        match noted {
            true => {
                self.queue(Job::Note(number));
                Ok(())
            }
            false => self.send(number),
        }
    }

    /// The access log is told what an answer gives; if its viewer may not see all of it any more, it
    /// is worked out once more.
    fn note(&mut self, number: u64) -> Result<bool, String> {
        let (now, process) = (self.tick_at(self.writer), self.writer);
        let Some(errand) = self.errands.get_mut(&number) else {
            return Ok(false);
        };
        let Stage::Giving(start, Some(read)) = &mut errand.stage else {
            return Ok(false);
        };
        match self.keeper.note(process, start, read, now) {
            Ok(true) => Ok(true),
            Ok(false) => {
                errand.tries += 1;
                self.checks.counts.taken_back += 1;
                if errand.tries < TRIES {
                    self.read(number)?;
                } else {
                    self.end(number);
                }
                Ok(false)
            }
            Err(SignedOut) => {
                self.end(number);
                Ok(false)
            }
        }
    }

    /// The answer leaves.
    fn send(&mut self, number: u64) -> Result<(), String> {
        let Some(errand) = self.errands.remove(&number) else {
            return Ok(());
        };
        let Errand {
            device,
            id,
            way,
            stage,
            ..
        } = errand;
        let Stage::Giving(start, Some(mut read)) = stage else {
            return Ok(());
        };
        let Some(answer) = self.keeper.answer(&start, &mut read) else {
            return Err("the server cannot make an answer".to_owned());
        };
        self.checks.promised(&answer);
        let profile = &self.devices[device].profile;
        self.checks
            .answered(&self.keeper, profile, &read, &answer)?;
        let name = profile.name;
        let said = words::given(&answer, &read.page, &self.names);
        let what = if start.is_news() {
            "news".to_owned()
        } else {
            format!("request {id}")
        };
        if !self.network.healed || said != words::NOTHING {
            self.say(|| format!("the server answers {what} of {name}: {said}"));
        }
        if let Some(passing) = &mut self.passing {
            passing.answer(device, &answer);
        }
        match way {
            Way::Line(line) => self.send_on_line((device, line), id, answer, start.is_news()),
            Way::Loose => {
                self.send_loose(device, id, answer);
                Ok(())
            }
            Way::Astray(false) if !answer.reset => {
                Err("an answer goes on from a cursor of another record".to_owned())
            }
            Way::Astray(_) => {
                let passing = self.passing.as_mut();
                passing
                    .into_iter()
                    .for_each(|passing| passing.is_astray(device, &answer));
                Ok(())
            }
            Way::Relay => {
                self.relay.is_given(device, id, answer);
                Ok(())
            }
        }
    }

    fn send_loose(&mut self, device: usize, id: u64, answer: SyncAnswer) {
        let mut answer = Rc::new(answer);
        // Something on the way gives out an answer it has given before.
        if !self.network.healed && self.dice.percent(3) {
            if let Some(old) = self.cached.get(&device) {
                answer = Rc::clone(old);
            }
        } else if self.dice.percent(30) {
            self.cached.insert(device, Rc::clone(&answer));
        }
        let parcel = Parcel {
            device,
            unit: self.devices[device].profile.unit,
            id,
            way: Way::Loose,
            message: Message::Answer(answer),
        };
        self.network.send(&mut self.dice, self.now, parcel);
    }

    /// An errand ends without an answer; a line on which one was due with it.
    fn end(&mut self, number: u64) {
        if let Some(errand) = self.errands.remove(&number) {
            self.end_line(errand.way.line());
        }
    }

    /// How many requests are taken in in part, by one process or by all.
    pub(super) fn half_taken(&self, by: Option<usize>) -> u64 {
        let half = |errand: &&Errand| match &errand.stage {
            Stage::Taking(visit) => !visit.judged.is_empty() && !visit.is_done(),
            Stage::Giving(..) => false,
        };
        let errands = self.errands.values();
        let theirs = errands.filter(|errand| by.is_none_or(|by| errand.process == by));
        theirs.filter(half).count() as u64
    }

    /// A process is gone, with all that it was busy with, its lines, and its open transaction. The
    /// marks that nobody decides on any more: those that waited for the rest of its requests, or were
    /// decided on in what is undone.
    pub(super) fn end_process(&mut self, process: usize) -> Result<OpenMarks, String> {
        self.errands.retain(|_, errand| errand.process != process);
        self.lines.retain(|_, line| line.process != process);
        self.jobs.retain(|_, job| match job {
            Job::Decide(_, of) | Job::GoOn(of) => *of != process,
            _ => true,
        });
        if self.writer == process {
            self.open.clear();
            self.commit_at = None;
            self.heard = false;
            self.transaction_ends()?;
        }
        self.keeper.forgets(process);
        let mut left = self.keeper.durable().doomed.clone();
        let visits = self
            .errands
            .values()
            .filter_map(|errand| match &errand.stage {
                Stage::Taking(visit) => Some(visit.doomed()),
                Stage::Giving(..) => None,
            });
        let jobs = self.jobs.values().chain(&self.open);
        let decided = jobs.filter_map(|job| match job {
            Job::Decide(marks, _) => Some(marks),
            _ => None,
        });
        for (entry, marks) in visits.chain(decided).flatten() {
            if let Some(left) = left.get_mut(entry) {
                left.retain(|mark| !marks.contains(mark));
            }
        }
        left.retain(|_, marks| !marks.is_empty());
        Ok(left)
    }

    /// All that the server is busy with is gone, and all lines break.
    pub(super) fn end_errands(&mut self) {
        self.commit_at = None;
        self.heard = false;
        self.open.clear();
        self.jobs.clear();
        self.errands.clear();
        self.lines.clear();
    }
}
