-- Phase 2: parsed transcripts, one row a message and one row a content block.

CREATE TABLE IF NOT EXISTS transcript_messages (
  id               TEXT PRIMARY KEY,
  session_id       TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  line_number      INTEGER NOT NULL,
  ordinal          INTEGER NOT NULL,
  message_type     TEXT NOT NULL CHECK (message_type IN ('user', 'assistant', 'system', 'summary')),
  role             TEXT,
  model            TEXT,
  tokens_in        INTEGER,
  tokens_out       INTEGER,
  cache_read       INTEGER,
  cache_write      INTEGER,
  cost_usd         NUMERIC(10, 6),
  compact_sequence INTEGER NOT NULL DEFAULT 0,
  is_compacted     BOOLEAN NOT NULL DEFAULT false,
  timestamp        TIMESTAMPTZ,
  raw_message      JSONB,
  metadata         JSONB NOT NULL DEFAULT '{}',
  has_text         BOOLEAN NOT NULL DEFAULT false,
  has_thinking     BOOLEAN NOT NULL DEFAULT false,
  has_tool_use     BOOLEAN NOT NULL DEFAULT false,
  has_tool_result  BOOLEAN NOT NULL DEFAULT false
);

CREATE INDEX IF NOT EXISTS idx_transcript_msg_session ON transcript_messages (session_id, ordinal);
CREATE INDEX IF NOT EXISTS idx_transcript_msg_compact ON transcript_messages (session_id, compact_sequence);

CREATE TABLE IF NOT EXISTS content_blocks (
  id             TEXT PRIMARY KEY,
  message_id     TEXT NOT NULL REFERENCES transcript_messages (id) ON DELETE CASCADE,
  session_id     TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  block_order    INTEGER NOT NULL,
  block_type     TEXT NOT NULL CHECK (block_type IN ('text', 'thinking', 'tool_use', 'tool_result')),
  content_text   TEXT,
  thinking_text  TEXT,
  tool_name      TEXT,
  tool_use_id    TEXT,
  tool_input     JSONB,
  tool_result_id TEXT,
  is_error       BOOLEAN DEFAULT false,
  result_text    TEXT,
  result_s3_key  TEXT,
  metadata       JSONB NOT NULL DEFAULT '{}'
);

CREATE INDEX IF NOT EXISTS idx_content_blocks_message ON content_blocks (message_id, block_order);
CREATE INDEX IF NOT EXISTS idx_content_blocks_session ON content_blocks (session_id);
CREATE INDEX IF NOT EXISTS idx_content_blocks_tool    ON content_blocks (tool_name) WHERE tool_name IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_content_blocks_text    ON content_blocks
  USING GIN (to_tsvector('english', content_text)) WHERE content_text IS NOT NULL;

-- 25 days of milliseconds overflow an INTEGER.
ALTER TABLE sessions ALTER COLUMN duration_ms TYPE BIGINT;
