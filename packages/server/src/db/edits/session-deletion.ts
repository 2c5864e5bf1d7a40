import { one } from "@wharf/job-runner";
import { isForeignKeyViolation } from "../database-errors.ts";
import { type DeleteInPieces, type DeletionOptions, type Piece, rowsOf } from "../delete-in-pieces.ts";
import { sessionChange } from "../ingest/change-log.ts";
import type { Sql } from "../postgres.ts";
import { matchGitActivity } from "../projections/git-matches.ts";
import { releasedBlobs } from "../transcripts/unreferenced-blobs.ts";

/** Tables whose rows go with their session, those that refer to others of them first. */
export const TABLES_OF_SESSIONS = [
  "ingest_notes",
  "search_queue",
  "search_documents",
  "tool_calls",
  "file_touches",
  "content_blocks",
  "transcript_messages",
  "transcript_facts",
  "transcript_turns",
  "hidden_messages",
  "derivations_due",
  "response_sightings",
  "model_responses",
  "usage_slots",
  "session_summaries",
  "transcript_segments",
  "transcript_generations",
  "transcript_files",
  "teammates",
  "teams",
  "subagents",
  "session_skills",
  "session_worktrees",
  "session_reports",
] as const;
/** A flush may add events to the session as long as its row is there, each time between the last piece and the row's deletion. */
const ROUNDS_MAX = 5;

/**
 * Begins deletions: the sessions get their tombstones, by which their events are refused from now on, and are neither read nor counted
 * any more. Returns the ids of those whose deletion had not begun before. Does not wait for a step of a transcript: its rows refer to
 * the session, which FOR UPDATE would wait for.
 */
export async function beginSessionDeletions(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    WITH found AS MATERIALIZED (
      SELECT id FROM sessions WHERE id = ANY(${[...ids]}::text[]) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
    ),
    patched AS (
      UPDATE sessions SET deleted_at = now(), updated_at = now() WHERE id IN (SELECT id FROM found) RETURNING id, workspace_id
    ),
    tombstone AS (
      INSERT INTO session_tombstones (session_id) SELECT id FROM patched ON CONFLICT (session_id) DO NOTHING
    ),
    change AS (${sessionChange(sql)})
    SELECT id FROM patched ORDER BY id`;
  return rows.map(({ id }) => id);
}

/** Begins the deletion of one. False: there is no such session, or its deletion has begun before. */
export async function beginSessionDeletion(sql: Sql, id: string): Promise<boolean> {
  return (await beginSessionDeletions(sql, [id])).length > 0;
}

/** Sessions whose deletion began at least `ageMs` ago and is not finished, the oldest first. */
export async function findBegunDeletions(sql: Sql, ageMs: number, limit: number): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    SELECT id FROM sessions WHERE deleted_at <= now() - ${ageMs} * interval '1 millisecond'
    ORDER BY deleted_at LIMIT ${limit}`;
  return rows.map((row) => row.id);
}

/**
 * Deletes all rows of a session whose deletion has begun, its own at the end: events with their notes, git activity that names it,
 * and what it started. Git activity that was found to belong to it stays and seeks another session. Continues where an earlier
 * call ended; two calls at once do no harm. True: nothing is left.
 */
export async function finishSessionDeletion(
  deleteInPieces: DeleteInPieces,
  id: string,
  options: DeletionOptions,
): Promise<boolean> {
  for (let round = 1; ; round++) {
    for (const piece of piecesOf(id)) if (!(await deleteInPieces(piece, options))) return false;
    try {
      return await deleteInPieces((sql) => deleteSessionRow(sql, id), options);
    } catch (error) {
      if (!isForeignKeyViolation(error) || round >= ROUNDS_MAX) throw error;
    }
  }
}

