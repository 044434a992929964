DELETE FROM sqlite_stat1 WHERE idx = 'departures_entry';
DROP INDEX departures_entry;

ALTER TABLE doomed RENAME TO doomed_marks;
CREATE TABLE doomed (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    PRIMARY KEY (record_id, entry_id)
) STRICT, WITHOUT ROWID;
INSERT INTO doomed (record_id, entry_id) SELECT DISTINCT record_id, entry_id FROM doomed_marks;
DROP TABLE doomed_marks;
