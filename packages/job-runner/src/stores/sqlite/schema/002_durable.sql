-- Steps, events, logs and schedules. Times are microseconds since 1970; what never comes is the largest integer.

CREATE TABLE job_steps (
  job_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('step', 'sleep', 'event')),
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  wake_at INTEGER,
  job_created_at INTEGER,
  event_name TEXT,
  event_key TEXT,
  event_id INTEGER,
  output TEXT,
  -- Nobody has compared this wait with the events yet.
  needs_match INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job_id, name),
  CHECK ((kind = 'step') = (wake_at IS NULL) AND (kind = 'event') = (event_name IS NOT NULL)),
  CHECK (needs_match = 0 OR (kind = 'event' AND finished_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX job_steps_waiting ON job_steps (event_name, event_key, job_id, name)
  WHERE kind = 'event' AND finished_at IS NULL;
CREATE INDEX job_steps_needs_match ON job_steps (job_id, name) WHERE needs_match = 1;
CREATE UNIQUE INDEX job_steps_received ON job_steps (job_id, event_id) WHERE event_id IS NOT NULL;

CREATE TABLE job_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  idempotency_key TEXT,
  payload TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- Nobody has compared this event with the waits yet.
  needs_match INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX job_events_address ON job_events (name, key, created_at, id);
CREATE UNIQUE INDEX job_events_idempotency_key ON job_events (name, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_events_needs_match ON job_events (id) WHERE needs_match = 1;
CREATE INDEX job_events_age ON job_events (created_at);

CREATE TABLE job_logs (
  job_id INTEGER NOT NULL,
  line INTEGER NOT NULL,
  logged_at INTEGER NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
  message TEXT NOT NULL,
  fields TEXT,
  PRIMARY KEY (job_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_schedules (
  name TEXT PRIMARY KEY,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  -- The tick that is enqueued next. Whoever moves it on enqueues it, in the same transaction.
  next_at INTEGER NOT NULL,
  last_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX job_schedules_age ON job_schedules (next_at);

-- What belongs to a job goes with it, whoever deletes it.
CREATE TRIGGER jobs_delete_rest AFTER DELETE ON jobs BEGIN
  DELETE FROM job_steps WHERE job_id = OLD.id;
  DELETE FROM job_logs WHERE job_id = OLD.id;
END;
