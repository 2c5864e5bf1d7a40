-- By it the session during which git activity happened is the first row found: without the id, all earlier ones were sorted.
CREATE INDEX IF NOT EXISTS idx_sessions_during ON sessions (workspace_id, device_id, started_at DESC, id DESC);
DROP INDEX IF EXISTS idx_sessions_workspace_device;
