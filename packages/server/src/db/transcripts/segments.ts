import type { Sql } from "../postgres.ts";
import type { NewSegment } from "./write-segments.ts";

/** A generation of a transcript file. */
export type FileGeneration = { file_id: string; generation: number };

/** A part of a generation as kept: `stored_bytes` bytes from `stored_start` on, as one zstd frame in the blob store. */
export type Segment = { stored_start: number; stored_bytes: number; blob_hash: string };

/** Up to `limit` segments that end behind `from`, in their order. */
export async function listSegments(
  sql: Sql,
  { file_id, generation }: FileGeneration,
  from: number,
  limit: number,
): Promise<Segment[]> {
  return await sql<Segment[]>`
    SELECT stored_start::float8, stored_bytes::float8, blob_hash FROM transcript_segments
    WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer
      AND stored_start + stored_bytes > ${from}::bigint
    ORDER BY stored_start LIMIT ${limit}::integer`;
}

/** The last segment of a generation, with its place in the device's own file. */
export type LastSegment = NewSegment & { stored_start: number };

/** Null: nothing is held. */
export async function findLastSegment(
  sql: Sql,
  { file_id, generation }: FileGeneration,
): Promise<LastSegment | null> {
  const [row] = await sql<LastSegment[]>`
    SELECT stored_start::float8, stored_bytes::float8, blob_hash, source_start::float8, source_end::float8, source_hash, sent_hash,
      lines::float8
    FROM transcript_segments WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer
    ORDER BY stored_start DESC LIMIT 1`;
  return row ?? null;
}
