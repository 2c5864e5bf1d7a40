import { UNASSOCIATED_WORKSPACE, UNKNOWN_LOCAL_PATH } from "@wharf/protocol";
import { sessionChange } from "../../ingest/change-log.ts";
import { resolveWorkspaces } from "../../ingest/workspaces.ts";
import type { Sql } from "../../postgres.ts";

/** Gives a session of which nothing but files is known, and no file's sender named a workspace, that of its files' git remote. */
export async function placeSession(sql: Sql, session_id: string, canonical_id: string): Promise<void> {
  const unplaced = sql`
    s.id = ${session_id} AND s.has_only_files AND s.deleted_at IS NULL AND s.workspace_id = (
      SELECT id FROM workspaces WHERE canonical_id = ${UNASSOCIATED_WORKSPACE}
    )`;
  const found = await sql`SELECT FROM sessions s WHERE ${unplaced}`;
  if (found.length === 0) return;
  const workspace_id = (await resolveWorkspaces(sql, [canonical_id])).get(canonical_id) ?? null;
  await sql`
    WITH patched AS (
      UPDATE sessions s SET workspace_id = ${workspace_id}, updated_at = now() WHERE ${unplaced}
      RETURNING s.id, s.workspace_id, s.device_id
    ),
    link AS (
      INSERT INTO workspace_devices (workspace_id, device_id, local_path)
      SELECT workspace_id, device_id, ${UNKNOWN_LOCAL_PATH} FROM patched ON CONFLICT (workspace_id, device_id) DO NOTHING
    ),
    change AS (${sessionChange(sql)})
    SELECT`;
}
