import type { z } from "zod";
import type { Enqueued, NewJob, PostgresClient } from "../contract/driver.ts";
import { JobKeyTakenError } from "../contract/errors.ts";
import { one } from "../contract/one.ts";
import type { EnqueueCallOptions, EnqueueJobOptions, JobDefinition } from "./define-job.ts";
import type { Metrics } from "./metrics.ts";
import type { Settings } from "./settings.ts";
import type { Workforce } from "./workforce.ts";

const ENQUEUE_BATCH = 5000;

export type JobInput<Input extends z.ZodType> = EnqueueJobOptions & { readonly input: z.input<Input> };

export type EnqueueManyCall = { readonly transaction?: PostgresClient };

/** Enqueues jobs: stores them for any worker, or hands them to a free slot of this process. */
export type Enqueuer = {
  /** Stores one job, or runs it immediately in this process. Throws JobSchemaError for an invalid input. */
  enqueue<Input extends z.ZodType>(
    job: JobDefinition<Input>,
    input: z.input<Input>,
    call?: EnqueueCallOptions,
  ): Promise<Enqueued>;
  /** Stores many jobs of one type, 5000 per statement; a transaction makes it atomic. Returns the ids in the order of the input. */
  enqueueMany<Input extends z.ZodType>(
    job: JobDefinition<Input>,
    inputs: readonly JobInput<Input>[],
    call?: EnqueueManyCall,
  ): Promise<Enqueued[]>;
};

export function createEnqueuer(settings: Settings, metrics: Metrics, workforce: Workforce): Enqueuer {
  const { driver, workerId, leaseMs } = settings;
  /** One token for all hand-overs: each is the first lease of its job, so token and id are unique together. */
  const handOverToken = crypto.randomUUID();

  async function enqueue<Input extends z.ZodType>(
    job: JobDefinition<Input>,
    input: z.input<Input>,
    call: EnqueueCallOptions = {},
  ): Promise<Enqueued> {
    const { transaction, ...jobOptions } = call;
    const newJob = job.toNewJob(input, jobOptions);
    const handedOver = transaction === undefined ? await handOver(newJob) : undefined;
    return handedOver ?? one(await store([newJob], transaction));
  }

  async function enqueueMany<Input extends z.ZodType>(
    job: JobDefinition<Input>,
    inputs: readonly JobInput<Input>[],
    call: EnqueueManyCall = {},
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
    const known = enqueued.filter(({ existed }) => existed).length;
    metrics.count("submitted", enqueued.length - known);
    if (known > 0) await requireSameTypes(newJobs, enqueued);
    if (transaction !== undefined) return enqueued;
    for (const queue of new Set(newJobs.map((job) => job.queue))) workforce.workerOf(queue)?.wake();
    return enqueued;
  }

  /** Reads the types of jobs known by their keys. Jobs of uncommitted transactions are not visible. */
  async function requireSameTypes(newJobs: readonly NewJob[], enqueued: readonly Enqueued[]) {
    const types = new Map<string, string>();
    for (const [position, { id, existed }] of enqueued.entries()) {
      const { idempotencyKey, type } = newJobs[position] ?? {};
      if (existed && idempotencyKey !== undefined && type !== undefined) types.set(id, type);
    }
    if (types.size === 0) return;
    const known = await driver.list({ ids: [...types.keys()] }, { limit: types.size });
    for (const job of known) {
      const type = types.get(job.id);
      if (type !== undefined && type !== job.type) throw new JobKeyTakenError(type, job);
    }
  }

  /** Undefined unless the job can start now, a local slot is free and the queue is not paused. */
  function handOver(job: NewJob): Promise<Enqueued | undefined> | undefined {
    const waits = job.runAt !== undefined || job.delayMs !== undefined;
    const keyed = job.idempotencyKey ?? job.concurrencyKey ?? job.replaceKey;
    if (!settings.handsOver || waits || keyed !== undefined || !settings.jobs.has(job.type)) return undefined;
    const request = { workerId, leaseMs, token: handOverToken };
    return workforce
      .workerOf(job.queue)
      ?.handOver(() => driver.handOver(job, request))
      ?.then((reserved) => {
        if (reserved === undefined) return undefined;
        metrics.count("submitted");
        return { id: reserved.jobId, existed: false };
      });
  }

  return { enqueue, enqueueMany };
}
