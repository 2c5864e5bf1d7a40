import { type SessionPatch, TAGS_MAX } from "@wharf/protocol";
import type { Sql } from "./postgres.ts";

/**
 * Changes tags and summary; whatever the patch leaves out stays. False: no such session, or too many tags. A session that has too
 * many already may keep as many.
 */
export async function patchSession(sql: Sql, id: string, patch: SessionPatch): Promise<boolean> {
  const rows = await sql`
    WITH wanted AS (
      SELECT s.id, ARRAY(
        SELECT DISTINCT tag FROM unnest(${patch.tags === undefined ? sql`s.tags` : sql`${patch.tags}::text[]`} || ${patch.add_tags ?? []}::text[]) AS tag
        WHERE tag <> ALL (${patch.remove_tags ?? []}::text[]) ORDER BY tag
      ) AS tags
, cardinality(s.tags) AS known_count
      FROM sessions s WHERE s.id = ${id} FOR UPDATE
    ),
    patched AS (
      UPDATE sessions s SET
        tags = wanted.tags,
        summary = ${patch.summary === undefined ? sql`s.summary` : sql`${patch.summary}::text`},
        updated_at = now()
      FROM wanted WHERE s.id = wanted.id AND cardinality(wanted.tags) <= greatest(${TAGS_MAX}, wanted.known_count)
      RETURNING s.id, s.workspace_id
    ),
    ${sessionChange(sql)}
    SELECT id FROM patched`;
  return rows.length > 0;
}

/** Asks for the transcript to be parsed again. False: no such session, or it has no transcript. */
export async function requestReparse(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`
    WITH patched AS (
      UPDATE sessions SET
        parse_status = 'pending',
        parse_error = NULL,
        lifecycle = CASE
          WHEN lifecycle NOT IN ('failed', 'parsed', 'summarized', 'archived') THEN lifecycle
          WHEN ended_at IS NULL THEN 'capturing'
          ELSE 'ended' END,
        updated_at = now()
      WHERE id = ${id} AND transcript_s3_key IS NOT NULL
      RETURNING id, workspace_id
    ),
    ${sessionChange(sql)}
    SELECT id FROM patched`;
  return rows.length > 0;
}

export type SessionDeletion = {
  deleted: boolean;
  /** Git activity that had been found to belong to the session: it stays, and seeks another one, at the latest by repair. */
  orphaned_git_ids: string[];
};

/**
 * Deletes a session with its events, their git activity and notes, and its transcript; leaves a tombstone, so that its events
 * are refused when they are sent again. One statement: all of it, or nothing. A flush that adds an event at the same time
 * makes it fail with SQLSTATE 23503 or 40P01; the same statement again then sees that event.
 */
export async function deleteSession(sql: Sql, id: string): Promise<SessionDeletion> {
  const [result] = await sql<SessionDeletion[]>`
    WITH patched AS (DELETE FROM sessions WHERE id = ${id} RETURNING id, workspace_id),
    tombstone AS (
      INSERT INTO session_tombstones (session_id) SELECT id FROM patched ON CONFLICT (session_id) DO NOTHING
    ),
    deleted_events AS (DELETE FROM events WHERE session_id IN (SELECT id FROM patched) RETURNING id),
    deleted_notes AS (
      DELETE FROM ingest_notes WHERE session_id IN (SELECT id FROM patched) OR event_id IN (SELECT id FROM deleted_events)
    ),
    deleted_git AS (
      DELETE FROM git_activity WHERE session_id IN (SELECT id FROM patched) AND NOT session_inferred
    ),
    orphaned_git AS (
      UPDATE git_activity SET session_id = NULL
      WHERE session_id IN (SELECT id FROM patched) AND session_inferred RETURNING id
    ),
    seeking AS (
      INSERT INTO pending_projections (event_ids) SELECT array_agg(id) FROM orphaned_git HAVING count(*) > 0
    ),
    ${sessionChange(sql)}
    SELECT
      EXISTS (SELECT 1 FROM patched) AS deleted,
      coalesce((SELECT array_agg(id) FROM orphaned_git), '{}') AS orphaned_git_ids`;
  if (result === undefined) throw new Error("the deletion returned no row");
  return result;
}

/** For those who read live. */
function sessionChange(sql: Sql) {
  return sql`
    change AS (
      INSERT INTO change_log (kind, session_ids, workspace_ids)
      SELECT 'session', ARRAY[id], ARRAY[workspace_id] FROM patched
    )`;
}
