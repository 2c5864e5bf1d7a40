-- Transcripts are a source of what is known of a session, one row a device; like a backfill, they fill gaps.
ALTER TABLE session_reports DROP CONSTRAINT IF EXISTS session_reports_kind_check;
ALTER TABLE session_reports ADD CONSTRAINT session_reports_kind_check
  CHECK (kind IN ('report', 'backfill', 'start', 'end', 'event', 'transcript')) NOT VALID;
CREATE UNIQUE INDEX IF NOT EXISTS idx_session_reports_transcript ON session_reports (session_id, device_id)
  WHERE kind = 'transcript';
