//! Taking edits in, in turns.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sync_core::audit::AccessAction;
use sync_core::authority::{
    Admission, Former, Judged, Kept, Lane, Registration, RightEntry, RightsLedger, Submitter,
    VerifiedEdit,
};
use sync_core::change::{Edit, Voucher};
use sync_core::entry::PastChange;
use sync_core::guard;
use sync_core::policy::Context;
use sync_core::sync::limits::MAX_ENTRY;
use sync_core::sync::{HoldReason, Item, Outcome, Refusal, Settlement, Verdict};
use sync_core::{ChangeHash, EntryId, Tick};

use super::books::{Books, HeldRow, OpenMarks, Row};
use super::visit::{HandedIn, Visit};
use super::{Bug, Keeper, SignedOut};

/// What became of an edit.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The edit.
    pub edit: Edit,
    /// What it says, if the guard let it through.
    pub past: Option<PastChange>,
    /// When it was judged.
    pub tick: Tick,
    /// Its name.
    pub change: ChangeHash,
    /// What became of it.
    pub verdict: Verdict,
    /// It is new to the log or to the held edits.
    pub new: bool,
}

impl Judgement {
    fn is_accepted_at(&self, tick: Tick) -> bool {
        self.verdict == Verdict::Accepted(tick)
    }

    /// As the answer says it.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            change: self.change,
            verdict: self.verdict.clone(),
        }
    }
}

/// What one turn did, in the open transaction.
pub struct Passed {
    /// From which of the visit's judgements on they are this turn's.
    pub from: usize,
    /// And from which of what was freed.
    pub freed_from: usize,
    /// Others may have to be told of what it did.
    pub heard: bool,
}

impl Keeper {
    /// A turn of a visit at the writer: as many of its edits as fit are judged and written, one at
    /// least, and a tick is taken.
    ///
    /// # Errors
    /// When the device was signed out meanwhile. Nothing of this turn is kept then.
    pub fn pass(
        &mut self,
        process: usize,
        visit: &mut Visit,
        most: usize,
        now: Tick,
    ) -> Result<Passed, SignedOut> {
        self.is_signed_in(&visit.submitter)?;
        let mut books = self.at_hand(process);
        if self.bug == Some(Bug::TickByClock) {
            books.last = books.last.min(Tick(now.0 - 1));
        }
        let (from, freed_from) = (visit.judged.len(), visit.freed.len());
        // Edits that may follow what this log has lost wait until the device knows what is there.
        let stands = visit.cursor.is_none_or(|cursor| cursor.log == self.log);
        let turn = if stands {
            visit.waiting().min(most.max(1))
        } else {
            0
        };
        if turn > 0 {
            self.take_in(&mut books, visit, turn, now);
        }
        visit.ended = books.tick(now);
        self.working = Some(books);
        let heard = visit.judged[from..].iter().any(|judgement| {
            let held = matches!(judgement.verdict, Verdict::Held(_)) && judgement.new;
            held || matches!(judgement.verdict, Verdict::Accepted(_))
        });
        visit.done = !stands || visit.waiting() == 0;
        Ok(Passed {
            from,
            freed_from,
            heard,
        })
    }

    fn take_in(&self, books: &mut Books, visit: &mut Visit, turn: usize, now: Tick) {
        let from = visit.judged.len();
        let handed_in = &visit.edits[from..from + turn];
        let mut entries: BTreeMap<EntryId, Kept> = BTreeMap::new();
        for handed_in in handed_in {
            let entry = handed_in.edit.entry;
            if let Some(kept) = books.entries.get(&entry) {
                entries.entry(entry).or_insert_with(|| (**kept).clone());
            }
        }
        let mut ledger = (*books.ledger).clone();
        let mut forgetful =
            (self.bug == Some(Bug::RevocationIgnored)).then(|| without_revocations(books, &ledger));
        let (mut judged, mut freed) = (Vec::new(), Vec::new());
        for handed_in in handed_in {
            let rights = forgetful.as_mut().unwrap_or(&mut ledger);
            let one = self.judge(books, visit, handed_in, (&mut *rights, &mut entries), now);
            if matches!(one.verdict, Verdict::Accepted(_)) && books.held.contains_key(&one.change) {
                let entry = one.edit.entry;
                let told = (&mut *rights, &mut entries);
                freed.extend(self.free_followers(books, &visit.submitter, entry, told, now));
            }
            judged.push(one);
        }
        for (entry, kept) in entries {
            books.entries.insert(entry, Rc::new(kept));
        }
        if forgetful.is_some() {
            for right in right_entries(books) {
                ledger.put(right);
            }
        }
        books.ledger = Rc::new(ledger);
        self.log_push(books, visit, &judged);
        self.note_answered(books, visit, &judged);
        self.log_freed(books, visit, &freed);
        visit.judged.extend(judged);
        visit.freed.extend(freed);
        self.destroy_marked(books, visit, from, now);
    }

