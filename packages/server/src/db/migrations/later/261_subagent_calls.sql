-- What links a subagent to the call that started it.
ALTER TABLE subagents
  ADD COLUMN IF NOT EXISTS call_id         TEXT,
  ADD COLUMN IF NOT EXISTS parent_agent_id TEXT,
  ADD COLUMN IF NOT EXISTS description     TEXT,
  ADD COLUMN IF NOT EXISTS workflow        TEXT,
  ADD COLUMN IF NOT EXISTS label           TEXT;
CREATE INDEX IF NOT EXISTS idx_subagents_call ON subagents (session_id, call_id) WHERE call_id IS NOT NULL;
