-- Messages of all agents: their place in a file, their kind, and what they answer.

ALTER TABLE transcript_messages
  DROP CONSTRAINT IF EXISTS transcript_messages_message_type_check,
  ADD COLUMN IF NOT EXISTS file_id      BIGINT REFERENCES transcript_files (id),
  ADD COLUMN IF NOT EXISTS generation   INTEGER,
  -- Unique in the session and subagent: a record that several files hold is one message.
  ADD COLUMN IF NOT EXISTS message_key  TEXT,
  ADD COLUMN IF NOT EXISTS parent_key   TEXT,
  ADD COLUMN IF NOT EXISTS kind         TEXT,
  ADD COLUMN IF NOT EXISTS response_key TEXT,
  -- The latest time up to this record in its file: in this order, a file's records stay in theirs, and files of several devices are merged.
  ADD COLUMN IF NOT EXISTS sorted_at    TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
  ADD COLUMN IF NOT EXISTS is_copy      BOOLEAN NOT NULL DEFAULT false,
  ADD COLUMN IF NOT EXISTS is_sidechain BOOLEAN NOT NULL DEFAULT false,
  -- Taken out of view by a rewind; its tokens were spent.
  ADD COLUMN IF NOT EXISTS is_rewound   BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX IF NOT EXISTS idx_transcript_msg_order
  ON transcript_messages (session_id, coalesce(subagent_id, ''), sorted_at, ordinal, id);
CREATE INDEX IF NOT EXISTS idx_transcript_msg_file ON transcript_messages (file_id, generation);
