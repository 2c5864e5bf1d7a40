import type { Sql } from "./postgres.ts";

export const LAST_ACTIVE_INTERVAL_S = 30;

/** What `stored` events do to workspace_devices: which device works on which workspace, and where on its disk. */
export function workspaceDeviceRows(sql: Sql) {
  return sql`
    link_input AS (
      SELECT workspace_id, device_id,
        (array_agg(data ->> 'cwd' ORDER BY timestamp DESC, id DESC)
          FILTER (WHERE type = 'session.start' AND data ->> 'cwd' <> ''))[1] AS local_path,
        bool_or(type = 'system.hooks.installed') AS hooks_installed
      FROM stored GROUP BY workspace_id, device_id
    ),
    link_rows AS (
      INSERT INTO workspace_devices AS link (workspace_id, device_id, local_path, hooks_installed)
      SELECT i.workspace_id, i.device_id, coalesce(i.local_path, 'unknown'), i.hooks_installed
      FROM link_input i
      LEFT JOIN workspace_devices known ON known.workspace_id = i.workspace_id AND known.device_id = i.device_id
      WHERE known.device_id IS NULL
        OR known.last_active_at < now() - make_interval(secs => ${LAST_ACTIVE_INTERVAL_S})
        OR known.local_path <> i.local_path
        OR (i.hooks_installed AND NOT known.hooks_installed)
      ORDER BY i.workspace_id, i.device_id
      ON CONFLICT (workspace_id, device_id) DO UPDATE SET
        local_path = CASE WHEN excluded.local_path = 'unknown' THEN link.local_path ELSE excluded.local_path END,
        hooks_installed = link.hooks_installed OR excluded.hooks_installed,
        last_active_at = now()
    )`;
}
