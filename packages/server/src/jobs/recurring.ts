import type { JobRunner } from "@wharf/job-runner";
import { defineJob } from "@wharf/job-runner";
import { z } from "zod";
import type { Logger } from "../logger.ts";

export type RecurringJob = {
  name: string;
  every_ms: number;
  /** Longer than any run is expected to take; a run that is cut off is tried again at the next tick. */
  timeout_ms: number;
  run: (signal: AbortSignal) => Promise<unknown>;
};

/** A job of which nothing is known but when it is due. */
export type Recurrence = ReturnType<typeof createRecurrence>;

/**
 * A job that is due at each multiple of `every_ms`. Each run enqueues the next tick under that tick's idempotency key, and so
 * does the boot of every process, so that a tick is run once, whatever the number of processes.
 */
export function createRecurrence(recurring: RecurringJob, now: () => Date, logger: Logger) {
  let runner: Pick<JobRunner, "enqueue"> | undefined;

  const job = defineJob({
    name: recurring.name,
    queue: "recurring",
    input: z.object({ due_ms: z.number().int() }),
    maxAttempts: 3,
    timeoutMs: recurring.timeout_ms,
    concurrency: { key: () => recurring.name },
    run: async (context, { due_ms }) => {
      await enqueueAfter(due_ms);
      const result = await recurring.run(context.signal);
      logger.debug({ job: recurring.name, result }, "recurring job ran");
      return null;
    },
  });

  /** The tick after this one and after now: a clock that runs behind the database's must not name the same tick again. */
  async function enqueueAfter(previous_ms: number): Promise<void> {
    const later_ms = Math.max(now().getTime(), previous_ms);
    const due_ms = (Math.floor(later_ms / recurring.every_ms) + 1) * recurring.every_ms;
    const idempotencyKey = `${recurring.name}@${new Date(due_ms).toISOString()}`;
    await runner?.enqueue(job, { due_ms }, { runAt: new Date(due_ms), idempotencyKey });
  }

  /** Enqueues the next tick; from then on the job keeps itself going. */
  async function begin(jobRunner: Pick<JobRunner, "enqueue">): Promise<void> {
    runner = jobRunner;
    await enqueueAfter(0);
  }

  return { job, begin };
}
