use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::dsl::exists;
use diesel::prelude::*;
use sync_core::{RecordId, fixed_bytes};
use zeroize::Zeroizing;

use super::schema::{destroyed_entries, entry_keys, named_keys};
use super::{Inner, KeyError, Keys, Place, SealingKey, named};

fixed_bytes! {
    /// Names the key of one entry. Not the entry's identifier: keys are made ahead of entries.
    EntryKeyId, 16
}

/// Secrets made at a time, so that the key store is rarely on the path of an edit.
const BLOCK: u32 = 256;

/// How much of a key's name those share that are made together.
const BLOCK_NAME: usize = 12;

/// Entries' secrets kept in memory; beyond it the memory is emptied and fills again.
const CACHED: usize = 65_536;

type Secret = Zeroizing<[u8; 32]>;

/// Secrets made ahead, and those met lately.
#[derive(Default)]
pub(super) struct Pool {
    /// The oldest first: so the last key taken is of the newest block that is in use, and tells
    /// whether the key store is an older copy.
    ahead: Mutex<VecDeque<(EntryKeyId, Secret)>>,
    met: Mutex<Met>,
}

#[derive(Default)]
struct Met {
    secrets: HashMap<EntryKeyId, Secret>,
    /// How many were forgotten: what was read before one was may be what it was.
    forgotten: u64,
}

/// The key of one entry.
#[derive(Clone, Debug)]
pub struct EntryKey {
    /// What to store beside the entry, to ask for the key again.
    pub id: EntryKeyId,
    /// The key that seals the entry's document and changes.
    pub key: SealingKey,
}

impl Keys {
    /// Sees to it that keys for `count` new entries lie ready, so that allocating them does not
    /// wait for the key store.
    pub fn prepare_entry_keys(&self, count: usize) -> Result<(), KeyError> {
        let ready = lock(&self.0.entries.ahead).len();
        if ready < count {
            self.0.make_block(count - ready)?;
        }
        Ok(())
    }

    /// Keys for `count` new entries of a record, already durable.
    pub fn allocate_entry_keys(
        &self,
        record: RecordId,
        count: usize,
    ) -> Result<Vec<EntryKey>, KeyError> {
        let record_key = self.record_key(record)?;
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            let next = lock(&self.0.entries.ahead).pop_front();
            match next {
                Some(one) => taken.push(one),
                None => self.0.make_block(count - taken.len())?,
            }
        }
        let mut met = self.0.entries.met();
        Ok(taken
            .into_iter()
            .map(|(id, secret)| {
                let key = record_key.entry(&id.0, &*secret);
                met.secrets.insert(id, secret);
                EntryKey { id, key }
            })
            .collect())
    }

    /// Whether the key store has, or had and destroyed, any of the keys that were made together with
    /// this one. One made later than it does not.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn knows_block_of(&self, key: EntryKeyId) -> Result<bool, KeyError> {
        let (mut first, mut last) = (key.0, key.0);
        first[BLOCK_NAME..].fill(0);
        last[BLOCK_NAME..].fill(0xff);
        let here = entry_keys::table.filter(entry_keys::key_id.between(&first[..], &last[..]));
        let gone = destroyed_entries::table
            .filter(destroyed_entries::key_id.between(&first[..], &last[..]));
        let mut connection = self.0.connection();
        let here: bool = diesel::select(exists(here)).get_result(&mut *connection)?;
        Ok(here || diesel::select(exists(gone)).get_result(&mut *connection)?)
    }

    /// The keys of a record's entries, in the order asked; none where the key was destroyed.
    pub fn entry_keys(
        &self,
        record: RecordId,
        ids: &[EntryKeyId],
    ) -> Result<Vec<Option<EntryKey>>, KeyError> {
        let record_key = self.record_key(record)?;
        let (begun, missing) = self.0.entries.missing(ids);
        let fetched = self.0.fetch_secrets(&missing)?;
        let met = self.0.entries.met();
        let keys = ids
            .iter()
            .map(|id| {
                let secret = fetched.get(id).or_else(|| met.secrets.get(id))?;
                let key = record_key.entry(&id.0, &**secret);
                Some(EntryKey { id: *id, key })
            })
            .collect();
        drop(met);
        self.0.entries.meet(begun, fetched);
        Ok(keys)
    }
}

impl Pool {
    /// Forgets a secret that was destroyed.
    pub(super) fn forget(&self, id: &EntryKeyId) {
        let mut met = self.met();
        met.secrets.remove(id);
        met.forgotten += 1;
    }

