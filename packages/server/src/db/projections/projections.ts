import { changedSessionsRow, changeLogRow, touchedRow } from "../ingest/change-log.ts";
import { deviceRows, knownDeviceRows } from "../ingest/devices.ts";
import { workspaceDeviceRows } from "../ingest/workspace-devices.ts";
import type { Sql } from "../postgres.ts";
import { gitActivityRows } from "./git-activity.ts";
import { relationRows } from "./relations-from-events.ts";
import { deviceMentions } from "./remote-envs-from-events.ts";
import type { Fragment } from "./session-facts.ts";
import { sessionRows } from "./sessions-from-events.ts";

/** What is left to do of one flush that is committed. */
export type PendingProjection = {
  /** Of its row in pending_projections. */
  id: string;
  event_ids: readonly string[];
};

/** A session that was found as it should be; all times are milliseconds. */
export type QuietSession = {
  id: string;
  /** How long ago it was noted that the session was heard of. */
  heard_ms: number;
  /** Since 1970: when a session begins whose start was not reported. An earlier event moves it. Null: it was reported. */
  stub_since_ms: number | null;
};

export type Projected = {
  /** Those of the events' sessions that are there. */
  session_ids: string[] | null;
  /** Sessions that began, moved or ended: git activity may have to be matched again. */
  changed_session_ids: string[] | null;
  /** Git events that name no session. */
  unmatched_git_ids: string[] | null;
  /** Sessions that stayed as they were. */
  quiet_sessions: QuietSession[] | null;
  /** Events whose session somebody keeps locked: it has not heard of them. */
  locked_event_ids: string[] | null;
};

/**
 * What stored events mean to their devices and sessions. Doing it again, or in another order, changes nothing; events that are
 * gone mean nothing. Throws what the constraints of those tables throw.
 */
export async function projectOntoParents(sql: Sql, eventIds: readonly string[]): Promise<Projected> {
  const [row] = await sql<Projected[]>`
    WITH ${storedAgain(sql, eventIds)},
    ${workspaceDeviceRows(sql, sql`true`)},
    ${knownDeviceRows(sql)},
    ${sessionRows(sql)},
    ${changedSessionsRow(sql)}
    ${projected(sql)}`;
  if (row === undefined) throw new Error("the projection returned no row");
  return row;
}

/** What stored events mean to every table, for those whose flush could not do it. Throws what the projection throws. */
export async function projectAnew(sql: Sql, eventIds: readonly string[]): Promise<Projected> {
  const [row] = await sql<Projected[]>`
    WITH ${storedAgain(sql, eventIds)},
    ${workspaceDeviceRows(sql, sql`true`)},
    ${deviceRows(sql, sql`true`, deviceMentions(sql))},
    ${sessionRows(sql)},
    ${gitActivityRows(sql)},
    ${relationRows(sql)},
    ${touchedRow(sql)},
    ${changeLogRow(sql)}
    ${projected(sql)}`;
  if (row === undefined) throw new Error("the projection returned no row");
  return row;
}

/** Notes with a flush which of its `stored` events are left to be projected; no row where none of them was stored. */
export function pendingRow(sql: Sql, ofEvents: Fragment): Fragment {
  return sql`
    pending_rows AS (
      INSERT INTO pending_projections (event_ids)
      SELECT array_agg(id) FROM stored WHERE ${ofEvents} HAVING count(*) > 0
      RETURNING id::text
    )`;
}

/** The last of those flushes with something left to do that are at least `age_ms` old; null if there is none. */
export async function lastPendingId(sql: Sql, age_ms: number): Promise<string | null> {
  const [row] = await sql<{ id: string | null }[]>`
    SELECT max(id)::text AS id FROM pending_projections
    WHERE created_at <= now() - ${age_ms} * interval '1 millisecond'`;
  return row?.id ?? null;
}

/** The first `limit` of them, up to `lastId`. */
export async function findPending(sql: Sql, lastId: string, limit: number): Promise<PendingProjection[]> {
  return await sql<PendingProjection[]>`
    SELECT id::text, event_ids FROM pending_projections WHERE id <= ${lastId}::bigint ORDER BY pending_projections.id LIMIT ${limit}`;
}

/** Notes that these flushes are done but for the events in `leftIds`; answers with what is left, null if nothing is. */
export async function finishPending(
  sql: Sql,
  ids: readonly string[],
  leftIds: readonly string[] = [],
): Promise<PendingProjection | null> {
  const [left] = await sql<{ id: string }[]>`
    WITH done AS (DELETE FROM pending_projections WHERE id = ANY(${ids}::bigint[]))
    INSERT INTO pending_projections (event_ids) SELECT ${leftIds} WHERE cardinality(${leftIds}::text[]) > 0
    RETURNING id::text`;
  return left === undefined ? null : { id: left.id, event_ids: leftIds };
}

function storedAgain(sql: Sql, eventIds: readonly string[]): Fragment {
  return sql`
    stored AS MATERIALIZED (
      SELECT id, type, timestamp, device_id, workspace_id, session_id, data FROM events WHERE id = ANY(${eventIds})
    )`;
}

function projected(sql: Sql): Fragment {
  return sql`
    SELECT
      (SELECT array_agg(id) FROM session_seen) AS session_ids,
      (SELECT array_agg(id) FROM session_seen WHERE bounds_changed) AS changed_session_ids,
      (
        SELECT array_agg(id) FROM stored
        WHERE session_id IS NULL AND type IN ('git.commit', 'git.push', 'git.checkout', 'git.merge')
      ) AS unmatched_git_ids,
      (
        SELECT json_agg(json_build_object(
          'id', id,
          'heard_ms', CASE WHEN is_stale THEN 0 ELSE round(extract(epoch FROM now() - last_heard_at) * 1000) END,
          'stub_since_ms', CASE WHEN start_reported_at IS NULL THEN round(extract(epoch FROM started_at) * 1000) END
        )) FROM session_seen WHERE NOT bounds_changed
      ) AS quiet_sessions,
      (
        SELECT array_agg(id) FROM stored
        WHERE session_id NOT IN (SELECT id FROM session_seen) AND EXISTS (SELECT FROM sessions s WHERE s.id = stored.session_id)
      ) AS locked_event_ids`;
}
