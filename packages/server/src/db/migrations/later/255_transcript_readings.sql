-- A file is read again with a newer parser, or when its parent is known: what the former reading wrote stays until the new one is
-- complete, and is then deleted.

ALTER TABLE transcript_files
  ADD COLUMN IF NOT EXISTS reading        INTEGER NOT NULL DEFAULT 1,
  -- Rows of a former reading may be left.
  ADD COLUMN IF NOT EXISTS has_stale_rows BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE transcript_messages ADD COLUMN IF NOT EXISTS reading INTEGER NOT NULL DEFAULT 1;
ALTER TABLE response_sightings ADD COLUMN IF NOT EXISTS reading INTEGER NOT NULL DEFAULT 1;
ALTER TABLE transcript_facts
  ADD COLUMN IF NOT EXISTS reading    INTEGER NOT NULL DEFAULT 1,
  -- The message of the same record: the fact counts only as long as the message is of this file and generation.
  ADD COLUMN IF NOT EXISTS message_id TEXT;
CREATE INDEX IF NOT EXISTS idx_transcript_files_stale ON transcript_files (session_id) WHERE has_stale_rows;

-- Messages of a generation whose record in another file, or in a newer generation, is the one that is shown.
CREATE TABLE IF NOT EXISTS hidden_messages (
  message_id TEXT NOT NULL,
  file_id    BIGINT NOT NULL REFERENCES transcript_files (id) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  reading    INTEGER NOT NULL,
  PRIMARY KEY (message_id, file_id, generation)
);
CREATE INDEX IF NOT EXISTS idx_hidden_messages_session ON hidden_messages (session_id);
CREATE INDEX IF NOT EXISTS idx_hidden_messages_file ON hidden_messages (file_id);

-- Sessions whose columns have to be derived from their transcripts: written with the rows that change them.
CREATE TABLE IF NOT EXISTS derivations_due (
  session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  due_at     TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Results that another file holds in full.
CREATE INDEX IF NOT EXISTS idx_content_blocks_spilled ON content_blocks (session_id) WHERE metadata ? 'spilled';
