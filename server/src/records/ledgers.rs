//! The rights of records, as last worked out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diesel::SqliteConnection;
use sync_core::authority::{RightEntry, RightsLedger};
use sync_core::entry::EntryDocument;
use sync_core::policy::Rights;
use sync_core::{LogIncarnation, RecordId, Tick};

use super::histories;
use super::vault::Vault;
use crate::fault::Fault;
use crate::storage::records::{EntryRow, RecordRow, RecordStore};

/// Records whose rights are kept; beyond it those that were asked for longest ago make room.
const KEPT: usize = 4_096;

/// How many bytes the changes of all rights take that are kept; beyond it likewise.
pub(crate) const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// The rights last worked out, each good as long as its record's last change of a right is the
/// same. What is not durable yet is kept apart, for one group of writes: a tick that was undone is
/// taken again by another event.
#[derive(Default)]
pub(super) struct Ledgers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// What is durable, and when it was asked for last.
    durable: HashMap<RecordId, (u64, Known)>,
    /// Whose was asked for when, by a count.
    order: BTreeMap<u64, RecordId>,
    asked: u64,
    bytes: usize,
    /// What the jobs of one group of writes worked out.
    open: Open,
}

/// What is durable only once a group of writes is.
#[derive(Default)]
struct Open {
    group: u64,
    known: HashMap<RecordId, Known>,
    bytes: usize,
}

impl Kept {
    /// A record's, as they are in this row.
    fn find(&mut self, row: &RecordRow, group: u64) -> Option<Arc<KnownRights>> {
        if self.open.group < group {
            self.begin(group);
        }
        let open = self.open.known.get(&row.record);
        let open = open.filter(|_| self.open.group == group);
        if let Some(open) = open.filter(|open| open.is_of(row)) {
            return Some(open.known.clone());
        }
        let kept = self.durable.get_mut(&row.record);
        let (asked, kept) = kept.filter(|(_, kept)| kept.is_of(row))?;
        self.order.remove(asked);
        self.asked += 1;
        *asked = self.asked;
        self.order.insert(self.asked, row.record);
        Some(kept.known.clone())
    }

    /// Keeps one record's, in place of what was kept of it, unless that is later; not if it is too
    /// large, which must cost the others nothing.
    fn put(&mut self, record: RecordId, known: Known) {
        let before = self.durable.get(&record).map(|(_, before)| before);
        if before.is_some_and(|b| b.log == known.log && b.rights > known.rights) {
            return;
        }
        self.forget(record);
        let bytes = known.known.ledger.bytes();
        if bytes > KEPT_BYTES {
            return;
        }
        while self.durable.len() >= KEPT || self.bytes.saturating_add(bytes) > KEPT_BYTES {
            let Some((_, oldest)) = self.order.first_key_value() else {
                break;
            };
            self.forget(*oldest);
        }
        self.bytes += bytes;
        self.asked += 1;
        self.order.insert(self.asked, record);
        self.durable.insert(record, (self.asked, known));
    }

    fn forget(&mut self, record: RecordId) {
        if let Some((asked, before)) = self.durable.remove(&record) {
            self.order.remove(&asked);
            self.bytes -= before.known.ledger.bytes();
        }
    }

    /// Forgets what was worked out in another group, which is durable or undone.
    fn begin(&mut self, group: u64) {
        self.open = Open {
            group,
            ..Open::default()
        };
    }

    /// Keeps one record's for the jobs of a group that come later. If there is no room, what those
    /// before worked out makes it.
    fn put_open(&mut self, record: RecordId, known: Known, group: u64) {
        if self.open.group != group {
            self.begin(group);
        }
        if let Some(before) = self.open.known.remove(&record) {
            self.open.bytes -= before.known.ledger.bytes();
        }
        let bytes = known.known.ledger.bytes();
        if bytes > KEPT_BYTES {
            return;
        }
        let full = self.open.known.len() >= KEPT;
        if full || self.open.bytes.saturating_add(bytes) > KEPT_BYTES {
            self.begin(group);
        }
        self.open.bytes += bytes;
        self.open.known.insert(record, known);
    }

