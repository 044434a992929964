//! Taking in an answer.

mod answered;
mod aside;
mod news;

use std::collections::BTreeSet;

use thiserror::Error;

use super::destroyed::formers;
use super::{Author, Entries, Lacks, ReplicaHead, SetAside};
use crate::checkpoint::Checkpoint;
use crate::codec::Malformed;
use crate::entry::EntryError;
use crate::policy::Role;
use crate::sync::{CursorDigest, FrameError, HeldEdit, PROTOCOL, SyncAnswer};
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

/// Whether a held edit was made by this person.
fn is_by(held: &HeldEdit, author: &Author) -> bool {
    let origin = held.origin();
    origin.is_ok_and(|origin| origin.author == author.person)
}

/// Whether nothing else here tells of a held edit: another device of its author's made it. Where it was
/// made it is set aside.
fn is_elsewhere<E: Entries>(
    entries: &mut E,
    aside: &BTreeSet<ChangeHash>,
    held: &HeldEdit,
) -> Result<bool, E::Error> {
    let change = match held.change() {
        Ok(change) if !aside.contains(&change) => change,
        _ => return Ok(false),
    };
    let local = entries.load(&held.edit.entry)?;
    Ok(!local.is_some_and(|local| local.has(&change)))
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
        self.go_on_comparing(entries, answer, &mut report)?;
        let (unknown, late) = self.outcomes(entries, author, answer, &mut report)?;
        let (news, attestation) = self.attested(answer, told.log)?;
        self.told_held(entries, author, (answer, &news), &mut report)?;
        self.give_way(entries, &news, &mut report)?;
        if !report.aside.is_empty() {
            self.incarnation = fresh;
            self.set_aside(entries, author, &mut report)?;
        }
        let signers = self.signers(&news);
        self.news(entries, (news, attestation), &mut report)?;
        for (unsent, tick) in &late {
            self.accepted(entries, unsent, *tick, &mut report)?;
        }
        report.more |= self.try_again(entries, &signers)?;
        self.drop_destroyed(entries, author, (answer, formers), now, &mut report)?;
        for entry in &answer.forget {
            self.drop_entry(entries, entry, &mut report)?;
        }
        let aside = match answer.held.iter().any(|held| held.yours) {
            true => entries.aside().map_err(AnswerError::Store)?,
            false => Vec::new(),
        };
        let aside: BTreeSet<ChangeHash> = aside.iter().map(|aside| aside.change).collect();
        for held in &answer.held {
            let told = match held.yours {
                true => is_elsewhere(entries, &aside, held).map_err(AnswerError::Store)?,
                false => author.role == Role::Holder || !is_by(held, author),
            };
            if held.settled.is_some() || told {
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
            let kept = entries.drop_attestations(self.generation);
            kept.map_err(AnswerError::Store)?;
            // What waited for the end of it goes now.
            report.more |= !entries.queue(1).map_err(AnswerError::Store)?.is_empty();
        }
        let told = answer.news.is_some() || !answer.held.is_empty();
        if (told || !answer.outcomes.is_empty()) && !self.handing_back {
            self.let_go(entries, author, &mut report)?;
        }
        self.lacks = Lacks::after(self.lacks, answer);
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
        let held = held.filter(|held| self.named && !self.earlier.contains(held));
        self.earlier.extend(held);
        self.named &= answer.more;
        Ok(())
    }

    /// How far the server said this replica has come.
    pub fn seen_until(&self) -> Option<Tick> {
        let seen = self.checkpoint.as_ref()?.seen().ok()?;
        Some(seen.tick)
    }
}
