-- What operators need: queues that stand still, and the rare states of jobs at hand.

-- A row exactly while a queue is paused. Every claim probes this table, so it holds nothing else.
CREATE TABLE job_queue_pauses (
  queue TEXT PRIMARY KEY,
  paused_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  reason TEXT
);

-- What operators look for among millions of live jobs: each of these is in few rows, and a job that is enqueued, claimed
-- and completed is in none of the indexes. Their conditions are the cheapest that say so, as every claim checks them.
CREATE INDEX jobs_dead_letters_by_queue ON jobs (queue, id) WHERE dlq_reason IS NOT NULL;
CREATE INDEX jobs_cancelled ON jobs (id) WHERE failed_at IS NOT NULL AND dlq_reason IS NULL;
CREATE INDEX jobs_waiting ON jobs (id) WHERE run_at = 'infinity';
