-- Phase 11: totals of whole workspaces and devices.

-- Of all sessions of one workspace, or of one device, wherever they ran: adding up the 10,000 rows of session_totals for each
-- list took most of its time. What a parent has is the sum of its rows, mostly of one: two flushes that add to the same parent
-- at once never wait for each other, since the second writes a row of its own, which a later one merges.
CREATE TABLE IF NOT EXISTS parent_totals (
  parent               TEXT NOT NULL CHECK (parent IN ('workspace', 'device')),
  id                   TEXT NOT NULL,
  session_count        BIGINT NOT NULL,
  active_session_count BIGINT NOT NULL,
  total_cost_usd       NUMERIC NOT NULL,
  total_duration_ms    BIGINT NOT NULL,
  total_tokens_in      BIGINT NOT NULL,
  total_tokens_out     BIGINT NOT NULL,
  last_session_at      TIMESTAMPTZ
-- Room for a row's next versions beside it: no index knows what changes of it.
) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS idx_parent_totals ON parent_totals (parent, id);

-- Whoever writes sessions holds this lock before a trigger is fired: what comes after it counts by the functions below.
LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE;

-- What `changes` (of sessions, as session_total makes them) add up to for each parent.
CREATE OR REPLACE FUNCTION parent_changes(changes session_totals[]) RETURNS SETOF parent_totals LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN workspace_id IS NULL THEN 'device' ELSE 'workspace' END, coalesce(workspace_id, device_id),
    sum(session_count)::bigint, sum(active_session_count)::bigint, sum(total_cost_usd), sum(total_duration_ms)::bigint,
    sum(total_tokens_in)::bigint, sum(total_tokens_out)::bigint, max(last_session_at) FILTER (WHERE session_count > 0)
  FROM unnest(changes) GROUP BY GROUPING SETS ((workspace_id), (device_id))
$$;

-- The rows that nobody else is changing become one with what is added. They are locked by a statement before, because one
-- statement alone might lock a version of a row that it cannot see.
CREATE OR REPLACE FUNCTION add_to_parent_totals(changes session_totals[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  free tid[] := ARRAY(
    SELECT t.ctid FROM parent_totals t JOIN parent_changes(changes) USING (parent, id) FOR UPDATE OF t SKIP LOCKED
  );
BEGIN
  WITH total AS MATERIALIZED (
    SELECT parent, id, min(place) AS place, sum(session_count) AS session_count, sum(active_session_count) AS active_session_count,
      sum(total_cost_usd) AS total_cost_usd, sum(total_duration_ms) AS total_duration_ms,
      sum(total_tokens_in) AS total_tokens_in, sum(total_tokens_out) AS total_tokens_out, max(last_session_at) AS last_session_at
    FROM (
      SELECT ctid AS place, * FROM parent_totals WHERE ctid = ANY(free)
      UNION ALL SELECT NULL, * FROM parent_changes(changes)
    ) either GROUP BY parent, id
  ),
  kept AS (
    UPDATE parent_totals t SET
      session_count        = total.session_count,
      active_session_count = total.active_session_count,
      total_cost_usd       = total.total_cost_usd,
      total_duration_ms    = total.total_duration_ms,
      total_tokens_in      = total.total_tokens_in,
      total_tokens_out     = total.total_tokens_out,
      last_session_at      = total.last_session_at
    FROM total WHERE t.ctid = total.place
  ),
  merged AS (DELETE FROM parent_totals WHERE ctid = ANY(free) AND ctid <> ALL (SELECT place FROM total WHERE place IS NOT NULL))
  INSERT INTO parent_totals
  SELECT parent, id, session_count, active_session_count, total_cost_usd, total_duration_ms, total_tokens_in, total_tokens_out,
    last_session_at
  FROM total WHERE place IS NULL AND (
    session_count > 0 OR EXISTS (SELECT 1 FROM parent_totals t WHERE t.parent = total.parent AND t.id = total.id));

  -- The latest start is looked up again only where a session was taken away; after the lock, to see what others committed.
  IF NOT EXISTS (
    SELECT 1 FROM unnest(changes) GROUP BY workspace_id, device_id
    HAVING max(last_session_at) FILTER (WHERE session_count < 0)
      > coalesce(max(last_session_at) FILTER (WHERE session_count > 0), '-infinity')
  ) THEN RETURN; END IF;
  PERFORM 1 FROM parent_totals t JOIN parent_changes(changes) USING (parent, id) ORDER BY t.parent, t.id FOR UPDATE OF t;
  UPDATE parent_totals t SET last_session_at = CASE t.parent
    WHEN 'workspace' THEN (SELECT s.started_at FROM sessions s WHERE s.workspace_id = t.id ORDER BY s.started_at DESC LIMIT 1)
    ELSE (SELECT s.started_at FROM sessions s WHERE s.device_id = t.id ORDER BY s.started_at DESC LIMIT 1) END
  FROM parent_changes(changes) c WHERE t.parent = c.parent AND t.id = c.id;
END $$;

CREATE OR REPLACE FUNCTION roll_up_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changes session_totals[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(session_total(1, workspace_id, device_id, lifecycle, started_at, cost_estimate_usd, duration_ms, tokens_in, tokens_out))
    INTO changes FROM added;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(session_total(-1, workspace_id, device_id, lifecycle, started_at, cost_estimate_usd, duration_ms, tokens_in, tokens_out))
    INTO changes FROM removed;
  ELSE
    SELECT array_agg(c.total) INTO changes
    FROM added a JOIN removed r USING (id)
    CROSS JOIN LATERAL (VALUES
      (session_total(1, a.workspace_id, a.device_id, a.lifecycle, a.started_at, a.cost_estimate_usd, a.duration_ms, a.tokens_in, a.tokens_out)),
      (session_total(-1, r.workspace_id, r.device_id, r.lifecycle, r.started_at, r.cost_estimate_usd, r.duration_ms, r.tokens_in, r.tokens_out))
    ) AS c (total)
    WHERE (a.workspace_id, a.device_id, a.lifecycle, a.started_at, a.cost_estimate_usd, a.duration_ms, a.tokens_in, a.tokens_out)
      IS DISTINCT FROM
      (r.workspace_id, r.device_id, r.lifecycle, r.started_at, r.cost_estimate_usd, r.duration_ms, r.tokens_in, r.tokens_out);
  END IF;
  IF changes IS NOT NULL THEN
    PERFORM add_to_session_totals(changes);
    PERFORM add_to_parent_totals(changes);
  END IF;
  RETURN NULL;
END $$;

-- What is there already.
DELETE FROM parent_totals;
INSERT INTO parent_totals
SELECT CASE WHEN workspace_id IS NULL THEN 'device' ELSE 'workspace' END, coalesce(workspace_id, device_id),
  sum(session_count), sum(active_session_count), sum(total_cost_usd), sum(total_duration_ms),
  sum(total_tokens_in), sum(total_tokens_out), max(last_session_at) FILTER (WHERE session_count > 0)
FROM session_totals GROUP BY GROUPING SETS ((workspace_id), (device_id));

-- Failed sessions are rare: one workspace's were sought among all of its sessions for 8 ms. Ingest never writes to this index.
CREATE INDEX IF NOT EXISTS idx_sessions_failed ON sessions (workspace_id, started_at DESC, id DESC) WHERE lifecycle = 'failed';
