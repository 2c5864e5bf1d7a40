import { one } from "@wharf/job-runner";
import { sessionChange } from "../ingest/change-log.ts";
import type { Fragment, Sql } from "../postgres.ts";
import { newReading } from "../transcripts/read-again.ts";
import { foldSession } from "./fold-session.ts";
import { finishRows, type QueueRow } from "./projection-queue.ts";
import { movedRelations, projectRelations } from "./relations-from-events.ts";
import { readSessions, readSessionsOfEvents, type TouchedSession } from "./touched-sessions.ts";

/** Of a report, whose session others write meanwhile. */
const FOLD_ATTEMPTS_MAX = 5;

export type ProjectedSessions = {
  /** Sessions that began, moved or ended: git activity may have to be matched again. */
  changed: string[];
  /** Sessions that another transaction holds locked or has changed meanwhile: they have to be projected again. */
  locked: string[];
};

/** Derives the sessions of these events from all that is known of them. Repeating it changes nothing. */
export async function projectSessions(sql: Sql, eventIds: readonly string[]): Promise<ProjectedSessions> {
  const touched = await readSessionsOfEvents(sql, eventIds);
  const written = await writeSessions(sql, touched, "skip locked");
  const isLocked = ({ id, statements }: TouchedSession) => statements !== null && !written.has(id);
  return {
    changed: touched.filter((session) => session.is_changed && !isLocked(session)).map(({ id }) => id),
    locked: touched.filter(isLocked).map(({ id }) => id),
  };
}

/** Up to `limit` sessions after `afterId` of which something is known that their rows do not show. */
export async function findOutdatedSessions(sql: Sql, afterId: string, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM sessions WHERE is_outdated AND id > ${afterId} ORDER BY id LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}

/** Derives these sessions, and waits for other writers. A session that is always changed meanwhile stays outdated. */
export async function refreshSessions(sql: Sql, ids: readonly string[]): Promise<void> {
  let left = ids;
  for (let attempt = 1; left.length > 0 && attempt <= FOLD_ATTEMPTS_MAX; attempt++) {
    const written = await writeSessions(sql, await readSessions(sql, left), "wait");
    left = left.filter((id) => !written.has(id));
  }
}

/**
 * Writes the columns that follow from what is known of these sessions, where the row is still of the version that was read, and deletes
 * reports of which nothing stands. Sessions that get another owner get its relations, and their transcripts are read again. Returns the
 * ids of the rows that were written.
 */
async function writeSessions(
  sql: Sql,
  sessions: readonly TouchedSession[],
  locking: "wait" | "skip locked",
): Promise<Set<string>> {
  const folded = sessions.flatMap(foldedRow);
  if (folded.length === 0) return new Set();
  const instant = (column: string) => sql`to_timestamp(0) + f.${sql(column)} * interval '1 microsecond'`;
  const movesAny = folded.some(({ is_moved }) => is_moved);
  const rows = await sql<{ ids: string[]; regained: Pick<QueueRow, "id" | "event_ids"> | null }[]>`
    WITH folded AS MATERIALIZED (
      SELECT * FROM json_to_recordset((${JSON.stringify(folded)}::text)::json) AS f (
        id text, version text, workspace_id text, device_id text, lifecycle text, started_us bigint, start_reported_us bigint,
        resumed_us bigint, ended_us bigint, end_reason text, duration_ms bigint, git_branch text, model text, agent text, source text,
        initial_prompt text, has_only_files boolean, metadata text, fallen_report_ids json, is_moved boolean
      )
    ),
    held AS MATERIALIZED (
      SELECT f.*, s.place
      FROM folded f CROSS JOIN LATERAL (
        SELECT ctid AS place, xmin::text AS version FROM sessions WHERE sessions.id = f.id
        OFFSET 0 FOR NO KEY UPDATE ${locking === "wait" ? sql`` : sql`SKIP LOCKED`}
      ) s
      WHERE s.version = f.version
    ),
    ${
      movesAny
        ? sql`moved AS (SELECT id, device_id FROM held WHERE is_moved), ${newReading(sql, sql`SELECT id FROM moved`)},`
        : sql``
    }
    patched AS (
      UPDATE sessions s SET
        workspace_id = f.workspace_id, device_id = f.device_id, lifecycle = f.lifecycle,
        started_at = ${instant("started_us")}, start_reported_at = ${instant("start_reported_us")},
        resumed_at = ${instant("resumed_us")}, ended_at = ${instant("ended_us")}, end_reason = f.end_reason,
        duration_ms = f.duration_ms, git_branch = f.git_branch, model = f.model, ${movesAny ? ofMovedTranscripts(sql) : sql`agent = coalesce(f.agent, s.agent),`} source = f.source,
        initial_prompt = f.initial_prompt, metadata = f.metadata::jsonb,
        is_outdated = false, has_only_files = f.has_only_files, ended_by_server = false, last_heard_at = now(), updated_at = now()
      FROM held f WHERE s.ctid = f.place
      RETURNING s.id, s.workspace_id
    ),
    fallen AS (
      DELETE FROM session_reports WHERE id IN (
        SELECT value::bigint FROM held, json_array_elements_text(held.fallen_report_ids)
      )
    ),
    ${movesAny ? sql`${movedRelations(sql)},` : sql``}
    change AS (${sessionChange(sql)})
    SELECT ARRAY(SELECT id FROM patched) AS ids,
      ${movesAny ? sql`(SELECT to_json(q) FROM requeued_rows q)` : sql`NULL::json`} AS regained`;
  const { ids, regained } = one(rows);
  if (regained !== null) {
    await projectRelations(sql, regained.event_ids);
    await finishRows(sql, [regained.id], []);
  }
  return new Set(ids);
}

/** The agent that the former owner's files named is derived again when they have been read. */
function ofMovedTranscripts(sql: Sql): Fragment {
  const isReadAgain = sql`s.id IN (SELECT session_id FROM files)`;
  return sql`
    agent = CASE WHEN ${isReadAgain} THEN f.agent ELSE coalesce(f.agent, s.agent) END,
    parse_status = CASE WHEN ${isReadAgain} THEN 'pending' ELSE s.parse_status END,`;
}

function foldedRow({ id, version, device_id, owner, lifecycle, statements }: TouchedSession) {
  const is_moved = device_id !== owner;
  // It was the former owner's files that could not be parsed.
  const current = is_moved && lifecycle === "failed" ? "detected" : lifecycle;
  const folded = statements === null ? null : foldSession({ owner, lifecycle: current, statements });
  if (statements === null || folded === null) return [];
  const { columns, standing } = folded;
  // What transcripts show is written again when they grow: it would fall each time.
  const fallen = statements.filter(
    (said) => said.report_id !== null && said.kind !== "transcript" && !standing.has(said),
  );
  const metadata = Object.entries(columns.metadata).map(([key, json]) => `${JSON.stringify(key)}:${json}`);
  return [
    {
      id,
      version,
      ...columns,
      metadata: `{${metadata.join(",")}}`,
      fallen_report_ids: fallen.map(({ report_id }) => report_id),
      is_moved,
    },
  ];
}
