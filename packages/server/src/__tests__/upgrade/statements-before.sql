-- What commit 0031be9 sends to Postgres for a flush, a round, a retry, a report and edits, as recorded from the driver.
-- Constants are written out; $names are parameters.

-- name: flush-by-set
-- A flush without relations, with git activity and notes, on a connection without foreign keys.
  WITH
  stored AS (
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
    SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
    FROM ROWS FROM (
      string_to_table($ids::text, E'\x1f'::text),
      string_to_table($types::text, E'\x1f'::text),
      string_to_table($timestamps::text, E'\x1f'::text),
      string_to_table($device_ids::text, E'\x1f'::text),
      string_to_table($workspace_ids::text, E'\x1f'::text),
      string_to_table($session_ids::text, E'\x1f'::text),
      string_to_table($data::text, E'\x1f'::text),
      string_to_table($blob_refs::text, E'\x1f'::text)
    ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
    WHERE session_id <> ALL (ARRAY(
      SELECT t.session_id FROM session_tombstones t WHERE t.session_id = ANY (string_to_array($session_ids::text, E'\x1f'::text))
    ))
    AND id NOT IN (SELECT known.id FROM events known WHERE known.id = ANY (string_to_array($ids::text, E'\x1f'::text)))
    RETURNING id, type, timestamp, device_id, workspace_id, session_id, data
  ),
  link_paths AS (
    SELECT DISTINCT ON (workspace_id, device_id) workspace_id, device_id, data ->> 'cwd' AS local_path, timestamp
    FROM stored WHERE device_id IN (SELECT string_to_table($unsettled_device_ids::text, E'\x1f'::text)) AND type = 'session.start' AND data ->> 'cwd' <> ''
    ORDER BY workspace_id, device_id, timestamp DESC, data ->> 'cwd' DESC
  ),
  links AS (
    SELECT workspace_id, device_id, bool_or(type = 'system.hooks.installed') AS hooks_installed
    FROM stored WHERE device_id IN (SELECT string_to_table($unsettled_device_ids::text, E'\x1f'::text)) GROUP BY workspace_id, device_id
  ),
  link_rows AS (
    INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at, hooks_installed)
    SELECT l.workspace_id, l.device_id, coalesce(p.local_path, 'unknown'), p.timestamp, l.hooks_installed
    FROM links l
    LEFT JOIN link_paths p ON p.workspace_id = l.workspace_id AND p.device_id = l.device_id
    LEFT JOIN LATERAL (
      SELECT * FROM workspace_devices w WHERE w.workspace_id = l.workspace_id AND w.device_id = l.device_id OFFSET 0
    ) known ON true
    WHERE known.device_id IS NULL
      OR known.last_active_at < now() - make_interval(secs => '30')
      OR (p.timestamp, p.local_path) > (known.local_path_at, known.local_path)
      OR (p.timestamp IS NOT NULL AND known.local_path_at IS NULL)
      OR (l.hooks_installed AND NOT known.hooks_installed)
    ORDER BY l.workspace_id, l.device_id
    ON CONFLICT (workspace_id, device_id) DO UPDATE SET
      (local_path, local_path_at) = (
  SELECT local_path, local_path_at
  FROM (VALUES (link.local_path, link.local_path_at), (excluded.local_path, excluded.local_path_at))
    AS said (local_path, local_path_at)
  ORDER BY local_path_at DESC NULLS LAST, local_path = 'unknown', local_path DESC LIMIT 1
),
      hooks_installed = link.hooks_installed OR excluded.hooks_installed,
      last_active_at = now()
  ),
  device_names AS (
    SELECT device_id,
      (array_agg(data ->> '_device_name' ORDER BY timestamp, data ->> '_device_name') FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> ''))[1] AS name,
      min(timestamp) FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> '') AS name_said_at,
      bool_or(data ->> '_device_type' = 'remote') AS is_remote
    FROM stored WHERE device_id IN (SELECT string_to_table($unsettled_device_ids::text, E'\x1f'::text)) AND data ?| ARRAY['_device_name', '_device_type'] GROUP BY device_id
  ),
  device_input AS (
    SELECT m.device_id AS id, n.name, n.name_said_at, m.is_remote OR coalesce(n.is_remote, false) AS is_remote
    FROM (SELECT DISTINCT device_id, false AS is_remote FROM links) m LEFT JOIN device_names n ON n.device_id = m.device_id
  ),
  device_rows AS (
    INSERT INTO devices AS device (id, name, name_said_at, type)
    SELECT i.id, coalesce(i.name, 'unknown-device'), i.name_said_at, CASE WHEN i.is_remote THEN 'remote' ELSE 'local' END
    FROM device_input i LEFT JOIN LATERAL (SELECT * FROM devices d WHERE d.id = i.id OFFSET 0) known ON true
    WHERE known.id IS NULL
      OR known.last_seen_at < now() - make_interval(secs => '5')
      OR (
  i.name_said_at IS NOT NULL AND (
    known.name = 'unknown-device' OR coalesce((i.name_said_at, i.name) < (known.name_said_at, known.name), false)
  )
)
      OR (i.is_remote AND known.type = 'local')
      OR known.status = 'terminated'
    ORDER BY i.id
    ON CONFLICT (id) DO UPDATE SET
  name = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name ELSE device.name END,
  name_said_at = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name_said_at ELSE device.name_said_at END,
      type = CASE WHEN excluded.type = 'remote' THEN 'remote' ELSE device.type END,
      status = 'online',
      last_seen_at = now()
    RETURNING id
  ),
  session_rows AS (
    INSERT INTO sessions (id, workspace_id, device_id, started_at)
    SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp
    FROM stored WHERE session_id IN (SELECT string_to_table($unsettled_session_ids::text, E'\x1f'::text)) ORDER BY session_id, timestamp, id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
  ),
  git_rows AS (
    INSERT INTO git_activity (
      id, workspace_id, device_id, session_id, session_inferred, type, branch, commit_sha, message,
      files_changed, insertions, deletions, timestamp, data
    )
    SELECT
      id, workspace_id, device_id, session_id, session_id IS NULL, substr(type, 5),
      coalesce(data ->> 'branch', data ->> 'into_branch', data ->> 'to_branch'),
      left(coalesce(data ->> 'hash', data ->> 'merge_commit'), '200'),
      data ->> 'message',
      CASE WHEN data ->> 'files_changed' IS NOT NULL THEN least((data ->> 'files_changed')::numeric, '2147483647')::int END, CASE WHEN data ->> 'insertions' IS NOT NULL THEN least((data ->> 'insertions')::numeric, '2147483647')::int END, CASE WHEN data ->> 'deletions' IS NOT NULL THEN least((data ->> 'deletions')::numeric, '2147483647')::int END, timestamp, data
    FROM stored WHERE type IN ('git.commit', 'git.push', 'git.checkout', 'git.merge')
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, session_inferred
  ),
  pending_rows AS (
    INSERT INTO pending_projections (event_ids)
    SELECT array_agg(id) FROM stored WHERE id IN (SELECT string_to_table($unsettled_event_ids::text, E'\x1f'::text)) HAVING count(*) > 0
    RETURNING id::text
  ),
  note_rows AS (
    INSERT INTO ingest_notes (event_id, device_id, session_id, kind, detail, body)
    SELECT n.event_id, n.device_id, n.session_id, n.kind, n.detail, n.body
    FROM jsonb_to_recordset(($notes::text)::jsonb)
      AS n (event_id text, device_id text, session_id text, kind text, detail text, body text)
    JOIN stored ON stored.id = n.event_id
  ),
  touched AS MATERIALIZED (
    SELECT count(*)::int AS stored_count, array_agg(id) AS event_ids, array_agg(DISTINCT workspace_id) AS workspace_ids,
      array_agg(DISTINCT device_id) AS device_ids,
      coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), '{}') AS session_ids
    FROM stored
  ),
  change_rows AS (
    INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids)
    SELECT 'events', stored_count, event_ids, session_ids, workspace_ids FROM touched WHERE stored_count > 0
  )
  SELECT
    stored_count,
    hold_parents(
  workspace_ids,
  ARRAY(SELECT unnest(device_ids) EXCEPT SELECT id FROM device_rows),
  ARRAY(SELECT unnest(session_ids) EXCEPT SELECT id FROM session_rows)
) AS parents_held,
    CASE WHEN stored_count <> $count::int THEN event_ids END AS stored_ids,
    (SELECT id FROM pending_rows) AS pending_id
  FROM touched;

