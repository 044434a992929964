//! Devices that are connected: the same messages in order over one line, and what is new unasked.

use std::rc::Rc;

use sync_core::Bytes;
use sync_core::entry::{Value, Write};
use sync_core::sync::{SyncAnswer, SyncRequest};

use super::server::Job;
use super::{DAY, How, PATIENCE, SECOND, World};
use crate::bug::Bug;
use crate::cast::Who;
use crate::device::Device;
use crate::keeper::{PROCESSES, Turned};
use crate::network::{Message, Parcel, Way};

/// One line, as both ends know it. When it breaks, both hear of it.
pub(super) struct Line {
    number: u64,
    /// Which process of the server holds it.
    pub process: usize,
    /// Nothing arrives any more, at either end, and neither hears of that.
    pub half_open: bool,
    /// A request is under way; when its answer is overdue.
    asking: Option<u64>,
    /// When the last message arrives at either end.
    last: (u64, u64),
    /// How far the device has come; nothing goes out unasked before its first request.
    cursor: Option<Bytes>,
    limit: Option<u32>,
    /// The server is at something of this line's.
    busy: bool,
    /// The record changed since news were looked for.
    changed: bool,
    /// A request that came meanwhile.
    waiting: Option<(u64, Rc<SyncRequest>)>,
}

impl World {
    pub(super) fn say_of(&mut self, device: usize, what: &str) {
        let name = self.devices[device].profile.name;
        self.say(|| format!("{name} {what}"));
    }

    /// A device opens a line, if it can, and asks.
    pub(super) fn connect(&mut self, device: usize) -> Result<(), String> {
        let unit = self.devices[device].profile.unit;
        if self.network.cut_off.contains(&unit) || self.lines.contains_key(&device) {
            return Ok(());
        }
        self.say_of(device, "opens a line");
        let line = Line {
            number: self.count(),
            process: self.any_process(),
            half_open: false,
            asking: None,
            last: (0, 0),
            cursor: None,
            limit: None,
            busy: false,
            changed: false,
            waiting: None,
        };
        self.lines.insert(device, line);
        self.ask_on_line(device)
    }

    /// Whether a device gives its line up now, on which it waited for long enough.
    pub(super) fn gives_line_up(&mut self, device: usize) -> bool {
        let now = self.now;
        let line = self.lines.get(&device);
        let overdue = line.is_some_and(|line| line.asking.is_some_and(|until| until <= now));
        if !overdue || self.bug == Some(Bug::HalfOpenBelieved) {
            return false;
        }
        self.say_of(device, "hears nothing, and gives its line up");
        self.lines.remove(&device);
        true
    }

    pub(super) fn ask_on_line(&mut self, device: usize) -> Result<(), String> {
        let now = self.now;
        let line = self.lines.get(&device);
        let free = line.is_some_and(|line| line.asking.is_none());
        if !free {
            self.gives_line_up(device);
            return Ok(());
        }
        let (id, request) = self.make_request(device)?;
        let unit = self.devices[device].profile.unit;
        if let Some(line) = self.lines.get_mut(&device) {
            line.asking = Some(now + PATIENCE);
            let parcel = Parcel {
                device,
                unit,
                id,
                way: Way::Line(line.number),
                message: Message::Request(request),
            };
            let last = line.last.0;
            if !line.half_open {
                line.last.0 = self.network.send_on_line(&mut self.dice, now, last, parcel);
            }
        }
        Ok(())
    }

    fn line(&mut self, (device, number): (usize, u64)) -> Option<&mut Line> {
        let line = self.lines.get_mut(&device);
        line.filter(|line| line.number == number)
    }

    /// A message arrives on a line, at one end or the other.
    pub(super) fn on_line(
        &mut self,
        at: (usize, u64),
        id: u64,
        message: Message,
    ) -> Result<(), String> {
        let Some(line) = self.line(at).filter(|line| !line.half_open) else {
            return Ok(());
        };
        match message {
            Message::Request(request) if line.busy => {
                line.waiting = Some((id, request));
                Ok(())
            }
            Message::Request(request) => {
                line.busy = true;
                line.limit = request.limit;
                self.begin(at.0, id, &request, Way::Line(at.1))
            }
            Message::Answer(answer) => self.hear(at, id, &answer),
        }
    }

    fn hear(&mut self, at: (usize, u64), id: u64, answer: &SyncAnswer) -> Result<(), String> {
        if let Some(line) = self.line(at) {
            line.asking = None;
        }
        let device = at.0;
        let waited = self.devices[device].disk.unsent.len();
        match self.take(device, id, answer)? {
            How::Taken => {
                let Device { disk, again, .. } = &self.devices[device];
                // A queue longer than a request goes on; one that no answer speaks of does not.
                let waits = disk.unsent.len();
                let unsent = waits > 0 && (answer.outcomes.is_empty() || waits < waited);
                if *again || unsent {
                    return self.ask_on_line(device);
                }
                Ok(())
            }
            // A sync beside the line moved the replica on: it says where it stands now.
            How::Late => self.ask_on_line(device),
            How::Refused => {
                self.lines.remove(&device);
                Ok(())
            }
        }
    }

    /// The server sends on a line, and from then on knows its device to be there.
    pub(super) fn send_on_line(
        &mut self,
        at: (usize, u64),
        id: u64,
        answer: SyncAnswer,
        news: bool,
    ) -> Result<(), String> {
        let (now, unit) = (self.now, self.devices[at.0].profile.unit);
        let Some(line) = self.lines.get_mut(&at.0).filter(|line| line.number == at.1) else {
            return Ok(());
        };
        line.cursor = Some(answer.cursor.clone());
        // News go on, page by page.
        line.changed |= news && answer.more;
        let parcel = Parcel {
            device: at.0,
            unit,
            id,
            way: Way::Line(at.1),
            message: Message::Answer(Rc::new(answer)),
        };
        let last = line.last.1;
        if !line.half_open {
            line.last.1 = self.network.send_on_line(&mut self.dice, now, last, parcel);
        }
        self.checks.counts.pushed += u64::from(news);
        self.line_is_free(Some(at.1))
    }

