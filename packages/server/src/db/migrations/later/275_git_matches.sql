-- Which sessions git activity may belong to, and on what evidence. git_activity.session_id is the best exact or evidence match alone.
CREATE TABLE IF NOT EXISTS git_matches (
  git_activity_id TEXT NOT NULL REFERENCES git_activity (id) ON DELETE CASCADE,
  session_id      TEXT NOT NULL,
  grade           TEXT NOT NULL CHECK (grade IN ('exact', 'evidence', 'possible')),
  why             TEXT NOT NULL,
  -- Of the git activity, which never changes: the lists of a session are ordered by it.
  timestamp       TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (git_activity_id, session_id)
);
CREATE INDEX IF NOT EXISTS idx_git_matches_session ON git_matches (session_id, timestamp, git_activity_id);
