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
mod store;
mod visit;

pub use books::{Books, OpenMarks};
pub use pull::{Read, Turned};
pub use push::Judgement;
pub use visit::{Start, Visit};

use store::{Damaged, Journal, Reads, Rows};

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use ed25519_dalek::SigningKey;
use sync_core::authority::{Registration, RightsLedger, Submitter};
use sync_core::policy::{Context, Matrix, Subject};
use sync_core::sign::PublicKey;
use sync_core::sync::{PROTOCOL, SyncRequest};
use sync_core::{DeviceId, EntryId, LogIncarnation, PersonId, RecordId, Tick};

use super::bug::Bug;
use super::dice::Dice;

/// The device of a request was signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedOut;

/// How many processes of the server there are over one store.
pub const PROCESSES: usize = 2;

type Registered = BTreeMap<DeviceId, (Submitter, Tick)>;

/// The server.
pub struct Keeper {
    record: RecordId,
    key: SigningKey,
    log: LogIncarnation,
    matrix: Matrix,
    /// How many days a checkpoint vouches for good faith.
    pub lease_days: u64,
    /// The devices, with when they were registered if they were not there from the beginning.
    devices: Registered,
    /// Those that a store put back from a copy does not know: they sign in again.
    unknown: BTreeMap<DeviceId, Submitter>,
    /// Those that were revoked, by a journal that is not put back with the books.
    revoked: BTreeSet<DeviceId>,
    durable: Books,
    working: Option<Books>,
    bug: Option<Bug>,
    /// How many answers were worked out.
    given: u64,
    /// What somebody copied of what is durable.
    copy: Option<(Books, Registered)>,
    /// The lives of the log that ended when the books were put back from a copy, and when.
    lives: BTreeMap<LogIncarnation, Tick>,
    /// What was destroyed, by a journal that is not put back with the books.
    journal: BTreeSet<EntryId>,
    /// The rights that each process remembers, as of the version of them in the store.
    memories: [Option<(u64, Rc<RightsLedger>)>; PROCESSES],
    /// Another record of the same server, and its rights: what is theirs gives nothing here, but by a
    /// bug.
    neighbour: Option<(RecordId, Rc<RightsLedger>)>,
    /// What was durable before the last transaction, if that is not synced, by a bug.
    unsynced: Option<Books>,
}

