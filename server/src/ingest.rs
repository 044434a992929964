//! Taking edits in: what needs no store, signatures above all, is done before the writer is asked
//! ([`Submission`]), the rest in a job of the writer, or in several that take turns with others'
//! ([`pass`]): gather what bears on the edits, have them judged by [`sync_core::authority`], write
//! what it says with the access-log events, and take a tick.

mod followers;
mod gather;
mod limits;
mod marks;
mod room;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod stuck_tests;
mod submission;
#[cfg(test)]
mod tests;
mod trials;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diesel::SqliteConnection;
use sync_core::authority::{
    Cursor, Former, Judged, Lane, Registration, RightsLedger, Submitter, Unverified, VerifiedEdit,
};
use sync_core::change::Origin;
use sync_core::policy::Subject;
use sync_core::sync::{Outcome, Refusal, Verdict};
use sync_core::{EntryId, Epoch, LogIncarnation, RecordId, Tick};

use crate::devices::Signer;
use crate::fault::Fault;
use crate::keys::{EntryKeyId, Revoked};
use crate::people::{self, profession};
use crate::records::shelves::Shelves;
use crate::records::{AccessError, Admitted, AtHand, KnownRights, Records, Visitor};
use crate::storage::records::{EntryRow, HeldRow, Life, RecordRow, RecordStore as _, ShelfId};
use gather::Gathered;
use limits::Before;
pub use limits::Others;
use marks::Marks;
pub use marks::OpenMarks;
use room::Short;
pub use submission::{HandedIn, Submission};
pub use trials::{MOST_EDITS, Trials, Tried};
pub(crate) use trials::{Question, next};
use write::Writing;

/// For how long one device's edits keep the writer; those that remain wait for their next turn,
/// behind everybody who waits by then.
const TURN_MICROS: u64 = 20_000;

/// What became of the edits of a submission so far.
#[derive(Default)]
pub struct Taken {
    /// Of each edit, in order; of those that had their turn, and do not wait for room.
    pub outcomes: Vec<Outcome>,
    /// How many edits had their turn.
    pub turned: usize,
    /// The ticks of the edits that were accepted.
    pub own: BTreeSet<Tick>,
    /// The ticks of those that were held.
    pub held: BTreeSet<Tick>,
    /// The entries of edits that are in the record now, or were before; and of those that are
    /// destroyed, the ones that the visitor may know of.
    pub answered: BTreeSet<EntryId>,
    /// When the entries of the edits had been touched last, each time one was accepted.
    pub before: BTreeSet<Tick>,
    /// Something of what the edits name is destroyed.
    pub gone: bool,
    /// The marks that are to destroy entries, unless edits that are still to be taken in take them
    /// back.
    pub doomed: OpenMarks,
    /// The entries that the last pass destroyed, whose keys are to be destroyed once it is durable.
    pub destroyed: Vec<(EntryId, EntryKeyId)>,
    /// What came of trying the changes that wait, where that is done in other processes.
    pub trials: Option<Trials>,
    /// The next edit is to be tried on its entry as it stands now.
    pub untried: bool,
    /// The record's rights and shelves as the pass before left them, or as they were read ahead of the
    /// first.
    pub(crate) at_hand: Option<AtHand>,
}

/// What a pass through the writer did.
pub struct Passed {
    /// What became of the edits, with those of earlier passes.
    pub taken: Taken,
    /// Others may have to be told of what this pass did.
    pub heard: bool,
    /// The record after it.
    pub row: RecordRow,
    /// The visitor as policy knows them.
    pub subject: Subject,
    /// What decides their rights after it.
    pub epoch: Epoch,
    /// The tick that was taken last.
    pub at: Tick,
    /// The record's rights after it.
    pub known: Arc<KnownRights>,
    /// The rights of other records that were looked at.
    pub others: Others,
    /// Its shelves.
    pub shelves: Arc<Shelves>,
    /// Nothing else than these edits happened that the visitor could have to be told of.
    pub quiet: bool,
    /// No edit waits for another turn.
    pub done: bool,
}

