use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use diesel::prelude::*;
use sync_core::{RecordId, Tick};

use super::master::{self, Master, check_value};
use super::schema::{masters, named_keys, record_keys, store};
use super::{Inner, KeyError, Keys, SealingKey, named, records};
use crate::storage::StorageError;
use crate::storage::sqlite::fold_patiently;

/// What opening the store found.
pub(super) struct Opened {
    pub(super) store_id: [u8; 16],
    pub(super) master: Master,
    pub(super) made: bool,
}

/// What a rotation did.
#[derive(Debug)]
pub struct Rotated {
    /// The generation now in force.
    pub generation: i64,
    /// Where the file of the key before it was put.
    pub retired: PathBuf,
    /// How many record keys were wrapped anew.
    pub records: usize,
    /// Whether what the old key wrapped is off the key store's write-ahead log too. Somebody was
    /// reading otherwise; a serving process tries again, and so does the next start.
    pub folded: bool,
}

/// Finds the master key in force; at first start makes it, and all that is wrapped by it.
pub(super) fn open_master(
    connection: &mut SqliteConnection,
    path: &Path,
    now: Tick,
) -> Result<Opened, KeyError> {
    connection.immediate_transaction(|connection| {
        let known: Option<Vec<u8>> = store::table
            .select(store::store_id)
            .first(connection)
            .optional()?;
        if let Some(store_id) = known {
            return Ok(Opened {
                store_id: store_id
                    .try_into()
                    .map_err(|_| StorageError::Malformed("store.store_id"))?,
                master: find(connection, path)?,
                made: false,
            });
        }
        // An operator may bring a key; else one is made.
        let (key, made) = match master::read(path)? {
            Some(key) => (key, false),
            None => (SealingKey::random()?, true),
        };
        if made {
            master::write(path, &key)?;
        }
        let mut store_id = [0; 16];
        getrandom::fill(&mut store_id)?;
        diesel::insert_into(store::table)
            .values((store::only.eq(1), store::store_id.eq(store_id.to_vec())))
            .execute(connection)?;
        install(connection, 1, &key, now)?;
        named::create_all(connection, &key, 1)?;
        Ok(Opened {
            store_id,
            master: Master { generation: 1, key },
            made,
        })
    })
}

fn install(
    connection: &mut SqliteConnection,
    generation: i64,
    key: &SealingKey,
    now: Tick,
) -> Result<(), KeyError> {
    diesel::insert_into(masters::table)
        .values((
            masters::generation.eq(generation),
            masters::check_value.eq(check_value(key).to_vec()),
            masters::created.eq(now.0.cast_signed()),
        ))
        .execute(connection)?;
    Ok(())
}

/// The generation in force and what its key is recognised by.
fn in_force(connection: &mut SqliteConnection) -> Result<(i64, Vec<u8>), KeyError> {
    Ok(masters::table
        .order(masters::generation.desc())
        .select((masters::generation, masters::check_value))
        .first(connection)?)
}

/// Reads the key in force from its file, finishing a rotation that was interrupted after the
/// store had taken the new key.
fn find(connection: &mut SqliteConnection, path: &Path) -> Result<Master, KeyError> {
    let (generation, check) = in_force(connection)?;
    let fits = |key: &SealingKey| check_value(key)[..] == check[..];
    let here = master::read(path)?;
    let missing = here.is_none();
    if let Some(key) = here.filter(fits) {
        return Ok(Master { generation, key });
    }
    if let Some(key) = master::read(&master::next_path(path))?.filter(fits) {
        master::promote(path, generation - 1)?;
        return Ok(Master { generation, key });
    }
    let path = path.to_owned();
    Err(if missing {
        KeyError::MasterMissing { path }
    } else {
        KeyError::MasterWrong { path, generation }
    })
}

impl Inner {
    /// The master key in force, read anew if another process has rotated it.
    pub(super) fn current_master(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Master, KeyError> {
        let mut master = self.master.lock().unwrap_or_else(PoisonError::into_inner);
        let (generation, _) = in_force(connection)?;
        if master.generation != generation {
            *master = find(connection, &self.master_path)?;
            // Whoever rotated may have had to leave what the old key wrapped.
            self.unfolded.store(true, Ordering::Release);
        }
        Ok(master.clone())
    }
}

impl Keys {
    /// Replaces the master key by a new one: every record key and every key of the server's is
    /// wrapped anew, and entries made from now on have their secrets wrapped by a new key. A
    /// running server takes the new key up by itself.
    pub fn rotate(&self) -> Result<Rotated, KeyError> {
        let path = &self.0.master_path;
        let key = SealingKey::random()?;
        let mut connection = self.0.connection();
        let (retired, records) = connection.immediate_transaction(|connection| {
            let old = self.0.current_master(connection)?;
            let next = master::next_path(path);
            // A rotation that was cut short before the store took its key left a file that
            // opens nothing.
            if next.exists() {
                std::fs::remove_file(&next).map_err(|source| KeyError::File {
                    path: next.clone(),
                    source,
                })?;
            }
            master::write(&next, &key)?;
            let generation = old.generation + 1;
            install(connection, generation, &key, self.0.clock.now())?;
            let records = rewrap_records(connection, &old.key, &key, generation)?;
            rewrap_named(connection, &old.key, &key, generation)?;
            Ok::<_, KeyError>((old.generation, records))
        })?;
        let master = self.0.current_master(&mut connection)?;
        // What the old master wrapped; nobody waits for this, so it waits for who reads.
        let folded = fold_patiently(&mut connection)?;
        if !folded {
            self.0.unfolded.store(true, Ordering::Release);
        }
        Ok(Rotated {
            generation: master.generation,
            folded,
            retired: master::retired_path(path, retired),
            records,
        })
    }
}

fn rewrap_records(
    connection: &mut SqliteConnection,
    old: &SealingKey,
    new: &SealingKey,
    generation: i64,
) -> Result<usize, KeyError> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = record_keys::table
        .select((record_keys::record_id, record_keys::wrapped))
        .load(connection)?;
    for (id, wrapped) in &rows {
        let record =
            RecordId::from_slice(id).ok_or(StorageError::Malformed("record_keys.record_id"))?;
        let key = records::unwrap(old, record, wrapped)?;
        diesel::update(record_keys::table.find(id))
            .set((
                record_keys::generation.eq(generation),
                record_keys::wrapped.eq(records::wrap(new, record, &key)?),
            ))
            .execute(connection)?;
    }
    Ok(rows.len())
}

fn rewrap_named(
    connection: &mut SqliteConnection,
    old: &SealingKey,
    new: &SealingKey,
    generation: i64,
) -> Result<(), KeyError> {
    let mut entries = 0;
    for row in named::all(connection)? {
        let key = named::unwrap(old, &row)?;
        if row.name == "entries" {
            entries = entries.max(row.version);
        }
        diesel::update(named_keys::table.find((&row.name, row.version)))
            .set((
                named_keys::generation.eq(generation),
                named_keys::wrapped.eq(named::wrap(new, &row.name, row.version, &key)?),
            ))
            .execute(connection)?;
    }
    named::create(connection, new, generation, "entries", entries + 1)
}
