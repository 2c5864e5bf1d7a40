import type { RedactionFilter } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

/** Ids of up to `limit` sessions that match, after `after`, in their order, but for those of these workspaces. */
export async function findSessionsToRedact(
  sql: Sql,
  filter: RedactionFilter,
  leftOutWorkspaces: readonly string[],
  after: string,
  limit: number,
): Promise<string[]> {
  const { agent, workspace_id, device_id, ids } = filter;
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM sessions
    WHERE id > ${after} AND deleted_at IS NULL AND workspace_id <> ALL (${[...leftOutWorkspaces]}::text[])
      ${agent === undefined ? sql`` : sql`AND agent = ${agent}`}
      ${workspace_id === undefined ? sql`` : sql`AND workspace_id = ${workspace_id}`}
      ${device_id === undefined ? sql`` : sql`AND device_id = ${device_id}`}
      ${ids === undefined ? sql`` : sql`AND id = ANY (${[...ids]}::text[])`}
    ORDER BY id LIMIT ${limit}::integer`;
  return rows.map(({ id }) => id);
}
