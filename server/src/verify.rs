//! Checks a store against itself: the access logs chain up to the heads that the records name,
//! every change opens and makes the entries that are stored, and nothing is out of order; people,
//! passkeys and devices open and are filed under what is theirs.

mod destroyed;
mod people;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use diesel::SqliteConnection;
use sync_core::audit::{AccessAction, AccessEvent, ChainedEvent, LogHead, Verified, Verifier};
use sync_core::change::{Edit, Provenance, Voucher};
use sync_core::entry::{EntryClass, EntryDocument};
use sync_core::reconcile::Version;
use sync_core::sign::PublicKey;
use sync_core::sync::{History, Stripped};
use sync_core::{ChangeHash, EntryId, PersonId, RecordId, Tick, guard};

use crate::audit;
use crate::fault::Fault;
use crate::keys::{Keys, SealingKey};
use crate::records::shelves;
use crate::records::vault::Vault;
use crate::storage::records::{
    Blind, EntryRow, LogRow, OnShelf, RecordRow, RecordStore as _, ShelfId,
};

use destroyed::Destroyed;
pub use people::{PeopleFindings, people_after};

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// What was found of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Entries that are as their changes make them.
    pub entries: u64,
    /// Entries whose content was destroyed, and of which nothing but that is left.
    pub destroyed: u64,
    /// Of them, those whose key is still to be destroyed: the next start does it.
    pub unfinished: u64,
    /// Entries that a mark destroys, unless the request that brought it takes it back: that one is
    /// not taken in to its end yet, or will come again.
    pub marked: u64,
    /// Entries that were given up because their key was missing, and that nobody handed back since.
    pub given_up: u64,
    /// Changes in the log.
    pub changes: u64,
    /// Of them, those whose device is no longer known, so that its signature was not checked.
    pub unsigned: u64,
    /// Events of the access log.
    pub events: u64,
    /// Events that the holder may not know of yet, or came to know of late.
    pub apart: u64,
    /// Held edits.
    pub held: u64,
    /// What is wrong.
    pub wrong: Vec<Wrong>,
}

/// Something that is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In which entry, if in one.
    pub entry: Option<EntryId>,
    /// What; never content.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(f, "entry {entry}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Finds the key of a device, revoked or not.
pub type DeviceKeys<'d> =
    dyn FnMut(&mut SqliteConnection, sync_core::DeviceId) -> Result<Option<PublicKey>, Fault> + 'd;

/// Checks one record.
///
/// # Errors
/// When the store cannot be read; what it holds wrongly is among the findings.
pub fn record(
    connection: &mut SqliteConnection,
    keys: &Keys,
    devices: &mut DeviceKeys<'_>,
    record: RecordId,
) -> Result<Findings, Fault> {
    let mut findings = Findings::default();
    let Some(row) = connection.record(record)? else {
        findings.note(None, "there is no such record");
        return Ok(findings);
    };
    let Ok(vault) = Vault::new(keys, record) else {
        findings.note(None, "its key does not exist");
        return Ok(findings);
    };
    let mut check = Check {
        connection,
        vault: &vault,
        row: &row,
        devices,
        findings,
        late: 0,
        told: Moved::default(),
        stands: BTreeSet::new(),
        unreadable: BTreeSet::new(),
        told_destroyed: BTreeSet::new(),
        told_given_up: BTreeSet::new(),
        held_before: 0,
        keys,
    };
    let chained = check.access_log()?;
    let apart = check.apart()?;
    let destroyed = check.destroyed()?;
    let given_up = check.given_up()?;
    check.log(&destroyed)?;
    check.shelves()?;
    let held = check.held(&destroyed)?;
    if chained && apart && held != check.told {
        let what = "the access log and the held edits do not agree";
        check.findings.note(None, what);
    }
    if chained && apart && !destroyed.keys().eq(&check.told_destroyed) {
        let what = "the access log and what was destroyed do not agree";
        check.findings.note(None, what);
    }
    if chained && apart && given_up != check.told_given_up {
        let what = "the access log and what was given up do not agree";
        check.findings.note(None, what);
    }
    if vault.open_opening(&row.opening).is_err() {
        check.findings.note(None, "how it was opened does not open");
    }
    Ok(check.findings)
}

