-- How runs ended that did not complete. A job that completes at its first attempt has no row here; its run, and one that
-- is still going on, is read off the job itself.

CREATE TABLE IF NOT EXISTS job_attempts (
  job_id BIGINT NOT NULL,
  -- The claim that started the run. Several runs may have the same attempt: a lost lease is not counted as one.
  lease_generation INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  started_at TIMESTAMPTZ NOT NULL,
  ended_at TIMESTAMPTZ NOT NULL,
  worker_id TEXT,
  outcome TEXT NOT NULL,
  error TEXT,
  PRIMARY KEY (job_id, lease_generation),
  CONSTRAINT job_attempts_outcome_known CHECK (outcome IN ('failed', 'lease_lost', 'cancelled'))
);
CREATE INDEX IF NOT EXISTS job_attempts_age ON job_attempts USING brin (ended_at);

-- Whatever ends a run without completing it (retry, failure, recovery, cancel, an operator) frees its concurrency key and
-- is written down here and nowhere else. A run that suspends itself or is given back changes no counter and leaves no row.
-- Of a job that never succeeds the newest hundred runs are kept.
CREATE FUNCTION jobs_end_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  outcome TEXT := CASE
    WHEN NEW.recoveries > OLD.recoveries THEN 'lease_lost'
    WHEN NEW.attempts > OLD.attempts OR NEW.failure_kind = 'operator' THEN 'failed'
    WHEN NEW.failure_kind = 'cancelled' THEN 'cancelled'
  END;
BEGIN
  IF OLD.concurrency_key IS NOT NULL THEN
    DELETE FROM job_concurrency_locks WHERE job_id = OLD.id;
  END IF;
  IF outcome IS NOT NULL THEN
    INSERT INTO job_attempts (job_id, lease_generation, attempt, started_at, ended_at, worker_id, outcome, error)
    VALUES (OLD.id, OLD.lease_generation, OLD.attempts + 1, OLD.locked_at, NEW.updated_at, OLD.locked_by, outcome,
      CASE WHEN outcome = 'failed' OR (outcome = 'cancelled' AND NEW.last_error IS DISTINCT FROM OLD.last_error) THEN NEW.last_error END)
    ON CONFLICT DO NOTHING;
    DELETE FROM job_attempts WHERE job_id = OLD.id AND lease_generation <= OLD.lease_generation - 100;
  END IF;
  RETURN NULL;
END $$;

-- In place of jobs_release_key_on_update: claims and completions pay for one condition, as before.
CREATE TRIGGER jobs_end_run AFTER UPDATE OF status ON jobs FOR EACH ROW
  WHEN (OLD.status = 'running' AND NEW.status <> 'running')
  EXECUTE FUNCTION jobs_end_run();
DROP TRIGGER jobs_release_key_on_update ON jobs;
