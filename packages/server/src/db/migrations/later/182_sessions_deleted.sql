-- Deletions that have begun; a job each minute looks for those that nothing finishes.
CREATE INDEX IF NOT EXISTS idx_sessions_deleted ON sessions (deleted_at) WHERE deleted_at IS NOT NULL;
