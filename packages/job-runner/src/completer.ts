import { type Backoff, backoffMs } from "./backoff.ts";
import type { Driver } from "./drivers/driver.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { JobRun } from "./job-run.ts";

const FLUSH_AFTER_MS = 3;
const FLUSH_BATCH = 1000;
const FLUSHES_IN_FLIGHT_MAX = 2;
const FLUSH_BACKOFF: Backoff = { baseMs: 20, factor: 2, maxMs: 1000, jitter: 0.2 };

interface Finished {
  readonly run: JobRun;
  readonly output: unknown;
}

export interface CompleterOptions {
  readonly driver: Driver;
  readonly heartbeat: Heartbeat;
  onCompleted(runs: readonly JobRun[]): void;
  onRefused(run: JobRun, error: Error): void;
  onError(error: unknown): void;
}

/**
 * Acknowledges finished jobs in batches: when one is full, or a few milliseconds after the first. Until then the
 * heartbeat keeps their leases. A batch that meets a database error is sent again: ack of a done job succeeds.
 */
export function createCompleter({ driver, heartbeat, onCompleted, onRefused, onError }: CompleterOptions) {
  const waiting: Finished[] = [];
  const flushing = new Set<Promise<void>>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending = 0;

  function add(run: JobRun, output: unknown) {
    waiting.push({ run, output });
    pending += 1;
    if (waiting.length >= FLUSH_BATCH) flush();
    else timer ??= setTimeout(flush, FLUSH_AFTER_MS);
  }

  function flush() {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0 || flushing.size >= FLUSHES_IN_FLIGHT_MAX) return;
    const batch = waiting.splice(0, FLUSH_BATCH);
    const sent = send(batch).finally(() => {
      flushing.delete(sent);
      pending -= batch.length;
      flush();
    });
    flushing.add(sent);
  }

  async function send(batch: readonly Finished[]) {
    for (let failures = 1; ; failures += 1) {
      const live = batch.filter(({ run }) => heartbeat.held.has(run));
      try {
        await acknowledge(live);
        return;
      } catch (error) {
        onError(error);
        await Bun.sleep(backoffMs(failures, FLUSH_BACKOFF));
      }
    }
  }

  async function acknowledge(batch: readonly Finished[]) {
    if (batch.length === 0) return;
    const refusals = await driver.ack(
      batch.map(({ run, output }) => ({ jobId: run.job.jobId, token: run.job.token, output })),
    );
    const refused = new Map(refusals.map(({ jobId, error }) => [jobId, error]));
    const completed: JobRun[] = [];
    for (const { run } of batch) {
      heartbeat.letGo(run);
      const error = refused.size > 0 ? refused.get(run.job.jobId) : undefined;
      if (error === undefined) completed.push(run);
      else onRefused(run, error);
    }
    onCompleted(completed);
  }

  /** Resolves when nothing waits any more. */
  async function idle() {
    while (pending > 0) {
      flush();
      await Promise.race([...flushing]);
    }
  }

  return {
    add,
    idle,
    get pending() {
      return pending;
    },
  };
}

export type Completer = ReturnType<typeof createCompleter>;
