//! Records: who may come to one, what is sealed in it, how it is opened.
//!
//! [`Records`] is what the rooms that serve records share: [`crate::ingest`] takes edits in,
//! [`crate::reading`] builds answers, [`crate::live`] tells those who are connected.

pub mod histories;
#[cfg(test)]
mod keyless_tests;
mod ledgers;
mod list;
pub mod lives;
mod open;
mod own;
mod people;
pub mod shelves;
pub mod vault;
#[cfg(test)]
pub(crate) mod world;

use std::sync::Arc;

use diesel::SqliteConnection;
use sync_core::authority::Cursor;
use sync_core::policy::{Context, Matrix, RightKind, Rights, Role, Standing, Subject};
use sync_core::sign::PublicKey;
use sync_core::{Epoch, PersonId, RecordId, Tick};
use uuid::Uuid;

use crate::clock::Clock;
use crate::destruction::Keyless;
use crate::disk::Disk;
use crate::fault::Fault;
use crate::guard::{Guard, Unanswered};
use crate::keys::{KeyError, Keys};
use crate::live::Hub;
use crate::people::profession;
use crate::sessions::{self, Signed, SignedDevice};
use crate::storage::records::{RecordRow, RecordStore as _, ShelfId};
use crate::storage::{Database, StorageError};
pub use ledgers::KnownRights;
use ledgers::Ledgers;
pub(crate) use ledgers::{KEPT_BYTES, load_document};
pub use list::{RECORDS_A_PAGE, RecordPage, RecordSummary};
pub use open::{Channel, OpenError, Opened, Opening, open, opening};
pub use own::SignInChange;
use people::JustGiven;
pub use people::KnownPerson;
use shelves::{Library, Shelves};
use vault::Vault;

/// How many bytes the changes of one record may take if nothing is said.
pub const RECORD_BYTES: u64 = 256 * 1024 * 1024;

/// What the rooms that serve records share.
pub struct Records {
    /// The data store.
    pub db: Database,
    /// The key store.
    pub keys: Keys,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What each profession reads and writes.
    pub matrix: Matrix,
    /// For how many days a checkpoint vouches that its device acted in good faith.
    pub lease_days: u32,
    /// How many bytes the changes of one record may take; what takes something back, an eighth more.
    pub record_bytes: u64,
    /// The disks of the stores.
    pub disk: Disk,
    /// Who is connected and wants to hear of changes.
    pub hub: Hub,
    /// Where changes are tried before they are taken in.
    pub guard: Guard,
    /// Marked entries that were found without a key since the start: what cannot be opened now is not
    /// tried again and again.
    pub(crate) keyless: Keyless,
    ledgers: Ledgers,
    library: Library,
    just_given: JustGiven,
}

/// Who comes to a record.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// The person signed in.
    pub person: PersonId,
    /// On which device, if the device has a key.
    pub device: Option<SignedDevice>,
    /// By which session: it must still stand when something is taken or given.
    pub session: Uuid,
}

impl Visitor {
    /// Looks again whether the session stands: a request may be long on its way, and a session be
    /// ended meanwhile.
    ///
    /// # Errors
    /// [`AccessError::SignedOut`].
    pub fn is_signed_in(&self, connection: &mut SqliteConnection) -> Result<(), AccessError> {
        match sessions::open_of(connection, self.session)? {
            Some(person) if person == self.person => Ok(()),
            _ => Err(AccessError::SignedOut),
        }
    }
}

impl From<&Signed> for Visitor {
    fn from(signed: &Signed) -> Self {
        Visitor {
            person: signed.person,
            device: signed.device,
            session: signed.session,
        }
    }
}

/// Why somebody does not get what they came for.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// There is no such record, or it is not for them: nobody learns which.
    #[error("there is no such record, or not for you")]
    NotYours,
    /// The session has ended meanwhile.
    #[error("the session has ended")]
    SignedOut,
    /// The request cannot be taken.
    #[error("{0}")]
    Request(&'static str),
    /// The request carries more edits than one may.
    #[error("too much at once")]
    TooLarge,
    /// The device of the request is not that of the session, or has no key.
    #[error("sync from the device that signed in, with its key")]
    Device,
    /// There is so little room left on the disk that edits wait.
    #[error("there is no room for new edits")]
    NoRoom,
    /// Too many of its edits end the process that tries them.
    #[error("too many of its edits cannot be tried")]
    Harmful,
    /// No process was there to try changes in.
    #[error("changes cannot be tried at the moment")]
    NoGuard,
    /// Rights kept changing while the answer was made.
    #[error("the rights on this record are changing; try again")]
    Changing,
    /// The server failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Unanswered> for AccessError {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Unavailable => AccessError::NoGuard,
            Unanswered::Harmful => AccessError::Harmful,
        }
    }
}

