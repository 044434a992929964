use std::collections::HashMap;

use diesel::prelude::*;
use ed25519_dalek::SigningKey;
use sync_core::sign::PublicKey;
use zeroize::Zeroizing;

use super::{KeyError, Place, SealingKey, ServerKey, schema::named_keys};

/// The server's own keys, unwrapped.
pub(super) struct Named {
    pub(super) system: SealingKey,
    pub(super) blind: SealingKey,
    pub(super) cursor: SealingKey,
    pub(super) signing: ServerKey,
    /// The keys that wrap entries' secrets; the one of the highest version wraps new ones.
    entries: HashMap<i64, SealingKey>,
}

/// Every name there is, as the table's constraint has them.
const NAMES: [&str; 5] = ["system", "blind", "cursor", "signing", "entries"];

impl Named {
    pub(super) fn load(
        connection: &mut SqliteConnection,
        master: &SealingKey,
    ) -> Result<Self, KeyError> {
        let mut last = HashMap::new();
        let mut entries = HashMap::new();
        for row in all(connection)? {
            let key = unwrap(master, &row)?;
            if row.name == "entries" {
                entries.insert(row.version, key.clone());
            }
            last.insert(row.name, key);
        }
        let mut take = |name: &str| last.remove(name).ok_or(KeyError::Absent);
        let secret = take("signing")?;
        let signing = SigningKey::from_bytes(&secret.0);
        let public_key = PublicKey::of(&signing);
        Ok(Self {
            system: take("system")?,
            blind: take("blind")?,
            cursor: take("cursor")?,
            signing: ServerKey {
                key_id: public_key.key_id(),
                public_key,
                signing,
            },
            entries,
        })
    }

    /// The key that wraps the secrets of new entries, with its version.
    pub(super) fn entry_wrapper(&self) -> Result<(i64, &SealingKey), KeyError> {
        self.entries
            .iter()
            .max_by_key(|(version, _)| **version)
            .map(|(version, key)| (*version, key))
            .ok_or(KeyError::Absent)
    }

    /// The key that wrapped an entry's secret, if it was known when the server started.
    pub(super) fn entry_unwrapper(&self, version: i64) -> Option<&SealingKey> {
        self.entries.get(&version)
    }
}

/// A wrapped key of the server's.
#[derive(Queryable, Selectable)]
#[diesel(table_name = named_keys)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) wrapped: Vec<u8>,
}

/// All of them, each name's versions in order.
pub(super) fn all(connection: &mut SqliteConnection) -> Result<Vec<Row>, KeyError> {
    Ok(named_keys::table
        .order((named_keys::name, named_keys::version))
        .select(Row::as_select())
        .load(connection)?)
}

pub(super) fn unwrap(master: &SealingKey, row: &Row) -> Result<SealingKey, KeyError> {
    let opened = Zeroizing::new(open(master, &row.name, row.version, &row.wrapped)?);
    SealingKey::from_slice(&opened).ok_or(KeyError::NotOpened)
}

fn open(
    master: &SealingKey,
    name: &str,
    version: i64,
    wrapped: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let version = version.to_be_bytes();
    let row: [&[u8]; 2] = [name.as_bytes(), &version];
    master.open(&place(&row), wrapped)
}

fn place<'a>(row: &'a [&'a [u8]]) -> Place<'a> {
    Place {
        table: "named_keys",
        column: "wrapped",
        row,
    }
}

pub(super) fn wrap(
    master: &SealingKey,
    name: &str,
    version: i64,
    key: &SealingKey,
) -> Result<Vec<u8>, KeyError> {
    let version = version.to_be_bytes();
    let row: [&[u8]; 2] = [name.as_bytes(), &version];
    master.seal(&place(&row), &*key.0)
}

/// Makes the first version of every key.
pub(super) fn create_all(
    connection: &mut SqliteConnection,
    master: &SealingKey,
    generation: i64,
) -> Result<(), KeyError> {
    for name in NAMES {
        create(connection, master, generation, name, 1)?;
    }
    Ok(())
}

/// Makes one version of a key.
pub(super) fn create(
    connection: &mut SqliteConnection,
    master: &SealingKey,
    generation: i64,
    name: &str,
    version: i64,
) -> Result<(), KeyError> {
    diesel::insert_into(named_keys::table)
        .values((
            named_keys::name.eq(name),
            named_keys::version.eq(version),
            named_keys::generation.eq(generation),
            named_keys::wrapped.eq(wrap(master, name, version, &SealingKey::random()?)?),
        ))
        .execute(connection)?;
    Ok(())
}
