import type { Prunable, Retention } from "@wharf/protocol";
import type { Piece } from "../delete-in-pieces.ts";
import { sessionChange } from "../ingest/change-log.ts";
import type { Fragment, Sql } from "../postgres.ts";
import { keptStatements } from "../projections/read-statements.ts";
import { releasedBlobs } from "../transcripts/unreferenced-blobs.ts";

/** An event that was received just now may not be projected yet. */
const EVENT_SETTLED_HOURS = 1;

const before = (sql: Sql, days: number) => sql`now() - make_interval(days => ${days}::integer)`;

/** Segments of files to which nothing was added for `days`, and which are parsed. What the device was told that is held stays so. */
function oldSegments(sql: Sql, workspace_id: string, days: number): Fragment {
  return sql`
    sessions x JOIN transcript_files f ON f.session_id = x.id
    JOIN transcript_segments s ON s.session_id = x.id AND s.file_id = f.id
    WHERE x.workspace_id = ${workspace_id} AND f.last_received_at < ${before(sql, days)}
      AND NOT EXISTS (SELECT FROM transcript_generations g WHERE g.file_id = f.id AND g.parsed_bytes < g.stored_bytes)`;
}

export function rawPiece(workspace_id: string, days: number): Piece {
  return async (sql, rowsMax) => {
    const [piece] = await sql<{ rows: number }[]>`
      WITH found AS MATERIALIZED (
        SELECT s.ctid AS place, s.file_id FROM ${oldSegments(sql, workspace_id, days)} LIMIT ${rowsMax}
      ),
      marked AS (
        UPDATE transcript_files SET raw_pruned_at = now() WHERE id IN (SELECT file_id FROM found) AND raw_pruned_at IS NULL
      ),
      deleted AS (
        DELETE FROM transcript_segments WHERE ctid = ANY (ARRAY(SELECT place FROM found)) RETURNING blob_hash
      ),
      released AS (${releasedBlobs(sql, sql`deleted`, "later")})
      SELECT count(*)::int AS rows FROM deleted`;
    return piece?.rows ?? 0;
  };
}

/** Sessions with messages that ended, of which nothing was heard and no file arrived for `days`. */
function oldSessions(sql: Sql, workspace_id: string, days: number): Fragment {
  return sql`
    sessions s
    WHERE s.workspace_id = ${workspace_id} AND s.deleted_at IS NULL AND s.lifecycle NOT IN ('detected', 'capturing')
      AND s.last_heard_at < ${before(sql, days)}
      AND NOT EXISTS (
        SELECT FROM transcript_files f WHERE f.session_id = s.id AND f.last_received_at >= ${before(sql, days)}
      )
      AND NOT EXISTS (SELECT FROM transcript_generations g WHERE g.session_id = s.id AND g.parsed_bytes < g.stored_bytes)
      AND EXISTS (SELECT FROM transcript_messages m WHERE m.session_id = s.id)`;
}

/**
 * Archives up to `limit` of these sessions, whose texts may then be deleted: from now on their counts are not derived from messages.
 * Returns their ids, also of sessions that were archived before and still have messages.
 */
export async function archiveSessions(
  sql: Sql,
  workspace_id: string,
  days: number,
  limit: number,
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH found AS MATERIALIZED (
      SELECT id FROM ${oldSessions(sql, workspace_id, days)} LIMIT ${limit} FOR NO KEY UPDATE OF s SKIP LOCKED
    ),
    patched AS (
      UPDATE sessions s SET lifecycle = 'archived', updated_at = now() FROM found
      WHERE s.id = found.id AND s.lifecycle <> 'archived' RETURNING s.id, s.workspace_id
    ),
    change AS (${sessionChange(sql)})
    SELECT id FROM found ORDER BY id`;
  return rows.map(({ id }) => id);
}

/** What the texts of a session are deleted by, one after another; search documents of its messages go with these. */
export function textPieces(session_id: string): Piece[] {
  const rowsOf = (table: "content_blocks" | "transcript_messages"): Piece => {
    return async (sql, rowsMax) => {
      const { count } = await sql`
        DELETE FROM ${sql(table)} WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM ${sql(table)} WHERE session_id = ${session_id} LIMIT ${rowsMax}
        ))`;
      return count;
    };
  };
  const commands: Piece = async (sql, rowsMax) => {
    const { count } = await sql`
      UPDATE tool_calls SET command = NULL WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM tool_calls WHERE session_id = ${session_id} AND command IS NOT NULL LIMIT ${rowsMax}
      ))`;
    return count;
  };
  // The messages last: a run that ended before finds the session by them.
  return [commands, rowsOf("content_blocks"), rowsOf("transcript_messages")];
}

/** Oldest first, each statement from where the one before ended. What events state of their sessions is kept. */
export function eventsPiece(workspace_id: string, days: number): Piece {
  let deletedUntil = "-infinity";
  return async (sql, rowsMax) => {
    const [piece] = await sql<{ rows: number; deleted_until: string | null }[]>`
      WITH deleted AS (
        DELETE FROM events WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM events
          WHERE ${oldEvents(sql, workspace_id, days)}
            AND ingested_at < now() - make_interval(hours => ${EVENT_SETTLED_HOURS}::integer)
            AND timestamp >= (${deletedUntil}::text)::timestamptz
          ORDER BY timestamp LIMIT ${rowsMax}
        ))
        RETURNING *
      ),
      kept AS (${keptStatements(sql, sql`deleted`)})
      SELECT count(*)::int AS rows, max(timestamp)::text AS deleted_until FROM deleted`;
    deletedUntil = piece?.deleted_until ?? deletedUntil;
    return piece?.rows ?? 0;
  };
}

function oldEvents(sql: Sql, workspace_id: string, days: number): Fragment {
  return sql`workspace_id = ${workspace_id} AND timestamp < ${before(sql, days)}`;
}

/** What a retention deletes of what is here now; events that have just arrived once EVENT_SETTLED_HOURS are over. */
export async function countPrunable(
  sql: Sql,
  workspace_id: string,
  { raw_days, parsed_days, events_days }: Retention,
): Promise<Prunable> {
  const nothing = { segments: 0, bytes: 0, sessions: 0, messages: 0, events: 0 };
  const [raw] =
    raw_days === null
      ? []
      : await sql<Pick<Prunable, "segments" | "bytes">[]>`
          SELECT count(*) AS segments, coalesce(sum(s.stored_bytes), 0) AS bytes FROM ${oldSegments(sql, workspace_id, raw_days)}`;
  const [parsed] =
    parsed_days === null
      ? []
      : await sql<Pick<Prunable, "sessions" | "messages">[]>`
          SELECT count(DISTINCT m.session_id) AS sessions, count(*) AS messages FROM transcript_messages m
          WHERE m.session_id IN (SELECT s.id FROM ${oldSessions(sql, workspace_id, parsed_days)})`;
  const [events] =
    events_days === null
      ? []
      : await sql<Pick<Prunable, "events">[]>`
          SELECT count(*) AS events FROM events WHERE ${oldEvents(sql, workspace_id, events_days)}`;
  return { ...nothing, ...raw, ...parsed, ...events };
}