/// One visit of a device to the writer: its edits are judged and written for as long as its turn
/// lasts, at least one of them, and a tick is taken. `taken` is what earlier passes took.
///
/// # Errors
/// Nothing of this pass is then kept.
pub fn pass(
    records: &Records,
    connection: &mut SqliteConnection,
    record: RecordId,
    visitor: &Visitor,
    submission: &Submission,
    cursor: Option<&Cursor>,
    mut taken: Taken,
) -> Result<Passed, AccessError> {
    visitor.is_signed_in(connection)?;
    let at_hand = taken.at_hand.take();
    let mut admitted = records.admit_with(connection, record, visitor.person, at_hand.as_ref())?;
    if records.live_on(connection, &admitted.row, cursor)? {
        admitted = records.admit(connection, record, visitor.person)?;
    }
    let now = records.clock.now();
    let mut writing = Writing::new(&admitted, visitor, submission, now);
    let mut known = admitted.known.clone();
    // Edits that may follow what this log has lost wait until the device knows what is there.
    let stands = cursor.is_none_or(|cursor| cursor.log == admitted.row.log);
    let waiting = match stands {
        true => &submission.edits[taken.turned..],
        false => &[],
    };
    if !waiting.is_empty() {
        let (outcomes, untried) = take_in(
            records,
            connection,
            &admitted,
            visitor,
            (waiting, submission, taken.trials.as_ref()),
            (&mut writing, &mut taken.doomed),
            &mut known,
        )?;
        taken.untried = untried;
        let accepted = |outcome: &Option<Outcome>| {
            let verdict = outcome.as_ref().map(|outcome| &outcome.verdict);
            verdict.is_some_and(|verdict| verdict.accepted().is_some())
        };
        let told = waiting.iter().zip(&outcomes);
        let told = told.filter(|(_, outcome)| accepted(outcome));
        let entries = told.filter_map(|(edit, _)| Some(edit.as_ref().ok()?.entry()));
        taken.answered.extend(entries);
        taken.turned += outcomes.len();
        taken.outcomes.extend(outcomes.into_iter().flatten());
        if taken.turned == submission.edits.len() && taken.outcomes.is_empty() {
            return Err(AccessError::NoRoom);
        }
    }
    let row = writing.finish(connection)?;
    let at = row.clock.last;
    taken.at_hand = Some(AtHand::new(&row, &known, &writing.shelves));
    let (standing, epoch) = records.standing(&known.latest, &admitted.subject, at);
    let again = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Duplicate(_));
    taken.own.append(&mut writing.own);
    taken.held.append(&mut writing.held);
    taken.before.append(&mut writing.before);
    taken.gone |= !writing.missed.is_empty() || !writing.destroyed.is_empty();
    taken.answered.append(&mut writing.missed);
    taken.destroyed = std::mem::take(&mut writing.destroyed);
    let quiet = match cursor {
        _ if taken.outcomes.iter().any(again) || taken.gone => false,
        Some(cursor) if (cursor.log, cursor.epoch) == (row.log, epoch) && cursor.has_all() => {
            let shelves = records.shelves_of(&row, &writing.shelves, (&standing, epoch));
            is_quiet(connection, &admitted, &shelves, cursor, at, &taken)?
        }
        _ => false,
    };
    Ok(Passed {
        heard: writing.heard(),
        done: !stands || taken.turned == submission.edits.len(),
        taken,
        subject: admitted.subject,
        epoch,
        at,
        quiet,
        known,
        others: writing.others,
        shelves: writing.shelves,
        row,
    })
}

/// The edits that wait, those that they are of, and what came of trying them elsewhere.
type Waiting<'w> = (
    &'w [Result<VerifiedEdit, Unverified>],
    &'w Submission,
    Option<&'w Trials>,
);

