-- What transcripts state of a subagent. Events state its type and model, too, and take precedence.
ALTER TABLE subagents
  ADD COLUMN IF NOT EXISTS call_id          TEXT,
  ADD COLUMN IF NOT EXISTS parent_agent_id  TEXT,
  ADD COLUMN IF NOT EXISTS description      TEXT,
  ADD COLUMN IF NOT EXISTS workflow         TEXT,
  ADD COLUMN IF NOT EXISTS label            TEXT,
  -- By its transcripts alone; true also where they do not name it.
  ADD COLUMN IF NOT EXISTS transcript_model TEXT,
  ADD COLUMN IF NOT EXISTS has_transcript   BOOLEAN NOT NULL DEFAULT false;
