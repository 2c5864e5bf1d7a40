-- The job engine's tables. A job that is runnable now has run_at = '-infinity', so that it never sorts
-- behind a scheduled one and the claim can resume from a (priority, run_at, id) cursor without NULLs.

-- Columns that are never null and of fixed width come first: their offsets are the same in every row, and a claim and
-- its completion read and write each row often.
CREATE TABLE jobs (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_at TIMESTAMPTZ NOT NULL DEFAULT '-infinity',
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  attempts INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL DEFAULT 25,
  recoveries INTEGER NOT NULL DEFAULT 0,
  lease_generation INTEGER NOT NULL DEFAULT 0,
  priority SMALLINT NOT NULL DEFAULT 0,
  concurrency_limit SMALLINT NOT NULL DEFAULT 1,
  queue TEXT NOT NULL DEFAULT 'default',
  type TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'queued',
  payload JSONB NOT NULL DEFAULT '{}',
  lease_token UUID,
  lease_expires_at TIMESTAMPTZ,
  heartbeat_at TIMESTAMPTZ,
  locked_at TIMESTAMPTZ,
  locked_by TEXT,
  timeout_ms INTEGER,
  idempotency_key TEXT,
  concurrency_key TEXT COLLATE "C",
  progress JSONB,
  last_error TEXT,
  failed_at TIMESTAMPTZ,
  dlq_reason TEXT,
  dlq_failed_at TIMESTAMPTZ,
  failure_kind TEXT,
  CONSTRAINT jobs_status_known CHECK (status IN ('queued', 'running', 'failed', 'completed')),
  CONSTRAINT jobs_lease_while_running CHECK (
    CASE WHEN status = 'running'
      THEN lease_token IS NOT NULL AND lease_expires_at IS NOT NULL AND heartbeat_at IS NOT NULL AND locked_at IS NOT NULL
      ELSE lease_token IS NULL AND lease_expires_at IS NULL
    END),
  CONSTRAINT jobs_failure_when_failed CHECK (
    CASE WHEN status = 'failed'
      THEN failed_at IS NOT NULL AND failure_kind IS NOT NULL
      ELSE failed_at IS NULL AND failure_kind IS NULL AND dlq_reason IS NULL
    END),
  CONSTRAINT jobs_dead_letter_whole CHECK ((dlq_reason IS NULL) = (dlq_failed_at IS NULL)),
  CONSTRAINT jobs_limits_positive CHECK (concurrency_limit > 0 AND max_attempts > 0)
) WITH (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX jobs_claim ON jobs (queue, priority, run_at, id) WHERE status = 'queued' AND concurrency_key IS NULL;
CREATE INDEX jobs_claim_keyed ON jobs (queue, concurrency_key, priority, run_at, id)
  WHERE status = 'queued' AND concurrency_key IS NOT NULL;
CREATE INDEX jobs_lease ON jobs (lease_expires_at) WHERE status = 'running';
CREATE INDEX jobs_dead_letters ON jobs (id) WHERE dlq_reason IS NOT NULL;

-- One row a running job under a concurrency key. The primary key is what keeps two claims apart.
CREATE TABLE job_concurrency_locks (
  concurrency_key TEXT COLLATE "C" NOT NULL,
  slot SMALLINT NOT NULL,
  job_id BIGINT NOT NULL UNIQUE,
  locked_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (concurrency_key, slot)
);

CREATE TABLE job_idempotency_keys (
  queue TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  job_id BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (queue, idempotency_key)
);
CREATE INDEX job_idempotency_keys_age ON job_idempotency_keys (created_at);

CREATE TABLE jobs_archive (
  id BIGINT NOT NULL,
  queue TEXT NOT NULL,
  type TEXT NOT NULL,
  payload JSONB NOT NULL,
  priority SMALLINT NOT NULL,
  attempts INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  recoveries INTEGER NOT NULL,
  lease_generation INTEGER NOT NULL,
  locked_at TIMESTAMPTZ,
  locked_by TEXT,
  timeout_ms INTEGER,
  idempotency_key TEXT,
  concurrency_key TEXT COLLATE "C",
  concurrency_limit SMALLINT NOT NULL,
  progress JSONB,
  last_error TEXT,
  output JSONB,
  created_at TIMESTAMPTZ NOT NULL,
  completed_at TIMESTAMPTZ NOT NULL
) PARTITION BY RANGE (completed_at);
CREATE INDEX jobs_archive_id ON jobs_archive (id);
-- Catches what finds no partition of its day, so that a job's end never waits for maintenance.
CREATE TABLE jobs_archive_default PARTITION OF jobs_archive DEFAULT;

CREATE VIEW all_jobs AS
  SELECT id, queue, type, payload, priority, run_at, status, attempts, max_attempts, recoveries, lease_generation,
    lease_token, lease_expires_at, heartbeat_at, locked_at, locked_by, timeout_ms, idempotency_key, concurrency_key,
    concurrency_limit, progress, last_error, failed_at, dlq_reason, dlq_failed_at, failure_kind, created_at, updated_at,
    NULL::timestamptz AS completed_at, NULL::jsonb AS output
  FROM jobs
  UNION ALL
  SELECT id, queue, type, payload, priority, '-infinity', 'completed', attempts, max_attempts, recoveries,
    lease_generation, NULL, NULL, NULL, locked_at, locked_by, timeout_ms, idempotency_key, concurrency_key,
    concurrency_limit, progress, last_error, NULL, NULL, NULL, NULL, created_at, completed_at, completed_at, output
  FROM jobs_archive;

CREATE VIEW jobs_by_delivery AS
  SELECT id, queue, type, CASE
    WHEN status = 'queued' AND run_at <= now() THEN 'ready'
    WHEN status = 'queued' THEN 'scheduled'
    WHEN status = 'running' THEN 'inflight'
    WHEN dlq_reason IS NOT NULL THEN 'dlq'
    ELSE 'done' END AS state, created_at, updated_at
  FROM all_jobs;

CREATE VIEW jobs_by_lease AS
  SELECT id, queue, type, CASE
    WHEN status = 'queued' THEN 'pending'
    WHEN status = 'running' THEN 'leased'
    WHEN failure_kind = 'cancelled' THEN 'cancelled'
    ELSE status END AS state, created_at, updated_at
  FROM all_jobs;

CREATE VIEW durably_concurrency_locks AS
  SELECT concurrency_key AS key, job_id, locked_at FROM job_concurrency_locks;

-- Completes what an operator's plain UPDATE leaves out, so that the runbook's statements keep every constraint.
-- The engine's own statements set all columns and never enter the body: the WHEN is all that they pay.
CREATE FUNCTION jobs_complete_plain_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = 'running' THEN
    NEW.lease_expires_at := LEAST(NEW.lease_expires_at, NEW.locked_at);
    RETURN NEW;
  END IF;
  NEW.lease_token := NULL;
  NEW.lease_expires_at := NULL;
  NEW.heartbeat_at := NULL;
  NEW.locked_at := NULL;
  NEW.locked_by := NULL;
  NEW.updated_at := now();
  IF NEW.status = 'failed' THEN
    NEW.failed_at := COALESCE(NEW.failed_at, now());
    IF NEW.failure_kind IS NULL AND NEW.last_error IS DISTINCT FROM OLD.last_error THEN
      NEW.failure_kind := 'operator';
      NEW.dlq_reason := COALESCE(NEW.dlq_reason, NEW.last_error);
      NEW.dlq_failed_at := COALESCE(NEW.dlq_failed_at, now());
    END IF;
    NEW.failure_kind := COALESCE(NEW.failure_kind, 'cancelled');
    RETURN NEW;
  END IF;
  IF NEW.run_at IS NOT DISTINCT FROM OLD.run_at THEN
    NEW.run_at := '-infinity';
  END IF;
  NEW.failed_at := NULL;
  NEW.failure_kind := NULL;
  NEW.dlq_reason := NULL;
  NEW.dlq_failed_at := NULL;
  RETURN NEW;
END $$;

CREATE TRIGGER jobs_complete_plain_update BEFORE UPDATE OF status, locked_at ON jobs FOR EACH ROW
  WHEN ((NEW.status <> 'running' AND NEW.lease_token IS NOT NULL)
    OR (NEW.status = 'failed' AND NEW.failed_at IS NULL)
    OR (NEW.status <> 'failed' AND NEW.failed_at IS NOT NULL)
    OR (OLD.status = 'running' AND NEW.status = 'running' AND NEW.locked_at < OLD.locked_at))
  EXECUTE FUNCTION jobs_complete_plain_update();

-- Whatever ends a run (ack, retry, recovery, cancel, an operator) frees its concurrency key here and nowhere else.
CREATE FUNCTION jobs_release_concurrency_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM job_concurrency_locks WHERE job_id = OLD.id;
  RETURN NULL;
END $$;

CREATE TRIGGER jobs_release_key_on_update AFTER UPDATE OF status ON jobs FOR EACH ROW
  WHEN (OLD.concurrency_key IS NOT NULL AND OLD.status = 'running' AND NEW.status <> 'running')
  EXECUTE FUNCTION jobs_release_concurrency_key();

CREATE TRIGGER jobs_release_key_on_delete AFTER DELETE ON jobs FOR EACH ROW
  WHEN (OLD.concurrency_key IS NOT NULL AND OLD.status = 'running')
  EXECUTE FUNCTION jobs_release_concurrency_key();

-- Makes the partitions of the coming days and drops those older than the retention. Many processes may call it:
-- one works, the others return at once. Partitions are named jobs_archive_YYYYMMDD, days are UTC.
CREATE FUNCTION jobs_archive_maintain(retention_days INTEGER, days_ahead INTEGER) RETURNS INTEGER
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  today DATE := (now() AT TIME ZONE 'UTC')::date;
  day DATE;
  partition_name TEXT;
  dropped INTEGER := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('jobs_archive_maintain')) THEN
    RETURN 0;
  END IF;
  FOR day IN SELECT today + offset_days FROM generate_series(0, days_ahead) AS offset_days LOOP
    partition_name := 'jobs_archive_' || to_char(day, 'YYYYMMDD');
    IF to_regclass(partition_name) IS NULL AND NOT EXISTS (
      SELECT FROM jobs_archive_default
      WHERE completed_at >= day::timestamp AT TIME ZONE 'UTC' AND completed_at < (day + 1)::timestamp AT TIME ZONE 'UTC'
    ) THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF jobs_archive FOR VALUES FROM (%L) TO (%L)', partition_name,
        day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
    END IF;
  END LOOP;
  FOR partition_name IN
    SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'jobs_archive'::regclass AND child.relname ~ '^jobs_archive_\d{8}$'
      AND to_date(right(child.relname, 8), 'YYYYMMDD') < today - retention_days
  LOOP
    EXECUTE format('DROP TABLE %I', partition_name);
    dropped := dropped + 1;
  END LOOP;
  DELETE FROM jobs_archive_default WHERE completed_at < (today - retention_days)::timestamp AT TIME ZONE 'UTC';
  RETURN dropped;
END $$;

SELECT jobs_archive_maintain(30, 3);
