DELETE FROM sqlite_stat1 WHERE tbl = 'given_up';
DROP TRIGGER log_delete;
CREATE TRIGGER log_delete BEFORE DELETE ON log
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
DROP TABLE given_up;
ANALYZE sqlite_schema;
