//! A request under way at the server: what it brings, and what came of it so far.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::authority::{Cursor, Submitter, Unverified, VerifiedEdit};
use sync_core::change::{Edit, Voucher};
use sync_core::checkpoint::Seen;
use sync_core::reconcile::Compare;
use sync_core::sync::{CursorDigest, Frame, Item, Outcome, SyncRequest, Verdict};
use sync_core::{ChangeHash, EntryId, RecordId, Tick};

use super::Keeper;
use super::books::OpenMarks;
use super::push::Judgement;
use crate::bug::Bug;

/// How much an answer carries when the device does not say.
const ANSWER: usize = 64 * 1024;

/// An edit as it was handed in.
pub(super) struct HandedIn {
    pub edit: Edit,
    /// It says that it was accepted once.
    pub again: bool,
    /// Who signed it, as far as the server knows.
    pub author: Submitter,
    /// For this record it is verified: the one that is kept here, but by a bug.
    pub record: RecordId,
    pub verified: Result<VerifiedEdit, Unverified>,
}

/// A request whose edits are taken in, in one turn or in several.
pub struct Visit {
    pub(super) submitter: Submitter,
    pub(super) cursor: Option<Cursor>,
    after: Option<CursorDigest>,
    budget: usize,
    compare: Option<Compare>,
    /// The checkpoints that the device proves to have held.
    pub(super) proven: Vec<Seen>,
    pub(super) edits: Vec<HandedIn>,
    /// Until when all its edits together ask that the holder may not know of an entry.
    pub(super) marked: BTreeMap<EntryId, Tick>,
    /// What became of the edits that had their turn.
    pub judged: Vec<Judgement>,
    /// What became of edits that were held, and followed one of these.
    pub freed: Vec<Judgement>,
    /// The entries of those that are in the record, and of those that are destroyed the ones that
    /// the visitor may know of.
    pub(super) answered: BTreeSet<EntryId>,
    /// The marks that are to destroy entries, unless edits whose turn is still to come take them
    /// back.
    pub(super) doomed: OpenMarks,
    /// When its last turn ended.
    pub(super) ended: Tick,
    /// No edit of it waits for another turn.
    pub(super) done: bool,
}

/// Where an answer starts.
pub struct Start {
    /// To whom.
    pub submitter: Submitter,
    /// As the device last had it, opened.
    pub(super) cursor: Option<Cursor>,
    pub(super) after: Option<CursorDigest>,
    /// The viewer may be told that they saw everything up to here, once they did.
    pub(super) floor: Tick,
    pub(super) own: BTreeSet<Tick>,
    pub(super) answered: BTreeSet<EntryId>,
    pub(super) held: BTreeSet<ChangeHash>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) budget: usize,
    pub(super) compare: Option<Compare>,
    /// Nobody asked: its viewer is connected.
    news: bool,
}

impl Start {
    /// Whether nobody asked.
    pub fn is_news(&self) -> bool {
        self.news
    }
}

impl Keeper {
    /// What needs no store is done before the writer is asked. Nothing when the request is not one
    /// that can be answered.
    pub fn visit(&self, request: &SyncRequest) -> Option<Visit> {
        let submitter = self.session(request)?;
        request.reconcile.iter().try_for_each(Compare::check).ok()?;
        let cursor = request.cursor.as_ref();
        let after = cursor.map(|at| CursorDigest::of(at));
        let cursor = cursor.and_then(|bytes| {
            let ours = self.open_cursor(submitter.subject.person, bytes);
            ours.or_else(|| self.stray_cursor(&submitter, bytes))
        });
        let keys = [self.public_key()];
        let shown = request.checkpoints.iter().filter_map(|shown| {
            let checkpoint = shown.open(&keys).ok()?;
            let ours =
                checkpoint.record == self.record || self.bug == Some(Bug::StrayCheckpointTaken);
            shown.seen().ok().filter(|_| ours)
        });
        let proven = cursor.iter().map(Cursor::seen).chain(shown).collect();
        let items = match &request.edits {
            Some(frame) => self.unpack(frame)?,
            None => Vec::new(),
        };
        let edits = items.into_iter().map(|item| {
            let author = self.author(&item, &submitter);
            let (record, verified) = self.verify(&item.edit, &author);
            HandedIn {
                record,
                verified,
                again: item.accepted.is_some(),
                edit: item.edit,
                author,
            }
        });
        let edits: Vec<HandedIn> = edits.collect();
        let mut marked = BTreeMap::new();
        for edit in edits.iter().filter_map(|edit| edit.verified.as_ref().ok()) {
            if let Some(until) = edit.marked_until() {
                let latest: &mut Tick = marked.entry(edit.entry()).or_default();
                *latest = until.max(*latest);
            }
        }
        Some(Visit {
            submitter,
            cursor,
            after,
            budget: request.limit.map_or(ANSWER, |limit| limit as usize),
            compare: request.reconcile.clone(),
            proven,
            edits,
            marked,
            judged: Vec::new(),
            freed: Vec::new(),
            answered: BTreeSet::new(),
            doomed: OpenMarks::new(),
            ended: Tick::default(),
            done: false,
        })
    }

