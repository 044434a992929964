DELETE FROM sqlite_stat1 WHERE idx = 'destroyed_tick';
DROP INDEX destroyed_tick;
