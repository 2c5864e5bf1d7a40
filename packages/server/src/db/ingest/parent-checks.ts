import type { Database } from "../database.ts";
import { errorCode } from "../database-errors.ts";
import type { Fragment, Sql } from "../postgres.ts";

const INSUFFICIENT_PRIVILEGE = "42501";
const PROTOCOL_VIOLATION = "08P01";

/**
 * Checks once for all that is `touched` what foreign keys check for each row: that the parents are there, and stay until the commit.
 * An expression without a value. Parents that the statement itself has written (`device_rows`, `session_rows`) need no check; naming
 * them here makes the statement write them first. Raises SQLSTATE 23503 for a parent that is missing, 55P03 while a transaction
 * deletes one, 55000 when a trigger would not fire.
 */
export function holdParents(sql: Sql, areParentsWritten: boolean): Fragment {
  const withoutWritten = (rows: Fragment) => (areParentsWritten ? sql`EXCEPT SELECT id FROM ${rows}` : sql``);
  return sql`hold_parents(
    workspace_ids,
    ARRAY(SELECT unnest(device_ids) ${withoutWritten(sql`device_rows`)}),
    ARRAY(SELECT unnest(session_ids) ${withoutWritten(sql`session_rows`)})
  )`;
}

type Parents = { workspace_id: string; device_id: string; session_id: string | null };

/** The ids of those parents of events that a foreign key cannot lock now, because a transaction changes or deletes them. */
export async function findLockedParents(sql: Sql, events: readonly Parents[]): Promise<string[]> {
  const sessions = [...new Set(events.flatMap(({ session_id }) => session_id ?? []))];
  const devices = [...new Set(events.map(({ device_id }) => device_id))];
  const workspaces = [...new Set(events.map(({ workspace_id }) => workspace_id))];
  const rows = await sql<{ id: string }[]>`
    WITH free_sessions AS MATERIALIZED (SELECT id FROM sessions WHERE id = ANY(${sessions}) FOR KEY SHARE SKIP LOCKED),
    free_devices AS MATERIALIZED (SELECT id FROM devices WHERE id = ANY(${devices}) FOR KEY SHARE SKIP LOCKED),
    free_workspaces AS MATERIALIZED (SELECT id FROM workspaces WHERE id = ANY(${workspaces}) FOR KEY SHARE SKIP LOCKED)
    (SELECT id FROM sessions WHERE id = ANY(${sessions}) EXCEPT SELECT id FROM free_sessions)
    UNION ALL (SELECT id FROM devices WHERE id = ANY(${devices}) EXCEPT SELECT id FROM free_devices)
    UNION ALL (SELECT id FROM workspaces WHERE id = ANY(${workspaces}) EXCEPT SELECT id FROM free_workspaces)`;
  return rows.map(({ id }) => id);
}

/**
 * Why the connections of `flushes` cannot leave foreign keys to the statement, and what to do about it; null if they can. A restore
 * with --disable-triggers leaves triggers behind that would no longer fire.
 */
export async function obstacleToChecksBySet(flushes: Database): Promise<string | null> {
  try {
    const triggers = await flushes.run(
      (sql) => sql<{ name: string; table: string }[]>`
        SELECT tgname AS name, tgrelid::regclass::text AS "table" FROM pg_trigger
        WHERE tgrelid = ANY (ARRAY[
          'events', 'sessions', 'devices', 'workspaces', 'workspace_devices', 'git_activity', 'change_log', 'ingest_notes',
          'session_tombstones', 'projection_queue'
        ]::regclass[]) AND NOT tgisinternal AND tgenabled <> 'A'
        ORDER BY 2, 1`,
    );
    if (triggers.length === 0) return null;
    const repairs = triggers.map(({ name, table }) => `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${name}`);
    return `triggers would not fire: ${repairs.join("; ")}`;
  } catch (error) {
    if (errorCode(error) === INSUFFICIENT_PRIVILEGE)
      return "the database role may not set session_replication_role; run as a superuser: GRANT SET ON PARAMETER session_replication_role TO <that role>";
    if (errorCode(error) === PROTOCOL_VIOLATION)
      return "a pooler does not support session_replication_role: set DATABASE_URL to Postgres directly";
    throw error;
  }
}
