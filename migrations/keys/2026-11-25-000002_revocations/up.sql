-- What was taken back for good, so that a data store that was put back from an older copy can be
-- brought to the same state: devices and sessions by their name, passkeys by their credential,
-- enrolment codes by their selector and digest.
CREATE TABLE revocations (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind     TEXT NOT NULL CHECK (kind IN ('device', 'passkey', 'session', 'code')),
    subject  BLOB NOT NULL,
    time     INTEGER NOT NULL,
    -- When the thing would have ended by itself; the row is not needed after that.
    expires  INTEGER,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX revocations_expires ON revocations (expires) WHERE expires IS NOT NULL;
