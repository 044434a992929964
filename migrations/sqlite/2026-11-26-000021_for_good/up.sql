-- What was taken back is taken back for good, a code is used once, and its tries only get fewer.
CREATE TRIGGER devices_revoked BEFORE UPDATE ON devices
WHEN OLD.revoked IS NOT NULL AND NEW.revoked IS NULL
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;
CREATE TRIGGER passkeys_revoked BEFORE UPDATE ON passkeys
WHEN OLD.revoked IS NOT NULL AND NEW.revoked IS NULL
BEGIN SELECT RAISE(ABORT, 'what is revoked stays revoked'); END;
CREATE TRIGGER sessions_ended BEFORE UPDATE ON sessions
WHEN OLD.ended IS NOT NULL AND NEW.ended IS NULL
BEGIN SELECT RAISE(ABORT, 'a session that ended stays ended'); END;
CREATE TRIGGER enrolment_codes_once BEFORE UPDATE ON enrolment_codes
WHEN (OLD.used IS NOT NULL AND NEW.used IS NULL) OR NEW.tries_left > OLD.tries_left
BEGIN SELECT RAISE(ABORT, 'a code is used once and tried so often'); END;
