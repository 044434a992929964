//! From a request to its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use diesel::SqliteConnection;
use sync_core::audit::AccessAction;
use sync_core::authority::{self, Cursor};
use sync_core::checkpoint::{Checkpoint, SignedCheckpoint};
use sync_core::reconcile::Compare;
use sync_core::sync::{CursorDigest, Outcome, PROTOCOL, SyncAnswer, SyncRequest, Verdict};
use sync_core::{
    Bytes, ChangeHash, Digest32, EntryId, Epoch, LogIncarnation, PersonId, RecordId, Tick,
};
use tracing::Instrument as _;

use super::{Page, cursor, page};
use crate::audit::{self, Actor};
use crate::destruction;
use crate::devices;
use crate::fault::Fault;
use crate::ingest::{
    self, HandedIn, MOST_EDITS, OpenMarks, Passed, Question, Submission, Taken, Tried,
};
use crate::load::Turn;
use crate::records::{AccessError, Admitted, AtHand, Records, Visitor, lives};
use crate::storage::StorageError;
use crate::storage::records::{RecordRow, RecordStore as _};

/// How often an answer is begun anew because rights changed while it was made.
const TRIES: usize = 4;

/// How often the first edit that waits is tried anew because others wrote in its entry meanwhile.
const MOST_IDLE: usize = 16;

const WITNESS: &[u8] = b"carnet/access-log-witness/1";

impl Records {
    /// Answers a request: takes its edits in, gives what is new. The turn is over once all of that
    /// is done, also what goes on when nobody waits for the answer any more.
    ///
    /// # Errors
    /// Edits are durable or not taken at all, whatever comes after.
    pub async fn sync(
        self: &Arc<Self>,
        record: RecordId,
        visitor: Visitor,
        request: SyncRequest,
        turn: Turn,
    ) -> Result<SyncAnswer, AccessError> {
        let turn = Arc::new(turn);
        if request.v != PROTOCOL {
            return Err(AccessError::Request("another version of the protocol"));
        }
        if visitor.device.is_some_and(|d| d.id != request.device)
            || (visitor.device.is_none() && request.edits.is_some())
        {
            return Err(AccessError::Device);
        }
        if let Some(compare) = &request.reconcile {
            let checked = compare.check();
            checked.map_err(|_| AccessError::Request("the reconciliation cannot be read"))?;
        }
        let (limit, compare) = (request.limit, request.reconcile.clone());
        let sealed = request.cursor.as_ref();
        let after = sealed.map(|cursor| CursorDigest::of(cursor));
        let cursor = sealed.and_then(|c| cursor::open(&self.keys, record, visitor.person, c));
        let passed = match self.take(record, visitor, request, cursor, &turn).await {
            // Their right may be among what was lost: their cursor shows it all the same.
            Err(AccessError::NotYours) => {
                self.begin_anew(record, cursor, &turn).await?;
                return Err(AccessError::NotYours);
            }
            passed => passed?,
        };
        if let Some(cursor) = cursor.filter(|_| passed.quiet && compare.is_none()) {
            return self.quiet_answer(&visitor, (cursor, after), passed);
        }
        let from = Start {
            cursor,
            floor: passed.at,
            own: passed.taken.own,
            answered: passed.taken.answered,
            held: passed.taken.outcomes.iter().filter_map(held).collect(),
            limit,
            returning: after.is_some(),
            compare,
            turn,
        };
        let (page, row) = self.give(record, visitor, Arc::new(from)).await?;
        self.answer(&row, visitor.person, page, (after, passed.taken.outcomes))
    }

