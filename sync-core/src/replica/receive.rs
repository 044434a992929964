//! Taking in an answer.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::destroyed::formers;
use super::{AsideReason, Author, Entries, LocalEntry, ReplicaHead, SetAside, Taken, Unsent};
use crate::change::{Actor, Edit};
use crate::checkpoint::Checkpoint;
use crate::codec::Malformed;
use crate::entry::EntryError;
use crate::policy::Role;
use crate::sync::{
    CursorDigest, FrameError, HeldEdit, Item, PROTOCOL, Refusal, SyncAnswer, Verdict,
};
use crate::{ChangeHash, DeviceTime, EntryId, Incarnation, Tick};

/// Why an answer is not taken. Nothing of it has then been kept, if the caller's transaction is
/// dropped.
#[derive(Debug, Error)]
pub enum AnswerError<E: std::fmt::Debug> {
    /// The server speaks another version.
    #[error("the server speaks version {0} of the protocol")]
    Protocol(u16),
    /// Not a well-formed answer.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A change of the frame does not fit.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The checkpoint is of another record.
    #[error("the checkpoint is of another record")]
    OtherRecord,
    /// The checkpoint speaks to somebody else.
    #[error("the checkpoint speaks to somebody else")]
    OtherViewer,
    /// The server has gone back behind what it once signed.
    #[error("the server has gone back behind a checkpoint it signed")]
    WentBack,
    /// The answer is not one to what this replica asks as it stands: a late one, one given out
    /// twice, or one that another copy of the store asked for. Ask again.
    #[error("the answer goes on from where this replica does not stand")]
    OutOfTurn,
    /// The store.
    #[error("the store is broken")]
    Store(E),
}

/// What an answer changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries that are not as they were.
    pub changed: BTreeSet<EntryId>,
    /// Entries that are gone from this device.
    pub gone: BTreeSet<EntryId>,
    /// Own edits that are now durably in the record.
    pub accepted: Vec<ChangeHash>,
    /// Edits, own or not, that the server had lost and has again.
    pub handed_back: usize,
    /// Of those that are gone, the ones that were destroyed as another patient's.
    pub destroyed: BTreeSet<EntryId>,
    /// How many own edits, which were not in the record, went with them; what was set aside
    /// instead is among `aside`.
    pub not_kept: usize,
    /// Edits of the queue that did not become part of the record.
    pub aside: Vec<SetAside>,
    /// How many changes came that were not here.
    pub received: usize,
    /// Ask again at once.
    pub more: bool,
}

/// An edit that was not answered.
struct Waiting {
    /// Its actor and number.
    name: (Actor, u64),
    change: ChangeHash,
    edit: Edit,
}

/// The edits of an entry that were not answered.
fn numbered(local: &LocalEntry, entry: &EntryId) -> Vec<Waiting> {
    let pending = local.pending(entry).into_iter();
    let numbered = pending.filter_map(|(change, edit)| {
        let inspected = crate::guard::inspect(&edit.change).ok()?;
        let name = (inspected.actor(), inspected.past.seq);
        Some(Waiting { name, change, edit })
    });
    numbered.collect()
}

/// Whether a held edit was made by this person.
fn is_by(held: &HeldEdit, author: &Author) -> bool {
    let origin = held.origin();
    origin.is_ok_and(|origin| origin.author == author.person)
}

