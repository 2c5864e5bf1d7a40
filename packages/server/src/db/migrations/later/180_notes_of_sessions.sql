-- Phase 15: bounds and deletions.

-- The session that a noted event names: its notes are deleted with it, and none written later keeps a body.
ALTER TABLE ingest_notes ADD COLUMN IF NOT EXISTS session_id TEXT;
CREATE INDEX IF NOT EXISTS idx_ingest_notes_session ON ingest_notes (session_id) WHERE session_id IS NOT NULL;
