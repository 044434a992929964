-- How many bytes the changes of a record take that were accepted or held, as they were stored, with
-- what is said about each. What is destroyed counts on.
ALTER TABLE records ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0);
UPDATE records SET bytes =
    (SELECT coalesce(sum(length(change) + length(about)), 0) FROM log
     WHERE log.record_id = records.record_id)
    + (SELECT coalesce(sum(length(sealed) + length(about)), 0) FROM held
       WHERE held.record_id = records.record_id);
CREATE TRIGGER records_bytes BEFORE UPDATE ON records
WHEN NEW.bytes < OLD.bytes
BEGIN SELECT RAISE(ABORT, 'what a record took up it took up'); END;
