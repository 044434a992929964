//! What becomes of each edit of a submission.

use std::collections::BTreeMap;

use super::{Former, Gone, Registration, RightEntry, RightsLedger, Submitter, VerifiedEdit};
use crate::change::{Actor, Origin, Provenance};
use crate::checkpoint::Seen;
use crate::entry::{EntryClass, EntryDocument, EntryState, STATUS};
use crate::guard::{self, Trial, Unsafe};
use crate::kind::{self, JsonScalar as _, Status, StatusCode, Tables};
use crate::merge;
use crate::policy::{self, Action, Context, Matrix, Rights, Role, Subject, is_right};
use crate::sync::limits::{MAX_ENTRY, MAX_RIGHT, MAX_RIGHT_ENDING};
use crate::sync::{HoldReason, Refusal};
use crate::{ChangeHash, EntryId, RecordId, Tick};

/// What the keeper of the log holds of an entry.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its document.
    pub document: EntryDocument,
    /// Where its changes come from; all of them accepted.
    pub provenance: BTreeMap<ChangeHash, Provenance>,
    /// Changes of it that are held.
    pub held: BTreeMap<ChangeHash, HeldChange>,
    /// It was destroyed: where it stood. Nothing else of it is here.
    pub destroyed: Option<Gone>,
    /// How many bytes further changes of it may take.
    pub room: usize,
    state: Option<EntryState>,
}

/// A held change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldChange {
    /// Whose.
    pub actor: Actor,
    /// Its number.
    pub seq: u64,
    /// Why it is held.
    pub reason: HoldReason,
    /// Since when.
    pub received: Tick,
    /// Nothing was decided of it.
    pub open: bool,
}

impl HeldChange {
    /// Whether nothing but what it follows decides what becomes of it.
    fn waits(&self) -> bool {
        self.open && self.reason == HoldReason::FollowsHeld
    }
}

impl Default for Kept {
    fn default() -> Self {
        Kept::new(EntryDocument::new(), BTreeMap::new(), BTreeMap::new())
    }
}

impl Kept {
    /// An entry with this document, whose changes come from there, and with these held changes.
    pub fn new(
        document: EntryDocument,
        provenance: BTreeMap<ChangeHash, Provenance>,
        held: BTreeMap<ChangeHash, HeldChange>,
    ) -> Self {
        Kept {
            document,
            provenance,
            held,
            destroyed: None,
            room: MAX_ENTRY,
            state: None,
        }
    }

    /// An entry that was destroyed.
    pub fn destroyed(gone: Gone) -> Self {
        Kept {
            destroyed: Some(gone),
            ..Kept::default()
        }
    }

    /// The changes by which the content of the entry must be destroyed ([`merge::destroyers`]), each
    /// with where it comes from.
    pub fn destroyers(&mut self) -> Vec<&Provenance> {
        self.state();
        let state = self.state.as_ref();
        let marks = state.map(|state| merge::destroyers(state, &self.provenance));
        let marks = marks.into_iter().flatten();
        marks
            .filter_map(|mark| self.provenance.get(&mark))
            .collect()
    }

    /// Whether something is held here, and not decided on, only because it follows what is held.
    pub fn has_followers(&self) -> bool {
        self.held.values().any(HeldChange::waits)
    }

    /// Whether a change is held only because it followed these, which are all in the record by now: it
    /// is to be judged anew ([`Lane::submit_freed`]).
    pub fn is_freed(&self, change: &ChangeHash, follows: &[ChangeHash]) -> bool {
        let waits = self.held.get(change).is_some_and(HeldChange::waits);
        waits && follows.iter().all(|dep| self.provenance.contains_key(dep))
    }

    fn accepted(&self, change: &ChangeHash) -> Option<Tick> {
        self.provenance.get(change)?.accepted
    }

    fn state(&mut self) -> &EntryState {
        self.state.get_or_insert_with(|| self.document.state())
    }

    /// The class of the entry by what was accepted up to `tick`; nothing if it was not there.
    fn class_at(&mut self, tick: Tick) -> Option<EntryClass> {
        self.state();
        let Kept {
            provenance, state, ..
        } = self;
        let known = |hash: &ChangeHash| provenance.get(hash)?.accepted;
        let state = state
            .as_ref()?
            .as_of(|hash| known(hash).is_some_and(|accepted| accepted <= tick));
        let author = provenance.get(&state.creation()?.hash)?.origin.author;
        Some(EntryClass::of(&state, author))
    }

