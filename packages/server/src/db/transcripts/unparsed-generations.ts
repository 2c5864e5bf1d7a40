import type { Agent } from "@wharf/transcripts";
import type { Sql } from "../postgres.ts";
import type { FileGeneration } from "./segments.ts";

/** A generation whose stored bytes are not all parsed, with what its reader needs to continue. */
export type UnparsedGeneration = {
  file_id: string;
  generation: number;
  session_id: string;
  agent: Agent;
  device_id: string;
  /** Of the session's own device. */
  is_own: boolean;
  file: string;
  kind: "main" | "subagent" | "tool-result" | "meta" | "index";
  reading: number;
  stored_bytes: number;
  parsed_bytes: number;
  parsed_lines: number;
  is_torn: boolean;
  /** JSON; null: it is read from its beginning. */
  parser_state: string | null;
  /** JSON of LineCounts; {} at the beginning. */
  counts: string;
};

/** Of one list; the next one has those behind it. */
const LISTED_MAX = 10_000;

/**
 * The generations of the session that are not parsed: of the session's own device first, then of main files, then the older ones.
 */
export async function listUnparsed(sql: Sql, session_id: string): Promise<FileGeneration[]> {
  return await sql<FileGeneration[]>`
    SELECT g.file_id::text, g.generation
    FROM transcript_generations g JOIN transcript_files f ON f.id = g.file_id JOIN sessions s ON s.id = g.session_id
    WHERE s.deleted_at IS NULL AND g.session_id = ${session_id} AND g.parsed_bytes < g.stored_bytes
    ORDER BY f.device_id <> s.device_id, array_position(ARRAY['meta', 'main', 'subagent', 'index', 'tool-result'], f.kind), f.device_id,
      f.file, g.generation
    LIMIT ${LISTED_MAX}`;
}

/** Null: it is parsed, or its session is deleted. */
export async function readUnparsed(
  sql: Sql,
  { file_id, generation }: FileGeneration,
): Promise<UnparsedGeneration | null> {
  const [row] = await sql<UnparsedGeneration[]>`
    SELECT g.file_id::text, g.generation, g.session_id, f.agent, f.device_id, f.device_id = s.device_id AS is_own, f.file, f.kind, f.reading,
      g.stored_bytes::float8, g.parsed_bytes::float8, g.parsed_lines::float8, g.is_torn, g.parser_state::text, g.counts::text
    FROM transcript_generations g JOIN transcript_files f ON f.id = g.file_id JOIN sessions s ON s.id = g.session_id
    WHERE s.deleted_at IS NULL AND g.file_id = ${file_id}::bigint AND g.generation = ${generation}::integer
      AND g.parsed_bytes < g.stored_bytes`;
  return row ?? null;
}

/** Counts the lines that are not parsed as unread, unless more have arrived or the file is to be read again. */
export async function skipUnparsed(
  sql: Sql,
  { file_id, generation, reading, stored_bytes }: UnparsedGeneration,
): Promise<void> {
  await sql`
    UPDATE transcript_generations g SET parsed_bytes = stored_bytes, parsed_lines = greatest(lines, parsed_lines),
      counts = counts || jsonb_build_object(
        'unread', coalesce((counts ->> 'unread')::bigint, 0) + greatest(lines - parsed_lines, 0)
      )
    FROM transcript_files f
    WHERE f.id = g.file_id AND f.reading = ${reading}::integer
      AND g.file_id = ${file_id}::bigint AND g.generation = ${generation}::integer AND g.stored_bytes = ${stored_bytes}::bigint`;
}

/** Sessions with stored bytes that are not parsed, or with columns that have to be derived, but without what cannot be parsed. */
export async function findSessionsToParse(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql<{ session_id: string }[]>`
    SELECT session_id FROM (
      SELECT session_id FROM transcript_generations WHERE parsed_bytes < stored_bytes
      UNION SELECT session_id FROM derivations_due
      UNION SELECT session_id FROM transcript_files WHERE has_stale_rows
    ) due
    JOIN sessions s ON s.id = due.session_id
    WHERE s.deleted_at IS NULL AND s.parse_status IS DISTINCT FROM 'failed'
    ORDER BY session_id LIMIT ${limit}`;
  return rows.map(({ session_id }) => session_id);
}