function piecesOf(id: string): Piece[] {
  // Git activity that leaves a session queues it for the search: these rows go after it.
  return [
    gitActivityOf(id),
    gitMatchesOf(id),
    ...TABLES_OF_SESSIONS.map((table) =>
      table === "transcript_segments" ? segmentsOf(id) : rowsOf(table, "session_id", id),
    ),
    eventsOf(id),
  ];
}

async function deleteSessionRow(sql: Sql, id: string): Promise<number> {
  const { count } = await sql`DELETE FROM sessions WHERE id = ${id} AND deleted_at IS NOT NULL`;
  return count;
}

/** Their blobs go with them, unless other segments refer to the same content. */
function segmentsOf(id: string): Piece {
  return async (sql, rowsMax) => {
    const rows = await sql<{ count: number }[]>`
      WITH deleted AS (
        DELETE FROM transcript_segments WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM transcript_segments WHERE session_id = ${id} LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED
        ))
        RETURNING blob_hash
      ),
      released AS (${releasedBlobs(sql, sql`deleted`, "at once")})
      SELECT count(*)::int AS count FROM deleted`;
    return one(rows).count;
  };
}

/** By time, each statement from where the one before ended: see retention.ts. */
function eventsOf(id: string): Piece {
  let deletedUntil = "-infinity";
  return async (sql, rowsMax) => {
    const [piece] = await sql<{ rows: number; deleted_until: string }[]>`
      WITH deleted AS (
        DELETE FROM events WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM events WHERE session_id = ${id} AND timestamp >= (${deletedUntil}::text)::timestamptz
          ORDER BY timestamp LIMIT ${rowsMax}
        ))
        RETURNING id, timestamp
      ),
      notes AS (DELETE FROM ingest_notes WHERE event_id IN (SELECT id FROM deleted))
      SELECT count(*)::int AS rows, max(timestamp)::text AS deleted_until FROM deleted`;
    deletedUntil = piece?.deleted_until ?? deletedUntil;
    return piece?.rows ?? 0;
  };
}

/** What seeks another session is noted for repair, too: this process may end before it has looked. */
function gitActivityOf(id: string): Piece {
  return async (sql, rowsMax) => {
    const rows = await sql<{ rows: number; orphaned_ids: string[] }[]>`
      WITH found AS MATERIALIZED (
        SELECT id, session_inferred FROM git_activity WHERE session_id = ${id} LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED
      ),
      deleted AS (
        DELETE FROM git_activity WHERE id IN (SELECT id FROM found WHERE NOT session_inferred)
      ),
      orphaned AS (
        UPDATE git_activity SET session_id = NULL, matched_to = '' WHERE id IN (SELECT id FROM found WHERE session_inferred)
        RETURNING id
      ),
      seeking AS (
        INSERT INTO projection_queue (event_ids) SELECT array_agg(id) FROM orphaned HAVING count(*) > 0
      )
      SELECT (SELECT count(*)::int FROM found) AS rows, coalesce((SELECT array_agg(id) FROM orphaned), '{}') AS orphaned_ids`;
    const piece = one(rows);
    if (piece.orphaned_ids.length > 0) await matchGitActivity(sql, piece.orphaned_ids);
    return piece.rows;
  };
}

/** Git activity that was matched to it, and perhaps to others: its matches are looked for again. */
function gitMatchesOf(id: string): Piece {
  return async (sql, rowsMax) => {
    const rows = await sql<{ ids: string[] }[]>`
      WITH deleted AS (
        DELETE FROM git_matches WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM git_matches WHERE session_id = ${id} LIMIT ${rowsMax} FOR UPDATE SKIP LOCKED
        ))
        RETURNING git_activity_id
      ),
      seeking AS (
        INSERT INTO projection_queue (event_ids) SELECT array_agg(git_activity_id) FROM deleted HAVING count(*) > 0
      )
      SELECT coalesce(array_agg(git_activity_id), '{}') AS ids FROM deleted`;
    const { ids } = one(rows);
    if (ids.length > 0) await matchGitActivity(sql, ids);
    return ids.length;
  };
}
