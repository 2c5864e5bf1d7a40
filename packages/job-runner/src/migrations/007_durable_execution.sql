-- Steps, events, logs and schedules. Nothing here refers to jobs by a foreign key: a job moves to jobs_archive when it is
-- done and may be deleted by hand, and neither may touch these tables. What belongs to no job any more, maintenance drops.

-- What a job has done (steps) and what it waits for (sleeps and waits for events), by a name that is unique in the job.
CREATE TABLE job_steps (
  job_id BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  -- NULL: the job still waits for it.
  finished_at TIMESTAMPTZ,
  wake_at TIMESTAMPTZ,
  -- Events that are older than the job are none of its business.
  job_created_at TIMESTAMPTZ,
  event_id BIGINT,
  -- Nobody has compared this wait with the events since it was committed.
  needs_match BOOLEAN NOT NULL DEFAULT false,
  kind TEXT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  event_name TEXT COLLATE "C",
  event_key TEXT COLLATE "C",
  output JSONB,
  PRIMARY KEY (job_id, name),
  CONSTRAINT job_steps_kind_known CHECK (
    CASE kind
      WHEN 'step' THEN finished_at IS NOT NULL AND wake_at IS NULL AND event_name IS NULL AND event_key IS NULL
      WHEN 'sleep' THEN wake_at IS NOT NULL AND event_name IS NULL AND event_key IS NULL
      WHEN 'event' THEN wake_at IS NOT NULL AND event_name IS NOT NULL AND event_key IS NOT NULL
        AND job_created_at IS NOT NULL
      ELSE false
    END),
  CONSTRAINT job_steps_match_of_open_waits CHECK (NOT needs_match OR (kind = 'event' AND finished_at IS NULL))
);
CREATE INDEX job_steps_waiting ON job_steps (event_name, event_key, job_id, name)
  WHERE kind = 'event' AND finished_at IS NULL;
-- A job receives an event once. Two deliveries that disagree about the order of events fail here, and are repeated.
CREATE UNIQUE INDEX job_steps_received ON job_steps (job_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX job_steps_needs_match ON job_steps (job_id) WHERE needs_match;
CREATE INDEX job_steps_age ON job_steps USING brin (created_at);

CREATE TABLE job_events (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The clock at the INSERT, not at the start of its transaction: an event is younger than every job that its sender knew.
  created_at TIMESTAMPTZ NOT NULL,
  -- Nobody has compared this event with the waits since it was committed.
  needs_match BOOLEAN NOT NULL DEFAULT true,
  name TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  idempotency_key TEXT COLLATE "C",
  payload JSONB NOT NULL
);
CREATE INDEX job_events_address ON job_events (name, key, created_at, id);
CREATE UNIQUE INDEX job_events_idempotency_key ON job_events (name, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX job_events_needs_match ON job_events (id) WHERE needs_match;
CREATE INDEX job_events_age ON job_events USING brin (created_at);

CREATE TABLE job_logs (
  job_id BIGINT NOT NULL,
  line INTEGER NOT NULL,
  logged_at TIMESTAMPTZ NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  fields JSONB,
  PRIMARY KEY (job_id, line),
  CONSTRAINT job_logs_level_known CHECK (level IN ('debug', 'info', 'warn', 'error'))
);
CREATE INDEX job_logs_age ON job_logs USING brin (logged_at);

CREATE TABLE job_schedules (
  name TEXT PRIMARY KEY,
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  -- The tick that is enqueued next. Whoever moves it on enqueues it, in the same statement.
  next_at TIMESTAMPTZ NOT NULL,
  last_at TIMESTAMPTZ,
  updated_at TIMESTAMPTZ NOT NULL
);
