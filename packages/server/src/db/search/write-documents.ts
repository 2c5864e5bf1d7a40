import { storableJson } from "@wharf/job-runner";
import type { Query } from "../transcripts/query.ts";

/** A document of a block, as it is sent to Postgres; `tsv` is a literal. */
export type DocumentRow = { message_id: string; block: number; kind: string; tsv: string };

/** Replaces the documents of these messages, whose rows are there. */
export async function replaceDocuments(
  query: Query,
  messageIds: readonly string[],
  documents: readonly DocumentRow[],
): Promise<void> {
  if (messageIds.length === 0) return;
  await query`DELETE FROM search_documents WHERE message_id = ANY (${[...messageIds]}::text[])`;
  if (documents.length === 0) return;
  await query`
    INSERT INTO search_documents (session_id, message_id, block, kind, device_id, at, tsv)
    SELECT m.session_id, m.id, d.block, d.kind, f.device_id, a.at, d.tsv || array_to_tsvector(ARRAY[
      '@agent:' || f.agent, '@device:' || f.device_id, '@workspace:' || s.workspace_id,
      '@day:' || to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    ])
    FROM json_to_recordset((${storableJson(documents)}::text)::json)
      AS d (message_id text, block integer, kind text, tsv tsvector)
    JOIN transcript_messages m ON m.id = d.message_id
    JOIN transcript_files f ON f.id = m.file_id
    JOIN sessions s ON s.id = m.session_id
    CROSS JOIN LATERAL (
      SELECT coalesce(m.timestamp, nullif(m.sorted_at, '-infinity'), s.started_at) AS at
    ) a`;
}

/**
 * Adds what is new of these tokens. In their order, so that concurrent transactions that add the same ones wait for each other, and
 * never in a circle.
 */
export async function addTokens(query: Query, tokens: readonly string[]): Promise<void> {
  if (tokens.length === 0) return;
  await query`
    INSERT INTO search_tokens (token)
    SELECT token FROM unnest(${[...tokens].sort()}::text[]) AS t (token)
    WHERE NOT EXISTS (SELECT FROM search_tokens known WHERE known.token = t.token)
    ON CONFLICT DO NOTHING`;
}
