ALTER TABLE held DROP COLUMN about;
DROP INDEX held_author;
CREATE INDEX held_author ON held (record_id, author_blind) WHERE settlement IS NULL;
DELETE FROM sqlite_stat1 WHERE idx = 'held_author';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('held', 'held_author', '100000 20 5');
ANALYZE sqlite_schema;
