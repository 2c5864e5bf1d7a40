import { type SessionPatch, TAGS_MAX } from "@wharf/protocol";
import { sessionChange } from "../ingest/change-log.ts";
import type { Fragment, Sql } from "../postgres.ts";

/**
 * Changes tags and summary; omitted fields stay. False: no such session, or too many tags. A session that has too
 * many already may keep as many.
 */
export async function patchSession(sql: Sql, id: string, patch: SessionPatch): Promise<boolean> {
  const rows = await sql`
    WITH wanted AS (
      SELECT s.id, ARRAY(
        SELECT DISTINCT tag FROM unnest(${patch.tags === undefined ? sql`s.tags` : sql`${patch.tags}::text[]`} || ${patch.add_tags ?? []}::text[]) AS tag
        WHERE tag <> ALL (${patch.remove_tags ?? []}::text[]) ORDER BY tag
      ) AS tags, cardinality(s.tags) AS known_count
      FROM sessions s WHERE s.id = ${id} AND s.deleted_at IS NULL FOR NO KEY UPDATE
    ),
    patched AS (
      UPDATE sessions s SET
        tags = wanted.tags,
        summary = ${patch.summary === undefined ? sql`s.summary` : sql`${patch.summary}::text`},
        updated_at = now()
      FROM wanted WHERE s.id = wanted.id AND cardinality(wanted.tags) <= greatest(${TAGS_MAX}, wanted.known_count)
      RETURNING s.id, s.workspace_id
    ),
    ${patch.summary === undefined ? sql`` : sql`${editedSummary(sql, patch.summary)},`}
    change AS (${sessionChange(sql)})
    SELECT id FROM patched`;
  return rows.length > 0;
}

/** Generated summaries do not replace what a person wrote, until it is removed. */
function editedSummary(sql: Sql, summary: string | null): Fragment {
  if (summary === null)
    return sql`summary_row AS (DELETE FROM session_summaries WHERE session_id IN (SELECT id FROM patched))`;
  return sql`
    summary_row AS (
      INSERT INTO session_summaries (session_id, source) SELECT id, 'edited' FROM patched
      ON CONFLICT (session_id) DO UPDATE SET source = 'edited', model = NULL, tokens_in = NULL, tokens_out = NULL, cost_usd = NULL,
        created_at = now()
    )`;
}
