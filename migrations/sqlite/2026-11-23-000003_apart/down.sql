DROP INDEX held_due;
ALTER TABLE held DROP COLUMN due;
DROP TRIGGER records_clock;
ALTER TABLE records DROP COLUMN apart_head;
ALTER TABLE records DROP COLUMN apart_len;
CREATE TRIGGER records_clock BEFORE UPDATE ON records
WHEN NEW.last_tick < OLD.last_tick OR NEW.audit_len < OLD.audit_len
BEGIN SELECT RAISE(ABORT, 'a record does not go back'); END;
DROP TABLE audit_apart;
