//! One device: its store, its unlocked profiles, its way to the servers. What apps see stands on it.

mod editing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use sync_core::replica::Report;
use sync_core::{EntryId, RecordId, codec};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::driver::{Backoff, Clock, Portion, Transport};
use crate::error::Error;
use crate::seal::{self, RowKey};
use crate::store::{Store, StoreError, Unlocked};
use crate::vault::KeyVault;

pub use editing::Editing;

const OFFLINE: &str = "offline";
/// The profiles whose person has not locked them, whatever became of the process meanwhile.
const LEFT_OPEN: &str = "left-open";

/// One record of one profile, wherever it is used in this process.
#[derive(Debug, Default)]
pub struct Lane {
    /// Held while a request is under way.
    pub turn: tokio::sync::Mutex<()>,
    /// Told of own edits, and when the device goes online again.
    pub edited: Notify,
    /// How much goes over the network at once.
    pub portion: Portion,
}

/// Told of entries that changed.
pub trait Watching: Send + Sync {
    /// `changed` are to be read again, `gone` no longer shown.
    fn entries_changed(&self, changed: &[EntryId], gone: &[EntryId]);
}

struct Watcher {
    number: u64,
    profile: RowKey,
    record: RecordId,
    listener: Arc<dyn Watching>,
}

/// One device.
pub struct Device {
    store: Mutex<Store>,
    vault: Arc<dyn KeyVault>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
    rng: Mutex<fastrand::Rng>,
    offline: AtomicBool,
    unlocked: Mutex<BTreeMap<RowKey, Arc<Unlocked>>>,
    lanes: Mutex<BTreeMap<RowKey, Arc<Lane>>>,
    watchers: Mutex<Vec<Watcher>>,
    next_watcher: AtomicU64,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Device(..)")
    }
}

impl Device {
    /// Opens the store in a folder. `seed` decides the jitter of retries.
    ///
    /// # Errors
    /// When the store does not open.
    pub fn open(
        folder: &Path,
        vault: Arc<dyn KeyVault>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        seed: u64,
    ) -> Result<Self, Error> {
        let mut store = Store::open(folder, &*vault)?;
        let offline = store.setting(OFFLINE)?.as_deref() == Some(&[1]);
        Ok(Device {
            store: Mutex::new(store),
            vault,
            transport,
            clock,
            backoff: Backoff::default(),
            rng: Mutex::new(fastrand::Rng::with_seed(seed)),
            offline: AtomicBool::new(offline),
            unlocked: Mutex::default(),
            lanes: Mutex::default(),
            watchers: Mutex::default(),
            next_watcher: AtomicU64::new(0),
        })
    }

    /// The store, for one call.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    /// The vault.
    pub fn vault(&self) -> &dyn KeyVault {
        &*self.vault
    }

    /// The network.
    pub fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// How long to wait before attempt `attempt` is made again.
    pub fn wait(&self, attempt: u32, error: &Error) -> std::time::Duration {
        let mut rng = lock(&self.rng);
        self.backoff.wait(attempt, error.retry_after(), &mut rng)
    }

    /// Whether the person chose to stay offline.
    pub fn is_offline(&self) -> bool {
        self.offline.load(Ordering::Relaxed)
    }

