import type { Sql } from "../postgres.ts";

/**
 * Counts sessions that flushes have stored: from now on the triggers of `sessions` keep the totals that they are part of. Waits for
 * locked sessions, because no later round would count them.
 */
export async function countSessions(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql`
    UPDATE sessions SET is_counted = true
    WHERE id IN (
      SELECT id FROM sessions WHERE id = ANY(${ids}) AND NOT is_counted ORDER BY id FOR NO KEY UPDATE
    )`;
}
