//! Giving news out, page by page: worked out from what is durable, and given once the access log
//! tells of it.

use std::collections::BTreeMap;
use std::rc::Rc;

use sync_core::audit::AccessAction;
use sync_core::authority::{
    Among, Cursor, Log as _, Page, Since, Stretches, Submitter, Viewer, walk,
};
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::policy::{Context, Standing};
use sync_core::sync::{Frame, PROTOCOL, SyncAnswer};
use sync_core::{Digest32, Epoch, PersonId, RecordId, Tick};

use super::books::Books;
use super::log::BooksLog;
use super::visit::Start;
use super::{Bug, Keeper, SignedOut};

/// How much is given at once to a device that could compare: little, so that copies are compared.
const AT_ONCE: usize = 1_024;
/// How much a page carries, unless one entry has more: so little that pages end for it.
const MOST: usize = 4_096;

/// What is about to be given.
pub struct Read {
    /// What the answer tells.
    pub page: Page,
    /// By the clock, when its viewer's rights were looked at.
    pub now: Tick,
    /// It goes on with a walk in the course of which something fell due.
    pub fell_due: bool,
    /// The head of the access log, as the answer witnesses it.
    head: Digest32,
}

impl Read {
    /// Whether the access log must tell of it first.
    pub fn is_noted(&self, keeper: &Keeper) -> bool {
        self.page.gives() && keeper.bug != Some(Bug::ReadNotLogged)
    }
}

impl Keeper {
    /// The cursor, if it is one of this record and this person.
    pub(super) fn open_cursor(&self, person: PersonId, bytes: &[u8]) -> Option<Cursor> {
        let owner = owner(&self.record, person);
        let (number, plain) = bytes.strip_prefix(&owner[..])?.split_at_checked(8)?;
        (number.len() == 8).then(|| Cursor::decode(plain))?
    }

    /// A cursor of this person's of another record, as if it were one of this, by a bug.
    pub(super) fn stray_cursor(&self, by: &Submitter, bytes: &[u8]) -> Option<Cursor> {
        let (record, _) = self.neighbour.as_ref()?;
        let owner = owner(record, by.person());
        let plain = bytes.strip_prefix(&owner[..])?.get(8..)?;
        let mut books = self.durable.clone();
        let now = books.last;
        let (_, epoch) = self.standing(&mut books, by, now);
        let cursor = Cursor::decode(plain)?;
        let log = self.log;
        let cursor = Cursor {
            log,
            epoch,
            ..cursor
        };
        (self.bug == Some(Bug::StrayCursorTaken)).then_some(cursor)
    }

    /// A server seals its cursors; nobody in the simulation looks inside. Like sealed ones, no two
    /// are the same.
    fn close(&self, cursor: &Cursor, person: PersonId) -> Vec<u8> {
        let mut bytes = owner(&self.record, person);
        bytes.extend(self.given.to_be_bytes());
        bytes.extend(cursor.encode());
        bytes
    }

    /// What somebody is to the record, once it is this late, and what names that.
    fn standing(&self, books: &mut Books, by: &Submitter, now: Tick) -> (Standing, Epoch) {
        let ledger = Rc::make_mut(&mut books.ledger);
        let context = Context {
            rights: ledger.latest(),
            matrix: &self.matrix,
            now,
        };
        (context.standing(&by.subject), context.epoch(&by.subject))
    }

    /// Works a page out, as the record stands in one snapshot.
    pub fn read(&mut self, process: usize, start: &Start, now: Tick) -> Read {
        let mut books = match self.bug {
            Some(Bug::AnswerBeforeCommit) => self.at_hand(process),
            _ => self.durable_at(process),
        };
        let until = books.last;
        let now = until.next(now);
        let page = self.page(&mut books, start, until, now);
        let walks = start.cursor;
        let walks = walks.filter(|cursor| cursor.started > Tick(0) && !page.reset);
        let fell_due = walks.is_some_and(|cursor| books.fell_due(cursor.started, until));
        Read {
            page,
            now,
            fell_due,
            head: books.head.hash,
        }
    }

    /// Notes in the open transaction that a page is given; whether it still may be: nothing in it
    /// was hidden from its viewer since it was worked out.
    ///
    /// # Errors
    /// When the device was signed out meanwhile.
    pub fn note(
        &mut self,
        process: usize,
        start: &Start,
        read: &mut Read,
        now: Tick,
    ) -> Result<bool, SignedOut> {
        self.is_signed_in(&start.submitter)?;
        let mut books = self.at_hand(process);
        let Page {
            cursor,
            entries,
            until,
            ..
        } = &read.page;
        let at = books.last.next(now);
        let (standing, epoch) = self.standing(&mut books, &start.submitter, at);
        let took_back = || {
            let rows = books.log.iter().filter(|row| *until < row.tick);
            let mut given = rows.filter(|row| entries.contains_key(&row.entry));
            given.any(|row| {
                let last = books.last_of(&row.entry);
                books.destroyed.contains_key(&row.entry)
                    || last.is_none_or(|l| !standing.may_read(&l.class, &self.matrix, books.last))
            })
        };
        if epoch != cursor.epoch || took_back() {
            return Ok(false);
        }
        books.tick(now);
        books.log_access(
            &start.submitter,
            AccessAction::Read,
            entries,
            &BTreeMap::new(),
        );
        if self.bug == Some(Bug::LogLineDropped) && books.audit.len() > 1 {
            books.audit.remove(books.audit.len() - 2);
        }
        read.head = books.head.hash;
        self.working = Some(books);
        Ok(true)
    }

