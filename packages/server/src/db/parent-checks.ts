import { errorCode } from "./database-errors.ts";
import type { Sql } from "./postgres.ts";
import type { Fragment } from "./session-facts.ts";

/** Which of the parents' tables the statement itself writes; the rows are in `device_rows` and `session_rows`. */
export type WrittenParents = { devices: boolean; sessions: boolean };

const INSUFFICIENT_PRIVILEGE = "42501";
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * What foreign keys check row by row, for all of `stored` at once: that the parents are there, and stay until the commit. An
 * expression without a value. Parents that the statement itself has written need no check; naming them here makes the statement
 * write them first. Raises SQLSTATE 23503 for a parent that is missing, 55P03 while somebody deletes one.
 */
export function holdParents(sql: Sql, written: WrittenParents): Fragment {
  return sql`hold_parents(
    ARRAY(SELECT DISTINCT workspace_id FROM stored),
    ARRAY(SELECT device_id FROM stored ${written.devices ? sql`EXCEPT SELECT id FROM device_rows` : sql`GROUP BY 1`}),
    ARRAY(
      SELECT session_id FROM stored WHERE session_id IS NOT NULL
      ${written.sessions ? sql`EXCEPT SELECT id FROM session_rows` : sql`GROUP BY 1`}
    )
  )`;
}

/** While a parent is being deleted, the foreign keys have to check. */
export function areParentsBeingDeleted(error: unknown): boolean {
  return errorCode(error) === LOCK_NOT_AVAILABLE;
}

/**
 * Why connections may not leave foreign keys to the statement (DbOptions.foreignKeysByRow), and what to do about it; null if
 * they may. A restore with --disable-triggers leaves triggers behind that would no longer fire.
 */
export async function obstacleToChecksBySet(sql: Sql): Promise<string | null> {
  if (!(await maySetReplicationRole(sql)))
    return "its role may not: GRANT SET ON PARAMETER session_replication_role TO it";
  const triggers = await sql<{ name: string; table: string }[]>`
    SELECT tgname AS name, tgrelid::regclass::text AS "table" FROM pg_trigger
    WHERE tgrelid = ANY (ARRAY[
      'events', 'sessions', 'devices', 'workspaces', 'workspace_devices', 'git_activity', 'change_log', 'ingest_notes'
    ]::regclass[]) AND NOT tgisinternal AND tgenabled <> 'A'
    ORDER BY 2, 1`;
  if (triggers.length === 0) return null;
  const mended = triggers.map(({ name, table }) => `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${name}`);
  return `triggers would not fire: ${mended.join("; ")}`;
}

async function maySetReplicationRole(sql: Sql): Promise<boolean> {
  try {
    await sql.begin(async (transaction) => {
      await transaction`SET LOCAL session_replication_role = replica`;
    });
    return true;
  } catch (error) {
    if (errorCode(error) === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  }
}
