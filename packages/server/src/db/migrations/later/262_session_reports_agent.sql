-- The agent of a session, as starts, reports and backfills name it.
ALTER TABLE session_reports ADD COLUMN IF NOT EXISTS agent TEXT;