    /// The answer that gives a page, with the outcomes of what was handed in. It witnesses the access
    /// log as it was once that was noted, or when it was worked out.
    pub fn answer(&mut self, start: &Start, read: &mut Read) -> Option<SyncAnswer> {
        self.given += 1;
        let person = start.submitter.subject.person;
        let page = &mut read.page;
        let news = match std::mem::take(&mut page.items) {
            items if items.is_empty() => None,
            items => Some(Frame::attest(&self.record, self.log, &items, &self.key).ok()?),
        };
        let checkpoint = Checkpoint {
            record: self.record,
            viewer: person,
            log: self.log,
            tick: page.cursor.told,
            epoch: page.cursor.epoch,
            access_log: read.head,
        };
        let checkpoint = SignedCheckpoint::new(&self.key, &checkpoint);
        page.cursor.digest = checkpoint.digest();
        Some(SyncAnswer {
            v: PROTOCOL,
            outcomes: start.outcomes.clone(),
            reset: page.reset,
            news,
            forget: page.forget.iter().copied().collect(),
            destroyed: page.destroyed.iter().copied().collect(),
            held: page.held.clone(),
            reconcile: page.compared.take(),
            more: page.more,
            vital: page.vital_given(),
            after: start.after,
            cursor: self.close(&page.cursor, person).into(),
            checkpoint,
        })
    }

    /// Whether time alone brought something that somebody must be told of who is connected and
    /// stands there: nothing, another right, or something that fell due after the record's last tick.
    pub fn turned(&self, start: &Start, now: Tick) -> Option<Turned> {
        let mut books = self.durable.clone();
        let (last, person) = (books.last, start.submitter.subject.person);
        let (standing, epoch) = self.standing(&mut books, &start.submitter, last.next(now));
        let mut log = self.books_log(&books, (&standing, epoch), person, false);
        let Ok(placed) = log.met(Among::All, last, last, now);
        let Ok(held) = log.held_changed(last, now);
        let due = !placed.is_empty() || log.viewer.holder && !held.is_empty();
        let turned = start.cursor.is_some_and(|cursor| cursor.epoch != epoch);
        match (last < now && due, turned) {
            (true, _) => Some(Turned::Due),
            (false, true) => Some(Turned::Rights),
            (false, false) => None,
        }
    }

    /// The record's time goes on, in the open transaction.
    pub fn go_on(&mut self, now: Tick) {
        let mut books = self.books().clone();
        books.tick(now);
        self.working = Some(books);
    }

    fn books_log<'b>(
        &'b self,
        books: &'b Books,
        (standing, epoch): (&'b Standing, Epoch),
        person: PersonId,
        resending: bool,
    ) -> BooksLog<'b> {
        BooksLog {
            books,
            viewer: Viewer {
                standing,
                matrix: &self.matrix,
                epoch,
                holder: books.ledger.holder() == person,
            },
            person,
            resending,
            bug: self.bug,
        }
    }

    /// The walk's page, as far as a bug leaves it alone.
    fn page(&self, books: &mut Books, start: &Start, until: Tick, now: Tick) -> Page {
        let (standing, epoch) = self.standing(books, &start.submitter, now);
        let mut cursor = start.cursor;
        if let Some(cursor) = &mut cursor
            && self.bug == Some(Bug::EpochIgnored)
        {
            cursor.epoch = epoch;
        }
        let since = Since {
            log: self.log,
            until,
            cursor,
            floor: start.floor,
            own: &start.own,
            answered: &start.answered,
            held: &start.held,
            budget: start.budget,
            returning: start.after.is_some(),
            most: MOST,
            at_once: AT_ONCE,
            compare: start.compare.as_ref(),
        };
        let resends = |c: Cursor| c.resending || (c.log, c.epoch) != (self.log, epoch);
        let person = start.submitter.subject.person;
        let resending = cursor.is_none_or(resends);
        let mut log = self.books_log(books, (&standing, epoch), person, resending);
        let viewer = log.viewer;
        let Ok(mut page) = walk(&mut log, viewer, &since);
        match self.bug {
            Some(Bug::HideWithoutForget) => page.forget.clear(),
            Some(Bug::DestroyedUntold) => {
                let destroyed = std::mem::take(&mut page.destroyed);
                page.forget.retain(|entry| !destroyed.contains(entry));
            }
            Some(Bug::WantedNotGiven) if page.compared.as_ref().is_some_and(|c| c.given > 0) => {
                page.items.clear();
            }
            Some(Bug::PageForgotten) if page.more => {
                page.more = false;
                page.cursor = Cursor {
                    base: until,
                    upto: until,
                    started: Tick(0),
                    held: until,
                    told: until,
                    resending: false,
                    stretches: Stretches::default(),
                    ..page.cursor
                };
            }
            _ => {}
        }
        page
    }
}

/// Whose a cursor is.
fn owner(record: &RecordId, person: PersonId) -> Vec<u8> {
    [record.as_bytes().as_slice(), person.as_bytes()].concat()
}

/// What time made new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Somebody's rights are others; an answer sees that by itself.
    Rights,
    /// Something fell due: it counts once the record has a later tick.
    Due,
}