    /// What is new since an answer, to somebody who is connected; nothing if nothing is.
    ///
    /// # Errors
    /// As [`Records::sync`].
    pub async fn news(
        self: &Arc<Self>,
        record: RecordId,
        visitor: Visitor,
        cursor: &[u8],
        limit: Option<u32>,
        turn: Turn,
    ) -> Result<Option<SyncAnswer>, AccessError> {
        let after = Some(CursorDigest::of(cursor));
        // To a cursor that cannot be read nothing is said, and so nothing given or logged. In the
        // middle of a full resend only the device can show how far it had been before: it asks for
        // the next page by itself.
        let cursor = cursor::open(&self.keys, record, visitor.person, cursor);
        let Some(cursor) = cursor.filter(|cursor| !cursor.resending) else {
            let records = self.clone();
            let admit = move |connection: &mut SqliteConnection| {
                let _turn = turn;
                records.admit(connection, record, visitor.person).map(drop)
            };
            return self.db.read(admit).await.map(|()| None);
        };
        let from = Start {
            floor: cursor.told,
            cursor: Some(cursor),
            own: BTreeSet::new(),
            answered: BTreeSet::new(),
            held: BTreeSet::new(),
            limit,
            returning: true,
            compare: None,
            turn: Arc::new(turn),
        };
        let (page, row) = self.give(record, visitor, Arc::new(from)).await?;
        if !page.rest.tells() {
            return Ok(None);
        }
        self.answer(&row, visitor.person, page, (after, Vec::new()))
            .map(Some)
    }

    /// The first passes through the writer: one, unless there is much to take. They go on though
    /// the request is dropped: what is taken back in a later one was never meant to stand.
    async fn take(
        self: &Arc<Self>,
        record: RecordId,
        visitor: Visitor,
        request: SyncRequest,
        cursor: Option<Cursor>,
        turn: &Arc<Turn>,
    ) -> Result<Passed, AccessError> {
        let submission = match request.edits {
            Some(_) => self.verify(record, visitor, request, cursor, turn).await?,
            None => Submission::default(),
        };
        let (records, turn) = (self.clone(), turn.clone());
        let passes = async move {
            let _turn = turn;
            let at_hand = records.read_ahead(record, visitor.person).await?;
            let passes = records.passes(record, visitor, submission, (cursor, at_hand));
            passes.await
        };
        tokio::spawn(passes.in_current_span())
            .await
            .map_err(|_| Fault::from(StorageError::Unfinished))?
    }

