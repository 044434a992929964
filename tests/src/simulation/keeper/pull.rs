//! Giving news out, page by page.

use std::collections::BTreeMap;
use std::rc::Rc;

use sync_core::audit::AccessAction;
use sync_core::authority::{Cursor, Gone, Page, Since, Stretches, Submitter, Viewer, walk};
use sync_core::checkpoint::{Checkpoint, Seen, SignedCheckpoint};
use sync_core::policy::Context;
use sync_core::sync::{CursorDigest, Frame, PROTOCOL, Refusal, SyncAnswer, SyncRequest, Verdict};
use sync_core::{PersonId, Tick};

use super::books::Books;
use super::log::BooksLog;
use super::push::Judgement;
use super::{Bug, Keeper};

/// How much an answer carries when the device does not say.
const ANSWER: usize = 64 * 1024;

/// What a request shows of its past.
pub(super) struct Opened {
    /// Its cursor, if it is one of this record and this person.
    pub cursor: Option<Cursor>,
    /// The checkpoints its device proves to have held.
    pub proven: Vec<Seen>,
}

/// What is given out.
pub(super) struct Pulled {
    pub answer: SyncAnswer,
    /// What the answer tells.
    pub page: Page,
    /// It goes on with a walk in the course of which something fell due.
    pub fell_due: bool,
}

impl Keeper {
    pub(super) fn open(&self, request: &SyncRequest, submitter: &Submitter) -> Opened {
        let cursor = request.cursor.as_ref().and_then(|bytes| {
            let owner = self.owner(submitter.subject.person);
            let (number, plain) = bytes.strip_prefix(&owner[..])?.split_at_checked(8)?;
            (number.len() == 8).then(|| Cursor::decode(plain))?
        });
        let keys = [self.public_key()];
        let shown = request.checkpoints.iter().filter_map(|shown| {
            let checkpoint = shown.open(&keys).ok()?;
            let ours = checkpoint.record == self.record;
            shown.seen().ok().filter(|_| ours)
        });
        Opened {
            proven: cursor.iter().map(Cursor::seen).chain(shown).collect(),
            cursor,
        }
    }

    /// A server seals its cursors; nobody in the simulation looks inside. Like sealed ones, no two
    /// are the same.
    fn close(&self, cursor: &Cursor, person: PersonId) -> Vec<u8> {
        let mut bytes = self.owner(person);
        bytes.extend(self.given.to_be_bytes());
        bytes.extend(cursor.encode());
        bytes
    }

    fn owner(&self, person: PersonId) -> Vec<u8> {
        [self.record.as_bytes().as_slice(), person.as_bytes()].concat()
    }

    pub(super) fn pull(
        &self,
        books: &mut Books,
        request: &SyncRequest,
        submitter: &Submitter,
        cursor: Option<Cursor>,
        judged: &[Judgement],
        now: Tick,
    ) -> Option<Pulled> {
        let until = books.tick(now);
        let mut page = self.page(books, request, submitter, cursor, judged, until);
        let walks = cursor.filter(|cursor| cursor.started > Tick(0) && !page.reset);
        let fell_due = walks.is_some_and(|cursor| books.fell_due(cursor.started, until));
        let key = Some(&self.key);
        let news = match std::mem::take(&mut page.items) {
            items if items.is_empty() => None,
            items => Some(Frame::pack(&self.record, &items, key).ok()?),
        };
        if page.gives() && self.bug != Some(Bug::ReadNotLogged) {
            books.tick(now);
            let marked = BTreeMap::new();
            books.log_access(submitter, AccessAction::Read, &page.entries, &marked);
        }
        let checkpoint = Checkpoint {
            record: self.record,
            viewer: submitter.subject.person,
            log: self.log,
            tick: page.cursor.told,
            epoch: page.cursor.epoch,
            access_log: books.head.hash,
        };
        let checkpoint = SignedCheckpoint::new(&self.key, &checkpoint);
        page.cursor.digest = checkpoint.digest();
        let answer = SyncAnswer {
            v: PROTOCOL,
            outcomes: judged.iter().map(Judgement::outcome).collect(),
            reset: page.reset,
            news,
            forget: page.forget.iter().copied().collect(),
            destroyed: page.destroyed.iter().copied().collect(),
            held: page.held.clone(),
            more: page.more,
            after: request.cursor.as_ref().map(|at| CursorDigest::of(at)),
            cursor: self.close(&page.cursor, submitter.subject.person).into(),
            checkpoint,
        };
        Some(Pulled {
            answer,
            page,
            fell_due,
        })
    }

    /// The walk's page, as far as a bug leaves it alone.
    fn page(
        &self,
        books: &mut Books,
        request: &SyncRequest,
        submitter: &Submitter,
        mut cursor: Option<Cursor>,
        judged: &[Judgement],
        until: Tick,
    ) -> Page {
        let ledger = Rc::make_mut(&mut books.ledger);
        let holder = ledger.holder() == submitter.subject.person;
        let context = Context {
            rights: ledger.latest(),
            matrix: &self.matrix,
            now: until,
        };
        let standing = context.standing(&submitter.subject);
        let epoch = context.epoch(&submitter.subject);
        if let Some(cursor) = &mut cursor
            && self.bug == Some(Bug::EpochIgnored)
        {
            cursor.epoch = epoch;
        }
        let accepted = |judgement: &&Judgement| matches!(judgement.verdict, Verdict::Accepted(_));
        let own = judged.iter().filter(accepted).map(|j| j.tick).collect();
        let there = judged.iter().filter(|j| j.verdict.accepted().is_some());
        let gone = judged.iter().filter(|judgement| {
            let kept = books.entries.get(&judgement.edit.entry);
            let gone = kept.and_then(|kept| kept.destroyed.as_ref());
            let seen = |Gone { stood, .. }: &Gone| {
                let mut all = stood.iter();
                stood.is_empty() || all.any(|shelf| shelf.is_for(&standing, &self.matrix))
            };
            judgement.verdict == Verdict::Refused(Refusal::Destroyed) || gone.is_some_and(seen)
        });
        let answered = there.chain(gone);
        let answered = answered.map(|judgement| judgement.edit.entry).collect();
        let held = judged
            .iter()
            .filter(|j| matches!(j.verdict, Verdict::Held(_)));
        let held = held.map(|judgement| judgement.outcome().change).collect();
        let since = Since {
            log: self.log,
            until,
            cursor,
            floor: until,
            own: &own,
            answered: &answered,
            held: &held,
            budget: request.limit.map_or(ANSWER, |limit| limit as usize),
        };
        let viewer = Viewer {
            standing: &standing,
            matrix: &self.matrix,
            epoch,
            holder,
        };
        let resends = |c: Cursor| c.resending || (c.log, c.epoch) != (self.log, epoch);
        let mut log = BooksLog {
            books,
            viewer,
            person: submitter.subject.person,
            resending: cursor.is_none_or(resends),
            bug: self.bug,
        };
        let Ok(mut page) = walk(&mut log, viewer, &since);
        match self.bug {
            Some(Bug::HideWithoutForget) => page.forget.clear(),
            Some(Bug::DestroyedUntold) => {
                let destroyed = std::mem::take(&mut page.destroyed);
                page.forget.retain(|entry| !destroyed.contains(entry));
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
