//! The server of the simulation: the real law of the log over books in memory.
//!
//! Requests that arrive together form one transaction; their answers leave when it is durable. A
//! crash before that loses the transaction and the answers, never one without the other.

mod books;
mod log;
mod pull;
mod push;

pub use books::Books;
pub use push::Judgement;

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use sync_core::authority::{Page, Submitter};
use sync_core::policy::{Context, Matrix, Subject};
use sync_core::sign::PublicKey;
use sync_core::sync::{PROTOCOL, SyncAnswer, SyncRequest};
use sync_core::{DeviceId, EntryId, LogIncarnation, PersonId, RecordId, Tick};

use super::bug::Bug;

/// What one request did.
pub struct Handled {
    /// What became of each edit.
    pub judged: Vec<Judgement>,
    /// What the answer tells.
    pub page: Page,
    /// It goes on with a walk in the course of which something fell due.
    pub fell_due: bool,
    /// The answer, not sent yet.
    pub answer: SyncAnswer,
}

/// The server.
pub struct Keeper {
    record: RecordId,
    key: SigningKey,
    log: LogIncarnation,
    matrix: Matrix,
    /// How many days a checkpoint vouches for good faith.
    pub lease_days: u64,
    sessions: BTreeMap<DeviceId, Submitter>,
    durable: Books,
    working: Option<Books>,
    bug: Option<Bug>,
    /// How many answers were worked out.
    given: u64,
    /// What somebody copied of what is durable.
    copy: Option<Books>,
    /// The lives of the log that ended when the books were put back from a copy, and when.
    lives: BTreeMap<LogIncarnation, Tick>,
    /// What was destroyed, by a journal that is not put back with the books.
    journal: BTreeSet<EntryId>,
    /// When devices were registered that were not there from the beginning.
    registered: BTreeMap<DeviceId, Tick>,
}

impl Keeper {
    /// A server with one record, that knows these people and devices.
    pub fn new(
        record: RecordId,
        holder: PersonId,
        key: SigningKey,
        log: LogIncarnation,
        people: impl IntoIterator<Item = Submitter>,
        bug: Option<Bug>,
    ) -> Self {
        Keeper {
            record,
            key,
            log,
            matrix: Matrix::default(),
            lease_days: 14,
            sessions: people.into_iter().map(|p| (p.device, p)).collect(),
            durable: Books::new(record, holder),
            working: None,
            bug,
            given: 0,
            copy: None,
            lives: BTreeMap::new(),
            journal: BTreeSet::new(),
            registered: BTreeMap::new(),
        }
    }

    /// The key devices pin.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(&self.key)
    }

    /// What is durable.
    pub fn durable(&self) -> &Books {
        &self.durable
    }

    /// What is durable, and what the open transaction does to it.
    pub fn books(&self) -> &Books {
        self.working.as_ref().unwrap_or(&self.durable)
    }

    /// Takes in a request in the open transaction. Nothing when it is not one that can be
    /// answered; the transaction is then as before.
    pub fn handle(&mut self, request: &SyncRequest, now: Tick) -> Option<Handled> {
        let submitter = self.sessions.get(&request.device)?.clone();
        if submitter.revoked || request.v != PROTOCOL {
            return None;
        }
        let mut books = self.books().clone();
        let opened = self.open(request, &submitter);
        // Edits that may follow what this log has lost wait until the device knows what is there.
        let stands = opened.cursor.is_none_or(|cursor| cursor.log == self.log);
        let judged = match stands {
            true => self.push(&mut books, request, &submitter, &opened, now)?,
            false => Vec::new(),
        };
        self.given += 1;
        let pulled = self.pull(&mut books, request, &submitter, opened.cursor, &judged, now)?;
        self.working = Some(books);
        Some(Handled {
            judged,
            page: pulled.page,
            fell_due: pulled.fell_due,
            answer: pulled.answer,
        })
    }

    /// Whether somebody may open the record.
    pub fn may_open(&self, subject: &Subject, now: Tick) -> bool {
        let mut ledger = (*self.books().ledger).clone();
        let context = Context {
            rights: ledger.latest(),
            matrix: &self.matrix,
            now,
        };
        context.standing(subject).may_open()
    }

    /// Makes the open transaction durable.
    pub fn commit(&mut self) {
        if let Some(working) = self.working.take() {
            self.durable = working;
            self.journal.extend(self.durable.destroyed.keys());
        }
    }

    /// Copies what is durable.
    pub fn copy(&mut self) {
        self.copy = Some(self.durable.clone());
    }

    /// Puts the copy back, if there is one, and begins another life of the log. Answers the copy's
    /// last tick.
    pub fn put_back(&mut self, log: LogIncarnation, now: Tick) -> Result<Option<Tick>, String> {
        let Some(copy) = self.copy.clone() else {
            return Ok(None);
        };
        let told = self.books().last;
        let kept = copy.last;
        self.working = None;
        self.durable = copy;
        self.durable.last = told.max(now);
        self.durable.restored();
        self.lives.insert(self.log, self.durable.last);
        self.log = log;
        self.durable.reopen()?;
        for entry in &self.journal {
            if !self.durable.destroyed.contains_key(entry) {
                let at = self.durable.tick(now);
                self.durable.destroy(*entry, at);
            }
        }
        Ok(Some(kept))
    }

    /// A device is revoked, and its person signs in with another.
    pub fn revoke(&mut self, device: Submitter, next: Submitter, now: Tick) {
        let revoked = Submitter {
            revoked: true,
            ..device
        };
        self.sessions.insert(revoked.device, revoked);
        self.registered.insert(next.device, now);
        self.sessions.insert(next.device, next);
    }

    /// Whether a device was revoked.
    pub fn is_revoked(&self, device: DeviceId) -> bool {
        let known = self.sessions.get(&device);
        known.is_some_and(|known| known.revoked)
    }

    fn registered(&self, device: DeviceId) -> Tick {
        self.registered.get(&device).copied().unwrap_or_default()
    }

    /// Which life of the log this is.
    pub fn log(&self) -> LogIncarnation {
        self.log
    }

    /// Loses what is not durable, and starts again from what is.
    pub fn crash(&mut self) -> Result<(), String> {
        self.working = None;
        self.durable.reopen()
    }
}
