import { canonicalWorkspaceId } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";

export type WorkspaceName = { id: string; canonical_id: string; display_name: string };

/**
 * Rows of the workspaces that an id, a canonical id, a git remote in any form or a display name may mean; all but a name mean at most
 * one. Only where nothing is spelled like that, the case of letters is ignored.
 */
export function referencedWorkspaces(sql: Sql, reference: string, limit: number): Fragment {
  const canonical = canonicalWorkspaceId(reference) ?? reference;
  return sql`(
    WITH by_id AS (SELECT * FROM workspaces WHERE id = ${reference} OR canonical_id = ${canonical}),
    by_name AS (SELECT * FROM workspaces WHERE display_name = ${reference} LIMIT ${limit}),
    any_case AS (
      SELECT * FROM workspaces
      WHERE lower(canonical_id) = lower(${canonical}) OR lower(display_name) = lower(${reference})
      LIMIT ${limit}
    )
    SELECT * FROM by_id
    UNION ALL SELECT * FROM by_name WHERE NOT EXISTS (SELECT FROM by_id)
    UNION ALL SELECT * FROM any_case WHERE NOT EXISTS (SELECT FROM by_id) AND NOT EXISTS (SELECT FROM by_name)
  )`;
}

export async function listReferencedWorkspaces(
  sql: Sql,
  reference: string,
  limit: number,
): Promise<WorkspaceName[]> {
  return await sql<WorkspaceName[]>`
    SELECT id, canonical_id, display_name FROM ${referencedWorkspaces(sql, reference, limit)} AS w ORDER BY canonical_id`;
}
