-- All changes of an entry in one piece, ready for frames, so that whoever is given the entry does not
-- have the log read change by change. It follows from the log; nothing stands here of entries that were
-- touched last before there was this column, and of those whose changes are many.
ALTER TABLE entries ADD COLUMN history BLOB;

DROP TRIGGER entries_destroyed_update;
CREATE TRIGGER entries_destroyed_update BEFORE UPDATE ON entries
WHEN (length(NEW.class) > 0 OR length(NEW.document) > 0 OR NEW.history IS NOT NULL)
    AND EXISTS (SELECT 1 FROM destroyed
                WHERE record_id = NEW.record_id AND entry_id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'what is destroyed stays destroyed'); END;
