import { defineJob, type JobDefinition } from "@wharf/job-runner";
import { type ReparseFilter, reparseFilterSchema } from "@wharf/protocol";
import type { Database } from "../db/database.ts";
import { findSessionsToReadAgain, requestReading } from "../db/transcripts/read-again.ts";
import { eachInTurn } from "./each-in-turn.ts";
import { type EnqueueParse, TRANSCRIPT_QUEUE } from "./parse-transcript.ts";

/** Of one step: what an interrupted job does again at most. */
const SESSIONS_PER_STEP = 200;

export type ReparseJob = JobDefinition<typeof reparseFilterSchema>;

/** Enqueues the jobs that read transcripts, and returns their ids. */
export type ParseQueue = {
  enqueue: EnqueueParse;
  /** For the sessions that match: all that is held of them. */
  readAgain: (filter: ReparseFilter) => Promise<{ id: string }>;
};

/** Begins a new reading of all sessions that match, each by a job of its own. Continues behind its last step when it is interrupted. */
export function createReparseJob(database: Database, enqueue: EnqueueParse): ReparseJob {
  return defineJob({
    name: "reparse-sessions",
    queue: TRANSCRIPT_QUEUE,
    input: reparseFilterSchema,
    run: async (context, filter) => {
      let sessions = 0;
      for (let after: string | null = "", step = 1; after !== null; step++) {
        const from: string = after;
        const done = await context.step(`sessions-${step}`, () =>
          readPageAgain(database, enqueue, filter, from),
        );
        sessions += done.sessions;
        after = done.last;
        context.progress(sessions, undefined, "sessions enqueued");
      }
      return { sessions };
    },
  });
}

type PageRead = { sessions: number; last: string | null };

async function readPageAgain(
  database: Database,
  enqueue: EnqueueParse,
  filter: ReparseFilter,
  after: string,
): Promise<PageRead> {
  const ids = await database.run((sql) => findSessionsToReadAgain(sql, filter, after, SESSIONS_PER_STEP));
  const readAgain = async (id: string) => {
    if (await database.run((sql) => requestReading(sql, id))) await enqueue(id);
  };
  await eachInTurn(ids.map((id) => () => readAgain(id)));
  return { sessions: ids.length, last: ids.length < SESSIONS_PER_STEP ? null : (ids.at(-1) ?? null) };
}
