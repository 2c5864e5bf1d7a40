-- What transcripts say of a session.

ALTER TABLE sessions
  ADD COLUMN IF NOT EXISTS agent             TEXT,
  ADD COLUMN IF NOT EXISTS title             TEXT,
  ADD COLUMN IF NOT EXISTS parent_session_id TEXT,
  ADD COLUMN IF NOT EXISTS forked_from       TEXT,
  ADD COLUMN IF NOT EXISTS parser_version    INTEGER,
  ADD COLUMN IF NOT EXISTS response_count    INTEGER,
  ADD COLUMN IF NOT EXISTS cost_is_partial   BOOLEAN,
  -- What the agent itself states: shown beside the cost, never added to it.
  ADD COLUMN IF NOT EXISTS reported_cost_usd NUMERIC,
  ADD COLUMN IF NOT EXISTS live_state        TEXT,
  ADD COLUMN IF NOT EXISTS live_reason       TEXT,
  ADD COLUMN IF NOT EXISTS live_since        TIMESTAMPTZ,
  -- Everything else that is derived from its transcripts: own tokens, counts by tool, errors, tests, compactions, models …
  ADD COLUMN IF NOT EXISTS transcript        JSONB;
