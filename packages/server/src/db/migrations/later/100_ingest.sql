-- Phase 7: what ingest has to remember beside the rows themselves.

-- A session's state must not depend on the order in which its events arrive; these columns hold what the merge needs.
ALTER TABLE sessions
  ADD COLUMN IF NOT EXISTS facts             JSONB NOT NULL DEFAULT '{}',     -- each reported value with its rank, time and event
  ADD COLUMN IF NOT EXISTS start_reported_at TIMESTAMPTZ,                     -- earliest reported start; NULL: a stub
  ADD COLUMN IF NOT EXISTS resumed_at        TIMESTAMPTZ,                     -- latest reported resume
  ADD COLUMN IF NOT EXISTS ended_by_server   BOOLEAN NOT NULL DEFAULT false,  -- ended for silence; the next event reopens it
  ADD COLUMN IF NOT EXISTS last_heard_at     TIMESTAMPTZ NOT NULL DEFAULT now(); -- the database's clock, written at most every 30 s

CREATE INDEX IF NOT EXISTS idx_sessions_started ON sessions (started_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_sessions_open    ON sessions (last_heard_at) WHERE lifecycle IN ('detected', 'capturing');

-- When the local path was said: the latest stands, whichever arrives last.
ALTER TABLE workspace_devices ADD COLUMN IF NOT EXISTS local_path_at TIMESTAMPTZ;

-- Git activity whose session the server found, or still seeks, by where and when it happened.
ALTER TABLE git_activity ADD COLUMN IF NOT EXISTS session_inferred BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX IF NOT EXISTS idx_git_inferred ON git_activity (workspace_id, device_id, timestamp) WHERE session_inferred;

-- What was odd about an event: shown as ingest health, pruned by age.
CREATE TABLE IF NOT EXISTS ingest_notes (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id   TEXT,
  device_id  TEXT,
  kind       TEXT NOT NULL,
  detail     TEXT,
  body       TEXT, -- as it came: text, because jsonb may be unable to hold it
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_ingest_notes_created ON ingest_notes (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_ingest_notes_device  ON ingest_notes (device_id, created_at DESC);

-- Events that are stored but whose projection failed.
CREATE TABLE IF NOT EXISTS projection_retries (
  event_id      TEXT PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
  attempts      INTEGER NOT NULL DEFAULT 0,
  last_error    TEXT NOT NULL,
  created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
  next_retry_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- A reader takes rows whose xid lies below pg_snapshot_xmin(pg_current_snapshot()), so that nothing committed late is skipped.
CREATE TABLE IF NOT EXISTS change_log (
  position      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid           XID8 NOT NULL DEFAULT pg_current_xact_id(),
  kind          TEXT NOT NULL,
  event_ids     TEXT[] NOT NULL DEFAULT '{}',
  session_ids   TEXT[] NOT NULL DEFAULT '{}',
  workspace_ids TEXT[] NOT NULL DEFAULT '{}',
  created_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);
-- 27 KB of ids a flush: compressing them costs more than it saves.
ALTER TABLE change_log ALTER COLUMN event_ids SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS idx_change_log_created ON change_log (created_at);

-- A deleted session stays deleted: events sent for it again are rejected.
CREATE TABLE IF NOT EXISTS session_tombstones (
  session_id TEXT PRIMARY KEY,
  deleted_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- A flush whose snapshot is older than a deletion cannot see the tombstone; this check runs at the end of its statement
-- with a snapshot of its own, and sends the flush back to try again.
CREATE OR REPLACE FUNCTION refuse_deleted_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM session_tombstones WHERE session_id = NEW.id) THEN
    RAISE foreign_key_violation USING MESSAGE = 'session was deleted', CONSTRAINT = 'sessions_not_deleted';
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sessions_not_deleted AFTER INSERT ON sessions
  FOR EACH ROW EXECUTE FUNCTION refuse_deleted_session();
