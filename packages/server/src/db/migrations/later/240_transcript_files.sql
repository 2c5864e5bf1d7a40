-- Transcript files as devices keep them: each grows within a generation, and each append is a segment with a blob of its own.

CREATE TABLE IF NOT EXISTS transcript_files (
  id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id       TEXT NOT NULL REFERENCES sessions (id),
  agent            TEXT NOT NULL CHECK (agent IN ('claude-code', 'codex', 'gemini-cli', 'opencode')),
  device_id        TEXT NOT NULL REFERENCES devices (id),
  file             TEXT NOT NULL CHECK (octet_length(file) BETWEEN 1 AND 500),
  kind             TEXT NOT NULL CHECK (kind IN ('main', 'subagent', 'tool-result', 'meta', 'index')),
  -- The newest one.
  generation       INTEGER NOT NULL DEFAULT 1,
  -- The earliest time in it: of several files with one model response, it helps to find the owner.
  first_at         TIMESTAMPTZ,
  -- When the agent deletes the file on the device, as far as known.
  deletes_at       TIMESTAMPTZ,
  created_at       TIMESTAMPTZ NOT NULL DEFAULT now(),
  last_received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  UNIQUE (session_id, agent, device_id, file)
);
CREATE INDEX IF NOT EXISTS idx_transcript_files_device ON transcript_files (device_id, last_received_at DESC);

CREATE TABLE IF NOT EXISTS transcript_generations (
  file_id             BIGINT NOT NULL REFERENCES transcript_files (id) ON DELETE CASCADE,
  generation          INTEGER NOT NULL,
  session_id          TEXT NOT NULL,
  -- Of the device's own file, before redaction: up to the end of its last whole line. The hash is null after a part that ended
  -- within a line.
  source_bytes        BIGINT NOT NULL DEFAULT 0,
  source_hash         TEXT,
  -- As kept, after redaction.
  stored_bytes        BIGINT NOT NULL DEFAULT 0,
  lines               BIGINT NOT NULL DEFAULT 0,
  -- A last line without a newline, which the device said is final.
  is_torn             BOOLEAN NOT NULL DEFAULT false,
  -- {"device": {rule: count}, "hub": {rule: count}}
  redactions          JSONB NOT NULL DEFAULT '{}',
  redaction_version   INTEGER,
  -- How far it is parsed, in stored bytes, and what the parser needs to continue.
  parsed_bytes        BIGINT NOT NULL DEFAULT 0,
  parsed_lines        BIGINT NOT NULL DEFAULT 0,
  parser_version      INTEGER,
  parser_state        JSONB,
  -- Lines by outcome, unknown types and replaced characters, as counted by the parser.
  counts              JSONB NOT NULL DEFAULT '{}',
  PRIMARY KEY (file_id, generation)
);
CREATE INDEX IF NOT EXISTS idx_transcript_generations_session ON transcript_generations (session_id);
CREATE INDEX IF NOT EXISTS idx_transcript_generations_unparsed ON transcript_generations (session_id)
  WHERE parsed_bytes < stored_bytes;

CREATE TABLE IF NOT EXISTS transcript_segments (
  file_id      BIGINT NOT NULL,
  generation   INTEGER NOT NULL,
  session_id   TEXT NOT NULL,
  source_start BIGINT NOT NULL,
  source_end   BIGINT NOT NULL,
  source_hash  TEXT,
  stored_start BIGINT NOT NULL,
  stored_bytes BIGINT NOT NULL,
  lines        BIGINT NOT NULL,
  -- The stored bytes as one zstd frame. A blob that a segment refers to never expires.
  blob_hash    TEXT NOT NULL,
  created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (file_id, generation, stored_start),
  FOREIGN KEY (file_id, generation) REFERENCES transcript_generations (file_id, generation) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_transcript_segments_blob ON transcript_segments (blob_hash);
CREATE INDEX IF NOT EXISTS idx_transcript_segments_session ON transcript_segments (session_id);
