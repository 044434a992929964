DROP TABLE destructions;
DROP TABLE entry_keys;
DROP TABLE record_keys;
DROP TABLE named_keys;
DROP TABLE masters;
DROP TABLE store;
