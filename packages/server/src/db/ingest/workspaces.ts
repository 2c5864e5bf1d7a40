import { createUlid, workspaceDisplayName } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";

/**
 * The id of each canonical id, made where it is new. DO UPDATE, because after DO NOTHING the loser of a race sees neither
 * row; sorted, because two processes may bring the same ids in different orders.
 */
export async function resolveWorkspaces(
  sql: Sql,
  canonicalIds: readonly string[],
): Promise<Map<string, string>> {
  const wanted = canonicalIds.map((canonical_id) => ({
    id: createUlid(),
    canonical_id,
    display_name: workspaceDisplayName(canonical_id),
  }));
  const rows = await sql<{ id: string; canonical_id: string }[]>`
    INSERT INTO workspaces (id, canonical_id, display_name)
    SELECT id, canonical_id, display_name
    FROM jsonb_to_recordset((${JSON.stringify(wanted)}::text)::jsonb) AS w (id text, canonical_id text, display_name text)
    ORDER BY canonical_id
    ON CONFLICT (canonical_id) DO UPDATE SET canonical_id = excluded.canonical_id
    RETURNING id, canonical_id`;
  return new Map(rows.map((row) => [row.canonical_id, row.id]));
}

/** Which of these workspace ids exist. */
export async function findWorkspaceIds(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`SELECT id FROM workspaces WHERE id = ANY(${ids})`;
  return new Set(rows.map((row) => row.id));
}
