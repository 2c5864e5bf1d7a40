import type { Fragment, Sql } from "../postgres.ts";

/** Which workspaces, devices and sessions the `stored` events are of: one row, gathered once for all that ask. */
export function touchedRow(sql: Sql): Fragment {
  return sql`
    touched AS MATERIALIZED (
      SELECT count(*)::int AS stored_count, array_agg(id) AS event_ids, array_agg(DISTINCT workspace_id) AS workspace_ids,
        array_agg(DISTINCT device_id) AS device_ids,
        coalesce(array_agg(DISTINCT session_id) FILTER (WHERE session_id IS NOT NULL), '{}') AS session_ids
      FROM stored
    )`;
}

/** One row a flush, not one an event, for those who read live: what `touched` says of it. */
export function changeLogRow(sql: Sql): Fragment {
  return sql`
    change_rows AS (
      INSERT INTO change_log (kind, event_count, event_ids, session_ids, workspace_ids, is_counted)
      SELECT 'events', stored_count, event_ids, session_ids, workspace_ids, true FROM touched WHERE stored_count > 0
    )`;
}

/** One row for all sessions that were `patched`, if there are any. */
export function sessionChange(sql: Sql, kind: "session" | "sessions_ended" = "session"): Fragment {
  return sql`
    INSERT INTO change_log (kind, session_ids, workspace_ids)
    SELECT ${kind}::text, array_agg(id), array_agg(DISTINCT workspace_id) FROM patched HAVING count(*) > 0`;
}

/** One row for jobs that have changed; without ids, of any job. */
export async function noteChangedJobs(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql`INSERT INTO change_log (kind, ids) VALUES ('job', ${[...ids]}::text[])`;
}

/** A row to begin at, in a database where nothing has changed yet. */
export async function beginChangeLog(sql: Sql): Promise<void> {
  await sql`INSERT INTO change_log (kind) SELECT 'begin' WHERE NOT EXISTS (SELECT FROM change_log)`;
}

/** The channel of change_log; a trigger sends the same for every row that no flush wrote. */
export const CHANGE_CHANNEL = "wharf_change";

/** Wakes the live readers of all processes. */
export async function notifyChange(sql: Sql): Promise<void> {
  await sql`SELECT pg_notify(${CHANGE_CHANNEL}, '')`;
}
