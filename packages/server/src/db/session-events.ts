import type { GitActivity, StoredEvent } from "@wharf/protocol";
import type { Sql } from "./postgres.ts";

/** The last row of the page before: its timestamp with microseconds, and its id. */
type Position = readonly [timestamp: string, id: string] | null;

/** A session's events, oldest first: those that name it, and the git events that were found to belong to it. */
export async function listSessionEvents(
  sql: Sql,
  sessionId: string,
  position: Position,
  limit: number,
): Promise<StoredEvent[]> {
  const after = (table: string) =>
    position === null
      ? sql``
      : sql`AND (${sql(table)}.timestamp, ${sql(table)}.id) > (${position[0]}, ${position[1]})`;
  return await sql<StoredEvent[]>`
    SELECT * FROM (
      (SELECT e.* FROM events e WHERE e.session_id = ${sessionId} ${after("e")}
       ORDER BY e.timestamp, e.id LIMIT ${limit})
      UNION ALL
      (SELECT e.* FROM git_activity g JOIN events e ON e.id = g.id
       WHERE g.session_id = ${sessionId} AND g.session_inferred ${after("g")}
       ORDER BY g.timestamp, g.id LIMIT ${limit})
    ) found
    ORDER BY timestamp, id LIMIT ${limit}`;
}

/** A session's git activity, oldest first. */
export async function listSessionGit(
  sql: Sql,
  sessionId: string,
  position: Position,
  limit: number,
): Promise<GitActivity[]> {
  return await sql<GitActivity[]>`
    SELECT * FROM git_activity
    WHERE session_id = ${sessionId}
      ${position === null ? sql`` : sql`AND (timestamp, id) > (${position[0]}, ${position[1]})`}
    ORDER BY timestamp, id LIMIT ${limit}`;
}
