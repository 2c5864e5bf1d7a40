-- Where the recovery before a claim finds parked jobs that are due.
CREATE INDEX IF NOT EXISTS jobs_parked_keyed ON jobs (run_at)
  WHERE concurrency_key IS NOT NULL AND status = 'queued' AND run_at > updated_at;
