-- The claim walks concurrency keys. Keys whose jobs are all parked (scheduled, retried later, asleep, waiting) are not in the
-- first index, however many there are. A parked job is one whose run_at is later than its updated_at: once it is due, the
-- recovery before a claim finds it by the second index and sets its updated_at, which moves it to the first.
CREATE INDEX jobs_claim_keyed_ready ON jobs (queue, concurrency_key, priority, run_at, id)
  WHERE concurrency_key IS NOT NULL AND status = 'queued' AND run_at <= updated_at;
CREATE INDEX jobs_parked_keyed ON jobs (run_at)
  WHERE concurrency_key IS NOT NULL AND status = 'queued' AND run_at > updated_at;
