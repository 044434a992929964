//! The server of the simulation: the real law of the log over books in memory, in the steps in which
//! a server takes a request.
//!
//! A request visits the writer in turns: its edits are taken in at one or at several, each in a
//! transaction that it may share with others, and others' turns come in between. Then its answer is
//! worked out from what is durable, and given once the access log tells of that. A crash loses the
//! open transaction and all who wait for it.

mod books;
mod log;
mod pull;
mod push;
mod visit;

pub use books::Books;
pub use pull::{Read, Turned};
pub use push::Judgement;
pub use visit::{Start, Visit};

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use sync_core::authority::Submitter;
use sync_core::policy::{Context, Matrix, Subject};
use sync_core::sign::PublicKey;
use sync_core::sync::{PROTOCOL, SyncRequest};
use sync_core::{DeviceId, EntryId, LogIncarnation, PersonId, RecordId, Tick};

use super::bug::Bug;

/// The device of a request was signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedOut;

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

    /// What an answer is worked out from.
    fn snapshot(&self) -> &Books {
        match self.bug {
            Some(Bug::AnswerBeforeCommit) => self.books(),
            _ => &self.durable,
        }
    }

    /// Who sends a request, if they may and speak this protocol.
    fn session(&self, request: &SyncRequest) -> Option<Submitter> {
        let submitter = self.sessions.get(&request.device)?;
        (!submitter.revoked && request.v == PROTOCOL).then(|| submitter.clone())
    }

    fn is_signed_in(&self, submitter: &Submitter) -> Result<(), SignedOut> {
        match self.is_revoked(submitter.device) {
            true => Err(SignedOut),
            false => Ok(()),
        }
    }

    /// The server, where it acts by itself: in the log it stands with the holder's name.
    fn server(&self) -> Submitter {
        let key = self.public_key();
        Submitter {
            subject: Subject {
                person: self.durable.ledger.holder(),
                profession: None,
            },
            device: DeviceId::of(&key),
            key,
            revoked: false,
        }
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
        self.start(now)?;
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

    /// Loses what is not durable.
    pub fn crash(&mut self) {
        self.working = None;
    }

    /// Starts again from what is durable, and decides on the marks whose requests a crash cut short.
    pub fn start(&mut self, now: Tick) -> Result<(), String> {
        self.durable.reopen()?;
        if self.bug != Some(Bug::MarkForgottenAtStart) {
            self.decide(None, now);
            self.commit();
        }
        Ok(())
    }
}
