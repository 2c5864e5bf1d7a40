-- The files of a session, path by path.
CREATE INDEX IF NOT EXISTS idx_file_touches_path ON file_touches (session_id, path);