    /// Those of some secrets that are not in memory and are to be read, and how many were forgotten
    /// before that.
    fn missing(&self, ids: &[EntryKeyId]) -> (u64, Vec<EntryKeyId>) {
        let met = self.met();
        let missing = ids.iter().filter(|id| !met.secrets.contains_key(id));
        (met.forgotten, missing.copied().collect())
    }

    /// Keeps secrets that were read, unless one was forgotten since: a destroyed one must not come
    /// back.
    fn meet(&self, begun: u64, read: HashMap<EntryKeyId, Secret>) {
        let mut met = self.met();
        if met.forgotten == begun {
            met.secrets.extend(read);
        }
    }

    /// Whether secrets are kept that are read while something else happens.
    #[cfg(test)]
    pub(super) fn is_kept_after(&self, ids: &[EntryKeyId], meanwhile: impl FnOnce()) -> bool {
        let (begun, missing) = self.missing(ids);
        meanwhile();
        let read = missing.iter().map(|id| (*id, Zeroizing::new([7; 32])));
        self.meet(begun, read.collect());
        self.missing(ids).1.is_empty()
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        let mut met = lock(&self.met);
        if met.secrets.len() > CACHED {
            met.secrets.clear();
        }
        met
    }
}

impl Inner {
    /// Makes at least `least` secrets, durable when this returns.
    fn make_block(&self, least: usize) -> Result<(), KeyError> {
        let (version, wrapper) = self.named.entry_wrapper()?;
        let size = BLOCK.max(u32::try_from(least).unwrap_or(u32::MAX));
        let mut made = VecDeque::with_capacity(size as usize);
        let mut rows = Vec::with_capacity(size as usize);
        // One random start and a counter: random enough never to be met again, and rows made
        // together lie together.
        let mut id = [0; 16];
        getrandom::fill(&mut id[..BLOCK_NAME])?;
        for count in 0..size {
            id[BLOCK_NAME..].copy_from_slice(&count.to_be_bytes());
            let secret = SealingKey::random()?.0;
            rows.push((
                entry_keys::key_id.eq(id.to_vec()),
                entry_keys::version.eq(version),
                entry_keys::wrapped.eq(wrapper.seal(&place(&[&id]), &*secret)?),
            ));
            made.push_back((EntryKeyId(id), secret));
        }
        self.connection().immediate_transaction(|connection| {
            diesel::insert_into(entry_keys::table)
                .values(rows)
                .execute(connection)
        })?;
        lock(&self.entries.ahead).append(&mut made);
        Ok(())
    }

    fn fetch_secrets(&self, ids: &[EntryKeyId]) -> Result<HashMap<EntryKeyId, Secret>, KeyError> {
        let mut found = HashMap::with_capacity(ids.len());
        if ids.is_empty() {
            return Ok(found);
        }
        let mut connection = self.connection();
        for some in ids.chunks(500) {
            let rows: Vec<(Vec<u8>, i64, Vec<u8>)> = entry_keys::table
                .filter(entry_keys::key_id.eq_any(some.iter().map(EntryKeyId::as_bytes)))
                .load(&mut *connection)?;
            for (id, version, wrapped) in rows {
                let id = EntryKeyId::from_slice(&id).ok_or(KeyError::NotOpened)?;
                let later;
                let wrapper = match self.named.entry_unwrapper(version) {
                    Some(key) => key,
                    None => {
                        later = self.later_wrapper(&mut connection, version)?;
                        &later
                    }
                };
                let opened = Zeroizing::new(wrapper.open(&place(&[id.as_bytes()]), &wrapped)?);
                let secret = opened[..].try_into().map_err(|_| KeyError::NotOpened)?;
                found.insert(id, Zeroizing::new(secret));
            }
        }
        Ok(found)
    }

    /// A wrapping key that another process made, by a rotation, after this one started.
    fn later_wrapper(
        &self,
        connection: &mut SqliteConnection,
        version: i64,
    ) -> Result<SealingKey, KeyError> {
        let master = self.current_master(connection)?;
        let row: Option<named::Row> = named_keys::table
            .find(("entries", version))
            .select(named::Row::as_select())
            .first(connection)
            .optional()?;
        named::unwrap(&master.key, &row.ok_or(KeyError::Absent)?)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics between taking and giving back, so what is inside is whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "entry_keys",
        column: "wrapped",
        row,
    }
}
