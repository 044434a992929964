//! The shelves of records (see [`Shelf`]), as last looked up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_core::authority::{Place, Shelf, leaves, leaves_all, places, stands};
use sync_core::entry::EntryClass;
use sync_core::policy::{Matrix, Standing};
use sync_core::{EntryId, Epoch, LogIncarnation, RecordId, Tick};

use super::vault::Vault;
use crate::fault::Fault;
use crate::storage::records::{EntryRow, Move, RecordRow, RecordStore, ShelfId};

/// Records whose shelves are kept; beyond it the memory is emptied and fills again.
const KEPT: usize = 4_096;

/// Standings whose shelves are kept of one record.
const VIEWERS: usize = 64;

/// Entries looked at in one go.
const CHUNK: u32 = 256;

/// The shelves of a record. There are about as many as kinds in it, however many entries.
pub type Shelves = BTreeMap<ShelfId, Shelf>;

/// The shelves of records, each good as long as its record has as many. What is not durable yet is
/// kept apart, for one group of writes.
#[derive(Default)]
pub(super) struct Library {
    durable: Mutex<HashMap<RecordId, Known>>,
    open: Mutex<(u64, HashMap<RecordId, Known>)>,
}

struct Known {
    log: LogIncarnation,
    all: Arc<Shelves>,
    /// Those of a viewer, by what decides their rights.
    theirs: HashMap<Epoch, Arc<[ShelfId]>>,
}

impl Library {
    /// The shelves of a record, from memory if it has no more.
    pub(super) fn load(
        &self,
        store: &mut impl RecordStore,
        vault: &Vault<'_>,
        row: &RecordRow,
        group: u64,
    ) -> Result<Arc<Shelves>, Fault> {
        let known = |kept: &HashMap<RecordId, Known>| {
            let known = kept.get(&row.record).filter(|known| known.is_of(row));
            known.map(|known| known.all.clone())
        };
        let open = self.open();
        if let Some(all) = known(&open.1).filter(|_| open.0 == group) {
            return Ok(all);
        }
        drop(open);
        let found = known(&self.durable());
        match found {
            Some(all) => Ok(all),
            None => Ok(Arc::new(all(store, vault)?)),
        }
    }

    /// Keeps the shelves of a record for what comes later in the same group of writes.
    pub(super) fn keep_open(&self, row: &RecordRow, all: Arc<Shelves>, group: u64) {
        let mut open = self.open();
        if open.0 != group {
            *open = (group, HashMap::new());
        }
        open.1.insert(row.record, Known::new(row, all));
    }

    /// Keeps the shelves of a record, which are durable.
    pub(super) fn keep(&self, row: &RecordRow, all: Arc<Shelves>) {
        let mut kept = self.durable();
        let later = |known: &Known| known.log == row.log && known.all.len() >= all.len();
        if kept.get(&row.record).is_some_and(later) {
            return;
        }
        if kept.len() >= KEPT && !kept.contains_key(&row.record) {
            kept.clear();
        }
        kept.insert(row.record, Known::new(row, all));
    }

    fn durable(&self) -> MutexGuard<'_, HashMap<RecordId, Known>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, (u64, HashMap<RecordId, Known>)> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of `all`, the shelves of a record, on which a viewer looks for news. `epoch` names the
    /// standing and the matrix.
    pub(super) fn of_viewer(
        &self,
        row: &RecordRow,
        all: &Shelves,
        (epoch, standing, matrix): (Epoch, &Standing, &Matrix),
    ) -> Arc<[ShelfId]> {
        let mut kept = self.durable();
        let known = kept.get_mut(&row.record).filter(|known| known.is_of(row));
        if let Some(theirs) = known.as_ref().and_then(|known| known.theirs.get(&epoch)) {
            return theirs.clone();
        }
        let theirs = all
            .iter()
            .filter(|(_, shelf)| shelf.is_for(standing, matrix));
        let theirs: Arc<[ShelfId]> = theirs.map(|(id, _)| *id).collect();
        if let Some(known) = known {
            if known.theirs.len() >= VIEWERS {
                known.theirs.clear();
            }
            known.theirs.insert(epoch, theirs.clone());
        }
        theirs
    }
}

impl Known {
    fn new(row: &RecordRow, all: Arc<Shelves>) -> Self {
        Known {
            log: row.log,
            all,
            theirs: HashMap::new(),
        }
    }

    fn is_of(&self, row: &RecordRow) -> bool {
        self.log == row.log && self.all.len() as u64 == row.clock.shelves
    }
}

/// The shelves of a record, as they are stored.
///
/// # Errors
/// When the store or a key fails.
pub fn all(store: &mut impl RecordStore, vault: &Vault<'_>) -> Result<Shelves, Fault> {
    let sealed = store.shelves(vault.record())?.into_iter();
    let open = |(id, sealed): (ShelfId, Vec<u8>)| Ok((id, vault.open_shelf(id, &sealed)?));
    sealed.map(open).collect()
}