    /// Keeps what the jobs of a group worked out, which is durable now.
    fn close(&mut self, group: u64) {
        if self.open.group == group {
            let ended = std::mem::take(&mut self.open);
            self.begin(group);
            for (record, known) in ended.known {
                self.put(record, known);
            }
        }
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

/// The rights of a record, and as of when.
#[derive(Clone)]
struct Known {
    log: LogIncarnation,
    rights: Tick,
    known: Arc<KnownRights>,
}

impl Known {
    /// These rights, which are those of the record as in `row`.
    fn new(row: &RecordRow, known: Arc<KnownRights>) -> Self {
        Known {
            log: row.log,
            rights: row.clock.rights,
            known,
        }
    }

    /// Whether they are those of the record as in `row`.
    fn is_of(&self, row: &RecordRow) -> bool {
        (self.log, self.rights) == (row.log, row.clock.rights)
    }
}

impl Ledgers {
    /// The rights of a record, from memory if nothing changed; `group` is the group of writes begun
    /// last.
    pub(super) fn load(
        &self,
        connection: &mut SqliteConnection,
        vault: &Vault<'_>,
        row: &RecordRow,
        group: u64,
    ) -> Result<Arc<KnownRights>, Fault> {
        let found = self.kept().find(row, group);
        match found {
            Some(known) => Ok(known),
            None => Ok(Arc::new(KnownRights::new(read(connection, vault, row)?))),
        }
    }

    /// Whether any of a record are in memory.
    pub(super) fn has(&self, record: RecordId) -> bool {
        self.kept().durable.contains_key(&record)
    }

    /// Keeps the rights of a record, which are durable.
    pub(super) fn keep(&self, row: &RecordRow, known: Arc<KnownRights>) {
        self.kept().put(row.record, Known::new(row, known));
    }

    /// Keeps the rights of a record for what comes later in the same group of writes: whoever calls
    /// this knows that no job of it undoes them but by undoing all.
    pub(super) fn keep_open(&self, row: &RecordRow, known: Arc<KnownRights>, group: u64) {
        let known = Known::new(row, known);
        self.kept().put_open(row.record, known, group);
    }

    /// Takes note that a group of writes is durable, and with it what its jobs worked out.
    pub(super) fn close(&self, group: u64) {
        self.kept().close(group);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            provenance: histories::provenance(store, vault, (&right, &key))?,
            bytes: usize::try_from(right.bytes).unwrap_or(usize::MAX),
        });
    }
    Ok(RightsLedger::new(row.holder, rights))
}

/// A stored document.
pub(crate) fn load_document(bytes: &[u8]) -> Result<EntryDocument, Fault> {
    EntryDocument::load(bytes).map_err(|_| Fault::malformed("entries.document"))
}

#[cfg(test)]
mod tests {
    use sync_core::entry::EntryState;
    use sync_core::{Digest32, EntryId, PersonId};

    use super::*;
    use crate::storage::records::RecordClock;

    fn known(bytes: usize) -> Arc<KnownRights> {
        let right = RightEntry {
            entry: EntryId(uuid::Uuid::from_u128(1)),
            state: EntryState::default(),
            provenance: BTreeMap::new(),
            bytes,
        };
        let ledger = RightsLedger::new(PersonId(uuid::Uuid::nil()), vec![right]);
        Arc::new(KnownRights::new(ledger))
    }

    fn row(name: u128, rights: u64) -> RecordRow {
        RecordRow {
            record: RecordId(uuid::Uuid::from_u128(name)),
            holder: PersonId(uuid::Uuid::nil()),
            log: LogIncarnation([2; 16]),
            clock: RecordClock {
                last: Tick(9),
                rights: Tick(rights),
                audit_len: 0,
                audit_head: Digest32::of(&[]),
                apart_len: 0,
                apart_head: None,
                shelves: 0,
                bytes: 0,
            },
            open: true,
            opening: Vec::new(),
            created: Tick(1),
        }
    }

    fn put(kept: &mut Kept, name: u128, bytes: usize) {
        let row = row(name, 1);
        kept.put(row.record, Known::new(&row, known(bytes)));
    }

    /// Which of these records' are found.
    fn found(kept: &mut Kept, names: &[u128]) -> Vec<u128> {
        let mut names = names.to_vec();
        names.retain(|name| kept.find(&row(*name, 1), 0).is_some());
        names
    }

