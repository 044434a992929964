-- People, how they sign in, and their devices. Columns named "sealed" are encrypted with a key of
-- the key store; the others are listed in docs/data-at-rest.md. Times: microseconds since 1970.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    person_id  BLOB PRIMARY KEY NOT NULL CHECK (length(person_id) = 16),
    sealed     BLOB NOT NULL,
    ins_blind  BLOB UNIQUE CHECK (length(ins_blind) = 32),
    rpps_blind BLOB UNIQUE CHECK (length(rpps_blind) = 32),
    profession TEXT,
    created    INTEGER NOT NULL,
    -- A profession is one that was verified, so it comes with an RPPS identity.
    CHECK ((profession IS NULL) = (rpps_blind IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE enrolment_codes (
    -- A code is a selector, by which it is found, and a secret, which is guessed at.
    selector    BLOB PRIMARY KEY NOT NULL CHECK (length(selector) = 32),
    secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
    person_id   BLOB NOT NULL REFERENCES people ON DELETE CASCADE,
    purpose     TEXT NOT NULL CHECK (purpose IN ('first', 'recovery', 'another')),
    sealed      BLOB NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL CHECK (expires > created),
    tries_left  INTEGER NOT NULL CHECK (tries_left >= 0),
    used        INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolment_codes_person ON enrolment_codes (person_id);
CREATE INDEX enrolment_codes_expires ON enrolment_codes (expires);

-- Guesses at codes that do not exist, by the hour and a blind index of where they came from.
CREATE TABLE code_guesses (
    peer_blind BLOB NOT NULL CHECK (length(peer_blind) = 32),
    hour       INTEGER NOT NULL,
    guesses    INTEGER NOT NULL CHECK (guesses > 0),
    PRIMARY KEY (peer_blind, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX code_guesses_hour ON code_guesses (hour);

-- A WebAuthn ceremony between its start and its finish; finishing deletes it.
CREATE TABLE ceremonies (
    ceremony_id BLOB PRIMARY KEY NOT NULL CHECK (length(ceremony_id) = 16),
    kind        TEXT NOT NULL CHECK (kind IN ('enrolment', 'sign-in')),
    person_id   BLOB REFERENCES people ON DELETE CASCADE,
    selector    BLOB REFERENCES enrolment_codes ON DELETE CASCADE,
    sealed      BLOB NOT NULL,
    expires     INTEGER NOT NULL,
    CHECK ((kind = 'enrolment') = (person_id IS NOT NULL)),
    CHECK ((kind = 'enrolment') = (selector IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX ceremonies_person ON ceremonies (person_id);
CREATE INDEX ceremonies_selector ON ceremonies (selector);
CREATE INDEX ceremonies_expires ON ceremonies (expires);

CREATE TABLE passkeys (
    passkey_id    BLOB PRIMARY KEY NOT NULL CHECK (length(passkey_id) = 16),
    credential_id BLOB UNIQUE NOT NULL,
    person_id     BLOB NOT NULL REFERENCES people ON DELETE CASCADE,
    sealed        BLOB NOT NULL,
    created       INTEGER NOT NULL,
    last_used     INTEGER,
    revoked       INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_person ON passkeys (person_id);

CREATE TABLE devices (
    device_id  BLOB PRIMARY KEY NOT NULL CHECK (length(device_id) = 16),
    public_key BLOB UNIQUE NOT NULL CHECK (length(public_key) = 32),
    person_id  BLOB NOT NULL REFERENCES people ON DELETE CASCADE,
    sealed     BLOB NOT NULL,
    created    INTEGER NOT NULL,
    revoked    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_person ON devices (person_id);

CREATE TABLE sessions (
    session_id BLOB PRIMARY KEY NOT NULL CHECK (length(session_id) = 16),
    token_hash BLOB UNIQUE NOT NULL CHECK (length(token_hash) = 32),
    person_id  BLOB NOT NULL REFERENCES people ON DELETE CASCADE,
    passkey_id BLOB NOT NULL REFERENCES passkeys ON DELETE CASCADE,
    device_id  BLOB REFERENCES devices ON DELETE CASCADE,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL CHECK (expires > created),
    last_seen  INTEGER NOT NULL,
    ended      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_person ON sessions (person_id);
CREATE INDEX sessions_passkey ON sessions (passkey_id);
CREATE INDEX sessions_device ON sessions (device_id);
CREATE INDEX sessions_expires ON sessions (expires);
