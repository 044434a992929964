DROP TABLE notes;
DROP TABLE unsent;
DROP TABLE entries;
DROP TABLE records;
DROP TABLE profiles;
DROP TABLE settings;
