-- Flush: foreign keys are checked once
WITH
stored AS (
  INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
  FROM ROWS FROM (
    string_to_table($1::text, $2::text),
    string_to_table($3::text, $4::text),
    string_to_table($5::text, $6::text),
    string_to_table($7::text, $8::text),
    string_to_table($9::text, $10::text),
    string_to_table($11::text, $12::text),
    string_to_table($13::text, $14::text),
    string_to_table($15::text, $16::text)
  ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  WHERE session_id <> ALL (ARRAY(
      SELECT t.session_id FROM session_tombstones t WHERE t.session_id = ANY (string_to_array($17::text, $18::text))
  ))
  AND id NOT IN (SELECT known.id FROM events known WHERE known.id = ANY (string_to_array($19::text, $20::text)))
  RETURNING id, timestamp, device_id, workspace_id, session_id
),
device_rows AS (
  INSERT INTO devices (id, name, type)
  SELECT DISTINCT device_id, $21, $22 FROM stored ORDER BY device_id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
),
link_rows AS (
  INSERT INTO workspace_devices (workspace_id, device_id, local_path)
  SELECT DISTINCT workspace_id, device_id, $23 FROM stored ORDER BY workspace_id, device_id
  ON CONFLICT (workspace_id, device_id) DO NOTHING
),
session_rows AS (
  INSERT INTO sessions (id, workspace_id, device_id, started_at, is_counted)
  SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp, false
  FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
),
touched AS MATERIALIZED (
  SELECT count(*)::int AS stored_count, array_agg(id) AS event_ids, array_agg(DISTINCT workspace_id) AS workspace_ids,
  array_agg(DISTINCT device_id) AS device_ids,
  coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), '{}') AS session_ids
  FROM stored
),
event_count_rows AS (
  INSERT INTO event_slot_changes (workspace_id, device_id, slot, events)
  SELECT workspace_id, device_id, date_bin('15 minutes', timestamp, 'epoch'), count(*) FROM stored GROUP BY 1, 2, 3
),
change_rows AS (
  INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids, is_counted)
  SELECT 'events', stored_count, event_ids, session_ids, workspace_ids, true FROM touched WHERE stored_count > 0
),
queue_rows AS (
  INSERT INTO projection_queue (event_ids)
  SELECT event_ids FROM (SELECT CASE WHEN stored_count = $24::int THEN string_to_array($25::text, $26::text) ELSE event_ids END AS event_ids FROM touched WHERE stored_count > 0) queued
  WHERE cardinality(event_ids) > 0
  RETURNING id::text
)
SELECT
stored_count,
hold_parents(
  workspace_ids,
  ARRAY(SELECT unnest(device_ids) EXCEPT SELECT id FROM device_rows),
  ARRAY(SELECT unnest(session_ids) EXCEPT SELECT id FROM session_rows)
) AS parents_held,
CASE WHEN NOT stored_count = $27::int THEN event_ids END AS stored_ids,
(SELECT id FROM queue_rows) AS queue_id
FROM touched;

-- Flush of events whose parents are known
WITH
stored AS (
  INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
  FROM ROWS FROM (
    string_to_table($1::text, $2::text),
    string_to_table($3::text, $4::text),
    string_to_table($5::text, $6::text),
    string_to_table($7::text, $8::text),
    string_to_table($9::text, $10::text),
    string_to_table($11::text, $12::text),
    string_to_table($13::text, $14::text),
    string_to_table($15::text, $16::text)
  ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  WHERE session_id <> ALL (ARRAY(
      SELECT t.session_id FROM session_tombstones t WHERE t.session_id = ANY (string_to_array($17::text, $18::text))
  ))
  AND id NOT IN (SELECT known.id FROM events known WHERE known.id = ANY (string_to_array($19::text, $20::text)))
  RETURNING id, timestamp, device_id, workspace_id, session_id
),
touched AS MATERIALIZED (
  SELECT count(*)::int AS stored_count, array_agg(id) AS event_ids, array_agg(DISTINCT workspace_id) AS workspace_ids,
  array_agg(DISTINCT device_id) AS device_ids,
  coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), '{}') AS session_ids
  FROM stored
),
event_count_rows AS (
  INSERT INTO event_slot_changes (workspace_id, device_id, slot, events)
  SELECT workspace_id, device_id, date_bin('15 minutes', timestamp, 'epoch'), count(*) FROM stored GROUP BY 1, 2, 3
),
change_rows AS (
  INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids, is_counted)
  SELECT 'events', stored_count, event_ids, session_ids, workspace_ids, true FROM touched WHERE stored_count > 0
),
queue_rows AS (
  INSERT INTO projection_queue (event_ids)
  SELECT event_ids FROM (SELECT CASE WHEN stored_count = $21::int THEN string_to_array($22::text, $23::text) ELSE event_ids END AS event_ids FROM touched WHERE stored_count > 0) queued
  WHERE cardinality(event_ids) > 0
  RETURNING id::text
)
SELECT
stored_count,
hold_parents(
  workspace_ids,
  ARRAY(SELECT unnest(device_ids) ),
  ARRAY(SELECT unnest(session_ids) )
) AS parents_held,
CASE WHEN NOT stored_count = $24::int THEN event_ids END AS stored_ids,
(SELECT id FROM queue_rows) AS queue_id
FROM touched;

-- Flush with notes: foreign keys are checked for each row
WITH
stored AS (
  INSERT INTO events (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  SELECT id, type, timestamp::timestamptz, device_id, workspace_id, nullif(session_id, ''), data::jsonb, blob_refs::jsonb
  FROM ROWS FROM (
    string_to_table($1::text, $2::text),
    string_to_table($3::text, $4::text),
    string_to_table($5::text, $6::text),
    string_to_table($7::text, $8::text),
    string_to_table($9::text, $10::text),
    string_to_table($11::text, $12::text),
    string_to_table($13::text, $14::text),
    string_to_table($15::text, $16::text)
  ) AS sent (id, type, timestamp, device_id, workspace_id, session_id, data, blob_refs)
  WHERE session_id <> ALL (ARRAY(
      SELECT t.session_id FROM session_tombstones t WHERE t.session_id = ANY (string_to_array($17::text, $18::text))
  ))
  ON CONFLICT (id) DO NOTHING
  RETURNING id, timestamp, device_id, workspace_id, session_id
),
device_rows AS (
  INSERT INTO devices (id, name, type)
  SELECT DISTINCT device_id, $19, $20 FROM stored ORDER BY device_id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
),
link_rows AS (
  INSERT INTO workspace_devices (workspace_id, device_id, local_path)
  SELECT DISTINCT workspace_id, device_id, $21 FROM stored ORDER BY workspace_id, device_id
  ON CONFLICT (workspace_id, device_id) DO NOTHING
),
session_rows AS (
  INSERT INTO sessions (id, workspace_id, device_id, started_at, is_counted)
  SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp, false
  FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, id
  ON CONFLICT (id) DO NOTHING
  RETURNING id
),
note_rows AS (
  INSERT INTO ingest_notes (event_id, device_id, session_id, kind, detail, body)
  SELECT n.event_id, n.device_id, n.session_id, n.kind, n.detail, n.body
  FROM jsonb_to_recordset(($22::text)::jsonb)
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
  INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids, is_counted)
  SELECT 'events', stored_count, event_ids, session_ids, workspace_ids, true FROM touched WHERE stored_count > 0
),
queue_rows AS (
  INSERT INTO projection_queue (event_ids)
  SELECT event_ids FROM (SELECT CASE WHEN stored_count = $23::int THEN string_to_array($24::text, $25::text) ELSE event_ids END AS event_ids FROM touched WHERE stored_count > 0) queued
  WHERE cardinality(event_ids) > 0
  RETURNING id::text
)
SELECT
stored_count,
CASE WHEN NOT stored_count = $26::int THEN event_ids END AS stored_ids,
(SELECT id FROM queue_rows) AS queue_id
FROM touched;

