import { storableJson } from "@wharf/job-runner";
import type { DocumentKind } from "../../search/document-kinds.ts";
import type { Query } from "../transcripts/query.ts";

/** A text of a session that is in no message. */
export type SessionText = { session_id: string; commit_id: string | null; kind: DocumentKind; text: string };

export type SessionDocument = Omit<SessionText, "text"> & { tsv: string };

const TEXT_CHARACTERS_MAX = 65_536;
/** Of a session's commits, the last ones. */
const COMMITS_MAX = 500;

/** The last change in the queue; '0' when it is empty. */
export async function lastQueued(query: Query): Promise<string> {
  const [row] = await query<{ id: string }[]>`SELECT coalesce(max(id), 0)::text AS id FROM search_queue`;
  return row?.id ?? "0";
}

/**
 * Takes sessions from the queue, the first ones first: those of up to `limit` changes until `last`, with all of their changes. Concurrent
 * calls take others.
 */
export async function takeQueued(query: Query, last: string, limit: number): Promise<string[]> {
  const rows = await query<{ session_id: string }[]>`
    WITH taken AS (
      DELETE FROM search_queue WHERE id = ANY (ARRAY(
        SELECT id FROM search_queue WHERE session_id IN (
          SELECT session_id FROM search_queue WHERE id <= ${last}::bigint ORDER BY id LIMIT ${limit}::integer
        )
        ORDER BY id FOR UPDATE SKIP LOCKED
      ))
      RETURNING session_id
    )
    SELECT DISTINCT session_id FROM taken ORDER BY session_id`;
  return rows.map(({ session_id }) => session_id);
}

/**
 * Titles, summaries and commits of these sessions; the first prompt of those without a transcript, which has it as a message. Locks
 * the sessions, so that of two concurrent calls the second one writes what it reads.
 */
export async function readSessionsToIndex(query: Query, ids: readonly string[]): Promise<SessionText[]> {
  return await query<SessionText[]>`
    WITH s AS MATERIALIZED (
      SELECT id, title, initial_prompt, summary FROM sessions
      WHERE id = ANY (${[...ids]}::text[]) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
    )
    SELECT session_id, commit_id, kind, left(text, ${TEXT_CHARACTERS_MAX}::integer) AS text
    FROM (
      SELECT id AS session_id, NULL AS commit_id, 'title' AS kind, title AS text FROM s
      UNION ALL
      SELECT id, NULL, 'summary', summary FROM s
      UNION ALL
      SELECT id, NULL, 'prompt', initial_prompt FROM s
      WHERE NOT EXISTS (SELECT FROM transcript_messages m WHERE m.session_id = s.id)
      UNION ALL
      SELECT s.id, g.id, 'commit', g.message
      FROM s CROSS JOIN LATERAL (
        SELECT id, message FROM git_activity
        WHERE session_id = s.id AND type = 'commit' ORDER BY timestamp DESC LIMIT ${COMMITS_MAX}::integer
      ) g
    ) texts
    WHERE text IS NOT NULL`;
}

/** Replaces the documents of these sessions that are of no message. */
export async function replaceSessionDocuments(
  query: Query,
  ids: readonly string[],
  documents: readonly SessionDocument[],
): Promise<void> {
  await query`DELETE FROM search_documents WHERE session_id = ANY (${[...ids]}::text[]) AND message_id IS NULL`;
  if (documents.length === 0) return;
  await query`
    INSERT INTO search_documents (session_id, commit_id, kind, device_id, at, tsv)
    SELECT s.id, d.commit_id, d.kind, s.device_id, a.at, d.tsv || array_to_tsvector(ARRAY[
      '@device:' || s.device_id, '@workspace:' || s.workspace_id, '@agent:' || coalesce(s.agent, ''),
      '@day:' || to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    ])
    FROM json_to_recordset((${storableJson(documents)}::text)::json)
      AS d (session_id text, commit_id text, kind text, tsv tsvector)
    JOIN sessions s ON s.id = d.session_id
    LEFT JOIN git_activity g ON g.id = d.commit_id
    CROSS JOIN LATERAL (SELECT coalesce(g.timestamp, s.started_at) AS at) a`;
}

const WORKSPACE = "@workspace:";

/** Moves documents of messages to the workspace of their session, where they were written for another one. */
export async function moveDocuments(query: Query, ids: readonly string[]): Promise<void> {
  await query`
    UPDATE search_documents d
    SET tsv = ts_delete(d.tsv, ARRAY(
        SELECT lexeme FROM unnest(d.tsv) WHERE starts_with(lexeme, ${WORKSPACE}::text)
      )) || array_to_tsvector(ARRAY[${WORKSPACE}::text || s.workspace_id])
    FROM sessions s
    WHERE s.id = ANY (${[...ids]}::text[]) AND d.session_id = s.id AND d.message_id IS NOT NULL
      AND NOT d.tsv @@ (quote_literal(${WORKSPACE}::text || s.workspace_id))::tsquery`;
}

/** Deletes words that no document has any more, of `limit` words behind `after`. Null: no more words are behind them. */
export async function deleteUnusedTokens(query: Query, after: string, limit: number): Promise<string | null> {
  const [row] = await query<{ last: string | null }[]>`
    WITH looked AS MATERIALIZED (
      SELECT token FROM search_tokens WHERE token > ${after} ORDER BY token LIMIT ${limit}::integer
    ),
    deleted AS (
      DELETE FROM search_tokens t USING looked
      WHERE t.token = looked.token AND (search_counts(ARRAY[quote_literal(t.token)::tsquery], 1))[1] = 0
    )
    SELECT max(token) AS last FROM looked`;
  return row?.last ?? null;
}
