import type { z } from "zod";
import type { EnqueueCallOptions, EnqueueJobOptions, JobDefinition } from "./define-job.ts";
import type { DeadLetterFilter, Enqueued, NewJob, PostgresClient } from "./drivers/driver.ts";
import { createMetrics, type JobGauges } from "./metrics.ts";
import { type JobRunnerOptions, settingsOf } from "./runner-options.ts";
import { createWorkforce } from "./workforce.ts";

const DRAIN_MS = 10_000;
const MAINTAIN_EVERY_MS = 3_600_000;
const ENQUEUE_BATCH = 5000;
const STUCK_FACTOR = 5;

export type JobRunner = ReturnType<typeof createJobRunner>;
export type JobInput<Input extends z.ZodType> = EnqueueJobOptions & { readonly input: z.input<Input> };

/** A job engine over one store. Jobs can be enqueued before `start`, once the store is migrated. */
export function createJobRunner(options: JobRunnerOptions) {
  const settings = settingsOf(options);
  const { driver, logger } = settings;
  const metrics = createMetrics(gauges);
  const workforce = createWorkforce(settings, metrics);
  let hints: { close(): Promise<void> } | undefined;
  let maintenance: ReturnType<typeof setInterval> | undefined;

  /** Migrates, then starts the workers. */
  async function start(): Promise<void> {
    await settings.migrate?.();
    if (!settings.runsWorkers) return;
    await maintain();
    maintenance = setInterval(() => void maintain(), MAINTAIN_EVERY_MS);
    if (settings.jobs.size === 0) return;
    hints = await listen();
    workforce.start();
  }

  /** Claims nothing more; finishes what runs or, after `deadlineMs`, gives it back. Default 10 s. */
  async function drain(deadlineMs: number = DRAIN_MS): Promise<void> {
    clearInterval(maintenance);
    await workforce.drain(deadlineMs);
    await hints?.close().catch((error: unknown) => logDatabaseError("unlisten", error));
    hints = undefined;
  }

  /** Stores one job, or runs it here at once. Throws JobSchemaError when the input does not match. */
  async function enqueue<Input extends z.ZodType>(
    job: JobDefinition<Input>,
    input: z.input<Input>,
    call: EnqueueCallOptions = {},
  ): Promise<Enqueued> {
    const { transaction, ...jobOptions } = call;
    const newJob = job.toNewJob(input, jobOptions);
    const handedOver = transaction === undefined ? handOver(newJob) : undefined;
    const enqueued = handedOver === undefined ? (await store([newJob], transaction))[0] : await handedOver;
    if (enqueued === undefined) throw new Error("The store returned no id for the job.");
    return enqueued;
  }

  /** Stores many jobs of one type, 5000 a statement; give a transaction to have all or none. Ids in order. */
  async function enqueueMany<Input extends z.ZodType>(
    job: JobDefinition<Input>,
    inputs: readonly JobInput<Input>[],
    call: { transaction?: PostgresClient } = {},
  ): Promise<Enqueued[]> {
    const newJobs = inputs.map(({ input, ...jobOptions }) => job.toNewJob(input, jobOptions));
    const enqueued: Enqueued[][] = [];
    for (let from = 0; from < newJobs.length; from += ENQUEUE_BATCH) {
      enqueued.push(await store(newJobs.slice(from, from + ENQUEUE_BATCH), call.transaction));
    }
    return enqueued.flat();
  }

  async function store(newJobs: readonly NewJob[], transaction: PostgresClient | undefined) {
    const enqueued = await driver.enqueue(newJobs, transaction === undefined ? {} : { transaction });
    metrics.count("submitted", enqueued.filter(({ existed }) => !existed).length);
    const queue = newJobs[0]?.queue;
    if (transaction === undefined && queue !== undefined) workforce.workerOf(queue)?.wake();
    return enqueued;
  }

  /** Undefined unless the job may start now and a local slot is free. */
  function handOver(job: NewJob): Promise<Enqueued> | undefined {
    const waits = job.runAt !== undefined || job.delayMs !== undefined;
    const keyed = job.idempotencyKey !== undefined || job.concurrencyKey !== undefined;
    if (!settings.handsOver || waits || keyed || !settings.jobs.has(job.type)) return undefined;
    const { workerId, leaseMs } = settings;
    const request = { workerId, leaseMs, token: handOverToken };
    return workforce
      .workerOf(job.queue)
      ?.handOver(() => driver.handOver(job, request))
      ?.then(({ jobId }) => {
        metrics.count("submitted");
        return { id: jobId, existed: false };
      });
  }
  /** One token for all: a job that is handed over has its first lease, so the pair with its id is fresh. */
  const handOverToken = crypto.randomUUID();

  /** Cancels a queued or running job; a running one's signal aborts. False when it has ended or is unknown. */
  async function cancel(jobId: string, reason = "cancelled"): Promise<boolean> {
    const isCancelled = await driver.cancel(jobId, reason);
    if (isCancelled) {
      metrics.count("failed");
      workforce.cancelled(jobId);
      workforce.wakeAll();
    }
    return isCancelled;
  }

  async function requeue(
    filter: DeadLetterFilter,
    requeueOptions?: { keepAttempts?: boolean },
  ): Promise<number> {
    const count = await driver.requeue(filter, requeueOptions);
    if (count > 0) workforce.wakeAll();
    return count;
  }

  async function listen() {
    const onRunnable = (queue: string) => workforce.workerOf(queue)?.wake();
    return driver.listen?.({ onRunnable, onCancelled: workforce.cancelled }).catch((error: unknown) => {
      logDatabaseError("listen", error);
      return undefined;
    });
  }

  async function maintain() {
    await driver.maintain(settings.retention).catch((error: unknown) => logDatabaseError("maintain", error));
  }

  function logDatabaseError(operation: string, error: unknown) {
    metrics.databaseError(operation);
    logger.warn({ operation, error: error instanceof Error ? error.name : typeof error }, "database error");
  }

  function gauges(): JobGauges {
    const running = workforce.running();
    const nowMs = performance.now();
    const stuck = running.filter((run) => {
      const expectedMs = settings.jobs.get(run.job.type)?.expectedRunMs;
      return expectedMs !== undefined && nowMs - run.startedAtMs > expectedMs * STUCK_FACTOR;
    });
    return { running: running.length, stuck: stuck.length };
  }

  return {
    start,
    drain,
    enqueue,
    enqueueMany,
    cancel,
    requeue,
    get: driver.get,
    deadLetters: driver.deadLetters,
    stats: () => ({ ...metrics.counts, ...gauges() }),
    metrics: { prometheus: metrics.prometheus },
  };
}
