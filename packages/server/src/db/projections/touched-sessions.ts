import type { Lifecycle } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import {
  beginsWithBackfill,
  firstPrompt,
  startsWithTranscript,
  statementsOfSession,
} from "./read-statements.ts";
import { ownerOfSession } from "./session-owner.ts";
import type { Statement } from "./session-statement.ts";

/** A row written for every event cost a tenth of the throughput; silence is measured in minutes. */
const LAST_HEARD_INTERVAL_S = 30;

/** What is known of a session, and the version of its row that this replaces. */
export type TouchedSession = {
  id: string;
  version: string;
  lifecycle: Lifecycle;
  /** The device of its row, and the one that owns it (session-owner.ts). */
  device_id: string;
  owner: string;
  /** False: the events tell only that the session is active. */
  is_changed: boolean;
  /** Null: the row does not have to be written. */
  statements: Statement[] | null;
};

/** Reads what is known of the sessions of these events, as of one snapshot. */
export async function readSessionsOfEvents(sql: Sql, eventIds: readonly string[]): Promise<TouchedSession[]> {
  const isReported = sql`bool_or(type IN ('session.start', 'session.end'))`;
  return await readKnown(
    sql,
    sql`
      SELECT session_id AS id, min(timestamp) AS first_at, ${isReported} AS is_reported,
        array_agg(DISTINCT device_id) AS device_ids, array_agg(id) FILTER (WHERE type = 'agent.prompt') AS prompt_ids
      FROM events WHERE id = ANY(${eventIds}) AND session_id IS NOT NULL GROUP BY session_id`,
  );
}

/** Reads what is known of these sessions, as of one snapshot. */
export async function readSessions(sql: Sql, ids: readonly string[]): Promise<TouchedSession[]> {
  return await readKnown(
    sql,
    sql`
      SELECT id, NULL::timestamptz AS first_at, true AS is_reported, NULL::text[] AS device_ids, NULL::text[] AS prompt_ids
      FROM unnest(${ids}::text[]) AS id`,
  );
}

/** A session is heard of by events of its owner alone. */
async function readKnown(sql: Sql, touched: Fragment): Promise<TouchedSession[]> {
  return await sql<TouchedSession[]>`
    WITH touched AS MATERIALIZED (${touched})
    SELECT t.id, s.version, s.lifecycle, s.device_id, o.device_id AS owner, c.is_changed,
      CASE WHEN c.is_changed OR (c.is_heard AND s.last_heard_at < now() - make_interval(secs => ${LAST_HEARD_INTERVAL_S}))
        THEN (${statementsOfSession(sql)}) END AS statements
    FROM touched t
    CROSS JOIN LATERAL (
      SELECT *, sessions.xmin::text AS version FROM sessions WHERE sessions.id = t.id AND sessions.deleted_at IS NULL OFFSET 0
    ) s
    CROSS JOIN LATERAL (SELECT ${ownerOfSession(sql)} AS device_id OFFSET 0) o
    CROSS JOIN LATERAL (SELECT t.device_ids IS NULL OR o.device_id = ANY (t.device_ids) AS is_heard) h
    CROSS JOIN LATERAL (
      SELECT h.is_heard, h.is_heard AND (
        t.is_reported OR s.is_outdated OR s.ended_by_server OR s.has_only_files
          OR (s.start_reported_at IS NULL AND (t.first_at <= s.started_at OR ${startsWithTranscript(sql)})) OR ${beginsWithBackfill(sql)}
          OR (t.prompt_ids IS NOT NULL AND (SELECT id FROM (${firstPrompt(sql)}) p) = ANY (t.prompt_ids))
      ) AS is_changed
    ) c
    ORDER BY t.id`;
}