    fn unpack(&self, frame: &Frame) -> Option<Vec<Item>> {
        let neighbour = self.neighbour.as_ref();
        let neighbour = neighbour.filter(|_| self.bug == Some(Bug::StrayEditTaken));
        let items = frame.unpack(&self.record).ok();
        items.or_else(|| frame.unpack(&neighbour?.0).ok())
    }

    /// Verifies an edit for this record, and by a bug for another.
    fn verify(
        &self,
        edit: &Edit,
        author: &Submitter,
    ) -> (RecordId, Result<VerifiedEdit, Unverified>) {
        let proven = matches!(edit.origin.voucher, Voucher::Server(_));
        let keys = [self.public_key()];
        let verified =
            |record: &RecordId| VerifiedEdit::of(record, (&author.key, &keys), edit.clone());
        let ours = verified(&self.record);
        let astray = match self.bug {
            Some(Bug::StrayEditTaken) => !proven,
            Some(Bug::StrayProofTaken) => proven,
            _ => false,
        };
        match &self.neighbour {
            Some((record, _)) if astray && ours.is_err() => (*record, verified(record)),
            _ => (self.record, ours),
        }
    }

    /// Where what is new starts for somebody who is connected and was told up to a cursor. Nothing
    /// in the middle of a full resend: only the device can show how far it had been before.
    pub fn news_since(
        &self,
        submitter: Submitter,
        cursor: &[u8],
        limit: Option<u32>,
    ) -> Option<Start> {
        let after = Some(CursorDigest::of(cursor));
        let cursor = self.open_cursor(submitter.subject.person, cursor)?;
        (!cursor.resending).then(|| Start {
            submitter,
            floor: cursor.told,
            cursor: Some(cursor),
            after,
            own: BTreeSet::new(),
            answered: BTreeSet::new(),
            held: BTreeSet::new(),
            outcomes: Vec::new(),
            budget: limit.map_or(ANSWER, |limit| limit as usize),
            compare: None,
            news: true,
        })
    }
}

impl Visit {
    /// How many of its edits had no turn yet.
    pub fn waiting(&self) -> usize {
        self.edits.len() - self.judged.len()
    }

    /// The entries of those of its edits that had no turn yet.
    pub fn to_come(&self) -> BTreeSet<EntryId> {
        let waiting = self.edits[self.judged.len()..].iter();
        waiting.map(|handed_in| handed_in.edit.entry).collect()
    }

    /// Whether it is taken in to its end.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The marks that wait for the rest of it.
    pub fn doomed(&self) -> &OpenMarks {
        &self.doomed
    }

    /// Where its answer starts, once its edits are taken in.
    pub fn start(&self, bug: Option<Bug>) -> Start {
        let untold = |judgement: &Judgement| {
            let again = matches!(judgement.verdict, Verdict::Held(_)) && !judgement.new;
            again && bug == Some(Bug::HeldToldOnce)
        };
        let of = |fits: fn(&Verdict) -> bool| {
            let judged = self.judged.iter();
            judged.filter(move |judgement| fits(&judgement.verdict))
        };
        let accepted = of(|verdict| matches!(verdict, Verdict::Accepted(_)));
        let held = of(|verdict| matches!(verdict, Verdict::Held(_)));
        Start {
            submitter: self.submitter.clone(),
            cursor: self.cursor,
            after: self.after,
            floor: self.ended,
            own: accepted.map(|judgement| judgement.tick).collect(),
            answered: self.answered.clone(),
            held: held.map(|judgement| judgement.change).collect(),
            outcomes: {
                let told = self.judged.iter().filter(|judgement| !untold(judgement));
                told.map(Judgement::outcome).collect()
            },
            budget: self.budget,
            compare: self.compare.clone(),
            news: false,
        }
    }
}