    fn judge(
        &self,
        books: &mut Books,
        visit: &Visit,
        handed_in: &HandedIn,
        (ledger, entries): (&mut RightsLedger, &mut BTreeMap<EntryId, Kept>),
        now: Tick,
    ) -> Judgement {
        let HandedIn {
            edit,
            again,
            author,
            record,
            verified,
        } = handed_in;
        let former = Former {
            log: self.log,
            lives: &self.lives,
            days: self.lease_days,
        };
        let tick = books.tick(self.by_clock(edit, now));
        let marked = visit.marked.get(&edit.entry).copied();
        let past = guard::inspect(&edit.change).ok();
        let past = past.map(|inspected| inspected.past);
        let handed_back = verified.as_ref().is_ok_and(|edit| {
            *again && former.takes_back(edit, self.registered(author.device), tick)
        });
        let mut lane = Lane {
            record: *record,
            ledger,
            matrix: &self.matrix,
            submitter: author,
            proven: &visit.proven,
            handed_back: handed_back.then_some(former),
            entries,
            lease_days: self.lease_days,
            tables: sync_core::kind::Tables::CURRENT,
            tried: None,
        };
        let carried = author.person() != visit.submitter.person() && !handed_back;
        let judged = match verified {
            Ok(edit) if carried => Judged::Refused(edit.change(), Refusal::NotAuthentic),
            Ok(edit) => lane.submit(edit, tick),
            Err(unverified) => (*unverified).into(),
        };
        let written = (edit.clone(), past, marked);
        let judgement = self.write(books, author, written, judged, tick);
        note_settled(books, entries);
        judgement
    }

    /// A change of an entry that was held is in the record: judges anew what was held only because it
    /// followed that, and what followed this.
    fn free_followers(
        &self,
        books: &mut Books,
        by: &Submitter,
        entry: EntryId,
        (ledger, entries): (&mut RightsLedger, &mut BTreeMap<EntryId, Kept>),
        now: Tick,
    ) -> Vec<Judgement> {
        let mut freed = Vec::new();
        let asked = |books: &Books| -> BTreeMap<ChangeHash, bool> {
            let of_entry = books.held.iter().filter(|(_, row)| row.edit.entry == entry);
            let names = of_entry.map(|(change, _)| *change);
            names
                .map(|change| (change, books.is_for_holder(&change)))
                .collect()
        };
        let before = asked(books);
        loop {
            let is_freed = |(change, row): &(&ChangeHash, &Rc<HeldRow>)| {
                let kept = entries.get(&entry);
                let of_entry = row.edit.entry == entry;
                of_entry && kept.is_some_and(|kept| kept.is_freed(change, &row.follows))
            };
            let waiting = books.held.iter().filter(is_freed);
            let first = waiting.min_by_key(|(change, row)| (row.received, **change));
            let Some(edit) = first.map(|(_, row)| row.edit.clone()) else {
                break;
            };
            let item = Item {
                edit,
                accepted: Some(now),
            };
            let author = self.author(&item, by);
            let keys = [self.public_key()];
            let Ok(edit) = VerifiedEdit::of(&self.record, (&author.key, &keys), item.edit) else {
                break;
            };
            let former = Former {
                log: self.log,
                lives: &self.lives,
                days: self.lease_days,
            };
            let tick = books.tick(now);
            let handed_back = former.takes_back(&edit, self.registered(author.device), tick);
            let judged = Lane {
                record: self.record,
                ledger: &mut *ledger,
                matrix: &self.matrix,
                submitter: &author,
                proven: &[],
                handed_back: handed_back.then_some(former),
                entries: &mut *entries,
                lease_days: self.lease_days,
                tables: sync_core::kind::Tables::CURRENT,
                tried: None,
            }
            .submit_freed(&edit, tick);
            if let Judged::Held { change, held, .. } = &judged
                && let Some(row) = books.held.get_mut(change)
            {
                let row = Rc::make_mut(row);
                (row.reason, row.changed) = (held.reason, tick);
            }
            let written = (edit.edit().clone(), Some(edit.past().clone()), None);
            freed.push(self.write(books, &author, written, judged, tick));
            note_settled(books, entries);
        }
        // Of what follows one that the holder is asked of now they are asked too.
        for (change, asked) in asked(books) {
            let was = before.get(&change) == Some(&asked);
            if let Some(row) = books.held.get_mut(&change)
                && row.settlement.is_none()
                && !was
            {
                Rc::make_mut(row).changed = books.last;
            }
        }
        freed
    }