-- Round
SELECT id, type, device_id, session_id FROM events WHERE id = ANY($1);

-- Round
WITH touched AS MATERIALIZED (
  SELECT session_id AS id, min(timestamp) AS first_at, bool_or(type IN ('session.start', 'session.end')) AS is_reported,
  array_agg(DISTINCT device_id) AS device_ids, array_agg(id) FILTER (WHERE type = 'agent.prompt') AS prompt_ids
  FROM events WHERE id = ANY($1) AND session_id IS NOT NULL GROUP BY session_id)
SELECT t.id, s.version, s.lifecycle, s.device_id, o.device_id AS owner, c.is_changed,
CASE WHEN c.is_changed OR (c.is_heard AND s.last_heard_at < now() - make_interval(secs => $2))
THEN (
  SELECT coalesce(json_agg(json_build_object(
        'report_id', k.report_id, 'kind', k.kind, 'at_us', (extract(epoch FROM k.at) * 1000000)::bigint, 'event_id', k.event_id,
        'place', CASE WHEN w.id IS NOT NULL THEN
        json_build_object('canonical_id', w.canonical_id, 'device_id', k.device_id, 'workspace_id', w.id) END,
        'ended_us', (extract(epoch FROM k.ended_at) * 1000000)::bigint, 'end_reason', k.end_reason, 'duration_ms', k.duration_ms,
        'git_branch', k.git_branch, 'model', k.model, 'agent', k.agent, 'source', k.source, 'initial_prompt', k.initial_prompt,
        'metadata', k.metadata
    )), '[]')
  FROM (
    SELECT NULL::bigint,
    substr(e.type, length('session.') + 1), e.timestamp, e.id, e.workspace_id, e.device_id, CASE WHEN e.type = 'session.end' THEN e.timestamp END,
    CASE WHEN e.type = 'session.end' THEN CASE WHEN e.data ->> 'end_reason' = 'prompt_input_exit' THEN 'exit' ELSE CASE WHEN e.data ->> 'end_reason' = ANY ($3::text[]) THEN e.data ->> 'end_reason' WHEN e.data ->> 'end_reason' IS NOT NULL THEN $4::text END END END,
    CASE WHEN e.type = 'session.end' THEN (e.data ->> 'duration_ms')::numeric::bigint END,
    left(e.data ->> $5, $6), left(e.data ->> $7, $8), CASE WHEN e.data ->> 'agent' = ANY ($9::text[]) THEN e.data ->> 'agent' WHEN e.data ->> 'agent' IS NOT NULL THEN $10::text END, CASE WHEN e.type = 'session.start' THEN CASE WHEN e.data ->> 'source' = ANY ($11::text[]) THEN e.data ->> 'source' WHEN e.data ->> 'source' IS NOT NULL THEN $12::text END END, NULL, jsonb_strip_nulls(jsonb_build_object(
        'cwd', to_json(left(e.data ->> $13, $14))::text, 'cc_version', to_json(left(e.data ->> $15, $16))::text, 'transcript_path', to_json(left(e.data ->> $17, $18))::text
    ))
    FROM (VALUES ('session.start'), ('session.end')) AS types (type)
    CROSS JOIN LATERAL (
      (
        SELECT * FROM events
        WHERE session_id = s.id AND device_id = o.device_id AND events.type = types.type AND events.type IN ('session.start', 'session.end') ORDER BY timestamp, id LIMIT $19)
      UNION ALL
      (SELECT * FROM (
          SELECT * FROM events
          WHERE session_id = s.id AND device_id = o.device_id AND events.type = types.type AND events.type IN ('session.start', 'session.end') ORDER BY timestamp DESC, id DESC LIMIT $20) latest
        WHERE EXISTS (
          SELECT * FROM events
          WHERE session_id = s.id AND device_id = o.device_id AND events.type = types.type AND events.type IN ('session.start', 'session.end') ORDER BY timestamp, id LIMIT 1 OFFSET $21))
    ) e
    UNION ALL (
      SELECT NULL, 'event', e.timestamp, e.id, e.workspace_id, e.device_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}'
      FROM (SELECT * FROM events WHERE session_id = s.id AND device_id = o.device_id ORDER BY timestamp LIMIT $22) e
      WHERE s.start_reported_at IS NULL OR (
        s.facts ? 'backfill' OR EXISTS (
          SELECT FROM session_reports r WHERE r.session_id = s.id AND r.kind = 'backfill' AND r.at = s.start_reported_at
        )
      )
      ORDER BY e.timestamp, e.id LIMIT 1
    )
    UNION ALL SELECT NULL,
    'event', e.timestamp, e.id, e.workspace_id, e.device_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    left(e.data ->> 'text', $23), '{}' FROM (
      SELECT * FROM (
        SELECT * FROM events
        WHERE session_id = s.id AND device_id = o.device_id
        AND type IN ('session.start', 'agent.prompt', 'agent.tool', 'agent.turn_end', 'agent.waiting')
        ORDER BY timestamp, id LIMIT $24
      ) live
      WHERE type = 'agent.prompt' AND data ->> 'text' <> '' ORDER BY timestamp, id LIMIT 1) e
    UNION ALL
    SELECT r.id, r.kind, r.at, r.event_id, r.workspace_id, r.device_id, r.ended_at, r.end_reason, r.duration_ms,
    r.git_branch, r.model, r.agent, r.source, r.initial_prompt, (SELECT coalesce(jsonb_object_agg(key, value::text), '{}') FROM jsonb_each(r.metadata))
    FROM session_reports r WHERE r.session_id = s.id
    UNION ALL
    SELECT NULL,
    CASE WHEN key = 'backfill' OR rank = 2 OR (key = 'end' AND rank = 1) THEN 'backfill'
    WHEN key = 'origin' AND rank = 1 THEN 'event'
    WHEN key = 'end' OR rank = 1 THEN 'end'
    WHEN event_id = '' THEN 'report'
    ELSE 'start' END,
    said_at, event_id,
    CASE WHEN key IN ('origin', 'backfill') THEN fact ->> 3 END, CASE WHEN key IN ('origin', 'backfill') THEN s.device_id END,
    CASE WHEN key = 'end' THEN said_at END, CASE WHEN key = $25 THEN fact ->> 3 END, CASE WHEN key = 'end' THEN (fact ->> 4)::numeric::bigint END,
    CASE WHEN key = $26 THEN fact ->> 3 END, CASE WHEN key = $27 THEN fact ->> 3 END, NULL, CASE WHEN key = $28 THEN fact ->> 3 END, CASE WHEN key = $29 THEN fact ->> 3 END,
    CASE WHEN starts_with(key, 'metadata.') THEN jsonb_build_object(substr(key, length('metadata.') + 1), (fact -> 3)::text) ELSE '{}' END
    FROM jsonb_each(s.facts) AS facts (key, fact)
    CROSS JOIN LATERAL (
      SELECT CASE WHEN key = 'backfill' THEN 2 ELSE (fact -> 0)::int END, fact ->> 2,
      to_timestamp(0) + abs((fact -> 1)::bigint) * interval '1 microsecond'
    ) AS said (rank, event_id, said_at)
    UNION ALL
    SELECT NULL, 'start', s.resumed_at, $30, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'resume', NULL, '{}'
    WHERE s.facts <> '{}' AND s.resumed_at IS NOT NULL
  ) AS k (report_id,
    kind, at, event_id, workspace_id, device_id, ended_at, end_reason, duration_ms, git_branch, model, agent, source, initial_prompt,
    metadata)
  LEFT JOIN LATERAL (SELECT * FROM workspaces WHERE workspaces.id = k.workspace_id OFFSET 0) w ON true) END AS statements