impl Findings {
    fn note(&mut self, entry: Option<EntryId>, what: impl Into<String>) {
        let what = what.into();
        self.wrong.push(Wrong { entry, what });
    }
}

struct Check<'c, 'd> {
    connection: &'c mut SqliteConnection,
    vault: &'c Vault<'c>,
    row: &'c RecordRow,
    devices: &'c mut DeviceKeys<'d>,
    findings: Findings,
    /// Events of the access log that were told late.
    late: u64,
    /// What both chains tell of held edits.
    told: Moved,
    /// Where entries stand by their changes.
    stands: BTreeSet<Stands>,
    /// The entries of which that is not known.
    unreadable: BTreeSet<EntryId>,
    /// The entries that both chains say were destroyed.
    told_destroyed: BTreeSet<EntryId>,
    /// The entries that both chains say were given up.
    told_given_up: BTreeSet<EntryId>,
    /// How many edits were held and settled before they were given up.
    held_before: u64,
    keys: &'c Keys,
}

/// An entry, a shelf, since when it stands there or left it, and whether it left.
type Stands = (EntryId, ShelfId, Tick, bool);

/// How many edits were held, and how many of them settled.
#[derive(Default, PartialEq, Eq)]
struct Moved {
    held: u64,
    settled: u64,
}

impl Moved {
    fn count(&mut self, event: &AccessEvent) {
        match event.action {
            AccessAction::Hold => self.held += event.changes,
            AccessAction::Settle => self.settled += event.changes,
            _ => {}
        }
    }
}

impl Check<'_, '_> {
    /// The chain of the access log, up to the head that the record names; whether all of it could
    /// be read.
    fn access_log(&mut self) -> Result<bool, Fault> {
        let clock = self.row.clock;
        let mut verifier = Verifier::new(self.row.record, clock.audit_head);
        let mut seq = 0;
        loop {
            let rows = self.connection.audit_after(self.row.record, seq, PAGE)?;
            for row in &rows {
                seq = row.seq;
                self.findings.events += 1;
                let Ok(event) = self.vault.open_event(row.seq, &row.sealed) else {
                    let what = format!("event {} of the access log does not open", row.seq);
                    self.findings.note(None, what);
                    return Ok(false);
                };
                let chained = ChainedEvent {
                    event: event.into(),
                    hash: row.hash,
                };
                match verifier.push(&chained) {
                    Ok(event) if event.chained_at() == row.tick && row.tick <= clock.last => {
                        self.hears_what_is_gone(&event);
                        // What was told late is counted where it was kept apart.
                        match event.logged {
                            Some(_) => self.late += 1,
                            None => self.told.count(&event),
                        }
                    }
                    Ok(_) => {
                        let what = format!("event {} of the access log is misdated", row.seq);
                        self.findings.note(None, what);
                    }
                    Err(broken) => {
                        self.findings.note(None, broken.to_string());
                        return Ok(false);
                    }
                }
            }
            if rows.len() < PAGE as usize {
                break;
            }
        }
        match verifier.finish() {
            Ok(verified) if verified.head.seq == clock.audit_len => {}
            Ok(_) => self
                .findings
                .note(None, "the access log is longer than the record says"),
            Err(broken) => self.findings.note(None, broken.to_string()),
        }
        Ok(true)
    }

