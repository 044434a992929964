DROP TABLE destroyed_entries;
