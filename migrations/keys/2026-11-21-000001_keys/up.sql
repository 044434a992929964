-- The key store. Everything in it is wrapped, directly or not, by the master key, which is kept in
-- a file of its own; nothing of a record's content is here.

CREATE TABLE store (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    store_id BLOB NOT NULL CHECK (length(store_id) = 16)
) STRICT;

-- One row a master key there has been; the last is in force.
CREATE TABLE masters (
    generation  INTEGER PRIMARY KEY CHECK (generation > 0),
    check_value BLOB NOT NULL CHECK (length(check_value) = 32),
    created     INTEGER NOT NULL
) STRICT;

-- The server's own keys, by what they are for.
CREATE TABLE named_keys (
    name       TEXT NOT NULL CHECK (name IN ('system', 'blind', 'cursor', 'signing', 'entries')),
    version    INTEGER NOT NULL CHECK (version > 0),
    generation INTEGER NOT NULL REFERENCES masters,
    wrapped    BLOB NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_keys_generation ON named_keys (generation);

CREATE TABLE record_keys (
    record_id  BLOB PRIMARY KEY NOT NULL CHECK (length(record_id) = 16),
    generation INTEGER NOT NULL REFERENCES masters,
    wrapped    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX record_keys_generation ON record_keys (generation);

-- Secrets that, with the key of their record, make the key of an entry. Allocated ahead: a row
-- here may not be in use yet.
CREATE TABLE entry_keys (
    key_id  BLOB PRIMARY KEY NOT NULL CHECK (length(key_id) = 16),
    version INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What was destroyed, so that an older copy of this store can be brought to the same state.
CREATE TABLE destructions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT NOT NULL CHECK (kind IN ('record', 'entry')),
    subject  BLOB NOT NULL CHECK (length(subject) = 16),
    time     INTEGER NOT NULL,
    UNIQUE (kind, subject)
) STRICT;
