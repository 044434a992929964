-- Entries that an administrator gave up, because their key was missing for good: of each, that it was
-- there. The log has its changes no more; a device that has them hands them back, and they are
-- accepted anew, under another key.
CREATE TABLE given_up (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    -- The key that is missing.
    key_id    BLOB NOT NULL CHECK (length(key_id) = 16),
    tick      INTEGER NOT NULL CHECK (tick > 0),
    -- How many changes it had.
    changes   INTEGER NOT NULL CHECK (changes > 0),
    PRIMARY KEY (record_id, entry_id, key_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER given_up_update BEFORE UPDATE ON given_up
BEGIN SELECT RAISE(ABORT, 'what was given up stays so'); END;
CREATE TRIGGER given_up_delete BEFORE DELETE ON given_up
BEGIN SELECT RAISE(ABORT, 'what was given up stays so'); END;

DROP TRIGGER log_delete;
CREATE TRIGGER log_delete BEFORE DELETE ON log
WHEN NOT EXISTS (SELECT 1 FROM given_up g JOIN entries e
                     ON e.record_id = g.record_id AND e.entry_id = g.entry_id AND e.key_id = g.key_id
                 WHERE g.record_id = OLD.record_id AND g.entry_id = OLD.entry_id
                     AND g.tick > OLD.tick)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('given_up', 'given_up', '1000 5 1 1');
-- Read by this connection too.
ANALYZE sqlite_schema;