impl From<StorageError> for AccessError {
    fn from(error: StorageError) -> Self {
        AccessError::Fault(error.into())
    }
}

impl From<KeyError> for AccessError {
    fn from(error: KeyError) -> Self {
        AccessError::Fault(error.into())
    }
}

impl From<diesel::result::Error> for AccessError {
    fn from(error: diesel::result::Error) -> Self {
        AccessError::Fault(error.into())
    }
}

/// What was worked out of a record, and of which state of it.
#[derive(Clone)]
pub(crate) struct AtHand {
    row: RecordRow,
    known: Arc<KnownRights>,
    shelves: Arc<Shelves>,
}

impl AtHand {
    /// The rights and the shelves of a record as in `row`, which is durable once this is used.
    pub(crate) fn new(row: &RecordRow, known: &Arc<KnownRights>, shelves: &Arc<Shelves>) -> Self {
        AtHand {
            row: row.clone(),
            known: known.clone(),
            shelves: shelves.clone(),
        }
    }

    /// The rights, if they are those of this state too.
    fn rights(&self, row: &RecordRow) -> Option<&Arc<KnownRights>> {
        let of = |row: &RecordRow| (row.record, row.log, row.clock.rights);
        (of(&self.row) == of(row)).then_some(&self.known)
    }

    /// The shelves, if they are those of this state too.
    fn shelves(&self, row: &RecordRow) -> Option<&Arc<Shelves>> {
        let of = |row: &RecordRow| (row.record, row.log, row.clock.shelves);
        (of(&self.row) == of(row)).then_some(&self.shelves)
    }
}

/// A record, and what a visitor is to it at a moment.
pub struct Admitted<'k> {
    /// The record as it stands.
    pub row: RecordRow,
    /// Its keys.
    pub vault: Vault<'k>,
    /// Its rights.
    pub known: Arc<KnownRights>,
    /// The shelves its entries stand on.
    pub shelves: Arc<Shelves>,
    /// The visitor as policy knows them.
    pub subject: Subject,
    /// What they are to the record.
    pub standing: Standing,
    /// What names that.
    pub epoch: Epoch,
}

impl Admitted<'_> {
    /// Whether the visitor is the holder.
    pub fn is_holder(&self) -> bool {
        self.subject.person == self.row.holder
    }

    /// In what role the visitor acts where none is named: the first in force.
    pub fn role(&self) -> Role {
        let first = self.standing.roles().next();
        first
            .cloned()
            .unwrap_or_else(|| Role::Other("none".to_owned()))
    }
}

/// Whether a right names a person that lets them know of the record. A block does not: who never
/// had a right must not learn that there is something to keep them out of.
fn may_know(rights: &Rights, person: PersonId) -> bool {
    let mut facts = rights.facts().iter();
    facts.any(|fact| fact.person == person && fact.kind != RightKind::Block)
}

impl Records {
    /// The records of these stores, under a habilitation matrix and a lease. Each may take
    /// [`RECORD_BYTES`], nothing need be free on the disk, and changes are tried in this process.
    pub fn new(
        db: Database,
        keys: Keys,
        clock: Arc<dyn Clock>,
        matrix: Matrix,
        lease_days: u32,
    ) -> Self {
        Records {
            db,
            keys,
            clock,
            matrix,
            lease_days,
            record_bytes: RECORD_BYTES,
            disk: Disk::default(),
            hub: Hub::default(),
            guard: None,
            keyless: Keyless::default(),
            ledgers: Ledgers::default(),
            library: Library::default(),
            just_given: JustGiven::default(),
        }
    }

    /// The keys by which devices know what this server signed.
    pub fn server_keys(&self) -> Vec<PublicKey> {
        vec![PublicKey::of(&self.keys.server_signing_key().signing)]
    }