    pub(super) async fn passes(
        self: Arc<Self>,
        record: RecordId,
        visitor: Visitor,
        mut submission: Submission,
        (cursor, at_hand): (Option<Cursor>, Option<AtHand>),
    ) -> Result<Passed, AccessError> {
        let trials = submission.trials.take();
        let submission = Arc::new(submission);
        let mut taken = Taken {
            at_hand,
            trials,
            ..Taken::default()
        };
        let mut again = Again::default();
        loop {
            let doomed = taken.doomed.clone();
            let whose = (record, visitor.person);
            let tried = self.try_next(whose, &submission, &mut taken, &mut again);
            let tried = tried.await;
            let (records, submitted) = (self.clone(), submission.clone());
            let pass = move |connection: &mut SqliteConnection| {
                let cursor = cursor.as_ref();
                let mut passed = ingest::pass(
                    &records, connection, record, &visitor, &submitted, cursor, taken,
                )?;
                let (known, shelves) = (passed.known.clone(), passed.shelves.clone());
                records.remember_in_group(&passed.row, known, shelves);
                for (row, known) in std::mem::take(&mut passed.others) {
                    records.remember_rights_in_group(&row, known);
                }
                Ok(passed)
            };
            let records = self.clone();
            // The writer does that too: what is durable is told, whoever still waits for it.
            let complete = move |passed: &Passed| {
                records.remember(&passed.row, passed.known.clone(), passed.shelves.clone());
                records.group_is_durable();
                if passed.heard {
                    records.hub.changed(record);
                }
                destruction::complete(&records, record, &passed.taken.destroyed);
            };
            let passed = match tried {
                Ok(()) => self.db.write_then(pass, complete).await,
                Err(error) => Err(error),
            };
            match passed {
                Ok(passed) if passed.done => return Ok(passed),
                Ok(passed) => {
                    taken = passed.taken;
                    if let Some(trials) = &mut taken.trials {
                        trials.keep(&submission.edits[taken.turned..]);
                    }
                }
                Err(error) => {
                    // After a failure that passes the device comes again with the rest, which may
                    // take back what is marked.
                    let passes = matches!(
                        error,
                        AccessError::Fault(_)
                            | AccessError::Changing
                            | AccessError::NoRoom
                            | AccessError::NoGuard
                            | AccessError::Harmful
                    );
                    if !passes {
                        self.decide(record, doomed).await;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Has the next edits tried again, if their entry is not as it was when they were.
    async fn try_next(
        self: &Arc<Self>,
        (record, person): (RecordId, PersonId),
        submission: &Submission,
        taken: &mut Taken,
        again: &mut Again,
    ) -> Result<(), AccessError> {
        if !taken.untried {
            return Ok(());
        }
        again.after(taken.turned)?;
        let edits = &submission.edits[taken.turned..];
        let trials = taken.trials.take().unwrap_or_default();
        let edits = ingest::next(edits, &trials, again.most);
        taken.trials = Some(trials);
        let tried = self.try_out(record, person, (edits, BTreeSet::new()));
        if let (Some(tried), Some(trials)) = (tried.await?, &mut taken.trials) {
            trials.extend(tried.trials);
        }
        taken.untried = false;
        Ok(())
    }

    /// Has all edits of a request tried, as many at once as one ask may have. Of an entry that was asked
    /// for before, or when what came of others fills the memory, they are only inspected, and tried
    /// when it is their turn.
    async fn try_all(
        self: &Arc<Self>,
        record: RecordId,
        person: PersonId,
        edits: &[(EntryId, Bytes)],
    ) -> Result<Option<Tried>, AccessError> {
        let mut all = Tried::default();
        let mut met = BTreeSet::new();
        for (number, edits) in edits.chunks(MOST_EDITS).enumerate() {
            let entries = edits.iter().map(|(entry, _)| *entry);
            let mut inspected = met.clone();
            if all.trials.are_many() {
                inspected.extend(entries.clone());
            }
            let asked = (edits.to_vec(), inspected);
            let Some(tried) = self.try_out(record, person, asked).await? else {
                return Ok(None);
            };
            let refused = tried.refused.iter();
            all.refused
                .extend(refused.map(|one| number * MOST_EDITS + one));
            all.trials.extend(tried.trials);
            met.extend(entries);
        }
        Ok(Some(all))
    }

    /// Has edits tried in another process, on their entries as they stand, or only inspected if they
    /// are of the others; nothing where changes are tried in this one.
    pub(super) async fn try_out(
        self: &Arc<Self>,
        record: RecordId,
        person: PersonId,
        asked: (Vec<(EntryId, Bytes)>, BTreeSet<EntryId>),
    ) -> Result<Option<Tried>, AccessError> {
        let Some(pool) = self.guard.clone() else {
            return Ok(None);
        };
        let records = self.clone();
        let read = move |connection: &mut SqliteConnection| {
            Question::new(&records, connection, (record, person), asked)
        };
        let question = self.db.read(read).await?;
        let verdicts = pool.answer(person, question.ask()).await?;
        Ok(Some(question.read(verdicts)))
    }

    /// Destroys what was marked in a request whose later edits will not be taken in. What fails is
    /// left to the next start.
    pub(crate) async fn decide(self: &Arc<Self>, record: RecordId, doomed: OpenMarks) {
        if doomed.is_empty() {
            return;
        }
        let records = self.clone();
        let decide = move |connection: &mut SqliteConnection| {
            destruction::decide(connection, &records, Some((record, &doomed)))
        };
        let records = self.clone();
        let complete = move |gone: &Vec<_>| {
            if !gone.is_empty() {
                records.hub.changed(record);
            }
            destruction::complete(&records, record, gone);
        };
        if let Err(error) = self.db.write_then(decide, complete).await {
            tracing::error!(%error, "what a mark must destroy is left for later");
        }
    }

    /// Does with edits what needs no writer. Who signed those that the device did not sign itself,
    /// and those that are handed back, is looked up; most requests have none.
    pub(super) async fn verify(
        self: &Arc<Self>,
        record: RecordId,
        visitor: Visitor,
        request: SyncRequest,
        cursor: Option<Cursor>,
        turn: &Arc<Turn>,
    ) -> Result<Submission, AccessError> {
        let device = visitor.device.ok_or(AccessError::Device)?;
        let (records, finding, turn) = (self.clone(), turn.clone(), turn.clone());
        let verify = move |handed_in, authors| {
            // It is not over before this is, whoever still waits.
            let _turn = &turn;
            let submission = Submission::new(
                record,
                handed_in,
                (visitor.person, &device.public_key),
                cursor.as_ref(),
                &records.server_keys(),
                authors,
            );
            records.keys.prepare_entry_keys(submission.creations)?;
            Ok::<_, AccessError>(submission)
        };
        let first = verify.clone();
        let mut handed_in = off_thread(move || HandedIn::unpack(record, request)).await?;
        handed_in.tried = match self.guard {
            Some(_) => {
                self.try_all(record, visitor.person, &handed_in.edits())
                    .await?
            }
            None => None,
        };
        let (handed_in, authors) = match off_thread(move || {
            let authors = handed_in.authors(device.id);
            Ok(match authors.is_empty() {
                true => Ok(first(handed_in, BTreeMap::new())?),
                false => Err((handed_in, authors)),
            })
        })
        .await?
        {
            Ok(submission) => return Ok(submission),
            Err(others) => others,
        };
        let find = move |connection: &mut SqliteConnection| {
            let _turn = finding;
            let find = |id| devices::signer(connection, id);
            let found: Result<Vec<_>, Fault> = authors.into_iter().map(find).collect();
            let found = found?.into_iter().flatten();
            Ok::<_, AccessError>(found.map(|device| (device.id, device)).collect())
        };
        let authors = self.db.read(find).await?;
        off_thread(move || verify(handed_in, authors)).await
    }

    /// Works out what is new, and notes in the access log that it is given.
    async fn give(
        self: &Arc<Self>,
        record: RecordId,
        visitor: Visitor,
        from: Arc<Start>,
    ) -> Result<(Page, RecordRow), AccessError> {
        for _ in 0..TRIES {
            let (records, start) = (self.clone(), from.clone());
            let read = move |connection: &mut SqliteConnection| {
                let row = connection.record(record)?.ok_or(AccessError::NotYours)?;
                if let Some(cursor) = &start.cursor
                    && lives::has_lost(connection, &row, cursor)?
                {
                    return Ok(None);
                }
                let page = page(&records, connection, record, visitor.person, &start)?;
                Ok::<_, AccessError>(Some((page, row)))
            };
            let Some((page, row)) = self.db.read(read).await? else {
                self.begin_anew(record, from.cursor, &from.turn).await?;
                continue;
            };
            if !page.rest.gives() {
                return Ok((page, row));
            }
            let records = self.clone();
            let given = Given {
                epoch: page.rest.cursor.epoch,
                until: page.rest.until,
                entries: page.rest.entries.clone(),
                kept: page.rest.kept.clone(),
            };
            let (turn, at_hand) = (from.turn.clone(), page.at_hand.clone());
            let note = move |connection: &mut SqliteConnection| {
                let _turn = turn;
                records.note_read(connection, record, visitor, given, at_hand)
            };
            if let Some(row) = self.db.write(note).await? {
                return Ok((page, row));
            }
        }
        Err(AccessError::Changing)
    }

    /// Begins the record's log anew if a cursor, which is this record's and its visitor's, shows
    /// more than is there; unless that was done meanwhile. The writer is asked only then.
    pub(super) async fn begin_anew(
        self: &Arc<Self>,
        record: RecordId,
        cursor: Option<Cursor>,
        turn: &Arc<Turn>,
    ) -> Result<(), AccessError> {
        let Some(cursor) = cursor else {
            return Ok(());
        };
        let (records, looking) = (self.clone(), turn.clone());
        let look = move |connection: &mut SqliteConnection| {
            let _turn = looking;
            match connection.record(record)? {
                Some(row) => records.is_behind(connection, &row, &cursor),
                None => Ok(false),
            }
        };
        if !self.db.read(look).await? {
            return Ok(());
        }
        let (records, turn) = (self.clone(), turn.clone());
        let begin = move |connection: &mut SqliteConnection| {
            let _turn = turn;
            if let Some(row) = connection.record(record)? {
                records.live_on(connection, &row, Some(&cursor))?;
            }
            Ok::<_, AccessError>(())
        };
        self.db.write(begin).await
    }

    /// Notes that somebody is given entries; answers nothing if by now they may no longer see all
    /// of them.
    fn note_read(
        &self,
        connection: &mut SqliteConnection,
        record: RecordId,
        visitor: Visitor,
        mut given: Given,
        at_hand: Option<AtHand>,
    ) -> Result<Option<RecordRow>, AccessError> {
        visitor.is_signed_in(connection)?;
        let admitted = self.admit_with(connection, record, visitor.person, at_hand.as_ref())?;
        if admitted.epoch != given.epoch || self.took_back(connection, &admitted, &mut given)? {
            return Ok(None);
        }
        let mut row = admitted.row.clone();
        let at = row.clock.last.next(self.clock.now());
        row.clock.last = at;
        let device = visitor.device.map(|device| device.id);
        let actor = Actor::new(visitor.person, admitted.role(), device, row.holder);
        let event = actor.event(AccessAction::Read, at);
        let (vault, clock) = (&admitted.vault, &mut row.clock);
        audit::append_about(
            connection,
            vault,
            clock,
            &event,
            &given.entries,
            &given.kept,
        )?;
        connection.move_clock(record, &row.clock)?;
        Ok(Some(row))
    }

    /// Whether one of the entries was hidden from the visitor, or destroyed, since the page was worked
    /// out; notes until when the holder may not know of those that were touched.
    fn took_back(
        &self,
        connection: &mut SqliteConnection,
        admitted: &Admitted<'_>,
        given: &mut Given,
    ) -> Result<bool, AccessError> {
        let record = admitted.row.record;
        // A destruction is no change of the log.
        let gone = connection.destroyed_since(record, given.until)?;
        if gone.iter().any(|entry| given.entries.contains_key(entry)) {
            return Ok(true);
        }
        for row in connection.log_after(record, given.until, u32::MAX)? {
            if !given.entries.contains_key(&row.entry) {
                continue;
            }
            let Some((entry, _)) = connection.entry(record, row.entry)? else {
                continue;
            };
            let Some(key) = admitted.vault.key_of(&entry)? else {
                return Ok(true);
            };
            let class = admitted.vault.open_class(&key, &entry)?;
            given.kept.remove(&row.entry);
            let kept = class.kept_from_holder_until();
            given.kept.extend(kept.map(|until| (row.entry, until)));
            let standing = &admitted.standing;
            if !standing.may_read(&class, &self.matrix, admitted.row.clock.last) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn quiet_answer(
        &self,
        visitor: &Visitor,
        (cursor, after): (Cursor, Option<CursorDigest>),
        passed: Passed,
    ) -> Result<SyncAnswer, AccessError> {
        let cursor = Cursor {
            base: passed.at,
            upto: passed.at,
            held: passed.at,
            told: passed.at,
            epoch: passed.epoch,
            // It has all: nothing of a walk is left in it.
            ..cursor
        };
        let page = Page {
            news: None,
            rest: authority::Page::empty(cursor, passed.at),
            at_hand: None,
        };
        self.answer(
            &passed.row,
            visitor.person,
            page,
            (after, passed.taken.outcomes),
        )
    }

    fn answer(
        &self,
        row: &RecordRow,
        person: PersonId,
        Page {
            news, rest: page, ..
        }: Page,
        (after, outcomes): (Option<CursorDigest>, Vec<Outcome>),
    ) -> Result<SyncAnswer, AccessError> {
        let (mut cursor, vital) = (page.cursor, page.vital_given());
        let checkpoint = Checkpoint {
            record: row.record,
            viewer: person,
            log: row.log,
            tick: cursor.told,
            epoch: cursor.epoch,
            access_log: witness(row, person, cursor.log, cursor.told),
        };
        let signed = &self.keys.server_signing_key().signing;
        let checkpoint = SignedCheckpoint::new(signed, &checkpoint);
        cursor.digest = checkpoint.digest();
        cursor.witness = lives::witness(row);
        Ok(SyncAnswer {
            v: PROTOCOL,
            outcomes,
            reset: page.reset,
            news,
            forget: page.forget.into_iter().collect(),
            destroyed: page.destroyed.into_iter().collect(),
            held: page.held,
            reconcile: page.compared,
            more: page.more,
            vital,
            after,
            cursor: cursor::seal(&self.keys, row.record, person, &cursor)?,
            checkpoint,
        })
    }
}

/// What a checkpoint witnesses of the access log. The holder, who reads the log, gets its head.
/// Others get a digest of it and of what only this checkpoint says, which the holder can check,
/// but from which nobody learns whether anything was done in between.
fn witness(row: &RecordRow, person: PersonId, log: LogIncarnation, told: Tick) -> Digest32 {
    let head = row.clock.audit_head;
    if person == row.holder {
        head
    } else {
        let told = told.0.to_be_bytes();
        Digest32::of(&[WITNESS, person.as_bytes(), &log.0, &told, &head.0])
    }
}

/// The edit, if it is said to be held.
fn held(outcome: &Outcome) -> Option<ChangeHash> {
    matches!(outcome.verdict, Verdict::Held(_)).then_some(outcome.change)
}

/// Does what takes a while where it keeps nobody waiting.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
) -> Result<T, AccessError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AccessError::Request("the edits cannot be read"))?
}

/// Edits that must be tried again, because their entry is not as it was when they were.
struct Again {
    turned: usize,
    idle: usize,
    most: usize,
}

impl Default for Again {
    fn default() -> Self {
        Again {
            turned: 0,
            idle: 0,
            most: 1,
        }
    }
}

impl Again {
    /// So many edits had their turn since: twice as many of one entry are tried next, so that what is
    /// tried in vain is no more than what is not.
    fn after(&mut self, turned: usize) -> Result<(), AccessError> {
        let had = turned - self.turned;
        self.idle = if had == 0 { self.idle + 1 } else { 0 };
        (self.turned, self.most) = (turned, (2 * had).max(1));
        match self.idle > MOST_IDLE {
            // Others write in the entry, faster than it can be tried.
            true => Err(AccessError::Changing),
            false => Ok(()),
        }
    }
}

/// What is about to be given.
struct Given {
    epoch: Epoch,
    until: Tick,
    entries: BTreeMap<EntryId, u64>,
    /// Until when the holder may not know of some of them.
    kept: BTreeMap<EntryId, Tick>,
}

/// Where an answer starts, kept for the tries it takes.
pub(super) struct Start {
    /// As the device last had it, opened.
    pub(super) cursor: Option<Cursor>,
    /// The visitor may be told that they saw everything up to here, once they did.
    pub(super) floor: Tick,
    /// Edits that the device just handed in.
    pub(super) own: BTreeSet<Tick>,
    /// The entries that they name, those included that were accepted before.
    pub(super) answered: BTreeSet<EntryId>,
    /// The edits that it handed in and that are held.
    pub(super) held: BTreeSet<ChangeHash>,
    /// How many bytes the device can take.
    pub(super) limit: Option<u32>,
    /// It showed a cursor, be it one that cannot be read.
    pub(super) returning: bool,
    /// What it asks if it compares its copy.
    pub(super) compare: Option<Compare>,
    /// Over once nothing is worked out any more from here.
    pub(super) turn: Arc<Turn>,
}
