-- What flushes have stored and no round has projected yet: one row a flush, written with its events and deleted when everything
-- that they mean is derived. It replaces pending_projections and projection_retries, which the version before still writes
-- during a rolling deployment; a job moves their rows here.
CREATE TABLE IF NOT EXISTS projection_queue (
  id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_ids     TEXT[] NOT NULL, -- no foreign key: events of a deleted session mean nothing any more
  attempts      INTEGER NOT NULL DEFAULT 0, -- failed ones
  last_error    TEXT,
  -- Until then the row belongs to the process that wrote it. 'infinity': set aside after too many failed attempts.
  next_retry_at TIMESTAMPTZ NOT NULL DEFAULT now() + interval '10 seconds',
  created_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);
-- As in change_log: compressing a flush's ids and moving them out of line costs more than it saves.
ALTER TABLE projection_queue ALTER COLUMN event_ids SET STORAGE EXTERNAL, SET (toast_tuple_target = 8160);
CREATE INDEX IF NOT EXISTS idx_projection_queue_due ON projection_queue (next_retry_at);