    /// Lets a visitor come to a record: whoever has, or once was given, any right in it. What they may do there is in the standing, which may be nothing.
    ///
    /// # Errors
    /// [`AccessError::NotYours`] alike for records that do not exist.
    pub fn admit(
        &self,
        connection: &mut diesel::SqliteConnection,
        record: RecordId,
        person: PersonId,
    ) -> Result<Admitted<'_>, AccessError> {
        self.admit_with(connection, record, person, None)
    }

    /// As [`Records::admit`]; what is at hand of the record is not looked for again, if it still holds.
    pub(crate) fn admit_with(
        &self,
        connection: &mut diesel::SqliteConnection,
        record: RecordId,
        person: PersonId,
        at_hand: Option<&AtHand>,
    ) -> Result<Admitted<'_>, AccessError> {
        let row = self.row_for(connection, record, person)?;
        let subject = Subject {
            person,
            profession: profession(connection, person)?,
        };
        let vault = Vault::new(&self.keys, record)?;
        let known = match at_hand.and_then(|at_hand| at_hand.rights(&row)) {
            Some(known) => known.clone(),
            None => self.rights(connection, &vault, &row)?,
        };
        let shelves = match at_hand.and_then(|at_hand| at_hand.shelves(&row)) {
            Some(shelves) => shelves.clone(),
            None => self.shelves(connection, &vault, &row)?,
        };
        if row.holder != person && !may_know(&known.latest, person) {
            return Err(AccessError::NotYours);
        }
        let now = row.clock.last.next(self.clock.now());
        let (standing, epoch) = self.standing(&known.latest, &subject, now);
        Ok(Admitted {
            row,
            vault,
            known,
            shelves,
            subject,
            standing,
            epoch,
        })
    }

    /// A record, for its holder and for those whom a right of it names or named.
    pub(crate) fn row_for(
        &self,
        connection: &mut diesel::SqliteConnection,
        record: RecordId,
        person: PersonId,
    ) -> Result<RecordRow, AccessError> {
        let row = connection.record(record)?.ok_or(AccessError::NotYours)?;
        let party = || vault::party_blind(&self.keys, person);
        if row.holder != person && !connection.names(record, party())? {
            return Err(AccessError::NotYours);
        }
        Ok(row)
    }

    /// Reads a record's rights and shelves where that keeps nobody waiting, before the writer asks for
    /// them; nothing if they are in memory, or the record is not this person's to come to.
    pub(crate) async fn read_ahead(
        self: &Arc<Self>,
        record: RecordId,
        person: PersonId,
    ) -> Result<Option<AtHand>, AccessError> {
        if self.ledgers.has(record) {
            return Ok(None);
        }
        let records = self.clone();
        let read = move |connection: &mut diesel::SqliteConnection| {
            let row = records.row_for(connection, record, person)?;
            let vault = Vault::new(&records.keys, record)?;
            let known = records.rights(connection, &vault, &row)?;
            let shelves = records.shelves(connection, &vault, &row)?;
            records.remember(&row, known.clone(), shelves.clone());
            Ok(AtHand::new(&row, &known, &shelves))
        };
        match self.db.read(read).await {
            Ok(at_hand) => Ok(Some(at_hand)),
            // The writer says so, by what is true then.
            Err(AccessError::NotYours) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a cursor shows more of a record's log than is there. Writes nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_behind(
        &self,
        connection: &mut diesel::SqliteConnection,
        row: &RecordRow,
        cursor: &Cursor,
    ) -> Result<bool, Fault> {
        Ok(
            lives::has_lost(connection, row, cursor)?
                || lives::was_longer(connection, row, cursor)?,
        )
    }

    /// Begins the log of a record anew if a cursor shows more than is there. Whether the record is
    /// another since.
    ///
    /// # Errors
    /// When the store or a key fails.
    pub fn live_on(
        &self,
        connection: &mut diesel::SqliteConnection,
        row: &RecordRow,
        cursor: Option<&Cursor>,
    ) -> Result<bool, Fault> {
        let Some(cursor) = cursor else {
            return Ok(false);
        };
        if lives::has_lost(connection, row, cursor)? {
            let vault = Vault::new(&self.keys, row.record)?;
            lives::begin_anew(connection, &vault, row, Some(cursor), self.clock.now())?;
            return Ok(true);
        }
        let longer = lives::was_longer(connection, row, cursor)?;
        if longer {
            let vault = Vault::new(&self.keys, row.record)?;
            lives::lengthen(connection, &vault, row, cursor, self.clock.now())?;
        }
        Ok(longer)
    }

    /// As [`Records::admit`], for what only those may do who have a right now.
    ///
    /// # Errors
    /// [`AccessError::NotYours`] also for those whose right has ended.
    pub fn admit_now(
        &self,
        connection: &mut diesel::SqliteConnection,
        record: RecordId,
        person: PersonId,
    ) -> Result<Admitted<'_>, AccessError> {
        let admitted = self.admit(connection, record, person)?;
        if admitted.standing.may_open() {
            Ok(admitted)
        } else {
            Err(AccessError::NotYours)
        }
    }

    /// What a subject is to a record with these rights at a moment, and what names that.
    pub fn standing(&self, rights: &Rights, subject: &Subject, now: Tick) -> (Standing, Epoch) {
        let context = Context {
            rights,
            matrix: &self.matrix,
            now,
        };
        (context.standing(subject), context.epoch(subject))
    }

    /// The rights of a record.
    pub(crate) fn rights(
        &self,
        connection: &mut diesel::SqliteConnection,
        vault: &Vault<'_>,
        row: &RecordRow,
    ) -> Result<Arc<KnownRights>, Fault> {
        self.ledgers.load(connection, vault, row, self.db.group())
    }

    /// The shelves of a record.
    fn shelves(
        &self,
        connection: &mut diesel::SqliteConnection,
        vault: &Vault<'_>,
        row: &RecordRow,
    ) -> Result<Arc<Shelves>, Fault> {
        let group = self.db.group();
        self.library.load(connection, vault, row, group)
    }

    /// The rights of a record; nothing, if they cannot be read for want of a key.
    pub(crate) fn rights_if_readable(
        &self,
        connection: &mut diesel::SqliteConnection,
        row: &RecordRow,
    ) -> Result<Option<Arc<KnownRights>>, Fault> {
        let Some(vault) = Vault::find(&self.keys, row.record)? else {
            return Ok(None);
        };
        match self.rights(connection, &vault, row) {
            Err(Fault::Keys(KeyError::EntryKeyMissing)) => {
                tracing::warn!("a right has no key, and its record is left out");
                Ok(None)
            }
            known => known.map(Some),
        }
    }

    /// The shelves on which a viewer with this standing looks for news; `all` are the record's.
    pub(crate) fn shelves_of(
        &self,
        row: &RecordRow,
        all: &Shelves,
        (standing, epoch): (&Standing, Epoch),
    ) -> Arc<[ShelfId]> {
        let viewer = (epoch, standing, &self.matrix);
        self.library.of_viewer(row, all, viewer)
    }

    /// Keeps worked-out rights for the next visitor; only of what is durable.
    pub(crate) fn remember_rights(&self, row: &RecordRow, known: Arc<KnownRights>) {
        self.ledgers.keep(row, known);
    }

    /// Keeps rights that a job of the writer worked out for those after it in its group. The job must
    /// do nothing more that can fail.
    pub(crate) fn remember_rights_in_group(&self, row: &RecordRow, known: Arc<KnownRights>) {
        self.ledgers.keep_open(row, known, self.db.group());
    }

    /// Likewise rights and shelves.
    pub(crate) fn remember_in_group(
        &self,
        row: &RecordRow,
        known: Arc<KnownRights>,
        all: Arc<Shelves>,
    ) {
        self.remember_rights_in_group(row, known);
        self.library.keep_open(row, all, self.db.group());
    }

    /// Takes note that the group of writes begun last is durable: what its jobs worked out of rights is
    /// kept for the next visitors.
    pub(crate) fn group_is_durable(&self) {
        self.ledgers.close(self.db.group());
    }

    /// Keeps worked-out rights and the shelves for the next visitor; only of what is durable.
    pub(crate) fn remember(&self, row: &RecordRow, known: Arc<KnownRights>, all: Arc<Shelves>) {
        self.remember_rights(row, known);
        self.library.keep(row, all);
    }
}
