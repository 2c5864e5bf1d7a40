-- The version before deletes sessions without knowing of their matches.
ALTER TABLE git_matches DROP CONSTRAINT IF EXISTS git_matches_session_id_fkey;
ALTER TABLE git_matches ADD CONSTRAINT git_matches_session_id_fkey
  FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE;
