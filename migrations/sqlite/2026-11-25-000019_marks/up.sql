-- Which marks an entry that is to be destroyed bears: each may be taken back by the request that
-- brought it, and by no other. Of notes from before that is not known; a start decides on them.
ALTER TABLE doomed RENAME TO doomed_before;
CREATE TABLE doomed (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    -- When the mark was accepted.
    tick      INTEGER NOT NULL CHECK (tick >= 0),
    PRIMARY KEY (record_id, entry_id, tick)
) STRICT, WITHOUT ROWID;
INSERT INTO doomed (record_id, entry_id, tick) SELECT record_id, entry_id, 0 FROM doomed_before;
DROP TABLE doomed_before;

-- Which shelves an entry left, asked when it is destroyed.
CREATE INDEX departures_entry ON departures (record_id, entry_id, since, shelf);
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('departures', 'departures_entry', '100000 20 2 1 1');
-- Read by this connection too.
ANALYZE sqlite_schema;
