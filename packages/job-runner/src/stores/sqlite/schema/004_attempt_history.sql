-- How runs ended that did not complete; completed runs and the one that goes on are read off the job itself.

CREATE TABLE job_attempts (
  job_id INTEGER NOT NULL,
  -- The claim that started the run. Several runs may have the same attempt: a lost lease is not counted as one.
  lease_generation INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  worker_id TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('failed', 'lease_lost', 'cancelled')),
  error TEXT,
  PRIMARY KEY (job_id, lease_generation)
) STRICT, WITHOUT ROWID;

-- Whatever ends a run without completing it is written down here and nowhere else. A run that suspends itself or is given
-- back changes no counter and leaves no row. Of a job that never succeeds the newest hundred runs are kept.
CREATE TRIGGER jobs_end_run AFTER UPDATE OF status ON jobs
  WHEN OLD.status = 'running' AND (NEW.status = 'failed' OR NEW.recoveries > OLD.recoveries OR NEW.attempts > OLD.attempts)
BEGIN
  INSERT INTO job_attempts (job_id, lease_generation, attempt, started_at, ended_at, worker_id, outcome, error)
  VALUES (OLD.id, OLD.lease_generation, OLD.attempts + 1, OLD.locked_at, NEW.updated_at, OLD.locked_by,
    CASE WHEN NEW.recoveries > OLD.recoveries THEN 'lease_lost' WHEN NEW.attempts > OLD.attempts THEN 'failed'
      ELSE 'cancelled' END,
    CASE WHEN NEW.recoveries > OLD.recoveries THEN NULL
      WHEN NEW.attempts > OLD.attempts OR NEW.last_error IS NOT OLD.last_error THEN NEW.last_error END);
  DELETE FROM job_attempts WHERE job_id = OLD.id AND lease_generation <= OLD.lease_generation - 100;
END;

CREATE TRIGGER jobs_delete_attempts AFTER DELETE ON jobs BEGIN
  DELETE FROM job_attempts WHERE job_id = OLD.id;
END;
