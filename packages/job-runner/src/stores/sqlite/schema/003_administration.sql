-- What operators need: queues that stand still, and jobs by their state, newest first.

CREATE TABLE job_queue_pauses (
  queue TEXT PRIMARY KEY,
  paused_at INTEGER NOT NULL,
  reason TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_queued ON jobs (id) WHERE status = 'queued';
CREATE INDEX jobs_failed ON jobs (id) WHERE status = 'failed';
CREATE INDEX jobs_dead_letters_by_queue ON jobs (queue, id) WHERE dlq_reason IS NOT NULL;
