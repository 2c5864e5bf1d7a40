-- One row of totals for each pair of workspace and device, and for each workspace and each device, kept by sorted upserts.

-- Every writer of sessions holds this lock before a trigger fires: later changes are counted by the functions below.
LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE;

-- Until now several rows of one parent were added up.
WITH removed AS (DELETE FROM parent_totals RETURNING *)
INSERT INTO parent_totals
SELECT parent, id, sum(session_count), sum(active_session_count), sum(total_cost_usd), sum(total_duration_ms),
  sum(total_tokens_in), sum(total_tokens_out), max(last_session_at)
FROM removed GROUP BY parent, id;
CREATE UNIQUE INDEX IF NOT EXISTS parent_totals_key ON parent_totals (parent, id);

-- The rows are locked in one order, so that no two writers wait for each other. What was never added is not taken away. Where a session was taken away, a later
-- statement, which sees what was committed before the lock, looks up the latest start again.
CREATE OR REPLACE FUNCTION add_to_session_totals(changes session_totals[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO session_totals AS t
  SELECT workspace_id, device_id, sum(session_count), sum(active_session_count), sum(total_cost_usd), sum(total_duration_ms),
    sum(total_tokens_in), sum(total_tokens_out), max(last_session_at) FILTER (WHERE session_count > 0)
  FROM unnest(changes) c GROUP BY workspace_id, device_id
  HAVING sum(session_count) > 0
    OR EXISTS (SELECT FROM session_totals k WHERE k.workspace_id = c.workspace_id AND k.device_id = c.device_id)
  ORDER BY workspace_id, device_id
  ON CONFLICT (workspace_id, device_id) DO UPDATE SET
    session_count        = t.session_count + excluded.session_count,
    active_session_count = t.active_session_count + excluded.active_session_count,
    total_cost_usd       = t.total_cost_usd + excluded.total_cost_usd,
    total_duration_ms    = t.total_duration_ms + excluded.total_duration_ms,
    total_tokens_in      = t.total_tokens_in + excluded.total_tokens_in,
    total_tokens_out     = t.total_tokens_out + excluded.total_tokens_out,
    last_session_at      = greatest(t.last_session_at, excluded.last_session_at);

  UPDATE session_totals t SET last_session_at = (
    SELECT s.started_at FROM sessions s
    WHERE s.workspace_id = t.workspace_id AND s.device_id = t.device_id AND s.is_counted AND s.deleted_at IS NULL
    ORDER BY s.started_at DESC LIMIT 1
  )
  FROM (
    SELECT workspace_id, device_id FROM unnest(changes) GROUP BY workspace_id, device_id
    HAVING max(last_session_at) FILTER (WHERE session_count < 0)
      > coalesce(max(last_session_at) FILTER (WHERE session_count > 0), '-infinity')
  ) c
  WHERE t.workspace_id = c.workspace_id AND t.device_id = c.device_id;
END $$;

CREATE OR REPLACE FUNCTION add_to_parent_totals(changes session_totals[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO parent_totals AS t
  SELECT * FROM (
    SELECT CASE WHEN workspace_id IS NULL THEN 'device' ELSE 'workspace' END AS parent, coalesce(workspace_id, device_id) AS id,
      sum(session_count) AS session_count, sum(active_session_count), sum(total_cost_usd), sum(total_duration_ms),
      sum(total_tokens_in), sum(total_tokens_out), max(last_session_at) FILTER (WHERE session_count > 0)
    FROM unnest(changes) GROUP BY GROUPING SETS ((workspace_id), (device_id))
  ) c
  WHERE session_count > 0 OR EXISTS (SELECT FROM parent_totals k WHERE k.parent = c.parent AND k.id = c.id)
  ORDER BY parent, id
  ON CONFLICT (parent, id) DO UPDATE SET
    session_count        = t.session_count + excluded.session_count,
    active_session_count = t.active_session_count + excluded.active_session_count,
    total_cost_usd       = t.total_cost_usd + excluded.total_cost_usd,
    total_duration_ms    = t.total_duration_ms + excluded.total_duration_ms,
    total_tokens_in      = t.total_tokens_in + excluded.total_tokens_in,
    total_tokens_out     = t.total_tokens_out + excluded.total_tokens_out,
    last_session_at      = greatest(t.last_session_at, excluded.last_session_at);

  UPDATE parent_totals t SET last_session_at = CASE t.parent
    WHEN 'workspace' THEN (
      SELECT s.started_at FROM sessions s WHERE s.workspace_id = t.id AND s.is_counted AND s.deleted_at IS NULL
      ORDER BY s.started_at DESC LIMIT 1
    )
    ELSE (
      SELECT s.started_at FROM sessions s WHERE s.device_id = t.id AND s.is_counted AND s.deleted_at IS NULL
      ORDER BY s.started_at DESC LIMIT 1
    ) END
  FROM (
    SELECT CASE WHEN workspace_id IS NULL THEN 'device' ELSE 'workspace' END AS parent, coalesce(workspace_id, device_id) AS id
    FROM unnest(changes) GROUP BY GROUPING SETS ((workspace_id), (device_id))
    HAVING max(last_session_at) FILTER (WHERE session_count < 0)
      > coalesce(max(last_session_at) FILTER (WHERE session_count > 0), '-infinity')
  ) c
  WHERE t.parent = c.parent AND t.id = c.id;
END $$;

-- Sessions that are not counted yet, or whose deletion has begun, are left out.
CREATE OR REPLACE FUNCTION roll_up_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changes session_totals[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(session_total(1, workspace_id, device_id, lifecycle, started_at, cost_estimate_usd, duration_ms, tokens_in, tokens_out))
    INTO changes FROM added WHERE is_counted AND deleted_at IS NULL;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(session_total(-1, workspace_id, device_id, lifecycle, started_at, cost_estimate_usd, duration_ms, tokens_in, tokens_out))
    INTO changes FROM removed WHERE is_counted AND deleted_at IS NULL;
  ELSE
    SELECT array_agg(c.total) INTO changes
    FROM added a JOIN removed r USING (id)
    CROSS JOIN LATERAL (VALUES
      (a.is_counted AND a.deleted_at IS NULL, session_total(
        1, a.workspace_id, a.device_id, a.lifecycle, a.started_at, a.cost_estimate_usd, a.duration_ms, a.tokens_in, a.tokens_out)),
      (r.is_counted AND r.deleted_at IS NULL, session_total(
        -1, r.workspace_id, r.device_id, r.lifecycle, r.started_at, r.cost_estimate_usd, r.duration_ms, r.tokens_in, r.tokens_out))
    ) AS c (counts, total)
    WHERE c.counts AND (a.is_counted, a.deleted_at, a.workspace_id, a.device_id, a.lifecycle, a.started_at, a.cost_estimate_usd, a.duration_ms, a.tokens_in, a.tokens_out)
      IS DISTINCT FROM
      (r.is_counted, r.deleted_at, r.workspace_id, r.device_id, r.lifecycle, r.started_at, r.cost_estimate_usd, r.duration_ms, r.tokens_in, r.tokens_out);
  END IF;
  IF changes IS NOT NULL THEN
    PERFORM add_to_session_totals(changes);
    PERFORM add_to_parent_totals(changes);
  END IF;
  RETURN NULL;
END $$;
