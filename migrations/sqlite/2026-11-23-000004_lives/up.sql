-- The former lives of a record's log. A store that was put back from an older copy has lost the end
-- of the life it was in; from then on the log has another.
CREATE TABLE lives (
    record_id       BLOB NOT NULL REFERENCES records (record_id),
    log_incarnation BLOB NOT NULL CHECK (length(log_incarnation) = 16),
    -- No checkpoint of it says more than this.
    ended           INTEGER NOT NULL CHECK (ended > 0),
    PRIMARY KEY (record_id, log_incarnation)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER lives_update BEFORE UPDATE ON lives
WHEN NEW.record_id IS NOT OLD.record_id OR NEW.log_incarnation IS NOT OLD.log_incarnation
    OR NEW.ended < OLD.ended
BEGIN SELECT RAISE(ABORT, 'a life that ended is not shortened'); END;
CREATE TRIGGER lives_delete BEFORE DELETE ON lives
BEGIN SELECT RAISE(ABORT, 'a life that ended is not forgotten'); END;
CREATE TRIGGER records_life BEFORE UPDATE ON records
WHEN NEW.log_incarnation IS NOT OLD.log_incarnation AND (
    NOT EXISTS (SELECT 1 FROM lives WHERE record_id = OLD.record_id
                AND log_incarnation = OLD.log_incarnation)
    OR EXISTS (SELECT 1 FROM lives WHERE record_id = OLD.record_id
               AND log_incarnation = NEW.log_incarnation))
BEGIN SELECT RAISE(ABORT, 'a log begins a life that it never had'); END;
