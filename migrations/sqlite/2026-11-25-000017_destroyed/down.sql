DELETE FROM sqlite_stat1 WHERE tbl = 'destroyed';
DROP TRIGGER log_update;
CREATE TRIGGER log_update BEFORE UPDATE ON log
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
DROP TRIGGER entries_destroyed_update;
DROP TRIGGER entries_destroyed_insert;
DROP TABLE doomed;
DROP TABLE destroyed;
ANALYZE sqlite_schema;