    /// The chain of what is kept apart from the access log, and that all of it that was told
    /// stands there; whether all of it could be read.
    fn apart(&mut self) -> Result<bool, Fault> {
        let record = self.row.record;
        let head = audit::apart_head(&record, &self.row.clock);
        let beginning = Verified {
            head: LogHead::genesis_apart(&record),
            last: Tick(0),
        };
        let mut verifier = Verifier::after(record, &beginning, head.hash);
        let (mut seq, mut told) = (0, 0);
        loop {
            let rows = self.connection.apart_after(record, seq, PAGE)?;
            for row in &rows {
                seq = row.seq;
                self.findings.apart += 1;
                told += u64::from(row.told.is_some());
                let Ok(event) = self.vault.open_apart(row.seq, &row.sealed) else {
                    let what = format!("event {} kept apart does not open", row.seq);
                    self.findings.note(Some(row.entry), what);
                    return Ok(false);
                };
                let event = event.into();
                let hash = row.hash;
                match verifier.push(&ChainedEvent { event, hash }) {
                    Ok(event) if event.at == row.tick && event.entries == [row.entry] => {
                        self.hears_what_is_gone(&event);
                        self.told.count(&event);
                    }
                    Ok(_) => {
                        let what = format!("event {} kept apart is misfiled", row.seq);
                        self.findings.note(Some(row.entry), what);
                    }
                    Err(broken) => {
                        let what = format!("what is kept apart: {broken}");
                        self.findings.note(None, what);
                        return Ok(false);
                    }
                }
            }
            if rows.len() < PAGE as usize {
                break;
            }
        }
        if !verifier
            .finish()
            .is_ok_and(|verified| verified.head == head)
        {
            let what = "what is kept apart from the access log is not all there";
            self.findings.note(None, what);
        }
        if told != self.late {
            let what = "the access log and what was kept apart from it do not agree";
            self.findings.note(None, what);
        }
        Ok(true)
    }

    /// Every entry from its changes, and that there are no others.
    fn log(&mut self, destroyed: &Destroyed) -> Result<(), Fault> {
        let record = self.row.record;
        let mut after = Tick(0);
        let mut logged: u64 = 0;
        loop {
            let ticks = self.connection.ticks_after(record, after, PAGE)?;
            logged += ticks.len() as u64;
            match ticks.last() {
                Some(last) => after = *last,
                None => break,
            }
        }
        if after > self.row.clock.last {
            self.findings
                .note(None, "the log is ahead of the record's clock");
        }
        let mut rights = self.row.created;
        let mut upto = None;
        loop {
            let rows = self.connection.entries_after(record, upto, PAGE)?;
            for row in &rows {
                upto = Some(row.entry);
                if row.is_right {
                    rights = rights.max(row.touched);
                }
                let key = self.vault.entry_key(row.key)?;
                match (destroyed.get(&row.entry), key) {
                    (None, Some(key)) if !row.is_destroyed() => self.entry(row, &key)?,
                    (gone, key) => self.emptied(row, gone, key.is_some())?,
                }
            }
            if rows.len() < PAGE as usize {
                break;
            }
        }
        if logged != self.findings.changes {
            self.findings
                .note(None, "the log has changes of entries that do not exist");
        }
        if rights != self.row.clock.rights {
            self.findings
                .note(None, "the record misdates the last change of a right");
        }
        Ok(())
    }

    /// That entries stand on the shelves of their classes, and nowhere else: who asks what is new
    /// looks nowhere else.
    fn shelves(&mut self) -> Result<(), Fault> {
        let record = self.row.record;
        let shelves = self.connection.shelves(record)?;
        if shelves.len() as u64 != self.row.clock.shelves {
            self.findings.note(None, "the record miscounts its shelves");
        }
        let mut found = BTreeSet::new();
        for (id, sealed) in shelves {
            let shelf = self.vault.open_shelf(id, &sealed);
            if !shelf.is_ok_and(|shelf| self.vault.shelf(&shelf) == id) {
                self.findings.note(None, "a shelf of it does not open");
            }
            let OnShelf { stand, left } = self.connection.standing_on(record, id)?;
            let stand = stand.into_iter().map(|(entry, at)| (entry, id, at, false));
            let left = left.into_iter().map(|(entry, at)| (entry, id, at, true));
            found.extend(stand.chain(left));
        }
        let wrong: BTreeSet<EntryId> = found
            .symmetric_difference(&self.stands)
            .map(|(entry, ..)| *entry)
            .filter(|entry| !self.unreadable.contains(entry))
            .collect();
        for entry in wrong {
            let what = "it is not on the shelf where it belongs";
            self.findings.note(Some(entry), what);
        }
        Ok(())
    }

