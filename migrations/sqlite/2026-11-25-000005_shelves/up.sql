-- Where entries stand, so that whoever asks what is new meets only what they may see.

-- What of an entry's class decides who may read it, once for all entries of a record that share it.
CREATE TABLE shelves (
    record_id BLOB NOT NULL REFERENCES records (record_id),
    -- A keyed digest.
    shelf     INTEGER NOT NULL,
    sealed    BLOB NOT NULL,
    PRIMARY KEY (record_id, shelf)
) STRICT, WITHOUT ROWID;

-- How many shelves a record has: what was worked out of them before is stale.
ALTER TABLE records ADD COLUMN shelves INTEGER NOT NULL DEFAULT 0 CHECK (shelves >= 0);

-- The shelf of each entry, since its last change; if it is delayed, two: that of those who mind the
-- delay from its end on.
CREATE TABLE places (
    record_id BLOB NOT NULL,
    shelf     INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    PRIMARY KEY (record_id, shelf, since, entry_id),
    FOREIGN KEY (record_id, shelf) REFERENCES shelves (record_id, shelf)
) STRICT, WITHOUT ROWID;

-- The shelves that entries left, and when: who looks there must forget them.
CREATE TABLE departures (
    record_id BLOB NOT NULL,
    shelf     INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    entry_id  BLOB NOT NULL CHECK (length(entry_id) = 16),
    PRIMARY KEY (record_id, shelf, since, entry_id),
    FOREIGN KEY (record_id, shelf) REFERENCES shelves (record_id, shelf)
) STRICT, WITHOUT ROWID;

DROP INDEX entries_touched;
DROP INDEX entries_due;

-- Since when the holder may be told of a held edit as it stands.
ALTER TABLE held ADD COLUMN shown INTEGER
    GENERATED ALWAYS AS (max(changed, coalesce(due, changed))) VIRTUAL;
DROP INDEX held_changed;
DROP INDEX held_due;
CREATE INDEX held_shown ON held (record_id, shown, received, change_blind);
-- What an author is told of.
CREATE INDEX held_settled ON held (record_id, author_blind, changed) WHERE settlement IS NOT NULL;

DELETE FROM sqlite_stat1 WHERE idx IN ('entries_touched', 'entries_due', 'held_changed');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('shelves', 'shelves', '150000 30 1'),
    ('places', 'places', '10000000 2000 70 1 1'),
    ('departures', 'departures', '100000 20 5 1 1'),
    ('held', 'held_shown', '1000000 200 1 1 1'),
    ('held', 'held_settled', '1000000 200 5 1');
-- Read by this connection too.
ANALYZE sqlite_schema;
