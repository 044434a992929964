//! What belongs to another record and comes here: it is refused, and changes nothing.

use std::rc::Rc;

use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::entry::{Value, Write};
use sync_core::sync::{CursorDigest, Frame, PROTOCOL, SyncAnswer, SyncRequest};
use sync_core::{Bytes, EntryId, Epoch, Incarnation, LogIncarnation};
use uuid::Builder;

use super::World;
use crate::bug::Bug;
use crate::cast::Profile;
use crate::device::{Device, Taken};
use crate::network::Way;

/// How many messages of a kind are kept.
const MOST: usize = 6;

/// Messages that passed by lately, each with its device.
#[derive(Default)]
pub(super) struct Passing {
    requests: Vec<(usize, Rc<SyncRequest>)>,
    answers: Vec<(usize, Rc<SyncAnswer>)>,
    /// Answers to requests that belong to another record.
    pub astray: Vec<(usize, SyncAnswer)>,
}

impl Passing {
    pub(super) fn request(&mut self, device: usize, request: &Rc<SyncRequest>) {
        self.requests.push((device, Rc::clone(request)));
        if self.requests.len() > MOST {
            // Those with edits are kept for longer.
            let bare = self.requests.iter().position(|(_, r)| r.edits.is_none());
            self.requests.remove(bare.unwrap_or(0));
        }
    }

    pub(super) fn answer(&mut self, device: usize, answer: &SyncAnswer) {
        self.answers.push((device, Rc::new(answer.clone())));
        if self.answers.len() > MOST {
            let bare = self.answers.iter().position(|(_, a)| a.news.is_none());
            self.answers.remove(bare.unwrap_or(0));
        }
    }

    pub(super) fn is_astray(&mut self, device: usize, answer: &SyncAnswer) {
        self.astray.push((device, answer.clone()));
    }
}

/// What a device can show of another record.
#[derive(Clone)]
pub(super) struct Shown {
    pub cursor: Option<Bytes>,
    pub checkpoint: SignedCheckpoint,
}

impl World {
    /// The device that is this profile's here, with the same person, hardware and key.
    pub(super) fn device_of(&self, other: &Profile) -> Option<usize> {
        let name = |profile: &Profile| profile.submitter().device;
        let mut devices = self.devices.iter();
        devices.position(|device| name(&device.profile) == name(other))
    }

    /// A request that passed by, and its device.
    pub(super) fn passed_request(&mut self) -> Option<(usize, Rc<SyncRequest>)> {
        let requests = &self.passing.as_ref()?.requests;
        self.dice.pick(requests).cloned()
    }

    /// An answer that passed by, and its device.
    pub(super) fn passed_answer(&mut self) -> Option<(usize, Rc<SyncAnswer>)> {
        let answers = &self.passing.as_ref()?.answers;
        self.dice.pick(answers).cloned()
    }

    /// What a device of this record can show.
    pub(super) fn shown_by(&self, device: usize) -> Option<Shown> {
        let head = &self.devices[device].disk.head;
        Some(Shown {
            cursor: head.cursor.clone().filter(|_| head.page.is_none()),
            checkpoint: head.checkpoint.clone()?,
        })
    }

    /// A request comes that belongs to another record.
    pub(super) fn gets_astray(
        &mut self,
        device: usize,
        request: &SyncRequest,
    ) -> Result<(), String> {
        self.requests += 1;
        let id = self.requests;
        self.say_of(
            device,
            &format!("is taken for the sender of request {id}, of another record"),
        );
        self.checks.counts.stray_requests += 1;
        let own = self.devices[device].disk.head.cursor.as_ref();
        let own = own.is_some() && own == request.cursor.as_ref();
        self.begin(device, id, request, Way::Astray(own))
    }

    /// The edits of a request of another record, packed as if they were of this one.
    pub(super) fn packed_anew(
        &mut self,
        device: usize,
        request: &SyncRequest,
        other: &World,
    ) -> Option<SyncRequest> {
        let items = request.edits.as_ref()?.unpack(&other.cast.record()).ok()?;
        let proven = items.iter().filter(|item| item.accepted.is_some());
        self.checks.counts.stray_proofs += proven.count() as u64;
        let own = self.devices[device].disk.head.cursor.clone();
        let cursors = [None, own, request.cursor.clone()];
        Some(SyncRequest {
            cursor: self.dice.pick(&cursors).cloned().flatten(),
            edits: Some(Frame::pack(&self.cast.record(), &items).ok()?),
            ..request.clone()
        })
    }

    /// What a device would send if its server had lost all of this record.
    pub(super) fn hands_all_back(&mut self, device: usize) -> Result<SyncRequest, String> {
        let Device { profile, disk, .. } = &self.devices[device];
        let mut head = disk.head.clone();
        let checkpoint = Checkpoint {
            record: self.cast.record(),
            viewer: profile.author.person,
            log: LogIncarnation(self.dice.bytes()),
            tick: self.keeper.books().last,
            epoch: Epoch(self.dice.bytes()),
            access_log: self.keeper.books().head.hash,
        };
        let answer = SyncAnswer {
            v: PROTOCOL,
            outcomes: Vec::new(),
            reset: true,
            news: None,
            forget: Vec::new(),
            destroyed: Vec::new(),
            held: Vec::new(),
            reconcile: None,
            more: false,
            vital: false,
            after: head.cursor.as_ref().map(|at| CursorDigest::of(at)),
            cursor: Bytes::default(),
            checkpoint: SignedCheckpoint::new(self.keeper.key(), &checkpoint),
        };
        let fresh = Incarnation(self.dice.bytes());
        let (at, author) = (self.clock(device), &profile.author);
        let mut transaction = disk.begin(None);
        let taken = head.receive(&mut transaction, author, &answer, fresh, at);
        taken.map_err(|error| format!("a log begun anew is refused: {error}"))?;
        let request = head.request(&mut transaction, author, None);
        request.map_err(|error| format!("no request can be made: {error}"))
    }

