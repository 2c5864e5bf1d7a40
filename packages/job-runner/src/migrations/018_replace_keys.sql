-- Of the jobs of one type that wait in a queue under one replace key, one is enough: the newest takes its place.
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS replace_key TEXT;
CREATE INDEX IF NOT EXISTS jobs_replace_key ON jobs (queue, type, replace_key)
  WHERE replace_key IS NOT NULL AND status = 'queued';

-- Adds a job from a trigger, a psql session or a program in another language, and wakes the workers when the transaction
-- commits: SELECT jobs_add('welcome', '{"email": "ada@example.org"}'). With a replace key it takes the place of a job that has
-- not started: input, time (unless keep_run_at), priority and limits are the new ones, the id stays. A function, as its second
-- statement must see what another caller has committed while it waited for the lock.
CREATE OR REPLACE FUNCTION jobs_add(
  type TEXT, payload JSONB DEFAULT '{}', queue TEXT DEFAULT 'default', run_at TIMESTAMPTZ DEFAULT NULL,
  priority INTEGER DEFAULT 0, max_attempts INTEGER DEFAULT 25, timeout_ms INTEGER DEFAULT NULL,
  concurrency_key TEXT DEFAULT NULL, concurrency_limit INTEGER DEFAULT 1, replace_key TEXT DEFAULT NULL,
  keep_run_at BOOLEAN DEFAULT false, at TIMESTAMPTZ DEFAULT now(), OUT id BIGINT, OUT existed BOOLEAN)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  due TIMESTAMPTZ := GREATEST(jobs_add.run_at, at);
BEGIN
  existed := false;
  IF jobs_add.replace_key IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws(chr(31), jobs_add.queue, jobs_add.type, jobs_add.replace_key), 0));
    UPDATE jobs SET payload = jobs_add.payload, priority = jobs_add.priority, max_attempts = jobs_add.max_attempts,
      timeout_ms = jobs_add.timeout_ms, concurrency_key = jobs_add.concurrency_key,
      concurrency_limit = jobs_add.concurrency_limit, run_at = CASE WHEN keep_run_at THEN run_at ELSE due END, updated_at = at
    WHERE id = (
      SELECT waiting.id FROM jobs AS waiting
      WHERE waiting.queue = jobs_add.queue AND waiting.type = jobs_add.type AND waiting.replace_key = jobs_add.replace_key
        AND waiting.status = 'queued' AND waiting.attempts = 0 AND waiting.recoveries = 0
        AND NOT EXISTS (SELECT FROM job_steps WHERE job_id = waiting.id)
      ORDER BY waiting.id DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING jobs.id INTO jobs_add.id;
    existed := jobs_add.id IS NOT NULL;
  END IF;
  IF NOT existed THEN
    INSERT INTO jobs (queue, type, payload, priority, run_at, max_attempts, timeout_ms, concurrency_key, concurrency_limit,
      replace_key, created_at, updated_at)
    VALUES (jobs_add.queue, jobs_add.type, jobs_add.payload, jobs_add.priority, due, jobs_add.max_attempts, jobs_add.timeout_ms,
      jobs_add.concurrency_key, jobs_add.concurrency_limit, jobs_add.replace_key, at, at)
    RETURNING jobs.id INTO jobs_add.id;
  END IF;
  IF due <= at THEN
    PERFORM pg_notify('job_runner_runnable', jobs_add.queue);
  END IF;
END $$;
