import { defineJob, defineSchedule, type JobDefinition, type Schedule } from "@wharf/job-runner";
import { HOUSEKEEPING_QUEUE } from "@wharf/protocol/queues";
import { z } from "zod";
import type { Logger } from "../logger.ts";

export type RecurringJob = {
  name: string;
  /** When it is due, in UTC. */
  cron: string;
  /** Longer than any run is expected to take; an interrupted run is retried. */
  timeout_ms: number;
  run: (signal: AbortSignal) => Promise<unknown>;
};

/** A job and the schedule that enqueues it. */
export type Recurrence = { job: JobDefinition; schedule: Schedule };

/** A job that runs once per tick across all processes, and never concurrently with itself. One run makes up for missed ticks. */
export function createRecurrence(recurring: RecurringJob, logger: Logger): Recurrence {
  const { name, cron } = recurring;
  const job = defineJob({
    name,
    queue: HOUSEKEEPING_QUEUE,
    input: z.object({
      due_ms: z
        .number()
        .int()
        .default(() => Date.now()),
    }),
    maxAttempts: 3,
    timeoutMs: recurring.timeout_ms,
    concurrency: { key: () => name },
    run: async (context) => {
      const result = await recurring.run(context.signal);
      logger.debug({ job: name, result }, "recurring job ran");
      return null;
    },
  });
  const schedule = defineSchedule({
    name,
    cron,
    job,
    input: (tick) => ({ due_ms: tick.getTime() }),
    missed: "latest",
  });
  return { job, schedule };
}
