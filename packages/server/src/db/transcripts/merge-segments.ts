import { one } from "@wharf/job-runner";
import type { Sql } from "../postgres.ts";
import type { FileGeneration, Segment } from "./segments.ts";
import { releasedBlobs } from "./unreferenced-blobs.ts";

/** The bound of idx_transcript_segments_small. */
export const SMALL_SEGMENT_BYTES = 1_048_576;
/** A file that grows is merged after it: parts that are sent again are recognized until then. */
const SETTLED_MINUTES = 60;

/** Generations after `after` with at least `segmentsMin` small segments that have settled. */
export async function findFragmented(
  sql: Sql,
  after: FileGeneration,
  { segmentsMin, limit }: { segmentsMin: number; limit: number },
): Promise<FileGeneration[]> {
  return await sql<FileGeneration[]>`
    SELECT file_id::text, generation FROM transcript_segments
    WHERE stored_bytes < 1048576 AND created_at < now() - make_interval(mins => ${SETTLED_MINUTES})
      AND (file_id, generation) > (${after.file_id}::bigint, ${after.generation}::integer)
    GROUP BY transcript_segments.file_id, generation HAVING count(*) >= ${segmentsMin}::integer
    ORDER BY transcript_segments.file_id, generation LIMIT ${limit}::integer`;
}

/** All settled segments of a generation, in their order. */
export async function listSettled(sql: Sql, { file_id, generation }: FileGeneration): Promise<Segment[]> {
  return await sql<Segment[]>`
    SELECT stored_start::float8, stored_bytes::float8, blob_hash FROM transcript_segments
    WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer
      AND created_at < now() - make_interval(mins => ${SETTLED_MINUTES})
    ORDER BY stored_start`;
}

/**
 * Replaces adjacent segments by one with the same bytes, whose blob is put already. False: they are not as they were, and nothing was
 * changed. Readers that have listed the older ones still find their blobs for a while.
 */
export async function mergeSegments(
  sql: Sql,
  { file_id, generation }: FileGeneration,
  merged: { segments: readonly Segment[]; blob_hash: string },
): Promise<boolean> {
  const hashes = merged.segments.map(({ blob_hash }) => blob_hash);
  const starts = merged.segments.map(({ stored_start }) => stored_start);
  const rows = await sql<{ is_merged: boolean }[]>`
    WITH locked AS MATERIALIZED (
      SELECT stored_start, blob_hash FROM transcript_segments
      WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer
        AND stored_start = ANY (${starts}::bigint[])
      ORDER BY stored_start FOR UPDATE
    ),
    deleted AS (
      DELETE FROM transcript_segments
      WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer
        AND stored_start = ANY (${starts}::bigint[])
        AND (SELECT array_agg(blob_hash ORDER BY stored_start) FROM locked) = ${hashes}::text[]
      RETURNING *
    ),
    merged AS (
      INSERT INTO transcript_segments (
        file_id, generation, session_id, source_start, source_end, source_hash, stored_start, stored_bytes, lines, blob_hash, created_at
      )
      SELECT file_id, generation, session_id, min(source_start), max(source_end),
        (array_agg(source_hash ORDER BY stored_start DESC))[1], min(stored_start), sum(stored_bytes), sum(lines),
        ${merged.blob_hash}, min(created_at)
      FROM deleted GROUP BY file_id, generation, session_id
      RETURNING file_id
    ),
    released AS (${releasedBlobs(sql, sql`deleted`, "later")})
    SELECT EXISTS (SELECT FROM merged) AS is_merged`;
  return one(rows).is_merged;
}
