import { type Backoff, backoffMs } from "./backoff.ts";
import type { Driver, ReservedJob } from "./drivers/driver.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { createJobRun, type JobRun } from "./job-run.ts";
import type { Metrics } from "./metrics.ts";

const CLAIM_BATCH_MAX = 1000;
/** So much work is claimed ahead: enough to hide a claim, too little to keep a job from an idle process. */
const PREFETCH_MS = 50;
const PREFETCH_MAX = 2000;
/** Weight of the newest run in the average that the prefetch is sized by. */
const RUN_AVERAGE_WEIGHT = 0.1;
/** Finished jobs that may wait for their acknowledgement before no more are started. */
const UNACKNOWLEDGED_MAX = 10_000;

export interface WorkerOptions {
  readonly driver: Driver;
  readonly queue: string;
  readonly types: readonly string[];
  readonly workerId: string;
  /** Jobs run at the same time. */
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly maxRecoveries: number;
  /** Pause after an empty or failed claim. */
  readonly idleBackoff: Backoff;
  readonly heartbeat: Heartbeat;
  readonly metrics: Metrics;
  /** Runs the job and sees to its outcome; resolves when its slot is free. Never rejects. */
  perform(run: JobRun): Promise<void>;
  unacknowledged(): number;
  onError(error: unknown): void;
}

/** Claims the jobs of one queue into a local buffer and runs them, so many at a time. */
export function createWorker(options: WorkerOptions) {
  const { driver, queue, concurrency, leaseMs, heartbeat, metrics } = options;
  const buffer: JobRun[] = [];
  const running = new Set<JobRun>();
  let bufferHead = 0;
  let expected = 0;
  let averageRunMs = Number.POSITIVE_INFINITY;
  let active = false;
  let claiming: Promise<void> | undefined;
  let mayHaveMore = true;
  let emptyClaims = 0;
  let pollTimer: ReturnType<typeof setTimeout> | undefined;
  let pumpQueued = false;

  function start() {
    active = true;
    wake();
  }

  /** Something may be runnable: claim now instead of at the next poll. */
  function wake() {
    emptyClaims = 0;
    mayHaveMore = true;
    clearTimeout(pollTimer);
    pump();
  }

  function pump() {
    while (running.size + expected < concurrency && bufferHead < buffer.length && !isBackedUp()) {
      const run = buffer[bufferHead];
      bufferHead += 1;
      if (run !== undefined && heartbeat.holds(run)) void perform(run);
      else if (run !== undefined) heartbeat.letGo(run);
    }
    if (bufferHead === buffer.length || bufferHead > PREFETCH_MAX) {
      buffer.splice(0, bufferHead);
      bufferHead = 0;
    }
    if (active && mayHaveMore && claiming === undefined && wanted() > 0) {
      claiming = claim().finally(() => {
        claiming = undefined;
        pump();
      });
    }
  }

  async function perform(run: JobRun) {
    running.add(run);
    run.startedAtMs = performance.now();
    await options.perform(run);
    running.delete(run);
    noteRun(performance.now() - run.startedAtMs);
    pumpSoon();
  }

  async function claim() {
    const limit = wanted();
    mayHaveMore = false;
    const sentAtMs = performance.now();
    try {
      const { jobs, recovered } = await driver.reserve({
        queue,
        types: options.types,
        workerId: options.workerId,
        leaseMs,
        limit,
        maxRecoveries: options.maxRecoveries,
      });
      metrics.count("recovered", recovered.requeued + recovered.dead);
      metrics.count("failed", recovered.dead);
      for (const job of jobs) buffer.push(hold(job, sentAtMs));
      if (jobs.length >= limit) mayHaveMore = true;
      if (jobs.length > 0) emptyClaims = 0;
    } catch (error) {
      options.onError(error);
    }
    if (!mayHaveMore) pollLater();
  }

  function pollLater() {
    emptyClaims += 1;
    clearTimeout(pollTimer);
    if (!active) return;
    const poll = () => {
      mayHaveMore = true;
      pump();
    };
    pollTimer = setTimeout(poll, backoffMs(emptyClaims, options.idleBackoff));
  }

  /** Jobs to ask for now: 0 until the buffer is half empty, so that claims stay large. */
  function wanted(): number {
    const ahead = prefetch();
    const buffered = buffer.length - bufferHead;
    const free = concurrency - running.size - expected;
    if (isBackedUp() || (buffered > ahead / 2 && buffered >= free)) return 0;
    return Math.min(CLAIM_BATCH_MAX, free + ahead - buffered);
  }

  function prefetch(): number {
    return Math.min(PREFETCH_MAX, Math.floor((concurrency * PREFETCH_MS) / averageRunMs));
  }

  function noteRun(ms: number) {
    const runMs = Math.max(ms, 0.001);
    const isFirst = averageRunMs === Number.POSITIVE_INFINITY;
    averageRunMs = isFirst ? runMs : averageRunMs + RUN_AVERAGE_WEIGHT * (runMs - averageRunMs);
  }

  function isBackedUp() {
    return options.unacknowledged() > UNACKNOWLEDGED_MAX;
  }

  function pumpSoon() {
    if (pumpQueued) return;
    pumpQueued = true;
    queueMicrotask(() => {
      pumpQueued = false;
      pump();
    });
  }

  function hold(job: ReservedJob, sentAtMs: number): JobRun {
    const run = createJobRun(job, sentAtMs, leaseMs);
    heartbeat.hold(run);
    metrics.observeClaim(job.waitedMs);
    return run;
  }

  /** Runs a job that is leased to this worker from its enqueue on; undefined when no slot is free for it. */
  function handOver(leased: () => Promise<ReservedJob>): Promise<ReservedJob> | undefined {
    const isIdle = active && !mayHaveMore && claiming === undefined && bufferHead === buffer.length;
    if (!isIdle || running.size + expected >= concurrency) return undefined;
    expected += 1;
    return receive(leased);
  }

  async function receive(leased: () => Promise<ReservedJob>) {
    const sentAtMs = performance.now();
    try {
      const job = await leased();
      buffer.push(hold(job, sentAtMs));
      return job;
    } finally {
      expected -= 1;
      pump();
    }
  }

  /** Claims nothing more, and returns the jobs that were never started. */
  async function stop(): Promise<JobRun[]> {
    active = false;
    clearTimeout(pollTimer);
    await claiming;
    const unstarted = buffer.splice(0).slice(bufferHead);
    bufferHead = 0;
    return unstarted;
  }

  return { queue, running, start, wake, resume: pump, handOver, stop };
}

export type Worker = ReturnType<typeof createWorker>;