    /// A device gets an answer of another record, as if it had asked for it.
    pub(super) fn hears_astray(
        &mut self,
        device: usize,
        answer: &SyncAnswer,
    ) -> Result<(), String> {
        let cursor = self.devices[device].disk.head.cursor.as_ref();
        let mut answer = answer.clone();
        answer.after = cursor.map(|at| CursorDigest::of(at));
        answer.outcomes.clear();
        self.checks.counts.stray_answers += 1;
        self.refuses(device, &answer, "an answer of another record")
    }

    /// A device gets an answer of this record that brings a frame of another.
    pub(super) fn hears_stray_frame(
        &mut self,
        device: usize,
        (frame, log): (&Frame, LogIncarnation),
        other: &World,
    ) -> Result<(), String> {
        let Some(mut answer) = self.answer_as_if_asked(device) else {
            return Ok(());
        };
        self.checks.counts.stray_frames += 1;
        answer.news = Some(frame.clone());
        if self.bug == Some(Bug::StrayFrameTaken) {
            let (record, key) = (self.cast.record(), self.keeper.key());
            let theirs = other.cast.record();
            let read = frame.unpack_attested(&theirs, log, &[self.keeper.public_key()]);
            let anew = read
                .ok()
                .and_then(|read| Frame::attest(&record, self.keeper.log(), &read.items, key).ok());
            answer.news = anew.or(answer.news);
        }
        self.refuses(device, &answer, "a frame of another record")
    }

    /// What the server would answer a device that hands nothing in; nobody is told of it.
    fn answer_as_if_asked(&mut self, device: usize) -> Option<SyncAnswer> {
        let cursor = self.devices[device].disk.head.cursor.clone()?;
        let submitter = self.devices[device].profile.submitter();
        let now = self.tick_at(0);
        let start = self.keeper.news_since(submitter, &cursor, None)?;
        let mut read = self.keeper.read(0, &start, now);
        self.keeper.answer(&start, &mut read)
    }

    fn refuses(&mut self, device: usize, answer: &SyncAnswer, what: &str) -> Result<(), String> {
        let at = self.clock(device);
        let (bug, before) = (self.bug, self.devices[device].disk.clone());
        let taken = self.devices[device].receive(answer, &mut self.dice, at, None, bug)?;
        let Taken::Refused(why) = taken else {
            let name = self.devices[device].profile.name;
            return Err(format!("{name} takes {what}"));
        };
        self.say_of(device, &format!("refuses {what}: {why}"));
        match self.devices[device].disk.is_as(&before) {
            true => Ok(()),
            false => Err(format!("{what} changes what a device has")),
        }
    }

    /// Somebody bends their device so that it makes an edit here with what it can show of another
    /// record: that they had seen it tells nothing of this one.
    pub(super) fn shows_astray(&mut self, device: usize, shown: Shown) -> Result<(), String> {
        let mut disk = self.devices[device].disk.clone();
        disk.unsent.clear();
        let mut head = disk.head.clone();
        head.checkpoint = Some(shown.checkpoint.clone());
        let writes = [
            Write::set("kind", "allergy"),
            Write::set("schema", Value::Uint(1)),
            Write::set("status", r#"{"status":"active"}"#),
            Write::set("label", r#"{"text":"Arachide"}"#),
        ];
        let at = self.clock(device);
        let millis = u64::try_from(at.0).unwrap_or(0);
        let id = Builder::from_unix_timestamp_millis(millis, &self.dice.bytes());
        let entry = EntryId(id.into_uuid());
        let author = &self.devices[device].profile.author;
        let mut transaction = disk.begin(None);
        let made = head.edit(&mut transaction, author, entry, &writes, Vec::new(), at);
        made.map_err(|error| format!("an edit cannot be made: {error}"))?;
        head.handing_back = false;
        let request = head.request(&mut transaction, author, None);
        let request = request.map_err(|error| format!("no request can be made: {error}"))?;
        let by_cursor = shown.cursor.filter(|_| self.dice.percent(40));
        let request = match by_cursor {
            Some(cursor) => SyncRequest {
                cursor: Some(cursor),
                checkpoints: Vec::new(),
                ..request
            },
            None => SyncRequest {
                checkpoints: vec![shown.checkpoint],
                ..request
            },
        };
        self.checks.counts.stray_checkpoints += 1;
        self.gets_astray(device, &request)
    }

    /// Answers to requests of another record that came here, each with its device here.
    pub(super) fn answers_astray(&mut self) -> Vec<(usize, SyncAnswer)> {
        let passing = self.passing.as_mut();
        passing.map_or_else(Vec::new, |passing| std::mem::take(&mut passing.astray))
    }
}