    /// The time by the server's clock, or by a bug by that of the device.
    fn by_clock(&self, edit: &Edit, now: Tick) -> Tick {
        let origin = edit.origin.read().ok();
        let said = origin.and_then(|origin| u64::try_from(origin.at.0).ok());
        match said.filter(|_| self.bug == Some(Bug::DeviceClockBelieved)) {
            Some(millis) => now.max(Tick(millis * 1_000)),
            None => now,
        }
    }

    /// Notes the entries that the visitor may be told of: of those destroyed before, if they could
    /// read them or are told so anyhow.
    fn note_answered(&self, books: &mut Books, visit: &mut Visit, judged: &[Judgement]) {
        let now = books.last;
        let ledger = Rc::make_mut(&mut books.ledger);
        let context = Context {
            rights: ledger.latest(),
            matrix: &self.matrix,
            now,
        };
        let standing = context.standing(&visit.submitter.subject);
        for judgement in judged {
            let entry = judgement.edit.entry;
            let kept = books.entries.get(&entry);
            let told = match kept.and_then(|kept| kept.destroyed.as_ref()) {
                Some(gone) => {
                    let mut stood = gone.stood.iter();
                    judgement.verdict == Verdict::Refused(Refusal::Destroyed)
                        || gone.stood.is_empty()
                        || stood.any(|shelf| shelf.is_for(&standing, &self.matrix))
                }
                None => judgement.verdict.accepted().is_some(),
            };
            if told {
                visit.answered.insert(entry);
            }
        }
    }

    /// Destroys what the edits, taken together, say is another patient's. A mark that a later edit
    /// of the same visit may take back waits, and a note of it is kept.
    fn destroy_marked(&self, books: &mut Books, visit: &mut Visit, from: usize, now: Tick) {
        let mut open = std::mem::take(&mut visit.doomed);
        let mut touched: BTreeSet<EntryId> = open.keys().copied().collect();
        for judgement in &visit.judged[from..] {
            let entry = judgement.edit.entry;
            if judgement.verdict.accepted().is_some() {
                touched.insert(entry);
            }
            if let Verdict::Duplicate(accepted) = judgement.verdict {
                // It comes again with what was cut short.
                open.entry(entry).or_default().insert(accepted);
            }
        }
        let waits = visit.to_come();
        for entry in touched {
            let open = open.remove(&entry).unwrap_or_default();
            let own = |tick| visit.judged.iter().any(|own| own.is_accepted_at(tick));
            let marks = books.standing_marks(&entry).into_iter().map(|(mark, by)| {
                let own = by == visit.submitter.device || own(mark);
                (mark, own)
            });
            let mut marks: BTreeMap<Tick, bool> = marks.collect();
            if waits.contains(&entry) && self.bug != Some(Bug::MarkNotLeftToItsRequest) {
                marks.retain(|mark, own| *own || open.contains(mark));
                let marks: BTreeSet<Tick> = marks.into_keys().collect();
                books.undoom(entry, &(&open - &marks));
                books.doom(entry, &marks);
                if !marks.is_empty() {
                    visit.doomed.insert(entry, marks);
                }
                continue;
            }
            // Another visit, in the middle of which this is, may take its mark back.
            let noted = books.doomed_by(&entry);
            let decided =
                |(mark, own): (&Tick, &bool)| *own || open.contains(mark) || !noted.contains(mark);
            if marks.iter().any(decided) {
                self.destroy(books, &visit.submitter, entry, now);
                books.undoom(entry, &noted);
            } else {
                books.undoom(entry, &open);
            }
        }
    }

