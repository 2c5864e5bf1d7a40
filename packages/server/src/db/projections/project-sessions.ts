import { changedSessionsRow } from "../ingest/change-log.ts";
import type { Sql } from "../postgres.ts";
import { sessionRows } from "./sessions-from-events.ts";
import { storedEvents } from "./stored-events.ts";

export type ProjectedSessions = {
  /** Sessions that began, moved or ended: git activity may have to be matched again. */
  changed: string[];
  /** Sessions that a transaction holds locked: they are as they were. */
  locked: string[];
};

/** What these events mean to their sessions. Doing it again, or in another order, changes nothing. */
export async function projectSessions(sql: Sql, eventIds: readonly string[]): Promise<ProjectedSessions> {
  const [row] = await sql<ProjectedSessions[]>`
    WITH ${storedEvents(sql, eventIds)},
    ${sessionRows(sql)},
    ${changedSessionsRow(sql)}
    SELECT
      ARRAY(SELECT id FROM session_seen WHERE bounds_changed) AS changed,
      ARRAY(
        SELECT DISTINCT session_id FROM stored
        WHERE session_id NOT IN (SELECT id FROM session_seen) AND EXISTS (SELECT FROM sessions s WHERE s.id = stored.session_id)
      ) AS locked`;
  if (row === undefined) throw new Error("the projection returned no row");
  return row;
}
