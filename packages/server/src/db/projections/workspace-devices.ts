import { HOOKS_INSTALLED, SESSION_START, UNKNOWN_LOCAL_PATH } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import { storedEvents } from "./stored-events.ts";

/** Their `cwd` is where the device keeps the workspace. */
const PLACING = [SESSION_START, "git.commit"];
const LAST_ACTIVE_INTERVAL_S = 30;

/** In ON CONFLICT DO UPDATE of workspace_devices AS link: the path of the latest event, in any order of arrival. */
export function laterPath(sql: Sql): Fragment {
  return sql`(local_path, local_path_at) = (
    SELECT local_path, local_path_at
    FROM (VALUES (link.local_path, link.local_path_at), (excluded.local_path, excluded.local_path_at))
      AS said (local_path, local_path_at)
    ORDER BY local_path_at DESC NULLS LAST, local_path = ${UNKNOWN_LOCAL_PATH}, local_path DESC LIMIT 1
  )`;
}

/**
 * What these events mean to the links of workspaces and devices: where the device keeps the workspace, whether it has hooks, and when
 * it was last active there.
 */
export async function projectLinks(sql: Sql, eventIds: readonly string[]): Promise<void> {
  await sql`
    WITH ${storedEvents(sql, eventIds)},
    paths AS (
      SELECT DISTINCT ON (workspace_id, device_id) workspace_id, device_id, data ->> 'cwd' AS local_path, timestamp
      FROM stored WHERE type = ANY (${PLACING}::text[]) AND data ->> 'cwd' <> ''
      ORDER BY workspace_id, device_id, timestamp DESC, data ->> 'cwd' DESC
    ),
    links AS (
      SELECT workspace_id, device_id, bool_or(type = ${HOOKS_INSTALLED}) AS hooks_installed, max(ingested_at) AS heard_at
      FROM stored GROUP BY workspace_id, device_id
    )
    INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, local_path_at, hooks_installed, last_active_at)
    SELECT l.workspace_id, l.device_id, coalesce(p.local_path, ${UNKNOWN_LOCAL_PATH}), p.timestamp, l.hooks_installed, l.heard_at
    FROM links l
    LEFT JOIN paths p ON p.workspace_id = l.workspace_id AND p.device_id = l.device_id
    LEFT JOIN LATERAL (
      SELECT * FROM workspace_devices w WHERE w.workspace_id = l.workspace_id AND w.device_id = l.device_id OFFSET 0
    ) known ON true
    WHERE known.device_id IS NULL
      OR known.last_active_at < l.heard_at - make_interval(secs => ${LAST_ACTIVE_INTERVAL_S})
      OR (p.timestamp, p.local_path) > (known.local_path_at, known.local_path)
      OR (p.timestamp IS NOT NULL AND known.local_path_at IS NULL)
      OR (l.hooks_installed AND NOT known.hooks_installed)
    ORDER BY l.workspace_id, l.device_id
    ON CONFLICT (workspace_id, device_id) DO UPDATE SET
      ${laterPath(sql)},
      hooks_installed = link.hooks_installed OR excluded.hooks_installed,
      last_active_at = greatest(link.last_active_at, excluded.last_active_at)`;
}
