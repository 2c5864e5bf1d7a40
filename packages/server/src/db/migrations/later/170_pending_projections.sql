-- What flushes have stored and not yet projected onto sessions and git activity: one row a flush, written with its events and
-- deleted when that is done. What is left behind by a process that died is found here.
CREATE TABLE IF NOT EXISTS pending_projections (
  id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_ids  TEXT[] NOT NULL, -- no foreign key: those of a deleted session mean nothing any more
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
