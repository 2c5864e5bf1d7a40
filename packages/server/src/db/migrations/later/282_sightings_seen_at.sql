-- When the file was first seen to hold the response: of several devices' sessions, that of the first one owns it. Reading a file again
-- keeps the time. Rows of before have one time.
ALTER TABLE response_sightings ADD COLUMN IF NOT EXISTS seen_at TIMESTAMPTZ NOT NULL DEFAULT now();
