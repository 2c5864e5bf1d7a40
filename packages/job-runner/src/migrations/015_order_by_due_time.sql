-- Within a priority jobs run in the order in which they became due: a job that is runnable at once is due at its enqueue.
-- So run_at is a time in every row but those that an older version stored ('-infinity'), which run first.
-- A job whose run_at is not later than its updated_at was runnable when it last changed: the engine shows it without a run_at.
ALTER TABLE jobs ALTER COLUMN run_at SET DEFAULT now();

-- As before, but a job that an operator puts back keeps its place.
CREATE OR REPLACE FUNCTION jobs_complete_plain_update() RETURNS trigger LANGUAGE plpgsql AS $$
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
    NEW.run_at := LEAST(OLD.run_at, now());
  END IF;
  NEW.failed_at := NULL;
  NEW.failure_kind := NULL;
  NEW.dlq_reason := NULL;
  NEW.dlq_failed_at := NULL;
  RETURN NEW;
END $$;
