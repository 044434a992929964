-- What of an author's is held and not settled, since when: they are told of it.
DROP INDEX held_author;
CREATE INDEX held_author ON held (record_id, author_blind, received, change_blind)
    WHERE settlement IS NULL;
DELETE FROM sqlite_stat1 WHERE idx = 'held_author';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('held', 'held_author', '100000 20 5 1 1');

-- What is asked of a held edit more often than the edit: its name, whose it is and its number, why
-- it is held, and whether the holder is to be told of it.
ALTER TABLE held ADD COLUMN about BLOB NOT NULL DEFAULT x'';

-- Read by this connection too.
ANALYZE sqlite_schema;
