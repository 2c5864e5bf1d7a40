-- What operators need: queues that stand still, and dead letters by queue.

-- A row exactly while a queue is paused. Every claim probes this table, so it holds nothing else.
CREATE TABLE job_queue_pauses (
  queue TEXT PRIMARY KEY,
  paused_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  reason TEXT
);

-- Dead letters are few, and a live job is never in this index: it costs the claim nothing.
CREATE INDEX jobs_dead_letters_by_queue ON jobs (queue, id) WHERE dlq_reason IS NOT NULL;