    /// Destroys what was marked in visits that were not taken in to their end, in which the marks
    /// might have been taken back: by these marks, or by all that are noted.
    pub fn decide(&mut self, only: Option<&OpenMarks>, now: Tick) {
        let mut books = self.books().clone();
        let marks = only.unwrap_or(&books.doomed).clone();
        for (entry, marks) in marks {
            books.undoom(entry, &marks);
            let open = books.doomed_by(&entry);
            let standing = books.standing_marks(&entry);
            if standing.iter().any(|(mark, _)| !open.contains(mark)) {
                let server = self.server();
                self.destroy(&mut books, &server, entry, now);
                books.undoom(entry, &open);
            }
        }
        self.working = Some(books);
    }

    fn destroy(&self, books: &mut Books, by: &Submitter, entry: EntryId, now: Tick) {
        let at = books.tick(now);
        books.destroy(entry, at);
        let touched = BTreeMap::from([(entry, 1)]);
        books.log_access(by, AccessAction::Destroy, &touched, &BTreeMap::new());
    }

    /// Who made an edit, as far as it counts: somebody else only of what is handed back. Whoever
    /// brings it vouches for what another device of theirs signed.
    pub(super) fn author(&self, item: &Item, by: &Submitter) -> Submitter {
        let origin = item.edit.origin.read().ok();
        let device = origin.map(|origin| origin.device);
        let known = device.and_then(|device| self.known(device));
        // What the server signed for needs no device that it still knows.
        let proven = matches!(item.edit.origin.voucher, Voucher::Server(_));
        let lost = device.filter(|_| proven && item.accepted.is_some());
        match known {
            None if let Some(lost) = lost.and_then(|device| self.unknown.get(&device)) => {
                Submitter {
                    registration: Registration::Lost,
                    ..lost.clone()
                }
            }
            Some(known) if known.person() == by.person() => Submitter {
                registration: Registration::Valid,
                ..known
            },
            Some(known) if item.accepted.is_some() => known,
            _ => by.clone(),
        }
    }

    fn write(
        &self,
        books: &mut Books,
        submitter: &Submitter,
        (edit, past, marked): (Edit, Option<PastChange>, Option<Tick>),
        judged: Judged,
        tick: Tick,
    ) -> Judgement {
        let entry = edit.entry;
        let (change, verdict, new) = match judged {
            Judged::Accepted(admission) => {
                let Admission {
                    change,
                    actor,
                    seq,
                    class,
                    right,
                    releases,
                    discards,
                    ..
                } = *admission;
                let before = books.last_of(&entry).map(|_| books.kept_until(&entry));
                books.log.push(Rc::new(Row {
                    tick,
                    entry,
                    change,
                    actor,
                    seq,
                    edit: edit.clone(),
                    class,
                }));
                books.rights += u64::from(right);
                if before != Some(books.kept_until(&entry)) {
                    books.put_off(&entry);
                }
                settle(books, releases, Settlement::Released, tick);
                settle(books, discards, Settlement::Discarded, tick);
                (change, Verdict::Accepted(tick), true)
            }
            Judged::Duplicate(change, _) if self.bug == Some(Bug::DuplicateAsNew) => {
                let again = books.rows(&entry).last().cloned();
                let again = again.map(|row| Rc::new(Row { tick, ..row }));
                books.log.extend(again);
                (change, Verdict::Accepted(tick), true)
            }
            Judged::Duplicate(change, accepted) => (change, Verdict::Duplicate(accepted), false),
            Judged::Held {
                change,
                held,
                again,
            } => {
                if !again && self.bug != Some(Bug::HeldNotKept) {
                    let knows = held.reason == HoldReason::NotPermitted;
                    let row = HeldRow {
                        edit: edit.clone(),
                        author: submitter.subject.person,
                        reason: held.reason,
                        follows: past
                            .as_ref()
                            .map_or_else(Vec::new, |past| past.deps.clone()),
                        received: tick,
                        changed: tick,
                        due: books.held_until(&entry, marked).filter(|_| !knows),
                        settlement: None,
                    };
                    books.held.insert(change, Rc::new(row));
                }
                (change, Verdict::Held(held.reason), !again)
            }
            Judged::Refused(change, why) => (change, Verdict::Refused(why), false),
        };
        Judgement {
            edit,
            past,
            tick,
            change,
            verdict,
            new,
        }
    }

