-- Entries that were withdrawn as another patient's and destroyed: of each, that it was there. What
-- of it was in clear stays in its rows, so that every log stays whole; what was sealed is empty.
CREATE TABLE destroyed (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    -- The key that sealed it, which the key store no longer has.
    key_id    BLOB NOT NULL CHECK (length(key_id) = 16),
    tick      INTEGER NOT NULL CHECK (tick > 0),
    -- The shelves on which it stood, and until when the holder may not know of it.
    sealed    BLOB NOT NULL,
    PRIMARY KEY (record_id, entry_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER destroyed_update BEFORE UPDATE ON destroyed
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
CREATE TRIGGER destroyed_delete BEFORE DELETE ON destroyed
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
CREATE TRIGGER entries_destroyed_insert BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM destroyed
             WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
CREATE TRIGGER entries_destroyed_update BEFORE UPDATE ON entries
WHEN (length(NEW.class) > 0 OR length(NEW.document) > 0)
    AND EXISTS (SELECT 1 FROM destroyed
                WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;

-- Entries that are to be destroyed once the request that marked them is taken in whole, if a mark
-- still stands then: it may take itself back.
CREATE TABLE doomed (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    PRIMARY KEY (record_id, entry_id)
) STRICT, WITHOUT ROWID;

DROP TRIGGER log_update;
CREATE TRIGGER log_update BEFORE UPDATE ON log
WHEN NEW.record_id IS NOT OLD.record_id OR NEW.tick IS NOT OLD.tick
    OR NEW.entry_id IS NOT OLD.entry_id OR NEW.change_blind IS NOT OLD.change_blind
    OR NEW.actor_blind IS NOT OLD.actor_blind OR NEW.seq IS NOT OLD.seq
    OR length(NEW.about) > 0 OR length(NEW.change) > 0
    OR NOT EXISTS (SELECT 1 FROM destroyed
                   WHERE record_id = OLD.record_id AND entry_id = OLD.entry_id)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('destroyed', 'destroyed', '10000 5 1');
-- Read by this connection too.
ANALYZE sqlite_schema;
