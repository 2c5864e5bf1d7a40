-- Phase 5: remote environments, and the blueprints that they are made from.

CREATE TABLE IF NOT EXISTS remote_envs (
  id                   TEXT PRIMARY KEY,
  workspace_id         TEXT NOT NULL REFERENCES workspaces (id),
  device_id            TEXT REFERENCES devices (id),
  status               TEXT NOT NULL DEFAULT 'provisioning'
                       CHECK (status IN ('provisioning', 'ready', 'active', 'idle', 'terminated', 'error')),
  instance_id          TEXT,
  instance_type        TEXT NOT NULL,
  region               TEXT NOT NULL,
  public_ip            TEXT,
  ssh_key_s3_key       TEXT,
  blueprint            JSONB NOT NULL,
  ttl_minutes          INTEGER NOT NULL DEFAULT 480,
  idle_timeout_minutes INTEGER NOT NULL DEFAULT 60,
  cost_per_hour_usd    NUMERIC(6, 3),
  total_cost_usd       NUMERIC(8, 3),
  provisioned_at       TIMESTAMPTZ NOT NULL DEFAULT now(),
  ready_at             TIMESTAMPTZ,
  terminated_at        TIMESTAMPTZ,
  termination_reason   TEXT,
  metadata             JSONB NOT NULL DEFAULT '{}'
);

CREATE INDEX IF NOT EXISTS idx_remote_envs_workspace ON remote_envs (workspace_id);
CREATE INDEX IF NOT EXISTS idx_remote_envs_active    ON remote_envs (status) WHERE status NOT IN ('terminated', 'error');

CREATE TABLE IF NOT EXISTS blueprints (
  id            TEXT PRIMARY KEY,
  workspace_id  TEXT REFERENCES workspaces (id), -- NULL: a template
  name          TEXT NOT NULL,
  source        TEXT NOT NULL CHECK (source IN ('auto-detected', 'manual')),
  detected_from TEXT,
  config        JSONB NOT NULL,
  created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

ALTER TABLE sessions DROP CONSTRAINT IF EXISTS sessions_remote_env_id_fkey;
ALTER TABLE sessions ADD CONSTRAINT sessions_remote_env_id_fkey FOREIGN KEY (remote_env_id) REFERENCES remote_envs (id);