-- name: flush-by-row
-- A flush with relations.
  WITH
  stored AS (
    INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
    SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
    FROM ROWS FROM (
      string_to_table($ids::text, E'\x1f'::text),
      string_to_table($types::text, E'\x1f'::text),
      string_to_table($timestamps::text, E'\x1f'::text),
      string_to_table($device_ids::text, E'\x1f'::text),
      string_to_table($workspace_ids::text, E'\x1f'::text),
      string_to_table($session_ids::text, E'\x1f'::text),
      string_to_table($data::text, E'\x1f'::text),
      string_to_table($blob_refs::text, E'\x1f'::text)
    ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
    WHERE session_id <> ALL (ARRAY(
      SELECT t.session_id FROM session_tombstones t WHERE t.session_id = ANY (string_to_array($session_ids::text, E'\x1f'::text))
    ))
    ON CONFLICT (id) DO NOTHING
    RETURNING id, type, timestamp, device_id, workspace_id, session_id, data
  ),
  link_paths AS (
    SELECT DISTINCT ON (workspace_id, device_id) workspace_id, device_id, data ->> 'cwd' AS local_path, timestamp
    FROM stored WHERE device_id IN (SELECT string_to_table($unsettled_device_ids::text, E'\x1f'::text)) AND type = 'session.start' AND data ->> 'cwd' <> ''
    ORDER BY workspace_id, device_id, timestamp DESC, data ->> 'cwd' DESC
  ),
  links AS (
    SELECT workspace_id, device_id, bool_or(type = 'system.hooks.installed') AS hooks_installed
    FROM stored WHERE device_id IN (SELECT string_to_table($unsettled_device_ids::text, E'\x1f'::text)) GROUP BY workspace_id, device_id
  ),
  link_rows AS (
    INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at, hooks_installed)
    SELECT l.workspace_id, l.device_id, coalesce(p.local_path, 'unknown'), p.timestamp, l.hooks_installed
    FROM links l
    LEFT JOIN link_paths p ON p.workspace_id = l.workspace_id AND p.device_id = l.device_id
    LEFT JOIN LATERAL (
      SELECT * FROM workspace_devices w WHERE w.workspace_id = l.workspace_id AND w.device_id = l.device_id OFFSET 0
    ) known ON true
    WHERE known.device_id IS NULL
      OR known.last_active_at < now() - make_interval(secs => '30')
      OR (p.timestamp, p.local_path) > (known.local_path_at, known.local_path)
      OR (p.timestamp IS NOT NULL AND known.local_path_at IS NULL)
      OR (l.hooks_installed AND NOT known.hooks_installed)
    ORDER BY l.workspace_id, l.device_id
    ON CONFLICT (workspace_id, device_id) DO UPDATE SET
      (local_path, local_path_at) = (
  SELECT local_path, local_path_at
  FROM (VALUES (link.local_path, link.local_path_at), (excluded.local_path, excluded.local_path_at))
    AS said (local_path, local_path_at)
  ORDER BY local_path_at DESC NULLS LAST, local_path = 'unknown', local_path DESC LIMIT 1
),
      hooks_installed = link.hooks_installed OR excluded.hooks_installed,
      last_active_at = now()
  ),
  device_names AS (
    SELECT device_id,
      (array_agg(data ->> '_device_name' ORDER BY timestamp, data ->> '_device_name') FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> ''))[1] AS name,
      min(timestamp) FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> '') AS name_said_at,
      bool_or(data ->> '_device_type' = 'remote') AS is_remote
    FROM stored WHERE device_id IN (SELECT string_to_table($unsettled_device_ids::text, E'\x1f'::text)) AND data ?| ARRAY['_device_name', '_device_type'] GROUP BY device_id
  ),
  device_input AS (
    SELECT m.device_id AS id, n.name, n.name_said_at, m.is_remote OR coalesce(n.is_remote, false) AS is_remote
    FROM (
  SELECT device_id, bool_or(is_remote) AS is_remote
  FROM (
    SELECT device_id, false FROM links
    UNION ALL
    SELECT data ->> 'device_id', true FROM stored
    WHERE type = 'remote.provision.ready' AND data ->> 'device_id' <> ''
  ) AS every_mention (device_id, is_remote)
  GROUP BY device_id
) m LEFT JOIN device_names n ON n.device_id = m.device_id
  ),
  device_rows AS (
    INSERT INTO devices AS device (id, name, name_said_at, type)
    SELECT i.id, coalesce(i.name, 'unknown-device'), i.name_said_at, CASE WHEN i.is_remote THEN 'remote' ELSE 'local' END
    FROM device_input i LEFT JOIN LATERAL (SELECT * FROM devices d WHERE d.id = i.id OFFSET 0) known ON true
    WHERE known.id IS NULL
      OR known.last_seen_at < now() - make_interval(secs => '5')
      OR (
  i.name_said_at IS NOT NULL AND (
    known.name = 'unknown-device' OR coalesce((i.name_said_at, i.name) < (known.name_said_at, known.name), false)
  )
)
      OR (i.is_remote AND known.type = 'local')
      OR known.status = 'terminated'
    ORDER BY i.id
    ON CONFLICT (id) DO UPDATE SET
  name = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name ELSE device.name END,
  name_said_at = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name_said_at ELSE device.name_said_at END,
      type = CASE WHEN excluded.type = 'remote' THEN 'remote' ELSE device.type END,
      status = 'online',
      last_seen_at = now()
    RETURNING id
  ),
  session_rows AS (
    INSERT INTO sessions (id, workspace_id, device_id, started_at)
    SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp
    FROM stored WHERE session_id IN (SELECT string_to_table($unsettled_session_ids::text, E'\x1f'::text)) ORDER BY session_id, timestamp, id
    ON CONFLICT (id) DO NOTHING
    RETURNING id
  ),
  git_rows AS (
    INSERT INTO git_activity (
      id, workspace_id, device_id, session_id, session_inferred, type, branch, commit_sha, message,
      files_changed, insertions, deletions, timestamp, data
    )
    SELECT
      id, workspace_id, device_id, session_id, session_id IS NULL, substr(type, 5),
      coalesce(data ->> 'branch', data ->> 'into_branch', data ->> 'to_branch'),
      left(coalesce(data ->> 'hash', data ->> 'merge_commit'), '200'),
      data ->> 'message',
      CASE WHEN data ->> 'files_changed' IS NOT NULL THEN least((data ->> 'files_changed')::numeric, '2147483647')::int END, CASE WHEN data ->> 'insertions' IS NOT NULL THEN least((data ->> 'insertions')::numeric, '2147483647')::int END, CASE WHEN data ->> 'deletions' IS NOT NULL THEN least((data ->> 'deletions')::numeric, '2147483647')::int END, timestamp, data
    FROM stored WHERE type IN ('git.commit', 'git.push', 'git.checkout', 'git.merge')
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, session_inferred
  ),
  subagent_start AS (
    SELECT DISTINCT ON (session_id, data ->> 'agent_id') session_id, data ->> 'agent_id' AS agent_id, timestamp, data
    FROM stored WHERE type = 'subagent.start' AND session_id IS NOT NULL
    ORDER BY session_id, data ->> 'agent_id', timestamp, id
  ),
  subagent_stop AS (
    SELECT DISTINCT ON (session_id, data ->> 'agent_id') session_id, data ->> 'agent_id' AS agent_id, timestamp, data
    FROM stored WHERE type = 'subagent.stop' AND session_id IS NOT NULL
    ORDER BY session_id, data ->> 'agent_id', timestamp DESC, data ->> 'agent_type' DESC
  ),
  subagent_rows AS (
    INSERT INTO subagents AS s (
      id, session_id, agent_id, agent_type, agent_name, model, isolation, run_in_background, started_at, ended_at
    )
    SELECT
      md5(jsonb_build_array(session_id, agent_id)::text), session_id, agent_id,
      coalesce(start.data ->> 'agent_type', stop.data ->> 'agent_type'),
      start.data ->> 'agent_name', start.data ->> 'model', start.data ->> 'isolation',
      (start.data ->> 'run_in_background')::boolean, start.timestamp, stop.timestamp
    FROM subagent_start start FULL JOIN subagent_stop stop USING (session_id, agent_id)
    ORDER BY session_id, agent_id
    ON CONFLICT (session_id, agent_id) DO UPDATE SET (
      agent_type, agent_name, model, isolation, run_in_background, started_at, ended_at
    ) = (
      SELECT
        CASE WHEN goes_first OR is_later_stop THEN excluded.agent_type ELSE s.agent_type END,
        CASE WHEN goes_first THEN excluded.agent_name ELSE s.agent_name END,
        CASE WHEN goes_first THEN excluded.model ELSE s.model END,
        CASE WHEN goes_first THEN excluded.isolation ELSE s.isolation END,
        CASE WHEN goes_first THEN excluded.run_in_background ELSE s.run_in_background END,
        least(s.started_at, excluded.started_at),
        greatest(s.ended_at, excluded.ended_at)
      FROM (
        SELECT
          coalesce(excluded.started_at < coalesce(s.started_at, 'infinity'), false),
          s.started_at IS NULL AND excluded.started_at IS NULL
            AND (excluded.ended_at, excluded.agent_type) > (s.ended_at, s.agent_type)
      ) AS precedence (goes_first, is_later_stop)
    )
  ),
  team_mentions AS (
    SELECT id, session_id, timestamp, data, type, data ->> 'team_name' AS team_name
    FROM stored
    WHERE type IN ('team.create', 'subagent.start') AND session_id IS NOT NULL AND data ->> 'team_name' <> ''
  ),
  team_rows AS (
    INSERT INTO teams AS t (id, session_id, team_name, description, created_at)
    SELECT md5(jsonb_build_array(session_id, team_name)::text), session_id, team_name,
      min(data ->> 'description') FILTER (WHERE type = 'team.create'),
      min(timestamp)
    FROM team_mentions GROUP BY session_id, team_name ORDER BY session_id, team_name
    ON CONFLICT (id) DO UPDATE SET
      description = least(t.description, excluded.description),
      created_at = least(t.created_at, excluded.created_at)
  ),
  teammate_rows AS (
    INSERT INTO teammates AS m (id, team_id, session_id, entity_name, subagent_id, created_at)
    SELECT DISTINCT ON (session_id, team_name, agent_id)
      md5(jsonb_build_array(session_id, team_name, agent_id)::text), md5(jsonb_build_array(session_id, team_name)::text), session_id,
      coalesce(nullif(data ->> 'agent_name', ''), agent_id), md5(jsonb_build_array(session_id, agent_id)::text), timestamp
    FROM team_mentions CROSS JOIN LATERAL (SELECT data ->> 'agent_id') AS agent (agent_id)
    WHERE type = 'subagent.start'
    ORDER BY session_id, team_name, agent_id, timestamp, id
    ON CONFLICT (id) DO UPDATE SET
      entity_name = CASE WHEN excluded.created_at < m.created_at THEN excluded.entity_name ELSE m.entity_name END,
      created_at = least(m.created_at, excluded.created_at)
  ),
  skill_rows AS (
    INSERT INTO session_skills (id, session_id, skill_name, invoked_at, invoked_by, args)
    SELECT id, session_id, data ->> 'skill_name', timestamp, data ->> 'invoked_by', data ->> 'args'
    FROM stored WHERE type = 'skill.invoke' AND session_id IS NOT NULL
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
  ),
  worktree_changes AS (
    SELECT session_id, coalesce(data ->> 'worktree_name', '') AS name,
      min(timestamp) AS created_at,
      max(timestamp) FILTER (WHERE type = 'worktree.create') AS last_created_at,
      max(timestamp) FILTER (WHERE type = 'worktree.remove') AS last_removed_at,
      (array_agg(data ->> 'branch' ORDER BY timestamp DESC, id DESC) FILTER (WHERE type = 'worktree.create'))[1] AS branch,
      (array_agg((data ->> 'had_changes')::boolean ORDER BY timestamp DESC, id DESC)
        FILTER (WHERE type = 'worktree.remove'))[1] AS had_changes
    FROM stored WHERE type IN ('worktree.create', 'worktree.remove') AND session_id IS NOT NULL
    GROUP BY session_id, coalesce(data ->> 'worktree_name', '')
  ),
  worktree_rows AS (
    INSERT INTO session_worktrees AS t (
      id, session_id, worktree_name, branch, created_at, last_created_at, removed_at, had_changes
    )
    SELECT md5(jsonb_build_array(session_id, name)::text), session_id, nullif(name, ''), branch, created_at, last_created_at,
      CASE WHEN is_gone THEN last_removed_at END, CASE WHEN is_gone THEN had_changes END
    FROM worktree_changes
    CROSS JOIN LATERAL (SELECT coalesce(last_removed_at >= last_created_at, last_removed_at IS NOT NULL)) AS state (is_gone)
    ORDER BY session_id, name
    ON CONFLICT (id) DO UPDATE SET (branch, created_at, last_created_at, removed_at, had_changes) = (
      SELECT
        CASE WHEN excluded.last_created_at > coalesce(t.last_created_at, '-infinity') THEN excluded.branch ELSE t.branch END,
        least(t.created_at, excluded.created_at),
        latest.created_at,
        CASE WHEN latest.removed_at >= coalesce(latest.created_at, '-infinity') THEN latest.removed_at END,
        CASE WHEN latest.removed_at < latest.created_at THEN NULL
             WHEN excluded.removed_at = latest.removed_at THEN excluded.had_changes ELSE t.had_changes END
      FROM (
        SELECT greatest(t.last_created_at, excluded.last_created_at), greatest(t.removed_at, excluded.removed_at)
      ) AS latest (created_at, removed_at)
    )
  ),
  remote_events AS MATERIALIZED (
    SELECT e.*, CASE WHEN r.id IS NULL OR (
  coalesce(r.facts #>> '{owner,1}', r.device_id) IS NULL OR (coalesce((r.facts #>> '{owner,0}')::int, 0) = '2' AND first_rank < '2')
) THEN first_sender ELSE coalesce(r.facts #>> '{owner,1}', r.device_id) END AS owner
    FROM (
      SELECT *, first_value(rank) OVER earliest AS first_rank, first_value(device_id) OVER earliest AS first_sender
      FROM (
        SELECT stored.*, env_id,
          CASE type WHEN 'remote.provision.start' THEN 0 WHEN 'remote.terminate' THEN '2'::int ELSE 1 END AS rank
        FROM stored CROSS JOIN LATERAL (
          SELECT coalesce(
            nullif(data ->> 'remote_env_id', ''),
            (
              SELECT r.id FROM remote_envs r WHERE r.instance_id = data ->> 'instance_id'
              ORDER BY coalesce(coalesce(r.facts #>> '{owner,1}', r.device_id) = stored.device_id, false) DESC, r.id LIMIT 1
            ),
            nullif(data ->> 'instance_id', ''),
            stored.id)
        ) AS env (env_id)
        WHERE type IN ('remote.provision.start', 'remote.provision.ready', 'remote.provision.error', 'remote.terminate')
      ) AS of_envs
      WINDOW earliest AS (PARTITION BY env_id ORDER BY rank, timestamp, id)
    ) e LEFT JOIN remote_envs r ON r.id = e.env_id
  ),
  remote_facts AS (
    SELECT env_id, jsonb_object_agg(key, fact) AS facts
    FROM (
      SELECT DISTINCT ON (env_id, key) env_id, key, fact
      FROM remote_events
      CROSS JOIN LATERAL (SELECT (extract(epoch FROM timestamp) * 1000000)::bigint) AS said (at)
      CROSS JOIN LATERAL (VALUES
        ('owner', true, jsonb_build_array(rank, device_id)),
        ('workspace_id', true, jsonb_build_array(rank, at, id, workspace_id)),
        ('device_id', type = 'remote.provision.ready' AND data ->> 'device_id' <> '', jsonb_build_array(0, at, id, data -> 'device_id')),
  ('instance_id'::text, data ->> 'instance_id' <> '', jsonb_build_array(0, at, id, data -> 'instance_id')),
  ('instance_type'::text, data ->> 'instance_type' <> '', jsonb_build_array(0, at, id, data -> 'instance_type')),
  ('region'::text, data ->> 'region' <> '', jsonb_build_array(0, at, id, data -> 'region')),
  ('public_ip'::text, data ->> 'public_ip' <> '', jsonb_build_array(0, at, id, data -> 'public_ip')),
        ('blueprint', jsonb_typeof(data -> 'blueprint') = 'object', jsonb_build_array(0, at, id, data -> 'blueprint'))
      ) AS facts (key, is_said, fact)
      WHERE device_id = owner AND is_said
      ORDER BY env_id, key, fact
    ) AS smallest
    GROUP BY env_id
  ),
  remote_changes AS (
    SELECT
      env_id, coalesce(facts, '{}') AS facts, min(workspace_id) AS workspace_id,
      CASE WHEN bool_or(type = 'remote.terminate') THEN 'terminated'
           WHEN bool_or(type = 'remote.provision.error' AND device_id = owner) THEN 'error'
           WHEN bool_or(type = 'remote.provision.ready' AND device_id = owner) THEN 'ready' ELSE 'provisioning' END AS status,
      coalesce(min(timestamp) FILTER (WHERE device_id = owner), min(timestamp)) AS provisioned_at,
      min(timestamp) FILTER (WHERE type = 'remote.provision.ready' AND device_id = owner) AS ready_at,
      min(timestamp) FILTER (WHERE type = 'remote.terminate') AS terminated_at,
      (array_agg(CASE WHEN data ->> 'reason' = ANY ('{"manual","ttl","idle","error","other"}'::text[]) THEN data ->> 'reason' WHEN data ->> 'reason' IS NOT NULL THEN 'other'::text END ORDER BY timestamp, id) FILTER (WHERE type = 'remote.terminate'))[1] AS termination_reason,
      max(least((data ->> 'total_cost_usd')::numeric, '99999'))
        FILTER (WHERE type = 'remote.terminate' AND device_id = owner) AS total_cost_usd
    FROM remote_events LEFT JOIN remote_facts USING (env_id)
    GROUP BY env_id, facts
  ),
  remote_rows AS (
    INSERT INTO remote_envs AS r (
      id, workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
      provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
    )
    SELECT env_id, coalesce(facts #>> '{workspace_id,3}', workspace_id), facts #>> '{device_id,3}', status, facts #>> '{instance_id,3}',
      coalesce(facts #>> '{instance_type,3}', 'unknown'), coalesce(facts #>> '{region,3}', 'unknown'), facts #>> '{public_ip,3}',
      coalesce(facts #> '{blueprint,3}', '{}'), provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
    FROM remote_changes ORDER BY env_id
    ON CONFLICT (id) DO UPDATE SET (
      workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
      provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
    ) = (
      SELECT
  CASE WHEN r."workspace_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['workspace_id', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['workspace_id', '3'], NULL::text) ELSE r."workspace_id" END,
  CASE WHEN r."device_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['device_id', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['device_id', '3'], NULL::text) ELSE r."device_id" END,
        CASE WHEN NOT is_own AND excluded.terminated_at IS NULL OR array_position('{"provisioning","ready","active","idle","error","terminated"}'::text[], excluded.status) <= array_position('{"provisioning","ready","active","idle","error","terminated"}'::text[], r.status) THEN r.status
             WHEN NOT is_own THEN 'terminated' ELSE excluded.status END,
  CASE WHEN r."instance_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['instance_id', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['instance_id', '3'], NULL::text) ELSE r."instance_id" END,
  CASE WHEN r."instance_type" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['instance_type', '3'], 'unknown'::text) THEN coalesce(merged.facts #>> ARRAY['instance_type', '3'], 'unknown'::text) ELSE r."instance_type" END,
  CASE WHEN r."region" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['region', '3'], 'unknown'::text) THEN coalesce(merged.facts #>> ARRAY['region', '3'], 'unknown'::text) ELSE r."region" END,
  CASE WHEN r."public_ip" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['public_ip', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['public_ip', '3'], NULL::text) ELSE r."public_ip" END,
        CASE WHEN r.blueprint = coalesce(r.facts #> '{blueprint,3}', '{}') THEN coalesce(merged.facts #> '{blueprint,3}', '{}')
             ELSE r.blueprint END,
        CASE WHEN is_taken THEN excluded.provisioned_at WHEN is_own THEN least(r.provisioned_at, excluded.provisioned_at)
             ELSE r.provisioned_at END,
        CASE WHEN is_own THEN least(r.ready_at, excluded.ready_at) ELSE r.ready_at END,
        least(r.terminated_at, excluded.terminated_at),
        CASE WHEN excluded.terminated_at < coalesce(r.terminated_at, 'infinity') THEN excluded.termination_reason
             ELSE r.termination_reason END,
        CASE WHEN is_taken THEN excluded.total_cost_usd WHEN is_own THEN greatest(r.total_cost_usd, excluded.total_cost_usd)
             ELSE r.total_cost_usd END,
        merged.facts
      FROM (
        SELECT excluded.facts #>> '{owner,1}' = coalesce(r.facts #>> '{owner,1}', r.device_id), (
  coalesce(r.facts #>> '{owner,1}', r.device_id) IS NULL OR (coalesce((r.facts #>> '{owner,0}')::int, 0) = '2' AND (excluded.facts #>> '{owner,0}')::int < '2')
)
      ) AS owner (is_same, may_take)
      CROSS JOIN LATERAL (
        SELECT coalesce(is_same OR may_take, false), coalesce(may_take AND NOT is_same, false)
      ) AS belonging (is_own, is_taken)
      CROSS JOIN LATERAL (
        SELECT CASE WHEN is_taken THEN excluded.facts WHEN is_own THEN (
  SELECT jsonb_object_agg(key, fact) FROM (
    SELECT DISTINCT ON (key) key, fact
    FROM (SELECT * FROM jsonb_each(r.facts) UNION ALL SELECT * FROM jsonb_each(excluded.facts)) AS known (key, fact)
    ORDER BY key, fact
  ) AS smallest
)
                    ELSE r.facts END
      ) AS merged (facts)
    )
  ),
  pending_rows AS (
    INSERT INTO pending_projections (event_ids)
    SELECT array_agg(id) FROM stored WHERE id IN (SELECT string_to_table($unsettled_event_ids::text, E'\x1f'::text)) HAVING count(*) > 0
    RETURNING id::text
  ),
  note_rows AS (
    INSERT INTO ingest_notes (event_id, device_id, session_id, kind, detail, body)
    SELECT n.event_id, n.device_id, n.session_id, n.kind, n.detail, n.body
    FROM jsonb_to_recordset(($notes::text)::jsonb)
      AS n (event_id text, device_id text, session_id text, kind text, detail text, body text)
    JOIN stored ON stored.id = n.event_id
  ),
  touched AS MATERIALIZED (
    SELECT count(*)::int AS stored_count, array_agg(id) AS event_ids, array_agg(DISTINCT workspace_id) AS workspace_ids,
      array_agg(DISTINCT device_id) AS device_ids,
      coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), '{}') AS session_ids
    FROM stored
  ),
  change_rows AS (
    INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids)
    SELECT 'events', stored_count, event_ids, session_ids, workspace_ids FROM touched WHERE stored_count > 0
  )
  SELECT
    stored_count,
    CASE WHEN stored_count <> $count::int THEN event_ids END AS stored_ids,
    (SELECT id FROM pending_rows) AS pending_id
  FROM touched;

-- name: flush-alone
-- A flush that a table refused: events alone, each noted for a retry.
WITH
stored AS (
  INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
  FROM ROWS FROM (
    string_to_table($ids::text, E'\x1f'::text),
    string_to_table($types::text, E'\x1f'::text),
    string_to_table($timestamps::text, E'\x1f'::text),
    string_to_table($device_ids::text, E'\x1f'::text),
    string_to_table($workspace_ids::text, E'\x1f'::text),
    string_to_table($session_ids::text, E'\x1f'::text),
    string_to_table($data::text, E'\x1f'::text),
    string_to_table($blob_refs::text, E'\x1f'::text)
  ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  WHERE session_id <> ALL (ARRAY(
    SELECT t.session_id FROM session_tombstones t WHERE t.session_id = ANY (string_to_array($session_ids::text, E'\x1f'::text))
  ))
  ON CONFLICT (id) DO NOTHING
  RETURNING id, type, timestamp, device_id, workspace_id, session_id, data
),
parents_devices AS (
  INSERT INTO devices (id, name, type)
  SELECT DISTINCT device_id, 'unknown-device', 'local' FROM stored ORDER BY device_id
  ON CONFLICT (id) DO NOTHING
),
session_rows AS (
  INSERT INTO sessions (id, workspace_id, device_id, started_at)
  SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp
  FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
),
retries AS (
  INSERT INTO projection_retries (event_id, last_error) SELECT id, $reason FROM stored
),
note_rows AS (
  INSERT INTO ingest_notes (event_id, device_id, session_id, kind, detail, body)
  SELECT n.event_id, n.device_id, n.session_id, n.kind, n.detail, n.body
  FROM jsonb_to_recordset(($notes::text)::jsonb)
    AS n (event_id text, device_id text, session_id text, kind text, detail text, body text)
  JOIN stored ON stored.id = n.event_id
)
SELECT id FROM stored;

-- name: find-pending
-- Rows of flushes whose projection is left to do.
SELECT id::text, event_ids FROM pending_projections WHERE id <= $last_id::bigint ORDER BY pending_projections.id LIMIT $limit;

-- name: round
-- What events say of devices and sessions.
  WITH
  stored AS MATERIALIZED (
    SELECT id, type, timestamp, device_id, workspace_id, session_id, data FROM events WHERE id = ANY($event_ids)
  ),
  link_paths AS (
    SELECT DISTINCT ON (workspace_id, device_id) workspace_id, device_id, data ->> 'cwd' AS local_path, timestamp
    FROM stored WHERE true AND type = 'session.start' AND data ->> 'cwd' <> ''
    ORDER BY workspace_id, device_id, timestamp DESC, data ->> 'cwd' DESC
  ),
  links AS (
    SELECT workspace_id, device_id, bool_or(type = 'system.hooks.installed') AS hooks_installed
    FROM stored WHERE true GROUP BY workspace_id, device_id
  ),
  link_rows AS (
    INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at, hooks_installed)
    SELECT l.workspace_id, l.device_id, coalesce(p.local_path, 'unknown'), p.timestamp, l.hooks_installed
    FROM links l
    LEFT JOIN link_paths p ON p.workspace_id = l.workspace_id AND p.device_id = l.device_id
    LEFT JOIN LATERAL (
      SELECT * FROM workspace_devices w WHERE w.workspace_id = l.workspace_id AND w.device_id = l.device_id OFFSET 0
    ) known ON true
    WHERE known.device_id IS NULL
      OR known.last_active_at < now() - make_interval(secs => '30')
      OR (p.timestamp, p.local_path) > (known.local_path_at, known.local_path)
      OR (p.timestamp IS NOT NULL AND known.local_path_at IS NULL)
      OR (l.hooks_installed AND NOT known.hooks_installed)
    ORDER BY l.workspace_id, l.device_id
    ON CONFLICT (workspace_id, device_id) DO UPDATE SET
      (local_path, local_path_at) = (
  SELECT local_path, local_path_at
  FROM (VALUES (link.local_path, link.local_path_at), (excluded.local_path, excluded.local_path_at))
    AS said (local_path, local_path_at)
  ORDER BY local_path_at DESC NULLS LAST, local_path = 'unknown', local_path DESC LIMIT 1
),
      hooks_installed = link.hooks_installed OR excluded.hooks_installed,
      last_active_at = now()
  ),
  device_names AS (
    SELECT device_id,
      (array_agg(data ->> '_device_name' ORDER BY timestamp, data ->> '_device_name') FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> ''))[1] AS name,
      min(timestamp) FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> '') AS name_said_at,
      bool_or(data ->> '_device_type' = 'remote') AS is_remote
    FROM stored WHERE true AND data ?| ARRAY['_device_name', '_device_type'] GROUP BY device_id
  ),
  device_input AS (
    SELECT m.device_id AS id, n.name, n.name_said_at, m.is_remote OR coalesce(n.is_remote, false) AS is_remote
    FROM (SELECT DISTINCT device_id, false AS is_remote FROM links) m LEFT JOIN device_names n ON n.device_id = m.device_id
  ),
  device_rows AS (
    UPDATE devices device SET
      name = CASE WHEN (
  i.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((i.name_said_at, i.name) < (device.name_said_at, device.name), false)
  )
) THEN i.name ELSE device.name END,
      name_said_at = CASE WHEN (
  i.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((i.name_said_at, i.name) < (device.name_said_at, device.name), false)
  )
) THEN i.name_said_at ELSE device.name_said_at END,
      type = CASE WHEN i.is_remote THEN 'remote' ELSE device.type END
    FROM device_input i
    WHERE device.id = i.id AND device.status <> 'terminated'
      AND ((
  i.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((i.name_said_at, i.name) < (device.name_said_at, device.name), false)
  )
) OR (i.is_remote AND device.type = 'local'))
  ),
  session_reported AS MATERIALIZED (
  SELECT session_id, jsonb_object_agg(key, fact) AS facts, max(resumed_at) AS resumed_at
  FROM (
    SELECT DISTINCT ON (session_id, key) session_id, key, fact,
      max(timestamp) FILTER (WHERE rank = 0 AND data ->> 'source' = 'resume') OVER (PARTITION BY session_id) AS resumed_at
    FROM stored
    CROSS JOIN LATERAL (SELECT (type = 'session.end')::int, (extract(epoch FROM timestamp) * 1000000)::bigint) AS said (rank, at)
    CROSS JOIN LATERAL (VALUES
      ('origin', rank = 0, jsonb_build_array(0, at, id, workspace_id, device_id)),
      ('end', rank = 1, jsonb_build_array(0, -at, id, CASE WHEN data ->> 'end_reason' = 'prompt_input_exit' THEN 'exit' ELSE CASE WHEN data ->> 'end_reason' = ANY ('{"exit","clear","logout","crash","resume","other"}'::text[]) THEN data ->> 'end_reason' WHEN data ->> 'end_reason' IS NOT NULL THEN 'other'::text END END, data -> 'duration_ms')),
      ('source', rank = 0, jsonb_build_array(0, at, id, CASE WHEN data ->> 'source' = ANY ('{"startup","resume","clear","compact","fork","backfill","other"}'::text[]) THEN data ->> 'source' WHEN data ->> 'source' IS NOT NULL THEN 'other'::text END)),
      ('git_branch', data ->> 'git_branch' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'git_branch', '4096'))),
      ('model', data ->> 'model' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'model', '4096'))),
      ('metadata.cwd', data ->> 'cwd' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'cwd', '4096'))),
      ('metadata.cc_version', data ->> 'cc_version' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'cc_version', '4096'))),
      ('metadata.transcript_path', data ->> 'transcript_path' IS NOT NULL,
        jsonb_build_array(0, -at, id, left(data ->> 'transcript_path', '4096')))
    ) AS facts (key, is_said, fact)
    WHERE session_id IS NOT NULL AND type IN ('session.start', 'session.end') AND is_said
    ORDER BY session_id, key, fact
  ) AS smallest
  GROUP BY session_id),
  session_seen AS MATERIALIZED (
    SELECT
      f.*, r.facts, r.resumed_at,
      known.ended_by_server OR r.session_id IS NOT NULL
        OR (known.start_reported_at IS NULL AND f.first_at <= known.started_at)
        OR NOT known.facts ? 'origin' AS bounds_changed,
      known.start_reported_at, known.started_at, known.last_heard_at,
      known.last_heard_at < now() - make_interval(secs => '30') AS is_stale
    FROM (
      SELECT DISTINCT ON (session_id) session_id AS id, timestamp AS first_at, stored.id AS event_id, workspace_id, device_id
      FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, stored.id
    ) f
    LEFT JOIN session_reported r ON r.session_id = f.id
    CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = f.id OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) known
  ),
  session_changes AS MATERIALIZED (
    SELECT id, workspace_id, device_id, first_at AS started_at, resumed_at,
      jsonb_build_object(
        'origin', jsonb_build_array(1, (extract(epoch FROM first_at) * 1000000)::bigint, event_id, workspace_id, device_id)
      ) || coalesce(facts, '{}') AS facts
    FROM session_seen WHERE bounds_changed OR is_stale
  ),
  session_rows AS (
  INSERT INTO sessions AS s (id, workspace_id, device_id, started_at, resumed_at, facts)
  SELECT id, workspace_id, device_id, started_at, resumed_at, facts FROM session_changes AS n ORDER BY id
  ON CONFLICT (id) DO UPDATE SET (
    workspace_id, device_id, started_at, start_reported_at, resumed_at, ended_at, end_reason, duration_ms,
    git_branch, model, source, initial_prompt, tags, metadata, facts, lifecycle, ended_by_server, last_heard_at, updated_at
  ) = (
    SELECT
      c.workspace_id, c.device_id, c.started_at, c.start_reported_at, latest.resumed_at, c.ended_at, c.end_reason, c.duration_ms,
      coalesce(c.git_branch, s.git_branch), coalesce(c.model, s.model), coalesce(c.source, s.source),
      coalesce(c.initial_prompt, s.initial_prompt),
      ARRAY(SELECT DISTINCT unnest(s.tags || excluded.tags) ORDER BY 1),
      s.metadata || c.metadata, merged.facts,
      CASE WHEN c.ended_at IS NOT NULL AND s.lifecycle IN ('detected', 'capturing') THEN 'ended'
           WHEN c.ended_at IS NULL AND s.lifecycle IN ('detected', 'ended', 'parsed', 'summarized', 'archived')
             THEN CASE WHEN c.start_reported_at IS NULL THEN 'detected' ELSE 'capturing' END
           ELSE s.lifecycle END,
      false, now(), now()
    FROM (SELECT (
  SELECT jsonb_object_agg(key, fact) FROM (
    SELECT DISTINCT ON (key) key, fact
    FROM (SELECT * FROM jsonb_each(s.facts) UNION ALL SELECT * FROM jsonb_each(excluded.facts)) AS known (key, fact)
    ORDER BY key, fact
  ) AS smallest
) OFFSET 0) AS merged (facts)
    CROSS JOIN (SELECT greatest(s.resumed_at, excluded.resumed_at)) AS latest (resumed_at)
    CROSS JOIN LATERAL (
  SELECT
    workspace_id, device_id, started_at,
    CASE WHEN start_rank = '0' OR is_backfilled THEN started_at END AS start_reported_at,
    finish.ended_at,
    CASE WHEN finish.ended_at IS NOT NULL THEN end_reason END AS end_reason,
    CASE WHEN finish.ended_at IS NULL THEN NULL
         -- Agents' hooks that know no duration send 0: where the start was reported, it is computed.
         ELSE coalesce(nullif(reported_duration_ms, CASE WHEN start_rank = '0' OR is_backfilled THEN 0 END), greatest(0, round(extract(epoch FROM (finish.ended_at - started_at)) * 1000))::bigint)
    END AS duration_ms,
    git_branch, model, source, initial_prompt, metadata
  FROM (
    SELECT
      CASE WHEN is_backfilled AND (start_rank IS NULL OR merged.facts #>> '{origin,3}'::text[] = (SELECT w.id FROM workspaces w WHERE w.canonical_id = '_unassociated'))
           THEN merged.facts #>> '{backfill,3}'::text[] ELSE merged.facts #>> '{origin,3}'::text[] END AS workspace_id,
      coalesce(merged.facts #>> '{origin,4}'::text[], merged.facts #>> '{backfill,4}'::text[]) AS device_id,
      start_rank, is_backfilled,
      CASE WHEN is_backfilled AND start_rank IS DISTINCT FROM '0' THEN to_timestamp(0) + abs((merged.facts #>> '{backfill,1}'::text[])::bigint) * interval '1 microsecond'
           ELSE to_timestamp(0) + abs((merged.facts #>> '{origin,1}'::text[])::bigint) * interval '1 microsecond' END AS started_at,
      to_timestamp(0) + abs((merged.facts #>> '{end,1}'::text[])::bigint) * interval '1 microsecond' AS ended_at,
      merged.facts #>> '{end,3}'::text[] AS end_reason,
      (merged.facts #>> '{end,4}'::text[])::numeric::bigint AS reported_duration_ms,
      merged.facts #>> '{git_branch,3}'::text[] AS git_branch,
      merged.facts #>> '{model,3}'::text[] AS model,
      merged.facts #>> '{source,3}'::text[] AS source,
      merged.facts #>> '{initial_prompt,3}'::text[] AS initial_prompt,
      coalesce((
        SELECT jsonb_object_agg(substr(key, length('metadata.') + 1), fact -> 3)
        FROM jsonb_each(merged.facts) AS facts_of (key, fact) WHERE starts_with(key, 'metadata.')
      ), '{}') AS metadata
    FROM (SELECT merged.facts #>> '{origin,0}'::text[], merged.facts ? 'backfill') AS origin (start_rank, is_backfilled)
    OFFSET 0
  ) AS value
  CROSS JOIN LATERAL (
    SELECT CASE WHEN latest.resumed_at > value.ended_at THEN NULL ELSE value.ended_at END
  ) AS finish (ended_at)
) AS c
  )
    RETURNING s.id, s.workspace_id
  ),
  change_rows AS (
    INSERT INTO change_log (kind, session_ids, workspace_ids)
    SELECT 'session', array_agg(id), array_agg(DISTINCT workspace_id) FROM session_rows HAVING count(*) > 0
  )
  SELECT
    (SELECT array_agg(id) FROM session_seen) AS session_ids,
    (SELECT array_agg(id) FROM session_seen WHERE bounds_changed) AS changed_session_ids,
    (
      SELECT array_agg(id) FROM stored
      WHERE session_id IS NULL AND type IN ('git.commit', 'git.push', 'git.checkout', 'git.merge')
    ) AS unmatched_git_ids,
    (
      SELECT json_agg(json_build_object(
        'id', id,
        'heard_ms', CASE WHEN is_stale THEN 0 ELSE round(extract(epoch FROM now() - last_heard_at) * 1000) END,
        'stub_since_ms', CASE WHEN start_reported_at IS NULL THEN round(extract(epoch FROM started_at) * 1000) END
      )) FROM session_seen WHERE NOT bounds_changed
    ) AS quiet_sessions,
    (
      SELECT array_agg(id) FROM stored
      WHERE session_id NOT IN (SELECT id FROM session_seen) AND EXISTS (SELECT FROM sessions s WHERE s.id = stored.session_id)
    ) AS locked_event_ids;

-- name: find-matchable
-- Git activity whose session may have changed.
SELECT a.id FROM git_activity a WHERE a.id = ANY($git_ids) AND a.session_inferred
UNION
SELECT a.id FROM git_activity a WHERE a.session_id = ANY($session_ids) AND a.session_inferred
UNION
SELECT a.id FROM unnest($session_ids::text[]) AS changed (id)
CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = changed.id OFFSET 0) s
CROSS JOIN LATERAL (
  SELECT a.id FROM git_activity a
  WHERE a.workspace_id = s.workspace_id AND a.device_id = s.device_id AND a.session_inferred
    AND a.timestamp BETWEEN s.started_at AND coalesce(s.ended_at, now())
  OFFSET 0
) a;

-- name: match
-- Git activity gets the session during which it happened.
  UPDATE git_activity g SET session_id = found.session_id
  FROM (
    SELECT a.id, (
  SELECT earlier.id FROM (
    SELECT s.id, s.started_at, s.ended_at FROM sessions s
    WHERE s.workspace_id = a.workspace_id AND s.device_id BETWEEN a.device_id AND a.device_id
      AND s.deleted_at IS NULL AND s.started_at <= a.timestamp
    ORDER BY s.device_id, s.started_at DESC, s.id DESC LIMIT '1000'
  ) AS earlier
  WHERE a.timestamp <= coalesce(earlier.ended_at, now())
  ORDER BY earlier.started_at DESC, earlier.id DESC LIMIT 1
) AS session_id
    FROM git_activity a WHERE a.id = ANY($git_ids) AND a.session_inferred
    OFFSET 0
  ) AS found
  WHERE g.id = found.id AND g.session_id IS DISTINCT FROM found.session_id;

-- name: finish-pending
-- Rows of a round are done but for some events.
WITH done AS (DELETE FROM pending_projections WHERE id = ANY($ids::bigint[]))
INSERT INTO pending_projections (event_ids) SELECT $left_ids WHERE cardinality($left_ids::text[]) > 0
RETURNING id::text;

-- name: note-failed
-- Events whose projection failed.
INSERT INTO projection_retries (event_id, last_error)
SELECT id, $reason FROM events WHERE id = ANY($event_ids)
ON CONFLICT (event_id) DO NOTHING;

-- name: due-retries
-- Events whose projection is due to be retried.
SELECT event_id FROM projection_retries WHERE next_retry_at <= now() ORDER BY next_retry_at, event_id LIMIT $limit;

-- name: retry
-- What events mean to every table.
  WITH
  stored AS MATERIALIZED (
    SELECT id, type, timestamp, device_id, workspace_id, session_id, data FROM events WHERE id = ANY($event_ids)
  ),
  link_paths AS (
    SELECT DISTINCT ON (workspace_id, device_id) workspace_id, device_id, data ->> 'cwd' AS local_path, timestamp
    FROM stored WHERE true AND type = 'session.start' AND data ->> 'cwd' <> ''
    ORDER BY workspace_id, device_id, timestamp DESC, data ->> 'cwd' DESC
  ),
  links AS (
    SELECT workspace_id, device_id, bool_or(type = 'system.hooks.installed') AS hooks_installed
    FROM stored WHERE true GROUP BY workspace_id, device_id
  ),
  link_rows AS (
    INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at, hooks_installed)
    SELECT l.workspace_id, l.device_id, coalesce(p.local_path, 'unknown'), p.timestamp, l.hooks_installed
    FROM links l
    LEFT JOIN link_paths p ON p.workspace_id = l.workspace_id AND p.device_id = l.device_id
    LEFT JOIN LATERAL (
      SELECT * FROM workspace_devices w WHERE w.workspace_id = l.workspace_id AND w.device_id = l.device_id OFFSET 0
    ) known ON true
    WHERE known.device_id IS NULL
      OR known.last_active_at < now() - make_interval(secs => '30')
      OR (p.timestamp, p.local_path) > (known.local_path_at, known.local_path)
      OR (p.timestamp IS NOT NULL AND known.local_path_at IS NULL)
      OR (l.hooks_installed AND NOT known.hooks_installed)
    ORDER BY l.workspace_id, l.device_id
    ON CONFLICT (workspace_id, device_id) DO UPDATE SET
      (local_path, local_path_at) = (
  SELECT local_path, local_path_at
  FROM (VALUES (link.local_path, link.local_path_at), (excluded.local_path, excluded.local_path_at))
    AS said (local_path, local_path_at)
  ORDER BY local_path_at DESC NULLS LAST, local_path = 'unknown', local_path DESC LIMIT 1
),
      hooks_installed = link.hooks_installed OR excluded.hooks_installed,
      last_active_at = now()
  ),
  device_names AS (
    SELECT device_id,
      (array_agg(data ->> '_device_name' ORDER BY timestamp, data ->> '_device_name') FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> ''))[1] AS name,
      min(timestamp) FILTER (WHERE jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> '') AS name_said_at,
      bool_or(data ->> '_device_type' = 'remote') AS is_remote
    FROM stored WHERE true AND data ?| ARRAY['_device_name', '_device_type'] GROUP BY device_id
  ),
  device_input AS (
    SELECT m.device_id AS id, n.name, n.name_said_at, m.is_remote OR coalesce(n.is_remote, false) AS is_remote
    FROM (
  SELECT device_id, bool_or(is_remote) AS is_remote
  FROM (
    SELECT device_id, false FROM links
    UNION ALL
    SELECT data ->> 'device_id', true FROM stored
    WHERE type = 'remote.provision.ready' AND data ->> 'device_id' <> ''
  ) AS every_mention (device_id, is_remote)
  GROUP BY device_id
) m LEFT JOIN device_names n ON n.device_id = m.device_id
  ),
  device_rows AS (
    INSERT INTO devices AS device (id, name, name_said_at, type)
    SELECT i.id, coalesce(i.name, 'unknown-device'), i.name_said_at, CASE WHEN i.is_remote THEN 'remote' ELSE 'local' END
    FROM device_input i LEFT JOIN LATERAL (SELECT * FROM devices d WHERE d.id = i.id OFFSET 0) known ON true
    WHERE known.id IS NULL
      OR known.last_seen_at < now() - make_interval(secs => '5')
      OR (
  i.name_said_at IS NOT NULL AND (
    known.name = 'unknown-device' OR coalesce((i.name_said_at, i.name) < (known.name_said_at, known.name), false)
  )
)
      OR (i.is_remote AND known.type = 'local')
      OR known.status = 'terminated'
    ORDER BY i.id
    ON CONFLICT (id) DO UPDATE SET
  name = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name ELSE device.name END,
  name_said_at = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name_said_at ELSE device.name_said_at END,
      type = CASE WHEN excluded.type = 'remote' THEN 'remote' ELSE device.type END,
      status = 'online',
      last_seen_at = now()
    RETURNING id
  ),
  session_reported AS MATERIALIZED (
  SELECT session_id, jsonb_object_agg(key, fact) AS facts, max(resumed_at) AS resumed_at
  FROM (
    SELECT DISTINCT ON (session_id, key) session_id, key, fact,
      max(timestamp) FILTER (WHERE rank = 0 AND data ->> 'source' = 'resume') OVER (PARTITION BY session_id) AS resumed_at
    FROM stored
    CROSS JOIN LATERAL (SELECT (type = 'session.end')::int, (extract(epoch FROM timestamp) * 1000000)::bigint) AS said (rank, at)
    CROSS JOIN LATERAL (VALUES
      ('origin', rank = 0, jsonb_build_array(0, at, id, workspace_id, device_id)),
      ('end', rank = 1, jsonb_build_array(0, -at, id, CASE WHEN data ->> 'end_reason' = 'prompt_input_exit' THEN 'exit' ELSE CASE WHEN data ->> 'end_reason' = ANY ('{"exit","clear","logout","crash","resume","other"}'::text[]) THEN data ->> 'end_reason' WHEN data ->> 'end_reason' IS NOT NULL THEN 'other'::text END END, data -> 'duration_ms')),
      ('source', rank = 0, jsonb_build_array(0, at, id, CASE WHEN data ->> 'source' = ANY ('{"startup","resume","clear","compact","fork","backfill","other"}'::text[]) THEN data ->> 'source' WHEN data ->> 'source' IS NOT NULL THEN 'other'::text END)),
      ('git_branch', data ->> 'git_branch' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'git_branch', '4096'))),
      ('model', data ->> 'model' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'model', '4096'))),
      ('metadata.cwd', data ->> 'cwd' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'cwd', '4096'))),
      ('metadata.cc_version', data ->> 'cc_version' IS NOT NULL, jsonb_build_array(rank, at, id, left(data ->> 'cc_version', '4096'))),
      ('metadata.transcript_path', data ->> 'transcript_path' IS NOT NULL,
        jsonb_build_array(0, -at, id, left(data ->> 'transcript_path', '4096')))
    ) AS facts (key, is_said, fact)
    WHERE session_id IS NOT NULL AND type IN ('session.start', 'session.end') AND is_said
    ORDER BY session_id, key, fact
  ) AS smallest
  GROUP BY session_id),
  session_seen AS MATERIALIZED (
    SELECT
      f.*, r.facts, r.resumed_at,
      known.ended_by_server OR r.session_id IS NOT NULL
        OR (known.start_reported_at IS NULL AND f.first_at <= known.started_at)
        OR NOT known.facts ? 'origin' AS bounds_changed,
      known.start_reported_at, known.started_at, known.last_heard_at,
      known.last_heard_at < now() - make_interval(secs => '30') AS is_stale
    FROM (
      SELECT DISTINCT ON (session_id) session_id AS id, timestamp AS first_at, stored.id AS event_id, workspace_id, device_id
      FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, stored.id
    ) f
    LEFT JOIN session_reported r ON r.session_id = f.id
    CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = f.id OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) known
  ),
  session_changes AS MATERIALIZED (
    SELECT id, workspace_id, device_id, first_at AS started_at, resumed_at,
      jsonb_build_object(
        'origin', jsonb_build_array(1, (extract(epoch FROM first_at) * 1000000)::bigint, event_id, workspace_id, device_id)
      ) || coalesce(facts, '{}') AS facts
    FROM session_seen WHERE bounds_changed OR is_stale
  ),
  session_rows AS (
  INSERT INTO sessions AS s (id, workspace_id, device_id, started_at, resumed_at, facts)
  SELECT id, workspace_id, device_id, started_at, resumed_at, facts FROM session_changes AS n ORDER BY id
  ON CONFLICT (id) DO UPDATE SET (
    workspace_id, device_id, started_at, start_reported_at, resumed_at, ended_at, end_reason, duration_ms,
    git_branch, model, source, initial_prompt, tags, metadata, facts, lifecycle, ended_by_server, last_heard_at, updated_at
  ) = (
    SELECT
      c.workspace_id, c.device_id, c.started_at, c.start_reported_at, latest.resumed_at, c.ended_at, c.end_reason, c.duration_ms,
      coalesce(c.git_branch, s.git_branch), coalesce(c.model, s.model), coalesce(c.source, s.source),
      coalesce(c.initial_prompt, s.initial_prompt),
      ARRAY(SELECT DISTINCT unnest(s.tags || excluded.tags) ORDER BY 1),
      s.metadata || c.metadata, merged.facts,
      CASE WHEN c.ended_at IS NOT NULL AND s.lifecycle IN ('detected', 'capturing') THEN 'ended'
           WHEN c.ended_at IS NULL AND s.lifecycle IN ('detected', 'ended', 'parsed', 'summarized', 'archived')
             THEN CASE WHEN c.start_reported_at IS NULL THEN 'detected' ELSE 'capturing' END
           ELSE s.lifecycle END,
      false, now(), now()
    FROM (SELECT (
  SELECT jsonb_object_agg(key, fact) FROM (
    SELECT DISTINCT ON (key) key, fact
    FROM (SELECT * FROM jsonb_each(s.facts) UNION ALL SELECT * FROM jsonb_each(excluded.facts)) AS known (key, fact)
    ORDER BY key, fact
  ) AS smallest
) OFFSET 0) AS merged (facts)
    CROSS JOIN (SELECT greatest(s.resumed_at, excluded.resumed_at)) AS latest (resumed_at)
    CROSS JOIN LATERAL (
  SELECT
    workspace_id, device_id, started_at,
    CASE WHEN start_rank = '0' OR is_backfilled THEN started_at END AS start_reported_at,
    finish.ended_at,
    CASE WHEN finish.ended_at IS NOT NULL THEN end_reason END AS end_reason,
    CASE WHEN finish.ended_at IS NULL THEN NULL
         -- Agents' hooks that know no duration send 0: where the start was reported, it is computed.
         ELSE coalesce(nullif(reported_duration_ms, CASE WHEN start_rank = '0' OR is_backfilled THEN 0 END), greatest(0, round(extract(epoch FROM (finish.ended_at - started_at)) * 1000))::bigint)
    END AS duration_ms,
    git_branch, model, source, initial_prompt, metadata
  FROM (
    SELECT
      CASE WHEN is_backfilled AND (start_rank IS NULL OR merged.facts #>> '{origin,3}'::text[] = (SELECT w.id FROM workspaces w WHERE w.canonical_id = '_unassociated'))
           THEN merged.facts #>> '{backfill,3}'::text[] ELSE merged.facts #>> '{origin,3}'::text[] END AS workspace_id,
      coalesce(merged.facts #>> '{origin,4}'::text[], merged.facts #>> '{backfill,4}'::text[]) AS device_id,
      start_rank, is_backfilled,
      CASE WHEN is_backfilled AND start_rank IS DISTINCT FROM '0' THEN to_timestamp(0) + abs((merged.facts #>> '{backfill,1}'::text[])::bigint) * interval '1 microsecond'
           ELSE to_timestamp(0) + abs((merged.facts #>> '{origin,1}'::text[])::bigint) * interval '1 microsecond' END AS started_at,
      to_timestamp(0) + abs((merged.facts #>> '{end,1}'::text[])::bigint) * interval '1 microsecond' AS ended_at,
      merged.facts #>> '{end,3}'::text[] AS end_reason,
      (merged.facts #>> '{end,4}'::text[])::numeric::bigint AS reported_duration_ms,
      merged.facts #>> '{git_branch,3}'::text[] AS git_branch,
      merged.facts #>> '{model,3}'::text[] AS model,
      merged.facts #>> '{source,3}'::text[] AS source,
      merged.facts #>> '{initial_prompt,3}'::text[] AS initial_prompt,
      coalesce((
        SELECT jsonb_object_agg(substr(key, length('metadata.') + 1), fact -> 3)
        FROM jsonb_each(merged.facts) AS facts_of (key, fact) WHERE starts_with(key, 'metadata.')
      ), '{}') AS metadata
    FROM (SELECT merged.facts #>> '{origin,0}'::text[], merged.facts ? 'backfill') AS origin (start_rank, is_backfilled)
    OFFSET 0
  ) AS value
  CROSS JOIN LATERAL (
    SELECT CASE WHEN latest.resumed_at > value.ended_at THEN NULL ELSE value.ended_at END
  ) AS finish (ended_at)
) AS c
  )
    RETURNING s.id, s.workspace_id
  ),
  git_rows AS (
    INSERT INTO git_activity (
      id, workspace_id, device_id, session_id, session_inferred, type, branch, commit_sha, message,
      files_changed, insertions, deletions, timestamp, data
    )
    SELECT
      id, workspace_id, device_id, session_id, session_id IS NULL, substr(type, 5),
      coalesce(data ->> 'branch', data ->> 'into_branch', data ->> 'to_branch'),
      left(coalesce(data ->> 'hash', data ->> 'merge_commit'), '200'),
      data ->> 'message',
      CASE WHEN data ->> 'files_changed' IS NOT NULL THEN least((data ->> 'files_changed')::numeric, '2147483647')::int END, CASE WHEN data ->> 'insertions' IS NOT NULL THEN least((data ->> 'insertions')::numeric, '2147483647')::int END, CASE WHEN data ->> 'deletions' IS NOT NULL THEN least((data ->> 'deletions')::numeric, '2147483647')::int END, timestamp, data
    FROM stored WHERE type IN ('git.commit', 'git.push', 'git.checkout', 'git.merge')
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, session_inferred
  ),
  subagent_start AS (
    SELECT DISTINCT ON (session_id, data ->> 'agent_id') session_id, data ->> 'agent_id' AS agent_id, timestamp, data
    FROM stored WHERE type = 'subagent.start' AND session_id IS NOT NULL
    ORDER BY session_id, data ->> 'agent_id', timestamp, id
  ),
  subagent_stop AS (
    SELECT DISTINCT ON (session_id, data ->> 'agent_id') session_id, data ->> 'agent_id' AS agent_id, timestamp, data
    FROM stored WHERE type = 'subagent.stop' AND session_id IS NOT NULL
    ORDER BY session_id, data ->> 'agent_id', timestamp DESC, data ->> 'agent_type' DESC
  ),
  subagent_rows AS (
    INSERT INTO subagents AS s (
      id, session_id, agent_id, agent_type, agent_name, model, isolation, run_in_background, started_at, ended_at
    )
    SELECT
      md5(jsonb_build_array(session_id, agent_id)::text), session_id, agent_id,
      coalesce(start.data ->> 'agent_type', stop.data ->> 'agent_type'),
      start.data ->> 'agent_name', start.data ->> 'model', start.data ->> 'isolation',
      (start.data ->> 'run_in_background')::boolean, start.timestamp, stop.timestamp
    FROM subagent_start start FULL JOIN subagent_stop stop USING (session_id, agent_id)
    ORDER BY session_id, agent_id
    ON CONFLICT (session_id, agent_id) DO UPDATE SET (
      agent_type, agent_name, model, isolation, run_in_background, started_at, ended_at
    ) = (
      SELECT
        CASE WHEN goes_first OR is_later_stop THEN excluded.agent_type ELSE s.agent_type END,
        CASE WHEN goes_first THEN excluded.agent_name ELSE s.agent_name END,
        CASE WHEN goes_first THEN excluded.model ELSE s.model END,
        CASE WHEN goes_first THEN excluded.isolation ELSE s.isolation END,
        CASE WHEN goes_first THEN excluded.run_in_background ELSE s.run_in_background END,
        least(s.started_at, excluded.started_at),
        greatest(s.ended_at, excluded.ended_at)
      FROM (
        SELECT
          coalesce(excluded.started_at < coalesce(s.started_at, 'infinity'), false),
          s.started_at IS NULL AND excluded.started_at IS NULL
            AND (excluded.ended_at, excluded.agent_type) > (s.ended_at, s.agent_type)
      ) AS precedence (goes_first, is_later_stop)
    )
  ),
  team_mentions AS (
    SELECT id, session_id, timestamp, data, type, data ->> 'team_name' AS team_name
    FROM stored
    WHERE type IN ('team.create', 'subagent.start') AND session_id IS NOT NULL AND data ->> 'team_name' <> ''
  ),
  team_rows AS (
    INSERT INTO teams AS t (id, session_id, team_name, description, created_at)
    SELECT md5(jsonb_build_array(session_id, team_name)::text), session_id, team_name,
      min(data ->> 'description') FILTER (WHERE type = 'team.create'),
      min(timestamp)
    FROM team_mentions GROUP BY session_id, team_name ORDER BY session_id, team_name
    ON CONFLICT (id) DO UPDATE SET
      description = least(t.description, excluded.description),
      created_at = least(t.created_at, excluded.created_at)
  ),
  teammate_rows AS (
    INSERT INTO teammates AS m (id, team_id, session_id, entity_name, subagent_id, created_at)
    SELECT DISTINCT ON (session_id, team_name, agent_id)
      md5(jsonb_build_array(session_id, team_name, agent_id)::text), md5(jsonb_build_array(session_id, team_name)::text), session_id,
      coalesce(nullif(data ->> 'agent_name', ''), agent_id), md5(jsonb_build_array(session_id, agent_id)::text), timestamp
    FROM team_mentions CROSS JOIN LATERAL (SELECT data ->> 'agent_id') AS agent (agent_id)
    WHERE type = 'subagent.start'
    ORDER BY session_id, team_name, agent_id, timestamp, id
    ON CONFLICT (id) DO UPDATE SET
      entity_name = CASE WHEN excluded.created_at < m.created_at THEN excluded.entity_name ELSE m.entity_name END,
      created_at = least(m.created_at, excluded.created_at)
  ),
  skill_rows AS (
    INSERT INTO session_skills (id, session_id, skill_name, invoked_at, invoked_by, args)
    SELECT id, session_id, data ->> 'skill_name', timestamp, data ->> 'invoked_by', data ->> 'args'
    FROM stored WHERE type = 'skill.invoke' AND session_id IS NOT NULL
    ORDER BY id
    ON CONFLICT (id) DO NOTHING
  ),
  worktree_changes AS (
    SELECT session_id, coalesce(data ->> 'worktree_name', '') AS name,
      min(timestamp) AS created_at,
      max(timestamp) FILTER (WHERE type = 'worktree.create') AS last_created_at,
      max(timestamp) FILTER (WHERE type = 'worktree.remove') AS last_removed_at,
      (array_agg(data ->> 'branch' ORDER BY timestamp DESC, id DESC) FILTER (WHERE type = 'worktree.create'))[1] AS branch,
      (array_agg((data ->> 'had_changes')::boolean ORDER BY timestamp DESC, id DESC)
        FILTER (WHERE type = 'worktree.remove'))[1] AS had_changes
    FROM stored WHERE type IN ('worktree.create', 'worktree.remove') AND session_id IS NOT NULL
    GROUP BY session_id, coalesce(data ->> 'worktree_name', '')
  ),
  worktree_rows AS (
    INSERT INTO session_worktrees AS t (
      id, session_id, worktree_name, branch, created_at, last_created_at, removed_at, had_changes
    )
    SELECT md5(jsonb_build_array(session_id, name)::text), session_id, nullif(name, ''), branch, created_at, last_created_at,
      CASE WHEN is_gone THEN last_removed_at END, CASE WHEN is_gone THEN had_changes END
    FROM worktree_changes
    CROSS JOIN LATERAL (SELECT coalesce(last_removed_at >= last_created_at, last_removed_at IS NOT NULL)) AS state (is_gone)
    ORDER BY session_id, name
    ON CONFLICT (id) DO UPDATE SET (branch, created_at, last_created_at, removed_at, had_changes) = (
      SELECT
        CASE WHEN excluded.last_created_at > coalesce(t.last_created_at, '-infinity') THEN excluded.branch ELSE t.branch END,
        least(t.created_at, excluded.created_at),
        latest.created_at,
        CASE WHEN latest.removed_at >= coalesce(latest.created_at, '-infinity') THEN latest.removed_at END,
        CASE WHEN latest.removed_at < latest.created_at THEN NULL
             WHEN excluded.removed_at = latest.removed_at THEN excluded.had_changes ELSE t.had_changes END
      FROM (
        SELECT greatest(t.last_created_at, excluded.last_created_at), greatest(t.removed_at, excluded.removed_at)
      ) AS latest (created_at, removed_at)
    )
  ),
  remote_events AS MATERIALIZED (
    SELECT e.*, CASE WHEN r.id IS NULL OR (
  coalesce(r.facts #>> '{owner,1}', r.device_id) IS NULL OR (coalesce((r.facts #>> '{owner,0}')::int, 0) = '2' AND first_rank < '2')
) THEN first_sender ELSE coalesce(r.facts #>> '{owner,1}', r.device_id) END AS owner
    FROM (
      SELECT *, first_value(rank) OVER earliest AS first_rank, first_value(device_id) OVER earliest AS first_sender
      FROM (
        SELECT stored.*, env_id,
          CASE type WHEN 'remote.provision.start' THEN 0 WHEN 'remote.terminate' THEN '2'::int ELSE 1 END AS rank
        FROM stored CROSS JOIN LATERAL (
          SELECT coalesce(
            nullif(data ->> 'remote_env_id', ''),
            (
              SELECT r.id FROM remote_envs r WHERE r.instance_id = data ->> 'instance_id'
              ORDER BY coalesce(coalesce(r.facts #>> '{owner,1}', r.device_id) = stored.device_id, false) DESC, r.id LIMIT 1
            ),
            nullif(data ->> 'instance_id', ''),
            stored.id)
        ) AS env (env_id)
        WHERE type IN ('remote.provision.start', 'remote.provision.ready', 'remote.provision.error', 'remote.terminate')
      ) AS of_envs
      WINDOW earliest AS (PARTITION BY env_id ORDER BY rank, timestamp, id)
    ) e LEFT JOIN remote_envs r ON r.id = e.env_id
  ),
  remote_facts AS (
    SELECT env_id, jsonb_object_agg(key, fact) AS facts
    FROM (
      SELECT DISTINCT ON (env_id, key) env_id, key, fact
      FROM remote_events
      CROSS JOIN LATERAL (SELECT (extract(epoch FROM timestamp) * 1000000)::bigint) AS said (at)
      CROSS JOIN LATERAL (VALUES
        ('owner', true, jsonb_build_array(rank, device_id)),
        ('workspace_id', true, jsonb_build_array(rank, at, id, workspace_id)),
        ('device_id', type = 'remote.provision.ready' AND data ->> 'device_id' <> '', jsonb_build_array(0, at, id, data -> 'device_id')),
  ('instance_id'::text, data ->> 'instance_id' <> '', jsonb_build_array(0, at, id, data -> 'instance_id')),
  ('instance_type'::text, data ->> 'instance_type' <> '', jsonb_build_array(0, at, id, data -> 'instance_type')),
  ('region'::text, data ->> 'region' <> '', jsonb_build_array(0, at, id, data -> 'region')),
  ('public_ip'::text, data ->> 'public_ip' <> '', jsonb_build_array(0, at, id, data -> 'public_ip')),
        ('blueprint', jsonb_typeof(data -> 'blueprint') = 'object', jsonb_build_array(0, at, id, data -> 'blueprint'))
      ) AS facts (key, is_said, fact)
      WHERE device_id = owner AND is_said
      ORDER BY env_id, key, fact
    ) AS smallest
    GROUP BY env_id
  ),
  remote_changes AS (
    SELECT
      env_id, coalesce(facts, '{}') AS facts, min(workspace_id) AS workspace_id,
      CASE WHEN bool_or(type = 'remote.terminate') THEN 'terminated'
           WHEN bool_or(type = 'remote.provision.error' AND device_id = owner) THEN 'error'
           WHEN bool_or(type = 'remote.provision.ready' AND device_id = owner) THEN 'ready' ELSE 'provisioning' END AS status,
      coalesce(min(timestamp) FILTER (WHERE device_id = owner), min(timestamp)) AS provisioned_at,
      min(timestamp) FILTER (WHERE type = 'remote.provision.ready' AND device_id = owner) AS ready_at,
      min(timestamp) FILTER (WHERE type = 'remote.terminate') AS terminated_at,
      (array_agg(CASE WHEN data ->> 'reason' = ANY ('{"manual","ttl","idle","error","other"}'::text[]) THEN data ->> 'reason' WHEN data ->> 'reason' IS NOT NULL THEN 'other'::text END ORDER BY timestamp, id) FILTER (WHERE type = 'remote.terminate'))[1] AS termination_reason,
      max(least((data ->> 'total_cost_usd')::numeric, '99999'))
        FILTER (WHERE type = 'remote.terminate' AND device_id = owner) AS total_cost_usd
    FROM remote_events LEFT JOIN remote_facts USING (env_id)
    GROUP BY env_id, facts
  ),
  remote_rows AS (
    INSERT INTO remote_envs AS r (
      id, workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
      provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
    )
    SELECT env_id, coalesce(facts #>> '{workspace_id,3}', workspace_id), facts #>> '{device_id,3}', status, facts #>> '{instance_id,3}',
      coalesce(facts #>> '{instance_type,3}', 'unknown'), coalesce(facts #>> '{region,3}', 'unknown'), facts #>> '{public_ip,3}',
      coalesce(facts #> '{blueprint,3}', '{}'), provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
    FROM remote_changes ORDER BY env_id
    ON CONFLICT (id) DO UPDATE SET (
      workspace_id, device_id, status, instance_id, instance_type, region, public_ip, blueprint,
      provisioned_at, ready_at, terminated_at, termination_reason, total_cost_usd, facts
    ) = (
      SELECT
  CASE WHEN r."workspace_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['workspace_id', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['workspace_id', '3'], NULL::text) ELSE r."workspace_id" END,
  CASE WHEN r."device_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['device_id', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['device_id', '3'], NULL::text) ELSE r."device_id" END,
        CASE WHEN NOT is_own AND excluded.terminated_at IS NULL OR array_position('{"provisioning","ready","active","idle","error","terminated"}'::text[], excluded.status) <= array_position('{"provisioning","ready","active","idle","error","terminated"}'::text[], r.status) THEN r.status
             WHEN NOT is_own THEN 'terminated' ELSE excluded.status END,
  CASE WHEN r."instance_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['instance_id', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['instance_id', '3'], NULL::text) ELSE r."instance_id" END,
  CASE WHEN r."instance_type" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['instance_type', '3'], 'unknown'::text) THEN coalesce(merged.facts #>> ARRAY['instance_type', '3'], 'unknown'::text) ELSE r."instance_type" END,
  CASE WHEN r."region" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['region', '3'], 'unknown'::text) THEN coalesce(merged.facts #>> ARRAY['region', '3'], 'unknown'::text) ELSE r."region" END,
  CASE WHEN r."public_ip" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY['public_ip', '3'], NULL::text) THEN coalesce(merged.facts #>> ARRAY['public_ip', '3'], NULL::text) ELSE r."public_ip" END,
        CASE WHEN r.blueprint = coalesce(r.facts #> '{blueprint,3}', '{}') THEN coalesce(merged.facts #> '{blueprint,3}', '{}')
             ELSE r.blueprint END,
        CASE WHEN is_taken THEN excluded.provisioned_at WHEN is_own THEN least(r.provisioned_at, excluded.provisioned_at)
             ELSE r.provisioned_at END,
        CASE WHEN is_own THEN least(r.ready_at, excluded.ready_at) ELSE r.ready_at END,
        least(r.terminated_at, excluded.terminated_at),
        CASE WHEN excluded.terminated_at < coalesce(r.terminated_at, 'infinity') THEN excluded.termination_reason
             ELSE r.termination_reason END,
        CASE WHEN is_taken THEN excluded.total_cost_usd WHEN is_own THEN greatest(r.total_cost_usd, excluded.total_cost_usd)
             ELSE r.total_cost_usd END,
        merged.facts
      FROM (
        SELECT excluded.facts #>> '{owner,1}' = coalesce(r.facts #>> '{owner,1}', r.device_id), (
  coalesce(r.facts #>> '{owner,1}', r.device_id) IS NULL OR (coalesce((r.facts #>> '{owner,0}')::int, 0) = '2' AND (excluded.facts #>> '{owner,0}')::int < '2')
)
      ) AS owner (is_same, may_take)
      CROSS JOIN LATERAL (
        SELECT coalesce(is_same OR may_take, false), coalesce(may_take AND NOT is_same, false)
      ) AS belonging (is_own, is_taken)
      CROSS JOIN LATERAL (
        SELECT CASE WHEN is_taken THEN excluded.facts WHEN is_own THEN (
  SELECT jsonb_object_agg(key, fact) FROM (
    SELECT DISTINCT ON (key) key, fact
    FROM (SELECT * FROM jsonb_each(r.facts) UNION ALL SELECT * FROM jsonb_each(excluded.facts)) AS known (key, fact)
    ORDER BY key, fact
  ) AS smallest
)
                    ELSE r.facts END
      ) AS merged (facts)
    )
  ),
  touched AS MATERIALIZED (
    SELECT count(*)::int AS stored_count, array_agg(id) AS event_ids, array_agg(DISTINCT workspace_id) AS workspace_ids,
      array_agg(DISTINCT device_id) AS device_ids,
      coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), '{}') AS session_ids
    FROM stored
  ),
  change_rows AS (
    INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids)
    SELECT 'events', stored_count, event_ids, session_ids, workspace_ids FROM touched WHERE stored_count > 0
  )
  SELECT
    (SELECT array_agg(id) FROM session_seen) AS session_ids,
    (SELECT array_agg(id) FROM session_seen WHERE bounds_changed) AS changed_session_ids,
    (
      SELECT array_agg(id) FROM stored
      WHERE session_id IS NULL AND type IN ('git.commit', 'git.push', 'git.checkout', 'git.merge')
    ) AS unmatched_git_ids,
    (
      SELECT json_agg(json_build_object(
        'id', id,
        'heard_ms', CASE WHEN is_stale THEN 0 ELSE round(extract(epoch FROM now() - last_heard_at) * 1000) END,
        'stub_since_ms', CASE WHEN start_reported_at IS NULL THEN round(extract(epoch FROM started_at) * 1000) END
      )) FROM session_seen WHERE NOT bounds_changed
    ) AS quiet_sessions,
    (
      SELECT array_agg(id) FROM stored
      WHERE session_id NOT IN (SELECT id FROM session_seen) AND EXISTS (SELECT FROM sessions s WHERE s.id = stored.session_id)
    ) AS locked_event_ids;

-- name: finish-retry
-- A retry succeeded.
DELETE FROM projection_retries WHERE event_id = $event_id;

-- name: report
-- A session as a device reports it.
  WITH report AS MATERIALIZED (
    SELECT r.*
    FROM jsonb_to_record(($report::text)::jsonb) AS r (
      id text, workspace_id text, workspace_reference text, device_id text, device_name text, device_type text, local_path text,
      started_at timestamptz, ended_at timestamptz, end_reason text, duration_ms bigint, git_branch text, model text,
      source text, initial_prompt text, tags text[], metadata jsonb, fills_gaps boolean
    )
    WHERE NOT EXISTS (SELECT 1 FROM session_tombstones WHERE session_id = r.id)
  ),
  device AS (
    INSERT INTO devices AS device (id, name, name_said_at, type)
    SELECT device_id, coalesce(device_name, 'unknown-device'), CASE WHEN device_name IS NOT NULL THEN started_at END,
      coalesce(device_type, 'local')
    FROM report
    ON CONFLICT (id) DO UPDATE SET
  name = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name ELSE device.name END,
  name_said_at = CASE WHEN (
  excluded.name_said_at IS NOT NULL AND (
    device.name = 'unknown-device' OR coalesce((excluded.name_said_at, excluded.name) < (device.name_said_at, device.name), false)
  )
) THEN excluded.name_said_at ELSE device.name_said_at END,
      type = CASE WHEN excluded.type = 'remote' THEN 'remote' ELSE device.type END,
      last_seen_at = now()
  ),
  link AS (
    INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at)
    SELECT workspace_id, device_id, coalesce(local_path, 'unknown'), CASE WHEN local_path IS NOT NULL THEN started_at END
    FROM report
    ON CONFLICT (workspace_id, device_id) DO UPDATE SET
      (local_path, local_path_at) = (
  SELECT local_path, local_path_at
  FROM (VALUES (link.local_path, link.local_path_at), (excluded.local_path, excluded.local_path_at))
    AS said (local_path, local_path_at)
  ORDER BY local_path_at DESC NULLS LAST, local_path = 'unknown', local_path DESC LIMIT 1
),
      last_active_at = now()
  ),
  merged AS (
  INSERT INTO sessions AS s (
    id, workspace_id, device_id, lifecycle, started_at, start_reported_at, resumed_at, ended_at, end_reason, duration_ms,
    git_branch, model, source, initial_prompt, tags, metadata, facts
  )
  SELECT
    n.id, c.workspace_id, c.device_id,
    CASE WHEN c.ended_at IS NOT NULL THEN 'ended' WHEN c.start_reported_at IS NOT NULL THEN 'capturing' ELSE 'detected' END,
    c.started_at, c.start_reported_at, n.resumed_at, c.ended_at, c.end_reason, c.duration_ms,
    c.git_branch, c.model, c.source, c.initial_prompt, ARRAY(SELECT DISTINCT unnest(n.tags) ORDER BY 1), c.metadata, n.facts
  FROM (
  SELECT r.id, NULL::timestamptz AS resumed_at, r.tags, (
    SELECT jsonb_object_agg(key, fact)
    FROM (
      SELECT (extract(epoch FROM r.started_at) * 1000000)::bigint, CASE WHEN r.fills_gaps THEN 1 ELSE 0 END, CASE WHEN r.fills_gaps THEN 2 ELSE 0 END
    ) AS said (at, end_rank, rank)
    CROSS JOIN LATERAL (
      VALUES
        ('origin', NOT r.fills_gaps, jsonb_build_array(0, at, r.workspace_reference, r.workspace_id, r.device_id)),
        ('backfill', r.fills_gaps, jsonb_build_array(
          (r.workspace_reference = '_unassociated')::int, at, r.workspace_reference, r.workspace_id, r.device_id)),
        ('end', r.ended_at IS NOT NULL,
          jsonb_build_array(end_rank, -(extract(epoch FROM r.ended_at) * 1000000)::bigint, '', r.end_reason, r.duration_ms)),
        ('source', r.source IS NOT NULL, jsonb_build_array(rank, at, '', r.source)),
        ('git_branch', r.git_branch IS NOT NULL, jsonb_build_array(rank, at, '', r.git_branch)),
        ('model', r.model IS NOT NULL, jsonb_build_array(rank, at, '', r.model)),
        ('initial_prompt', r.initial_prompt IS NOT NULL, jsonb_build_array(rank, at, '', r.initial_prompt))
      UNION ALL
      SELECT 'metadata.' || key, true, jsonb_build_array(rank, at, '', value) FROM jsonb_each(r.metadata)
    ) AS facts (key, is_said, fact)
    WHERE is_said
  ) AS facts
  FROM report r) AS n
  CROSS JOIN LATERAL (
  SELECT
    workspace_id, device_id, started_at,
    CASE WHEN start_rank = '0' OR is_backfilled THEN started_at END AS start_reported_at,
    finish.ended_at,
    CASE WHEN finish.ended_at IS NOT NULL THEN end_reason END AS end_reason,
    CASE WHEN finish.ended_at IS NULL THEN NULL
         -- Agents' hooks that know no duration send 0: where the start was reported, it is computed.
         ELSE coalesce(nullif(reported_duration_ms, CASE WHEN start_rank = '0' OR is_backfilled THEN 0 END), greatest(0, round(extract(epoch FROM (finish.ended_at - started_at)) * 1000))::bigint)
    END AS duration_ms,
    git_branch, model, source, initial_prompt, metadata
  FROM (
    SELECT
      CASE WHEN is_backfilled AND (start_rank IS NULL OR n.facts #>> '{origin,3}'::text[] = (SELECT w.id FROM workspaces w WHERE w.canonical_id = '_unassociated'))
           THEN n.facts #>> '{backfill,3}'::text[] ELSE n.facts #>> '{origin,3}'::text[] END AS workspace_id,
      coalesce(n.facts #>> '{origin,4}'::text[], n.facts #>> '{backfill,4}'::text[]) AS device_id,
      start_rank, is_backfilled,
      CASE WHEN is_backfilled AND start_rank IS DISTINCT FROM '0' THEN to_timestamp(0) + abs((n.facts #>> '{backfill,1}'::text[])::bigint) * interval '1 microsecond'
           ELSE to_timestamp(0) + abs((n.facts #>> '{origin,1}'::text[])::bigint) * interval '1 microsecond' END AS started_at,
      to_timestamp(0) + abs((n.facts #>> '{end,1}'::text[])::bigint) * interval '1 microsecond' AS ended_at,
      n.facts #>> '{end,3}'::text[] AS end_reason,
      (n.facts #>> '{end,4}'::text[])::numeric::bigint AS reported_duration_ms,
      n.facts #>> '{git_branch,3}'::text[] AS git_branch,
      n.facts #>> '{model,3}'::text[] AS model,
      n.facts #>> '{source,3}'::text[] AS source,
      n.facts #>> '{initial_prompt,3}'::text[] AS initial_prompt,
      coalesce((
        SELECT jsonb_object_agg(substr(key, length('metadata.') + 1), fact -> 3)
        FROM jsonb_each(n.facts) AS facts_of (key, fact) WHERE starts_with(key, 'metadata.')
      ), '{}') AS metadata
    FROM (SELECT n.facts #>> '{origin,0}'::text[], n.facts ? 'backfill') AS origin (start_rank, is_backfilled)
    OFFSET 0
  ) AS value
  CROSS JOIN LATERAL (
    SELECT CASE WHEN n.resumed_at > value.ended_at THEN NULL ELSE value.ended_at END
  ) AS finish (ended_at)
) AS c
  ORDER BY n.id
  ON CONFLICT (id) DO UPDATE SET (
    workspace_id, device_id, started_at, start_reported_at, resumed_at, ended_at, end_reason, duration_ms,
    git_branch, model, source, initial_prompt, tags, metadata, facts, lifecycle, ended_by_server, last_heard_at, updated_at
  ) = (
    SELECT
      c.workspace_id, c.device_id, c.started_at, c.start_reported_at, latest.resumed_at, c.ended_at, c.end_reason, c.duration_ms,
      coalesce(c.git_branch, s.git_branch), coalesce(c.model, s.model), coalesce(c.source, s.source),
      coalesce(c.initial_prompt, s.initial_prompt),
      ARRAY(SELECT DISTINCT unnest(s.tags || excluded.tags) ORDER BY 1),
      s.metadata || c.metadata, merged.facts,
      CASE WHEN c.ended_at IS NOT NULL AND s.lifecycle IN ('detected', 'capturing') THEN 'ended'
           WHEN c.ended_at IS NULL AND s.lifecycle IN ('detected', 'ended', 'parsed', 'summarized', 'archived')
             THEN CASE WHEN c.start_reported_at IS NULL THEN 'detected' ELSE 'capturing' END
           ELSE s.lifecycle END,
      false, now(), now()
    FROM (SELECT (
  SELECT jsonb_object_agg(key, fact) FROM (
    SELECT DISTINCT ON (key) key, fact
    FROM (SELECT * FROM jsonb_each(s.facts) UNION ALL SELECT * FROM jsonb_each(excluded.facts)) AS known (key, fact)
    ORDER BY key, fact
  ) AS smallest
) OFFSET 0) AS merged (facts)
    CROSS JOIN (SELECT greatest(s.resumed_at, excluded.resumed_at)) AS latest (resumed_at)
    CROSS JOIN LATERAL (
  SELECT
    workspace_id, device_id, started_at,
    CASE WHEN start_rank = '0' OR is_backfilled THEN started_at END AS start_reported_at,
    finish.ended_at,
    CASE WHEN finish.ended_at IS NOT NULL THEN end_reason END AS end_reason,
    CASE WHEN finish.ended_at IS NULL THEN NULL
         -- Agents' hooks that know no duration send 0: where the start was reported, it is computed.
         ELSE coalesce(nullif(reported_duration_ms, CASE WHEN start_rank = '0' OR is_backfilled THEN 0 END), greatest(0, round(extract(epoch FROM (finish.ended_at - started_at)) * 1000))::bigint)
    END AS duration_ms,
    git_branch, model, source, initial_prompt, metadata
  FROM (
    SELECT
      CASE WHEN is_backfilled AND (start_rank IS NULL OR merged.facts #>> '{origin,3}'::text[] = (SELECT w.id FROM workspaces w WHERE w.canonical_id = '_unassociated'))
           THEN merged.facts #>> '{backfill,3}'::text[] ELSE merged.facts #>> '{origin,3}'::text[] END AS workspace_id,
      coalesce(merged.facts #>> '{origin,4}'::text[], merged.facts #>> '{backfill,4}'::text[]) AS device_id,
      start_rank, is_backfilled,
      CASE WHEN is_backfilled AND start_rank IS DISTINCT FROM '0' THEN to_timestamp(0) + abs((merged.facts #>> '{backfill,1}'::text[])::bigint) * interval '1 microsecond'
           ELSE to_timestamp(0) + abs((merged.facts #>> '{origin,1}'::text[])::bigint) * interval '1 microsecond' END AS started_at,
      to_timestamp(0) + abs((merged.facts #>> '{end,1}'::text[])::bigint) * interval '1 microsecond' AS ended_at,
      merged.facts #>> '{end,3}'::text[] AS end_reason,
      (merged.facts #>> '{end,4}'::text[])::numeric::bigint AS reported_duration_ms,
      merged.facts #>> '{git_branch,3}'::text[] AS git_branch,
      merged.facts #>> '{model,3}'::text[] AS model,
      merged.facts #>> '{source,3}'::text[] AS source,
      merged.facts #>> '{initial_prompt,3}'::text[] AS initial_prompt,
      coalesce((
        SELECT jsonb_object_agg(substr(key, length('metadata.') + 1), fact -> 3)
        FROM jsonb_each(merged.facts) AS facts_of (key, fact) WHERE starts_with(key, 'metadata.')
      ), '{}') AS metadata
    FROM (SELECT merged.facts #>> '{origin,0}'::text[], merged.facts ? 'backfill') AS origin (start_rank, is_backfilled)
    OFFSET 0
  ) AS value
  CROSS JOIN LATERAL (
    SELECT CASE WHEN latest.resumed_at > value.ended_at THEN NULL ELSE value.ended_at END
  ) AS finish (ended_at)
) AS c
  )
  WHERE
  cardinality(ARRAY(SELECT DISTINCT unnest(s.tags || excluded.tags))) <= greatest('100', cardinality(s.tags)) AND
  (SELECT count(*) FROM jsonb_object_keys((s.metadata || excluded.metadata) - '{"cwd","cc_version","transcript_path"}'::text[])) <= greatest('200', (SELECT count(*) FROM jsonb_object_keys(s.metadata - '{"cwd","cc_version","transcript_path"}'::text[])))
  AND length(((s.metadata || excluded.metadata) - '{"cwd","cc_version","transcript_path"}'::text[])::text) <= greatest('65536', length((s.metadata - '{"cwd","cc_version","transcript_path"}'::text[])::text)) RETURNING s.id, s.workspace_id, s.xmax = 0 AS created),
  change AS (
    INSERT INTO change_log (kind, session_ids, workspace_ids)
    SELECT 'session', ARRAY[id], ARRAY[workspace_id] FROM merged
  )
  SELECT coalesce((SELECT created FROM merged), false) AS created, NOT EXISTS (SELECT 1 FROM report) AS deleted,
    EXISTS (SELECT 1 FROM merged) AS merged;

-- name: patch
-- Tags that a person adds.
    WITH wanted AS (
      SELECT s.id, ARRAY(
        SELECT DISTINCT tag FROM unnest(s.tags || $add_tags::text[]) AS tag
        WHERE tag <> ALL ('{}'::text[]) ORDER BY tag
      ) AS tags
, cardinality(s.tags) AS known_count
      FROM sessions s WHERE s.id = $id AND s.deleted_at IS NULL FOR UPDATE
    ),
    patched AS (
      UPDATE sessions s SET
        tags = wanted.tags,
        summary = s.summary,
        updated_at = now()
      FROM wanted WHERE s.id = wanted.id AND cardinality(wanted.tags) <= greatest('100', wanted.known_count)
      RETURNING s.id, s.workspace_id
    ),
    change AS (
      INSERT INTO change_log (kind, session_ids, workspace_ids)
      SELECT 'session', ARRAY[id], ARRAY[workspace_id] FROM patched
    )
    SELECT id FROM patched;

-- name: end-idle
-- Sessions end from which nothing has come for long.
WITH idle AS (
  SELECT id FROM sessions
  WHERE
lifecycle IN ('detected', 'capturing') AND deleted_at IS NULL AND last_heard_at < now() - $idle_ms * interval '1 millisecond' AND id = ANY($among)
  ORDER BY last_heard_at LIMIT $limit FOR UPDATE SKIP LOCKED
),
ended AS (
  UPDATE sessions s SET
    lifecycle = 'ended', ended_by_server = true, end_reason = 'crash', ended_at = last.spoke_at,
    duration_ms = round(extract(epoch FROM last.spoke_at - s.started_at) * 1000)::bigint, updated_at = now()
  FROM idle CROSS JOIN LATERAL (
    SELECT greatest(o.started_at, (SELECT max(e.timestamp) FROM events e WHERE e.session_id = o.id)) AS spoke_at
    FROM sessions o WHERE o.id = idle.id
  ) last
  WHERE s.id = idle.id AND s.lifecycle IN ('detected', 'capturing')
  RETURNING s.id, s.workspace_id
),
change AS (
  INSERT INTO change_log (kind, session_ids, workspace_ids)
  SELECT 'sessions_ended', array_agg(id), array_agg(DISTINCT workspace_id) FROM ended HAVING count(*) > 0
)
SELECT id FROM ended;
