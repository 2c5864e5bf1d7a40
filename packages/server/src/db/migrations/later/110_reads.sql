-- Phase 8: what the lists and details are read by.

-- Totals of the sessions of one workspace on one device. Adding up 100k sessions for each list took ten times as long as a
-- page may take; kept by triggers, the totals are exact whoever writes a session: ingest, a job, a person.
CREATE TABLE IF NOT EXISTS session_totals (
  workspace_id         TEXT NOT NULL,
  device_id            TEXT NOT NULL,
  session_count        BIGINT NOT NULL,
  active_session_count BIGINT NOT NULL,
  total_cost_usd       NUMERIC NOT NULL,
  total_duration_ms    BIGINT NOT NULL,
  total_tokens_in      BIGINT NOT NULL,
  total_tokens_out     BIGINT NOT NULL,
  last_session_at      TIMESTAMPTZ,
  PRIMARY KEY (workspace_id, device_id)
);
CREATE INDEX IF NOT EXISTS idx_session_totals_device ON session_totals (device_id);

-- What one session adds to its totals (`sign` 1) or takes from them (`sign` -1).
CREATE OR REPLACE FUNCTION session_total(
  sign INTEGER, workspace_id TEXT, device_id TEXT, lifecycle TEXT, started_at TIMESTAMPTZ,
  cost_usd NUMERIC, duration_ms BIGINT, tokens_in BIGINT, tokens_out BIGINT
) RETURNS session_totals LANGUAGE sql IMMUTABLE AS $$
  SELECT ROW(
    workspace_id, device_id, sign, CASE WHEN lifecycle IN ('detected', 'capturing') THEN sign ELSE 0 END,
    sign * coalesce(cost_usd, 0), sign * coalesce(duration_ms, 0), sign * coalesce(tokens_in, 0), sign * coalesce(tokens_out, 0),
    started_at
  )::session_totals
$$;

-- The rows are locked in one order, so that two flushes cannot wait for each other; the latest start is looked up again only
-- where a session was taken away, by a statement that comes after the lock and therefore sees what others have committed.
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

  IF NOT EXISTS (SELECT 1 FROM unnest(changes) WHERE session_count < 0) THEN RETURN; END IF;

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
    WHERE s.workspace_id = t.workspace_id AND s.device_id = t.device_id ORDER BY s.started_at DESC LIMIT 1
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
  IF changes IS NOT NULL THEN PERFORM add_to_session_totals(changes); END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER sessions_added   AFTER INSERT ON sessions REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION roll_up_sessions();
CREATE OR REPLACE TRIGGER sessions_changed AFTER UPDATE ON sessions REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION roll_up_sessions();
CREATE OR REPLACE TRIGGER sessions_removed AFTER DELETE ON sessions REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION roll_up_sessions();

-- What is there already.
DELETE FROM session_totals;
SELECT add_to_session_totals(array_agg(session_total(
  1, workspace_id, device_id, lifecycle, started_at, cost_estimate_usd, duration_ms, tokens_in, tokens_out)))
FROM sessions HAVING count(*) > 0;

CREATE INDEX IF NOT EXISTS idx_sessions_workspace_device ON sessions (workspace_id, device_id, started_at DESC);
CREATE INDEX IF NOT EXISTS idx_sessions_ended            ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_workspaces_name           ON workspaces (display_name);
CREATE INDEX IF NOT EXISTS idx_workspace_devices_device  ON workspace_devices (device_id);
CREATE INDEX IF NOT EXISTS idx_ingest_notes_event        ON ingest_notes (event_id) WHERE event_id IS NOT NULL;

-- Git activity outside any session, for the timeline; and the counts and branches of a workspace.
CREATE INDEX IF NOT EXISTS idx_git_unmatched           ON git_activity (timestamp DESC, id DESC) WHERE session_id IS NULL;
CREATE INDEX IF NOT EXISTS idx_git_unmatched_workspace ON git_activity (workspace_id, timestamp DESC, id DESC) WHERE session_id IS NULL;
CREATE INDEX IF NOT EXISTS idx_git_unmatched_device    ON git_activity (device_id, timestamp DESC, id DESC) WHERE session_id IS NULL;
CREATE INDEX IF NOT EXISTS idx_git_workspace_type      ON git_activity (workspace_id, type, timestamp DESC);

-- A deleted session takes these along; without an index each of them would be read from end to end.
CREATE INDEX IF NOT EXISTS idx_transcript_msg_subagent ON transcript_messages (subagent_id) WHERE subagent_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_content_blocks_subagent ON content_blocks (subagent_id) WHERE subagent_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_teammates_team          ON teammates (team_id);
CREATE INDEX IF NOT EXISTS idx_teammates_subagent      ON teammates (subagent_id) WHERE subagent_id IS NOT NULL;

-- A worktree may be made again under the same name: it is gone only if its last removal came after its last creation.
ALTER TABLE session_worktrees ADD COLUMN IF NOT EXISTS last_created_at TIMESTAMPTZ;

-- The offer to install git hooks, made once for a workspace on a device.
ALTER TABLE workspace_devices
  ADD COLUMN IF NOT EXISTS git_hooks_answer      TEXT CHECK (git_hooks_answer IN ('accepted', 'declined')),
  ADD COLUMN IF NOT EXISTS git_hooks_answered_at TIMESTAMPTZ;
CREATE INDEX IF NOT EXISTS idx_git_hooks_offers ON workspace_devices (device_id, workspace_id)
  WHERE NOT git_hooks_installed AND git_hooks_answer IS NULL;

CREATE INDEX IF NOT EXISTS idx_remote_envs_provisioned ON remote_envs (provisioned_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_remote_envs_instance    ON remote_envs (instance_id) WHERE instance_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_devices_first_seen      ON devices (first_seen_at DESC, id DESC);
