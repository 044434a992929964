DELETE FROM sqlite_stat1 WHERE tbl IN ('shelves', 'places', 'departures')
    OR idx IN ('held_shown', 'held_settled');
DROP INDEX held_settled;
DROP INDEX held_shown;
ALTER TABLE held DROP COLUMN shown;
CREATE INDEX held_due ON held (record_id, due) WHERE due IS NOT NULL;
CREATE INDEX held_changed ON held (record_id, changed, received, change_blind);
CREATE INDEX entries_due ON entries (record_id, due) WHERE due IS NOT NULL;
CREATE UNIQUE INDEX entries_touched ON entries (record_id, touched);
DROP TABLE departures;
DROP TABLE places;
ALTER TABLE records DROP COLUMN shelves;
DROP TABLE shelves;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('entries', 'entries_touched', '10000000 2000 1'),
    ('entries', 'entries_due', '100000 20 2'),
    ('held', 'held_changed', '1000000 200 1 1 1');
ANALYZE sqlite_schema;
