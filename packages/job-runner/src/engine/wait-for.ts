import type { z } from "zod";
import type { Driver, JobRecord } from "../contract/driver.ts";
import { JobFailedError, JobNotFoundError, JobOptionError, JobWaitTimeoutError } from "../contract/errors.ts";
import { type Backoff, backoffMs } from "./backoff.ts";
import type { JobDefinition } from "./define-job.ts";

const POLL_BACKOFF: Backoff = { baseMs: 20, factor: 1.5, maxMs: 1000, jitter: 0.1 };

export type WaitForOptions<Output extends z.ZodType = z.ZodType> = {
  /** The job's definition, for the type of the output. */
  readonly job?: JobDefinition<z.ZodType, Output>;
  /** Default: no limit. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

export type CompletedJob<Output> = Omit<JobRecord, "status" | "output"> & {
  readonly status: "completed";
  readonly output: Output;
};

/** Waits for jobs to end: polls the store, immediately when a job ended in this process. */
export type JobWaits = {
  /**
   * Resolves with the completed job. Throws JobFailedError when it failed or was cancelled, JobNotFoundError,
   * JobWaitTimeoutError, and the signal's reason.
   */
  waitFor<Output extends z.ZodType = z.ZodType>(
    jobId: string,
    options?: WaitForOptions<Output>,
  ): Promise<CompletedJob<z.output<Output>>>;
  /** Reports that a job ended in this process. */
  ended(jobId: string): void;
};

export function createJobWaits(driver: Driver): JobWaits {
  const waiting = new Map<string, Set<() => void>>();

  async function waitFor<Output extends z.ZodType = z.ZodType>(
    jobId: string,
    options: WaitForOptions<Output> = {},
  ): Promise<CompletedJob<z.output<Output>>> {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
    if (!(timeoutMs >= 0)) throw new JobOptionError("The timeoutMs of waitFor is 0 or more.");
    const endMs = performance.now() + timeoutMs;
    for (let polls = 1; ; polls += 1) {
      signal?.throwIfAborted();
      const hint = nextHint(jobId);
      try {
        const job = await driver.get(jobId);
        // The output was validated when the job ran.
        if (job?.status === "completed")
          return { ...job, status: job.status, output: job.output as z.output<Output> };
        if (job === undefined) throw new JobNotFoundError(jobId);
        if (job.status === "failed") throw new JobFailedError(job);
        const leftMs = endMs - performance.now();
        if (leftMs <= 0) throw new JobWaitTimeoutError(jobId, timeoutMs);
        await pause(hint.promise, Math.min(leftMs, backoffMs(polls, POLL_BACKOFF)), signal);
      } finally {
        hint.forget();
      }
    }
  }

  /** A job ended in this process. */
  function ended(jobId: string) {
    const wakers = waiting.get(jobId);
    if (wakers !== undefined) for (const wake of wakers) wake();
  }

  function nextHint(jobId: string) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wakers = waiting.get(jobId) ?? new Set();
    waiting.set(jobId, wakers.add(resolve));
    function forget() {
      wakers.delete(resolve);
      if (wakers.size === 0 && waiting.get(jobId) === wakers) waiting.delete(jobId);
    }
    return { promise, forget };
  }

  return { waitFor, ended };
}

/** Resolves at the hint, the time in ms or the abort, if earlier. */
async function pause(hint: Promise<void>, ms: number, signal: AbortSignal | undefined) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = setTimeout(wake, ms);
  signal?.addEventListener("abort", wake, { once: true });
  await Promise.race([hint, promise]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", wake);
}
