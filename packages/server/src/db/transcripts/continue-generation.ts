import type { Fragment, Sql } from "../postgres.ts";
import type { HeldFile } from "./held-file.ts";
import type { LastSegment } from "./segments.ts";
import { releasedBlobs } from "./unreferenced-blobs.ts";
import { addedCounts, type Growth, segmentRows, type Written } from "./write-segments.ts";

/** The last segment, which the first segments of a growth replace because its line continues. */
export type ReplacedSegment = LastSegment & {
  /** Bytes at its beginning that stay as they are. */
  kept_bytes: number;
};

export type Continuation = {
  session_id: string;
  held: HeldFile;
  deletes_at: string | null;
  growth: Growth;
  replaced: ReplacedSegment | null;
};

/**
 * Adds to the newest generation of a file, if it still holds what it held. Null: nothing was written, because another request has added
 * to it meanwhile, the segment to be replaced is another one, or the session was deleted. Locks the file, its last segment, its generation.
 */
export async function continueGeneration(sql: Sql, continued: Continuation): Promise<Written | null> {
  const { session_id, held, deletes_at, growth, replaced } = continued;
  const { file_id, generation } = held;
  const rows = await sql<Written[]>`
    WITH locked AS MATERIALIZED (
      SELECT id FROM transcript_files
      WHERE id = ${file_id}::bigint AND generation = ${generation}::integer
        AND NOT EXISTS (SELECT FROM session_tombstones WHERE session_id = ${session_id})
      FOR NO KEY UPDATE
    ),
    ${replaced === null ? sql`` : lockedSegment(sql, generation, replaced)}
    grown AS (
      UPDATE transcript_generations g SET
        source_bytes = ${growth.source_bytes}::bigint,
        source_hash = ${growth.source_hash},
        stored_bytes = g.stored_bytes - ${replaced?.stored_bytes ?? 0}::bigint + ${growth.stored_bytes}::bigint,
        lines = g.lines - ${replaced?.lines ?? 0}::bigint + ${growth.lines}::bigint,
        is_torn = ${growth.is_torn}::boolean,
        redactions = ${addedCounts(sql, sql`g.redactions`, growth)},
        redaction_version = least(g.redaction_version, ${growth.redaction_version}::integer)
        ${replaced === null ? sql`` : sql`, ${unreadLine(sql, replaced)}`}
      FROM ${replaced === null ? sql`locked` : sql`locked JOIN last ON true`}
      WHERE g.file_id = locked.id AND g.generation = ${generation}::integer
        AND g.source_bytes = ${held.source_bytes}::bigint AND g.source_hash IS NOT DISTINCT FROM ${held.source_hash}
      RETURNING g.file_id, g.stored_bytes
    ),
    ${replaced === null ? sql`` : releasedSegment(sql, generation, replaced)}
    file_rows AS (
      UPDATE transcript_files SET last_received_at = now(), deletes_at = coalesce(${deletes_at}::timestamptz, deletes_at)
      WHERE id IN (SELECT file_id FROM grown)
    ),
    ${segmentRows(
      sql,
      { session_id, generation, growth },
      // Behind the deletion: the new segment may have the place of the old one.
      sql`SELECT grown.file_id, grown.stored_bytes - ${growth.stored_bytes}::bigint AS stored_start
        FROM ${replaced === null ? sql`grown` : sql`grown JOIN deleted ON true`}`,
    )}
    SELECT file_id::text, stored_bytes::float8 FROM grown`;
  return rows[0] ?? null;
}

function lockedSegment(sql: Sql, generation: number, { stored_start, blob_hash }: ReplacedSegment): Fragment {
  return sql`
    last AS MATERIALIZED (
      SELECT s.stored_start FROM locked JOIN transcript_segments s ON s.file_id = locked.id
      WHERE s.generation = ${generation}::integer AND s.stored_start = ${stored_start}::bigint AND s.blob_hash = ${blob_hash}
      FOR UPDATE OF s
    ),`;
}

function releasedSegment(sql: Sql, generation: number, { stored_start }: ReplacedSegment): Fragment {
  return sql`
    deleted AS (
      DELETE FROM transcript_segments s USING grown
      WHERE s.file_id = grown.file_id AND s.generation = ${generation}::integer AND s.stored_start = ${stored_start}::bigint
      RETURNING s.blob_hash
    ),
    released AS (${releasedBlobs(sql, sql`deleted`, "later")}),`;
}

/** The line that continues is read again, and if it was counted as torn, it is not any more. */
function unreadLine(sql: Sql, { stored_start, kept_bytes }: ReplacedSegment): Fragment {
  const begin = sql`${stored_start + kept_bytes}::bigint`;
  const wasCounted = sql`g.is_torn AND g.parsed_bytes > ${begin}`;
  return sql`
        parsed_bytes = least(g.parsed_bytes, ${begin}),
        parsed_lines = g.parsed_lines - (${wasCounted})::integer,
        counts = CASE WHEN ${wasCounted} AND g.counts ? 'torn'
          THEN jsonb_set(g.counts, '{torn}', to_jsonb((g.counts ->> 'torn')::bigint - 1)) ELSE g.counts END`;
}
