import type { Sql } from "../postgres.ts";

/** Ids and canonical ids of the workspaces in which secrets are kept. */
export async function findUnredactedWorkspaces(sql: Sql): Promise<string[]> {
  const rows = await sql<{ id: string; canonical_id: string }[]>`
    SELECT w.id, w.canonical_id
    FROM (
      SELECT DISTINCT ON (workspace_id) workspace_id, is_redacted FROM redaction_switches ORDER BY workspace_id, id DESC
    ) latest JOIN workspaces w ON w.id = latest.workspace_id
    WHERE NOT latest.is_redacted`;
  return rows.flatMap(({ id, canonical_id }) => [id, canonical_id]);
}
