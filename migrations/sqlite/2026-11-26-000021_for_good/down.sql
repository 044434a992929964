DROP TRIGGER enrolment_codes_once;
DROP TRIGGER sessions_ended;
DROP TRIGGER passkeys_revoked;
DROP TRIGGER devices_revoked;
