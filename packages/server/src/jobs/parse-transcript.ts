import { defineJob, type JobDefinition } from "@wharf/job-runner";
import { z } from "zod";
import { describeDatabaseError, errorCode } from "../db/database-errors.ts";
import { noteParseFailure } from "../db/transcripts/parse-status.ts";
import { findSessionsToParse } from "../db/transcripts/unparsed-generations.ts";
import { WharfError } from "../errors.ts";
import { OtherDeviceError, parseSession } from "../transcripts/parse/parse-session.ts";
import type { StoredTranscripts } from "../transcripts/read-stored.ts";
import { eachInTurn } from "./each-in-turn.ts";
import { endSilentSessions, type Silence } from "./end-silent-sessions.ts";
import type { RecurringJob } from "./recurring.ts";

export const TRANSCRIPT_QUEUE = "transcripts";
const ATTEMPTS_MAX = 5;
/** A run that takes longer is cut off, and the next one continues. */
const ATTEMPT_MAX_MS = 60 * 60_000;
const SESSIONS_AT_ONCE = 1_000;

const parseInput = z.object({ session_id: z.string() });
export type ParseJob = JobDefinition<typeof parseInput>;

export type ParseJobDependencies = StoredTranscripts & Silence & { enqueue: EnqueueParse };

/**
 * Parses what is not parsed yet of a session's transcripts, and ends the session where they show that it has been silent for too long. One
 * job of a session runs at a time, and one more may wait.
 */
export function createParseJob({ enqueue, ...stored }: ParseJobDependencies): ParseJob {
  return defineJob({
    name: "parse-transcript",
    queue: TRANSCRIPT_QUEUE,
    input: parseInput,
    maxAttempts: ATTEMPTS_MAX,
    timeoutMs: ATTEMPT_MAX_MS,
    concurrency: { key: ({ session_id }) => session_id },
    run: async (context, { session_id }) => {
      let bytes = 0;
      const onStep = (parsed: number) => {
        bytes += parsed;
        context.progress(bytes, undefined, "bytes parsed");
      };
      try {
        const isLastAttempt = context.attempt >= ATTEMPTS_MAX;
        const others = await parseSession(stored, session_id, {
          signal: context.signal,
          onStep,
          isLastAttempt,
        });
        await eachInTurn(others.map((id) => () => enqueue(id)));
      } catch (error) {
        if (!context.signal.aborted && !(error instanceof OtherDeviceError))
          await noteFailure(stored, session_id, error, context.attempt);
        throw error;
      }
      await endSilentSessions(stored, [session_id]);
      return { bytes_parsed: bytes };
    },
  });
}

async function noteFailure({ database }: StoredTranscripts, id: string, error: unknown, attempt: number) {
  const isFinal = attempt >= ATTEMPTS_MAX;
  // Where the database is unavailable, the failure that is thrown is the first one.
  await database
    .run((sql) => noteParseFailure(sql, id, describeFailure(error), isFinal))
    .catch(() => undefined);
}

/** Without values of the transcript, which the message of an unknown error may quote. */
function describeFailure(error: unknown): string {
  if (error instanceof WharfError || errorCode(error) !== undefined) return describeDatabaseError(error);
  return `the parser failed (${error instanceof Error ? error.name : typeof error})`;
}

export type EnqueueParse = (session_id: string) => Promise<{ id: string }>;

/** Enqueues the sessions whose bytes arrived, or whose columns changed, without a job: a process died in between. */
export function enqueueLeftParses(
  { database }: Pick<StoredTranscripts, "database">,
  enqueue: EnqueueParse,
): RecurringJob["run"] {
  return async () => {
    const ids = await database.run((sql) => findSessionsToParse(sql, SESSIONS_AT_ONCE));
    await eachInTurn(ids.map((id) => () => enqueue(id)));
    return ids.length;
  };
}
