import { DEFAULT_DEVICE_TYPE, UNKNOWN_DEVICE_NAME, UNKNOWN_LOCAL_PATH } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";

/**
 * The parents of `stored` events that do not exist yet: devices without a name, their links to workspaces, and stubs of sessions,
 * which are counted when a round has projected them. Sorted, so that concurrent flushes cannot deadlock.
 */
export function newParentRows(sql: Sql): Fragment {
  return sql`
    device_rows AS (
      INSERT INTO devices (id, name, type)
      SELECT DISTINCT device_id, ${UNKNOWN_DEVICE_NAME}, ${DEFAULT_DEVICE_TYPE} FROM stored ORDER BY device_id
      ON CONFLICT (id) DO NOTHING
      RETURNING id
    ),
    link_rows AS (
      INSERT INTO workspace_devices (workspace_id, device_id, local_path)
      SELECT DISTINCT workspace_id, device_id, ${UNKNOWN_LOCAL_PATH} FROM stored ORDER BY workspace_id, device_id
      ON CONFLICT (workspace_id, device_id) DO NOTHING
    ),
    session_rows AS (
      INSERT INTO sessions (id, workspace_id, device_id, started_at, is_counted)
      SELECT DISTINCT ON (session_id) session_id, workspace_id, device_id, timestamp, false
      FROM stored WHERE session_id IS NOT NULL ORDER BY session_id, timestamp, id
      ON CONFLICT (id) DO NOTHING
      RETURNING id
    )`;
}
