-- Phase 9: who may do what. Of keys and codes only the SHA-256 is kept.

CREATE TABLE IF NOT EXISTS api_keys (
  id           TEXT PRIMARY KEY,
  hash         BYTEA NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  scope        TEXT NOT NULL CHECK (scope IN ('ingest', 'read', 'admin')),
  name         TEXT,
  device_id    TEXT, -- no foreign key: a key may be made before its device has sent anything
  last4        TEXT NOT NULL,
  rotated_from TEXT REFERENCES api_keys (id) ON DELETE SET NULL,
  created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  last_used_at TIMESTAMPTZ,
  expires_at   TIMESTAMPTZ,
  revoked_at   TIMESTAMPTZ,
  CHECK (device_id IS NULL OR scope = 'ingest')
);
CREATE INDEX IF NOT EXISTS idx_api_keys_device ON api_keys (device_id) WHERE device_id IS NOT NULL;
-- At most two keys live at a time for one purpose: the one that is rotated, and its successor.
CREATE UNIQUE INDEX IF NOT EXISTS idx_api_keys_successor ON api_keys (rotated_from) WHERE revoked_at IS NULL;

-- A device joins with a code that a person can type: single use, short-lived.
CREATE TABLE IF NOT EXISTS enrolment_codes (
  id         TEXT PRIMARY KEY,
  hash       BYTEA NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  device_id  TEXT, -- the device that joins again; NULL: a new one
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  expires_at TIMESTAMPTZ NOT NULL,
  used_at    TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS idx_enrolment_codes_expires ON enrolment_codes (expires_at);

-- Who did what to which key. Rows outlive the keys that they tell of.
CREATE TABLE IF NOT EXISTS key_audit (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  action     TEXT NOT NULL CHECK (action IN ('bootstrapped', 'created', 'rotated', 'revoked', 'code_created', 'enrolled')),
  key_id     TEXT, -- NULL: a code, not yet a key
  actor      TEXT NOT NULL, -- 'key <id>', 'code <id>', 'environment' or 'first start'
  request_id TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_key_audit_key ON key_audit (key_id, id DESC);
