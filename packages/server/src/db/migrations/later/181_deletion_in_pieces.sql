-- A session is deleted in pieces: from this time on it is not read and not counted, and its row is the last that goes.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS deleted_at TIMESTAMPTZ;

-- As before, but for sessions with deleted_at, which are left out.
CREATE OR REPLACE FUNCTION add_to_parent_totals(changes session_totals[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  added parent_totals[] := ARRAY(
    SELECT ROW(
      CASE WHEN workspace_id IS NULL THEN 'device' ELSE 'workspace' END, coalesce(workspace_id, device_id),
      sum(session_count), sum(active_session_count), sum(total_cost_usd), sum(total_duration_ms),
      sum(total_tokens_in), sum(total_tokens_out), max(last_session_at) FILTER (WHERE session_count > 0)
    )::parent_totals
    FROM unnest(changes) GROUP BY GROUPING SETS ((workspace_id), (device_id))
  );
  takes_away boolean := EXISTS (
    SELECT 1 FROM unnest(changes) GROUP BY workspace_id, device_id
    HAVING max(last_session_at) FILTER (WHERE session_count < 0)
      > coalesce(max(last_session_at) FILTER (WHERE session_count > 0), '-infinity')
  );
  free tid[];
BEGIN
  IF takes_away THEN PERFORM pg_advisory_xact_lock(hashtextextended('wharf: parent_totals', 0)); END IF;
  LOOP
    IF takes_away THEN
      PERFORM 1 FROM parent_totals t JOIN unnest(added) a USING (parent, id) FOR UPDATE OF t;
    END IF;
    free := ARRAY(SELECT t.ctid FROM parent_totals t JOIN unnest(added) a USING (parent, id) FOR UPDATE OF t SKIP LOCKED);
    EXIT WHEN NOT takes_away OR NOT EXISTS (
      SELECT FROM parent_totals t JOIN unnest(added) a USING (parent, id) WHERE t.ctid <> ALL (free)
    );
  END LOOP;

  WITH total AS MATERIALIZED (
    SELECT parent, id, min(place) AS place, sum(session_count) AS session_count, sum(active_session_count) AS active_session_count,
      sum(total_cost_usd) AS total_cost_usd, sum(total_duration_ms) AS total_duration_ms,
      sum(total_tokens_in) AS total_tokens_in, sum(total_tokens_out) AS total_tokens_out,
      CASE WHEN NOT takes_away THEN max(last_session_at)
        WHEN parent = 'workspace' THEN (
          SELECT s.started_at FROM sessions s WHERE s.workspace_id = either.id AND s.deleted_at IS NULL
          ORDER BY s.started_at DESC LIMIT 1
        )
        ELSE (
          SELECT s.started_at FROM sessions s WHERE s.device_id = either.id AND s.deleted_at IS NULL
          ORDER BY s.started_at DESC LIMIT 1
        )
      END AS last_session_at
    FROM (
      SELECT ctid AS place, * FROM parent_totals WHERE ctid = ANY(free)
      UNION ALL SELECT NULL, * FROM unnest(added)
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
END $$;

CREATE OR REPLACE FUNCTION add_to_session_totals(changes session_totals[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO session_totals AS t
  SELECT workspace_id, device_id, sum(session_count), sum(active_session_count), sum(total_cost_usd), sum(total_duration_ms),
    sum(total_tokens_in), sum(total_tokens_out), max(last_session_at) FILTER (WHERE session_count > 0)
  FROM unnest(changes) GROUP BY workspace_id, device_id HAVING bool_or(session_count > 0)
  ORDER BY workspace_id, device_id
  ON CONFLICT (workspace_id, device_id) DO UPDATE SET
    session_count        = t.session_count + excluded.session_count,
    active_session_count = t.active_session_count + excluded.active_session_count,
    total_cost_usd       = t.total_cost_usd + excluded.total_cost_usd,
    total_duration_ms    = t.total_duration_ms + excluded.total_duration_ms,
    total_tokens_in      = t.total_tokens_in + excluded.total_tokens_in,
    total_tokens_out     = t.total_tokens_out + excluded.total_tokens_out,
    last_session_at      = greatest(t.last_session_at, excluded.last_session_at);

  IF NOT EXISTS (
    SELECT 1 FROM unnest(changes) GROUP BY workspace_id, device_id
    HAVING max(last_session_at) FILTER (WHERE session_count < 0)
      > coalesce(max(last_session_at) FILTER (WHERE session_count > 0), '-infinity')
  ) THEN RETURN; END IF;

  UPDATE session_totals t SET
    session_count        = t.session_count + c.session_count,
    active_session_count = t.active_session_count + c.active_session_count,
    total_cost_usd       = t.total_cost_usd + c.total_cost_usd,
    total_duration_ms    = t.total_duration_ms + c.total_duration_ms,
    total_tokens_in      = t.total_tokens_in + c.total_tokens_in,
    total_tokens_out     = t.total_tokens_out + c.total_tokens_out
  FROM (
    SELECT workspace_id, device_id, sum(session_count) AS session_count, sum(active_session_count) AS active_session_count,
      sum(total_cost_usd) AS total_cost_usd, sum(total_duration_ms) AS total_duration_ms,
      sum(total_tokens_in) AS total_tokens_in, sum(total_tokens_out) AS total_tokens_out
    FROM unnest(changes) GROUP BY workspace_id, device_id HAVING NOT bool_or(session_count > 0)
  ) c
  WHERE t.workspace_id = c.workspace_id AND t.device_id = c.device_id;

  UPDATE session_totals t SET last_session_at = (
    SELECT s.started_at FROM sessions s
    WHERE s.workspace_id = t.workspace_id AND s.device_id = t.device_id AND s.deleted_at IS NULL
    ORDER BY s.started_at DESC LIMIT 1
  )
  FROM (
    SELECT workspace_id, device_id FROM unnest(changes) GROUP BY workspace_id, device_id
    HAVING max(last_session_at) FILTER (WHERE session_count < 0)
      > coalesce(max(last_session_at) FILTER (WHERE session_count > 0), '-infinity')
  ) c
  WHERE t.workspace_id = c.workspace_id AND t.device_id = c.device_id;
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
    INTO changes FROM removed WHERE deleted_at IS NULL;
  ELSE
    SELECT array_agg(c.total) INTO changes
    FROM added a JOIN removed r USING (id)
    CROSS JOIN LATERAL (VALUES
      (a.deleted_at, session_total(1, a.workspace_id, a.device_id, a.lifecycle, a.started_at, a.cost_estimate_usd, a.duration_ms, a.tokens_in, a.tokens_out)),
      (r.deleted_at, session_total(-1, r.workspace_id, r.device_id, r.lifecycle, r.started_at, r.cost_estimate_usd, r.duration_ms, r.tokens_in, r.tokens_out))
    ) AS c (deleted_at, total)
    WHERE c.deleted_at IS NULL AND (a.deleted_at, a.workspace_id, a.device_id, a.lifecycle, a.started_at, a.cost_estimate_usd, a.duration_ms, a.tokens_in, a.tokens_out)
      IS DISTINCT FROM
      (r.deleted_at, r.workspace_id, r.device_id, r.lifecycle, r.started_at, r.cost_estimate_usd, r.duration_ms, r.tokens_in, r.tokens_out);
  END IF;
  IF changes IS NOT NULL THEN
    PERFORM add_to_session_totals(changes);
    PERFORM add_to_parent_totals(changes);
  END IF;
  RETURN NULL;
END $$;
