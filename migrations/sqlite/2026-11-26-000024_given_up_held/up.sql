-- How many edits of an entry that was given up had been held before they were in the log: they are
-- held no more, and the access log tells of them still.
ALTER TABLE given_up ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0);
