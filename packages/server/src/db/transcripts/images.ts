import { type ImagePlace, imagePlaceSchema } from "@wharf/protocol";
import type { Sql } from "../postgres.ts";
import type { FileGeneration, Segment } from "./segments.ts";
import type { UnparsedGeneration } from "./unparsed-generations.ts";

/** An image of a block, with the file that its message stands in. */
export type ImageOfBlock = FileGeneration &
  Pick<UnparsedGeneration, "agent" | "kind" | "file" | "stored_bytes"> & { image: ImagePlace };

/** The n-th image of a block, from 0. Null: the session has no such block, or the block no such image. */
export async function findImage(
  sql: Sql,
  { session_id, block_id, index }: { session_id: string; block_id: string; index: number },
): Promise<ImageOfBlock | null> {
  const [row] = await sql<(Omit<ImageOfBlock, "image"> & { image: unknown })[]>`
    SELECT f.id::text AS file_id, g.generation, f.agent, f.kind, f.file, g.stored_bytes::float8,
      b.metadata -> 'images' -> ${index}::integer AS image
    FROM content_blocks b
    JOIN transcript_messages m ON m.id = b.message_id
    JOIN sessions s ON s.id = m.session_id
    JOIN transcript_generations g ON g.file_id = m.file_id AND g.generation = m.generation
    JOIN transcript_files f ON f.id = g.file_id
    WHERE b.id = ${block_id} AND m.session_id = ${session_id} AND s.deleted_at IS NULL`;
  const image = imagePlaceSchema.safeParse(row?.image);
  return row === undefined || !image.success ? null : { ...row, image: image.data };
}

/** The segment that holds a line, and the number of lines before it. Null: it is not held. */
export async function findSegmentOfLine(
  sql: Sql,
  { file_id, generation }: FileGeneration,
  line: number,
): Promise<(Segment & { lines_before: number }) | null> {
  const [row] = await sql<(Segment & { lines_before: number })[]>`
    SELECT stored_start::float8, stored_bytes::float8, blob_hash, lines_before::float8
    FROM (
      SELECT *, sum(lines) OVER before AS lines_to, sum(lines) OVER before - lines AS lines_before,
        sum(stored_bytes) OVER before - stored_bytes AS bytes_before
      FROM transcript_segments WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer
      WINDOW before AS (ORDER BY stored_start)
    ) s
    -- Without the segments before it, which retention may have deleted, its lines are not known.
    WHERE lines_to >= ${line}::bigint AND bytes_before = stored_start
    ORDER BY stored_start LIMIT 1`;
  return row ?? null;
}
