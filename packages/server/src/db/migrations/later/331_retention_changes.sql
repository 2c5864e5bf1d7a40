-- Who changed the retention of a workspace, and to which days; null: forever.
CREATE TABLE IF NOT EXISTS retention_changes (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  id           BIGINT GENERATED ALWAYS AS IDENTITY,
  raw_days     INTEGER,
  parsed_days  INTEGER,
  events_days  INTEGER,
  actor        TEXT NOT NULL, -- 'key <id>' or 'environment'
  request_id   TEXT,
  created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, id)
);
