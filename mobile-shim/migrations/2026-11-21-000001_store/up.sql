-- Everything sealed is XChaCha20-Poly1305, bound to its table, column and row.
-- Row keys are keyed hashes: the file alone says neither whose records these are nor which.
CREATE TABLE settings (
    name   TEXT PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE profiles (
    profile BLOB PRIMARY KEY NOT NULL CHECK (length(profile) = 16),
    card    BLOB NOT NULL, -- under the store key: server, person, the name shown when locked
    secrets BLOB NOT NULL  -- under the profile key: device key, session, server keys
) STRICT;

CREATE TABLE records (
    record  BLOB PRIMARY KEY NOT NULL CHECK (length(record) = 16),
    profile BLOB NOT NULL REFERENCES profiles (profile) ON DELETE CASCADE,
    card    BLOB NOT NULL, -- which record, in what role it is opened
    head    BLOB NOT NULL  -- the replica's head
) STRICT;
CREATE INDEX records_by_profile ON records (profile);

CREATE TABLE entries (
    record     BLOB NOT NULL REFERENCES records (record) ON DELETE CASCADE,
    entry      BLOB NOT NULL CHECK (length(entry) = 16),
    generation INTEGER NOT NULL, -- the full resend that named it last
    format     INTEGER NOT NULL, -- the version that made the view
    view       BLOB NOT NULL,    -- which entry, and what people see of it
    document   BLOB NOT NULL,
    PRIMARY KEY (record, entry)
) STRICT, WITHOUT ROWID;

-- Own edits that the server has not answered yet, an edit a row, in the order they were made.
CREATE TABLE unsent (
    record BLOB NOT NULL REFERENCES records (record) ON DELETE CASCADE,
    place  INTEGER NOT NULL,
    edit   BLOB NOT NULL CHECK (length(edit) = 16),
    sealed BLOB NOT NULL,
    PRIMARY KEY (record, place),
    UNIQUE (record, edit)
) STRICT, WITHOUT ROWID;

-- What else is kept of a record, a sealed value a row: own edits set aside, held edits, the
-- access log, names of people.
CREATE TABLE notes (
    record BLOB NOT NULL REFERENCES records (record) ON DELETE CASCADE,
    shelf  INTEGER NOT NULL,
    note   BLOB NOT NULL CHECK (length(note) = 16),
    place  INTEGER NOT NULL, -- their order on the shelf
    sealed BLOB NOT NULL,
    PRIMARY KEY (record, shelf, note)
) STRICT, WITHOUT ROWID;
