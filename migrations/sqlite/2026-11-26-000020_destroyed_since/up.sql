-- What of a record was destroyed since, asked before entries are given.
CREATE INDEX destroyed_tick ON destroyed (record_id, tick);
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('destroyed', 'destroyed_tick', '10000 5 1');
-- Read by this connection too.
ANALYZE sqlite_schema;
