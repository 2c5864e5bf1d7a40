import type { Sql } from "../postgres.ts";
import type { Query } from "./query.ts";

/** A device with a file of the session. */
export type FileDevice = {
  device_id: string;
  /** The session's own. */
  is_own: boolean;
};

/** A record of a message: its file, and which reading of it. */
export type RecordPlace = FileDevice & {
  file_id: string;
  file: string;
  agent: string;
  generation: number;
  reading: number;
};

/** The record that a message shows, and its place among those of its file. */
export type ShownMessage = RecordPlace & { ordinal: number };

/** How long a statement of a step may take: a line may have 32 MB. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** Begins the transaction of a step: one at a time in a session. */
export async function lockSessionOfStep(query: Query, session_id: string): Promise<void> {
  await query`
    SELECT set_config('statement_timeout', ${String(STATEMENT_TIMEOUT_MS)}, true),
      pg_advisory_xact_lock(hashtextextended('transcript:' || ${session_id}::text, 0))`;
}

/** Most steps are written in a tenth of it. */
const STEP_WAIT_MAX_MS = 1_000;

/** Waits until no step of the session is being written. Throws a time-out of the lock. */
export async function waitForStep(sql: Sql, session_id: string): Promise<void> {
  await sql`
    SELECT set_config('lock_timeout', ${String(STEP_WAIT_MAX_MS)}, true),
      pg_advisory_xact_lock(hashtextextended('transcript:' || ${session_id}::text, 0))`;
}

/** Where the records stand that these messages show. */
export async function findShown(
  query: Query,
  ids: readonly string[],
): Promise<(ShownMessage & { id: string })[]> {
  if (ids.length === 0) return [];
  return await query<(ShownMessage & { id: string })[]>`
    SELECT m.id, m.file_id::text, f.device_id, f.file, f.agent, f.device_id = s.device_id AS is_own, m.generation, m.reading, m.ordinal
    FROM transcript_messages m JOIN transcript_files f ON f.id = m.file_id JOIN sessions s ON s.id = f.session_id
    WHERE m.id = ANY (${[...ids]}::text[])`;
}

/** Those of the messages that this reading of the generation has, but does not show. */
export async function findHidden(
  query: Query,
  ids: readonly string[],
  { file_id, generation, reading }: { file_id: string; generation: number; reading: number },
): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await query<{ message_id: string }[]>`
    SELECT message_id FROM hidden_messages
    WHERE message_id = ANY (${[...ids]}::text[]) AND file_id = ${file_id}::bigint AND generation = ${generation}::integer
      AND reading = ${reading}::integer`;
  return rows.map(({ message_id }) => message_id);
}

/** What the database knows of a call already, by files of a device. */
export type KnownCall = FileDevice & {
  call_id: string;
  /** Null: only its result is known. */
  tool: string | null;
  command: string | null;
  /** The text of its result, where the call itself is not known yet. */
  result_text: string | null;
  exit_code: number | null;
};

/** What is known of these calls; of one that is known by its result alone, the result's text. */
export async function findCalls(
  query: Query,
  session_id: string,
  call_ids: readonly string[],
): Promise<KnownCall[]> {
  if (call_ids.length === 0) return [];
  return await query<KnownCall[]>`
    SELECT call_id, f.device_id, f.device_id = s.device_id AS is_own, tool, command, exit_code, CASE WHEN message_id IS NULL THEN (
      SELECT result_text FROM content_blocks b
      JOIN transcript_messages m ON m.id = b.message_id JOIN transcript_files r ON r.id = m.file_id
      WHERE b.session_id = c.session_id AND b.tool_result_id = c.call_id AND r.device_id = f.device_id LIMIT 1
    ) END AS result_text
    FROM tool_calls c JOIN transcript_files f ON f.id = c.file_id JOIN sessions s ON s.id = c.session_id
    WHERE c.session_id = ${session_id} AND call_id = ANY (${[...call_ids]}::text[])`;
}
