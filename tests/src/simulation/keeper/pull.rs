//! Giving news out, page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sync_core::audit::AccessAction;
use sync_core::authority::{EntryNews, Submitter, Touched, What, forget_own, news};
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::entry::EntryClass;
use sync_core::policy::{Context, Standing};
use sync_core::sync::{
    CursorDigest, Frame, HeldEdit, HoldReason, Item, PROTOCOL, SyncAnswer, SyncRequest,
};
use sync_core::{EntryId, Epoch, Tick};

use super::books::{Books, HeldRow, Row};
use super::cursor::Cursor;
use super::push::Judgement;
use super::{Bug, Keeper};

/// How much an answer carries when the device does not say.
const ANSWER: usize = 64 * 1024;

/// One viewer now.
struct Viewer {
    standing: Standing,
    epoch: Epoch,
    holder: bool,
}

impl Keeper {
    pub(super) fn pull(
        &self,
        books: &mut Books,
        request: &SyncRequest,
        submitter: &Submitter,
        cursor: Option<Cursor>,
        judged: &[Judgement],
        now: Tick,
    ) -> Option<(SyncAnswer, Vec<EntryId>)> {
        let due = books.tick(now);
        touch_what_fell_due(books, due);
        let tick = books.tick(now);
        let viewer = self.viewer(books, submitter, tick);
        let same_rights = |c: &Cursor| c.epoch == viewer.epoch;
        let continued = cursor.filter(|c| same_rights(c) || self.bug == Some(Bug::EpochIgnored));
        let news = self.news(books, &viewer, continued.as_ref(), tick);
        let (items, forget, told) =
            self.page(books, &news, continued.as_ref(), judged, request.limit)?;
        let mut forget = forget;
        self.forget_own(books, &viewer, judged, tick, &mut forget);
        let more = told < news.len() && self.bug != Some(Bug::PageForgotten);
        let given: BTreeSet<EntryId> = items.iter().map(|item| item.edit.entry).collect();
        if self.bug != Some(Bug::ReadNotLogged) {
            let mut touched = BTreeMap::new();
            for item in &items {
                *touched.entry(item.edit.entry).or_default() += 1;
            }
            books.log_access(submitter, AccessAction::Read, &touched, &BTreeMap::new());
        }
        let base = continued.map_or(Tick(0), |c| c.base);
        let held = self.held(books, submitter, &viewer, base);
        let checkpoint = SignedCheckpoint::new(
            &self.key,
            &Checkpoint {
                record: self.record,
                viewer: submitter.subject.person,
                log: self.log,
                tick: books.tick(now),
                epoch: viewer.epoch,
                access_log: books.head.hash,
            },
        );
        let seen = checkpoint.seen().ok()?;
        let last_told = told.checked_sub(1).and_then(|last| news.get(last));
        let next = Cursor {
            record: self.record,
            person: submitter.subject.person,
            log: self.log,
            epoch: viewer.epoch,
            base: if more { base } else { seen.tick },
            upto: match last_told.filter(|_| more) {
                Some(last) => last.last,
                None => seen.tick,
            },
            started: more.then(|| continued.and_then(|c| c.started).unwrap_or(seen.tick)),
            resetting: more && continued.is_none_or(|c| c.resetting),
            seen,
        };
        let packed = match items.as_slice() {
            [] => None,
            items => Some(Frame::pack(&self.record, items, Some(&self.key)).ok()?),
        };
        let answer = SyncAnswer {
            v: PROTOCOL,
            outcomes: Vec::new(),
            reset: continued.is_none(),
            news: packed,
            forget,
            held,
            more,
            after: request.cursor.as_ref().map(|at| CursorDigest::of(at)),
            cursor: next.write().into(),
            checkpoint,
        };
        Some((answer, given.into_iter().collect()))
    }

    fn viewer(&self, books: &mut Books, submitter: &Submitter, now: Tick) -> Viewer {
        let ledger = Rc::make_mut(&mut books.ledger);
        let holder = ledger.holder() == submitter.subject.person;
        let context = Context {
            rights: ledger.latest(),
            matrix: &self.matrix,
            now,
        };
        Viewer {
            standing: context.standing(&submitter.subject),
            epoch: context.epoch(&submitter.subject),
            holder,
        }
    }

    /// All that there is to tell, in the order of the last touch.
    fn news(
        &self,
        books: &Books,
        viewer: &Viewer,
        cursor: Option<&Cursor>,
        now: Tick,
    ) -> Vec<EntryNews> {
        let upto = cursor.map_or(Tick(0), |c| c.upto);
        let resend = cursor.is_none_or(|c| c.resetting);
        let mut all = Vec::new();
        for entry in books.existing() {
            let Some(last) = books.last_at(&entry, now).filter(|row| row.tick > upto) else {
                continue;
            };
            let known = known(books, &entry, cursor);
            let touched = Touched {
                entry,
                last: last.tick,
                before: books.last_at(&entry, known).map(|row| row.class.clone()),
                now: last.class.clone(),
            };
            let before = |class: &EntryClass| self.shows(viewer, class, known, resend);
            let after = |class: &EntryClass| self.shows(viewer, class, now, resend);
            let mut told = news([touched], before, after);
            let walk = cursor.and_then(|c| Some((c.started?, c.upto)));
            if told.is_empty()
                && let Some(walk) = walk
                && was_given(books, &entry, walk, |class, at| {
                    self.shows(viewer, class, at, resend)
                })
            {
                let (last, what) = (last.tick, What::Forget);
                told.push(EntryNews { entry, last, what });
            }
            all.extend(told);
        }
        all.sort_by_key(|news| (news.last, news.entry));
        all
    }

