-- The messages of a workspace are added up from the sessions whose transcripts were parsed, without reading the sessions' rows.

CREATE INDEX IF NOT EXISTS idx_sessions_messages ON sessions (workspace_id) INCLUDE (total_messages)
  WHERE total_messages IS NOT NULL AND deleted_at IS NULL;