FROM touched t
CROSS JOIN LATERAL (
  SELECT *, sessions.xmin::text AS version FROM sessions WHERE sessions.id = t.id AND sessions.deleted_at IS NULL OFFSET 0
) s
CROSS JOIN LATERAL (SELECT
  CASE WHEN s.start_reported_at IS NOT NULL THEN s.device_id ELSE coalesce((
      SELECT device_id FROM (
        SELECT device_id, ingested_at, timestamp, id FROM events WHERE session_id = s.id AND type = 'session.start'
        UNION ALL
        SELECT device_id, received_at, at, event_id FROM session_reports
        WHERE session_id = s.id AND (kind IN ('start', 'report') OR (kind = 'backfill' AND (device_id = s.device_id OR s.has_only_files)))
      ) AS started (device_id, received_at, at, event_id)
      ORDER BY received_at, at, event_id LIMIT 1
    ), CASE WHEN s.has_only_files THEN (
      SELECT device_id FROM events WHERE session_id = s.id ORDER BY timestamp LIMIT 1
    ) END, s.device_id) END AS device_id OFFSET 0) o
CROSS JOIN LATERAL (SELECT t.device_ids IS NULL OR o.device_id = ANY (t.device_ids) AS is_heard) h
CROSS JOIN LATERAL (
  SELECT h.is_heard, h.is_heard AND (
    t.is_reported OR s.is_outdated OR s.ended_by_server OR s.has_only_files
    OR (s.start_reported_at IS NULL AND (t.first_at <= s.started_at OR EXISTS (SELECT FROM session_reports r WHERE r.session_id = s.id AND r.kind = 'transcript'))) OR (
      s.facts ? 'backfill' OR EXISTS (
        SELECT FROM session_reports r WHERE r.session_id = s.id AND r.kind = 'backfill' AND r.at = s.start_reported_at
      )
    )
    OR (t.prompt_ids IS NOT NULL AND (SELECT id FROM (
          SELECT * FROM (
            SELECT * FROM events
            WHERE session_id = s.id AND device_id = o.device_id
            AND type IN ('session.start', 'agent.prompt', 'agent.tool', 'agent.turn_end', 'agent.waiting')
            ORDER BY timestamp, id LIMIT $31
          ) live
          WHERE type = 'agent.prompt' AND data ->> 'text' <> '' ORDER BY timestamp, id LIMIT 1) p) = ANY (t.prompt_ids))
  ) AS is_changed
) c
ORDER BY t.id;

-- Round
WITH folded AS MATERIALIZED (
  SELECT * FROM json_to_recordset(($1::text)::json) AS f (
    id text, version text, workspace_id text, device_id text, lifecycle text, started_us bigint, start_reported_us bigint,
    resumed_us bigint, ended_us bigint, end_reason text, duration_ms bigint, git_branch text, model text, agent text, source text,
    initial_prompt text, has_only_files boolean, metadata text, fallen_report_ids json, is_moved boolean
  )
),
held AS MATERIALIZED (
  SELECT f.*, s.place
  FROM folded f CROSS JOIN LATERAL (
    SELECT ctid AS place, xmin::text AS version FROM sessions WHERE sessions.id = f.id
    OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED
  ) s
  WHERE s.version = f.version
),
patched AS (
  UPDATE sessions s SET
  workspace_id = f.workspace_id, device_id = f.device_id, lifecycle = f.lifecycle,
  started_at = to_timestamp(0) + f."started_us" * interval '1 microsecond', start_reported_at = to_timestamp(0) + f."start_reported_us" * interval '1 microsecond',
  resumed_at = to_timestamp(0) + f."resumed_us" * interval '1 microsecond', ended_at = to_timestamp(0) + f."ended_us" * interval '1 microsecond', end_reason = f.end_reason,
  duration_ms = f.duration_ms, git_branch = f.git_branch, model = f.model, agent = coalesce(f.agent, s.agent), source = f.source,
  initial_prompt = f.initial_prompt, metadata = f.metadata::jsonb,
  is_outdated = false, has_only_files = f.has_only_files, ended_by_server = false, last_heard_at = now(), updated_at = now()
  FROM held f WHERE s.ctid = f.place
  RETURNING s.id, s.workspace_id
),
fallen AS (
  DELETE FROM session_reports WHERE id IN (
    SELECT value::bigint FROM held, json_array_elements_text(held.fallen_report_ids)
  )
),
change AS (
  INSERT INTO change_log (kind, session_ids, workspace_ids)
  SELECT $2::text, array_agg(id), array_agg(DISTINCT workspace_id) FROM patched HAVING count(*) > 0)
SELECT ARRAY(SELECT id FROM patched) AS ids,
NULL::json AS regained;

-- Round
WITH
stored AS MATERIALIZED (
  SELECT id, type, timestamp, device_id, workspace_id, session_id, data, ingested_at FROM events WHERE id = ANY($1)
),
seen AS (
  SELECT device_id, ingested_at, data ->> '_device_type' = 'remote' AS is_remote,
  CASE WHEN jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> '' THEN data ->> '_device_name' END AS name,
  CASE WHEN jsonb_typeof(data -> '_device_name') = 'string' AND data ->> '_device_name' <> '' THEN timestamp END AS name_said_at
  FROM stored
  UNION ALL
  SELECT data ->> 'device_id', ingested_at, true, NULL, NULL
  FROM stored WHERE type = 'remote.provision.ready' AND data ->> 'device_id' <> ''
),
said AS MATERIALIZED (
  SELECT device_id AS id, max(ingested_at) AS heard_at, coalesce(bool_or(is_remote), false) AS is_remote,
  (array_agg(name ORDER BY name_said_at, name) FILTER (WHERE name IS NOT NULL))[1] AS name, min(name_said_at) AS name_said_at
  FROM seen GROUP BY device_id
),
changing AS MATERIALIZED (
  SELECT said.id FROM said CROSS JOIN LATERAL (SELECT * FROM devices d WHERE d.id = said.id OFFSET 0) device
  WHERE device.last_seen_at < said.heard_at - make_interval(secs => $2)
  OR (
    said.name_said_at IS NOT NULL AND (
      device.name = $3
      OR coalesce((said.name_said_at, said.name) < (device.name_said_at, device.name), false)
    )
  )
  OR (said.is_remote AND device.type = 'local')
  OR (device.status = 'terminated' AND said.heard_at > coalesce(device.terminated_at, '-infinity'))
),
locked AS MATERIALIZED (
  SELECT id FROM devices WHERE id IN (SELECT id FROM changing) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
),
new_rows AS (
  INSERT INTO devices (id, name, name_said_at, type)
  SELECT id, coalesce(name, $4), name_said_at, CASE WHEN is_remote THEN 'remote' ELSE $5 END
  FROM said WHERE NOT EXISTS (SELECT FROM devices d WHERE d.id = said.id) ORDER BY id
  ON CONFLICT (id) DO NOTHING
),
device_rows AS (
  UPDATE devices device SET
  name = CASE WHEN (
    said.name_said_at IS NOT NULL AND (
      device.name = $6
      OR coalesce((said.name_said_at, said.name) < (device.name_said_at, device.name), false)
    )
  ) THEN said.name ELSE device.name END,
  name_said_at = CASE WHEN (
    said.name_said_at IS NOT NULL AND (
      device.name = $7
      OR coalesce((said.name_said_at, said.name) < (device.name_said_at, device.name), false)
    )
  ) THEN said.name_said_at ELSE device.name_said_at END,
  type = CASE WHEN said.is_remote THEN 'remote' ELSE device.type END,
  status = CASE WHEN device.status <> 'terminated' OR said.heard_at > coalesce(device.terminated_at, '-infinity') THEN 'online' ELSE device.status END,
  last_seen_at = greatest(device.last_seen_at, said.heard_at)
  FROM said JOIN locked USING (id) WHERE device.id = said.id
)
SELECT id FROM changing EXCEPT SELECT id FROM locked;