    /// The server is done with something of a line's, and goes on with what waits there.
    pub(super) fn line_is_free(&mut self, number: Option<u64>) -> Result<(), String> {
        let mut lines = self.lines.iter_mut();
        let Some((device, line)) = lines.find(|(_, line)| Some(line.number) == number) else {
            return Ok(());
        };
        line.busy = false;
        let at = (*device, line.number);
        if let Some((id, request)) = line.waiting.take() {
            line.busy = true;
            line.limit = request.limit;
            return self.begin(at.0, id, &request, Way::Line(at.1));
        }
        self.tell(at)
    }

    /// The process that holds a line.
    pub(super) fn process_of_line(&self, number: u64) -> Option<usize> {
        let mut lines = self.lines.values();
        let line = lines.find(|line| line.number == number)?;
        Some(line.process)
    }

    /// What a process made durable the others find when they look at the store.
    fn look_at_store(&mut self) -> Result<(), String> {
        let last = self.keeper.durable().last;
        let new = std::mem::replace(&mut self.looked_at, last) < last;
        if new && self.bug != Some(Bug::OthersCommitsUnheard) {
            for process in 0..PROCESSES {
                self.tell_lines(process)?;
            }
        }
        Ok(())
    }

    /// Something durable changed: whoever is connected to a process is told, if it is news to them.
    pub(super) fn tell_lines(&mut self, process: usize) -> Result<(), String> {
        let theirs = self.lines.iter_mut();
        let theirs = theirs.filter(|(_, line)| line.process == process);
        let all = theirs.map(|(device, line)| {
            line.changed = true;
            (*device, line.number)
        });
        for at in all.collect::<Vec<_>>() {
            self.tell(at)?;
        }
        Ok(())
    }

    fn tell(&mut self, at: (usize, u64)) -> Result<(), String> {
        let Some(line) = self.line(at).filter(|line| line.changed && !line.busy) else {
            return Ok(());
        };
        line.changed = false;
        let (cursor, limit) = (line.cursor.clone(), line.limit);
        let submitter = self.devices[at.0].profile.submitter();
        let start = cursor.and_then(|cursor| self.keeper.news_since(submitter, &cursor, limit));
        let Some(start) = start else {
            return Ok(());
        };
        if let Some(line) = self.line(at) {
            line.busy = true;
        }
        self.begin_news(at, start)
    }

    pub(super) fn end_line(&mut self, number: Option<u64>) {
        self.lines.retain(|_, line| Some(line.number) != number);
    }

    pub(super) fn break_lines(&mut self, of: impl Fn(&Device) -> bool) {
        let devices = &self.devices;
        self.lines.retain(|device, _| !of(&devices[*device]));
    }

    /// Every line is looked after: a delay ends, and a right begins or ends, without anybody writing.
    pub(super) fn beat(&mut self) -> Result<(), String> {
        self.look_at_store()?;
        let now = self.tick_at(0);
        let all = self.lines.iter().map(|(device, line)| {
            let cursor = line.cursor.clone();
            ((*device, line.number), cursor, line.limit)
        });
        let mut due = false;
        for (at, cursor, limit) in all.collect::<Vec<_>>() {
            let submitter = self.devices[at.0].profile.submitter();
            let start = cursor.and_then(|cursor| self.keeper.news_since(submitter, &cursor, limit));
            match start.and_then(|start| self.keeper.turned(&start, now)) {
                Some(Turned::Due) => due = true,
                Some(Turned::Rights) => {
                    if let Some(line) = self.line(at) {
                        line.changed = true;
                    }
                    self.tell(at)?;
                }
                None => {}
            }
        }
        if due {
            self.checks.counts.turned += 1;
            let process = self.any_process();
            self.queue(Job::GoOn(process));
        }
        Ok(())
    }

    /// Whoever is connected has what is new without asking for it: what somebody writes, and what
    /// time alone brings.
    pub(super) fn nobody_has_to_ask(&mut self) -> Result<(), String> {
        for device in 0..self.devices.len() {
            self.connect(device)?;
        }
        self.run_until(self.now + 2 * PATIENCE)?;
        let writes = [
            Write::set("kind", "emergency-contact"),
            Write::set("schema", Value::Uint(1)),
            Write::set("status", r#"{"status":"active"}"#),
            Write::set("name", "Voisine 9"),
        ];
        self.create(0, &writes, Vec::new(), "emergency-contact")?;
        let treating = |device: &Device| device.profile.who == Who::Treating;
        if let Some(device) = self.devices.iter().position(treating) {
            let until = Value::Uint(self.now + DAY);
            let late = Write::set("hidden-from-patient-until", until);
            let writes = [&writes[..], &[late]].concat();
            self.create(device, &writes, Vec::new(), "emergency-contact, for later")?;
            self.ask_on_line(device)?;
        }
        self.ask_on_line(0)?;
        self.run_until(self.now + PATIENCE)?;
        // Everybody is looked after, and what that brings has its time.
        self.run_until(self.now + 2 * DAY)?;
        let at = Some(self.tick());
        self.run_until(self.now + SECOND)?;
        // The other processes find what one of them made durable.
        self.run_until(self.now + 5 * SECOND)?;
        self.checks.converged(&self.keeper, &self.devices, at)
    }
}