    /// Tells the access log of what was accepted though nobody handed it in.
    fn log_freed(&self, books: &mut Books, visit: &Visit, freed: &[Judgement]) {
        let mut touched = BTreeMap::new();
        for judgement in freed {
            if matches!(judgement.verdict, Verdict::Accepted(_)) {
                *touched.entry(judgement.edit.entry).or_default() += 1;
            }
        }
        let by = &visit.submitter;
        books.log_access(by, AccessAction::Write, &touched, &BTreeMap::new());
    }

    /// Tells the access log of a turn. A mark that the visit bears, that the holder may not know of
    /// an entry yet, counts also of what is not in the record, but not of what its author had no
    /// right to write, and no good faith.
    fn log_push(&self, books: &mut Books, visit: &Visit, judged: &[Judgement]) {
        let none = BTreeMap::new();
        let said = |judgement: &Judgement| match judgement.verdict {
            Verdict::Accepted(_) => Some((AccessAction::Write, false)),
            Verdict::Held(why) if judgement.new => {
                Some((AccessAction::Hold, why != HoldReason::NotPermitted))
            }
            Verdict::Refused(_) => Some((AccessAction::Refuse, true)),
            Verdict::Held(_) | Verdict::Duplicate(_) => None,
        };
        for (action, marks) in [
            (AccessAction::Write, false),
            (AccessAction::Hold, true),
            (AccessAction::Hold, false),
            (AccessAction::Refuse, true),
        ] {
            let event = Some((action.clone(), marks));
            let mut touched = BTreeMap::new();
            for judgement in judged.iter().filter(|judgement| said(judgement) == event) {
                *touched.entry(judgement.edit.entry).or_default() += 1;
            }
            if action == AccessAction::Hold && self.bug == Some(Bug::HoldNotLogged) {
                continue;
            }
            let marked = if marks { &visit.marked } else { &none };
            books.log_access(&visit.submitter, action, &touched, marked);
        }
    }
}

fn settle(books: &mut Books, changes: Vec<ChangeHash>, as_what: Settlement, tick: Tick) {
    for change in changes {
        if let Some(row) = books.held.get_mut(&change)
            && row.settlement.is_none()
        {
            let row = Rc::make_mut(row);
            (row.settlement, row.changed) = (Some(as_what), tick);
        }
    }
}

/// What was decided of a held edit is so in its entry, whichever that is: of those at hand and of the
/// others.
fn note_settled(books: &mut Books, entries: &mut BTreeMap<EntryId, Kept>) {
    for (change, row) in &books.held {
        if row.settlement.is_none() {
            continue;
        }
        let entry = row.edit.entry;
        if let Some(held) = entries
            .get_mut(&entry)
            .and_then(|kept| kept.held.get_mut(change))
        {
            held.open = false;
        }
        if let Some(kept) = books.entries.get_mut(&entry)
            && kept.held.get(change).is_some_and(|held| held.open)
            && let Some(held) = Rc::make_mut(kept).held.get_mut(change)
        {
            held.open = false;
        }
    }
}

pub(super) fn right_entries(books: &Books) -> Vec<RightEntry> {
    let existing = books.existing();
    let rights = books.entries.iter().filter(|(entry, kept)| {
        let state = kept.document.state();
        existing.contains(entry) && state.kind().is_some_and(sync_core::policy::is_right)
    });
    rights
        .map(|(entry, kept)| RightEntry {
            entry: *entry,
            state: kept.document.state(),
            provenance: kept.provenance.clone(),
            bytes: MAX_ENTRY.saturating_sub(kept.room),
        })
        .collect()
}

/// The rights as they were first written, for a bug.
fn without_revocations(books: &Books, ledger: &RightsLedger) -> RightsLedger {
    let first = right_entries(books).into_iter().map(|mut right| {
        let creation = right.state.creation().map(|past| past.hash);
        right.state = right.state.as_of(|hash| Some(*hash) == creation);
        right
    });
    RightsLedger::new(ledger.holder(), first.collect())
}
