//! A device: the real replica over a store in memory, its driver, and its power switch.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use sync_core::entry::Write;
use sync_core::replica::{AnswerError, EditError, LocalEntry, ReplicaHead, Report};
use sync_core::sign::PublicKey;
use sync_core::sync::{CursorDigest, Frame, SyncAnswer, SyncRequest};
use sync_core::{ChangeHash, DeviceTime, EntryId, Incarnation, RecordId};

use super::bug::Bug;
use super::cast::Profile;
use super::checks::Diary;
use super::dice::Dice;
use super::disk::{Disk, PowerCut};

/// A profile on a device, with its store.
pub struct Device {
    /// Whose, and on what.
    pub profile: Profile,
    /// What is durable.
    pub disk: Disk,
    /// What the checks noted of it.
    pub diary: Diary,
    /// The request under way, and when the driver gives it up.
    pub outstanding: Option<(u64, u64)>,
    /// There is more to fetch or to send at once.
    pub again: bool,
    /// How it stood before it wrote last.
    pub before: Option<(Disk, Diary)>,
    /// What went out before it was durable, by a bug.
    pub too_early: Option<SyncRequest>,
    /// A copy somebody made.
    pub copy: Option<(Disk, Diary)>,
}

/// What came of taking an answer in.
pub enum Taken {
    /// It was taken, and is durable.
    Yes(Report),
    /// It was refused, and nothing of it kept.
    Refused(String),
    /// The power went off before it was durable.
    PowerCut,
}

impl Device {
    /// A new device of this record.
    pub fn new(profile: Profile, record: RecordId, server: PublicKey, dice: &mut Dice) -> Self {
        let head = ReplicaHead::new(record, vec![server], Incarnation(dice.bytes()));
        Device {
            profile,
            disk: Disk::new(head),
            diary: Diary::default(),
            outstanding: None,
            again: false,
            before: None,
            too_early: None,
            copy: None,
        }
    }

    /// Its person writes an entry. Nothing when the edit changes nothing or the power went off.
    pub fn edit(
        &mut self,
        entry: EntryId,
        writes: &[Write],
        cites: Vec<ChangeHash>,
        at: DeviceTime,
        fuse: Option<u64>,
        bug: Option<Bug>,
    ) -> Result<Option<ChangeHash>, String> {
        let mut head = self.disk.head.clone();
        let mut transaction = self.disk.begin(fuse);
        let author = &self.profile.author;
        match head.edit(&mut transaction, author, entry, writes, cites.clone(), at) {
            Ok(change) => {
                let effects = transaction.finish();
                self.keep_before();
                self.disk.commit(effects);
                self.disk.head = head;
                self.diary.made(entry, change, writes);
                Ok(Some(change))
            }
            Err(EditError::Store(PowerCut)) => {
                if bug == Some(Bug::SentBeforeDurable) {
                    self.too_early = self.as_if_durable((entry, writes, cites), at);
                }
                self.restart(&mut None)?;
                Ok(None)
            }
            Err(EditError::Entry(_)) => Ok(None),
            Err(error) => Err(format!("an edit cannot be made: {error}")),
        }
    }

    /// What the driver would send if an edit were durable.
    fn as_if_durable(
        &self,
        (entry, writes, cites): (EntryId, &[Write], Vec<ChangeHash>),
        at: DeviceTime,
    ) -> Option<SyncRequest> {
        let mut head = self.disk.head.clone();
        let mut transaction = self.disk.begin(None);
        let author = &self.profile.author;
        let made = head.edit(&mut transaction, author, entry, writes, cites, at);
        made.ok()?;
        head.request(&mut transaction, author, None).ok()
    }

    /// What the driver sends now.
    pub fn request(&self, limit: Option<u32>) -> Result<SyncRequest, String> {
        let mut transaction = self.disk.begin(None);
        let head = &self.disk.head;
        head.request(&mut transaction, &self.profile.author, limit)
            .map_err(|error| format!("no request can be made: {error}"))
    }

