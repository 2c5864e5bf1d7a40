import { type Connection, openConnection } from "../../db/connection.ts";
import type { Database } from "../../db/database.ts";
import { isUnavailable } from "../../db/database-errors.ts";
import type { Sql } from "../../db/postgres.ts";
import { findForksToReadAgain } from "../../db/transcripts/forks.ts";
import { noteParsing } from "../../db/transcripts/parse-status.ts";
import { requestReading } from "../../db/transcripts/read-again.ts";
import {
  listUnparsed,
  readUnparsed,
  skipUnparsed,
  type UnparsedGeneration,
} from "../../db/transcripts/unparsed-generations.ts";
import { deriveSession } from "../derive-session.ts";
import { fillSpilled } from "../fill-spilled.ts";
import type { StoredTranscripts } from "../read-stored.ts";
import { openGeneration } from "./open-generation.ts";
import { removeStaleRows } from "./remove-stale.ts";
import { stepsOfFile } from "./steps-of-file.ts";
import { StepOvertakenError, writeStep } from "./write-step.ts";

/** Longer than the timeout that a step sets for its statements. */
const STATEMENT_DEADLINE_MS = 65_000;

export type ParseProgress = {
  signal?: AbortSignal;
  onStep?: (bytes: number) => void;
  /** Files of other devices that cannot be parsed are left, with their lines counted as unread. */
  isLastAttempt?: boolean;
};

/** A file of another device cannot be parsed; all of the session's own device are. */
export class OtherDeviceError extends Error {
  constructor(cause: unknown) {
    super("A transcript file of another device cannot be parsed.", { cause });
    this.name = "OtherDeviceError";
  }
}

/**
 * Parses all stored bytes of a session that are not parsed yet, step by step, and derives its columns. Continues where an earlier call
 * ended, wherever that was. Returns other sessions that have to be parsed or derived now. Throws what a step throws, and OtherDeviceError;
 * the steps before it are kept, and the other generations are parsed.
 */
export async function parseSession(
  stored: StoredTranscripts,
  session_id: string,
  progress: ParseProgress = {},
): Promise<string[]> {
  const { database } = stored;
  const changed = new Set<string>();
  await database.run((sql) => noteParsing(sql, session_id));
  for (;;) {
    const failure = await parseGenerations(stored, session_id, progress, changed);
    await fillSpilled(stored, session_id);
    const stale = await removeStaleRows(database, session_id);
    for (const id of stale.session_ids) changed.add(id);
    await deriveSession(database, session_id);
    if (failure !== null) throw failure.error;
    const forks = await readForksAgain(database, session_id);
    for (const id of forks) changed.add(id);
    if (!stale.is_needed && !forks.includes(session_id)) break;
  }
  changed.delete(session_id);
  return [...changed];
}

/** Begins a new reading of the sessions that began with turns of this one, or of this one, before those turns were known. */
async function readForksAgain(database: Database, session_id: string): Promise<string[]> {
  const ids = await database.run((sql) => findForksToReadAgain(sql, session_id));
  for (const id of ids) await database.run((sql) => requestReading(sql, id));
  return ids;
}

type Failure = { error: unknown };
type Failures = { own: Failure | null; ofOthers: Failure | null };
type StepConnection = { sql: Sql; connection: Connection };

async function parseGenerations(
  stored: StoredTranscripts,
  session_id: string,
  progress: ParseProgress,
  changed: Set<string>,
): Promise<Failure | null> {
  const failures: Failures = { own: null, ofOthers: null };
  // To open one, and to prepare its statements, takes longer than most files.
  const steps = await connect(stored.database);
  try {
    for await (const generation of unparsedOf(stored.database, session_id))
      try {
        for (const id of await parseGeneration(stored, steps, generation, progress)) changed.add(id);
      } catch (error) {
        if (!isOfGeneration(error) || progress.signal?.aborted === true) throw error;
        if (generation.is_own) failures.own ??= { error };
        else if (progress.isLastAttempt === true)
          await stored.database.run((sql) => skipUnparsed(sql, generation));
        else failures.ofOthers ??= { error: new OtherDeviceError(error) };
      }
  } finally {
    await steps.connection.close();
  }
  return failures.own ?? failures.ofOthers;
}

/** Each generation once, also one that grows meanwhile or cannot be parsed. */
async function* unparsedOf(database: Database, session_id: string): AsyncGenerator<UnparsedGeneration> {
  const done = new Set<string>();
  for (let found = 1; found > 0; ) {
    found = 0;
    for (const place of await database.run((sql) => listUnparsed(sql, session_id))) {
      const key = `${place.file_id}/${place.generation}`;
      if (done.has(key)) continue;
      done.add(key);
      found += 1;
      const generation = await database.run((sql) => readUnparsed(sql, place));
      if (generation !== null) yield generation;
    }
  }
}

/** Other generations can be parsed nevertheless: this one's bytes are damaged, or hold what is refused. */
function isOfGeneration(error: unknown): boolean {
  return !(error instanceof StepOvertakenError) && !isUnavailable(error);
}

async function parseGeneration(
  stored: StoredTranscripts,
  { sql, connection }: StepConnection,
  generation: UnparsedGeneration,
  { signal, onStep }: ParseProgress,
): Promise<Set<string>> {
  const opened = await openGeneration(stored, generation);
  const { open } = opened;
  const changed = new Set<string>();
  for await (const step of stepsOfFile(stored, generation, opened)) {
    signal?.throwIfAborted();
    const { position } = open;
    for (const id of await writeStep(connection, sql, open, step)) changed.add(id);
    onStep?.(step.end - position);
  }
  return changed;
}

/**
 * A connection outside the pool: a run takes longer than a statement of the pool may. It is opened in a turn of the pool, which waits
 * where Postgres has no connection left.
 */
async function connect(database: Database): Promise<StepConnection> {
  return await database.run(async (sql) => {
    const connection = openConnection(sql, { deadlineMs: STATEMENT_DEADLINE_MS });
    try {
      await connection.query`SELECT`;
      return { sql, connection };
    } catch (error) {
      await connection.close();
      throw error;
    }
  });
}
