import type { TranscriptKind } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import { readAgain } from "../redaction/held-segments.ts";
import { transaction } from "../transaction.ts";
import type { Query } from "../transcripts/query.ts";

/** The file of this hub that an exported row names, and what decides how its bytes are kept. */
export type TargetFile = { file_id: string; session_id: string; kind: TranscriptKind; workspace_id: string };

export type ImportedSegment = {
  file_id: string;
  session_id: string;
  generation: number;
  source_start: number;
  source_end: number;
  source_hash: string | null;
  sent_hash: string | null;
  stored_bytes: number;
  lines: number;
  blob_hash: string;
  created_at: string;
  /** Its bytes are others than those that were exported. */
  is_redacted: boolean;
};

/** Larger than any generation: segments get their places when all of a batch are there. */
const ELSEWHERE = 2 ** 51;

/** Null: there is no such file, or its session was deleted. */
export async function findTargetFile(sql: Sql, file: readonly string[]): Promise<TargetFile | null> {
  const [session_id = "", agent = "", device_id = "", name = ""] = file;
  const [row] = await sql<TargetFile[]>`
    SELECT f.id::text AS file_id, f.session_id, f.kind, s.workspace_id
    FROM transcript_files f JOIN sessions s ON s.id = f.session_id
    WHERE f.session_id = ${session_id} AND f.agent = ${agent} AND f.device_id = ${device_id} AND f.file = ${name}
      AND s.deleted_at IS NULL`;
  return row ?? null;
}

export async function findWorkspaceOfSession(sql: Sql, session_id: string): Promise<string | null> {
  const [row] = await sql<
    { workspace_id: string }[]
  >`SELECT workspace_id FROM sessions WHERE id = ${session_id}`;
  return row?.workspace_id ?? null;
}

/**
 * Adds segments whose blobs are put already, and returns how many. A part of a file that is here stays as it is. The places of all segments
 * of these generations follow from their sizes; a file with other bytes than were exported is parsed again. `lines`: each an
 * ImportedSegment as JSON.
 */
export async function writeImportedSegments(sql: Sql, lines: readonly string[]): Promise<number> {
  const segments = `[${lines.join(",")}]`;
  return await transaction(sql, async ({ query }) => {
    await query`
      SELECT FROM transcript_files
      WHERE id IN (SELECT (s ->> 'file_id')::bigint FROM jsonb_array_elements((${segments}::text)::jsonb) AS s)
      ORDER BY id FOR NO KEY UPDATE`;
    const added = await query<{ file_id: string; generation: number; is_redacted: boolean }[]>`
      WITH sent AS MATERIALIZED (
        SELECT *, max(source_end) OVER (
          PARTITION BY file_id, generation ORDER BY source_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS sent_until
        FROM jsonb_to_recordset((${segments}::text)::jsonb) AS s (
          file_id bigint, session_id text, generation integer, source_start bigint, source_end bigint, source_hash text, sent_hash text,
          stored_bytes bigint, lines bigint, blob_hash text, created_at timestamptz, is_redacted boolean
        )
      ),
      added AS (
        INSERT INTO transcript_segments (
          file_id, generation, session_id, source_start, source_end, source_hash, sent_hash, stored_start, stored_bytes, lines, blob_hash,
          created_at
        )
        SELECT s.file_id, s.generation, s.session_id, s.source_start, s.source_end, s.source_hash, s.sent_hash,
          ${ELSEWHERE}::bigint + s.source_start, s.stored_bytes, s.lines, s.blob_hash, s.created_at
        FROM sent s JOIN transcript_generations g ON g.file_id = s.file_id AND g.generation = s.generation
        WHERE NOT EXISTS (SELECT FROM session_tombstones t WHERE t.session_id = s.session_id)
          AND coalesce(s.sent_until, 0) <= s.source_start AND NOT EXISTS (
          SELECT FROM transcript_segments held
          WHERE held.file_id = s.file_id AND held.generation = s.generation
            AND held.source_start < s.source_end AND held.source_end > s.source_start
        )
        ON CONFLICT DO NOTHING
        RETURNING file_id, generation, source_start
      )
      SELECT a.file_id::text, a.generation, s.is_redacted FROM added a JOIN sent s USING (file_id, generation, source_start)
      WHERE coalesce(s.sent_until, 0) <= s.source_start`;
    await placeSegments(query, added);
    const redacted = new Set(added.flatMap(({ file_id, is_redacted }) => (is_redacted ? [file_id] : [])));
    for (const file_id of redacted) await readAgain(query, file_id);
    return added.length;
  });
}

/** In two statements: a place is free once all segments that move have left theirs. */
async function placeSegments(
  query: Query,
  added: readonly { file_id: string; generation: number }[],
): Promise<void> {
  const places = JSON.stringify(added.map(({ file_id, generation }) => ({ file_id, generation })));
  await query`
    WITH changed AS MATERIALIZED (
      SELECT DISTINCT file_id, generation
      FROM jsonb_to_recordset((${places}::text)::jsonb) AS p (file_id bigint, generation integer)
    ),
    placed AS MATERIALIZED (
      SELECT file_id, generation, stored_start, stored_bytes,
        sum(stored_bytes) OVER (PARTITION BY file_id, generation ORDER BY source_start, stored_start) - stored_bytes AS place
      FROM transcript_segments JOIN changed USING (file_id, generation)
    ),
    sized AS (
      UPDATE transcript_generations g SET stored_bytes = p.bytes
      FROM (SELECT file_id, generation, sum(stored_bytes)::bigint AS bytes FROM placed GROUP BY file_id, generation) p
      WHERE g.file_id = p.file_id AND g.generation = p.generation
    )
    UPDATE transcript_segments s SET stored_start = 2 * ${ELSEWHERE}::bigint + p.place
    FROM placed p
    WHERE s.file_id = p.file_id AND s.generation = p.generation AND s.stored_start = p.stored_start AND p.place <> p.stored_start`;
  await query`
    UPDATE transcript_segments s SET stored_start = stored_start - 2 * ${ELSEWHERE}::bigint
    FROM (
      SELECT DISTINCT file_id, generation
      FROM jsonb_to_recordset((${places}::text)::jsonb) AS p (file_id bigint, generation integer)
    ) p
    WHERE s.file_id = p.file_id AND s.generation = p.generation AND s.stored_start >= 2 * ${ELSEWHERE}::bigint`;
}
