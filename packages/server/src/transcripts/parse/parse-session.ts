import { type Connection, openConnection } from "../../db/connection.ts";
import type { Database } from "../../db/database.ts";
import { isUnavailable } from "../../db/database-errors.ts";
import type { Sql } from "../../db/postgres.ts";
import { noteParsing } from "../../db/transcripts/parse-status.ts";
import { findUnparsed, type UnparsedGeneration } from "../../db/transcripts/unparsed-generations.ts";
import { deriveSession } from "../derive-session.ts";
import type { StoredTranscripts } from "../read-stored.ts";
import { openGeneration } from "./open-generation.ts";
import { stepsOfFile } from "./steps-of-file.ts";
import { StepOvertakenError, writeStep } from "./write-step.ts";

/** Longer than the timeout that a step sets for its statements. */
const STATEMENT_DEADLINE_MS = 65_000;

export type ParseProgress = { signal?: AbortSignal; onStep?: (bytes: number) => void };

/**
 * Parses all stored bytes of a session that are not parsed yet, step by step, and derives its columns. Continues where an earlier call
 * ended, wherever that was. Throws what a step throws; the steps before it are kept, and the other generations are parsed.
 */
export async function parseSession(
  stored: StoredTranscripts,
  session_id: string,
  progress: ParseProgress = {},
): Promise<void> {
  const { database } = stored;
  const done: string[] = [];
  let failure: { error: unknown } | null = null;
  await database.run((sql) => noteParsing(sql, session_id));
  for (;;) {
    const generation = await database.run((sql) => findUnparsed(sql, session_id, done));
    if (generation === null) break;
    try {
      await parseGeneration(stored, generation, progress);
    } catch (error) {
      if (!isOfGeneration(error) || progress.signal?.aborted === true) throw error;
      failure ??= { error };
    }
    done.push(`${generation.file_id}/${generation.generation}`);
  }
  await deriveSession(database, session_id);
  if (failure !== null) throw failure.error;
}

/** Other generations can be parsed nevertheless: this one's bytes are damaged, or hold what is refused. */
function isOfGeneration(error: unknown): boolean {
  return !(error instanceof StepOvertakenError) && !isUnavailable(error);
}

async function parseGeneration(
  stored: StoredTranscripts,
  generation: UnparsedGeneration,
  { signal, onStep }: ParseProgress,
): Promise<void> {
  const opened = await openGeneration(stored, generation);
  const { open } = opened;
  const { sql, connection } = await connect(stored.database);
  try {
    for await (const step of stepsOfFile(stored, generation, opened)) {
      signal?.throwIfAborted();
      const { position } = open;
      await writeStep(connection, sql, open, step);
      onStep?.(step.end - position);
    }
  } finally {
    await connection.close();
  }
}

/** A connection outside the pool: a run takes longer than a statement of the pool may. */
function connect(database: Database): Promise<{ sql: Sql; connection: Connection }> {
  return database.run((sql) =>
    Promise.resolve({ sql, connection: openConnection(sql, { deadlineMs: STATEMENT_DEADLINE_MS }) }),
  );
}