    fn entry(&mut self, row: &EntryRow, key: &SealingKey) -> Result<(), Fault> {
        let record = self.row.record;
        let changes = self.connection.log_of_entry(record, row.entry, Tick(0))?;
        self.findings.changes += changes.len() as u64;
        let mut made = Made::default();
        for change in &changes {
            if let Err(what) = self.change(key, change, &mut made)? {
                let what = format!("its change at tick {} {what}", change.tick.0);
                self.findings.note(Some(row.entry), what);
                self.unreadable.insert(row.entry);
                return Ok(());
            }
        }
        let (moved, _) = shelves::whereabouts(self.vault, &made.touches);
        let stands = moved.to.into_iter().map(|(on, at)| (on, at, false));
        let left = moved.left.into_iter().map(|(on, at)| (on, at, true));
        let all = stands.chain(left);
        self.stands
            .extend(all.map(|(shelf, at, left)| (row.entry, shelf, at, left)));
        let stored = self.connection.entry(record, row.entry)?;
        let document = stored
            .and_then(|(row, sealed)| self.vault.open_document(key, &row, &sealed).ok())
            .and_then(|bytes| EntryDocument::load(&bytes).ok());
        let heads = document.as_ref().map(EntryDocument::heads);
        let filed = self.vault.open_filed(key, row).ok();
        let class = filed.as_ref().map(|filed| filed.class.clone());
        let version = filed.as_ref().and_then(|filed| filed.version);
        let people = filed.and_then(|filed| filed.people);
        let made_by = made.provenance.values();
        let made_by: BTreeSet<PersonId> = made_by.flat_map(|one| one.origin.people()).collect();
        let due = class
            .as_ref()
            .and_then(|class| class.visibility.hidden_from_patient_until);
        let last = changes.last().map(|change| change.tick);
        let history = self.connection.history(record, row.entry)?;
        let history = history.map(|sealed| {
            let bytes = self.vault.open_history(key, row, &sealed).ok()?;
            History::from_bytes(&bytes).ok()
        });
        let found = [
            (
                heads == Some(made.document.heads()),
                "its document is not what its changes make",
            ),
            (
                class.is_some() && class == made.class,
                "its class is not what its changes make",
            ),
            (
                version.is_none_or(|version| version == made.version),
                "its version is not that of its changes",
            ),
            (
                people.is_none_or(|people| people == made_by),
                "who is said to have made its changes are not those who did",
            ),
            (
                history.is_none_or(|history| history.as_ref() == Some(&made.history)),
                "what is kept of its changes in one piece is not what they are",
            ),
            (
                due == row.due,
                "it falls due at another time than its class says",
            ),
            (
                last == Some(row.touched),
                "its last touch is not its last change",
            ),
            (
                row.changes == changes.len() as u64,
                "it miscounts its changes",
            ),
            (row.bytes == made.bytes, "it miscounts its bytes"),
        ];
        let wrong = found.iter().filter(|(right, _)| !right);
        let before = self.findings.wrong.len();
        for (_, what) in wrong {
            self.findings.note(Some(row.entry), *what);
        }
        self.marks(row.entry, &made)?;
        if self.findings.wrong.len() == before {
            self.findings.entries += 1;
        }
        self.parties(row, class.as_ref())
    }

    fn parties(&mut self, row: &EntryRow, class: Option<&EntryClass>) -> Result<(), Fault> {
        // What of the class cannot be opened, was said.
        let Some(class) = class else { return Ok(()) };
        let found = self.connection.parties(self.row.record, row.entry)?;
        let found: BTreeSet<Blind> = found.into_iter().collect();
        let named = class.concerns.filter(|_| row.is_right);
        let all = named.map_or_else(Vec::new, |_| self.vault.parties(class));
        let all: BTreeSet<Blind> = all.into_iter().collect();
        let party = named.map(|person| self.vault.party_blind(person));
        let party = party.filter(|party| all.contains(party));
        let wrong = [
            (
                party.is_some_and(|party| !found.contains(&party)),
                "whom it names cannot find the record",
            ),
            (
                all.iter()
                    .any(|one| Some(*one) != party && !found.contains(one)),
                "it is not counted among those that its caregiver helps by",
            ),
            (
                !found.is_subset(&all),
                "it is found by somebody whom it does not name",
            ),
        ];
        for (_, what) in wrong.into_iter().filter(|(wrong, _)| *wrong) {
            self.findings.note(Some(row.entry), what);
        }
        Ok(())
    }

