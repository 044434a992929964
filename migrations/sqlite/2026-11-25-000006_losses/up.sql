-- How many events the access log still had when a life ended; nothing if that is not known.
ALTER TABLE lives ADD COLUMN kept INTEGER CHECK (kept >= 0);
-- How many it had at the end of that life, as far as a device has shown.
ALTER TABLE lives ADD COLUMN had INTEGER NOT NULL DEFAULT 0 CHECK (had >= 0);
