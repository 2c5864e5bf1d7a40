import { isForeignKeyViolation } from "../database-errors.ts";
import { type DeleteInPieces, type DeletionOptions, rowsOf } from "../delete-in-pieces.ts";
import type { Sql } from "../postgres.ts";

const TABLES_OF_WORKSPACES = [
  "events",
  "git_activity",
  "workspace_devices",
  "session_totals",
  "git_totals",
] as const;

/** Whether sessions, also those whose deletion is not finished, environments or blueprints belong to a workspace. */
export async function isWorkspaceUsed(sql: Sql, id: string): Promise<boolean> {
  const [row] = await sql<{ is_used: boolean }[]>`
    SELECT EXISTS (SELECT FROM sessions WHERE workspace_id = ${id})
      OR EXISTS (SELECT FROM remote_envs WHERE workspace_id = ${id})
      OR EXISTS (SELECT FROM blueprints WHERE workspace_id = ${id}) AS is_used`;
  return row?.is_used === true;
}

/**
 * Deletes a workspace that nothing uses, with its git activity, its events that name no session, and its settings. Continues where an
 * earlier call ended. `unfinished`: the signal was aborted before. `used`: a session began meanwhile.
 */
export async function deleteWorkspace(
  deleteInPieces: DeleteInPieces,
  id: string,
  options: DeletionOptions,
): Promise<"deleted" | "unfinished" | "used"> {
  for (const table of TABLES_OF_WORKSPACES)
    if (!(await deleteInPieces(rowsOf(table, "workspace_id", id), options))) return "unfinished";
  try {
    return (await deleteInPieces((sql) => deleteWorkspaceRow(sql, id), options)) ? "deleted" : "unfinished";
  } catch (error) {
    if (isForeignKeyViolation(error)) return "used";
    throw error;
  }
}

async function deleteWorkspaceRow(sql: Sql, id: string): Promise<number> {
  const { count } = await sql`
    WITH totals AS (DELETE FROM parent_totals WHERE parent = 'workspace' AND id = ${id})
    DELETE FROM workspaces WHERE id = ${id}`;
  return count;
}
