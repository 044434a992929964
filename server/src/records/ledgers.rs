//! The rights of records, as last worked out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::SqliteConnection;
use sync_core::authority::{RightEntry, RightsLedger};
use sync_core::change::Provenance;
use sync_core::entry::EntryDocument;
use sync_core::policy::Rights;
use sync_core::{ChangeHash, EntryId, LogIncarnation, RecordId, Tick};

use super::vault::Vault;
use crate::fault::Fault;
use crate::keys::SealingKey;
use crate::storage::records::{EntryRow, RecordRow, RecordStore};

/// Records whose rights are kept; beyond it the memory is emptied and fills again.
const KEPT: usize = 4_096;

/// How many bytes the changes of all rights take that are kept; beyond it likewise.
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// The rights last worked out, each good as long as its record's last change of a right is the
/// same. Only what is durable is put here: a tick that was undone is taken again by another event.
#[derive(Default)]
pub(super) struct Ledgers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    known: HashMap<RecordId, Known>,
    bytes: usize,
}

impl Kept {
    /// Keeps one record's, in place of what was kept of it; not if it is too large, which must cost
    /// the others nothing.
    fn put(&mut self, record: RecordId, known: Known) {
        let bytes = known.known.ledger.bytes();
        let before = self.known.remove(&record);
        self.bytes -= before.map_or(0, |before| before.known.ledger.bytes());
        if bytes > KEPT_BYTES {
            return;
        }
        if self.known.len() >= KEPT || self.bytes.saturating_add(bytes) > KEPT_BYTES {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.known.insert(record, known);
    }
}

/// The rights of a record, worked out.
#[derive(Clone, Debug)]
pub struct KnownRights {
    /// As they stood at any moment.
    pub ledger: RightsLedger,
    /// By all that was accepted.
    pub latest: Arc<Rights>,
}

impl KnownRights {
    pub(crate) fn new(mut ledger: RightsLedger) -> Self {
        let latest = ledger.latest().clone();
        KnownRights { ledger, latest }
    }
}

struct Known {
    log: LogIncarnation,
    rights: Tick,
    known: Arc<KnownRights>,
}

impl Ledgers {
    /// The rights of a record, from memory if nothing changed.
    pub(super) fn load(
        &self,
        connection: &mut SqliteConnection,
        vault: &Vault<'_>,
        row: &RecordRow,
    ) -> Result<Arc<KnownRights>, Fault> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.known.get(&row.record)
            && (known.log, known.rights) == (row.log, row.clock.rights)
        {
            return Ok(known.known.clone());
        }
        drop(kept);
        Ok(Arc::new(KnownRights::new(read(connection, vault, row)?)))
    }

    pub(super) fn keep(&self, row: &RecordRow, known: Arc<KnownRights>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Known {
            log: row.log,
            rights: row.clock.rights,
            known,
        };
        kept.put(row.record, known);
    }
}

fn read(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    row: &RecordRow,
) -> Result<RightsLedger, Fault> {
    let rows = store.rights(row.record)?;
    let (rows, documents): (Vec<EntryRow>, Vec<_>) = rows.into_iter().unzip();
    let keys = vault.keys_of(&rows)?;
    let mut rights = Vec::with_capacity(rows.len());
    for ((right, document), key) in rows.into_iter().zip(documents).zip(keys) {
        let Some(key) = key else { continue };
        let document = load_document(&vault.open_document(&key, &right, &document)?)?;
        rights.push(RightEntry {
            entry: right.entry,
            state: document.state(),
            provenance: provenance(store, vault, &key, right.entry)?,
            bytes: usize::try_from(right.bytes).unwrap_or(usize::MAX),
        });
    }
    Ok(RightsLedger::new(row.holder, rights))
}

/// A stored document.
pub(crate) fn load_document(bytes: &[u8]) -> Result<EntryDocument, Fault> {
    EntryDocument::load(bytes).map_err(|_| Fault::malformed("entries.document"))
}

/// Where the changes of an entry come from.
pub(crate) fn provenance(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    key: &SealingKey,
    entry: EntryId,
) -> Result<BTreeMap<ChangeHash, Provenance>, Fault> {
    let rows = store.about_entry(vault.record(), entry)?;
    let read = |(tick, sealed): (Tick, Vec<u8>)| {
        let about = vault.open_about(key, (entry, tick), &sealed)?;
        let origin = about.origin.read();
        let origin = origin.map_err(|_| Fault::malformed("log.about"))?;
        let accepted = Some(tick);
        Ok((about.change, Provenance { origin, accepted }))
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use sync_core::PersonId;
    use sync_core::entry::EntryState;

    use super::*;

    fn known(bytes: usize) -> Known {
        let right = RightEntry {
            entry: EntryId(uuid::Uuid::from_u128(1)),
            state: EntryState::default(),
            provenance: BTreeMap::new(),
            bytes,
        };
        let ledger = RightsLedger::new(PersonId(uuid::Uuid::nil()), vec![right]);
        Known {
            log: LogIncarnation([2; 16]),
            rights: Tick(1),
            known: Arc::new(KnownRights::new(ledger)),
        }
    }

    #[test]
    fn what_is_too_large_to_be_kept_costs_the_others_nothing() {
        let record = |name: u128| RecordId(uuid::Uuid::from_u128(name));
        let mut kept = Kept::default();
        kept.put(record(1), known(1_000));
        kept.put(record(2), known(KEPT_BYTES + 1));
        assert_eq!((kept.known.len(), kept.bytes), (1, 1_000));
        // Nor is what was kept of it before it grew.
        kept.put(record(1), known(KEPT_BYTES + 1));
        assert_eq!((kept.known.len(), kept.bytes), (0, 0));
        kept.put(record(1), known(KEPT_BYTES));
        assert_eq!((kept.known.len(), kept.bytes), (1, KEPT_BYTES));
        kept.put(record(2), known(1));
        assert_eq!((kept.known.len(), kept.bytes), (1, 1));
    }
}