    fn shows(&self, viewer: &Viewer, class: &EntryClass, at: Tick, resend: bool) -> bool {
        let mut class = class.clone();
        if resend && self.bug == Some(Bug::ResendShowsHidden) {
            class.visibility = sync_core::entry::Visibility::default();
        }
        viewer.standing.may_read(&class, &self.matrix, at)
    }

    /// As much of the news as fits, but at least one entry: changes to give, entries to forget,
    /// and how many of the news this tells.
    fn page(
        &self,
        books: &Books,
        news: &[EntryNews],
        cursor: Option<&Cursor>,
        judged: &[Judgement],
        limit: Option<u32>,
    ) -> Option<(Vec<Item>, Vec<EntryId>, usize)> {
        let limit = limit.map_or(ANSWER, |limit| limit as usize);
        let (mut items, mut forget, mut size) = (Vec::new(), Vec::new(), 0);
        for (told, EntryNews { entry, what, .. }) in news.iter().enumerate() {
            let since = match what {
                What::Whole => Tick(0),
                What::Since => known(books, entry, cursor),
                What::Forget => {
                    if self.bug != Some(Bug::HideWithoutForget) {
                        forget.push(*entry);
                    }
                    continue;
                }
            };
            let own = |row: &Row| {
                let name = row.given.as_ref().map(|given| given.change);
                *what == What::Since && judged.iter().any(|j| j.new && Some(j.change) == name)
            };
            let rows = books
                .rows(entry)
                .filter(|row| row.tick > since && !own(row));
            let of_entry: Vec<Item> = rows.filter_map(item).collect();
            let added: usize = of_entry.iter().map(|item| item.edit.change.len()).sum();
            if size > 0 && size + added > limit {
                return Some((items, forget, told));
            }
            size += added;
            items.extend(of_entry);
        }
        Some((items, forget, news.len()))
    }

    /// What a device wrote while it could and may no longer see is forgotten with the answer.
    fn forget_own(
        &self,
        books: &Books,
        viewer: &Viewer,
        judged: &[Judgement],
        now: Tick,
        forget: &mut Vec<EntryId>,
    ) {
        if self.bug == Some(Bug::HideWithoutForget) {
            return;
        }
        let answered = judged.iter().filter(|j| j.verdict.accepted().is_some());
        let own: BTreeSet<EntryId> = answered.map(|j| j.edit.entry).collect();
        let class = |entry| Some((entry, books.last_at(&entry, now)?.class.clone()));
        let own = own
            .into_iter()
            .filter(|entry| !forget.contains(entry))
            .filter_map(class);
        let gone = forget_own(own, |class| self.shows(viewer, class, now, false));
        forget.extend(gone);
    }

    /// Held edits that this viewer is to know of: the holder those to decide on, an author what
    /// became of their own.
    fn held(
        &self,
        books: &Books,
        submitter: &Submitter,
        viewer: &Viewer,
        base: Tick,
    ) -> Vec<HeldEdit> {
        let concerns = |row: &HeldRow| {
            let own = row.author == submitter.subject.person;
            let to_decide = viewer.holder && row.reason != HoldReason::NotPermitted;
            own || to_decide
        };
        let since = |row: &HeldRow| {
            let due = if row.author == submitter.subject.person {
                None
            } else {
                books.kept_until(&row.edit.entry).max(row.marked_until())
            };
            due.map_or(row.received, |due| due.max(row.received))
        };
        let fresh = |row: &HeldRow| {
            let since = since(row);
            base < since && since <= books.last || row.settled.is_some_and(|(_, at)| at > base)
        };
        let rows = books.held.values().map(|row| &**row);
        rows.filter(|row| concerns(row) && fresh(row))
            .map(|row| HeldEdit {
                edit: row.edit.clone(),
                reason: row.reason,
                received: row.received,
                settled: row.settled.map(|(settlement, _)| settlement),
            })
            .collect()
    }
}

/// Whether an entry may have been given earlier in the walk that began at one tick and has passed
/// what was touched up to another: it was to be seen as it was touched then.
fn was_given(
    books: &Books,
    entry: &EntryId,
    (started, upto): (Tick, Tick),
    shows: impl Fn(&EntryClass, Tick) -> bool,
) -> bool {
    let first = books
        .last_at(entry, started)
        .map_or(Tick(0), |row| row.tick);
    let mut passed = books
        .rows(entry)
        .filter(|row| first <= row.tick && row.tick <= upto);
    passed.any(|row| shows(&row.class, row.tick.max(started)))
}

/// Up to when the device with this cursor knows an entry.
fn known(books: &Books, entry: &EntryId, cursor: Option<&Cursor>) -> Tick {
    let Some(cursor) = cursor else {
        return Tick(0);
    };
    let last = books.last_at(entry, cursor.seen.tick);
    last.map_or(cursor.base, |row| cursor.knows(row.tick))
}

fn item(row: &Row) -> Option<Item> {
    let given = row.given.as_ref()?;
    Some(Item {
        edit: given.edit.clone(),
        accepted: Some(row.tick),
    })
}

/// What becomes visible by time alone is touched when it does, so that cursors meet it.
fn touch_what_fell_due(books: &mut Books, now: Tick) {
    for entry in books.existing() {
        let Some(last) = books.last_at(&entry, now) else {
            continue;
        };
        let due = last.class.visibility.hidden_from_patient_until;
        if due.is_some_and(|due| last.tick < due && due <= now) {
            let class = last.class.clone();
            let tick = books.tick(now);
            books.log.push(Rc::new(Row {
                tick,
                entry,
                given: None,
                class,
            }));
        }
    }
}