    #[test]
    fn what_is_too_large_to_be_kept_costs_the_others_nothing() {
        let mut kept = Kept::default();
        put(&mut kept, 1, 1_000);
        put(&mut kept, 2, KEPT_BYTES + 1);
        assert_eq!((kept.durable.len(), kept.bytes), (1, 1_000));
        // Nor is what was kept of it before it grew.
        put(&mut kept, 1, KEPT_BYTES + 1);
        assert_eq!((kept.durable.len(), kept.bytes), (0, 0));
        put(&mut kept, 1, KEPT_BYTES);
        assert_eq!((kept.durable.len(), kept.bytes), (1, KEPT_BYTES));
        put(&mut kept, 2, 1);
        assert_eq!((kept.durable.len(), kept.bytes), (1, 1));
        assert_eq!(kept.order.len(), 1);
    }

    #[test]
    fn those_asked_for_longest_ago_make_room_and_no_more_of_them_than_must() {
        let mut kept = Kept::default();
        for name in 1..=4 {
            put(&mut kept, name, KEPT_BYTES / 4);
        }
        assert_eq!(found(&mut kept, &[2, 1]), [2, 1]);
        put(&mut kept, 5, KEPT_BYTES / 2);
        assert_eq!(found(&mut kept, &[1, 2, 3, 4, 5]), [1, 2, 5]);
        assert_eq!((kept.order.len(), kept.bytes), (3, KEPT_BYTES));
    }

    #[test]
    fn no_more_records_are_kept_than_may_be() {
        let mut kept = Kept::default();
        for name in 0..=KEPT as u128 {
            put(&mut kept, name, 1);
        }
        assert_eq!((kept.durable.len(), kept.order.len()), (KEPT, KEPT));
        assert_eq!(found(&mut kept, &[0, 1]), [1]);
    }

    /// A reader may be late with what it found.
    #[test]
    fn what_was_worked_out_later_is_not_put_back() {
        let mut kept = Kept::default();
        for (rights, bytes) in [(5, 50), (4, 40)] {
            let row = row(1, rights);
            kept.put(row.record, Known::new(&row, known(bytes)));
        }
        assert!(kept.find(&row(1, 5), 0).is_some());
        assert_eq!((kept.bytes, kept.order.len()), (50, 1));
    }

    #[test]
    fn what_is_not_durable_is_found_in_its_own_group_only() {
        let mut kept = Kept::default();
        let (before, after) = (row(1, 1), row(1, 2));
        kept.put(before.record, Known::new(&before, known(10)));
        kept.put_open(after.record, Known::new(&after, known(20)), 7);
        assert!(kept.find(&after, 6).is_none());
        let known = kept.find(&after, 7).expect("its own");
        assert_eq!(known.ledger.bytes(), 20);
        // Whoever reads sees what was there before.
        assert_eq!(kept.find(&before, 7).expect("kept").ledger.bytes(), 10);
        assert!(kept.find(&after, 8).is_none());
        // Nothing is left of it when the next group works something out, or looks for something.
        let other = row(2, 2);
        kept.put_open(other.record, Known::new(&other, known.clone()), 8);
        assert!(kept.find(&after, 7).is_none());
        assert!(kept.find(&before, 9).is_some());
        assert!(kept.open.known.is_empty() && kept.open.bytes == 0);
        // Who began to read before knows of no group since.
        kept.put_open(other.record, Known::new(&other, known), 10);
        assert!(kept.find(&other, 9).is_none());
        assert!(kept.find(&other, 10).is_some());
    }

    #[test]
    fn a_group_keeps_no_more_than_may_be_and_nothing_once_it_is_durable() {
        let mut kept = Kept::default();
        let put_open = |kept: &mut Kept, name: u128, bytes: usize| {
            let row = row(name, 1);
            kept.put_open(row.record, Known::new(&row, known(bytes)), 0);
            assert!(kept.open.bytes <= KEPT_BYTES);
        };
        for name in 1..=3 {
            put_open(&mut kept, name, KEPT_BYTES / 2);
        }
        assert_eq!(found(&mut kept, &[1, 2, 3]), [3]);
        put_open(&mut kept, 3, KEPT_BYTES + 1);
        assert_eq!((kept.open.known.len(), kept.open.bytes), (0, 0));
        for name in 0..=KEPT as u128 {
            put_open(&mut kept, name, 1);
        }
        assert!(kept.open.known.len() <= KEPT);
        put_open(&mut kept, 7, 70);
        // Of another group nothing is known to be durable.
        kept.close(1);
        assert!(kept.durable.is_empty());
        put_open(&mut kept, 8, 80);
        kept.close(0);
        assert!(kept.open.known.is_empty() && kept.open.bytes == 0);
        assert_eq!(found(&mut kept, &[8]), [8]);
    }
}
