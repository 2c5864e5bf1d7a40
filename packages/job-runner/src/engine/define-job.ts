import type { z } from "zod";
import type { NewJob, PostgresClient } from "../contract/driver.ts";
import { JobOptionError } from "../contract/errors.ts";
import type { Instant } from "../contract/instant.ts";
import { checkOption, OPTIONS } from "../contract/option-schemas.ts";
import type { Backoff } from "./backoff.ts";
import type { JobContext } from "./job-context.ts";
import { parseInput, parseValue } from "./parse-value.ts";

export type JobOptions<Input extends z.ZodType, Output extends z.ZodType> = {
  /** The job's type. Keep it stable: stored jobs refer to it. */
  readonly name: string;
  /** Default "default". */
  readonly queue?: string;
  readonly input: Input;
  readonly output?: Output;
  /** Failures until the job is a dead letter. Default 25. */
  readonly maxAttempts?: number;
  readonly timeoutMs?: number;
  /** A run longer than five times this counts as stuck. */
  readonly expectedRunMs?: number;
  readonly backoff?: Partial<Backoff>;
  /** Smaller runs first. Default 0. */
  readonly priority?: number;
  /** At most `limit` (default 1) jobs with the same key run at once, across processes, queues and types. */
  readonly concurrency?: { key(input: z.output<Input>): string; readonly limit?: number };
  run(ctx: JobContext, input: z.output<Input>): Promise<z.input<Output>> | z.input<Output>;
};

export type EnqueueJobOptions = {
  /** Unique in its queue: a later enqueue with it returns the first job's id. */
  readonly idempotencyKey?: string;
  readonly priority?: number;
  readonly runAt?: Instant;
  readonly delayMs?: number;
  readonly queue?: string;
  /**
   * Replaces the waiting job of this type and queue with the same key that has not run: input, priority and time change, the id
   * stays. With `keepRunAt` the time stays as well. Not together with idempotencyKey.
   */
  readonly replace?: { readonly key: string; readonly keepRunAt?: boolean };
};

export type EnqueueCallOptions = {
  /** Stores the job in this transaction: it exists if and only if the transaction commits. */
  readonly transaction?: PostgresClient;
} & EnqueueJobOptions;

/** A job type with its schemas: `toNewJob` and `perform` validate input and output. */
export type JobDefinition<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> = {
  readonly name: string;
  readonly queue: string;
  readonly output: Output | undefined;
  readonly expectedRunMs: number | undefined;
  readonly backoff: Partial<Backoff> | undefined;
  /** Jobs with the same concurrency key that run at once; undefined: no key. */
  readonly keyLimit: number | undefined;
  /**
   * Stores the input as JSON; defaults and transforms apply when the job runs. Throws JobOptionError, and JobSchemaError for an
   * input that does not match the schema, before or after its conversion to JSON.
   */
  toNewJob(input: z.input<Input>, options?: EnqueueJobOptions): NewJob;
  perform(ctx: JobContext, payload: unknown): Promise<unknown>;
};

/** Defines a job type. Throws JobOptionError for an invalid name or limit. */
export function defineJob<Input extends z.ZodType, Output extends z.ZodType = z.ZodType>(
  job: JobOptions<Input, Output>,
): JobDefinition<Input, Output> {
  checkOption(`Job ${job.name}`, OPTIONS.job, job);
  checkOption(`The backoff of job ${job.name}`, OPTIONS.backoff, job.backoff ?? {});
  const queue = job.queue ?? "default";

  const fields = {
    queue,
    type: job.name,
    ...(job.priority !== undefined && { priority: job.priority }),
    ...(job.maxAttempts !== undefined && { maxAttempts: job.maxAttempts }),
    ...(job.timeoutMs !== undefined && { timeoutMs: job.timeoutMs }),
    ...(job.concurrency && { concurrencyLimit: job.concurrency.limit ?? 1 }),
  };

  function toNewJob(input: z.input<Input>, options?: EnqueueJobOptions): NewJob {
    const { payload, parsed } = parseInput(job.name, job.input, input);
    const call = options?.replace === undefined ? options : replacing(job.name, options);
    if (job.concurrency === undefined) return { ...fields, payload, ...call };
    const concurrencyKey = job.concurrency.key(parsed);
    return { ...fields, payload, concurrencyKey, ...call };
  }

  async function perform(ctx: JobContext, payload: unknown): Promise<unknown> {
    const output = await job.run(ctx, parseValue(job.name, "input", job.input, payload));
    return job.output === undefined ? output : parseValue(job.name, "output", job.output, output);
  }

  const { name, output, expectedRunMs, backoff } = job;
  const keyLimit = fields.concurrencyLimit;
  return { name, queue, output, expectedRunMs, backoff, keyLimit, toNewJob, perform };
}

function replacing(name: string, { replace, ...options }: EnqueueJobOptions) {
  if (options.idempotencyKey !== undefined) {
    throw new JobOptionError(`A ${name} job cannot combine an idempotency key with a replacement.`);
  }
  return {
    ...options,
    ...(replace && { replaceKey: replace.key, keepsRunAt: replace.keepRunAt ?? false }),
  };
}
