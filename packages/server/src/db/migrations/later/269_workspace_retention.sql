-- How long a workspace keeps what it holds, in days. Null: for ever.
CREATE TABLE IF NOT EXISTS workspace_retention (
  workspace_id TEXT PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
  -- Bytes of transcripts.
  raw_days     INTEGER CHECK (raw_days > 0),
  -- Messages, their documents in the search and the texts of calls.
  parsed_days  INTEGER CHECK (parsed_days > 0),
  events_days  INTEGER CHECK (events_days > 0),
  updated_at   TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Its bytes were deleted: it cannot be read again from the beginning.
ALTER TABLE transcript_files ADD COLUMN IF NOT EXISTS raw_pruned_at TIMESTAMPTZ;
