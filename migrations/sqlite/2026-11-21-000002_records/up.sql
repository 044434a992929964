-- Records: their logs, the present view of their entries, what is held, and the access log.
-- Columns "sealed", "about", "change", "class", "document" and "opening" are encrypted with a key
-- of the record or of the entry; "_blind" columns are keyed digests. The others are listed in
-- docs/data-at-rest.md. Times and ticks: microseconds since 1970.

CREATE TABLE records (
    record_id       BLOB PRIMARY KEY NOT NULL CHECK (length(record_id) = 16),
    holder          BLOB UNIQUE NOT NULL REFERENCES people (person_id),
    log_incarnation BLOB NOT NULL CHECK (length(log_incarnation) = 16),
    -- The record's clock; every event and every checkpoint takes a later tick.
    last_tick       INTEGER NOT NULL CHECK (last_tick > 0),
    -- When a right was last written: what was worked out of the rights before is stale.
    rights_tick     INTEGER NOT NULL CHECK (rights_tick <= last_tick),
    audit_len       INTEGER NOT NULL CHECK (audit_len >= 0),
    audit_head      BLOB NOT NULL CHECK (length(audit_head) = 32),
    status          TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    opening         BLOB NOT NULL,
    created         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER records_clock BEFORE UPDATE ON records
WHEN NEW.last_tick < OLD.last_tick OR NEW.audit_len < OLD.audit_len
BEGIN SELECT RAISE(ABORT, 'a record does not go back'); END;

CREATE TRIGGER records_identity BEFORE UPDATE ON records
WHEN NEW.record_id IS NOT OLD.record_id OR NEW.holder IS NOT OLD.holder
BEGIN SELECT RAISE(ABORT, 'a record stays its holder''s'); END;

CREATE TABLE entries (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    key_id    BLOB NOT NULL CHECK (length(key_id) = 16),
    -- The tick of its last change.
    touched   INTEGER NOT NULL,
    -- Until when it is kept from the patient.
    due       INTEGER,
    is_right  INTEGER NOT NULL CHECK (is_right IN (0, 1)),
    -- How many changes it has, and how many bytes they take in the log.
    changes   INTEGER NOT NULL CHECK (changes > 0),
    bytes     INTEGER NOT NULL CHECK (bytes > 0),
    class     BLOB NOT NULL,
    document  BLOB NOT NULL,
    PRIMARY KEY (record_id, entry_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX entries_touched ON entries (record_id, touched);
CREATE INDEX entries_due ON entries (record_id, due) WHERE due IS NOT NULL;
CREATE INDEX entries_rights ON entries (record_id, entry_id) WHERE is_right = 1;

-- Every accepted change, in order; nothing in it is ever changed or removed. What must be
-- unreadable loses its key.
CREATE TABLE log (
    record_id    BLOB NOT NULL,
    tick         INTEGER NOT NULL CHECK (tick > 0),
    entry_id     BLOB NOT NULL,
    change_blind BLOB NOT NULL CHECK (length(change_blind) = 16),
    actor_blind  BLOB NOT NULL CHECK (length(actor_blind) = 16),
    seq          INTEGER NOT NULL CHECK (seq > 0),
    about        BLOB NOT NULL,
    change       BLOB NOT NULL,
    PRIMARY KEY (record_id, tick),
    FOREIGN KEY (record_id, entry_id) REFERENCES entries (record_id, entry_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX log_change ON log (record_id, change_blind);
CREATE UNIQUE INDEX log_actor ON log (record_id, entry_id, actor_blind, seq);
CREATE INDEX log_entry ON log (record_id, entry_id, tick);

CREATE TRIGGER log_order BEFORE INSERT ON log
WHEN NEW.tick <= (SELECT max(tick) FROM log WHERE record_id = NEW.record_id)
BEGIN SELECT RAISE(ABORT, 'the log only grows at its end'); END;
CREATE TRIGGER log_update BEFORE UPDATE ON log
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_delete BEFORE DELETE ON log
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

-- Whom the rights of a record name, so that people find the records they may open.
CREATE TABLE parties (
    person_blind BLOB NOT NULL CHECK (length(person_blind) = 16),
    record_id    BLOB NOT NULL,
    entry_id     BLOB NOT NULL,
    PRIMARY KEY (person_blind, record_id, entry_id),
    FOREIGN KEY (record_id, entry_id) REFERENCES entries (record_id, entry_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX parties_entry ON parties (record_id, entry_id);

-- Valid edits that are kept out of the record.
CREATE TABLE held (
    record_id    BLOB NOT NULL REFERENCES records (record_id),
    change_blind BLOB NOT NULL CHECK (length(change_blind) = 16),
    entry_id     BLOB NOT NULL CHECK (length(entry_id) = 16),
    author_blind BLOB NOT NULL CHECK (length(author_blind) = 16),
    received     INTEGER NOT NULL,
    -- When it was held or settled.
    changed      INTEGER NOT NULL CHECK (changed >= received),
    settlement   TEXT CHECK (settlement IN ('released', 'discarded')),
    sealed       BLOB NOT NULL,
    PRIMARY KEY (record_id, change_blind)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_entry ON held (record_id, entry_id, received, change_blind);
CREATE INDEX held_changed ON held (record_id, changed, received, change_blind);
CREATE INDEX held_author ON held (record_id, author_blind) WHERE settlement IS NULL;

-- Who did what in a record and who read it: a chain of digests, one a record.
CREATE TABLE audit (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    seq       INTEGER NOT NULL CHECK (seq > 0),
    tick      INTEGER NOT NULL,
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    sealed    BLOB NOT NULL,
    PRIMARY KEY (record_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_order BEFORE INSERT ON audit
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM audit WHERE record_id = NEW.record_id), 0)
    OR NEW.tick < (SELECT max(tick) FROM audit
                   WHERE record_id = NEW.record_id AND seq = NEW.seq - 1)
BEGIN SELECT RAISE(ABORT, 'the access log only grows at its end'); END;
CREATE TRIGGER audit_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;

-- What a full store looks like (rows in all, then rows for each further column of an index), so
-- that every query is planned for records of thousands of entries, however empty the store is.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('entries', 'entries', '10000000 2000 1'),
    ('entries', 'entries_touched', '10000000 2000 1'),
    ('entries', 'entries_due', '100000 20 2'),
    ('entries', 'entries_rights', '50000 10 1'),
    ('log', 'log', '50000000 10000 1'),
    ('log', 'log_change', '50000000 10000 1'),
    ('log', 'log_actor', '50000000 10000 5 2 1'),
    ('log', 'log_entry', '50000000 10000 5 1'),
    ('parties', 'parties', '50000 5 2 1'),
    ('parties', 'parties_entry', '50000 10 1'),
    ('held', 'held', '1000000 200 1'),
    ('held', 'held_entry', '1000000 200 5 2 1'),
    ('held', 'held_changed', '1000000 200 1 1 1'),
    ('held', 'held_author', '100000 20 5'),
    ('audit', 'audit', '50000000 10000 1');
-- Read by this connection too.
ANALYZE sqlite_schema;
