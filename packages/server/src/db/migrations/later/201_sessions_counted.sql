-- A flush stores a new session as a stub that is not counted; the round that projects it counts it. Flushes thus never wait for
-- each other at a row of totals. Sessions of the version before are counted when they are stored.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS is_counted BOOLEAN NOT NULL DEFAULT true;
