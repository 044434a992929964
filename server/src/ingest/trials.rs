use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use diesel::SqliteConnection;
use sync_core::authority::{Kept, Unverified, VerifiedEdit};
use sync_core::guard::Trial;
use sync_core::{Bytes, ChangeHash, EntryId, PersonId, RecordId};

use super::HandedIn;
use crate::guard::{Ask, MOST_BYTES, Tries, Verdicts};
use crate::records::vault::Vault;
use crate::records::{AccessError, Records};
use crate::storage::records::RecordStore as _;

/// How many edits are put to a process at once, so that others have their turn between.
pub const MOST_EDITS: usize = 32;

/// What came of trying changes, by their names.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    of: BTreeMap<ChangeHash, Trial>,
    /// Those that ended the process that tried them.
    harmful: BTreeSet<ChangeHash>,
}

/// What came of trying the changes of a request.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// The numbers of those that are not to be looked at again.
    pub refused: BTreeSet<usize>,
    /// Of the others.
    pub trials: Trials,
}

impl Trials {
    /// What came of trying a change.
    pub fn of(&self, change: &ChangeHash) -> Option<&Trial> {
        self.of.get(change)
    }

    /// Whether an edit did harm when it was tried, on whatever its entry was then.
    pub(super) fn refuses(&self, edit: &VerifiedEdit) -> bool {
        self.harmful.contains(&edit.change())
    }

    /// Whether an edit can be judged by what came of it: it was tried on its entry as it stands, or
    /// is not to be added to it.
    pub(super) fn fits(&self, edit: &VerifiedEdit, kept: Option<&Kept>) -> bool {
        let change = edit.change();
        let settled =
            |kept: &Kept| kept.destroyed.is_some() || kept.provenance.contains_key(&change);
        if kept.is_some_and(settled) {
            return true;
        }
        let heads = kept.map(|kept| kept.document.heads()).unwrap_or_default();
        self.of(&change).is_some_and(|trial| trial.onto == heads)
    }

    /// Whether they hold as many bytes of entries as one ask may give.
    pub fn are_many(&self) -> bool {
        let saved = |trial: &Trial| trial.outcome.as_ref().map_or(0, |saved| saved.len());
        self.of.values().map(saved).sum::<usize>() >= MOST_BYTES
    }

    /// Keeps what came of edits that still wait: of the others it is of no use any more.
    pub fn keep(&mut self, waiting: &[Result<VerifiedEdit, Unverified>]) {
        let waiting = waiting.iter().flatten();
        let waiting: BTreeSet<ChangeHash> = waiting.map(VerifiedEdit::change).collect();
        self.of.retain(|change, _| waiting.contains(change));
    }

    /// Adds what came of trying others, or the same again.
    pub fn extend(&mut self, other: Trials) {
        self.of.extend(other.of);
        self.harmful.extend(other.harmful);
    }
}

/// An edit that is to be tried: its entry and its change.
type Edit = (EntryId, Bytes);

impl HandedIn {
    /// What is to be tried.
    pub fn edits(&self) -> Vec<Edit> {
        let edit = |item: &sync_core::sync::Item| (item.edit.entry, item.edit.change.clone());
        self.items.iter().map(edit).collect()
    }
}

/// The edits that are to be tried before the next pass, at least one of them: those of the entry
/// that is next, so many at most, and others that were not tried yet, unless much is known of those
/// that were.
pub fn next(
    waiting: &[Result<VerifiedEdit, Unverified>],
    trials: &Trials,
    most: usize,
) -> Vec<Edit> {
    let mut waiting = waiting.iter().flatten();
    let Some(first) = waiting.next() else {
        return Vec::new();
    };
    let (mut left, full) = (most.max(1), trials.are_many());
    let wanted = |edit: &&VerifiedEdit| {
        if edit.entry() != first.entry() {
            return !full && trials.of(&edit.change()).is_none();
        }
        let wanted = left > 0;
        left = left.saturating_sub(1);
        wanted
    };
    let edit = |edit: &VerifiedEdit| (edit.entry(), edit.edit().change.clone());
    let all = std::iter::once(first).chain(waiting);
    all.filter(wanted).take(MOST_EDITS).map(edit).collect()
}

/// Edits that are put to a trying process.
pub struct Question {
    ask: Ask,
}

impl Question {
    /// Puts edits to the question on their entries as they are stored, as far as these fit: every
    /// edit is inspected, and those of these entries no more than that.
    ///
    /// # Errors
    /// When the store fails, or the record is not this person's to come to.
    pub fn new(
        records: &Records,
        connection: &mut SqliteConnection,
        (record, person): (RecordId, PersonId),
        (edits, inspected): (Vec<Edit>, BTreeSet<EntryId>),
    ) -> Result<Self, AccessError> {
        records.row_for(connection, record, person)?;
        let vault = Vault::new(&records.keys, record)?;
        let mut entries: BTreeMap<EntryId, Option<Tries>> = BTreeMap::new();
        let (mut order, mut bytes) = (Vec::new(), 0);
        let mut changes = Vec::with_capacity(edits.len());
        for (number, (entry, change)) in edits.into_iter().enumerate() {
            changes.push(change);
            if let Entry::Vacant(new) = entries.entry(entry) {
                order.push(entry);
                let tries = match bytes < MOST_BYTES && !inspected.contains(&entry) {
                    true => Some(Tries {
                        document: stored(connection, &vault, entry)?,
                        changes: Vec::new(),
                    }),
                    false => None,
                };
                let document = tries.as_ref().and_then(|tries| tries.document.as_ref());
                bytes += document.map_or(0, |document| document.len());
                new.insert(tries);
            }
            if let Some(Some(tries)) = entries.get_mut(&entry) {
                tries.changes.push(number);
            }
        }
        let entries = order.iter().filter_map(|entry| entries.remove(entry)?);
        let ask = Ask {
            entries: entries.collect(),
            changes,
        };
        Ok(Question { ask })
    }

    /// What is to be asked.
    pub fn ask(&self) -> Ask {
        self.ask.clone()
    }

    /// What the answer says.
    pub fn read(self, verdicts: Verdicts) -> Tried {
        let mut tried = Tried::default();
        let of = self.ask.changes.iter().zip(verdicts.inspected);
        for (number, ((change, inspected), trial)) in of.zip(verdicts.tried).enumerate() {
            if inspected.is_err() {
                tried.refused.insert(number);
                tried.trials.harmful.insert(name_of(change));
            } else if let Some(trial) = trial {
                tried.trials.of.insert(name_of(change), trial);
            }
        }
        tried
    }
}

/// The name of a change that is sound: the digest of all but its mark and its checksum.
fn name_of(change: &Bytes) -> ChangeHash {
    let named = change.get(8..).unwrap_or_default();
    ChangeHash(sync_core::Digest32::of(&[named]).0)
}

/// An entry as it is stored; nothing if there is none, or its content is gone.
fn stored(
    connection: &mut SqliteConnection,
    vault: &Vault<'_>,
    entry: EntryId,
) -> Result<Option<Bytes>, AccessError> {
    let Some((row, document)) = connection.entry(vault.record(), entry)? else {
        return Ok(None);
    };
    if row.is_destroyed() {
        return Ok(None);
    }
    let Some(key) = vault.key_of(&row)? else {
        return Ok(None);
    };
    let document = vault.open_document(&key, &row, &document)?;
    Ok(Some(document.into()))
}