-- Round
WITH
stored AS MATERIALIZED (
  SELECT id, type, timestamp, device_id, workspace_id, session_id, data, ingested_at FROM events WHERE id = ANY($1)
),
paths AS (
  SELECT DISTINCT ON (workspace_id, device_id) workspace_id, device_id, data ->> 'cwd' AS local_path, timestamp
  FROM stored WHERE type = ANY ($2::text[]) AND data ->> 'cwd' <> ''
  ORDER BY workspace_id, device_id, timestamp DESC, data ->> 'cwd' DESC
),
links AS (
  SELECT workspace_id, device_id, bool_or(type = $3) AS hooks_installed, max(ingested_at) AS heard_at
  FROM stored GROUP BY workspace_id, device_id
)
INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at, hooks_installed, last_active_at)
SELECT l.workspace_id, l.device_id, coalesce(p.local_path, $4), p.timestamp, l.hooks_installed, l.heard_at
FROM links l
LEFT JOIN paths p ON p.workspace_id = l.workspace_id AND p.device_id = l.device_id
LEFT JOIN LATERAL (
  SELECT * FROM workspace_devices w WHERE w.workspace_id = l.workspace_id AND w.device_id = l.device_id OFFSET 0
) known ON true
WHERE known.device_id IS NULL
OR known.last_active_at < l.heard_at - make_interval(secs => $5)
OR (p.timestamp, p.local_path) > (known.local_path_at, known.local_path)
OR (p.timestamp IS NOT NULL AND known.local_path_at IS NULL)
OR (l.hooks_installed AND NOT known.hooks_installed)
ORDER BY l.workspace_id, l.device_id
ON CONFLICT (workspace_id, device_id) DO UPDATE SET
(local_path, local_path_at) = (
  SELECT local_path, local_path_at
  FROM (VALUES (link.local_path, link.local_path_at), (excluded.local_path, excluded.local_path_at))
  AS said (local_path, local_path_at)
  ORDER BY local_path_at DESC NULLS LAST, local_path = $6, local_path DESC LIMIT 1
),
hooks_installed = link.hooks_installed OR excluded.hooks_installed,
last_active_at = greatest(link.last_active_at, excluded.last_active_at);

-- Round
WITH
stored AS MATERIALIZED (
  SELECT id, type, timestamp, device_id, workspace_id, session_id, data, ingested_at FROM events WHERE id = ANY($1)
)
INSERT INTO git_activity (
  id, workspace_id, device_id, session_id, matched_to, session_inferred, type, branch, commit_sha, message,
  files_changed, insertions, deletions, timestamp, data
)
SELECT
id, workspace_id, device_id, session_id, coalesce(session_id, ''), session_id IS NULL, substr(type, length('git.') + 1),
coalesce(data ->> 'branch', data ->> 'into_branch', data ->> 'to_branch'),
left(coalesce(data ->> 'hash', data ->> 'merge_commit'), $2),
data ->> 'message',
CASE WHEN jsonb_typeof(data -> $3) = 'number'
THEN greatest($4, least((data ->> $5)::numeric, $6))::int END,
CASE WHEN jsonb_typeof(data -> $7) = 'number'
THEN greatest($8, least((data ->> $9)::numeric, $10))::int END,
CASE WHEN jsonb_typeof(data -> $11) = 'number'
THEN greatest($12, least((data ->> $13)::numeric, $14))::int END, timestamp, data
FROM stored WHERE type = ANY ($15)
ORDER BY id
ON CONFLICT (id) DO NOTHING;

