//! What the data store remembers of the server itself.

use diesel::prelude::*;

use crate::storage::StorageError;
use crate::storage::schema::identity::settings;

/// Which key store seals the data.
pub const KEY_STORE: &str = "key-store";

/// The domain that the passkeys are bound to.
pub const RP_ID: &str = "rp-id";

/// Present in a copy that `carnet backup` made, until it is served: when it was made, in
/// microseconds since 1970.
pub const COPIED: &str = "copied";

/// When the store was put back from a copy last, in microseconds since 1970.
pub const RESTORED: &str = "restored";

/// The key of an entry that was made lately: a key store that has none of its block is older than
/// the data.
pub const ENTRY_KEYS: &str = "entry-keys";

/// Such a key that the key store was found without, until it has it again.
pub const ENTRY_KEYS_LOST: &str = "entry-keys-lost";

/// Written and removed again, to see whether there is room to write.
pub const ROOM: &str = "room";

/// The value of a setting.
pub fn find(connection: &mut SqliteConnection, key: &str) -> Result<Option<String>, StorageError> {
    Ok(settings::table
        .find(key)
        .select(settings::value)
        .first(connection)
        .optional()?)
}

/// Notes a value if there is none yet, and answers the one that stands.
pub fn note_first(
    connection: &mut SqliteConnection,
    key: &str,
    value: &str,
) -> Result<String, StorageError> {
    diesel::insert_or_ignore_into(settings::table)
        .values((settings::key.eq(key), settings::value.eq(value)))
        .execute(connection)?;
    Ok(settings::table
        .find(key)
        .select(settings::value)
        .first(connection)?)
}

/// Notes a value in place of any other.
pub fn note(connection: &mut SqliteConnection, key: &str, value: &str) -> Result<(), StorageError> {
    diesel::replace_into(settings::table)
        .values((settings::key.eq(key), settings::value.eq(value)))
        .execute(connection)?;
    Ok(())
}

/// Removes a value.
pub fn remove(connection: &mut SqliteConnection, key: &str) -> Result<(), StorageError> {
    diesel::delete(settings::table.find(key)).execute(connection)?;
    Ok(())
}
