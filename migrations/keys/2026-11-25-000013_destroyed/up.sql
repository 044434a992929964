-- Entries that were destroyed, so that a data store that was put back from an older copy can be
-- brought to the same state. The key of each is gone.
CREATE TABLE destroyed_entries (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    record_id BLOB NOT NULL CHECK (length(record_id) = 16),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    key_id    BLOB UNIQUE NOT NULL CHECK (length(key_id) = 16),
    time      INTEGER NOT NULL
) STRICT;
