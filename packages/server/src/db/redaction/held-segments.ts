import type { Sql } from "../postgres.ts";
import type { Query } from "../transcripts/query.ts";
import type { FileGeneration, Segment } from "../transcripts/segments.ts";

export type OutdatedGeneration = FileGeneration & {
  kind: "main" | "subagent" | "tool-result" | "meta" | "index";
};
/** What takes the place of a segment's bytes. */
export type Rewritten = { blob_hash: string; stored_bytes: number };

/** Larger than any generation: segments are moved behind it and back, so that their new places are free. */
const ELSEWHERE = 2 ** 52;

/** Generations of a session's files of which some bytes were not redacted, or by older rules. */
export async function findOutdatedGenerations(
  sql: Sql,
  session_id: string,
  version: number,
): Promise<OutdatedGeneration[]> {
  return await sql<OutdatedGeneration[]>`
    SELECT g.file_id::text, g.generation, f.kind FROM transcript_generations g JOIN transcript_files f ON f.id = g.file_id
    WHERE g.session_id = ${session_id} AND coalesce(g.redaction_version, 0) < ${version}::integer
    ORDER BY g.file_id, g.generation`;
}

/** All segments of a generation. The file can neither grow nor begin a generation until the transaction ends. */
export async function lockSegments(
  query: Query,
  { file_id, generation }: FileGeneration,
): Promise<Segment[]> {
  await query`SELECT FROM transcript_files WHERE id = ${file_id}::bigint FOR NO KEY UPDATE`;
  // In a statement of its own: one that had to wait for a merge of segments would not see the merged one.
  await query`
    SELECT FROM transcript_segments WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer
    ORDER BY stored_start FOR UPDATE`;
  return await query<Segment[]>`
    SELECT stored_start::float8, stored_bytes::float8, blob_hash FROM transcript_segments
    WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer ORDER BY stored_start`;
}

/**
 * Gives segments their new bytes and places, within the transaction that has locked them. The former blobs are listed as unreferenced.
 * When bytes change, the file is read again from its beginning.
 */
export async function writeSegments(
  query: Query,
  { file_id, generation }: FileGeneration,
  segments: readonly (Segment & { new: Rewritten })[],
  rules: { version: number; secrets: Readonly<Record<string, number>> },
): Promise<void> {
  const changed = segments.filter((segment) => segment.new.blob_hash !== segment.blob_hash);
  if (changed.length > 0) await moveSegments(query, { file_id, generation }, segments);
  await query`
    INSERT INTO unreferenced_blobs (hash)
    SELECT DISTINCT hash FROM unnest(${changed.map(({ blob_hash }) => blob_hash)}::text[]) AS hash ORDER BY hash
    ON CONFLICT (hash) DO NOTHING`;
  const stored_bytes = segments.reduce((sum, segment) => sum + segment.new.stored_bytes, 0);
  await query`
    UPDATE transcript_generations SET
      stored_bytes = ${stored_bytes}::bigint,
      redaction_version = ${rules.version}::integer,
      redactions = jsonb_set(redactions, '{hub}', (
        SELECT coalesce(jsonb_object_agg(rule, total), '{}') FROM (
          SELECT rule, sum(count::bigint) AS total
          FROM (VALUES (coalesce(redactions -> 'hub', '{}')), ((${JSON.stringify(rules.secrets)}::text)::jsonb)) AS both_of (counts),
            jsonb_each_text(counts) AS counts (rule, count)
          GROUP BY rule
        ) AS totals
      ))
    WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer`;
  if (changed.length > 0) await readAgain(query, file_id);
}

async function moveSegments(
  query: Query,
  { file_id, generation }: FileGeneration,
  segments: readonly (Segment & { new: Rewritten })[],
): Promise<void> {
  let start = 0;
  const moves = segments.map((segment) => {
    const move = { stored_start: segment.stored_start, new_start: start, ...segment.new };
    start += segment.new.stored_bytes;
    return move;
  });
  await query`
    UPDATE transcript_segments SET stored_start = stored_start + ${ELSEWHERE}::bigint
    WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer`;
  await query`
    UPDATE transcript_segments s SET stored_start = m.new_start, stored_bytes = m.stored_bytes, blob_hash = m.blob_hash
    FROM jsonb_to_recordset((${JSON.stringify(moves)}::text)::jsonb)
      AS m (stored_start bigint, new_start bigint, stored_bytes bigint, blob_hash text)
    WHERE s.file_id = ${file_id}::bigint AND s.generation = ${generation}::integer
      AND s.stored_start = m.stored_start + ${ELSEWHERE}::bigint`;
}

/** Begins a new reading of a file, whose bytes have changed. */
export async function readAgain(query: Query, file_id: string): Promise<void> {
  await query`UPDATE transcript_files SET reading = reading + 1, has_stale_rows = true WHERE id = ${file_id}::bigint`;
  await query`
    UPDATE transcript_generations SET parsed_bytes = 0, parsed_lines = 0, parser_state = NULL, counts = '{}'
    WHERE file_id = ${file_id}::bigint`;
}