/// How an entry moves when its class becomes `after` at `at`. `before` is its class before, and
/// when it was touched last; nothing if it was not there.
pub fn moved(
    vault: &Vault<'_>,
    before: Option<&(EntryClass, Tick)>,
    (after, at): (&EntryClass, Tick),
) -> (Move, BTreeMap<ShelfId, Shelf>) {
    let mut shelves = BTreeMap::new();
    let mut name = |(shelf, since): Place| {
        let id = vault.shelf(&shelf);
        shelves.insert(id, shelf);
        (id, since)
    };
    let mut all = |places: Vec<Place>| places.into_iter().map(&mut name).collect();
    let moved = match before {
        None => Move {
            to: all(places(after, at)),
            ..Move::default()
        },
        Some((class, touched)) => {
            let left = leaves((class, *touched), after, at).into_iter();
            Move {
                from: all(places(class, *touched)),
                to: all(places(after, at)),
                left: all(left.map(|shelf| (shelf, at)).collect()),
            }
        }
    };
    (moved, shelves)
}

/// How an entry of this class, touched last at a tick, goes from all shelves when it is destroyed
/// at `at`, and from which.
pub fn taken_off(
    vault: &Vault<'_>,
    (class, touched): (&EntryClass, Tick),
    at: Tick,
) -> (Move, Vec<Shelf>) {
    let left = leaves_all((class, touched), at);
    let from = places(class, touched).into_iter();
    let moved = Move {
        from: from.map(|(on, since)| (vault.shelf(&on), since)).collect(),
        to: Vec::new(),
        left: left.iter().map(|on| (vault.shelf(on), at)).collect(),
    };
    (moved, left)
}

/// Adds shelves to a record that it does not have, to `known` too.
///
/// # Errors
/// When the store or a key fails.
pub fn add(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    known: &mut Arc<Shelves>,
    shelves: BTreeMap<ShelfId, Shelf>,
) -> Result<(), Fault> {
    for (id, shelf) in shelves {
        if !known.contains_key(&id) {
            store.add_shelf(vault.record(), id, &vault.seal_shelf(id, &shelf)?)?;
            Arc::make_mut(known).insert(id, shelf);
        }
    }
    Ok(())
}

/// Puts the entries of a record of an older release on shelves.
///
/// # Errors
/// When the store or a key fails.
pub fn fill(store: &mut impl RecordStore, vault: &Vault<'_>, row: &RecordRow) -> Result<(), Fault> {
    if row.clock.shelves > 0 {
        return Ok(());
    }
    let (mut known, mut after) = (Arc::default(), None);
    loop {
        let entries = store.entries_after(row.record, after, CHUNK)?;
        for entry in &entries {
            let Some(touches) = touches(store, vault, entry)? else {
                continue;
            };
            let (moved, shelves) = whereabouts(vault, &touches);
            add(store, vault, &mut known, shelves)?;
            store.move_entry(row.record, entry.entry, &moved)?;
        }
        after = entries.last().map(|entry| entry.entry);
        if after.is_none() {
            break;
        }
    }
    let mut clock = row.clock;
    clock.shelves = known.len() as u64;
    store.move_clock(row.record, &clock)?;
    Ok(())
}

/// Where an entry stands, and which shelves it left, by its class after each of its changes.
pub fn whereabouts(
    vault: &Vault<'_>,
    touches: &[(Tick, EntryClass)],
) -> (Move, BTreeMap<ShelfId, Shelf>) {
    let (present, left) = stands(touches);
    let mut shelves = BTreeMap::new();
    let mut name = |(shelf, since): Place| {
        let id = vault.shelf(&shelf);
        shelves.insert(id, shelf);
        (id, since)
    };
    let to = present.into_iter().map(&mut name).collect();
    let left: BTreeSet<(ShelfId, Tick)> = left.into_iter().map(&mut name).collect();
    let moved = Move {
        from: Vec::new(),
        to,
        left: left.into_iter().collect(),
    };
    (moved, shelves)
}

/// The class of an entry after each of its changes; nothing if it was destroyed.
fn touches(
    store: &mut impl RecordStore,
    vault: &Vault<'_>,
    row: &EntryRow,
) -> Result<Option<Vec<(Tick, EntryClass)>>, Fault> {
    let Some(key) = vault.entry_key(row.key)?.filter(|_| !row.is_destroyed()) else {
        return Ok(None);
    };
    let entry: EntryId = row.entry;
    let rows = store.about_entry(vault.record(), entry)?.into_iter();
    let class = |(tick, sealed): (Tick, Vec<u8>)| {
        Ok((tick, vault.open_about(&key, (entry, tick), &sealed)?.class))
    };
    rows.map(class).collect::<Result<_, Fault>>().map(Some)
}
