-- What was done to entries that the holder may not know of yet: a chain of its own. When they may,
-- its events go into the holder's chain too.
CREATE TABLE audit_apart (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    seq       INTEGER NOT NULL CHECK (seq > 0),
    tick      INTEGER NOT NULL,
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    -- When the holder may know of it; follows the entry.
    due       INTEGER NOT NULL,
    -- The tick under which it went into the holder's chain.
    told      INTEGER CHECK (told >= tick),
    sealed    BLOB NOT NULL,
    PRIMARY KEY (record_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_apart_due ON audit_apart (record_id, due) WHERE told IS NULL;
CREATE INDEX audit_apart_entry ON audit_apart (record_id, entry_id) WHERE told IS NULL;

CREATE TRIGGER audit_apart_order BEFORE INSERT ON audit_apart
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM audit_apart
                              WHERE record_id = NEW.record_id), 0)
    OR NEW.tick < (SELECT max(tick) FROM audit_apart
                   WHERE record_id = NEW.record_id AND seq = NEW.seq - 1)
BEGIN SELECT RAISE(ABORT, 'the access log only grows at its end'); END;
CREATE TRIGGER audit_apart_update BEFORE UPDATE ON audit_apart
WHEN OLD.told IS NOT NULL OR NEW.record_id IS NOT OLD.record_id OR NEW.seq IS NOT OLD.seq
    OR NEW.tick IS NOT OLD.tick OR NEW.hash IS NOT OLD.hash
    OR NEW.entry_id IS NOT OLD.entry_id OR NEW.sealed IS NOT OLD.sealed
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
CREATE TRIGGER audit_apart_delete BEFORE DELETE ON audit_apart
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;

-- How many events that chain has, and the hash of its last.
ALTER TABLE records ADD COLUMN apart_len INTEGER NOT NULL DEFAULT 0 CHECK (apart_len >= 0);
ALTER TABLE records ADD COLUMN apart_head BLOB CHECK (length(apart_head) = 32);

DROP TRIGGER records_clock;
CREATE TRIGGER records_clock BEFORE UPDATE ON records
WHEN NEW.last_tick < OLD.last_tick OR NEW.audit_len < OLD.audit_len
    OR NEW.apart_len < OLD.apart_len
BEGIN SELECT RAISE(ABORT, 'a record does not go back'); END;

-- Until when a held edit is kept from the patient.
ALTER TABLE held ADD COLUMN due INTEGER;
CREATE INDEX held_due ON held (record_id, due) WHERE due IS NOT NULL;
