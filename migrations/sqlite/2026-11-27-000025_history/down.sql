DROP TRIGGER entries_destroyed_update;
CREATE TRIGGER entries_destroyed_update BEFORE UPDATE ON entries
WHEN (length(NEW.class) > 0 OR length(NEW.document) > 0)
    AND EXISTS (SELECT 1 FROM destroyed
                WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
ALTER TABLE entries DROP COLUMN history;