    /// The class of the entry as it was for whoever made a change that follows these; nothing if
    /// it follows none.
    fn class_before(&mut self, deps: &[ChangeHash]) -> Option<EntryClass> {
        let state = self.state();
        let before = state.closure(deps.iter().copied());
        let state = state.as_of(|hash| before.contains(hash));
        let first = self.provenance.get(&state.creation()?.hash)?;
        Some(EntryClass::of(&state, first.origin.author))
    }
}

/// An edit that belongs to the record: what to write down.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The change.
    pub change: ChangeHash,
    /// Whose.
    pub actor: Actor,
    /// Its number.
    pub seq: u64,
    /// What its device states of it.
    pub origin: Origin,
    /// The entry's document with it, saved.
    pub document: Vec<u8>,
    /// The entry's class with it.
    pub class: EntryClass,
    /// The entry is a right.
    pub right: bool,
    /// Held changes that it takes up; the edit itself, if it was held.
    pub releases: Vec<ChangeHash>,
    /// Held changes that the holder decides to leave out with it, in a decision of their own.
    pub discards: Vec<ChangeHash>,
}

/// What becomes of an edit.
#[derive(Clone, Debug)]
pub enum Judged {
    /// It belongs to the record.
    Accepted(Box<Admission>),
    /// It belonged to the record before.
    Duplicate(ChangeHash, Tick),
    /// It is valid, and kept out of the record.
    Held {
        /// The change.
        change: ChangeHash,
        /// Whose, its number, and why it is held.
        held: HeldChange,
        /// It was held before.
        again: bool,
    },
    /// It is not taken.
    Refused(ChangeHash, Refusal),
}

/// One submission being judged; edits build on those before them.
pub struct Lane<'l> {
    /// The record.
    pub record: RecordId,
    /// Its rights; follows the submission.
    pub ledger: &'l mut RightsLedger,
    /// What each profession may read and write.
    pub matrix: &'l Matrix,
    /// Who made the edits.
    pub submitter: &'l Submitter,
    /// Checkpoints that the device proved to have held.
    pub proven: &'l [Seen],
    /// The edit is one that was accepted in one of these lives of the log, and is handed back
    /// ([`Former::takes_back`]). A checkpoint of such a life needs no proof: whoever was given it
    /// may hold it no more, and what is accepted since is later. If it is not permitted now, the
    /// holder decides: it was once.
    pub handed_back: Option<Former<'l>>,
    /// The entries that the edits name, as far as they exist; follows the submission.
    pub entries: &'l mut BTreeMap<EntryId, Kept>,
    /// How many days a checkpoint vouches for good faith.
    pub lease_days: u64,
    /// What this program knows of the kinds.
    pub tables: Tables,
    /// What came of trying the edit elsewhere; nothing if the change is to be added to its entry here.
    /// It must have been tried on the entry as it is here.
    pub tried: Option<&'l Trial>,
}

