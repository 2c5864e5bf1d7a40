-- What messages and responses of a subagent's transcript show of it. Events take precedence in the columns that are read.
ALTER TABLE subagents
  -- The model of most of its responses.
  ADD COLUMN IF NOT EXISTS used_model  TEXT,
  ADD COLUMN IF NOT EXISTS first_at    TIMESTAMPTZ,
  -- Of its last message, if that is an answer without a call or an interruption.
  ADD COLUMN IF NOT EXISTS finished_at TIMESTAMPTZ;
