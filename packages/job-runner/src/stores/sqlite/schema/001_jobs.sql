-- The engine's tables in SQLite. Times are microseconds since 1970; a job that is runnable now has run_at = 0, and one
-- that waits for an event the largest integer. Ended jobs stay in the table: the partial indices leave them out.

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  payload TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'failed', 'completed')),
  priority INTEGER NOT NULL,
  run_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
  recoveries INTEGER NOT NULL DEFAULT 0,
  lease_generation INTEGER NOT NULL DEFAULT 0,
  lease_token TEXT,
  lease_expires_at INTEGER,
  heartbeat_at INTEGER,
  locked_at INTEGER,
  locked_by TEXT,
  timeout_ms INTEGER,
  idempotency_key TEXT,
  concurrency_key TEXT,
  concurrency_limit INTEGER NOT NULL CHECK (concurrency_limit > 0),
  progress TEXT,
  last_error TEXT,
  failed_at INTEGER,
  failure_kind TEXT,
  dlq_reason TEXT,
  dlq_failed_at INTEGER,
  output TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  completed_at INTEGER,
  CHECK ((status = 'running') = (lease_token IS NOT NULL) AND (status = 'running') = (lease_expires_at IS NOT NULL)),
  CHECK ((status = 'failed') = (failed_at IS NOT NULL) AND (status = 'failed') = (failure_kind IS NOT NULL)),
  CHECK ((dlq_reason IS NULL) = (dlq_failed_at IS NULL) AND (status = 'failed' OR dlq_reason IS NULL)),
  CHECK ((status = 'completed') = (completed_at IS NOT NULL))
) STRICT;

CREATE INDEX jobs_claim ON jobs (queue, priority, run_at, id) WHERE status = 'queued' AND concurrency_key IS NULL;
CREATE INDEX jobs_claim_keyed ON jobs (queue, concurrency_key, priority, run_at, id)
  WHERE status = 'queued' AND concurrency_key IS NOT NULL;
CREATE INDEX jobs_running_key ON jobs (concurrency_key) WHERE status = 'running' AND concurrency_key IS NOT NULL;
CREATE INDEX jobs_lease ON jobs (lease_expires_at) WHERE status = 'running';
CREATE INDEX jobs_completed ON jobs (completed_at) WHERE status = 'completed';

CREATE TABLE job_idempotency_keys (
  queue TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  job_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (queue, idempotency_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_idempotency_keys_age ON job_idempotency_keys (created_at);
