DROP TABLE audit;
DROP TABLE held;
DROP TABLE parties;
DROP TABLE log;
DROP TABLE entries;
DROP TABLE records;
