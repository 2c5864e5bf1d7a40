-- What devices report of sessions, and what is kept of start and end events that were deleted. A session's row follows from these
-- and from its events (projections/fold-session.ts).
CREATE TABLE IF NOT EXISTS session_reports (
  id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id     TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  kind           TEXT NOT NULL CHECK (kind IN ('report', 'backfill', 'start', 'end', 'event')),
  at             TIMESTAMPTZ NOT NULL,      -- the reported start; an event's timestamp
  event_id       TEXT NOT NULL DEFAULT '',
  workspace_id   TEXT NOT NULL REFERENCES workspaces (id),
  device_id      TEXT NOT NULL REFERENCES devices (id),
  ended_at       TIMESTAMPTZ,
  end_reason     TEXT,
  duration_ms    BIGINT,
  git_branch     TEXT,
  model          TEXT,
  source         TEXT,
  initial_prompt TEXT,
  metadata       JSONB NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS idx_session_reports_session ON session_reports (session_id);
