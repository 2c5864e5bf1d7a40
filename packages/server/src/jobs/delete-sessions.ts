import { defineJob, type JobDefinition } from "@wharf/job-runner";
import { sessionSelectionSchema } from "@wharf/protocol";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { DeleteInPieces } from "../db/delete-in-pieces.ts";
import { beginSessionDeletions } from "../db/edits/session-deletion.ts";
import { DELETION_QUEUE, finishDeletion } from "./session-deletion.ts";

/** Sessions of one statement, which all disappear together. */
const BEGUN_AT_ONCE = 100;
/** Of one step: what an interrupted job looks at again at most. */
const FINISHED_PER_STEP = 50;
/** An attempt that takes longer is cut off, and the next one continues. */
const ATTEMPT_MAX_MS = 60 * 60_000;
const ATTEMPTS_MAX = 10;

const deletionInput = z.object({
  /** As it was sent, for people who look at the job. */
  filter: sessionSelectionSchema,
  /** What matched then: sessions that match only later were not counted, and are left alone. */
  ids: z.array(z.string()),
  /** Who asked for it. */
  actor: z.string(),
  request_id: z.string().nullable(),
});
export type SessionsDeletionJob = JobDefinition<typeof deletionInput>;
export type DeleteSessions = (input: z.infer<typeof deletionInput>) => Promise<{ id: string }>;

/** Deletes sessions: first all of them disappear, then their rows are deleted. */
export function createSessionsDeletionJob(
  database: Database,
  deleteInPieces: DeleteInPieces,
): SessionsDeletionJob {
  return defineJob({
    name: "delete-sessions",
    queue: DELETION_QUEUE,
    input: deletionInput,
    maxAttempts: ATTEMPTS_MAX,
    timeoutMs: ATTEMPT_MAX_MS,
    run: async (context, { ids: matching }) => {
      const ids: string[] = [];
      for (let from = 0; from < matching.length; from += BEGUN_AT_ONCE) {
        const some = matching.slice(from, from + BEGUN_AT_ONCE);
        ids.push(
          ...(await context.step(`begin ${from}`, () =>
            database.run((sql) => beginSessionDeletions(sql, some)),
          )),
        );
      }
      const { signal } = context;
      for (let from = 0; from < ids.length; from += FINISHED_PER_STEP) {
        await context.step(`finish ${from}`, async () => {
          for (const id of ids.slice(from, from + FINISHED_PER_STEP)) {
            await finishDeletion(deleteInPieces, id, { signal });
            signal.throwIfAborted();
          }
        });
        context.progress(Math.min(from + FINISHED_PER_STEP, ids.length), ids.length, "sessions deleted");
      }
      return { sessions: ids.length };
    },
  });
}
