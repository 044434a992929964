DROP TABLE sessions;
DROP TABLE devices;
DROP TABLE passkeys;
DROP TABLE ceremonies;
DROP TABLE code_guesses;
DROP TABLE enrolment_codes;
DROP TABLE people;
DROP TABLE settings;