/// Takes edits in, and says whether the next one must be tried again first.
fn take_in(
    records: &Records,
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    visitor: &Visitor,
    (edits, submission, trials): Waiting<'_>,
    (writing, doomed): (&mut Writing<'_>, &mut OpenMarks),
    known: &mut Arc<KnownRights>,
) -> Result<(Vec<Option<Outcome>>, bool), AccessError> {
    let now = records.clock.now();
    let device = visitor.device.ok_or(AccessError::Device)?;
    let submitter = Submitter {
        subject: admitted.subject,
        device: device.id,
        key: device.public_key,
        registration: Registration::Valid,
    };
    let lives = match submission.handed_back.is_empty() {
        true => BTreeMap::new(),
        false => connection.lives(admitted.row.record)?,
    };
    let ended = |(log, life): (LogIncarnation, Life)| (log, life.ended);
    let lives = lives.into_iter().map(ended).collect();
    let former = Former {
        log: admitted.row.log,
        lives: &lives,
        days: records.lease_days.into(),
    };
    let mut gathered = Gathered::default();
    let mut ledger = known.ledger.clone();
    let mut marks = Marks::new(edits, std::mem::take(doomed));
    let mut outcomes = Vec::with_capacity(edits.len());
    let mut untried = false;
    let turn = Turn {
        trials,
        records,
        admitted,
        submission,
        submitter,
        former,
        now,
        disk_is_short: records.disk.is_short(),
    };
    for (at, edit) in edits.iter().enumerate() {
        // What was destroyed meanwhile counts too.
        let lasted = records.clock.now().0.saturating_sub(now.0);
        if at > 0 && lasted >= TURN_MICROS {
            break;
        }
        let entry = entry_of(edit);
        gathered.load(connection, &admitted.vault, entry)?;
        if let (Some(trials), Ok(edit)) = (trials, edit)
            && !trials.refuses(edit)
            && !trials.fits(edit, gathered.kept.get(&entry))
        {
            untried = true;
            break;
        }
        writing.meets(entry, &gathered);
        let outcome = match edit {
            // Sound before, and harmful when it was tried on its entry as it is now.
            Ok(edit) if trials.is_some_and(|trials| trials.refuses(edit)) => {
                Some(writing.refuse(entry, edit.change(), Refusal::Malformed))
            }
            Ok(edit) => turn.take(connection, (writing, &mut gathered, &mut ledger), edit)?,
            Err(unverified) => Some(writing.refuse(entry, unverified.change, unverified.why)),
        };
        if let Some(Outcome { verdict, .. }) = &outcome {
            let edit = (at, entry, verdict);
            let told = (&mut *writing, &mut gathered);
            marks.had((records, connection), admitted, told, edit)?;
        }
        outcomes.push(outcome);
    }
    *doomed = marks.leave(connection, admitted, (writing, &mut gathered))?;
    if writing.rights_changed() {
        *known = Arc::new(KnownRights::new(ledger));
    }
    Ok((outcomes, untried))
}

/// What the edits of one turn have in common.
struct Turn<'t> {
    records: &'t Records,
    admitted: &'t Admitted<'t>,
    submission: &'t Submission,
    submitter: Submitter,
    former: Former<'t>,
    now: Tick,
    /// There is little room on the disk.
    disk_is_short: bool,
    /// What came of trying the edits elsewhere.
    trials: Option<&'t Trials>,
}