-- Round
WITH stored AS MATERIALIZED (
  SELECT id, type, timestamp, session_id, data FROM events
  WHERE id = ANY($1) AND device_id = (SELECT s.device_id FROM sessions s WHERE s.id = events.session_id)
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
    CASE WHEN goes_first THEN coalesce(excluded.model, s.transcript_model) ELSE s.model END,
    CASE WHEN goes_first THEN excluded.isolation ELSE s.isolation END,
    CASE WHEN goes_first THEN excluded.run_in_background ELSE s.run_in_background END,
    least(s.started_at, excluded.started_at),
    greatest(s.ended_at, excluded.ended_at)
    FROM (
      SELECT
      coalesce(excluded.started_at < coalesce(s.started_at, 'infinity'), false),
      s.started_at IS NULL AND excluded.started_at IS NULL
      AND (s.ended_at IS NULL OR (excluded.ended_at, excluded.agent_type) > (s.ended_at, s.agent_type))
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
)
SELECT;

-- Round
WITH
stored AS MATERIALIZED (
  SELECT id, type, timestamp, device_id, workspace_id, session_id, data, ingested_at FROM events WHERE id = ANY($1)
),
remote_events AS MATERIALIZED (
  SELECT e.*, CASE WHEN r.id IS NULL OR (
    coalesce(r.facts #>> '{owner,1}', r.device_id) IS NULL OR (coalesce((r.facts #>> '{owner,0}')::int, 0) = $2 AND first_rank < $3)
  ) THEN first_sender ELSE coalesce(r.facts #>> '{owner,1}', r.device_id) END AS owner
  FROM (
    SELECT *, first_value(rank) OVER earliest AS first_rank, first_value(device_id) OVER earliest AS first_sender
    FROM (
      SELECT stored.*, env_id,
      CASE type WHEN 'remote.provision.start' THEN 0 WHEN 'remote.terminate' THEN $4::int ELSE 1 END AS rank
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
      WHERE type = ANY ($5)
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
      ($6::text, data ->> $7 <> '', jsonb_build_array(0, at, id, data -> $8)),
      ($9::text, data ->> $10 <> '', jsonb_build_array(0, at, id, data -> $11)),
      ($12::text, data ->> $13 <> '', jsonb_build_array(0, at, id, data -> $14)),
      ($15::text, data ->> $16 <> '', jsonb_build_array(0, at, id, data -> $17)),
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
  (array_agg(CASE WHEN data ->> 'reason' = ANY ($18::text[]) THEN data ->> 'reason' WHEN data ->> 'reason' IS NOT NULL THEN $19::text END ORDER BY timestamp, id) FILTER (WHERE type = 'remote.terminate'))[1] AS termination_reason,
  max(least((data ->> 'total_cost_usd')::numeric, $20))
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
    CASE WHEN r."workspace_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY[$21, '3'], $22::text) THEN coalesce(merged.facts #>> ARRAY[$23, '3'], $24::text) ELSE r."workspace_id" END,
    CASE WHEN r."device_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY[$25, '3'], $26::text) THEN coalesce(merged.facts #>> ARRAY[$27, '3'], $28::text) ELSE r."device_id" END,
    CASE WHEN NOT is_own AND excluded.terminated_at IS NULL OR array_position($29::text[], excluded.status) <= array_position($30::text[], r.status) THEN r.status
    WHEN NOT is_own THEN 'terminated' ELSE excluded.status END,
    CASE WHEN r."instance_id" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY[$31, '3'], $32::text) THEN coalesce(merged.facts #>> ARRAY[$33, '3'], $34::text) ELSE r."instance_id" END,
    CASE WHEN r."instance_type" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY[$35, '3'], $36::text) THEN coalesce(merged.facts #>> ARRAY[$37, '3'], $38::text) ELSE r."instance_type" END,
    CASE WHEN r."region" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY[$39, '3'], $40::text) THEN coalesce(merged.facts #>> ARRAY[$41, '3'], $42::text) ELSE r."region" END,
    CASE WHEN r."public_ip" IS NOT DISTINCT FROM coalesce(r.facts #>> ARRAY[$43, '3'], $44::text) THEN coalesce(merged.facts #>> ARRAY[$45, '3'], $46::text) ELSE r."public_ip" END,
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
        coalesce(r.facts #>> '{owner,1}', r.device_id) IS NULL OR (coalesce((r.facts #>> '{owner,0}')::int, 0) = $47 AND (excluded.facts #>> '{owner,0}')::int < $48)
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
)
SELECT;

-- Round
UPDATE sessions SET is_counted = true
WHERE id IN (
  SELECT id FROM sessions WHERE id = ANY($1) AND NOT is_counted ORDER BY id FOR NO KEY UPDATE
);

-- Round
SELECT s.id, (1000 * extract(epoch FROM now()))::float8 AS now_ms, (1000 * extract(epoch FROM s.ended_at))::float8 AS ended_ms, s.end_reason, s.ended_by_server,
(
  SELECT json_build_object('type', type, 'at_ms', (1000 * extract(epoch FROM timestamp))::float8, 'reason', left(data ->> 'reason', 100))
  FROM events e
  WHERE e.session_id = s.id AND e.device_id = s.device_id
  AND e.type IN ('session.start', 'agent.prompt', 'agent.tool', 'agent.turn_end', 'agent.waiting')
  ORDER BY e.timestamp DESC, e.id DESC LIMIT 1
) AS event,
(
  SELECT json_build_object('kind', m ->> 'kind', 'at_ms', (1000 * extract(epoch FROM (m ->> 'at')::timestamptz))::float8, 'has_tool_use', m -> 'has_tool_use')
  FROM (SELECT s.transcript -> 'last_message' AS m) last_message WHERE m ->> 'at' IS NOT NULL
) AS message,
(
  SELECT coalesce(json_agg(json_build_object('tool', c ->> 'tool', 'at_ms', (1000 * extract(epoch FROM (c ->> 'at')::timestamptz))::float8)), '[]')
  FROM jsonb_array_elements(s.transcript -> 'open_calls') c
) AS open_calls,
(1000 * extract(epoch FROM (s.transcript ->> 'last_at')::timestamptz))::float8 AS last_ms
FROM sessions s WHERE s.id = ANY ($1::text[]) AND s.deleted_at IS NULL;

-- Round
WITH states AS (
  SELECT id, state, reason, to_timestamp(since_ms / 1000) AS since
  FROM json_to_recordset(($1::text)::json) AS r (id text, state text, reason text, since_ms float8)
),
held AS MATERIALIZED (
  SELECT s.id FROM sessions s JOIN states n USING (id)
  WHERE (s.live_state, s.live_reason, s.live_since) IS DISTINCT FROM (n.state, n.reason, n.since)
  ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED
),
patched AS (
  UPDATE sessions s SET live_state = n.state, live_reason = n.reason, live_since = n.since, updated_at = now()
  FROM states n, held WHERE s.id = n.id AND held.id = s.id
  RETURNING s.id, s.workspace_id
),
change AS (
  INSERT INTO change_log (kind, session_ids, workspace_ids)
  SELECT $2::text, array_agg(id), array_agg(DISTINCT workspace_id) FROM patched HAVING count(*) > 0)
SELECT;

-- Round, git activity
WITH RECURSIVE changed AS (
  SELECT a.id FROM git_activity a WHERE a.id = ANY($1)
  UNION
  SELECT a.id FROM git_matches m JOIN git_activity a ON a.id = m.git_activity_id
  WHERE m.session_id = ANY($2) AND (a.session_inferred OR a.session_id <> m.session_id)
  UNION
  SELECT a.id FROM unnest($3::text[]) AS changed (id)
  CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = changed.id OFFSET 0) s
  CROSS JOIN LATERAL (
    SELECT a.id FROM git_activity a
    WHERE a.workspace_id = s.workspace_id AND a.device_id = s.device_id AND a.session_inferred
    AND a.timestamp BETWEEN s.started_at AND coalesce(s.ended_at, now() + make_interval(secs => $4))
    OFFSET 0
  ) a
  UNION
  SELECT a.id FROM tool_calls t
  CROSS JOIN LATERAL unnest(t.commits) AS printed (sha)
  CROSS JOIN LATERAL (
    SELECT a.id FROM git_activity a
    WHERE a.commit_sha >= printed.sha AND a.commit_sha < printed.sha || 'g' AND
    a.timestamp BETWEEN t.called_at - make_interval(secs => $5)
    AND coalesce(t.returned_at, t.called_at) + make_interval(secs => $6)
    OFFSET 0
  ) a
  WHERE t.session_id = ANY($7) AND t.commits <> '{}'
),
matchable AS (
  SELECT id FROM changed
  UNION
  SELECT a.id FROM matchable m
  CROSS JOIN LATERAL (SELECT commit_sha, workspace_id FROM git_activity WHERE id = m.id AND commit_sha IS NOT NULL OFFSET 0) o
  CROSS JOIN LATERAL (
    SELECT lower(pair ->> 'new') AS sha
    FROM (
      SELECT e.workspace_id, e.data -> 'pairs' AS pairs FROM events e
      WHERE lower(e.type) = 'git.rewrite' AND e.data -> 'pairs' @> jsonb_build_array(jsonb_build_object('old', o.commit_sha)) OFFSET 0
    ) e
    CROSS JOIN LATERAL jsonb_array_elements(e.pairs) AS pair
    WHERE e.workspace_id = o.workspace_id AND pair ->> 'old' = o.commit_sha) r
  CROSS JOIN LATERAL (SELECT id, workspace_id FROM git_activity WHERE commit_sha = r.sha OFFSET 0) a
  WHERE a.workspace_id = o.workspace_id
)
SELECT id FROM matchable WHERE id > $8 ORDER BY id LIMIT $9;

-- Round, git activity
WITH
activity AS MATERIALIZED (
  SELECT id, workspace_id, device_id, session_id, matched_to, session_inferred, lower(commit_sha) AS sha, timestamp,
  jsonb_typeof(data -> 'file_list') = 'array' AS has_files
  FROM git_activity WHERE id = ANY($1)
),
printed AS MATERIALIZED (
  SELECT DISTINCT ON (a.id, t.session_id) a.id AS git_activity_id, t.session_id, t.call_id, t.called_at, p.sha
  FROM activity a
  CROSS JOIN LATERAL (
    SELECT * FROM tool_calls
    WHERE commits <> '{}' AND commit_beginnings(commits) @> ARRAY[left(a.sha, $2)] AND NOT is_copy OFFSET 0
  ) t
  JOIN sessions s ON s.id = t.session_id AND s.workspace_id = a.workspace_id AND s.deleted_at IS NULL
  CROSS JOIN LATERAL (
    SELECT max(sha) AS sha FROM unnest(t.commits) AS sha
    WHERE length(sha) BETWEEN $3 AND $4 AND starts_with(a.sha, sha)
  ) p
  WHERE p.sha IS NOT NULL AND
  a.timestamp BETWEEN t.called_at - make_interval(secs => $5)
  AND coalesce(t.returned_at, t.called_at) + make_interval(secs => $6)
  ORDER BY a.id, t.session_id, t.called_at DESC, t.call_id
),
during AS MATERIALIZED (
  SELECT a.id AS git_activity_id, a.timestamp, a.has_files, s.id AS session_id, s.started_at, s.cwd
  FROM activity a
  CROSS JOIN LATERAL (
    SELECT * FROM (
      SELECT id, started_at, ended_at, metadata ->> 'cwd' AS cwd FROM sessions
      WHERE workspace_id = a.workspace_id AND device_id BETWEEN a.device_id AND a.device_id
      AND deleted_at IS NULL AND started_at <= a.timestamp
      ORDER BY device_id, started_at DESC, id DESC LIMIT $7
    ) AS earlier
    WHERE a.timestamp <= coalesce(ended_at, now() + make_interval(secs => $8))
    ORDER BY started_at DESC, id DESC LIMIT $9
  ) s
  WHERE a.session_inferred AND NOT EXISTS (SELECT FROM printed WHERE printed.git_activity_id = a.id)
),
compared AS MATERIALIZED (
  SELECT d.*, g.data ->> 'cwd' AS commit_cwd FROM during d JOIN git_activity g ON g.id = d.git_activity_id
  WHERE d.has_files AND EXISTS (SELECT FROM file_touches t WHERE t.session_id = d.session_id AND t.writes > 0)
),
changed AS MATERIALIZED (
  SELECT g.id AS git_activity_id, f.path
  FROM (SELECT DISTINCT git_activity_id AS id FROM compared) c JOIN git_activity g USING (id)
  CROSS JOIN LATERAL (
    SELECT value ->> 'path' AS path FROM jsonb_array_elements(g.data -> 'file_list') LIMIT $10
  ) f
),
folders AS MATERIALIZED (
  SELECT c.git_activity_id, c.session_id, c.commit_cwd, places.is_own, array_to_string(p.parts[1:n], '/') AS top,
  array_to_string(p.parts[n + 1:], '/') AS inner_folder
  FROM compared c
  CROSS JOIN LATERAL (
    SELECT c.commit_cwd AS place, false AS is_own
    UNION
    SELECT c.cwd, true
    UNION
    (SELECT DISTINCT f.data ->> 'cwd', true FROM transcript_facts f
      WHERE f.session_id = c.session_id AND f.fact = 'place' ORDER BY 1 LIMIT $11)
  ) places
  CROSS JOIN LATERAL (SELECT string_to_array(rtrim(places.place, '/'), '/') AS parts) p
  CROSS JOIN LATERAL generate_series(1, least(cardinality(p.parts), $12::int)) AS n
),
work_trees AS MATERIALIZED (
  SELECT git_activity_id, session_id, top || '/' AS top, '' AS inner_folder FROM folders WHERE is_own = (commit_cwd IS NULL)
  UNION
  SELECT git_activity_id, session_id, '', CASE inner_folder WHEN '' THEN '' ELSE inner_folder || '/' END FROM folders
  WHERE is_own AND (commit_cwd IS NULL OR starts_with(commit_cwd || '/', top || '/'))
),
written AS MATERIALIZED (
  SELECT DISTINCT ON (c.git_activity_id, c.session_id) c.git_activity_id, c.session_id, t.touched_at, f.path
  FROM compared c
  JOIN changed f ON f.git_activity_id = c.git_activity_id
  JOIN work_trees w ON w.git_activity_id = c.git_activity_id AND w.session_id = c.session_id
  AND starts_with(f.path, w.inner_folder)
  CROSS JOIN LATERAL (
    SELECT t.touched_at FROM file_touches t
    WHERE t.session_id = c.session_id AND t.path = w.top || substr(f.path, length(w.inner_folder) + 1)
    AND t.writes > 0 AND t.touched_at <= c.timestamp
    AND NOT EXISTS (
      SELECT FROM tool_calls k WHERE k.session_id = t.session_id AND k.call_id = t.call_id AND k.is_copy
    )
    ORDER BY t.touched_at DESC LIMIT 1
  ) t
  ORDER BY c.git_activity_id, c.session_id, t.touched_at DESC, f.path
),
replaced AS MATERIALIZED (
  SELECT DISTINCT ON (a.id, m.session_id) a.id AS git_activity_id, m.session_id, o.timestamp AS at, o.commit_sha AS sha
  FROM (
    SELECT * FROM activity a
    WHERE session_inferred AND sha IS NOT NULL AND NOT EXISTS (SELECT FROM printed WHERE git_activity_id = a.id) OFFSET 0
  ) a
  CROSS JOIN LATERAL (
    WITH RECURSIVE former (sha, depth) AS (
      SELECT a.sha, 0
      UNION
      SELECT r.sha, depth + 1 FROM former
      CROSS JOIN LATERAL (
        SELECT lower(pair ->> 'old') AS sha
        FROM (
          SELECT e.workspace_id, e.data -> 'pairs' AS pairs FROM events e
          WHERE lower(e.type) = 'git.rewrite' AND e.data -> 'pairs' @> jsonb_build_array(jsonb_build_object('new', former.sha)) OFFSET 0
        ) e
        CROSS JOIN LATERAL jsonb_array_elements(e.pairs) AS pair
        WHERE e.workspace_id = a.workspace_id AND pair ->> 'new' = former.sha) r
      WHERE depth < $13::integer
    )
    SELECT DISTINCT sha FROM (SELECT sha FROM former WHERE depth > 0 LIMIT $14) f WHERE sha <> a.sha) former
  CROSS JOIN LATERAL (SELECT * FROM git_activity WHERE commit_sha = former.sha OFFSET 0) o
  CROSS JOIN LATERAL (SELECT * FROM git_matches WHERE git_activity_id = o.id OFFSET 0) m
  CROSS JOIN LATERAL (SELECT FROM sessions WHERE id = m.session_id AND deleted_at IS NULL OFFSET 0) s
  WHERE o.workspace_id = a.workspace_id AND m.grade IN ('exact', 'evidence') AND NOT starts_with(m.why, $15)
  ORDER BY a.id, m.session_id, o.timestamp DESC, o.id DESC
),
graded AS MATERIALIZED (
  SELECT DISTINCT ON (git_activity_id, session_id) git_activity_id, session_id, strength, at,
  left(why, $16) AS why
  FROM (
    SELECT a.id AS git_activity_id, s.id AS session_id, 0 AS strength, a.timestamp AS at, 'the event names the session' AS why
    FROM activity a JOIN sessions s ON s.id = a.session_id AND s.deleted_at IS NULL WHERE NOT a.session_inferred
    UNION ALL
    SELECT git_activity_id, session_id, 1, called_at, 'call ' || call_id || ' printed ' || sha FROM printed
    UNION ALL
    SELECT d.git_activity_id, d.session_id, 2, w.touched_at, 'the session wrote ' || w.path || ' before'
    FROM written w JOIN during d USING (git_activity_id, session_id)
    UNION ALL
    SELECT git_activity_id, session_id, 3, at, $17::text || sha FROM replaced
    UNION ALL
    SELECT git_activity_id, session_id, 4, started_at, 'same workspace and device, during the session' FROM during
  ) AS reasons
  ORDER BY git_activity_id, session_id, strength
),
wanted AS MATERIALIZED (
  SELECT graded.git_activity_id, graded.session_id, graded.why, a.timestamp,
  CASE graded.strength WHEN 2 THEN 'evidence' WHEN 3 THEN 'evidence' WHEN 4 THEN 'possible' ELSE 'exact' END AS grade
  FROM graded JOIN activity a ON a.id = graded.git_activity_id
),
known AS MATERIALIZED (
  SELECT m.* FROM activity a CROSS JOIN LATERAL (
    SELECT ctid AS place, * FROM git_matches WHERE git_activity_id = a.id OFFSET 0
  ) m
),
stale AS MATERIALIZED (
  SELECT k.place FROM known k WHERE NOT EXISTS (
    SELECT FROM wanted w WHERE w.git_activity_id = k.git_activity_id AND w.session_id = k.session_id
  )
),
missing AS MATERIALIZED (
  SELECT w.git_activity_id, w.session_id, w.grade, w.why, w.timestamp
  FROM wanted w LEFT JOIN known k ON k.git_activity_id = w.git_activity_id AND k.session_id = w.session_id
  WHERE (k.grade, k.why) IS DISTINCT FROM (w.grade, w.why)
),
best AS (
  SELECT DISTINCT ON (git_activity_id) git_activity_id, session_id FROM graded WHERE strength < 4
  ORDER BY git_activity_id, strength, at DESC, session_id
),
untied AS MATERIALIZED (
  SELECT a.id, tie.session_id
  FROM activity a LEFT JOIN best ON best.git_activity_id = a.id
  CROSS JOIN LATERAL (SELECT CASE WHEN a.session_inferred THEN best.session_id ELSE a.session_id END AS session_id) tie
  WHERE a.session_id IS DISTINCT FROM tie.session_id OR a.matched_to IS DISTINCT FROM coalesce(tie.session_id, '')
),
deleted_matches AS (DELETE FROM git_matches WHERE ctid = ANY (ARRAY(SELECT place FROM stale))),
written_matches AS (
  INSERT INTO git_matches (git_activity_id, session_id, grade, why, timestamp)
  SELECT * FROM missing ORDER BY git_activity_id, session_id
  ON CONFLICT (git_activity_id, session_id) DO UPDATE SET grade = excluded.grade, why = excluded.why
),
tied AS (
  UPDATE git_activity g SET session_id = u.session_id, matched_to = coalesce(u.session_id, '') FROM untied u WHERE g.id = u.id
)
SELECT (SELECT count(*) FROM stale)::int + (SELECT count(*) FROM missing)::int
+ (SELECT count(*) FROM untied)::int AS differing;

-- Round, git activity
WITH
activity AS MATERIALIZED (
  SELECT id, workspace_id, device_id, session_id, matched_to, session_inferred, lower(commit_sha) AS sha, timestamp,
  jsonb_typeof(data -> 'file_list') = 'array' AS has_files
  FROM git_activity WHERE id = ANY($1)
),
printed AS MATERIALIZED (
  SELECT DISTINCT ON (a.id, t.session_id) a.id AS git_activity_id, t.session_id, t.call_id, t.called_at, p.sha
  FROM activity a
  CROSS JOIN LATERAL (
    SELECT * FROM tool_calls
    WHERE commits <> '{}' AND commit_beginnings(commits) @> ARRAY[left(a.sha, $2)] AND NOT is_copy OFFSET 0
  ) t
  JOIN sessions s ON s.id = t.session_id AND s.workspace_id = a.workspace_id AND s.deleted_at IS NULL
  CROSS JOIN LATERAL (
    SELECT max(sha) AS sha FROM unnest(t.commits) AS sha
    WHERE length(sha) BETWEEN $3 AND $4 AND starts_with(a.sha, sha)
  ) p
  WHERE p.sha IS NOT NULL AND
  a.timestamp BETWEEN t.called_at - make_interval(secs => $5)
  AND coalesce(t.returned_at, t.called_at) + make_interval(secs => $6)
  ORDER BY a.id, t.session_id, t.called_at DESC, t.call_id
),
during AS MATERIALIZED (
  SELECT a.id AS git_activity_id, a.timestamp, a.has_files, s.id AS session_id, s.started_at, s.cwd
  FROM activity a
  CROSS JOIN LATERAL (
    SELECT * FROM (
      SELECT id, started_at, ended_at, metadata ->> 'cwd' AS cwd FROM sessions
      WHERE workspace_id = a.workspace_id AND device_id BETWEEN a.device_id AND a.device_id
      AND deleted_at IS NULL AND started_at <= a.timestamp
      ORDER BY device_id, started_at DESC, id DESC LIMIT $7
    ) AS earlier
    WHERE a.timestamp <= coalesce(ended_at, now() + make_interval(secs => $8))
    ORDER BY started_at DESC, id DESC LIMIT $9
  ) s
  WHERE a.session_inferred AND NOT EXISTS (SELECT FROM printed WHERE printed.git_activity_id = a.id)
),
compared AS MATERIALIZED (
  SELECT d.*, g.data ->> 'cwd' AS commit_cwd FROM during d JOIN git_activity g ON g.id = d.git_activity_id
  WHERE d.has_files AND EXISTS (SELECT FROM file_touches t WHERE t.session_id = d.session_id AND t.writes > 0)
),
changed AS MATERIALIZED (
  SELECT g.id AS git_activity_id, f.path
  FROM (SELECT DISTINCT git_activity_id AS id FROM compared) c JOIN git_activity g USING (id)
  CROSS JOIN LATERAL (
    SELECT value ->> 'path' AS path FROM jsonb_array_elements(g.data -> 'file_list') LIMIT $10
  ) f
),
folders AS MATERIALIZED (
  SELECT c.git_activity_id, c.session_id, c.commit_cwd, places.is_own, array_to_string(p.parts[1:n], '/') AS top,
  array_to_string(p.parts[n + 1:], '/') AS inner_folder
  FROM compared c
  CROSS JOIN LATERAL (
    SELECT c.commit_cwd AS place, false AS is_own
    UNION
    SELECT c.cwd, true
    UNION
    (SELECT DISTINCT f.data ->> 'cwd', true FROM transcript_facts f
      WHERE f.session_id = c.session_id AND f.fact = 'place' ORDER BY 1 LIMIT $11)
  ) places
  CROSS JOIN LATERAL (SELECT string_to_array(rtrim(places.place, '/'), '/') AS parts) p
  CROSS JOIN LATERAL generate_series(1, least(cardinality(p.parts), $12::int)) AS n
),
work_trees AS MATERIALIZED (
  SELECT git_activity_id, session_id, top || '/' AS top, '' AS inner_folder FROM folders WHERE is_own = (commit_cwd IS NULL)
  UNION
  SELECT git_activity_id, session_id, '', CASE inner_folder WHEN '' THEN '' ELSE inner_folder || '/' END FROM folders
  WHERE is_own AND (commit_cwd IS NULL OR starts_with(commit_cwd || '/', top || '/'))
),
written AS MATERIALIZED (
  SELECT DISTINCT ON (c.git_activity_id, c.session_id) c.git_activity_id, c.session_id, t.touched_at, f.path
  FROM compared c
  JOIN changed f ON f.git_activity_id = c.git_activity_id
  JOIN work_trees w ON w.git_activity_id = c.git_activity_id AND w.session_id = c.session_id
  AND starts_with(f.path, w.inner_folder)
  CROSS JOIN LATERAL (
    SELECT t.touched_at FROM file_touches t
    WHERE t.session_id = c.session_id AND t.path = w.top || substr(f.path, length(w.inner_folder) + 1)
    AND t.writes > 0 AND t.touched_at <= c.timestamp
    AND NOT EXISTS (
      SELECT FROM tool_calls k WHERE k.session_id = t.session_id AND k.call_id = t.call_id AND k.is_copy
    )
    ORDER BY t.touched_at DESC LIMIT 1
  ) t
  ORDER BY c.git_activity_id, c.session_id, t.touched_at DESC, f.path
),
replaced AS MATERIALIZED (
  SELECT DISTINCT ON (a.id, m.session_id) a.id AS git_activity_id, m.session_id, o.timestamp AS at, o.commit_sha AS sha
  FROM (
    SELECT * FROM activity a
    WHERE session_inferred AND sha IS NOT NULL AND NOT EXISTS (SELECT FROM printed WHERE git_activity_id = a.id) OFFSET 0
  ) a
  CROSS JOIN LATERAL (
    WITH RECURSIVE former (sha, depth) AS (
      SELECT a.sha, 0
      UNION
      SELECT r.sha, depth + 1 FROM former
      CROSS JOIN LATERAL (
        SELECT lower(pair ->> 'old') AS sha
        FROM (
          SELECT e.workspace_id, e.data -> 'pairs' AS pairs FROM events e
          WHERE lower(e.type) = 'git.rewrite' AND e.data -> 'pairs' @> jsonb_build_array(jsonb_build_object('new', former.sha)) OFFSET 0
        ) e
        CROSS JOIN LATERAL jsonb_array_elements(e.pairs) AS pair
        WHERE e.workspace_id = a.workspace_id AND pair ->> 'new' = former.sha) r
      WHERE depth < $13::integer
    )
    SELECT DISTINCT sha FROM (SELECT sha FROM former WHERE depth > 0 LIMIT $14) f WHERE sha <> a.sha) former
  CROSS JOIN LATERAL (SELECT * FROM git_activity WHERE commit_sha = former.sha OFFSET 0) o
  CROSS JOIN LATERAL (SELECT * FROM git_matches WHERE git_activity_id = o.id OFFSET 0) m
  CROSS JOIN LATERAL (SELECT FROM sessions WHERE id = m.session_id AND deleted_at IS NULL OFFSET 0) s
  WHERE o.workspace_id = a.workspace_id AND m.grade IN ('exact', 'evidence') AND NOT starts_with(m.why, $15)
  ORDER BY a.id, m.session_id, o.timestamp DESC, o.id DESC
),
graded AS MATERIALIZED (
  SELECT DISTINCT ON (git_activity_id, session_id) git_activity_id, session_id, strength, at,
  left(why, $16) AS why
  FROM (
    SELECT a.id AS git_activity_id, s.id AS session_id, 0 AS strength, a.timestamp AS at, 'the event names the session' AS why
    FROM activity a JOIN sessions s ON s.id = a.session_id AND s.deleted_at IS NULL WHERE NOT a.session_inferred
    UNION ALL
    SELECT git_activity_id, session_id, 1, called_at, 'call ' || call_id || ' printed ' || sha FROM printed
    UNION ALL
    SELECT d.git_activity_id, d.session_id, 2, w.touched_at, 'the session wrote ' || w.path || ' before'
    FROM written w JOIN during d USING (git_activity_id, session_id)
    UNION ALL
    SELECT git_activity_id, session_id, 3, at, $17::text || sha FROM replaced
    UNION ALL
    SELECT git_activity_id, session_id, 4, started_at, 'same workspace and device, during the session' FROM during
  ) AS reasons
  ORDER BY git_activity_id, session_id, strength
),
wanted AS MATERIALIZED (
  SELECT graded.git_activity_id, graded.session_id, graded.why, a.timestamp,
  CASE graded.strength WHEN 2 THEN 'evidence' WHEN 3 THEN 'evidence' WHEN 4 THEN 'possible' ELSE 'exact' END AS grade
  FROM graded JOIN activity a ON a.id = graded.git_activity_id
),
known AS MATERIALIZED (
  SELECT m.* FROM activity a CROSS JOIN LATERAL (
    SELECT ctid AS place, * FROM git_matches WHERE git_activity_id = a.id OFFSET 0
  ) m
),
stale AS MATERIALIZED (
  SELECT k.place FROM known k WHERE NOT EXISTS (
    SELECT FROM wanted w WHERE w.git_activity_id = k.git_activity_id AND w.session_id = k.session_id
  )
),
missing AS MATERIALIZED (
  SELECT w.git_activity_id, w.session_id, w.grade, w.why, w.timestamp
  FROM wanted w LEFT JOIN known k ON k.git_activity_id = w.git_activity_id AND k.session_id = w.session_id
  WHERE (k.grade, k.why) IS DISTINCT FROM (w.grade, w.why)
),
best AS (
  SELECT DISTINCT ON (git_activity_id) git_activity_id, session_id FROM graded WHERE strength < 4
  ORDER BY git_activity_id, strength, at DESC, session_id
),
untied AS MATERIALIZED (
  SELECT a.id, tie.session_id
  FROM activity a LEFT JOIN best ON best.git_activity_id = a.id
  CROSS JOIN LATERAL (SELECT CASE WHEN a.session_inferred THEN best.session_id ELSE a.session_id END AS session_id) tie
  WHERE a.session_id IS DISTINCT FROM tie.session_id OR a.matched_to IS DISTINCT FROM coalesce(tie.session_id, '')
),
deleted_matches AS (DELETE FROM git_matches WHERE ctid = ANY (ARRAY(SELECT place FROM stale))),
written_matches AS (
  INSERT INTO git_matches (git_activity_id, session_id, grade, why, timestamp)
  SELECT * FROM missing ORDER BY git_activity_id, session_id
  ON CONFLICT (git_activity_id, session_id) DO UPDATE SET grade = excluded.grade, why = excluded.why
),
tied AS (
  UPDATE git_activity g SET session_id = u.session_id, matched_to = coalesce(u.session_id, '') FROM untied u WHERE g.id = u.id
)
SELECT (SELECT count(*) FROM stale)::int + (SELECT count(*) FROM missing)::int
+ (SELECT count(*) FROM untied)::int AS differing;

-- Round, at its end
WITH done AS (DELETE FROM projection_queue WHERE id = ANY($1::bigint[]))
INSERT INTO projection_queue (event_ids, attempts, last_error, next_retry_at)
SELECT ARRAY(SELECT jsonb_array_elements_text(event_ids)), attempts, last_error,
CASE WHEN retry_in_s IS NULL THEN 'infinity' ELSE now() + make_interval(secs => retry_in_s) END
FROM jsonb_to_recordset(($2::text)::jsonb)
AS l (event_ids jsonb, attempts integer, last_error text, retry_in_s integer)
RETURNING id::text, event_ids, attempts, last_error;

-- Retry
UPDATE projection_queue SET next_retry_at = now() + make_interval(secs => $1)
WHERE id IN (
  SELECT id FROM projection_queue WHERE next_retry_at <= now()
  ORDER BY next_retry_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING id::text, event_ids, attempts, session_id, after_id;