impl Lane<'_> {
    /// Judges one edit at `tick`, which is later than all before.
    pub fn submit(&mut self, edit: &VerifiedEdit, tick: Tick) -> Judged {
        let change = edit.change();
        match self.judge(edit, tick) {
            Ok(judged) => judged,
            Err(Stop::Refused(refusal)) => Judged::Refused(change, refusal),
            Err(Stop::Held(reason)) => {
                let held = HeldChange {
                    actor: edit.inspected().actor(),
                    seq: edit.past().seq,
                    reason,
                    received: tick,
                    open: true,
                };
                let kept = self.entries.entry(edit.entry()).or_default();
                kept.held.insert(change, held);
                let again = false;
                Judged::Held {
                    change,
                    held,
                    again,
                }
            }
        }
    }

    /// Judges anew, at `tick`, an edit that was held because it followed what was held, and follows
    /// nothing that is held any more ([`Kept::is_freed`]): it is in the record from now on, if its
    /// author has the right and had it when it came, or is held for what stands against it itself.
    pub fn submit_freed(&mut self, edit: &VerifiedEdit, tick: Tick) -> Judged {
        let (entry, change) = (edit.entry(), edit.change());
        let kept = self.entries.entry(entry).or_default();
        let Some(mut held) = kept.held.remove(&change) else {
            return self.submit(edit, tick);
        };
        let judged = self.judge_new(edit, Some(held.received), tick);
        let judged = judged.map_err(|stop| match stop {
            Stop::Held(reason) => reason,
            // It would have been refused, and is kept: its author was told so.
            Stop::Refused(_) => HoldReason::NotPermitted,
        });
        match &judged {
            Ok(_) => held.open = false,
            Err(reason) => held.reason = *reason,
        }
        let kept = self.entries.entry(entry).or_default();
        kept.held.insert(change, held);
        let again = true;
        judged.unwrap_or(Judged::Held {
            change,
            held,
            again,
        })
    }

    fn judge(&mut self, edit: &VerifiedEdit, tick: Tick) -> Result<Judged, Stop> {
        let (entry, change) = (edit.entry(), edit.change());
        let origin = self.authentic(edit)?;
        let there = self.entries.get(&entry);
        let accepted = there.and_then(|kept| kept.accepted(&change));
        if accepted.is_none() {
            self.proved(origin)?;
        }
        if let Some(gone) = self.entries.get(&entry).and_then(|k| k.destroyed.clone()) {
            // To whoever could not see it, it is not there.
            let known = gone.stood.is_empty() || self.could_see(&gone, origin, tick);
            return Err(Stop::Refused(match known {
                true => Refusal::Destroyed,
                false => Refusal::Incomplete,
            }));
        }
        let kept = self.entries.entry(entry).or_default();
        if let Some(accepted) = accepted {
            return Ok(Judged::Duplicate(change, accepted));
        }
        if let Some(held) = kept.held.remove(&change) {
            return Ok(self.judge_again(edit, held, tick));
        }
        self.judge_new(edit, None, tick)
    }

    /// Judges an edit that is held. If that was only because somebody else had handed it in after its
    /// device was revoked or lost, and now its author does, it is as if they had come first.
    fn judge_again(&mut self, edit: &VerifiedEdit, held: HeldChange, tick: Tick) -> Judged {
        let change = edit.change();
        let revoked = self.submitter.registration == Registration::Revoked;
        let by_device = held.open && !revoked && held.reason != HoldReason::Other;
        let judged = match by_device {
            true => self.judge_new(edit, Some(held.received), tick).ok(),
            false => None,
        };
        let kept = self.entries.entry(edit.entry()).or_default();
        let open = held.open && judged.is_none();
        kept.held.insert(change, HeldChange { open, ..held });
        let again = true;
        judged.unwrap_or(Judged::Held {
            change,
            held,
            again,
        })
    }

    /// Judges an edit that is not in the record; one that was held at a tick is accepted only if its
    /// author had the right to it then, too.
    fn judge_new(
        &mut self,
        edit: &VerifiedEdit,
        held: Option<Tick>,
        tick: Tick,
    ) -> Result<Judged, Stop> {
        let (entry, change, inspected) = (edit.entry(), edit.change(), edit.inspected());
        let origin = edit.origin();
        let kept = self.entries.entry(entry).or_default();
        let (actor, seq) = (inspected.actor(), inspected.past.seq);
        if kept.held.values().any(|h| h.actor == actor && h.seq == seq) {
            return Err(Stop::Refused(Refusal::Equivocation));
        }
        let deps = inspected.past.deps.iter();
        let mut missing = deps.filter(|dep| !kept.provenance.contains_key(dep));
        if missing.clone().any(|dep| kept.held.contains_key(dep)) {
            return Err(Stop::Held(HoldReason::FollowsHeld));
        }
        if missing.next().is_some() {
            return Err(Stop::Refused(Refusal::Incomplete));
        }
        let before = kept.class_at(tick);
        if let Some(class) = &before
            && self.handed_back.is_none()
            && held.is_none()
            && !self.may_have_seen(edit, class, tick)
        {
            return Err(Stop::Refused(Refusal::Incomplete));
        }
        let kept = self.entries.entry(entry).or_default();
        // How full it is, is for those who may know of it.
        let room = kept.room.checked_sub(edit.edit().change.len());
        let room = room.ok_or(Stop::Refused(Refusal::EntryFull))?;
        let state = kept.state().clone();
        let admitted = match self.tried {
            Some(trial) => guard::adopt(&kept.document, &state, inspected, trial),
            None => guard::admit(&kept.document, &state, inspected),
        };
        let (document, after, saved) = admitted.map_err(refusal)?;
        kind::validate_by(self.tables, &after).map_err(|_| Stop::Refused(Refusal::Invalid))?;
        let author = before.as_ref().map_or(origin.author, |class| class.author);
        let class = EntryClass::of(&after, author);
        let created = after
            .creation()
            .and_then(|first| kept.accepted(&first.hash));
        if delays_too_long(&class, created.unwrap_or(tick)) {
            return Err(Stop::Refused(Refusal::Invalid));
        }
        let right = is_right(&class.kind);
        let provenance = Provenance {
            origin: origin.clone(),
            accepted: Some(tick),
        };
        let bytes = MAX_ENTRY.saturating_sub(room);
        if right && bytes > MAX_RIGHT {
            let mut origins = kept.provenance.clone();
            origins.insert(change, provenance.clone());
            let fact = merge::right_fact(&merge::view(entry, &after, &origins));
            let over = fact.is_none_or(|fact| fact.revoked);
            if !over || bytes > MAX_RIGHT + MAX_RIGHT_ENDING {
                return Err(Stop::Refused(Refusal::EntryFull));
            }
        }
        let asked = Asked {
            edit,
            before: before.as_ref(),
            after: &class,
        };
        self.permitted(&asked, held, tick)?;

        let by_holder = origin.role == Role::Holder;
        let kept = self.entries.entry(entry).or_default();
        kept.document = document;
        kept.room = room;
        kept.provenance.insert(change, provenance);
        let discards = merge::discards(&after, &kept.provenance);
        if right {
            self.ledger.put(RightEntry {
                entry,
                state: after.clone(),
                provenance: kept.provenance.clone(),
                bytes,
            });
        }
        kept.state = Some(after);
        let taken_up = origin.cites.iter().filter(|_| by_holder).copied();
        let releases: Vec<ChangeHash> = taken_up.chain(held.map(|_| change)).collect();
        let discards = if by_holder { discards } else { Vec::new() };
        for decided in releases.iter().chain(&discards) {
            if let Some(held) = kept.held.get_mut(decided) {
                held.open = false;
            }
        }
        Ok(Judged::Accepted(Box::new(Admission {
            change,
            actor,
            seq,
            origin: origin.clone(),
            document: saved,
            class,
            right,
            releases,
            discards,
        })))
    }

    /// The origin, if it is this submitter's.
    fn authentic<'e>(&self, edit: &'e VerifiedEdit) -> Result<&'e Origin, Stop> {
        let Submitter {
            subject,
            device,
            key,
            ..
        } = self.submitter;
        let origin = edit.origin();
        let delegate = matches!(origin.role, Role::Caregiver | Role::Representative);
        let for_whom = delegate.then(|| self.ledger.holder());
        if !edit.is_of(&self.record, key)
            || origin.author != subject.person
            || origin.device != *device
            || origin.on_behalf_of != for_whom
        {
            return Err(Stop::Refused(Refusal::NotAuthentic));
        }
        Ok(origin)
    }

    /// Whether an edit names only checkpoints that were proved. Of one that is in the record its
    /// author is told so all the same: somebody else may have handed it back, and what follows it
    /// must not be torn from it.
    fn proved(&self, origin: &Origin) -> Result<(), Stop> {
        let before = |seen: &Seen| self.handed_back.is_some_and(|former| former.gave(seen));
        let known = |seen: &Seen| self.proven.contains(seen) || before(seen);
        match origin.seen.is_none_or(|seen| known(&seen)) {
            true => Ok(()),
            false => Err(Stop::Refused(Refusal::UnknownCheckpoint)),
        }
    }

    /// Whether the submitter sees an entry now or did at the checkpoint held. One that is younger than
    /// that checkpoint they saw in a page, if they follow what was there for them when it came, or in
    /// part made it. To anybody else it must answer as if it were not there.
    fn may_have_seen(&mut self, edit: &VerifiedEdit, class: &EntryClass, tick: Tick) -> bool {
        let subject = &self.submitter.subject;
        let now = self.ledger.latest().standing(subject, tick);
        if now.may_read(class, self.matrix, tick) {
            return true;
        }
        let Some(seen) = edit.origin().seen else {
            return false;
        };
        let kept = self.entries.entry(edit.entry()).or_default();
        let deps = &edit.past().deps;
        let mut reads = |class: &EntryClass, at: Tick| {
            let standing = self.ledger.at(at).standing(subject, at);
            standing.may_read(class, self.matrix, at)
        };
        if let Some(then) = kept.class_at(seen.tick) {
            return reads(&then, seen.tick);
        }
        let Some(then) = kept.class_before(deps) else {
            return false;
        };
        let mut made = deps.iter().filter_map(|dep| kept.provenance.get(dep));
        let own = made.any(|made| made.origin.author == subject.person);
        let came = deps.iter().filter_map(|dep| kept.accepted(dep)).max();
        reads(&then, seen.tick) && (own || came.is_some_and(|came| reads(&then, came)))
    }

    /// Whether the submitter has, or had at the checkpoint held, a right to what stood where an entry
    /// was destroyed; or had one then to what left there later.
    fn could_see(&mut self, gone: &Gone, origin: &Origin, tick: Tick) -> bool {
        let (subject, matrix) = (&self.submitter.subject, self.matrix);
        let now = self.ledger.latest().standing(subject, tick);
        if gone.stood.iter().any(|shelf| shelf.is_for(&now, matrix)) {
            return true;
        }
        let Some(seen) = origin.seen else {
            return false;
        };
        let then = self.ledger.at(seen.tick).standing(subject, seen.tick);
        let left = gone.left.iter().filter(|(_, at)| *at > seen.tick);
        let mut stood = gone.stood.iter().chain(left.map(|(shelf, _)| shelf));
        stood.any(|shelf| shelf.is_for(&then, matrix))
    }

    /// Whether an edit may be made now; and if it was held, whether it might have been then.
    fn permitted(&mut self, asked: &Asked<'_>, held: Option<Tick>, tick: Tick) -> Result<(), Stop> {
        let subject = &self.submitter.subject;
        let doubtful = match self.submitter.registration {
            Registration::Valid => false,
            Registration::Revoked => true,
            Registration::Lost => asked.gives_right(),
        };
        let now = self.ledger.latest();
        if !doubtful
            && asked.allowed(subject, now, self.matrix, tick)
            && held.is_none_or(|at| self.was_allowed(asked, at))
        {
            return Ok(());
        }
        let clinical = !is_right(&asked.after.kind);
        if clinical && self.handed_back.is_some() {
            return Err(Stop::Held(HoldReason::NoLongerPermitted));
        }
        let Some(seen) = asked.edit.origin().seen.filter(|_| clinical) else {
            return Err(Stop::Held(HoldReason::NotPermitted));
        };
        let kept = self.entries.entry(asked.edit.entry()).or_default();
        // A page may have given it an entry that is younger than its checkpoint.
        let deps = &asked.edit.past().deps;
        let before = kept.class_at(seen.tick);
        let before = before.or_else(|| kept.class_before(deps));
        let then = Asked {
            before: before.as_ref(),
            ..*asked
        };
        let rights = self.ledger.at(seen.tick);
        let in_good_faith = tick <= seen.tick.plus_days(self.lease_days)
            && then.allowed(subject, &rights, self.matrix, seen.tick);
        Err(Stop::Held(if in_good_faith {
            HoldReason::NoLongerPermitted
        } else {
            HoldReason::NotPermitted
        }))
    }

    /// Whether an edit might have been made at an earlier tick.
    fn was_allowed(&mut self, asked: &Asked<'_>, at: Tick) -> bool {
        let kept = self.entries.entry(asked.edit.entry()).or_default();
        let before = kept.class_at(at);
        let before = before.or_else(|| kept.class_before(&asked.edit.past().deps));
        let then = Asked {
            before: before.as_ref(),
            ..*asked
        };
        let rights = self.ledger.at(at);
        then.allowed(&self.submitter.subject, &rights, self.matrix, at)
    }
}