    /// Adds a change to what the entry is made of, or says what is wrong with it.
    fn change(
        &mut self,
        key: &SealingKey,
        row: &LogRow,
        made: &mut Made,
    ) -> Result<Result<(), &'static str>, Fault> {
        let Ok(about) = self
            .vault
            .open_about(key, (row.entry, row.tick), &row.about)
        else {
            return Ok(Err("does not open"));
        };
        let Ok(change) = self.vault.open_change(key, row) else {
            return Ok(Err("does not open"));
        };
        let Ok(origin) = about.origin.read() else {
            return Ok(Err("does not say where it comes from"));
        };
        let Ok(inspected) = guard::inspect(&change) else {
            return Ok(Err("is not a change the guard lets through"));
        };
        let named = inspected.hash() == about.change
            && self.vault.change_blind(&about.change) == row.change_blind
            && self.vault.actor_blind(&inspected.actor()) == row.actor_blind
            && inspected.past.seq == row.seq;
        if !named {
            return Ok(Err("is filed under another name"));
        }
        let device = (self.devices)(self.connection, origin.device)?;
        match (&about.origin.voucher, device) {
            (Voucher::Server(_), _) => {
                let named = (&row.entry, &about.change);
                let server = [self.keys.server_signing_key().public_key];
                let proven = about.origin.proven(&server, &self.row.record, named);
                if proven.is_none() {
                    return Ok(Err("was handed back, and this server had not accepted it"));
                }
            }
            (_, Some(device)) => {
                let signed =
                    about
                        .origin
                        .verifies(&device, &self.row.record, &row.entry, &about.change);
                if !signed {
                    return Ok(Err("was not signed by its device"));
                }
            }
            (_, None) => self.findings.unsigned += 1,
        }
        let state = made.document.state();
        let Ok((document, state, _)) = guard::admit(&made.document, &state, &inspected) else {
            return Ok(Err("does not follow from those before"));
        };
        let author = made
            .class
            .as_ref()
            .map_or(origin.author, |class| class.author);
        let class = EntryClass::of(&state, author);
        if class != about.class {
            return Ok(Err("is filed under another class"));
        }
        made.document = document;
        let accepted = Some(row.tick);
        made.provenance
            .insert(about.change, Provenance { origin, accepted });
        made.touches.push((row.tick, class.clone()));
        made.class = Some(class);
        made.bytes += change.len() as u64;
        made.version = made.version.and(row.tick, &about.change);
        let edit = Edit {
            entry: row.entry,
            change,
            origin: about.origin,
        };
        made.history.push(Stripped::new(&edit, accepted));
        Ok(Ok(()))
    }

    fn held(&mut self, destroyed: &Destroyed) -> Result<Moved, Fault> {
        let mut moved = Moved {
            held: self.held_before,
            settled: self.held_before,
        };
        let end = Tick(i64::MAX.cast_unsigned());
        for row in self.connection.held_shown(self.row.record, Tick(0), end)? {
            moved.held += 1;
            moved.settled += u64::from(row.settlement.is_some());
            let opened = self.vault.open_held(&row);
            let emptied = opened
                .as_ref()
                .is_ok_and(|held| held.edit.change.is_empty());
            if emptied != destroyed.contains_key(&row.entry) {
                let what = "a held edit of it is not as a destroyed entry's should be";
                self.findings.note(Some(row.entry), what);
            }
            if !opened.is_ok_and(|held| self.vault.change_blind(&held.change) == row.change_blind) {
                self.findings
                    .note(Some(row.entry), "a held edit of it does not open");
            }
            let named = (row.entry, row.received);
            let about = self.vault.open_held_about(named, &row.about);
            let agrees = about.is_ok_and(|about| {
                let blind = self.vault.change_blind(&about.change);
                (blind, about.destroyed) == (row.change_blind, emptied)
            });
            if !agrees {
                let what = "what is said about a held edit of it is not of that edit";
                self.findings.note(Some(row.entry), what);
            }
        }
        self.findings.held = moved.held - self.held_before;
        Ok(moved)
    }
}

/// An entry as its changes make it.
#[derive(Default)]
struct Made {
    document: EntryDocument,
    /// Where its changes come from.
    provenance: BTreeMap<ChangeHash, Provenance>,
    class: Option<EntryClass>,
    /// Its class after each change.
    touches: Vec<(Tick, EntryClass)>,
    bytes: u64,
    version: Version,
    history: History,
}
