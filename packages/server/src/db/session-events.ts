import { type GitRow, listGitRows } from "./git-rows.ts";
import { fieldsAsJson, type JsonText, joinJson } from "./json-rows.ts";
import type { Sql } from "./postgres.ts";

/** The last row of the page before: its timestamp with microseconds, and its id. */
type Position = readonly [timestamp: string, id: string] | null;

export type EventRow = { id: string; timestamp: string; json: JsonText };

/** A session's events, oldest first: those that name it, and the git events that were found to belong to it. */
export async function listSessionEvents(
  sql: Sql,
  sessionId: string,
  position: Position,
  limit: number,
): Promise<EventRow[]> {
  const after = (table: string) =>
    position === null
      ? sql``
      : sql`AND (${sql(table)}.timestamp, ${sql(table)}.id) > (${position[0]}, ${position[1]})`;
  const rows = await sql<{ id: string; timestamp: string; ingested_at: string; fields: string }[]>`
    SELECT found.id, found.timestamp, found.ingested_at, ${fieldsAsJson(sql, fields(sql))}
    FROM (
      SELECT * FROM (
        (SELECT e.* FROM events e WHERE e.session_id = ${sessionId} ${after("e")}
         ORDER BY e.timestamp, e.id LIMIT ${limit})
        UNION ALL
        (SELECT e.* FROM git_activity g JOIN events e ON e.id = g.id
         WHERE g.session_id = ${sessionId} AND g.session_inferred ${after("g")}
         ORDER BY g.timestamp, g.id LIMIT ${limit})
      ) either
      ORDER BY timestamp, id LIMIT ${limit}
    ) found
    ORDER BY found.timestamp, found.id`;
  return rows.map(({ id, timestamp, ingested_at, fields: rest }) => ({
    id,
    timestamp,
    json: joinJson({ timestamp, ingested_at }, rest),
  }));
}

function fields(sql: Sql) {
  return sql`found.id, found.type, found.device_id, found.workspace_id, found.session_id, found.data, found.blob_refs`;
}

/** A session's git activity, oldest first. */
export async function listSessionGit(
  sql: Sql,
  sessionId: string,
  position: Position,
  limit: number,
): Promise<GitRow[]> {
  return await listGitRows(
    sql,
    sql`
      SELECT * FROM git_activity
      WHERE session_id = ${sessionId}
        ${position === null ? sql`` : sql`AND (timestamp, id) > (${position[0]}, ${position[1]})`}
      ORDER BY timestamp, id LIMIT ${limit}`,
  );
}