#[derive(Clone, Copy)]
enum Stop {
    Held(HoldReason),
    Refused(Refusal),
}

/// Whether an entry of that moment is kept from the patient for longer than anything may be.
fn delays_too_long(class: &EntryClass, created: Tick) -> bool {
    let until = class.visibility.hidden_from_patient_until;
    until.is_some_and(|until| until > created.plus_days(kind::common::MOST_DELAY_DAYS))
}

/// One edit as a question to the policy.
#[derive(Clone, Copy)]
struct Asked<'a> {
    edit: &'a VerifiedEdit,
    before: Option<&'a EntryClass>,
    after: &'a EntryClass,
}

impl Asked<'_> {
    /// Whether it is of a right and does not just end it.
    fn gives_right(&self) -> bool {
        let status = self.edit.past().wrote(STATUS).flatten();
        let status = status.and_then(Status::from_value);
        let ends = status.is_some_and(|status| status.status != StatusCode::Active);
        is_right(&self.after.kind) && !ends
    }

    fn allowed(&self, subject: &Subject, rights: &Rights, matrix: &Matrix, now: Tick) -> bool {
        let context = Context {
            rights,
            matrix,
            now,
        };
        let role = &self.edit.origin().role;
        let decision = match self.before {
            _ if is_right(&self.after.kind) => {
                policy::decide(subject, role, Action::SetRight, self.after, &context)
            }
            None => policy::decide(subject, role, Action::Create, self.after, &context),
            Some(before) => {
                let writes = self.edit.past().writes.iter();
                let keys = writes.map(|write| write.key.as_str());
                policy::decide_edit(subject, role, keys, before, &context)
            }
        };
        decision.is_allowed()
    }
}

fn refusal(why: Unsafe) -> Stop {
    Stop::Refused(match why {
        Unsafe::Equivocation => Refusal::Equivocation,
        Unsafe::Full => Refusal::EntryFull,
        _ => Refusal::Malformed,
    })
}

#[cfg(test)]
mod tests;
