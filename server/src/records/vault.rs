//! Sealing and opening what is kept of a record. Everything is bound to its row: it opens nowhere
//! else.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sync_core::Bytes;
use sync_core::authority::Shelf;
use sync_core::change::{Actor, Edit, Origin, SignedOrigin, Voucher};
use sync_core::codec::{from_cbor, to_cbor};
use sync_core::entry::EntryClass;
use sync_core::policy::RightKind;
use sync_core::reconcile::Version;
use sync_core::sign::SignatureBytes;
use sync_core::sync::{HoldReason, Proof};
use sync_core::{ChangeHash, EntryId, PersonId, RecordId, Tick};

use crate::fault::Fault;
use crate::keys::{EntryKey, EntryKeyId, KeyError, Keys, Place, RecordKey, SealingKey};
use crate::storage::records::{Blind, DestroyedRow, EntryRow, HeldRow, LogRow, ShelfId};

/// What the log says about a change.
#[derive(Clone, Debug)]
pub struct About {
    /// Its name.
    pub change: ChangeHash,
    /// Who made it.
    pub origin: SignedOrigin,
    /// The class of the entry with it.
    pub class: EntryClass,
}

/// What is kept of an entry beside its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// Its class.
    pub class: EntryClass,
    /// Its version; of entries that were touched last before there were versions it follows from
    /// what the log says of its changes.
    pub version: Option<Version>,
    /// Who made its changes and on whose behalf, each once. Nothing if these are more than
    /// [`MOST_PEOPLE`], or it was touched last before this was kept: the log says it too.
    pub people: Option<BTreeSet<PersonId>>,
}

/// How many people are kept beside an entry.
pub const MOST_PEOPLE: usize = 32;

/// A held edit, and why it is held.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its name.
    pub change: ChangeHash,
    /// Whose.
    pub actor: Actor,
    /// Its number.
    pub seq: u64,
    /// Why.
    pub reason: HoldReason,
    /// The edit.
    pub edit: Edit,
}

/// What is asked of a held edit more often than the edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldAbout {
    /// Its name.
    pub change: ChangeHash,
    /// Whose.
    pub actor: Actor,
    /// Its number.
    pub seq: u64,
    /// Why.
    pub reason: HoldReason,
    /// The holder is to be told of it, and decides.
    pub for_holder: bool,
    /// Its entry was destroyed, and its change with it.
    pub destroyed: bool,
}

/// Where an entry stood when it was destroyed.
#[derive(Clone, Debug, Default)]
pub struct Stood {
    /// On which shelves; none if it was not here.
    pub shelves: Vec<Shelf>,
    /// Which it had left before, and when.
    pub left: Vec<(Shelf, Tick)>,
    /// Until when the holder may not know of it.
    pub kept_until: Option<Tick>,
}

// As they are written: arrays, since members' names would weigh more than some of their values.
#[derive(Serialize, Deserialize)]
struct AboutRow(
    ChangeHash,
    Bytes,
    Option<SignatureBytes>,
    EntryClass,
    #[serde(default)] Option<Box<Proof>>,
);

/// What is read of it where only the changes are given.
#[derive(Deserialize)]
struct OriginRow(
    IgnoredAny,
    Bytes,
    Option<SignatureBytes>,
    IgnoredAny,
    #[serde(default)] Option<Box<Proof>>,
);

#[derive(Serialize, Deserialize)]
struct FiledRow(
    EntryClass,
    Version,
    #[serde(default)] Option<BTreeSet<PersonId>>,
);

#[derive(Serialize, Deserialize)]
struct HeldRest(
    ChangeHash,
    Actor,
    u64,
    HoldReason,
    Bytes,
    Bytes,
    Option<SignatureBytes>,
    #[serde(default)] Option<Box<Proof>>,
);

/// An origin's statement, with its device's signature or with this server's proof of it.
type Apart = (Bytes, Option<SignatureBytes>, Option<Box<Proof>>);

fn apart(origin: &SignedOrigin) -> Result<Apart, Fault> {
    let payload = origin.payload.clone();
    match &origin.voucher {
        Voucher::Author(signature) => Ok((payload, Some(*signature), None)),
        Voucher::Server(proof) => Ok((payload, None, Some(proof.clone()))),
        Voucher::Frame => Err(Fault::malformed("an origin that nobody vouches for")),
    }
}

fn together((payload, signature, proof): Apart) -> Result<SignedOrigin, Fault> {
    let voucher = match (signature, proof) {
        (Some(signature), None) => Voucher::Author(signature),
        (None, Some(proof)) => Voucher::Server(proof),
        _ => return Err(Fault::malformed("who vouches for an origin")),
    };
    Ok(SignedOrigin { payload, voucher })
}

