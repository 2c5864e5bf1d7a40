-- What transcripts say besides messages.

-- Titles, places, origins, subagents, compactions, rewinds, reported costs, pull requests and unknown records, one row each.
CREATE TABLE IF NOT EXISTS transcript_facts (
  file_id    BIGINT NOT NULL REFERENCES transcript_files (id) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  line       BIGINT NOT NULL,
  position   INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  fact       TEXT NOT NULL,
  data       JSONB NOT NULL,
  PRIMARY KEY (file_id, generation, line, position)
);
CREATE INDEX IF NOT EXISTS idx_transcript_facts_session ON transcript_facts (session_id, fact);

-- A thread that starts with copies of these turns is a fork of the session.
CREATE TABLE IF NOT EXISTS transcript_turns (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  turn_id    TEXT NOT NULL,
  PRIMARY KEY (session_id, turn_id)
);

CREATE TABLE IF NOT EXISTS tool_calls (
  session_id  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  call_id     TEXT NOT NULL,
  subagent_id TEXT,
  file_id     BIGINT NOT NULL REFERENCES transcript_files (id),
  message_id  TEXT,
  tool        TEXT,
  command     TEXT,
  called_at   TIMESTAMPTZ,
  returned_at TIMESTAMPTZ,
  exit_code   INTEGER,
  is_error    BOOLEAN,
  -- {framework, passed, failed, …}, where the command's output shows it.
  tests       JSONB,
  -- Hashes that a command which commits printed.
  commits     TEXT[] NOT NULL DEFAULT '{}',
  -- The result is there.
  is_returned BOOLEAN NOT NULL DEFAULT false,
  is_copy     BOOLEAN NOT NULL DEFAULT false,
  PRIMARY KEY (session_id, call_id)
);
CREATE INDEX IF NOT EXISTS idx_tool_calls_commits ON tool_calls USING gin (commits) WHERE commits <> '{}';

CREATE TABLE IF NOT EXISTS file_touches (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  call_id    TEXT NOT NULL,
  path       TEXT NOT NULL,
  reads      INTEGER NOT NULL DEFAULT 0,
  writes     INTEGER NOT NULL DEFAULT 0,
  -- Null: the call does not show it.
  added      INTEGER,
  removed    INTEGER,
  touched_at TIMESTAMPTZ,
  PRIMARY KEY (session_id, call_id, path)
);