impl ReplicaHead {
    /// Takes in an answer. `fresh` must be random; it becomes the store's incarnation if an own
    /// edit was set aside or signed anew, so that later edits go on under another actor.
    ///
    /// # Errors
    /// When the answer is not from this server, not whole, goes back behind what was signed, or
    /// goes on from elsewhere.
    pub fn receive<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        answer: &SyncAnswer,
        fresh: Incarnation,
        now: DeviceTime,
    ) -> Result<Report, AnswerError<E::Error>> {
        let told = self.check(answer, author)?;
        self.in_turn(entries, answer)?;
        let anew = self.begins_anew(answer, &told)?;
        let formers = formers(entries, answer)?;
        let mut report = Report {
            more: answer.more,
            ..Report::default()
        };
        if answer.reset {
            self.generation += 1;
            self.resending = true;
        }
        if anew {
            self.doubt_all(entries)?;
        }
        let unknown = self.outcomes(entries, author, answer, &mut report)?;
        self.told_held(entries, author, answer, &mut report)?;
        let news = self.attested(answer)?;
        self.give_way(entries, &news, &mut report)?;
        if !report.aside.is_empty() {
            self.incarnation = fresh;
            self.set_aside(entries, author, now, &mut report)?;
        }
        let signers = self.signers(&news);
        self.news(entries, news, &mut report)?;
        report.more |= self.try_again(entries, &signers)?;
        self.drop_destroyed(entries, author, (answer, formers), now, &mut report)?;
        for entry in &answer.forget {
            self.drop_entry(entries, entry, &mut report)?;
        }
        for held in &answer.held {
            // Of an own edit that waits for somebody else it is enough that it is set aside.
            let decides = !held.yours && (author.role == Role::Holder || !is_by(held, author));
            if held.settled.is_some() || decides {
                entries.note_held(held).map_err(AnswerError::Store)?;
            }
        }
        if self.resending && !answer.more {
            self.resending = false;
            if self.handing_back {
                report.more |= self.hand_back(entries, author)?;
            }
            let unnamed = entries.older_than(self.generation);
            for entry in unnamed.map_err(AnswerError::Store)? {
                self.sweep(entries, &entry, &mut report)?;
            }
        }
        self.advance(entries, answer)?;
        if !answer.more {
            report.more |= self.renew(entries, author, &unknown, fresh)?;
        }
        Ok(report)
    }

    /// What the server states, if it is of this server and record.
    fn check<E: std::fmt::Debug>(
        &self,
        answer: &SyncAnswer,
        author: &Author,
    ) -> Result<Checkpoint, AnswerError<E>> {
        if answer.v != PROTOCOL {
            return Err(AnswerError::Protocol(answer.v));
        }
        let next = answer.checkpoint.open(&self.server_keys)?;
        if next.record != self.record {
            return Err(AnswerError::OtherRecord);
        }
        if next.viewer != author.person {
            return Err(AnswerError::OtherViewer);
        }
        Ok(next)
    }

    /// Whether the log was begun anew since the last answer. Then all is sent again; in one life,
    /// the log does not go back.
    ///
    /// The pages of a full resend may: whoever shows no cursor that the server can read is told of
    /// no time before all is given. The checkpoint held stays until then, and the last page must
    /// not be behind it.
    fn begins_anew<E: std::fmt::Debug>(
        &self,
        answer: &SyncAnswer,
        next: &Checkpoint,
    ) -> Result<bool, AnswerError<E>> {
        let Some(last) = self.page.as_ref().or(self.checkpoint.as_ref()) else {
            return Ok(false);
        };
        let last: Checkpoint = last.0.read()?;
        let anew = last.log != next.log;
        if anew && !answer.reset {
            return Err(AnswerError::WentBack);
        }
        let page = self.page.as_ref().filter(|_| !answer.reset);
        let walks = answer.more && (answer.reset || self.resending);
        let whole = self.checkpoint.as_ref().filter(|_| !walks);
        for held in page.into_iter().chain(whole) {
            let held: Checkpoint = held.0.read()?;
            if held.log == next.log && next.tick < held.tick {
                return Err(AnswerError::WentBack);
            }
        }
        Ok(anew)
    }

    /// An answer tells what is new since one cursor, but for the edits it speaks of. So it is for
    /// whoever stands at that cursor and has those edits, and would make others skip something for
    /// good; one that starts over is no exception, or a late one would take away what is new.
    fn in_turn<E: Entries>(
        &self,
        entries: &mut E,
        answer: &SyncAnswer,
    ) -> Result<(), AnswerError<E::Error>> {
        let stands = self.cursor.as_ref().map(|at| CursorDigest::of(at));
        if answer.after != stands {
            return Err(AnswerError::OutOfTurn);
        }
        for outcome in &answer.outcomes {
            let waits = entries
                .unsent(&outcome.change)
                .map_err(AnswerError::Store)?;
            waits.ok_or(AnswerError::OutOfTurn)?;
        }
        Ok(())
    }

    /// Notes what became of each edit. Answers with those of this device that another key signed
    /// which the server does not know.
    fn outcomes<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        answer: &SyncAnswer,
        report: &mut Report,
    ) -> Result<BTreeSet<ChangeHash>, AnswerError<E::Error>> {
        let mut unknown = BTreeSet::new();
        for outcome in &answer.outcomes {
            let change = outcome.change;
            let Some(unsent) = entries.unsent(&change).map_err(AnswerError::Store)? else {
                continue;
            };
            if self.goes_again(entries, &unsent, &outcome.verdict)? {
                report.more = true;
                continue;
            }
            if outcome.verdict == Verdict::Refused(Refusal::Destroyed) {
                // It goes with its entry, once the rest of the answer is taken in.
                report.destroyed.insert(unsent.edit.entry);
                continue;
            }
            if self.is_to_be_renewed(author, &unsent, &outcome.verdict) {
                unknown.insert(change);
                report.more = true;
                continue;
            }
            entries.dequeue(&change).map_err(AnswerError::Store)?;
            let why = match outcome.verdict {
                Verdict::Accepted(tick) | Verdict::Duplicate(tick) => {
                    self.accepted(entries, &unsent, tick, report)?;
                    continue;
                }
                Verdict::Held(reason) => AsideReason::Held(reason),
                Verdict::Refused(refusal) => AsideReason::Refused(refusal),
            };
            if why == AsideReason::Refused(Refusal::NotAuthentic) && unsent.lost.is_some() {
                self.note_unknown(&unsent);
            }
            let Unsent { edit, change, lost } = unsent;
            let checkpoint = self.shown(&edit);
            report.aside.push(SetAside {
                edit,
                change,
                why,
                checkpoint,
                lost,
                kind: None,
            });
        }
        Ok(unknown)
    }

    /// Sets aside what waits to be sent and is held already, or was decided on since: the answer
    /// that said so was lost.
    fn told_held<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        answer: &SyncAnswer,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        for held in answer.held.iter().filter(|held| is_by(held, author)) {
            let change = held.change()?;
            if self.handing_back {
                self.still_held.insert(change);
            }
            let Some(unsent) = entries.unsent(&change).map_err(AnswerError::Store)? else {
                continue;
            };
            entries.dequeue(&change).map_err(AnswerError::Store)?;
            let Unsent { edit, change, lost } = unsent;
            report.aside.push(SetAside {
                checkpoint: self.shown(&edit),
                edit,
                change,
                why: AsideReason::Held(held.reason),
                lost,
                kind: None,
            });
        }
        Ok(())
    }

    fn accepted<E: Entries>(
        &mut self,
        entries: &mut E,
        unsent: &Unsent,
        tick: Tick,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let entry = unsent.edit.entry;
        let local = entries.load(&entry).map_err(AnswerError::Store)?;
        let there = |local: &LocalEntry| local.has(&unsent.change);
        let local = match local {
            Some(mut local) if there(&local) => {
                local.accepted(&unsent.change, tick);
                local
            }
            local => {
                // It had been set aside.
                entries
                    .take_up(&unsent.change)
                    .map_err(AnswerError::Store)?;
                let mut local = local.unwrap_or_default();
                // A full resend names it, unless it is hidden meanwhile.
                if !self.resending {
                    local.generation = self.generation;
                }
                let Edit { change, origin, .. } = &unsent.edit;
                if local.take(change, origin.clone(), Some(tick)).is_err() {
                    return Ok(());
                }
                local
            }
        };
        entries.store(&entry, &local).map_err(AnswerError::Store)?;
        match unsent.lost {
            None => report.accepted.push(unsent.change),
            Some(_) => report.handed_back += 1,
        }
        report.changed.insert(entry);
        if local.forgotten && !local.is_pending() {
            self.drop_entry(entries, &entry, report)?;
        }
        Ok(())
    }

    /// Whether a refused edit only has to be sent again.
    fn goes_again<E: Entries>(
        &self,
        entries: &mut E,
        unsent: &Unsent,
        verdict: &Verdict,
    ) -> Result<bool, AnswerError<E::Error>> {
        match verdict {
            Verdict::Refused(Refusal::Destroyed) => Ok(false),
            // What it follows may be what the server lost.
            Verdict::Refused(_) if self.handing_back => Ok(true),
            // The cursor did not prove the last checkpoint: the next request shows it.
            Verdict::Refused(Refusal::UnknownCheckpoint) if unsent.lost.is_none() => {
                let seen = unsent
                    .edit
                    .origin
                    .read()
                    .ok()
                    .and_then(|origin| origin.seen);
                let shown = |digest| self.earlier.iter().any(|shown| shown.digest() == digest);
                Ok(!seen.is_none_or(|seen| shown(seen.digest)))
            }
            // What it follows has to go again first.
            Verdict::Refused(Refusal::Incomplete) => {
                let entry = unsent.edit.entry;
                let local = entries.load(&entry).map_err(AnswerError::Store)?;
                let before = local.unwrap_or_default().pending(&entry);
                for (hash, _) in before.iter().take_while(|(hash, _)| *hash != unsent.change) {
                    if entries.unsent(hash).map_err(AnswerError::Store)?.is_some() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    /// Rebuilds the entries of edits set aside; own edits that followed them and were not sent yet
    /// are made again on what is left. Where that leaves nothing to say, they follow what is held
    /// to the server as they are, so that whoever decides has the last word of their author. What
    /// was handed back and followed them is set aside too.
    fn set_aside<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        now: DeviceTime,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let mut by_entry: BTreeMap<EntryId, BTreeSet<ChangeHash>> = BTreeMap::new();
        for aside in &report.aside {
            entries.set_aside(aside).map_err(AnswerError::Store)?;
            let changes = by_entry.entry(aside.edit.entry).or_default();
            changes.insert(aside.change);
        }
        for (entry, out) in by_entry {
            let Some(mut local) = entries.load(&entry).map_err(AnswerError::Store)? else {
                continue;
            };
            let lost = local.lost(&entry).into_iter();
            let lost: BTreeMap<ChangeHash, Option<Tick>> =
                lost.map(|lost| (lost.change, lost.lost)).collect();
            let removed = local.without(&entry, &out)?;
            let unsent = removed.into_iter().filter(|(hash, _)| !out.contains(hash));
            let gone_with_it = local.is_empty();
            // As they are they can follow only what is held and what follows it.
            let mut may_follow = report
                .aside
                .iter()
                .filter(|aside| out.contains(&aside.change))
                .all(|aside| aside.lost.is_none() && matches!(aside.why, AsideReason::Held(_)));
            for (hash, edit) in unsent {
                let was_lost = lost.get(&hash);
                let again = match was_lost.is_some() || gone_with_it {
                    true => None,
                    false => self.make_again(&mut local, author, &edit, now)?,
                };
                if again.is_none() && may_follow && was_lost.is_none() {
                    report.more = true;
                    continue;
                }
                may_follow = false;
                entries.dequeue(&hash).map_err(AnswerError::Store)?;
                if let Some(again) = again {
                    entries.enqueue(&again).map_err(AnswerError::Store)?;
                } else {
                    let lost = was_lost.copied().flatten();
                    let aside = self.follow_aside(entries, edit, hash, lost)?;
                    report.aside.push(aside);
                }
            }
            if local.is_empty() || local.forgotten && !local.is_pending() {
                // What the entry held of this device's own is set aside by now.
                entries.remove(&entry).map_err(AnswerError::Store)?;
                report.changed.remove(&entry);
                report.gone.insert(entry);
            } else {
                report.changed.insert(entry);
                entries.store(&entry, &local).map_err(AnswerError::Store)?;
            }
        }
        Ok(())
    }

    pub(super) fn follow_aside<E: Entries>(
        &self,
        entries: &mut E,
        edit: Edit,
        change: ChangeHash,
        lost: Option<Tick>,
    ) -> Result<SetAside, AnswerError<E::Error>> {
        let aside = SetAside {
            change,
            why: AsideReason::Held(crate::sync::HoldReason::FollowsHeld),
            checkpoint: self.shown(&edit),
            edit,
            lost,
            kind: None,
        };
        entries.set_aside(&aside).map_err(AnswerError::Store)?;
        Ok(aside)
    }

    /// The same edit on what is left of the entry; nothing when it would change nothing there, or
    /// cannot be made again.
    fn make_again(
        &self,
        local: &mut LocalEntry,
        author: &Author,
        edit: &Edit,
        now: DeviceTime,
    ) -> Result<Option<Unsent>, EntryError> {
        let Ok(inspected) = crate::guard::inspect(&edit.change) else {
            return Ok(None);
        };
        let origin = edit.origin.read().map_err(|_| EntryError::Unfit)?;
        // In the role it was made in, whatever the person acts in now.
        let author = Author {
            role: origin.role,
            on_behalf_of: origin.on_behalf_of,
            ..author.clone()
        };
        let writes = &inspected.past.writes;
        match self.write(local, &author, edit.entry, writes, origin.cites, now) {
            Ok(again) => Ok(Some(again)),
            Err(EntryError::Nothing | EntryError::TooLarge | EntryError::Unfit) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn attested<E: std::fmt::Debug>(
        &self,
        answer: &SyncAnswer,
    ) -> Result<Vec<Item>, AnswerError<E>> {
        Ok(match &answer.news {
            Some(frame) => frame.unpack_attested(&self.record, &self.server_keys)?,
            None => Vec::new(),
        })
    }

    /// Sets aside what was not answered and bears the actor and number of something else that is in
    /// the record: a copy of this store wrote that, and this can never get there.
    fn give_way<E: Entries>(
        &mut self,
        entries: &mut E,
        news: &[Item],
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let waits = !entries.queue(1).map_err(AnswerError::Store)?.is_empty();
        if !waits && !self.handing_back {
            return Ok(());
        }
        let mut waiting: BTreeMap<EntryId, Vec<Waiting>> = BTreeMap::new();
        for item in news {
            let entry = item.edit.entry;
            if let std::collections::btree_map::Entry::Vacant(vacant) = waiting.entry(entry) {
                let local = entries.load(&entry).map_err(AnswerError::Store)?;
                vacant.insert(local.map_or_else(Vec::new, |local| numbered(&local, &entry)));
            }
            let of_entry = waiting.entry(entry).or_default();
            if of_entry.is_empty() {
                continue;
            }
            let inspected = crate::guard::inspect(&item.edit.change);
            let inspected = inspected.map_err(|_| EntryError::Unfit)?;
            let (name, change) = ((inspected.actor(), inspected.past.seq), inspected.hash());
            let rival = |one: &Waiting| one.name == name && one.change != change;
            for Waiting { change, edit, .. } in of_entry.extract_if(.., |one| rival(one)) {
                entries.dequeue(&change).map_err(AnswerError::Store)?;
                let why = AsideReason::Refused(Refusal::Equivocation);
                report.aside.push(SetAside {
                    edit,
                    change,
                    why,
                    checkpoint: None,
                    lost: None,
                    kind: None,
                });
            }
        }
        Ok(())
    }

    fn news<E: Entries>(
        &mut self,
        entries: &mut E,
        news: Vec<Item>,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let mut open: BTreeMap<EntryId, LocalEntry> = BTreeMap::new();
        for item in news {
            let entry = item.edit.entry;
            if let std::collections::btree_map::Entry::Vacant(vacant) = open.entry(entry) {
                let local = entries.load(&entry).map_err(AnswerError::Store)?;
                vacant.insert(local.unwrap_or_default());
            }
            let local = open.entry(entry).or_default();
            match local.take(&item.edit.change, item.edit.origin, item.accepted)? {
                Taken::New => report.received += 1,
                Taken::Answered(hash) => entries.dequeue(&hash).map_err(AnswerError::Store)?,
                Taken::Known => {}
            }
        }
        for (entry, mut local) in open {
            local.generation = self.generation;
            local.forgotten = false;
            entries.store(&entry, &local).map_err(AnswerError::Store)?;
            report.gone.remove(&entry);
            report.changed.insert(entry);
        }
        Ok(())
    }

    /// Drops an entry that a full resend did not name, unless the server does not know of it yet.
    fn sweep<E: Entries>(
        &mut self,
        entries: &mut E,
        entry: &EntryId,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        match entries.load(entry).map_err(AnswerError::Store)? {
            Some(mut local) if local.is_own_and_unsent() => {
                local.generation = self.generation;
                entries.store(entry, &local).map_err(AnswerError::Store)
            }
            _ => self.drop_entry(entries, entry, report),
        }
    }

    /// Drops an entry. One with edits that nobody answered yet only goes out of sight: they must
    /// reach the server first, where they may be held for the holder.
    fn drop_entry<E: Entries>(
        &mut self,
        entries: &mut E,
        entry: &EntryId,
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let local = entries.load(entry).map_err(AnswerError::Store)?;
        match local.filter(LocalEntry::is_pending) {
            Some(mut local) => {
                local.forgotten = true;
                entries.store(entry, &local).map_err(AnswerError::Store)?;
            }
            None => entries.remove(entry).map_err(AnswerError::Store)?,
        }
        report.changed.remove(entry);
        report.gone.insert(*entry);
        Ok(())
    }

    /// A page's checkpoint speaks of pages that have not come yet: an edit that named it would
    /// claim to have seen what its author had not. So edits name the one before until all is here.
    fn advance<E: Entries>(
        &mut self,
        entries: &mut E,
        answer: &SyncAnswer,
    ) -> Result<(), AnswerError<E::Error>> {
        self.cursor = Some(answer.cursor.clone());
        let waiting = !entries.queue(1).map_err(AnswerError::Store)?.is_empty();
        if !waiting {
            self.earlier.clear();
        }
        let held = if answer.more {
            self.page = Some(answer.checkpoint.clone());
            self.checkpoint.clone()
        } else {
            self.page = None;
            let held = self.checkpoint.replace(answer.checkpoint.clone());
            held.filter(|_| waiting)
        };
        let unnamed = held.filter(|held| !self.earlier.contains(held));
        self.earlier.extend(unnamed);
        Ok(())
    }

    /// How far the server said this replica has come.
    pub fn seen_until(&self) -> Option<Tick> {
        let seen = self.checkpoint.as_ref()?.seen().ok()?;
        Some(seen.tick)
    }
}
