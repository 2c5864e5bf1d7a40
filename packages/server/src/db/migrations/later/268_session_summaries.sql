-- How the summary of a session was made; its text is in sessions. A summary without a row was written by a person, too.
CREATE TABLE IF NOT EXISTS session_summaries (
  session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  -- edited: by a person; it is not replaced.
  source     TEXT NOT NULL CHECK (source IN ('plain', 'model', 'edited')),
  model      TEXT,
  tokens_in  BIGINT,
  tokens_out BIGINT,
  -- Null: the model has no price.
  cost_usd   NUMERIC,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
