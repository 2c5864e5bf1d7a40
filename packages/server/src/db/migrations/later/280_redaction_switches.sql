-- Who switched the redaction of a workspace on or off. The latest row of a workspace stands; one without rows is redacted.
CREATE TABLE IF NOT EXISTS redaction_switches (
  id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  is_redacted  BOOLEAN NOT NULL,
  actor        TEXT NOT NULL, -- 'key <id>' or 'environment'
  request_id   TEXT,
  created_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_redaction_switches_latest ON redaction_switches (workspace_id, id DESC);