/// What a crash left of the open transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// There was none open.
    NoneOpen,
    /// Nothing of it.
    Nothing,
    /// All of it, though nobody was told.
    All,
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
            devices: people
                .into_iter()
                .map(|person| (person.device, (person, Tick::default())))
                .collect(),
            unknown: BTreeMap::new(),
            revoked: BTreeSet::new(),
            durable: Books::new(record, holder),
            working: None,
            bug,
            given: 0,
            copy: None,
            lives: BTreeMap::new(),
            journal: BTreeSet::new(),
            memories: [const { None }; PROCESSES],
            neighbour: None,
            unsynced: None,
        }
    }

    /// The key that signs for this server.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Notes another record that the server keeps, as it stands.
    pub fn is_beside(&mut self, other: &Keeper) {
        let ledger = Rc::clone(&other.durable.ledger);
        self.neighbour = Some((other.record, ledger));
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

    /// Who sends a request, if they may and speak this protocol.
    fn session(&self, request: &SyncRequest) -> Option<Submitter> {
        let submitter = self.known(request.device)?;
        let valid = submitter.registration == Registration::Valid;
        let let_in = valid || self.bug == Some(Bug::RevokedLetIn);
        (let_in && request.v == PROTOCOL).then_some(submitter)
    }

    /// Who signs with a device that the server knows, revoked or not.
    fn known(&self, device: DeviceId) -> Option<Submitter> {
        let (submitter, _) = self.devices.get(&device)?;
        let registration = match self.is_revoked(device) {
            true => Registration::Revoked,
            false => Registration::Valid,
        };
        let submitter = submitter.clone();
        Some(Submitter {
            registration,
            ..submitter
        })
    }

    /// Whether the server does not know a device any more since it was put back from a copy.
    pub fn has_lost(&self, device: DeviceId) -> bool {
        self.unknown.contains_key(&device)
    }

    /// A device that the server does not know any more signs in again, with the key it has.
    pub fn sign_in_again(&mut self, device: DeviceId, now: Tick) {
        if let Some(unknown) = self.unknown.remove(&device) {
            self.devices.insert(device, (unknown, now));
        }
    }

    fn is_signed_in(&self, submitter: &Submitter) -> Result<(), SignedOut> {
        let out = self.is_revoked(submitter.device) && self.bug != Some(Bug::RevokedLetIn);
        match out {
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
            registration: Registration::Valid,
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

    /// The books as a process has them before it: its open transaction, or what is durable with the
    /// rights that it remembers. What it remembers counts only for as long as the store has the same
    /// version of the rights: another process may have written.
    fn at_hand(&mut self, process: usize) -> Books {
        if let Some(working) = &self.working {
            return working.clone();
        }
        self.durable_at(process)
    }

    fn durable_at(&mut self, process: usize) -> Books {
        let mut books = self.durable.clone();
        let unminded = self.bug == Some(Bug::OthersRightsUnminded);
        let memory = &mut self.memories[process];
        match memory.as_ref() {
            Some((version, ledger)) if unminded || *version == books.rights => {
                books.ledger = Rc::clone(ledger);
            }
            _ => *memory = Some((books.rights, Rc::clone(&books.ledger))),
        }
        if let Some((_, ledger)) = &self.neighbour
            && self.bug == Some(Bug::RightsOfAnotherRecord)
        {
            books.ledger = Rc::clone(ledger);
        }
        books
    }

    /// A process crashes: what it remembers is gone.
    pub fn forgets(&mut self, process: usize) {
        self.memories[process] = None;
    }

    /// Makes the open transaction of a process durable.
    pub fn commit(&mut self, process: usize) {
        if let Some(working) = self.working.take() {
            let before = std::mem::replace(&mut self.durable, working);
            self.unsynced = Some(before).filter(|_| self.bug == Some(Bug::SyncSkipped));
            self.memories[process] = Some((self.durable.rights, Rc::clone(&self.durable.ledger)));
            self.journal.extend(self.durable.destroyed.keys());
        }
    }

    /// Copies what is durable.
    pub fn copy(&mut self) {
        self.copy = Some((self.durable.clone(), self.devices.clone()));
    }

    /// Puts the copy back, if there is one, and begins another life of the log. Answers the copy's
    /// last tick.
    pub fn put_back(&mut self, log: LogIncarnation, now: Tick) -> Result<Option<Tick>, String> {
        let Some((copy, devices)) = self.copy.clone() else {
            return Ok(None);
        };
        for (device, (submitter, _)) in std::mem::replace(&mut self.devices, devices) {
            if !self.devices.contains_key(&device) && !self.is_revoked(device) {
                self.unknown.insert(device, submitter);
            }
        }
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
        self.unknown.remove(&device.device);
        self.revoked.insert(device.device);
        self.devices.insert(next.device, (next, now));
    }

    /// Whether a device was revoked.
    pub fn is_revoked(&self, device: DeviceId) -> bool {
        self.revoked.contains(&device)
    }

    fn registered(&self, device: DeviceId) -> Tick {
        let known = self.devices.get(&device);
        known.map_or(Tick(u64::MAX), |(_, registered)| *registered)
    }

    /// Which life of the log this is.
    pub fn log(&self) -> LogIncarnation {
        self.log
    }

    /// Crashes, and with it the open transaction ends at any of its writes. All of it is there then,
    /// or nothing.
    ///
    /// # Errors
    /// When there is some of it.
    pub fn crash(&mut self, dice: &mut Dice) -> Result<Left, String> {
        if let Some(before) = self.unsynced.take() {
            self.durable = before;
            self.working = None;
        }
        let Some(working) = self.working.take() else {
            return Ok(Left::NoneOpen);
        };
        let (before, after) = (Rows::of(&self.durable), Rows::of(&working));
        let reads = match self.bug {
            Some(Bug::TransactionInPart) => Reads::AnyPart,
            Some(Bug::EndBelieved) => Reads::IfItEnds,
            _ => Reads::Whole,
        };
        let left = Journal::new(&before, &after).cut(&before, dice, reads);
        if left == before {
            return Ok(Left::Nothing);
        }
        if left != after {
            return Err("a crash left some of a transaction".to_owned());
        }
        self.durable = self.opened(&left)?;
        self.journal.extend(self.durable.destroyed.keys());
        Ok(Left::All)
    }

    fn opened(&self, rows: &Rows) -> Result<Books, String> {
        let opened = rows.read(self.record, true);
        opened.map_err(|Damaged| "the server cannot read its store again".to_owned())
    }

    /// A row of the store is not what was written there. Whether that is noticed when it is read.
    ///
    /// # Errors
    /// When it is taken for what was written.
    pub fn rots(&mut self, dice: &mut Dice) -> Result<bool, String> {
        let mut rows = Rows::of(&self.durable);
        rows.rot(dice);
        let looks = self.bug != Some(Bug::RotServed);
        match rows.read(self.record, looks) {
            Err(Damaged) => Ok(true),
            Ok(_) if looks => {
                Err("a damaged row of the server is read as if it were whole".to_owned())
            }
            Ok(books) => {
                self.durable = books;
                Ok(false)
            }
        }
    }

    /// Starts again from what is durable, and decides on the marks whose requests a crash cut short.
    pub fn start(&mut self, now: Tick) -> Result<(), String> {
        self.durable = self.opened(&Rows::of(&self.durable))?;
        self.memories = [const { None }; PROCESSES];
        if self.bug != Some(Bug::MarkForgottenAtStart) {
            self.decide(None, now);
            self.commit(0);
        }
        Ok(())
    }
}