    /// Takes an answer in.
    pub fn receive(
        &mut self,
        answer: &SyncAnswer,
        dice: &mut Dice,
        now: DeviceTime,
        fuse: Option<u64>,
        bug: Option<Bug>,
    ) -> Result<Taken, String> {
        let mut head = self.disk.head.clone();
        let unchecked = bug == Some(Bug::OutOfTurnIgnored);
        let forgotten = head.checkpoint.take_if(|_| unchecked);
        head.page.take_if(|_| unchecked);
        let mut answer = Cow::Borrowed(answer);
        if unchecked {
            self.pretend_in_turn(answer.to_mut());
        }
        if bug == Some(Bug::DamagedNewsSkipped) {
            self.skip_damaged(answer.to_mut());
        }
        let stray = bug == Some(Bug::StrayAnswerTaken);
        let record = head.record;
        if let (true, Ok(theirs)) = (stray, answer.checkpoint.open(&head.server_keys)) {
            head.record = theirs.record;
        }
        let answer = &*answer;
        let fresh = Incarnation(dice.bytes());
        let mut transaction = self.disk.begin(fuse);
        let author = &self.profile.author;
        match head.receive(&mut transaction, author, answer, fresh, now) {
            Ok(report) => {
                head.record = record;
                head.earlier.extend(forgotten);
                let effects = transaction.finish();
                self.keep_before();
                let swept = (self.disk.head.resending || answer.reset) && !answer.more;
                if bug == Some(Bug::SweepDropsPending) && swept {
                    self.disk.commit(effects);
                    let dropped = std::mem::take(&mut self.disk.unsent).into_iter();
                    let dropped: BTreeSet<EntryId> = dropped.map(|u| u.edit.entry).collect();
                    let entries = &mut self.disk.entries;
                    entries.retain(|entry, _| !dropped.contains(entry));
                } else if bug == Some(Bug::CursorBeforeEntries) && dice.percent(20) {
                    self.disk.head = head;
                    self.restart(&mut None)?;
                    return Ok(Taken::PowerCut);
                } else {
                    self.disk.commit(effects);
                }
                if bug == Some(Bug::NotHandedBack) {
                    head.handing_back = false;
                    self.disk.unsent.retain(|unsent| unsent.lost.is_none());
                }
                self.disk.head = head;
                self.again = report.more;
                Ok(Taken::Yes(report))
            }
            Err(AnswerError::Store(PowerCut)) => {
                self.restart(&mut None)?;
                Ok(Taken::PowerCut)
            }
            Err(error) => Ok(Taken::Refused(error.to_string())),
        }
    }

    /// Bends an answer so that it seems to go on from here.
    fn pretend_in_turn(&self, answer: &mut SyncAnswer) {
        let stands = self.disk.head.cursor.as_ref();
        answer.after = stands.map(|at| CursorDigest::of(at));
        let waits = |change| self.disk.unsent.iter().any(|u| u.change == change);
        answer.outcomes.retain(|outcome| waits(outcome.change));
    }

    /// Takes an answer whose frame cannot be read for one that brings nothing.
    fn skip_damaged(&self, answer: &mut SyncAnswer) {
        let ReplicaHead {
            record,
            server_keys,
            ..
        } = &self.disk.head;
        let log = answer.checkpoint.seen().map(|seen| seen.log);
        let whole = |frame: &Frame| {
            let log = log.as_ref();
            log.is_ok_and(|log| frame.unpack_attested(record, *log, server_keys).is_ok())
        };
        answer.news.take_if(|frame| !whole(frame));
    }

    /// Keeps how it stands, before it is written.
    fn keep_before(&mut self) {
        self.before = Some((self.disk.clone(), self.diary.clone()));
    }

    /// Goes off and on again: what was not durable is gone. After a restore that was noticed the
    /// store takes a `fresh` incarnation.
    pub fn restart(&mut self, fresh: &mut Option<Incarnation>) -> Result<(), String> {
        self.outstanding = None;
        self.again = false;
        if let Some(fresh) = fresh.take() {
            self.disk.head.incarnation = fresh;
        }
        self.disk.reopen()
    }

    /// It is told that its person may not open the record any more, and forgets it.
    pub fn close_record(&mut self, bug: Option<Bug>) {
        self.diary.closed(&self.disk);
        let person = self.profile.author.person;
        self.disk.forget_content(person, bug);
        let disk = &self.disk;
        self.diary
            .owes_only(|entry, change| disk.has(entry, change) || disk.aside.contains_key(change));
        self.again = false;
    }

    /// Somebody copies the store.
    pub fn copy_store(&mut self) {
        self.copy = Some((self.disk.clone(), self.diary.clone()));
    }

    /// The store is replaced by its copy.
    pub fn restore(&mut self, mut fresh: Option<Incarnation>) -> Result<bool, String> {
        let Some((disk, diary)) = self.copy.clone() else {
            return Ok(false);
        };
        self.put_in_place(disk, diary, fresh.take())?;
        Ok(true)
    }

    /// The store is replaced by another.
    pub fn put_in_place(
        &mut self,
        disk: Disk,
        diary: Diary,
        mut fresh: Option<Incarnation>,
    ) -> Result<(), String> {
        self.before = None;
        self.disk = disk;
        self.diary = self.diary.restored(diary);
        self.diary
            .owes_only(|entry, change| self.disk.has(entry, change));
        self.restart(&mut fresh)
    }

    /// The store is given up for an empty one.
    pub fn begin_anew(&mut self, server: PublicKey, fresh: Incarnation) {
        let head = ReplicaHead::new(self.disk.head.record, vec![server], fresh);
        self.before = None;
        self.disk = Disk::new(head);
        self.diary = self.diary.restored(Diary::default());
        self.diary.owes_only(|_, _| false);
        (self.outstanding, self.again) = (None, false);
    }

    /// An entry as this device has it.
    pub fn entry(&self, entry: &EntryId) -> Option<&Rc<LocalEntry>> {
        self.disk.entries.get(entry)
    }
}
