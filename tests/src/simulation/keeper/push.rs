//! Taking edits in.

use std::collections::BTreeMap;
use std::rc::Rc;

use sync_core::audit::AccessAction;
use sync_core::authority::{
    Admission, Former, Judged, Kept, Lane, RightEntry, RightsLedger, Submitter, VerifiedEdit,
    marked_until,
};
use sync_core::change::Edit;
use sync_core::entry::PastChange;
use sync_core::sync::{HoldReason, Item, Outcome, Refusal, Settlement, SyncRequest, Verdict};
use sync_core::{ChangeHash, EntryId, Tick};

use super::books::{Books, HeldRow, Row};
use super::pull::Opened;
use super::{Bug, Keeper};

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
    /// As the answer says it.
    pub fn outcome(&self) -> Outcome {
        Outcome {
            change: self.change,
            verdict: self.verdict.clone(),
        }
    }
}

impl Judgement {
    /// Until when the edit asks that the holder may not know of its entry.
    fn marked_until(&self) -> Option<Tick> {
        let role = self.edit.origin.read().ok()?.role;
        marked_until(self.past.as_ref()?, &role)
    }
}

impl Keeper {
    /// Nothing when the frame is not one.
    pub(super) fn push(
        &self,
        books: &mut Books,
        request: &SyncRequest,
        submitter: &Submitter,
        opened: &Opened,
        now: Tick,
    ) -> Option<Vec<Judgement>> {
        let Some(frame) = &request.edits else {
            return Some(Vec::new());
        };
        let items = frame.unpack(&self.record).ok()?;
        let mut entries: BTreeMap<EntryId, Kept> = BTreeMap::new();
        for item in &items {
            let entry = item.edit.entry;
            if let Some(kept) = books.entries.get(&entry) {
                entries.entry(entry).or_insert_with(|| (**kept).clone());
            }
        }
        let mut ledger = (*books.ledger).clone();
        let mut forgetful =
            (self.bug == Some(Bug::RevocationIgnored)).then(|| without_revocations(books, &ledger));
        let mut judgements = Vec::new();
        let former = Former {
            log: self.log,
            lives: &self.lives,
            days: self.lease_days,
        };
        let authors: Vec<&Submitter> = items
            .iter()
            .map(|item| self.author(item).unwrap_or(submitter))
            .collect();
        let verify = |(item, author): (&Item, &&Submitter)| {
            VerifiedEdit::new(&self.record, &author.key, item.edit.clone())
        };
        let verified: Vec<_> = items.iter().zip(&authors).map(verify).collect();
        let mut marked: BTreeMap<EntryId, Option<Tick>> = BTreeMap::new();
        for edit in verified.iter().flatten() {
            let latest = marked.entry(edit.entry()).or_default();
            *latest = edit.marked_until().max(*latest);
        }
        for ((item, author), verified) in items.into_iter().zip(authors).zip(verified) {
            let tick = books.tick(now);
            let marked = marked.get(&item.edit.entry).copied().flatten();
            let past = verified.as_ref().ok().map(|edit| edit.past().clone());
            let says = item.accepted.is_some();
            let handed_back = verified.as_ref().is_ok_and(|edit| {
                says && former.takes_back(edit, self.registered(author.device), tick)
            });
            let mut lane = Lane {
                record: self.record,
                ledger: forgetful.as_mut().unwrap_or(&mut ledger),
                matrix: &self.matrix,
                submitter: author,
                proven: &opened.proven,
                handed_back: handed_back.then_some(former),
                entries: &mut entries,
                lease_days: self.lease_days,
                tables: sync_core::kind::Tables::CURRENT,
            };
            let carried = author.device != submitter.device && !handed_back;
            let judged = match verified {
                Ok(edit) if carried => Judged::Refused(edit.change(), Refusal::NotAuthentic),
                Ok(edit) => lane.submit(&edit, tick),
                Err(unverified) => unverified.into(),
            };
            judgements.push(self.write(books, author, (item.edit, past, marked), judged, tick));
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
        self.log_push(books, submitter, &judgements);
        self.destroy(books, submitter, &judgements, now);
        Some(judgements)
    }

    /// Destroys what the edits, taken together, say is another patient's.
    fn destroy(
        &self,
        books: &mut Books,
        submitter: &Submitter,
        judgements: &[Judgement],
        now: Tick,
    ) {
        for judgement in judgements {
            let entry = judgement.edit.entry;
            let there = judgement.verdict.accepted().is_some();
            let kept = books.entries.get_mut(&entry).filter(|_| there);
            if kept.is_some_and(|kept| Rc::make_mut(kept).must_be_destroyed()) {
                let at = books.tick(now);
                books.destroy(entry, at);
                let touched = BTreeMap::from([(entry, 1)]);
                let none = BTreeMap::new();
                books.log_access(submitter, AccessAction::Destroy, &touched, &none);
            }
        }
    }

    /// Who made an edit that is handed back.
    fn author(&self, item: &Item) -> Option<&Submitter> {
        let origin = item.accepted.and(item.edit.origin.read().ok())?;
        self.sessions.get(&origin.device)
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

    fn log_push(&self, books: &mut Books, submitter: &Submitter, judgements: &[Judgement]) {
        let action = |judgement: &Judgement| match judgement.verdict {
            Verdict::Accepted(_) => Some(AccessAction::Write),
            Verdict::Held(_) if judgement.new => Some(AccessAction::Hold),
            Verdict::Refused(_) => Some(AccessAction::Refuse),
            Verdict::Held(_) | Verdict::Duplicate(_) => None,
        };
        for kind in [
            AccessAction::Write,
            AccessAction::Hold,
            AccessAction::Refuse,
        ] {
            let of_kind = judgements
                .iter()
                .filter(|judgement| action(judgement).as_ref() == Some(&kind));
            let (mut touched, mut marked) = (BTreeMap::new(), BTreeMap::new());
            for judgement in of_kind {
                let entry = judgement.edit.entry;
                *touched.entry(entry).or_default() += 1;
                let not_there = kind != AccessAction::Write;
                if let Some(until) = judgement.marked_until().filter(|_| not_there) {
                    marked.insert(entry, until);
                }
            }
            books.log_access(submitter, kind.clone(), &touched, &marked);
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

fn right_entries(books: &Books) -> Vec<RightEntry> {
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
