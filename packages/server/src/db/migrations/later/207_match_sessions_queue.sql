-- A session whose bounds changed may hold more git activity than one round may match: it is queued once, with the id up to which its
-- git activity is matched. is_outdated: it changed again meanwhile, so that it is matched from the beginning afterwards.
ALTER TABLE projection_queue
  ADD COLUMN IF NOT EXISTS session_id TEXT, -- no foreign key: a deleted session holds nothing
  ADD COLUMN IF NOT EXISTS after_id TEXT NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS is_outdated BOOLEAN NOT NULL DEFAULT false;
CREATE UNIQUE INDEX IF NOT EXISTS idx_projection_queue_session ON projection_queue (session_id) WHERE session_id IS NOT NULL;
