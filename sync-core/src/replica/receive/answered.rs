//! What the server says became of the edits of the queue.

use std::collections::BTreeSet;

use super::{AnswerError, Report, is_by};
use crate::ChangeHash;
use crate::Tick;
use crate::change::Edit;
use crate::replica::{AsideReason, Author, Entries, LocalEntry, ReplicaHead, SetAside, Unsent};
use crate::sync::{HeldEdit, Item, Refusal, Settlement, SyncAnswer, Verdict};
use crate::{EntryId, guard};

/// Edits that were accepted, and when, of which it is not here yet what they follow.
pub(super) type Late = Vec<(Unsent, Tick)>;

/// Puts back into an entry what waits to be sent and was taken out of it with what it follows, which
/// is in the record now.
pub(super) fn rejoin<E: Entries>(
    entries: &mut E,
    entry: &EntryId,
    local: &mut LocalEntry,
) -> Result<(), AnswerError<E::Error>> {
    for Unsent { edit, change, lost } in entries.queue(usize::MAX).map_err(AnswerError::Store)? {
        if edit.entry != *entry || local.has(&change) {
            continue;
        }
        let follows = guard::inspect(&edit.change).map(|inspected| inspected.past.deps);
        let fits = follows.is_ok_and(|deps| deps.iter().all(|dep| local.has(dep)));
        // What cannot be here, for something else bears its name, waits for the server's word.
        if fits && local.put_back(edit, lost).is_ok() {
            entries.take_up(&change).map_err(AnswerError::Store)?;
        }
    }
    Ok(())
}

impl ReplicaHead {
    /// Notes what became of each edit. Answers with those of this device that another key signed
    /// which the server does not know, and with those that were accepted and follow what this answer
    /// is still to bring.
    pub(super) fn outcomes<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        answer: &SyncAnswer,
        report: &mut Report,
    ) -> Result<(BTreeSet<ChangeHash>, Late), AnswerError<E::Error>> {
        let (mut unknown, mut late) = (BTreeSet::new(), Vec::new());
        for outcome in &answer.outcomes {
            let change = outcome.change;
            let Some(unsent) = entries.unsent(&change).map_err(AnswerError::Store)? else {
                continue;
            };
            if self.goes_again(entries, &unsent, &outcome.verdict, report)? {
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
                    if !self.accepted(entries, &unsent, tick, report)? {
                        late.push((unsent, tick));
                    }
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
        Ok((unknown, late))
    }

    /// Sets aside what waits to be sent and is held already, or was decided on since: the answer
    /// that said so was lost. What is in the record by now is not aside.
    pub(super) fn told_held<E: Entries>(
        &mut self,
        entries: &mut E,
        author: &Author,
        (answer, news): (&SyncAnswer, &[Item]),
        report: &mut Report,
    ) -> Result<(), AnswerError<E::Error>> {
        let comes = |held: &HeldEdit| {
            let same =
                |edit: &Edit| (edit.entry, &edit.change) == (held.edit.entry, &held.edit.change);
            news.iter().any(|item| same(&item.edit))
        };
        if self.handing_back {
            for held in &answer.held {
                self.still_held.insert(held.change()?);
            }
        }
        let own = answer.held.iter().filter(|held| is_by(held, author));
        for held in own.filter(|held| held.settled != Some(Settlement::Released) || !comes(held)) {
            let change = held.change()?;
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

    /// Notes that an edit is in the record; whether it could be: what it follows may still be to come.
    pub(super) fn accepted<E: Entries>(
        &mut self,
        entries: &mut E,
        unsent: &Unsent,
        tick: Tick,
        report: &mut Report,
    ) -> Result<bool, AnswerError<E::Error>> {
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
                if local
                    .take(change, origin.clone(), Some(tick), None)
                    .is_err()
                {
                    return Ok(false);
                }
                rejoin(entries, &entry, &mut local)?;
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
        Ok(true)
    }

    /// Whether a refused edit only has to be sent again.
    fn goes_again<E: Entries>(
        &self,
        entries: &mut E,
        unsent: &Unsent,
        verdict: &Verdict,
        report: &Report,
    ) -> Result<bool, AnswerError<E::Error>> {
        match verdict {
            Verdict::Refused(Refusal::Destroyed) => Ok(false),
            // What it follows may be what the server lost.
            Verdict::Refused(_) if self.handing_back => Ok(true),
            // The cursor did not prove the last checkpoint: the next request shows it. One that is not
            // here any more no request will show.
            Verdict::Refused(Refusal::UnknownCheckpoint) if unsent.lost.is_none() => {
                let named = self.shown(&unsent.edit);
                Ok(named.is_some_and(|named| !self.earlier.contains(&named)))
            }
            // What it follows has to go again first, or is refused by this answer: then it is made
            // again on what is left.
            Verdict::Refused(Refusal::Incomplete) => {
                let refused = |hash: &ChangeHash| {
                    let mut aside = report.aside.iter();
                    // Without what made the entry, or what is not there, nothing is left to follow.
                    let left = |aside: &SetAside| {
                        let refused = match aside.why {
                            AsideReason::Refused(why) => why != Refusal::Incomplete,
                            AsideReason::Held(_) => false,
                        };
                        let made = guard::inspect(&aside.edit.change);
                        refused && made.is_ok_and(|made| !made.past.deps.is_empty())
                    };
                    unsent.lost.is_none() && aside.any(|aside| aside.change == *hash && left(aside))
                };
                let entry = unsent.edit.entry;
                let local = entries.load(&entry).map_err(AnswerError::Store)?;
                let local = local.unwrap_or_default();
                let is_here = local.has(&unsent.change);
                let before: Vec<ChangeHash> = match is_here {
                    true => {
                        let pending = local.pending(&entry).into_iter().map(|(hash, _)| hash);
                        pending.take_while(|hash| *hash != unsent.change).collect()
                    }
                    // Out of its entry it can only follow what still goes, and not be made again.
                    false => {
                        let inspected = guard::inspect(&unsent.edit.change);
                        inspected.map_or_else(|_| Vec::new(), |change| change.past.deps)
                    }
                };
                for hash in &before {
                    let waits = entries.unsent(hash).map_err(AnswerError::Store)?.is_some();
                    if waits || is_here && refused(hash) {
                        if !is_here {
                            // Behind that, or it might for ever go alone.
                            let change = &unsent.change;
                            entries.dequeue(change).map_err(AnswerError::Store)?;
                            entries.enqueue(unsent).map_err(AnswerError::Store)?;
                        }
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}
