import { UNKNOWN_DEVICE_NAME, UNKNOWN_LOCAL_PATH } from "@wharf/protocol";
import type { Fragment, Sql } from "../postgres.ts";
import type { FilePlace, HeldFile, SentPart } from "./held-file.ts";

/** A segment whose blob is put already. */
export type NewSegment = Omit<SentPart, "sent_hash"> & {
  /** Null: of several parts. */
  sent_hash: string | null;
  stored_bytes: number;
  lines: number;
  blob_hash: string;
};

/** What a generation gains. */
export type Growth = {
  /** In their order, without gaps. */
  segments: readonly NewSegment[];
  source_bytes: number;
  source_hash: string | null;
  stored_bytes: number;
  lines: number;
  is_torn: boolean;
  /** Secrets replaced, by side and rule. */
  redactions: Readonly<Record<string, Readonly<Record<string, number>>>>;
  redaction_version: number;
};

export type NewGeneration = {
  place: FilePlace;
  kind: string;
  generation: number;
  workspace_id: string;
  deletes_at: string | null;
  growth: Growth;
};

export type Written = Pick<HeldFile, "file_id" | "stored_bytes">;

/**
 * Begins a generation, and with the first one the file, its device and, if need be, a stub of its session. Null: nothing was written,
 * because the file has another generation by now, or the session was deleted.
 */
export async function startGeneration(sql: Sql, started: NewGeneration): Promise<Written | null> {
  const { place, kind, generation, workspace_id, deletes_at, growth } = started;
  const { session_id, agent, device_id, file } = place;
  const rows = await sql<Written[]>`
    WITH sent AS MATERIALIZED (
      SELECT WHERE NOT EXISTS (SELECT FROM session_tombstones WHERE session_id = ${session_id})
    ),
    device_rows AS (
      INSERT INTO devices (id, name, type) SELECT ${device_id}, ${UNKNOWN_DEVICE_NAME}, 'local' FROM sent
      ON CONFLICT (id) DO NOTHING
    ),
    link_rows AS (
      INSERT INTO workspace_devices (workspace_id, device_id, local_path)
      SELECT ${workspace_id}, ${device_id}, ${UNKNOWN_LOCAL_PATH} FROM sent
      WHERE NOT EXISTS (SELECT FROM sessions WHERE id = ${session_id})
      ON CONFLICT (workspace_id, device_id) DO NOTHING
    ),
    session_rows AS (
      INSERT INTO sessions (id, workspace_id, device_id, started_at, has_only_files)
      SELECT ${session_id}, ${workspace_id}, ${device_id}, now(), true FROM sent
      ON CONFLICT (id) DO NOTHING
    ),
    file_rows AS (
      INSERT INTO transcript_files AS held (session_id, agent, device_id, file, kind, generation, deletes_at)
      SELECT ${session_id}, ${agent}, ${device_id}, ${file}, ${kind}, ${generation}::integer, ${deletes_at}::timestamptz FROM sent
      ON CONFLICT (session_id, agent, device_id, file) DO UPDATE SET
        generation = excluded.generation,
        deletes_at = coalesce(excluded.deletes_at, held.deletes_at),
        last_received_at = now()
      WHERE held.generation = excluded.generation - 1
      RETURNING id
    ),
    generation_rows AS (
      INSERT INTO transcript_generations (
        file_id, generation, session_id, source_bytes, source_hash, stored_bytes, lines, is_torn, redactions, redaction_version
      )
      SELECT id, ${generation}::integer, ${session_id}, ${growth.source_bytes}::bigint, ${growth.source_hash},
        ${growth.stored_bytes}::bigint, ${growth.lines}::bigint, ${growth.is_torn}::boolean,
        ${addedCounts(sql, sql`'{}'::jsonb`, growth)}, ${growth.redaction_version}::integer
      FROM file_rows
      RETURNING file_id, stored_bytes
    ),
    ${segmentRows(sql, { session_id, generation, growth }, sql`SELECT file_id, 0 AS stored_start FROM generation_rows`)}
    SELECT file_id::text, stored_bytes::float8 FROM generation_rows`;
  return rows[0] ?? null;
}

type SegmentsOf = { session_id: string; generation: number; growth: Growth };

/** `place`: one row with file_id and the stored_start of the first segment, or none. */
export function segmentRows(
  sql: Sql,
  { session_id, generation, growth }: SegmentsOf,
  place: Fragment,
): Fragment {
  const segments = JSON.stringify(growth.segments);
  return sql`
    segment_rows AS (
      INSERT INTO transcript_segments (
        file_id, generation, session_id, source_start, source_end, source_hash, sent_hash, stored_start, stored_bytes, lines, blob_hash
      )
      SELECT place.file_id, ${generation}::integer, ${session_id}, s.source_start, s.source_end, s.source_hash, s.sent_hash,
        place.stored_start + sum(s.stored_bytes) OVER (ORDER BY s.source_start) - s.stored_bytes, s.stored_bytes, s.lines, s.blob_hash
      FROM (${place}) AS place, jsonb_to_recordset((${segments}::text)::jsonb) AS s (
        source_start bigint, source_end bigint, source_hash text, sent_hash text, stored_bytes bigint, lines bigint, blob_hash text
      )
    )`;
}

/** `counts` with those of the growth, by side and rule. */
export function addedCounts(sql: Sql, counts: Fragment, { redactions }: Growth): Fragment {
  return sql`(
    SELECT coalesce(jsonb_object_agg(side, rules), '{}') FROM (
      SELECT side, jsonb_object_agg(rule, total) AS rules FROM (
        SELECT side, rule, sum(count::bigint) AS total
        FROM (VALUES (${counts}), ((${JSON.stringify(redactions)}::text)::jsonb)) AS either (sides),
          jsonb_each(sides) AS sides (side, rules), jsonb_each_text(rules) AS rules (rule, count)
        GROUP BY side, rule
      ) AS totals
      GROUP BY side
    ) AS by_side
  )`;
}