impl Turn<'_> {
    /// Takes in one edit, whose entry is gathered: has it judged, and writes what that says. Nothing
    /// is said of one that waits until there is room.
    fn take(
        &self,
        connection: &mut SqliteConnection,
        (writing, gathered, ledger): (&mut Writing<'_>, &mut Gathered, &mut RightsLedger),
        edit: &VerifiedEdit,
    ) -> Result<Option<Outcome>, AccessError> {
        let Turn {
            records,
            admitted,
            submission,
            former,
            now,
            ..
        } = *self;
        let handed_back = submission.hands_back(edit, former, now).then_some(former);
        let others;
        let submitter = if edit.origin().device == self.submitter.device {
            &self.submitter
        } else {
            let by = edit.origin();
            let signer = submission.authors.get(&by.device);
            // Whoever signed in vouches for what another device of theirs signed.
            let counts = |author: &&Signer| self.is_own(author) || handed_back.is_some();
            // This server vouches for what it had accepted, also from a device it lost.
            let proven = handed_back.is_some() && edit.was_in().is_some();
            let author = self.author(connection, by, (signer.filter(counts), proven))?;
            let Some(author) = author else {
                let (entry, change) = (edit.entry(), edit.change());
                return Ok(Some(writing.refuse(entry, change, Refusal::NotAuthentic)));
            };
            others = author;
            &others
        };
        writing.carries(handed_back.is_some());
        let tick = writing.next_tick();
        let of = (edit, handed_back.is_some());
        let short = Short::of(records, self.disk_is_short, writing.bytes(), of);
        let before = limits::remember(gathered, ledger, edit, short.is_some());
        let judged = Lane {
            record: admitted.row.record,
            ledger,
            matrix: &records.matrix,
            submitter,
            proven: &submission.proven,
            handed_back,
            entries: &mut gathered.kept,
            lease_days: records.lease_days.into(),
            tables: sync_core::kind::Tables::CURRENT,
            tried: self.trials.and_then(|trials| trials.of(&edit.change())),
        }
        .submit(edit, tick);
        let bounded = (&mut *writing, &mut *gathered, &mut *ledger);
        let Some(judged) =
            self.bound(connection, bounded, (edit, tick), (judged, before, short))?
        else {
            return Ok(None);
        };
        let was_held = match &judged {
            Judged::Accepted(admission) => admission.releases.contains(&admission.change),
            _ => false,
        };
        let written = (&mut *writing, &mut *gathered);
        let outcome = self.write(connection, written, (edit, tick), judged)?;
        if was_held {
            self.free_followers(connection, (writing, gathered, ledger), edit.entry())?;
        }
        Ok(Some(outcome))
    }

    fn is_own(&self, signer: &Signer) -> bool {
        signer.person == self.submitter.subject.person
    }

    /// Who made an edit, if its device is known, or the server's own word for it stands in for that.
    fn author(
        &self,
        connection: &mut SqliteConnection,
        by: &Origin,
        (signer, proven): (Option<&Signer>, bool),
    ) -> Result<Option<Submitter>, AccessError> {
        let (person, key, registration) = match signer {
            Some(signer) => {
                let registration = match signer.revoked && !self.is_own(signer) {
                    true => Registration::Revoked,
                    false => Registration::Valid,
                };
                (signer.person, signer.public_key, registration)
            }
            None if proven && people::is_known(connection, by.author)? => {
                // Of one that was revoked, the journal may tell.
                let named = Revoked::Device(by.device);
                let revoked = self.records.keys.is_revoked(&named).map_err(Fault::from)?;
                let registration = match revoked && by.author != self.submitter.person() {
                    true => Registration::Revoked,
                    false => Registration::Lost,
                };
                (by.author, self.submitter.key, registration)
            }
            None => return Ok(None),
        };
        Ok(Some(Submitter {
            subject: Subject {
                person,
                profession: profession(connection, person)?,
            },
            device: by.device,
            key,
            registration,
        }))
    }

    /// What becomes of an edit that was judged so, by what is bounded besides: of rights, and by how
    /// much room there is. Nothing if it waits for room.
    fn bound(
        &self,
        connection: &mut SqliteConnection,
        (writing, gathered, ledger): (&mut Writing<'_>, &mut Gathered, &mut RightsLedger),
        (edit, tick): (&VerifiedEdit, Tick),
        (judged, before, short): (Judged, Option<Before>, Option<Short>),
    ) -> Result<Option<Judged>, AccessError> {
        let (entry, change) = (edit.entry(), edit.change());
        let Some(mut before) = before else {
            return Ok(Some(judged));
        };
        if let Some(short) = short {
            let ledgers = (&before.ledger, &*ledger);
            let of_entry = (gathered.stored.get(&entry), before.kept.as_ref());
            if !short.spares(edit, &judged, of_entry, ledgers) {
                before.undo(entry, gathered, ledger);
                let refused = Judged::Refused(change, Refusal::RecordFull);
                return Ok((!short.disk).then_some(refused));
            }
        }
        let Judged::Accepted(admission) = &judged else {
            return Ok(Some(judged));
        };
        if !admission.right {
            return Ok(Some(judged));
        }
        if before.was_full(&entry, ledger) {
            before.undo(entry, gathered, ledger);
            return Ok(Some(Judged::Refused(change, Refusal::RightsFull)));
        }
        let (records, admitted) = (self.records, self.admitted);
        let others = &mut writing.others;
        let rights = (&mut before, &mut *ledger, others);
        if limits::helps_too_many(records, connection, admitted, rights, (admission, tick))? {
            return Ok(Some(before.hold(
                admission,
                (entry, tick),
                gathered,
                ledger,
            )));
        }
        Ok(Some(judged))
    }

    /// Writes what an edit was judged to be.
    fn write(
        &self,
        connection: &mut SqliteConnection,
        (writing, gathered): (&mut Writing<'_>, &mut Gathered),
        (edit, tick): (&VerifiedEdit, Tick),
        judged: Judged,
    ) -> Result<Outcome, AccessError> {
        Ok(match judged {
            Judged::Accepted(admission) => {
                writing.accept(connection, gathered, edit.edit(), &admission, tick)?
            }
            Judged::Held {
                change,
                held,
                again: false,
            } => writing.hold(connection, gathered, edit.edit(), (change, held), tick)?,
            Judged::Held { change, held, .. } => Outcome {
                change,
                verdict: Verdict::Held(held.reason),
            },
            Judged::Duplicate(change, accepted) => Outcome {
                change,
                verdict: Verdict::Duplicate(accepted),
            },
            Judged::Refused(change, refusal) => writing.refuse(edit.entry(), change, refusal),
        })
    }
}

/// The entry of an edit that was handed in.
fn entry_of(edit: &Result<VerifiedEdit, Unverified>) -> EntryId {
    match edit {
        Ok(edit) => edit.entry(),
        Err(unverified) => unverified.entry,
    }
}

/// Whether nothing happened since the cursor that the visitor can notice but the edits just made,
/// whose entries nobody else wrote.
fn is_quiet(
    connection: &mut SqliteConnection,
    admitted: &Admitted<'_>,
    shelves: &[ShelfId],
    cursor: &Cursor,
    at: Tick,
    taken: &Taken,
) -> Result<bool, AccessError> {
    let record = admitted.row.record;
    let own = &taken.own;
    let (since, held) = (cursor.base, cursor.held);
    if taken
        .before
        .iter()
        .any(|at| *at > since && !own.contains(at))
    {
        return Ok(false);
    }
    let limit = u32::try_from(own.len()).unwrap_or(u32::MAX);
    let limit = limit.saturating_mul(2).saturating_add(1);
    let own = |found: Vec<(Tick, EntryRow)>| {
        let own =
            |at: &Tick, row: &EntryRow| own.contains(at) && taken.answered.contains(&row.entry);
        found.iter().all(|(at, row)| own(at, row))
    };
    let me = admitted.vault.author_blind(admitted.subject.person);
    // Of their own, too, the holder decides on some.
    let decides = |held: &HeldRow| {
        let named = (held.entry, held.received);
        let about = admitted.vault.open_held_about(named, &held.about);
        about.map_or(true, |about| about.for_holder)
    };
    let told =
        |held: &HeldRow| held.author_blind != me || held.settlement.is_some() || decides(held);
    let answered = |held: &HeldRow| taken.held.contains(&held.received);
    Ok(own(connection.placed(record, shelves, since, at, limit)?)
        && own(connection.departed(record, shelves, since, at)?)
        && connection.held_settled(record, me, held, at)?.is_empty()
        && match admitted.is_holder() {
            true => !connection
                .held_shown(record, held, at)?
                .iter()
                .any(|held| told(held) || !answered(held)),
            false => connection
                .held_open(record, me, held, at)?
                .iter()
                .all(answered),
        })
}
