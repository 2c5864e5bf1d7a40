-- Blobs to which no segment may refer. Every blob of a transcript is listed before it is put, and again when a segment that refers to it
-- is deleted. A job removes those that have been listed for long enough and have no reference.
CREATE TABLE IF NOT EXISTS unreferenced_blobs (
  hash        TEXT PRIMARY KEY,
  since       TIMESTAMPTZ NOT NULL DEFAULT now(),
  is_removing BOOLEAN NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS idx_unreferenced_blobs_since ON unreferenced_blobs (since);
