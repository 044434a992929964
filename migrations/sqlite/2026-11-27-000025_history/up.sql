-- All changes of an entry in one piece, ready for frames, so that whoever is given the entry does not
-- have the log read change by change. It follows from the log, and is not everywhere.
--
-- What an entry's row says is asked far more often than its content, for all entries of a record at once;
-- so the content stands in a table of its own, and many rows on one page.
--
-- And tables whose rows are long are kept by number, with an index of their names beside them. A table
-- WITHOUT ROWID is one tree of whole rows, and to find one there SQLite reads each row that it compares
-- to its end, with the pages that its end stands on.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE log_before AS SELECT * FROM log;
DROP TABLE log;
CREATE TABLE entries_before AS SELECT * FROM entries;
DROP TABLE entries;
CREATE TABLE audit_before AS SELECT * FROM audit;
DROP TABLE audit;

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
    PRIMARY KEY (record_id, entry_id)
) STRICT;
INSERT INTO entries SELECT record_id, entry_id, key_id, touched, due, is_right, changes, bytes, class
    FROM entries_before ORDER BY rowid;
-- An entry that was destroyed has none.
CREATE TABLE contents (
    record_id BLOB NOT NULL,
    entry_id  BLOB NOT NULL,
    document  BLOB NOT NULL,
    -- Nothing of entries that were written last before this was kept, and of those with many changes.
    history   BLOB,
    PRIMARY KEY (record_id, entry_id),
    FOREIGN KEY (record_id, entry_id) REFERENCES entries (record_id, entry_id)
) STRICT;
INSERT INTO contents SELECT record_id, entry_id, document, NULL FROM entries_before
    WHERE length(document) > 0 ORDER BY rowid;
DROP TABLE entries_before;
CREATE INDEX entries_rights ON entries (record_id, entry_id) WHERE is_right = 1;
CREATE TRIGGER entries_destroyed_insert BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM destroyed
             WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
CREATE TRIGGER entries_destroyed_update BEFORE UPDATE ON entries
WHEN length(NEW.class) > 0
    AND EXISTS (SELECT 1 FROM destroyed
                WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
CREATE TRIGGER contents_destroyed_insert BEFORE INSERT ON contents
WHEN EXISTS (SELECT 1 FROM destroyed
             WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
CREATE TRIGGER contents_destroyed_update BEFORE UPDATE ON contents
WHEN EXISTS (SELECT 1 FROM destroyed
             WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;

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
) STRICT;
INSERT INTO log SELECT * FROM log_before ORDER BY rowid;
DROP TABLE log_before;
CREATE UNIQUE INDEX log_change ON log (record_id, change_blind);
CREATE UNIQUE INDEX log_actor ON log (record_id, entry_id, actor_blind, seq);
CREATE INDEX log_entry ON log (record_id, entry_id, tick);
CREATE TRIGGER log_order BEFORE INSERT ON log
WHEN NEW.tick <= (SELECT max(tick) FROM log WHERE record_id = NEW.record_id)
BEGIN SELECT RAISE(ABORT, 'the log only grows at its end'); END;
CREATE TRIGGER log_update BEFORE UPDATE ON log
WHEN NEW.record_id IS NOT OLD.record_id OR NEW.tick IS NOT OLD.tick
    OR NEW.entry_id IS NOT OLD.entry_id OR NEW.change_blind IS NOT OLD.change_blind
    OR NEW.actor_blind IS NOT OLD.actor_blind OR NEW.seq IS NOT OLD.seq
    OR length(NEW.about) > 0 OR length(NEW.change) > 0
    OR NOT EXISTS (SELECT 1 FROM destroyed
                   WHERE record_id = OLD.record_id AND entry_id = OLD.entry_id)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_delete BEFORE DELETE ON log
WHEN NOT EXISTS (SELECT 1 FROM given_up g JOIN entries e
                     ON e.record_id = g.record_id AND e.entry_id = g.entry_id AND e.key_id = g.key_id
                 WHERE g.record_id = OLD.record_id AND g.entry_id = OLD.entry_id
                     AND g.tick > OLD.tick)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TABLE audit (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    seq       INTEGER NOT NULL CHECK (seq > 0),
    tick      INTEGER NOT NULL,
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    sealed    BLOB NOT NULL,
    PRIMARY KEY (record_id, seq)
) STRICT;
INSERT INTO audit SELECT * FROM audit_before ORDER BY rowid;
DROP TABLE audit_before;
CREATE TRIGGER audit_order BEFORE INSERT ON audit
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM audit WHERE record_id = NEW.record_id), 0)
    OR NEW.tick < (SELECT max(tick) FROM audit
                   WHERE record_id = NEW.record_id AND seq = NEW.seq - 1)
BEGIN SELECT RAISE(ABORT, 'the access log only grows at its end'); END;
CREATE TRIGGER audit_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;

DELETE FROM sqlite_stat1 WHERE tbl IN ('entries', 'log', 'audit');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('entries', 'sqlite_autoindex_entries_1', '10000000 2000 1'),
    ('contents', 'sqlite_autoindex_contents_1', '10000000 2000 1'),
    ('entries', 'entries_rights', '50000 10 1'),
    ('log', 'sqlite_autoindex_log_1', '50000000 10000 1'),
    ('log', 'log_change', '50000000 10000 1'),
    ('log', 'log_actor', '50000000 10000 5 2 1'),
    ('log', 'log_entry', '50000000 10000 5 1'),
    ('audit', 'sqlite_autoindex_audit_1', '50000000 10000 1');
-- Read by this connection too.
ANALYZE sqlite_schema;
