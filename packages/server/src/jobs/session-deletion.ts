import { defineJob, type JobDefinition } from "@wharf/job-runner";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { describeDatabaseError } from "../db/database-errors.ts";
import type { DeleteInPieces, DeletionOptions } from "../db/delete-in-pieces.ts";
import { findBegunDeletions, finishSessionDeletion } from "../db/edits/session-deletion.ts";
import type { Logger } from "../logger.ts";
import { releaseResponses } from "../transcripts/release-responses.ts";
import { eachInTurn } from "./each-in-turn.ts";
import type { RecurringJob } from "./recurring.ts";

export const DELETION_QUEUE = "deletions";
/** Their statements take turns anyway. */
export const DELETIONS_AT_ONCE = 2;
const sessionDeletionInput = z.object({ session_id: z.string() });
export type SessionDeletionJob = JobDefinition<typeof sessionDeletionInput>;

/** An attempt that takes longer is cut off, and the next one continues. */
const ATTEMPT_MAX_MS = 60 * 60_000;
/** Of a deletion that is neither under way in a request nor has a job yet: its process died in between. */
const LEFT_BEHIND_AFTER_MS = 60_000;
const LEFT_BEHIND_AT_ONCE = 100;

/** Responses that other sessions hold, too, are given to them first. */
export async function finishDeletion(
  deleteInPieces: DeleteInPieces,
  id: string,
  options: DeletionOptions,
): Promise<boolean> {
  if (!(await deleteInPieces(releaseResponses(id), options))) return false;
  return await finishSessionDeletion(deleteInPieces, id, options);
}

/** Deletes in the background what a request could not delete in its time. One job a session. */
export function createSessionDeletionJob(deleteInPieces: DeleteInPieces): SessionDeletionJob {
  return defineJob({
    name: "delete-session",
    queue: DELETION_QUEUE,
    input: sessionDeletionInput,
    timeoutMs: ATTEMPT_MAX_MS,
    concurrency: { key: ({ session_id }) => session_id },
    run: async (context, { session_id }) => {
      let deleted = 0;
      const onDeleted = (rows: number) => {
        deleted += rows;
        context.progress(deleted, undefined, "rows deleted");
      };
      await finishDeletion(deleteInPieces, session_id, { signal: context.signal, onDeleted });
      context.signal.throwIfAborted();
      return { rows_deleted: deleted };
    },
  });
}

/** Finishes deletions whose process died before it enqueued a job for them. */
export function resumeDeletions(
  database: Database,
  deleteInPieces: DeleteInPieces,
  ageMs = LEFT_BEHIND_AFTER_MS,
): RecurringJob["run"] {
  return async (signal) => {
    const ids = await database.run((sql) => findBegunDeletions(sql, ageMs, LEFT_BEHIND_AT_ONCE));
    await eachInTurn(ids.map((id) => () => finishDeletion(deleteInPieces, id, { signal })));
    return ids.length;
  };
}

/** Deletes a session in the request's time, or enqueues the job that continues: returns the job's id, or null when all rows are deleted. */
export type DeleteSession = (id: string) => Promise<string | null>;

export type SessionDeleterOptions = {
  deleteInPieces: DeleteInPieces;
  enqueue: (session_id: string) => Promise<{ id: string }>;
  logger: Logger;
  requestMs?: number;
};

/** How long a request waits for its deletion. */
const REQUEST_MS = 2_000;

/** For sessions whose deletion has begun. A deletion that fails in the request is left to the job, too. */
export function createSessionDeleter(options: SessionDeleterOptions): DeleteSession {
  const { deleteInPieces, enqueue, logger, requestMs = REQUEST_MS } = options;
  return async function deleteSession(id) {
    try {
      const signal = AbortSignal.timeout(requestMs);
      if (await finishDeletion(deleteInPieces, id, { signal })) return null;
    } catch (error) {
      logger.warn(
        { reason: describeDatabaseError(error) },
        "session deletion failed; a job will continue it",
      );
    }
    return (await enqueue(id)).id;
  };
}
