-- Phase 4: what a session started: subagents, skills, worktrees, teams.

CREATE TABLE IF NOT EXISTS subagents (
  id                 TEXT PRIMARY KEY,
  session_id         TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  agent_id           TEXT,
  agent_type         TEXT NOT NULL,
  agent_name         TEXT,
  model              TEXT,
  isolation          TEXT,
  run_in_background  BOOLEAN,
  started_at         TIMESTAMPTZ,
  ended_at           TIMESTAMPTZ,
  transcript_s3_key  TEXT,
  tokens_in          BIGINT,
  tokens_out         BIGINT,
  cache_read_tokens  BIGINT,
  cache_write_tokens BIGINT,
  cost_estimate_usd  NUMERIC(10, 6),
  UNIQUE (session_id, agent_id)
);

CREATE TABLE IF NOT EXISTS session_skills (
  id         TEXT PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  skill_name TEXT NOT NULL,
  invoked_at TIMESTAMPTZ NOT NULL,
  invoked_by TEXT,
  args       TEXT
);
CREATE INDEX IF NOT EXISTS idx_session_skills_session ON session_skills (session_id);

CREATE TABLE IF NOT EXISTS session_worktrees (
  id            TEXT PRIMARY KEY,
  session_id    TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  worktree_name TEXT,
  branch        TEXT,
  created_at    TIMESTAMPTZ NOT NULL,
  removed_at    TIMESTAMPTZ,
  had_changes   BOOLEAN
);
CREATE INDEX IF NOT EXISTS idx_session_worktrees_session ON session_worktrees (session_id);

CREATE TABLE IF NOT EXISTS teams (
  id          TEXT PRIMARY KEY,
  session_id  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  team_name   TEXT NOT NULL,
  description TEXT,
  created_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_teams_session ON teams (session_id);

CREATE TABLE IF NOT EXISTS teammates (
  id          TEXT PRIMARY KEY,
  team_id     TEXT NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  session_id  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  entity_name TEXT NOT NULL,
  subagent_id TEXT REFERENCES subagents (id) ON DELETE SET NULL,
  created_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_teammates_session ON teammates (session_id);

ALTER TABLE transcript_messages ADD COLUMN IF NOT EXISTS subagent_id TEXT REFERENCES subagents (id);
ALTER TABLE content_blocks      ADD COLUMN IF NOT EXISTS subagent_id TEXT REFERENCES subagents (id);
