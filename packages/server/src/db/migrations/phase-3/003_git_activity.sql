-- Phase 3: git activity, tied to the session that it came from.

CREATE TABLE IF NOT EXISTS git_activity (
  id            TEXT PRIMARY KEY, -- the event's id
  workspace_id  TEXT NOT NULL REFERENCES workspaces (id),
  device_id     TEXT NOT NULL REFERENCES devices (id),
  session_id    TEXT REFERENCES sessions (id),
  type          TEXT NOT NULL CHECK (type IN ('commit', 'push', 'checkout', 'merge')),
  branch        TEXT,
  commit_sha    TEXT,
  message       TEXT,
  files_changed INTEGER,
  insertions    INTEGER,
  deletions     INTEGER,
  timestamp     TIMESTAMPTZ NOT NULL,
  data          JSONB NOT NULL DEFAULT '{}'
);

CREATE INDEX IF NOT EXISTS idx_git_workspace ON git_activity (workspace_id, timestamp DESC);
CREATE INDEX IF NOT EXISTS idx_git_session   ON git_activity (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_git_sha       ON git_activity (commit_sha) WHERE commit_sha IS NOT NULL;