#[derive(Serialize, Deserialize)]
struct HeldAboutRest(ChangeHash, Actor, u64, HoldReason, bool, bool);

/// The keys of one record, in use.
pub struct Vault<'k> {
    keys: &'k Keys,
    record: RecordId,
    key: RecordKey,
}

impl<'k> Vault<'k> {
    /// The vault of a record.
    ///
    /// # Errors
    /// When its key does not exist or was destroyed.
    pub fn new(keys: &'k Keys, record: RecordId) -> Result<Self, Fault> {
        let key = keys.record_key(record)?;
        Ok(Vault { keys, record, key })
    }

    /// The vault of a record, if its key is here. It is not where the record was destroyed, or the
    /// key store was put back from an older copy than the data store: that record cannot be opened,
    /// and must keep nobody from others.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn find(keys: &'k Keys, record: RecordId) -> Result<Option<Self>, Fault> {
        match Self::new(keys, record) {
            Ok(vault) => Ok(Some(vault)),
            Err(Fault::Keys(KeyError::Absent)) => {
                tracing::warn!("a record has no key and is left out: it cannot be opened");
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Which record.
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// Fresh keys for new entries.
    pub fn new_keys(&self, count: usize) -> Result<Vec<EntryKey>, Fault> {
        Ok(self.keys.allocate_entry_keys(self.record, count)?)
    }

    /// The key of an entry as it is stored; nothing if it was destroyed.
    ///
    /// # Errors
    /// [`KeyError::EntryKeyMissing`] if it is not here and nothing says that it was destroyed: what
    /// cannot be read now must not be taken for what is not there.
    pub fn key_of(&self, row: &EntryRow) -> Result<Option<SealingKey>, Fault> {
        Ok(self.keys_of(std::slice::from_ref(row))?.pop().flatten())
    }

    /// The keys of entries as [`Vault::key_of`], in the order asked.
    ///
    /// # Errors
    /// As there.
    pub fn keys_of(&self, rows: &[EntryRow]) -> Result<Vec<Option<SealingKey>>, Fault> {
        let ids: Vec<EntryKeyId> = rows.iter().map(|row| row.key).collect();
        let keys = rows.iter().zip(self.entry_keys(&ids)?);
        let key = |(row, key): (&EntryRow, Option<SealingKey>)| {
            if row.is_destroyed() || key.is_none() && self.keys.is_destroyed(row.key)? {
                return Ok(None);
            }
            key.map(Some).ok_or(KeyError::EntryKeyMissing.into())
        };
        keys.map(key).collect()
    }

    /// The key of an entry, if it is here.
    pub fn entry_key(&self, id: EntryKeyId) -> Result<Option<SealingKey>, Fault> {
        Ok(self.entry_keys(&[id])?.pop().flatten())
    }

    /// The keys of entries, in the order asked, where they are here.
    pub fn entry_keys(&self, ids: &[EntryKeyId]) -> Result<Vec<Option<SealingKey>>, Fault> {
        let keys = self.keys.entry_keys(self.record, ids)?;
        let keys = keys.into_iter().map(|key| key.map(|key| key.key));
        Ok(keys.collect())
    }

    /// By which a change is found.
    pub fn change_blind(&self, change: &ChangeHash) -> Blind {
        self.blind("carnet/change/1", change.as_bytes())
    }

    /// By which an actor is told from others.
    pub fn actor_blind(&self, actor: &Actor) -> Blind {
        self.blind("carnet/actor/1", actor.as_bytes())
    }

    /// By which the author of held edits is found.
    pub fn author_blind(&self, author: PersonId) -> Blind {
        self.blind("carnet/held-author/1", author.as_bytes())
    }

    /// By which the records whose rights name a person are found.
    pub fn party_blind(&self, person: PersonId) -> Blind {
        party_blind(self.keys, person)
    }

    /// By which a right is found that this class of entry is of: by whom it names, and again if it
    /// delegates the record to them. A block is not found by whom it keeps out: who has no right
    /// besides must not learn that there is a record.
    pub fn parties(&self, class: &EntryClass) -> Vec<Blind> {
        if class.kind == RightKind::Block.as_str() {
            return Vec::new();
        }
        let helps = class.kind == RightKind::Delegation.as_str();
        let named = class.concerns.map(|person| self.party_blind(person));
        let helper = class.concerns.filter(|_| helps);
        let helper = helper.map(|person| helper_blind(self.keys, person));
        named.into_iter().chain(helper).collect()
    }

    fn blind(&self, domain: &str, value: &[u8]) -> Blind {
        let value = [self.record.as_bytes().as_slice(), value].concat();
        shortened(self.keys.blind_index(domain, &value))
    }

    /// By which a shelf is found.
    pub fn shelf(&self, shelf: &Shelf) -> ShelfId {
        let Blind(blind) = self.blind("carnet/shelf/1", &to_cbor(shelf));
        let (first, _) = blind.split_at(8);
        ShelfId::from_be_bytes(first.try_into().unwrap_or_default())
    }

    /// Seals what a shelf is for.
    pub fn seal_shelf(&self, id: ShelfId, shelf: &Shelf) -> Result<Vec<u8>, Fault> {
        let place = ("shelves", "sealed");
        self.seal_own(place, &id.to_be_bytes(), &to_cbor(shelf))
    }

    /// Opens what a shelf is for.
    pub fn open_shelf(&self, id: ShelfId, sealed: &[u8]) -> Result<Shelf, Fault> {
        let bytes = self.open_own(("shelves", "sealed"), &id.to_be_bytes(), sealed)?;
        from_cbor(&bytes).map_err(|_| Fault::malformed("a shelf"))
    }

    /// Seals what is kept beside an entry's document, at its touch.
    pub fn seal_filed(
        &self,
        key: &SealingKey,
        (entry, touched): (EntryId, Tick),
        (class, version): (&EntryClass, Version),
        people: &BTreeSet<PersonId>,
    ) -> Result<Vec<u8>, Fault> {
        let people = Some(people).filter(|people| people.len() <= MOST_PEOPLE);
        let bytes = to_cbor(&(class, version, people));
        self.seal(key, ("entries", "class"), &entry, touched, &bytes)
    }

    /// Opens an entry's class.
    pub fn open_class(&self, key: &SealingKey, row: &EntryRow) -> Result<EntryClass, Fault> {
        self.open_filed(key, row).map(|filed| filed.class)
    }

    /// Opens what is kept beside an entry's document.
    pub fn open_filed(&self, key: &SealingKey, row: &EntryRow) -> Result<Filed, Fault> {
        let place = ("entries", "class");
        let bytes = self.open(key, place, &row.entry, row.touched, &row.class)?;
        if let Ok(FiledRow(class, version, people)) = from_cbor(&bytes) {
            return Ok(Filed {
                class,
                version: Some(version),
                people,
            });
        }
        let class = from_cbor(&bytes).map_err(|_| Fault::malformed("an entry's class"))?;
        Ok(Filed {
            class,
            version: None,
            people: None,
        })
    }

    /// Seals an entry's document at its touch.
    pub fn seal_document(
        &self,
        key: &SealingKey,
        (entry, touched): (EntryId, Tick),
        document: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        self.seal(key, ("entries", "document"), &entry, touched, document)
    }

    /// Opens an entry's document.
    pub fn open_document(
        &self,
        key: &SealingKey,
        row: &EntryRow,
        document: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let place = ("entries", "document");
        self.open(key, place, &row.entry, row.touched, document)
    }

    /// Seals the history of an entry at its touch.
    pub fn seal_history(
        &self,
        key: &SealingKey,
        (entry, touched): (EntryId, Tick),
        history: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        self.seal(key, ("entries", "history"), &entry, touched, history)
    }

    /// Opens the history of an entry.
    pub fn open_history(
        &self,
        key: &SealingKey,
        row: &EntryRow,
        history: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let place = ("entries", "history");
        self.open(key, place, &row.entry, row.touched, history)
    }

    /// The log's row of an accepted change.
    pub fn log_row(
        &self,
        key: &SealingKey,
        tick: Tick,
        edit: &Edit,
        (actor, seq): (&Actor, u64),
        about: &About,
    ) -> Result<LogRow, Fault> {
        let (payload, signature, proof) = apart(&about.origin)?;
        let class = about.class.clone();
        let said = to_cbor(&AboutRow(about.change, payload, signature, class, proof));
        let entry = edit.entry;
        Ok(LogRow {
            tick,
            entry,
            change_blind: self.change_blind(&about.change),
            actor_blind: self.actor_blind(actor),
            seq,
            about: self.seal(key, ("log", "about"), &entry, tick, &said)?,
            change: self.seal(key, ("log", "change"), &entry, tick, &edit.change)?,
        })
    }

    /// Opens what the log says about a change.
    pub fn open_about(
        &self,
        key: &SealingKey,
        (entry, tick): (EntryId, Tick),
        sealed: &[u8],
    ) -> Result<About, Fault> {
        let bytes = self.open(key, ("log", "about"), &entry, tick, sealed)?;
        let AboutRow(change, payload, signature, class, proof) =
            from_cbor(&bytes).map_err(|_| Fault::malformed("a row of the log"))?;
        let origin = together((payload, signature, proof))?;
        Ok(About {
            change,
            origin,
            class,
        })
    }

    /// Opens of what the log says about a change who made it.
    pub fn open_origin(
        &self,
        key: &SealingKey,
        (entry, tick): (EntryId, Tick),
        sealed: &[u8],
    ) -> Result<SignedOrigin, Fault> {
        let bytes = self.open(key, ("log", "about"), &entry, tick, sealed)?;
        let OriginRow(_, payload, signature, _, proof) =
            from_cbor(&bytes).map_err(|_| Fault::malformed("a row of the log"))?;
        together((payload, signature, proof))
    }

    /// Opens a change of the log.
    pub fn open_change(&self, key: &SealingKey, row: &LogRow) -> Result<Bytes, Fault> {
        let place = ("log", "change");
        let bytes = self.open(key, place, &row.entry, row.tick, &row.change)?;
        Ok(bytes.into())
    }

    /// The row of a held edit, kept from the patient until `due`; whether they are told of it then.
    pub fn held_row(
        &self,
        received: Tick,
        author: PersonId,
        held: &Held,
        (for_holder, due): (bool, Option<Tick>),
    ) -> Result<HeldRow, Fault> {
        let Edit {
            entry,
            change,
            origin,
        } = held.edit.clone();
        let (payload, signature, proof) = apart(&origin)?;
        let destroyed = change.is_empty();
        let about = to_cbor(&HeldAboutRest(
            held.change,
            held.actor,
            held.seq,
            held.reason,
            for_holder,
            destroyed,
        ));
        let rest = to_cbor(&HeldRest(
            held.change,
            held.actor,
            held.seq,
            held.reason,
            change,
            payload,
            signature,
            proof,
        ));
        Ok(HeldRow {
            change_blind: self.change_blind(&held.change),
            entry,
            author_blind: self.author_blind(author),
            received,
            changed: received,
            settlement: None,
            due,
            about: self.seal_held("about", &entry, received, &about)?,
            sealed: self.seal_held("sealed", &entry, received, &rest)?,
        })
    }

    fn seal_held(
        &self,
        column: &str,
        entry: &EntryId,
        received: Tick,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        self.seal(self.key.sealing(), ("held", column), entry, received, bytes)
    }

    /// Opens what is said about a held edit of an entry, of which it came at a tick.
    pub fn open_held_about(
        &self,
        (entry, received): (EntryId, Tick),
        about: &[u8],
    ) -> Result<HeldAbout, Fault> {
        let (place, key) = (("held", "about"), self.key.sealing());
        let bytes = self.open(key, place, &entry, received, about)?;
        let HeldAboutRest(change, actor, seq, reason, for_holder, destroyed) =
            from_cbor(&bytes).map_err(|_| Fault::malformed("what is said of a held edit"))?;
        Ok(HeldAbout {
            change,
            actor,
            seq,
            reason,
            for_holder,
            destroyed,
        })
    }

    /// Opens a held edit.
    pub fn open_held(&self, row: &HeldRow) -> Result<Held, Fault> {
        let place = ("held", "sealed");
        let key = self.key.sealing();
        let bytes = self.open(key, place, &row.entry, row.received, &row.sealed)?;
        let HeldRest(change, actor, seq, reason, bytes, payload, signature, proof) =
            from_cbor(&bytes).map_err(|_| Fault::malformed("a held edit"))?;
        let edit = Edit {
            entry: row.entry,
            change: bytes,
            origin: together((payload, signature, proof))?,
        };
        Ok(Held {
            change,
            actor,
            seq,
            reason,
            edit,
        })
    }

    /// A held edit without its content, in the place of the edit: what remains once its entry was
    /// destroyed.
    pub fn emptied_held(&self, row: &HeldRow) -> Result<HeldRow, Fault> {
        let about = self.open_held_about((row.entry, row.received), &row.about)?;
        let mut held = self.open_held(row)?;
        held.edit.change = Bytes::default();
        let author = held.origin()?.author;
        self.held_row(row.received, author, &held, (about.for_holder, row.due))
    }

    /// Seals where a destroyed entry stood, and until when the holder may not know of it.
    pub fn seal_stood(&self, entry: &EntryId, stood: &Stood) -> Result<Vec<u8>, Fault> {
        let bytes = to_cbor(&(&stood.shelves, stood.kept_until, &stood.left));
        self.seal_own(("destroyed", "sealed"), entry.as_bytes(), &bytes)
    }

    /// Opens where a destroyed entry stood.
    pub fn open_stood(&self, row: &DestroyedRow) -> Result<Stood, Fault> {
        let place = ("destroyed", "sealed");
        let bytes = self.open_own(place, row.entry.as_bytes(), &row.sealed)?;
        // Of old, what an entry had left was not kept.
        let of_old = || from_cbor(&bytes).map(|(shelves, until)| (shelves, until, Vec::new()));
        let (shelves, kept_until, left) = from_cbor(&bytes)
            .or_else(|_| of_old())
            .map_err(|_| Fault::malformed("a destroyed entry"))?;
        Ok(Stood {
            shelves,
            left,
            kept_until,
        })
    }

    /// Seals an event of the access log.
    pub fn seal_event(&self, seq: u64, event: &[u8]) -> Result<Vec<u8>, Fault> {
        self.seal_own(("audit", "sealed"), &seq.to_be_bytes(), event)
    }

    /// Opens an event of the access log.
    pub fn open_event(&self, seq: u64, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        self.open_own(("audit", "sealed"), &seq.to_be_bytes(), sealed)
    }

    /// Seals an event that is kept apart from the access log.
    pub fn seal_apart(&self, seq: u64, event: &[u8]) -> Result<Vec<u8>, Fault> {
        self.seal_own(("audit_apart", "sealed"), &seq.to_be_bytes(), event)
    }

    /// Opens an event that is kept apart from the access log.
    pub fn open_apart(&self, seq: u64, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        self.open_own(("audit_apart", "sealed"), &seq.to_be_bytes(), sealed)
    }

    /// Seals how the record was opened.
    pub fn seal_opening(&self, opening: &[u8]) -> Result<Vec<u8>, Fault> {
        self.seal_own(("records", "opening"), &[], opening)
    }

    /// Opens how the record was opened.
    pub fn open_opening(&self, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        self.open_own(("records", "opening"), &[], sealed)
    }

    fn seal(
        &self,
        key: &SealingKey,
        (table, column): (&str, &str),
        entry: &EntryId,
        tick: Tick,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let tick = tick.0.to_be_bytes();
        let row: [&[u8]; 3] = [self.record.as_bytes(), entry.as_bytes(), &tick];
        let row = &row;
        Ok(key.seal(&Place { table, column, row }, bytes)?)
    }

    fn open(
        &self,
        key: &SealingKey,
        (table, column): (&str, &str),
        entry: &EntryId,
        tick: Tick,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        #[cfg(test)]
        crate::storage::met::one();
        let tick = tick.0.to_be_bytes();
        let row: [&[u8]; 3] = [self.record.as_bytes(), entry.as_bytes(), &tick];
        let row = &row;
        Ok(key.open(&Place { table, column, row }, sealed)?)
    }

    fn seal_own(
        &self,
        (table, column): (&str, &str),
        row: &[u8],
        bytes: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let row: [&[u8]; 2] = [self.record.as_bytes(), row];
        let row = &row;
        Ok(self
            .key
            .sealing()
            .seal(&Place { table, column, row }, bytes)?)
    }

    fn open_own(
        &self,
        (table, column): (&str, &str),
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        #[cfg(test)]
        crate::storage::met::one();
        let row: [&[u8]; 2] = [self.record.as_bytes(), row];
        let row = &row;
        Ok(self
            .key
            .sealing()
            .open(&Place { table, column, row }, sealed)?)
    }
}

impl Held {
    /// Who made it.
    ///
    /// # Errors
    /// When the origin cannot be read, which ingest does not let in.
    pub fn origin(&self) -> Result<Origin, Fault> {
        let origin = self.edit.origin.read();
        origin.map_err(|_| Fault::malformed("a held edit's origin"))
    }
}

/// By which the records whose rights name a person are found.
pub fn party_blind(keys: &Keys, person: PersonId) -> Blind {
    shortened(keys.blind_index("carnet/party/1", person.as_bytes()))
}

/// By which the records are found that were delegated to a person.
pub fn helper_blind(keys: &Keys, person: PersonId) -> Blind {
    shortened(keys.blind_index("carnet/helper/1", person.as_bytes()))
}

fn shortened(digest: [u8; 32]) -> Blind {
    let mut blind = [0; 16];
    blind.copy_from_slice(&digest[..16]);
    Blind(blind)
}
