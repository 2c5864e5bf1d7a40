import type { Query } from "./query.ts";
import type { StepPlace } from "./write-messages.ts";

export type StepProgress = {
  /** Where the step began. */
  from: number;
  parsed_bytes: number;
  /** It ends within a line, or with the file: it stands only while nothing continues that. */
  is_open_ended: boolean;
  parsed_lines: number;
  parser_version: number;
  /** JSON. */
  parser_state: string;
  counts: string;
};

/**
 * Notes how far a generation is parsed, at the end of a step's transaction. False: another run did this step already, the file is to be
 * read again, or its session is deleted; the transaction must not be committed.
 */
export async function noteProgress(query: Query, place: StepPlace, progress: StepProgress): Promise<boolean> {
  const { file_id, generation, reading } = place;
  const { count } = await query`
    UPDATE transcript_generations SET
      parsed_bytes = ${progress.parsed_bytes}::bigint, parsed_lines = ${progress.parsed_lines}::bigint,
      parser_version = ${progress.parser_version}::integer, parser_state = (${progress.parser_state}::text)::jsonb,
      counts = (${progress.counts}::text)::jsonb
    WHERE file_id = ${file_id}::bigint AND generation = ${generation}::integer AND parsed_bytes = ${progress.from}::bigint
      AND (NOT ${progress.is_open_ended}::boolean OR stored_bytes = ${progress.parsed_bytes}::bigint)`;
  if (count === 0) return false;
  // In a statement of its own: one that was sent before the row was locked would not see a change that it had to wait for.
  const files = await query`
    SELECT FROM transcript_files f JOIN sessions s ON s.id = f.session_id
    WHERE f.id = ${file_id}::bigint AND f.reading = ${reading}::integer AND s.deleted_at IS NULL`;
  return files.length > 0;
}

/** Notes the file's earliest time; true where it has changed. */
export async function noteFirstAt(query: Query, file_id: string, first_at: string | null): Promise<boolean> {
  if (first_at === null) return false;
  const { count } = await query`
    UPDATE transcript_files SET first_at = ${first_at}::text::timestamptz
    WHERE id = ${file_id}::bigint AND first_at IS DISTINCT FROM least(first_at, ${first_at}::text::timestamptz)`;
  return count > 0;
}

/** The sessions' columns have to be derived again. */
export async function noteDerivations(query: Query, session_ids: readonly string[]): Promise<void> {
  await query`
    INSERT INTO derivations_due (session_id) SELECT unnest(${[...new Set(session_ids)].sort()}::text[])
    ON CONFLICT (session_id) DO UPDATE SET due_at = now()`;
}