    /// Stays offline, or stops doing so; remembered.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn set_offline(&self, offline: bool) -> Result<(), Error> {
        self.store().set(OFFLINE, &[u8::from(offline)])?;
        self.offline.store(offline, Ordering::Relaxed);
        for lane in lock(&self.lanes).values() {
            lane.edited.notify_one();
        }
        Ok(())
    }

    /// An unlocked profile.
    ///
    /// # Errors
    /// When it is locked.
    pub fn profile(&self, row: &RowKey) -> Result<Arc<Unlocked>, Error> {
        let found = lock(&self.unlocked).get(row).cloned();
        found.ok_or(Error::Store(StoreError::Locked))
    }

    /// Whether a profile is locked.
    pub fn is_locked(&self, row: &RowKey) -> bool {
        !lock(&self.unlocked).contains_key(row)
    }

    /// Keeps the key of a profile in memory, and notes that its person is here.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn admit(&self, profile: Unlocked) -> Result<(), Error> {
        let row = profile.row;
        lock(&self.unlocked).insert(row, Arc::new(profile));
        self.note_left_open(&row, true)
    }

    /// Asks the vault for the key of a profile.
    ///
    /// # Errors
    /// When the vault stays closed or the store is broken.
    pub fn unlock(&self, row: &RowKey) -> Result<(), Error> {
        let profile = self.store().unlock(row, &*self.vault)?;
        self.admit(profile)
    }

    /// Whether a profile was unlocked on this device and not locked since.
    ///
    /// # Errors
    /// When the store is broken.
    pub fn is_left_open(&self, row: &RowKey) -> Result<bool, Error> {
        Ok(left_open(&mut self.store())?.contains(row))
    }

    fn note_left_open(&self, row: &RowKey, open: bool) -> Result<(), Error> {
        let mut store = self.store();
        let mut rows = left_open(&mut store)?;
        let changed = match open {
            true => rows.insert(*row),
            false => rows.remove(row),
        };
        match changed {
            true => Ok(store.set(LEFT_OPEN, &codec::to_cbor(&rows))?),
            false => Ok(()),
        }
    }

    /// Forgets the key of a profile, and notes that its person has left.
    ///
    /// # Errors
    /// When the store is broken: then the key is forgotten, and the note is not made.
    pub fn lock(&self, row: &RowKey) -> Result<(), Error> {
        self.forget_key(row);
        self.note_left_open(row, false)
    }

    fn forget_key(&self, row: &RowKey) {
        lock(&self.unlocked).remove(row);
        self.store().forget_views(row);
    }

    /// Forgets the keys of all profiles, and says whose they were.
    pub fn forget_keys(&self) -> Vec<RowKey> {
        let rows: Vec<RowKey> = lock(&self.unlocked).keys().copied().collect();
        for row in &rows {
            self.forget_key(row);
        }
        rows
    }

    /// The lane of a record.
    pub fn lane(&self, profile: &Unlocked, record: &RecordId) -> Arc<Lane> {
        let row = profile.record_row(record);
        lock(&self.lanes).entry(row).or_default().clone()
    }

    /// Tells `listener` of changes of a record until the returned guard is dropped.
    pub fn watch(
        self: &Arc<Self>,
        profile: RowKey,
        record: RecordId,
        listener: Arc<dyn Watching>,
    ) -> WatchGuard {
        let number = self.next_watcher.fetch_add(1, Ordering::Relaxed);
        lock(&self.watchers).push(Watcher {
            number,
            profile,
            record,
            listener,
        });
        WatchGuard {
            device: Arc::downgrade(self),
            number,
        }
    }

    /// Tells whoever watches.
    pub fn tell(
        &self,
        profile: &Unlocked,
        record: &RecordId,
        changed: &[EntryId],
        gone: &[EntryId],
    ) {
        if changed.is_empty() && gone.is_empty() {
            return;
        }
        // The lock is not held while listeners run: they may read, watch and unwatch.
        let listeners: Vec<_> = lock(&self.watchers)
            .iter()
            .filter(|watcher| watcher.profile == profile.row && watcher.record == *record)
            .map(|watcher| watcher.listener.clone())
            .collect();
        for listener in listeners {
            listener.entries_changed(changed, gone);
        }
    }

    /// Tells whoever watches of what an answer changed.
    pub fn tell_report(&self, profile: &Unlocked, record: &RecordId, report: &Report) {
        let changed: Vec<_> = report.changed.iter().copied().collect();
        let gone: Vec<_> = report.gone.iter().copied().collect();
        self.tell(profile, record, &changed, &gone);
    }

    /// A new name for an entry: a UUIDv7 of now.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new_entry_id(&self) -> Result<EntryId, Error> {
        let mut random = [0; 10];
        seal::fill(&mut random)?;
        let millis = u64::try_from(self.clock.now().0).unwrap_or(0);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Ok(EntryId(id))
    }

    /// The day it is by the device's clock, UTC.
    pub fn today(&self) -> jiff::civil::Date {
        let now = jiff::Timestamp::from_millisecond(self.clock.now().0);
        let now = now.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        now.to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// A random word.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random_name(&self) -> Result<String, Error> {
        let mut random = [0; 16];
        seal::fill(&mut random)?;
        Ok(Uuid::from_bytes(random).simple().to_string())
    }
}

fn left_open(store: &mut Store) -> Result<BTreeSet<RowKey>, Error> {
    match store.setting(LEFT_OPEN)? {
        Some(rows) => Ok(codec::from_cbor(&rows)?),
        None => Ok(BTreeSet::new()),
    }
}

/// Ends a watch when dropped.
#[derive(Debug)]
pub struct WatchGuard {
    device: Weak<Device>,
    number: u64,
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        if let Some(device) = self.device.upgrade() {
            lock(&device.watchers).retain(|watcher| watcher.number != self.number);
        }
    }
}

/// Locks, also after a panic elsewhere: every value behind these locks is whole at any time, as
/// the store's own transactions are.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
